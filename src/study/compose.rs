//! The frames of a try: a pure function of the cell, the arm and the try's number.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::tag::{self, Tag};
use crate::frontend::ip::Family;
use crate::frontend::trace::compose::options;
use crate::packet::random;
use crate::profile::fragments::{Fragments, Identification, Layout, Order, Part};
use crate::profile::study::{Anomaly, ArmKind, Cell, Extension, ExtensionKind, Protocol, lawful};
use crate::units::Nanos;
use crate::wire::{checksum, ethernet, ethertype, icmp, icmpv6, ip_protocol, ipv4, ipv6, tcp, udp};

/// Bytes of the small whole packet's message.
pub const SMALL: usize = 64;
/// Bytes of the destination options of arm 4.
const DO8: usize = 8;
/// TCP's SYN.
const SYN: u8 = 2;
/// The hop limit: as the seeds' programs have it.
const HOPS: u8 = 255;
/// The sequence numbers of two packets are so far apart, in bits: no packet has more data.
const TCP_DATA_BITS: u32 = 11;
/// Bytes of data of a TCP packet at most.
pub const MAX_TCP_DATA: usize = (1 << TCP_DATA_BITS) - 1;
/// Tries after which TCP's sequence numbers come again.
pub const TCP_TRIES: u32 = 1 << (32 - TCP_DATA_BITS - 6);
/// ECN codepoints (RFC 3168 §5).
const CONGESTION: u8 = 3;
/// The random sequence that shuffles the fragments of a try.
const SHUFFLE: u32 = 1;

/// Who sends to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// MAC of the tester.
    pub src_mac: [u8; 6],
    /// MAC of the next hop, IPv4's and IPv6's.
    pub dst_mac: [[u8; 6]; 2],
    /// Source and destination over IPv4.
    pub ipv4: Option<(Ipv4Addr, Ipv4Addr)>,
    /// Source and destination over IPv6.
    pub ipv6: Option<(Ipv6Addr, Ipv6Addr)>,
    /// Source port; of ICMP the echo identifier.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// The name that DNS queries ask for.
    pub name: String,
}

/// What is the same in all packets of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// The ends.
    pub ends: Ends,
    /// Tells studies apart; flow label, sequence numbers and identifications follow from it.
    pub study: u32,
}

/// A frame and when it is due after the first of its try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds after the first.
    pub at: u64,
    /// Which fragment or packet of the try.
    pub index: u8,
    /// First byte of the datagram that it has.
    pub offset: u16,
    /// The bytes, without FCS.
    pub bytes: Vec<u8>,
}

impl Ends {
    /// Source and destination of a family.
    pub fn addresses(&self, family: Family) -> Option<(IpAddr, IpAddr)> {
        match family {
            Family::V4 => self.ipv4.map(|(src, dst)| (src.into(), dst.into())),
            Family::V6 => self.ipv6.map(|(src, dst)| (src.into(), dst.into())),
        }
    }
}

impl Common {
    /// The flow label of every packet: load sharing sends all arms one way.
    fn flow_label(&self) -> u32 {
        (random::mix(u64::from(self.study)) as u32) & 0xf_ffff
    }

    /// The identification of a try's datagram: a bijection, so that none comes twice (RFC 7739 §5),
    /// and not the next number.
    pub fn id(&self, cell: &Cell, seq: u32) -> u32 {
        let key = random::mix(u64::from(self.study) ^ 0x1d) as u32;
        let seq = match (cell.anomaly, cell.fragments.id) {
            (Anomaly::IdReuse, _) => 0,
            (_, Some(Identification::Fixed(id))) => return id,
            (_, Some(Identification::From(first))) => return counted(cell, first, seq),
            (_, Some(Identification::Reuse(count))) => (u64::from(seq) % count.max(1)) as u32,
            _ => seq,
        };
        let id = seq.wrapping_mul(0x9E37_79B1).wrapping_add(key);
        match cell.family {
            Family::V6 => id,
            // An odd factor stays one modulo 2^16.
            Family::V4 => id & 0xffff,
        }
    }

    /// TCP's sequence number of a packet of a try: what comes back tells both.
    pub fn tcp_seq(&self, seq: u32, index: u8) -> u32 {
        let key = random::mix(u64::from(self.study) ^ 0x7c) as u32;
        let number = seq.wrapping_mul(64).wrapping_add(u32::from(index));
        key.wrapping_add(number << TCP_DATA_BITS)
    }

