//! What the kernel does to a packet that is handed to a raw socket with its IP header: the model that
//! keeps this engine from sending anything else than it was asked to. `tests/raw_sockets.rs` holds it
//! to the kernel.
//!
//! IPv4 (`raw_send_hdrinc`, net/ipv4/raw.c): the total length and the header checksum are always
//! written, a source address of 0 and an identification of 0 are filled in, the latter unless DF is set.
//! IPv6 (`rawv6_send_hdrinc`, net/ipv6/raw.c): nothing is written.

use std::fmt;

use crate::wire::checksum;

/// Bytes of the headers without options.
const IPV4: usize = 20;
const IPV6: usize = 40;
/// The shortest Ethernet frame, without FCS.
const SHORTEST: usize = 60;
const ETHERNET: usize = 14;

/// What would become of a packet instead of being sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is shorter than its header, or has one of less than 20 bytes.
    Refused,
    /// The source address of 0 becomes one of the interface's.
    Source,
    /// The total length becomes the packet's.
    TotalLength,
    /// The identification of 0 becomes one of the kernel's own.
    Identification,
    /// The header checksum becomes right.
    Checksum,
    /// It never leaves this machine.
    Kept,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => {
                "the kernel refuses a packet whose header length (ihl) is below 5 or beyond its end"
            }
            Self::Source => {
                "the kernel would replace the IPv4 source 0.0.0.0 by the interface's address"
            }
            Self::TotalLength => {
                "the kernel would write another IPv4 total length: always that of the packet"
            }
            Self::Identification => {
                "the kernel would replace an IPv4 identification of 0 without df by one of its own"
            }
            Self::Checksum => {
                "the kernel would write another IPv4 header checksum: always the right one"
            }
            Self::Kept => {
                "the kernel would keep it on this machine: its destination is a group that no link \
                 carries, or one of IPv4 with a TTL of 0"
            }
        })
    }
}

/// Whether an EtherType is IPv6's; None: neither version of IP.
pub fn is_ipv6(ether_type: [u8; 2]) -> Option<bool> {
    match ether_type {
        [0x08, 0x00] => Some(false),
        [0x86, 0xdd] => Some(true),
        _ => None,
    }
}

/// The bytes of a frame that go into the socket: from the IP header on. Of IPv4 without the zeros that
/// fill a frame up to the shortest that Ethernet has: the kernel would count them as the packet's, and
/// a device adds its own.
#[inline]
pub fn packet(frame: &[u8]) -> &[u8] {
    let packet = frame.get(ETHERNET..).unwrap_or_default();
    if frame.len() != SHORTEST || frame[12..14] != [0x08, 0x00] {
        return packet;
    }
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let header = usize::from(packet[0] & 15) * 4;
    match packet.split_at_checked(total) {
        Some((whole, rest)) if total >= header.max(IPV4) && rest.iter().all(|&b| b == 0) => whole,
        _ => packet,
    }
}

/// What the kernel would do to a packet; None: it sends it as it is.
#[inline]
pub fn change(packet: &[u8], ipv6: bool) -> Option<Change> {
    if ipv6 { change_of_ipv6(packet) } else { change_of_ipv4(packet) }
}

fn change_of_ipv6(packet: &[u8]) -> Option<Change> {
    if packet.len() < IPV6 {
        return Some(Change::Refused);
    }
    // Groups of no scope, or of the interface's (RFC 4291 §2.7): `ip6_finish_output2`.
    (packet[24] == 0xff && packet[25] & 15 <= 1).then_some(Change::Kept)
}

fn change_of_ipv4(packet: &[u8]) -> Option<Change> {
    if packet.len() < IPV4 {
        return Some(Change::Refused);
    }
    let header = usize::from(packet[0] & 15) * 4;
    // Kernels of old let a header below 20 bytes pass, untouched.
    if header < IPV4 || header > packet.len() {
        return Some(Change::Refused);
    }
    // `ip_mc_output`.
    if packet[16] & 0xf0 == 0xe0 && packet[8] == 0 {
        return Some(Change::Kept);
    }
    let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    if packet[12..16] == [0; 4] {
        Some(Change::Source)
    } else if usize::from(word(2)) != packet.len() {
        Some(Change::TotalLength)
    } else if word(4) == 0 && packet[6] & 0x40 == 0 {
        Some(Change::Identification)
    } else if word(10) != header_checksum(packet, header) {
        Some(Change::Checksum)
    } else {
        None
    }
}

/// The checksum that the kernel writes. A sum that verifies is not enough: 0 and 0xffff both do.
fn header_checksum(packet: &[u8], header: usize) -> u16 {
    let mut bytes = [0; 60];
    let bytes = &mut bytes[..header];
    bytes.copy_from_slice(&packet[..header]);
    bytes[10..12].fill(0);
    checksum::checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ipv4(len: usize) -> Vec<u8> {
        let mut packet = vec![0; len];
        packet[..20].copy_from_slice(&[
            0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 198, 18, 0, 2, 198, 18, 0, 3,
        ]);
        packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        seal(packet)
    }

    fn seal(mut packet: Vec<u8>) -> Vec<u8> {
        let sum = header_checksum(&packet, usize::from(packet[0] & 15) * 4);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    #[test]
    fn what_ipv4_sockets_write() {
        let with = |at: usize, bytes: &[u8]| {
            let mut packet = ipv4(64);
            packet[at..at + bytes.len()].copy_from_slice(bytes);
            packet
        };
        let change = |packet: &[u8]| change(packet, false);
        assert_eq!(change(&ipv4(64)), None);
        assert_eq!(change(&with(10, &[1, 2])), Some(Change::Checksum));
        assert_eq!(change(&seal(with(2, &[0, 63]))), Some(Change::TotalLength));
        assert_eq!(change(&seal(with(4, &[0, 0]))), Some(Change::Identification));
        assert_eq!(change(&seal(with(4, &[0, 0, 0x40, 0]))), None, "df");
        assert_eq!(change(&seal(with(12, &[0; 4]))), Some(Change::Source));
        assert_eq!(change(&with(0, &[0x44])), Some(Change::Refused), "a header below 20 bytes");
        assert_eq!(change(&seal(with(0, &[0x4f]))), None, "options");
        assert_eq!(change(&ipv4(20)), None);
        assert_eq!(change(&ipv4(20)[..19]), Some(Change::Refused));
        assert_eq!(change(&with(0, &[0x4f])[..59]), Some(Change::Refused));
        let group = seal(with(8, &[0, 17, 0, 0, 198, 18, 0, 2, 239]));
        assert_eq!(change(&group), Some(Change::Kept));
    }

    #[test]
    fn ipv6_sockets_write_nothing() {
        let mut packet = vec![0xa5; 48];
        assert_eq!(change(&packet, true), None);
        assert_eq!(change(&packet[..39], true), Some(Change::Refused));
        packet[24..26].copy_from_slice(&[0xff, 0x02]);
        assert_eq!(change(&packet, true), None);
        packet[25] = 0x11;
        assert_eq!(change(&packet, true), Some(Change::Kept));
    }

    #[test]
    fn zeros_behind_a_short_packet_are_the_frames() {
        let mut frame = vec![0; 60];
        frame[12] = 8;
        frame[14..42].copy_from_slice(&ipv4(28));
        assert_eq!(packet(&frame).len(), 28);
        frame[59] = 1;
        assert_eq!(packet(&frame).len(), 46, "no padding");
        frame.push(0);
        assert_eq!(packet(&frame).len(), 47, "no frame that has to be filled up");
    }
}
