//! One file a protocol: header layout, build, parse; and the Internet checksum.
//!
//! Every file begins with the table that the profile language, the compiler and the dissector read
//! ([`field::Protocol`]). Headers that wirestorm itself reads and writes have, in this order, the
//! offsets, `Packet` (a typed view over bytes whose length was checked once), `Repr` (the header as
//! a value: `parse`, `emit`, `buffer_len`), tests.
//!
//! | area | headers |
//! |---|---|
//! | here | Ethernet, VLAN, IPv4, IPv6, UDP, TCP, ICMP and ICMPv6 echo |
//! | [`link`] | what stands directly on Ethernet |
//! | [`extension`] | IPv6 extension headers, and the options of IPv4 and IPv6 |
//! | [`transport`] | other transports, and the options of TCP |
//! | [`control`] | ICMP errors, neighbour discovery, group management |
//! | [`tunnel`] | what carries other packets |
//! | [`application`] | messages inside UDP, and headers of raw bytes |

pub mod application;
pub mod bits;
pub mod checksum;
pub mod control;
pub mod ethernet;
pub mod extension;
pub mod field;
pub mod icmp;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod link;
pub mod tcp;
pub mod transport;
pub mod tunnel;
pub mod udp;
pub mod vlan;

use std::sync::LazyLock;

use field::Protocol;

/// EtherTypes that wirestorm knows (IEEE 802 numbers).
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// 802.1Q customer tag.
    pub const VLAN: u16 = 0x8100;
    /// 802.1ad service tag.
    pub const SERVICE_VLAN: u16 = 0x88a8;
    /// IEEE 802 local experimental EtherType 1: what follows is payload.
    pub const EXPERIMENTAL: u16 = 0x88b5;
    /// Transparent Ethernet bridging.
    pub const ETHERNET: u16 = 0x6558;
}

/// IP protocol numbers that wirestorm knows (IANA protocol-numbers).
pub mod ip_protocol {
    /// IPv6 hop-by-hop options (RFC 8200 §4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMPv4.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// IPv6 routing header (RFC 8200 §4.4).
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header (RFC 8200 §4.5).
    pub const FRAGMENT: u8 = 44;
    /// Authentication header (RFC 4302).
    pub const AUTHENTICATION: u8 = 51;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6 destination options (RFC 8200 §4.6).
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// Ethernet in IP (RFC 8986 §10.1).
    pub const ETHERNET: u8 = 143;
    /// For experiments (RFC 3692): what follows is payload.
    pub const EXPERIMENTAL: u8 = 253;
}

/// Why bytes are not the header that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes end before the header does.
    #[error("{protocol} needs {need} bytes, there are {have}")]
    Truncated {
        /// The header.
        protocol: &'static str,
        /// Bytes that it takes.
        need: usize,
        /// Bytes that there are.
        have: usize,
    },
    /// A field has a value that the header cannot have.
    #[error("{protocol}.{field} cannot be {value}")]
    Illegal {
        /// The header.
        protocol: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

/// The protocols by area: each area keeps its own list.
static AREAS: [&[&Protocol]; 7] = [
    &[
        &ethernet::PROTOCOL,
        &vlan::PROTOCOL,
        &ipv4::PROTOCOL,
        &ipv6::PROTOCOL,
        &udp::PROTOCOL,
        &tcp::PROTOCOL,
        &icmp::PROTOCOL,
        &icmpv6::PROTOCOL,
    ],
    link::PROTOCOLS,
    extension::PROTOCOLS,
    transport::PROTOCOLS,
    control::PROTOCOLS,
    tunnel::PROTOCOLS,
    application::PROTOCOLS,
];

/// All protocols that a profile can name, in the order of the documentation.
pub fn protocols() -> &'static [&'static Protocol] {
    static ALL: LazyLock<Vec<&'static Protocol>> = LazyLock::new(|| AREAS.concat());
    &ALL
}

/// The protocol that a profile calls `name`.
pub fn protocol(name: &str) -> Option<&'static Protocol> {
    protocols().iter().copied().find(|protocol| protocol.name == name)
}

/// The gate of every `Packet`: `Err` unless `bytes` hold `need` bytes.
fn check_len(protocol: &'static str, bytes: &[u8], need: usize) -> Result<(), ParseError> {
    if bytes.len() < need {
        return Err(ParseError::Truncated { protocol, need, have: bytes.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_fill_their_headers_without_gap_or_overlap() {
        fn filled(name: &str, fields: &[field::FieldDef], len: usize) {
            let mut bit = 0;
            for field in fields {
                assert_eq!(field.bit_offset, bit, "{name}.{}", field.name);
                bit += u16::from(field.bits);
            }
            assert_eq!(usize::from(bit), len * 8, "{name}");
        }
        fn check(protocol: &Protocol) {
            filled(protocol.name, protocol.fields, protocol.len);
            filled(protocol.name, protocol.tail, protocol.tail_len());
            for part in protocol.optional {
                filled(protocol.name, part.fields, part.len);
                let flag = protocol.fields.iter().any(|field| field.name == part.flag);
                let none = part.flag.is_empty() || part.flag == field::OptionalPart::ALWAYS;
                assert!(flag || none, "{}.{}", protocol.name, part.flag);
            }
            protocol.options.iter().flat_map(|options| options.kinds).for_each(|kind| check(kind));
        }
        protocols().iter().for_each(|protocol| check(protocol));
    }

    #[test]
    fn constant_defaults_fit_their_fields() {
        for field in protocols().iter().flat_map(|protocol| protocol.all_fields()) {
            if let field::FieldDefault::Constant(value) = field.default {
                assert!(value <= field.max(), "{}", field.name);
            }
        }
    }

    #[test]
    fn protocols_and_fields_have_names_of_their_own() {
        for (n, one) in protocols().iter().enumerate() {
            assert!(protocols()[..n].iter().all(|other| other.name != one.name));
            assert!(protocol(one.name).is_some_and(|found| std::ptr::eq(found, *one)));
            let mut keys: Vec<&str> = one.all_fields().map(|field| field.name).collect();
            keys.extend(one.data.map(|data| data.name));
            keys.extend(one.options.as_ref().map(|options| options.name));
            for (n, key) in keys.iter().enumerate() {
                assert!(!keys[..n].contains(key), "{}.{key}", one.name);
            }
        }
        assert!(protocol("ipx").is_none());
    }
}
