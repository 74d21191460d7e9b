//! The packet that an ICMP error quotes: the only thing that says which of ours it is about.

use std::net::IpAddr;

use super::Family;
use crate::wire::{bits, ip_protocol, ipv4, ipv6};

/// Extension headers that are read past; more than a router would forward.
const MAX_HEADERS: usize = 16;

/// What could be read of a quoted packet. Routers quote 8 bytes behind the IP header at least (RFC
/// 792), some more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Where it was sent to.
    pub dst: IpAddr,
    /// Where it came from.
    pub src: IpAddr,
    /// Protocol of the transport header, behind extension headers.
    pub protocol: u8,
    /// Identification: IPv4's field; IPv6's, where there is a fragment header.
    pub id: Option<u32>,
    /// Offset of the fragment, in bytes; 0: the first, or no fragment.
    pub offset: u16,
    /// The start of the transport header, as far as it is quoted; `None` in a fragment that is not
    /// the first.
    pub transport: Option<Transport>,
}

/// The start of a transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// ICMP echo request.
    Echo {
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
    },
    /// UDP.
    Udp {
        /// Source port.
        src: u16,
        /// Destination port.
        dst: u16,
        /// The first two and the second two bytes of the payload, where they are quoted.
        token: Option<(u16, u16)>,
    },
    /// TCP.
    Tcp {
        /// Source port.
        src: u16,
        /// Destination port.
        dst: u16,
        /// Sequence number.
        seq: u32,
    },
}

impl Transport {
    /// Reads the start of a header of `protocol`: all of these need 8 bytes.
    pub fn parse(protocol: u8, bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 8 {
            return None;
        }
        match (protocol, bytes[0]) {
            (ip_protocol::ICMP, crate::wire::icmp::ECHO_REQUEST)
            | (ip_protocol::ICMPV6, crate::wire::icmpv6::ECHO_REQUEST) => {
                Some(Self::Echo { id: bits::u16_at(bytes, 4), seq: bits::u16_at(bytes, 6) })
            }
            (ip_protocol::UDP, _) => Some(Self::Udp {
                src: bits::u16_at(bytes, 0),
                dst: bits::u16_at(bytes, 2),
                token: token(&bytes[8..]),
            }),
            (ip_protocol::TCP, _) => Some(Self::Tcp {
                src: bits::u16_at(bytes, 0),
                dst: bits::u16_at(bytes, 2),
                seq: bits::u32_at(bytes, 4),
            }),
            _ => None,
        }
    }
}

/// The first four bytes of a UDP payload.
pub fn token(payload: &[u8]) -> Option<(u16, u16)> {
    (payload.len() >= 4).then(|| (bits::u16_at(payload, 0), bits::u16_at(payload, 2)))
}

impl Quote {
    /// Reads a quoted packet, which may be cut anywhere and of which routers may have changed
    /// lengths and checksums.
    pub fn parse(family: Family, bytes: &[u8]) -> Option<Self> {
        match family {
            Family::V4 => Self::parse_v4(bytes),
            Family::V6 => Self::parse_v6(bytes),
        }
    }

    fn parse_v4(bytes: &[u8]) -> Option<Self> {
        let packet = ipv4::Packet::new_checked(bytes).ok()?;
        // The units are of 8 bytes; 13 bits of them fit.
        let offset = packet.fragment_offset() * 8;
        let behind = &bytes[packet.header_len()..];
        Some(Self {
            dst: packet.dst().into(),
            src: packet.src().into(),
            protocol: packet.protocol(),
            id: Some(u32::from(packet.id())),
            offset,
            transport: if offset == 0 { Transport::parse(packet.protocol(), behind) } else { None },
        })
    }