    /// The packet of an acknowledgment number, and its try modulo [`TCP_TRIES`]. A SYN-ACK acknowledges
    /// the SYN alone, a reset the data too.
    pub fn of_tcp_ack(&self, ack: u32) -> (u32, u8) {
        let number = ack.wrapping_sub(self.tcp_seq(0, 0)).wrapping_sub(1) >> TCP_DATA_BITS;
        (number / 64, (number % 64) as u8)
    }
}

/// The identification of a try's datagram, counted from the profile's first.
fn counted(cell: &Cell, first: u32, seq: u32) -> u32 {
    let id = first.wrapping_add(seq);
    if cell.family == Family::V4 { id & 0xffff } else { id }
}

/// How an arm's datagrams are laid out; None: the arm is whole packets.
///
/// # Errors
/// Why they cannot be.
fn layout(cell: &Cell, arm: ArmKind) -> Result<Option<Layout>, String> {
    let after = extension_of(cell, arm).filter(|extension| extension.after).map_or(0, |e| e.len);
    let headers = after + header_len(cell);
    // A DNS query has no place for a tag.
    let headers = if cell.protocol == Protocol::Dns { cell.len + after } else { headers };
    let len = cell.len + after;
    let ip = match cell.family {
        Family::V4 => ipv4::LEN,
        Family::V6 => ipv6::LEN + 8,
    };
    let of = |fragments: &Fragments| fragments.layout(len, headers, ip, tag::LEN);
    match arm {
        ArmKind::Small | ArmKind::Whole | ArmKind::DestinationOptions | ArmKind::Extension => {
            Ok(None)
        }
        ArmKind::Atomic => {
            let whole = crate::profile::fragments::Cut::Count(1);
            of(&lawful(whole, Order::In, Nanos(0))).map(Some)
        }
        ArmKind::Burst | ArmKind::Fragments => of(&cell.fragments).map(Some),
        ArmKind::Anomaly => anomalous(cell, &of, len).map(Some),
    }
}

/// Bends lawful fragments.
fn anomalous(
    cell: &Cell,
    of: &dyn Fn(&Fragments) -> Result<Layout, String>,
    len: usize,
) -> Result<Layout, String> {
    let lawful = of(&cell.fragments)?;
    let count = lawful.parts.len();
    let Layout { mut parts, mut steps, .. } = lawful;
    let last = count - 1;
    match cell.anomaly {
        Anomaly::None | Anomaly::EcnMix | Anomaly::Nested | Anomaly::IdReuse => {}
        Anomaly::MissingFirst => steps.retain(|step| *step != 0),
        Anomaly::MissingMiddle => {
            let middle = if count == 2 { 1 } else { count / 2 };
            steps.retain(|step| *step != middle);
        }
        Anomaly::MissingLast => steps.retain(|step| *step != last),
        Anomaly::Duplicate => {
            let at = steps.iter().position(|step| *step == 0).unwrap_or(0);
            // Before what completes the datagram, whatever the order.
            let at = if at == steps.len() - 1 { 0 } else { at };
            let twice = steps[at];
            steps.insert(at, twice);
        }
        Anomaly::DuplicateAfter => steps.push(0),
        Anomaly::OverlapHead => {
            parts[1].offset -= 8;
            parts[1].len += 8;
        }
        Anomaly::OverlapTail => {
            parts[0].len += 8;
            let (first, second) = (at_step(&steps, 0), at_step(&steps, 1));
            if first < second {
                steps.swap(first, second);
            }
        }
        Anomaly::OverlapContained => {
            let inside = parts[0].len / 2 / 8 * 8;
            parts.push(Part {
                offset: inside,
                len: (parts[0].len - inside).min(64),
                more: true,
                other: true,
            });
            steps.insert(at_step(&steps, 0) + 1, parts.len() - 1);
        }
        Anomaly::OverlapSuperset => {
            let longer = Part { len: (parts[0].len + 8).min(len), ..parts[0] };
            parts.push(longer);
            steps.insert(at_step(&steps, 0) + 1, parts.len() - 1);
        }
        Anomaly::OddLength => parts[0].len -= 3,
        Anomaly::TooLong => {
            parts.push(Part { offset: 65_528, len: 64, more: false, other: false });
            steps.push(parts.len() - 1);
        }
    }
    // Places for tags have to be looked for again: a bent fragment may cover another's.
    let pieces = parts
        .iter()
        .map(|part| crate::profile::fragments::PieceSpec {
            offset: part.offset,
            length: part.len,
            more: Some(part.more),
            other: part.other,
        })
        .collect();
    let bent = Fragments {
        order: Order::In,
        ..Fragments::new(crate::profile::fragments::Cut::Pieces(pieces))
    };
    Ok(Layout { steps, ..of(&bent)? })
}

