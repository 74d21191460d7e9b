//! The packets of a try: transport message, extension headers, fragments, IP, Ethernet.

use super::super::tag::{self, Tag};
use super::dns::dns_query;
use super::{Common, Ends, Frame};
use crate::frontend::ip::Family;
use crate::frontend::trace::compose::options;
use crate::packet::random;
use crate::profile::fragments::{Layout, Order, Part};
use crate::profile::study::{Anomaly, ArmKind, Cell, Extension, ExtensionKind, Protocol};
use crate::wire::{checksum, ethernet, ethertype, icmp, icmpv6, ip_protocol, ipv4, ipv6, tcp, udp};

/// TCP's SYN.
const SYN: u8 = 2;
/// The hop limit: as the seeds' programs have it.
const HOPS: u8 = 255;
/// ECN codepoints (RFC 3168 §5).
const CONGESTION: u8 = 3;
/// The random sequence that shuffles the fragments of a try.
const SHUFFLE: u32 = 1;

/// What the packets of a try share.
pub(super) struct Packet<'a> {
    pub(super) common: &'a Common,
    pub(super) cell: &'a Cell,
    pub(super) id: u32,
    pub(super) extension: Option<Extension>,
}

impl Packet<'_> {
    /// The transport message of `len` bytes, with tags at their places in it.
    pub(super) fn message(
        &self,
        len: usize,
        seq: u32,
        index: u8,
        tags: &[(usize, Tag)],
    ) -> Result<Vec<u8>, String> {
        let Ends { src_port: src, dst_port: dst, name, .. } = &self.common.ends;
        let mut message: Vec<u8> = (0..len).map(|at| at as u8).collect();
        for (at, tag) in tags {
            message[*at..at + tag::LEN].copy_from_slice(&tag.bytes());
        }
        let pseudo = self.pseudo(len)?;
        let payload_len = (len - udp::LEN) as u16;
        match self.cell.protocol {
            Protocol::Udp => {
                udp::Repr { src: *src, dst: *dst, payload_len }.emit(&mut message, pseudo);
            }
            Protocol::Dns => {
                dns_query(&mut message[udp::LEN..], name, self.common.study, seq, index);
                udp::Repr { src: *src, dst: *dst, payload_len }.emit(&mut message, pseudo);
            }
            Protocol::Icmp => {
                let (code, id, seq) = (0, *src, seq as u16);
                match self.cell.family {
                    Family::V4 => {
                        let message_type = icmp::ECHO_REQUEST;
                        icmp::Repr { message_type, code, id, seq }.emit(&mut message);
                    }
                    Family::V6 => {
                        let message_type = icmpv6::ECHO_REQUEST;
                        icmpv6::Repr { message_type, code, id, seq }.emit(&mut message, pseudo);
                    }
                }
            }
            Protocol::Tcp => {
                let header = self.cell.tcp_header;
                // No operation, as often as there is room.
                message[tcp::LEN..header].fill(1);
                tcp::Repr {
                    src: *src,
                    dst: *dst,
                    seq: self.common.tcp_seq(seq, index),
                    ack: 0,
                    flags: SYN,
                    window: 65_535,
                    urgent: 0,
                }
                .emit(&mut message, pseudo);
                message[12] = ((header / 4) as u8) << 4;
                message[16..18].fill(0);
                let sum = !checksum::fold(pseudo + checksum::sum(&message));
                message[16..18].copy_from_slice(&sum.to_be_bytes());
            }
        }
        Ok(message)
    }

    pub(super) fn pseudo(&self, len: usize) -> Result<u64, String> {
        let ends = &self.common.ends;
        let number = self.protocol();
        match self.cell.family {
            Family::V4 => ends
                .ipv4
                .map(|(src, dst)| checksum::pseudo_ipv4(src, dst, number, len as u32))
                .ok_or_else(|| no_address("IPv4")),
            Family::V6 => ends
                .ipv6
                .map(|(src, dst)| checksum::pseudo_ipv6(src, dst, number, len as u32))
                .ok_or_else(|| no_address("IPv6")),
        }
    }

    fn protocol(&self) -> u8 {
        match (self.cell.protocol, self.cell.family) {
            (Protocol::Udp | Protocol::Dns, _) => ip_protocol::UDP,
            (Protocol::Tcp, _) => ip_protocol::TCP,
            (Protocol::Icmp, Family::V4) => ip_protocol::ICMP,
            (Protocol::Icmp, Family::V6) => ip_protocol::ICMPV6,
        }
    }

    /// A frame with one whole packet, the extension header before the message.
    pub(super) fn whole(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self.extension {
            Some(extension) => {
                let header = extension_header(extension, self.protocol());
                self.ip(number(extension.kind), &[&header, message].concat(), None, 0)
            }
            None => self.ip(self.protocol(), message, None, 0),
        }
    }

    pub(super) fn fragments(
        &self,
        arm: ArmKind,
        seq: u32,
        tag: Tag,
        layout: &Layout,
    ) -> Result<Vec<Frame>, String> {
        let after = self.extension.filter(|extension| extension.after);
        let before = self.extension.filter(|extension| !extension.after);
        let lead = after.map_or_else(Vec::new, |e| extension_header(e, self.protocol()));
        let inner = after.map_or(self.protocol(), |extension| number(extension.kind));
        let count = layout.parts.len() as u8;
        let tag_of = |index: usize, part: &Part| Tag {
            index: index as u8,
            count,
            offset: part.offset as u16,
            len: part.len as u16,
            ..tag
        };
        let tags: Vec<(usize, Tag)> = layout
            .parts
            .iter()
            .zip(&layout.tags)
            .enumerate()
            .filter(|(_, (part, _))| !part.other)
            .filter_map(|(index, (part, at))| {
                Some((part.offset + (*at)? - lead.len(), tag_of(index, part)))
            })
            .filter(|(at, _)| at + tag::LEN <= self.cell.len)
            .collect();
        let message = self.message(self.cell.len, seq, 0, &tags)?;
        let datagram = [lead, message].concat();
        let nested = arm == ArmKind::Anomaly && self.cell.anomaly == Anomaly::Nested;
        let mixed = arm == ArmKind::Anomaly && self.cell.anomaly == Anomaly::EcnMix;
        let frame = |index: usize| {
            let part = &layout.parts[index];
            // What lies behind the datagram's end is zeros.
            let byte = |at: usize| datagram.get(part.offset + at).copied().unwrap_or(0);
            let other = if part.other { 0xff } else { 0 };
            let mut data: Vec<u8> = (0..part.len).map(|at| byte(at) ^ other).collect();
            if let (true, Some(at)) = (part.other, layout.tags[index]) {
                data[at..at + tag::LEN].copy_from_slice(&tag_of(index, part).bytes());
            }
            let ecn = if mixed && part.offset > 0 { CONGESTION } else { 0 };
            let bytes = match self.cell.family {
                Family::V4 => self.ip(inner, &data, Some((part.offset as u16, part.more)), ecn)?,
                Family::V6 => {
                    let mut packet = Vec::with_capacity(data.len() + 16);
                    let mut next = ip_protocol::FRAGMENT;
                    if let Some(extension) = before {
                        packet.extend(extension_header(extension, next));
                        next = number(extension.kind);
                    }
                    if nested {
                        packet.extend(fragment_header(ip_protocol::FRAGMENT, 0, false, !self.id));
                    }
                    let place = part.offset as u16;
                    packet.extend(fragment_header(inner, place, part.more, self.id));
                    packet.extend(data);
                    self.ip(next, &packet, None, ecn)?
                }
            };
            Ok(Frame { at: 0, index: index as u8, offset: part.offset as u16, bytes })
        };
        let mut order = layout.steps.clone();
        if self.cell.fragments.order == Order::Shuffled && arm != ArmKind::Atomic {
            shuffle(&mut order, random::key(u64::from(self.common.study), seq, SHUFFLE));
        }
        let gap = if arm == ArmKind::Atomic { 0 } else { self.cell.fragments.gap.0 };
        let timed = |(step, part): (usize, usize)| {
            frame(part).map(|frame| Frame { at: step as u64 * gap, ..frame })
        };
        order.into_iter().enumerate().map(timed).collect()
    }

    /// The Ethernet frame of an IP packet. `fragment` is IPv4's: first byte, more fragments.
    fn ip(
        &self,
        next: u8,
        payload: &[u8],
        fragment: Option<(u16, bool)>,
        ecn: u8,
    ) -> Result<Vec<u8>, String> {
        let ends = &self.common.ends;
        let payload_len = u16::try_from(payload.len())
            .map_err(|_| format!("a packet of {} bytes", payload.len()))?;
        let mut frame = vec![0; ethernet::LEN];
        let ether = |ethertype, hop: usize| ethernet::Repr {
            dst: ends.dst_mac[hop],
            src: ends.src_mac,
            ethertype,
        };
        match self.cell.family {
            Family::V4 => {
                let (src, dst) = ends.ipv4.ok_or_else(|| no_address("IPv4"))?;
                ether(ethertype::IPV4, 0).emit(&mut frame);
                frame.resize(ethernet::LEN + ipv4::LEN, 0);
                let (offset, mf) = fragment.unwrap_or_default();
                ipv4::Repr {
                    dscp: 0,
                    ecn,
                    id: self.id as u16,
                    df: self.cell.df,
                    mf,
                    fragment_offset: offset / 8,
                    ttl: HOPS,
                    protocol: next,
                    src,
                    dst,
                    payload_len,
                }
                .emit(&mut frame[ethernet::LEN..]);
            }
            Family::V6 => {
                let (src, dst) = ends.ipv6.ok_or_else(|| no_address("IPv6"))?;
                ether(ethertype::IPV6, 1).emit(&mut frame);
                frame.resize(ethernet::LEN + ipv6::LEN, 0);
                ipv6::Repr {
                    dscp: 0,
                    ecn,
                    flow_label: self.common.flow_label(),
                    payload_len,
                    next_header: next,
                    hop_limit: HOPS,
                    src,
                    dst,
                }
                .emit(&mut frame[ethernet::LEN..]);
            }
        }
        frame.extend(payload);
        // Ethernet's shortest frame, without its FCS: veth does not pad.
        frame.resize(frame.len().max(60), 0);
        Ok(frame)
    }
}

