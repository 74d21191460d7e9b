//! ICMP errors: what a router or a host says of a packet that went no further (RFC 792, 1812 §4.3,
//! 4443 §3).

use std::fmt;

use super::Family;
use crate::wire::{bits, icmp, icmpv6};

/// An error message without its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// ICMP's or ICMPv6's numbers.
    pub family: Family,
    /// Type.
    pub message_type: u8,
    /// Code within the type.
    pub code: u8,
    /// The second word: next-hop MTU of packet too big and fragmentation needed, pointer of
    /// parameter problem.
    pub info: u32,
}

/// What matters about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The TTL or hop limit ran out at a router.
    HopLimit,
    /// The packet is too big for the next link, whose MTU is as said; 0 where it is not said.
    TooBig(u32),
    /// Nobody listens on the port: said by the destination.
    PortUnreachable,
    /// The fragments did not all come: said by who reassembles.
    Reassembly,
    /// Everything else: the packet was refused.
    Refused,
}

impl IcmpError {
    /// Reads a message; `None` when it is no error that quotes a packet. Its quote begins at byte 8.
    pub fn parse(family: Family, message: &[u8]) -> Option<Self> {
        if message.len() < icmp::LEN {
            return None;
        }
        let (message_type, code) = (message[0], message[1]);
        let info = match (family, message_type, code) {
            // RFC 1191 §4: the low 16 bits.
            (Family::V4, 3, 4) => u32::from(bits::u16_at(message, 6)),
            (Family::V4, 12, _) => u32::from(message[4]),
            (Family::V6, 2 | 4, _) => bits::u32_at(message, 4),
            _ => 0,
        };
        let error = Self { family, message_type, code, info };
        error.is_error().then_some(error)
    }

    /// Types of the errors that quote a packet, for the kernel's filters. Redirects are not among
    /// them: the packet goes on.
    pub fn types(family: Family) -> &'static [u8] {
        match family {
            Family::V4 => &[3, 11, 12],
            Family::V6 => &[1, 2, 3, 4],
        }
    }

    /// Type of an echo reply.
    pub fn echo_reply(family: Family) -> u8 {
        match family {
            Family::V4 => icmp::ECHO_REPLY,
            Family::V6 => icmpv6::ECHO_REPLY,
        }
    }

    fn is_error(&self) -> bool {
        Self::types(self.family).contains(&self.message_type)
    }

    /// What matters about it.
    pub fn meaning(&self) -> Meaning {
        match (self.family, self.message_type, self.code) {
            (Family::V4, 11, 0) | (Family::V6, 3, 0) => Meaning::HopLimit,
            (Family::V4, 11, _) | (Family::V6, 3, _) => Meaning::Reassembly,
            (Family::V4, 3, 4) | (Family::V6, 2, _) => Meaning::TooBig(self.info),
            (Family::V4, 3, 3) | (Family::V6, 1, 4) => Meaning::PortUnreachable,
            _ => Meaning::Refused,
        }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match (self.family, self.message_type, self.code) {
            (Family::V4, 3, 0) => "Destination net unreachable",
            (Family::V4, 3, 1) => "Destination host unreachable",
            (Family::V4, 3, 2) => "Destination protocol unreachable",
            (Family::V4, 3, 3) | (Family::V6, 1, 4) => "Destination port unreachable",
            (Family::V4, 3, 4) => return write!(f, "Fragmentation needed (mtu = {})", self.info),
            (Family::V4, 3, 5) => "Source route failed",
            (Family::V4, 3, 6) => "Destination net unknown",
            (Family::V4, 3, 7) => "Destination host unknown",
            (Family::V4, 3, 9) => "Destination net prohibited",
            (Family::V4, 3, 10) => "Destination host prohibited",
            (Family::V4, 3, 13) | (Family::V6, 1, 1) => "Communication prohibited by filter",
            (Family::V4, 11, 0) => "Time to live exceeded",
            (Family::V6, 3, 0) => "Hop limit exceeded",
            (Family::V4, 11, 1) | (Family::V6, 3, 1) => "Fragment reassembly time exceeded",
            (Family::V4, 12, _) => return write!(f, "Parameter problem at byte {}", self.info),
            (Family::V6, 1, 0) => "No route to destination",
            (Family::V6, 1, 2) => "Beyond scope of source address",
            (Family::V6, 1, 3) => "Address unreachable",
            (Family::V6, 1, 5) => "Source address failed ingress policy",
            (Family::V6, 1, 6) => "Reject route to destination",
            (Family::V6, 2, _) => return write!(f, "Packet too big (mtu = {})", self.info),
            (Family::V6, 4, code) => {
                let what = match code {
                    0 => "erroneous header field",
                    1 => "unrecognised next header",
                    2 => "unrecognised option",
                    3 => "first fragment without all headers",
                    _ => return write!(f, "Parameter problem, code {code}, byte {}", self.info),
                };
                return write!(f, "Parameter problem: {what} at byte {}", self.info);
            }
            (_, message_type, code) => {
                return write!(f, "ICMP type {message_type} code {code}");
            }
        };
        f.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_and_short_messages_are_no_errors() {
        assert_eq!(IcmpError::parse(Family::V4, &[8, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(IcmpError::parse(Family::V6, &[129, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(IcmpError::parse(Family::V4, &[3, 0, 0, 0, 0, 0, 0]), None);
        // What is 3 in one is something else in the other.
        assert_eq!(IcmpError::parse(Family::V6, &[11, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn mtus_are_where_the_rfcs_put_them() {
        let v4 = IcmpError::parse(Family::V4, &[3, 4, 0, 0, 9, 9, 0x05, 0x00]).unwrap();
        assert_eq!(v4.meaning(), Meaning::TooBig(1280));
        assert_eq!(v4.to_string(), "Fragmentation needed (mtu = 1280)");
        let v6 = IcmpError::parse(Family::V6, &[2, 0, 0, 0, 0, 0, 0x05, 0xdc]).unwrap();
        assert_eq!(v6.meaning(), Meaning::TooBig(1500));
    }

    #[test]
    fn time_exceeded_is_of_two_kinds() {
        let of = |family, bytes: [u8; 2]| {
            IcmpError::parse(family, &[bytes[0], bytes[1], 0, 0, 0, 0, 0, 0]).unwrap().meaning()
        };
        assert_eq!(of(Family::V4, [11, 0]), Meaning::HopLimit);
        assert_eq!(of(Family::V4, [11, 1]), Meaning::Reassembly);
        assert_eq!(of(Family::V6, [3, 0]), Meaning::HopLimit);
        assert_eq!(of(Family::V6, [1, 4]), Meaning::PortUnreachable);
        assert_eq!(of(Family::V6, [1, 1]), Meaning::Refused);
    }
}
