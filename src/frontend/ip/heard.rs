//! What a socket gave, parsed: echo replies, ICMP errors with the packet that they quote, TCP
//! answers. Everything else is not heard.

use std::net::IpAddr;

use super::Family;
use super::error::IcmpError;
use super::quote::Quote;
use crate::wire::{checksum, icmp, ipv4, tcp};

/// A packet that may be an answer to ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When it was received: nanoseconds of `CLOCK_MONOTONIC`.
    pub at: u64,
    /// Who sent it.
    pub from: IpAddr,
    /// The TTL or hop limit that it came with.
    pub ttl: Option<u8>,
    /// What it says.
    pub says: Says,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// An echo reply.
    Echo {
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
        /// What follows the header.
        payload: Vec<u8>,
        /// The checksum is right.
        intact: bool,
    },
    /// An ICMP error about a packet.
    Error(IcmpError, Quote),
    /// A TCP segment.
    Tcp {
        /// Its source port.
        src: u16,
        /// Its destination port.
        dst: u16,
        /// Its acknowledgment number.
        ack: u32,
        /// SYN is set; else it is a reset.
        syn: bool,
    },
    /// A UDP datagram on the socket that we send from; the start of its payload.
    Udp(Option<(u16, u16)>),
}

/// An ICMP or ICMPv6 message. ICMPv6's checksum the kernel has looked at.
pub fn icmp(family: Family, message: &[u8]) -> Option<Says> {
    let packet = icmp::Packet::new_checked(message).ok()?;
    if packet.message_type() == IcmpError::echo_reply(family) {
        return Some(Says::Echo {
            id: packet.id(),
            seq: packet.seq(),
            payload: packet.payload().to_vec(),
            intact: family == Family::V6 || packet.verify_checksum(),
        });
    }
    let error = IcmpError::parse(family, message)?;
    // What a raw socket hears may have been damaged on the way, also the packet that it quotes.
    if family == Family::V4 && checksum::checksum(message) != 0 {
        return None;
    }
    Some(Says::Error(error, Quote::parse(family, &message[icmp::LEN..])?))
}

/// What a raw IPv4 socket gives: the packet with its header. The TTL, and what it says.
pub fn raw_v4(packet: &[u8]) -> Option<(u8, Says)> {
    let ip = ipv4::Packet::new_checked(packet).ok()?;
    let says = match ip.protocol() {
        crate::wire::ip_protocol::ICMP => icmp(Family::V4, ip.payload())?,
        crate::wire::ip_protocol::TCP => tcp_answer(ip.payload())?,
        _ => return None,
    };
    Some((ip.ttl(), says))
}

/// A TCP segment that answers a SYN: SYN with ACK, or RST.
pub fn tcp_answer(segment: &[u8]) -> Option<Says> {
    const SYN_ACK: u8 = 0x12;
    const RST: u8 = 0x04;
    let packet = tcp::Packet::new_checked(segment).ok()?;
    let syn = packet.flags() & SYN_ACK == SYN_ACK;
    (syn || packet.flags() & RST != 0).then(|| Says::Tcp {
        src: packet.src(),
        dst: packet.dst(),
        ack: packet.ack(),
        syn,
    })
}