fn at_step(steps: &[usize], part: usize) -> usize {
    steps.iter().position(|step| *step == part).unwrap_or(0)
}

/// The extension header of an arm, if it has one.
fn extension_of(cell: &Cell, arm: ArmKind) -> Option<Extension> {
    match arm {
        ArmKind::DestinationOptions => {
            Some(Extension { kind: ExtensionKind::DestinationOptions, len: DO8, after: false })
        }
        ArmKind::Extension | ArmKind::Fragments | ArmKind::Anomaly => cell.extension,
        ArmKind::Small | ArmKind::Whole | ArmKind::Burst | ArmKind::Atomic => None,
    }
}

/// Bytes of the transport header.
fn header_len(cell: &Cell) -> usize {
    match cell.protocol {
        Protocol::Udp | Protocol::Icmp | Protocol::Dns => udp::LEN,
        Protocol::Tcp => cell.tcp_header,
    }
}

/// How many fragments or packets an arm has, distinct ones.
///
/// # Errors
/// Why it cannot be made.
pub fn count(cell: &Cell, arm: ArmKind) -> Result<usize, String> {
    Ok(layout(cell, arm)?.map_or(1, |layout| layout.parts.len()))
}

/// How many frames a try of an arm has, duplicates included.
///
/// # Errors
/// As [`count`].
pub fn frames_of(cell: &Cell, arm: ArmKind) -> Result<usize, String> {
    Ok(match layout(cell, arm)? {
        None => 1,
        Some(layout) if arm == ArmKind::Burst => layout.parts.len(),
        Some(layout) => layout.steps.len(),
    })
}

/// The fragments or packets of an arm that are sent, a bit each: an anomaly may leave some out.
///
/// # Errors
/// As [`count`].
pub fn sent(cell: &Cell, arm: ArmKind) -> Result<u64, String> {
    let bit = |index: usize| 1_u64.checked_shl(index as u32).unwrap_or(0);
    Ok(match layout(cell, arm)? {
        None => 1,
        Some(layout) if arm == ArmKind::Burst => (0..layout.parts.len()).fold(0, |m, n| m | bit(n)),
        Some(layout) => layout.steps.iter().fold(0, |mask, step| mask | bit(*step)),
    })
}

/// Offsets of an arm's fragments, by their index.
///
/// # Errors
/// As [`count`].
pub fn offsets(cell: &Cell, arm: ArmKind) -> Result<Vec<u16>, String> {
    let layout = layout(cell, arm)?.filter(|_| arm.is_fragmented());
    Ok(layout.map_or_else(Vec::new, |layout| {
        layout.parts.iter().map(|part| part.offset as u16).collect()
    }))
}

/// The frames of a try, in the order in which they are sent.
///
/// # Errors
/// A family without addresses; a layout that cannot be made.
pub fn frames(common: &Common, cell: &Cell, arm: ArmKind, seq: u32) -> Result<Vec<Frame>, String> {
    let layout = layout(cell, arm)?;
    let id = common.id(cell, seq);
    let packet = Packet { common, cell, id, extension: extension_of(cell, arm) };
    let tag = Tag { study: common.study, seq, count: 1, id, ..Tag::default() };
    match (arm, layout) {
        (ArmKind::Burst, Some(layout)) => {
            let count = layout.parts.len() as u8;
            let least = header_len(cell) + tag::LEN;
            let small = |(index, part): (usize, &Part)| {
                let len = match cell.protocol {
                    Protocol::Dns => part.len.max(dns_least(&common.ends.name)),
                    _ => part.len.max(least),
                };
                let tag = Tag { index: index as u8, count, burst: true, len: len as u16, ..tag };
                let place = (cell.protocol != Protocol::Dns).then_some((header_len(cell), tag));
                let message = packet.message(len, seq, index as u8, place.as_slice())?;
                let bytes = packet.whole(&message)?;
                Ok(Frame { at: 0, index: index as u8, offset: 0, bytes })
            };
            layout.parts.iter().enumerate().map(small).collect()
        }
        (_, Some(layout)) => packet.fragments(arm, seq, tag, &layout),
        (_, None) => {
            let len = match (arm, cell.protocol) {
                (ArmKind::Small, Protocol::Dns) => dns_least(&common.ends.name),
                (ArmKind::Small, Protocol::Tcp) => cell.tcp_header + tag::LEN,
                (ArmKind::Small, _) => SMALL,
                _ => cell.len,
            };
            let tag = Tag { len: len as u16, ..tag };
            let place = (cell.protocol != Protocol::Dns).then_some((header_len(cell), tag));
            let message = packet.message(len, seq, 0, place.as_slice())?;
            let bytes = packet.whole(&message)?;
            Ok(vec![Frame { at: 0, index: 0, offset: 0, bytes }])
        }
    }
}