    fn parse_v6(bytes: &[u8]) -> Option<Self> {
        let packet = ipv6::Packet::new_checked(bytes).ok()?;
        let mut quote = Self {
            dst: packet.dst().into(),
            src: packet.src().into(),
            protocol: packet.next_header(),
            id: None,
            offset: 0,
            transport: None,
        };
        let mut rest = &bytes[ipv6::LEN..];
        for _ in 0..MAX_HEADERS {
            let len = match quote.protocol {
                ip_protocol::HOP_BY_HOP
                | ip_protocol::DESTINATION_OPTIONS
                | ip_protocol::ROUTING => match rest.get(1) {
                    Some(units) => (usize::from(*units) + 1) * 8,
                    None => return Some(quote),
                },
                ip_protocol::FRAGMENT if rest.len() >= 8 => {
                    quote.id = Some(bits::u32_at(rest, 4));
                    quote.offset = bits::u16_at(rest, 2) & 0xfff8;
                    8
                }
                _ => break,
            };
            quote.protocol = rest[0];
            match rest.get(len..) {
                Some(behind) if quote.offset == 0 => rest = behind,
                _ => return Some(quote),
            }
        }
        quote.transport = Transport::parse(quote.protocol, rest);
        Some(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(protocol: u8, offset: u16, behind: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; ipv4::LEN];
        ipv4::Repr {
            dscp: 0,
            ecn: 0,
            id: 77,
            df: false,
            mf: true,
            fragment_offset: offset,
            ttl: 1,
            protocol,
            src: [192, 0, 2, 1].into(),
            dst: [192, 0, 2, 2].into(),
            payload_len: behind.len() as u16,
        }
        .emit(&mut packet);
        packet.extend(behind);
        packet
    }

    fn v6(next_header: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; ipv6::LEN];
        let (src, dst) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let payload_len = behind.len() as u16;
        let repr = ipv6::Repr {
            dscp: 0,
            ecn: 0,
            flow_label: 5,
            payload_len,
            next_header,
            hop_limit: 1,
            src,
            dst,
        };
        repr.emit(&mut packet);
        packet.extend(behind);
        packet
    }

    const ECHO: [u8; 8] = [128, 0, 0, 0, 0x12, 0x34, 0, 9];

    #[test]
    fn eight_bytes_of_udp_have_ports_and_no_token() {
        let quote = Quote::parse(Family::V4, &v4(17, 0, &[0, 7, 0, 9, 0, 8, 0, 0])).unwrap();
        assert_eq!(quote.id, Some(77));
        assert_eq!(quote.transport, Some(Transport::Udp { src: 7, dst: 9, token: None }));
    }

    #[test]
    fn a_later_fragment_has_no_transport_header() {
        let quote = Quote::parse(Family::V4, &v4(17, 3, &[0, 7, 0, 9, 0, 8, 0, 0])).unwrap();
        assert_eq!((quote.offset, quote.transport), (24, None));
        let later = [&[58, 0, 0, 0x18, 0, 0, 0, 5][..], &ECHO].concat();
        let quote = Quote::parse(Family::V6, &v6(44, &later)).unwrap();
        assert_eq!((quote.id, quote.offset, quote.transport), (Some(5), 24, None));
        assert_eq!(quote.protocol, 58);
    }

    #[test]
    fn extension_headers_are_read_past() {
        let echo = Some(Transport::Echo { id: 0x1234, seq: 9 });
        let options = [58, 0, 1, 4, 0, 0, 0, 0];
        for chain in [0, 60] {
            let quote = Quote::parse(Family::V6, &v6(chain, &[&options[..], &ECHO].concat()));
            assert_eq!(quote.unwrap().transport, echo);
        }
        let atomic = [&[58, 0, 0, 0, 0, 0, 0, 5][..], &ECHO].concat();
        let quote = Quote::parse(Family::V6, &v6(44, &atomic)).unwrap();
        assert_eq!((quote.id, quote.offset, quote.transport), (Some(5), 0, echo));
    }

    #[test]
    fn cut_anywhere_it_says_what_there_is() {
        let options = [60, 0, 1, 4, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0];
        let whole = v6(0, &[&options[..], &ECHO].concat());
        for cut in 0..=whole.len() {
            let quote = Quote::parse(Family::V6, &whole[..cut]);
            assert_eq!(quote.is_some(), cut >= ipv6::LEN);
            let complete = quote.is_some_and(|quote| quote.transport.is_some());
            assert_eq!(complete, cut == whole.len());
        }
    }
}
