//! The bytes of a probe.
//!
//! Ports, identifiers, flow label and checksums are the same in every probe of a run, whatever its
//! token, so that routers that share load by them send all along one path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::probe::{Arm, Flow, Probe, Protocol};
use crate::wire::{checksum, icmp, icmpv6, ip_protocol, ipv4, ipv6, tcp, udp};

/// Option of one byte that pads (RFC 8200 §4.2).
const PAD_N: u8 = 1;
/// Option for experiments whose type says "skip over if unknown" (RFC 4727 §2): receivers drop
/// padding of more than 7 bytes, and not this.
const EXPERIMENTAL_SKIP: u8 = 0x1e;
/// TCP's SYN.
const SYN: u8 = 2;

/// The IP packets of a probe, in the order in which they are sent: one, or two fragments.
pub fn packets(flow: &Flow, probe: &Probe) -> Vec<Vec<u8>> {
    match (flow.src, flow.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => v4(flow, probe, src, dst),
        (IpAddr::V6(src), IpAddr::V6(dst)) => v6(flow, probe, src, dst),
        // `address::source` gives an address of the destination's family.
        _ => Vec::new(),
    }
}

/// The transport message of a probe, `len` bytes: what a ping socket is given.
pub fn message(flow: &Flow, token: u16, len: usize) -> Vec<u8> {
    let len = if flow.protocol == Protocol::Tcp { tcp::LEN } else { len };
    let mut message: Vec<u8> = (0..len).map(|at| at as u8).collect();
    let number = protocol_number(flow);
    let covered = message.len() as u32;
    let pseudo = match (flow.src, flow.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => checksum::pseudo_ipv4(src, dst, number, covered),
        (IpAddr::V6(src), IpAddr::V6(dst)) => checksum::pseudo_ipv6(src, dst, number, covered),
        _ => 0,
    };
    match flow.protocol {
        Protocol::Icmp => {
            // The complement of the sequence number keeps the checksum what it is.
            message[icmp::LEN..icmp::LEN + 2].copy_from_slice(&(!token).to_be_bytes());
            let (code, id, seq) = (0, flow.src_port, token);
            if flow.dst.is_ipv4() {
                icmp::Repr { message_type: icmp::ECHO_REQUEST, code, id, seq }.emit(&mut message);
            } else {
                icmpv6::Repr { message_type: icmpv6::ECHO_REQUEST, code, id, seq }
                    .emit(&mut message, pseudo);
            }
        }
        Protocol::Udp => {
            let payload = udp_payload(token, len - udp::LEN);
            message[udp::LEN..].copy_from_slice(&payload);
            let payload_len = payload.len() as u16;
            udp::Repr { src: flow.src_port, dst: flow.dst_port, payload_len }
                .emit(&mut message, pseudo);
        }
        Protocol::Tcp => tcp::Repr {
            src: flow.src_port,
            dst: flow.dst_port,
            seq: flow.base.wrapping_add(u32::from(token)),
            ack: 0,
            flags: SYN,
            window: 65_535,
            urgent: 0,
        }
        .emit(&mut message, pseudo),
    }
    message
}

/// The payload of a UDP probe, `len` bytes, at least 4: the token and its complement, which
/// together leave the checksum alone.
pub fn udp_payload(token: u16, len: usize) -> Vec<u8> {
    let mut payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
    payload[..2].copy_from_slice(&token.to_be_bytes());
    payload[2..4].copy_from_slice(&(!token).to_be_bytes());
    payload
}

fn protocol_number(flow: &Flow) -> u8 {
    match (flow.protocol, flow.dst) {
        (Protocol::Udp, _) => ip_protocol::UDP,
        (Protocol::Tcp, _) => ip_protocol::TCP,
        (Protocol::Icmp, IpAddr::V4(_)) => ip_protocol::ICMP,
        (Protocol::Icmp, IpAddr::V6(_)) => ip_protocol::ICMPV6,
    }
}

/// Where a message is cut: about its middle, at a multiple of 8 bytes, behind all headers.
fn cut(len: usize) -> usize {
    (len / 2).next_multiple_of(8)
}

fn v4(flow: &Flow, probe: &Probe, src: Ipv4Addr, dst: Ipv4Addr) -> Vec<Vec<u8>> {
    let message = message(flow, probe.token, probe.size.max(flow.min_size(probe.arm)) - ipv4::LEN);
    let packet = |offset: usize, part: &[u8], df, mf| {
        let mut packet = vec![0; ipv4::LEN];
        ipv4::Repr {
            dscp: 0,
            ecn: 0,
            id: probe.token,
            df,
            mf,
            fragment_offset: (offset / 8) as u16,
            ttl: probe.hop,
            protocol: protocol_number(flow),
            src,
            dst,
            payload_len: part.len() as u16,
        }
        .emit(&mut packet);
        packet.extend(part);
        packet
    };
    if probe.arm == Arm::Fragments {
        let at = cut(message.len());
        let (first, rest) = message.split_at(at);
        return vec![packet(0, first, false, true), packet(at, rest, false, false)];
    }
    vec![packet(0, &message, true, false)]
}

fn v6(flow: &Flow, probe: &Probe, src: Ipv6Addr, dst: Ipv6Addr) -> Vec<Vec<u8>> {
    let size = probe.size.max(flow.min_size(probe.arm));
    let message = message(flow, probe.token, size - ipv6::LEN - probe.arm.header_len());
    let number = protocol_number(flow);
    let packet = |next_header: u8, extension: &[u8], part: &[u8]| {
        let mut packet = vec![0; ipv6::LEN];
        ipv6::Repr {
            dscp: 0,
            ecn: 0,
            flow_label: flow.flow_label,
            payload_len: (extension.len() + part.len()) as u16,
            next_header,
            hop_limit: probe.hop,
            src,
            dst,
        }
        .emit(&mut packet);
        packet.extend(extension);
        packet.extend(part);
        packet
    };
    let fragment = |offset: usize, more: bool| {
        let id = flow.base.wrapping_add(u32::from(probe.token)).to_be_bytes();
        let place = (offset as u16 | u16::from(more)).to_be_bytes();
        [number, 0, place[0], place[1], id[0], id[1], id[2], id[3]]
    };
    match probe.arm {
        Arm::Whole => vec![packet(number, &[], &message)],
        Arm::Fragments => {
            let at = cut(message.len());
            let (first, rest) = message.split_at(at);
            vec![
                packet(ip_protocol::FRAGMENT, &fragment(0, true), first),
                packet(ip_protocol::FRAGMENT, &fragment(at, false), rest),
            ]
        }
        Arm::Atomic => vec![packet(ip_protocol::FRAGMENT, &fragment(0, false), &message)],
        Arm::HopByHop(len) => {
            vec![packet(ip_protocol::HOP_BY_HOP, &options(number, len.into()), &message)]
        }
        Arm::DestinationOptions(len) => {
            vec![packet(ip_protocol::DESTINATION_OPTIONS, &options(number, len.into()), &message)]
        }
    }
}

/// An options header of `len` bytes, a multiple of 8 from 8 to 2048, that asks for nothing.
pub fn options(next_header: u8, len: usize) -> Vec<u8> {
    let mut header = vec![next_header, (len / 8 - 1) as u8];
    if len == 8 {
        header.extend([PAD_N, 4, 0, 0, 0, 0]);
    }
    while header.len() < len {
        // An option is at most 257 bytes long and never leaves a single byte.
        let left = len - header.len();
        let take = if left > 257 { 254 } else { left };
        header.extend([EXPERIMENTAL_SKIP, (take - 2) as u8]);
        header.resize(header.len() + take - 2, 0);
    }
    header
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