/// The frame of a whole UDP datagram to the cell's destination: for what is no try.
///
/// # Errors
/// A family without addresses.
pub fn datagram(common: &Common, cell: &Cell, payload: &[u8]) -> Result<Vec<u8>, String> {
    let cell = Cell { protocol: Protocol::Udp, df: false, ..cell.clone() };
    let packet = Packet { common, cell: &cell, id: 0, extension: None };
    let mut message = vec![0; udp::LEN];
    message.extend(payload);
    let pseudo = packet.pseudo(message.len())?;
    let (src, dst) = (common.ends.src_port, common.ends.dst_port);
    udp::Repr { src, dst, payload_len: payload.len() as u16 }.emit(&mut message, pseudo);
    packet.whole(&message)
}

/// What the packets of a try share.
struct Packet<'a> {
    common: &'a Common,
    cell: &'a Cell,
    id: u32,
    extension: Option<Extension>,
}

impl Packet<'_> {
    /// The transport message of `len` bytes, with tags at their places in it.
    fn message(
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

    fn pseudo(&self, len: usize) -> Result<u64, String> {
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
    fn whole(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self.extension {
            Some(extension) => {
                let header = extension_header(extension, self.protocol());
                self.ip(number(extension.kind), &[&header, message].concat(), None, 0)
            }
            None => self.ip(self.protocol(), message, None, 0),
        }
    }

    fn fragments(
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

/// Bytes of a DNS query over UDP without padding: header, name, type and class, OPT record with an
/// empty padding option.
pub fn dns_least(name: &str) -> usize {
    udp::LEN + 12 + dns_name(name, 0, 0, 0).len() + 4 + 11 + 4
}

/// The transaction that a query of a try is, from what it is known by: its identifier.
pub fn dns_id(study: u32, seq: u32, index: u8) -> u16 {
    (random::mix(u64::from(study) << 32 | u64::from(seq)) as u16).wrapping_add(u16::from(index))
}

/// The question's name: one label that says the try, then the name.
fn dns_name(name: &str, study: u32, seq: u32, index: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let token = format!("ws{study:08x}{seq:08x}{index:02x}");
    for label in std::iter::once(token.as_str()).chain(name.split('.')) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// The try and packet that a DNS answer's question names.
pub fn of_dns_answer(message: &[u8], study: u32) -> Option<(u32, u8)> {
    // QR, and at least one question.
    if message.get(2)? & 0x80 == 0 || message.get(4..6)? == [0, 0] {
        return None;
    }
    let label = message.get(13..13 + 20)?;
    let text = std::str::from_utf8(label).ok().filter(|_| message[12] == 20)?;
    let text = text.to_ascii_lowercase();
    let rest = text.strip_prefix(&format!("ws{study:08x}"))?;
    let seq = u32::from_str_radix(rest.get(..8)?, 16).ok()?;
    let index = u8::from_str_radix(rest.get(8..)?, 16).ok()?;
    Some((seq, index))
}

/// Fills `message` with a query for the name's addresses, padded (RFC 7830) to its length.
fn dns_query(message: &mut [u8], name: &str, study: u32, seq: u32, index: u8) {
    let id = dns_id(study, seq, index).to_be_bytes();
    // Recursion desired; one question, one additional record.
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend(dns_name(name, study, seq, index));
    query.extend([0, 1, 0, 1]);
    let padding = message.len().saturating_sub(query.len() + 11 + 4) as u16;
    // OPT: root, type 41, 4096 bytes of answer, no flags; option 12.
    query.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0]);
    query.extend((padding + 4).to_be_bytes());
    query.extend([0, 12]);
    query.extend(padding.to_be_bytes());
    query.resize(message.len(), 0);
    message.copy_from_slice(&query[..message.len()]);
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
