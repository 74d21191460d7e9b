//! The frames of a try: a pure function of the cell, the arm and the try's number.
//!
//! | file | what it knows |
//! |---|---|
//! | `layout` | where an arm's fragments begin and end, also of anomalies |
//! | `packet` | messages, extension headers, fragments, frames |
//! | `dns` | queries that name their try |

mod dns;
mod layout;
mod packet;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use self::dns::{dns_id, dns_least, of_dns_answer};
pub use self::layout::{count, frames_of, offsets, sent};
use self::layout::{extension_of, header_len, layout};
use self::packet::Packet;
use super::tag::{self, Tag};
use crate::frontend::ip::Family;
use crate::packet::random;
use crate::profile::fragments::{Identification, Part};
use crate::profile::study::{Anomaly, ArmKind, Cell, Protocol};
use crate::wire::udp;

/// Bytes of the small whole packet's message.
pub const SMALL: usize = 64;
/// The sequence numbers of two packets are so far apart, in bits: no packet has more data.
const TCP_DATA_BITS: u32 = 11;
/// Bytes of data of a TCP packet at most.
pub const MAX_TCP_DATA: usize = (1 << TCP_DATA_BITS) - 1;
/// Tries after which TCP's sequence numbers come again.
pub const TCP_TRIES: u32 = 1 << (32 - TCP_DATA_BITS - 6);

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

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