fn no_address(family: &str) -> String {
    format!("there is no {family} address to send from, or none to send to")
}

fn fragment_header(next: u8, offset: u16, more: bool, id: u32) -> [u8; 8] {
    let place = ((offset & 0xfff8) | u16::from(more)).to_be_bytes();
    let id = id.to_be_bytes();
    [next, 0, place[0], place[1], id[0], id[1], id[2], id[3]]
}

/// The protocol number of an extension header.
fn number(kind: ExtensionKind) -> u8 {
    match kind {
        ExtensionKind::HopByHop => ip_protocol::HOP_BY_HOP,
        ExtensionKind::DestinationOptions => ip_protocol::DESTINATION_OPTIONS,
        ExtensionKind::Routing => ip_protocol::ROUTING,
        ExtensionKind::Authentication => ip_protocol::AUTHENTICATION,
    }
}

/// The bytes of an extension header.
fn extension_header(extension: Extension, next: u8) -> Vec<u8> {
    let Extension { kind, len, .. } = extension;
    let mut header = match kind {
        ExtensionKind::HopByHop | ExtensionKind::DestinationOptions => return options(next, len),
        // Type 253 is for experiments (RFC 4727 §3), and no segments are left (RFC 8200 §4.4).
        ExtensionKind::Routing => vec![next, (len / 8 - 1) as u8, 253, 0],
        // In words, less two (RFC 4302 §2.2); SPI 256 is the first that is not reserved.
        ExtensionKind::Authentication => {
            vec![next, (len / 4 - 2) as u8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        }
    };
    header.resize(len, 0);
    header
}

/// Fisher and Yates, of a key.
fn shuffle(steps: &mut [usize], key: u64) {
    for last in (1..steps.len()).rev() {
        let with = random::below(key, last as u64, last as u64 + 1) as usize;
        steps.swap(last, with);
    }
}
