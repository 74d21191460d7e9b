//! ICMPv4 errors (RFC 792). The packet that they quote is the rest of the stack.

use super::{CHECKSUM, CODE, kind};
use crate::wire::field::{
    FieldDef, FieldDefault, FieldKind, INTERNET, Protocol, ProtocolKind, Space, field, number,
};

/// Words of the quoted packet, of the second byte after the checksum on.
const LENGTH: FieldDef = number(
    "length",
    40,
    8,
    0,
    "32-bit words of the quoted packet where extensions follow it (RFC 4884); 0: none follow",
);

const fn error(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 1)])
        .next(Space::Quoted)
        .checksum(INTERNET)
        .only_in(ProtocolKind::Ipv4)
}

/// Destination unreachable.
pub(super) static UNREACHABLE: Protocol = error(Protocol::new(
    "icmp_unreachable",
    "ICMPv4 destination unreachable (RFC 792); the headers behind it are the quoted packet",
    &[
        kind(3),
        number(
            "code",
            8,
            8,
            3,
            "Code: 0 network, 1 host, 2 protocol, 3 port, 4 fragmentation needed, \
             13 administratively prohibited",
        ),
        CHECKSUM,
        number("unused", 32, 8, 0, "Unused"),
        LENGTH,
        number("next_hop_mtu", 48, 16, 0, "MTU of the next link, in bytes, of code 4 (RFC 1191)"),
    ],
))
.select(&[("type", &[3])])
.examples(&[
    "[ipv4, icmp_unreachable, ipv4: {src: 198.18.0.2, dst: 198.18.0.1}, udp]",
    "[ipv4, icmp_unreachable: {code: 4, next_hop_mtu: 1400}, ipv4: {length: 1500}, tcp]",
]);

/// Time exceeded.
pub(super) static TIME_EXCEEDED: Protocol = error(Protocol::new(
    "icmp_time_exceeded",
    "ICMPv4 time exceeded (RFC 792); the headers behind it are the quoted packet",
    &[
        kind(11),
        number("code", 8, 8, 0, "Code: 0 TTL, 1 reassembly"),
        CHECKSUM,
        number("unused", 32, 8, 0, "Unused"),
        LENGTH,
        number("unused2", 48, 16, 0, "Unused"),
    ],
))
.select(&[("type", &[11])])
.examples(&[
    "[ipv4, icmp_time_exceeded, ipv4: {ttl: 1}, udp: {dst: 33434}]",
    "[ipv4, icmp_time_exceeded: {code: 1}, ipv4: {ttl: 1}, icmp: {seq: 3}]",
]);

/// Redirect.
pub(super) static REDIRECT: Protocol = error(Protocol::new(
    "icmp_redirect",
    "ICMPv4 redirect (RFC 792); the headers behind it are the quoted packet",
    &[
        kind(5),
        number("code", 8, 8, 1, "Code: 0 network, 1 host, 2 and 3 the same for a type of service"),
        CHECKSUM,
        field(
            "gateway",
            32,
            32,
            FieldKind::Ipv4,
            FieldDefault::SourceAddress,
            "The better router; unset, the sending port's address",
        ),
    ],
))
.select(&[("type", &[5])])
.examples(&["[ipv4, icmp_redirect: {gateway: 198.18.0.254}, ipv4, udp]"]);

/// Parameter problem.
pub(super) static PARAMETER_PROBLEM: Protocol = error(Protocol::new(
    "icmp_parameter_problem",
    "ICMPv4 parameter problem (RFC 792); the headers behind it are the quoted packet",
    &[
        kind(12),
        CODE,
        CHECKSUM,
        number("pointer", 32, 8, 0, "The byte of the quoted packet that is wrong, from 0"),
        LENGTH,
        number("unused", 48, 16, 0, "Unused"),
    ],
))
.select(&[("type", &[12])])
.examples(&["[ipv4, icmp_parameter_problem: {pointer: 1}, ipv4: {dscp: 63}, udp]"]);
