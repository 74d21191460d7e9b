//! ICMPv6 errors (RFC 4443 §3). The packet that they quote is the rest of the stack.

use super::{CHECKSUM, CODE, kind};
use crate::wire::field::{FieldDef, Protocol, ProtocolKind, Space, WITH_PSEUDO_HEADER, number};

/// Words of the quoted packet.
const LENGTH: FieldDef = number(
    "length",
    32,
    8,
    0,
    "64-bit words of the quoted packet where extensions follow it (RFC 4884); 0: none follow",
);
const UNUSED: FieldDef = number("unused", 40, 24, 0, "Unused");

const fn error(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 58)])
        .next(Space::Quoted)
        .checksum(WITH_PSEUDO_HEADER)
        .only_in(ProtocolKind::Ipv6)
}

/// Destination unreachable.
pub(super) static UNREACHABLE: Protocol = error(Protocol::new(
    "icmpv6_unreachable",
    "ICMPv6 destination unreachable (RFC 4443 §3.1); the headers behind it are the quoted packet",
    &[
        kind(1),
        number(
            "code",
            8,
            8,
            4,
            "Code: 0 no route, 1 administratively prohibited, 3 address, 4 port, 5 source policy, \
             6 reject route",
        ),
        CHECKSUM,
        LENGTH,
        UNUSED,
    ],
))
.select(&[("type", &[1])])
.examples(&["[ipv6, icmpv6_unreachable, ipv6: {src: '2001:2::2', dst: '2001:2::1'}, udp]"]);

/// Packet too big.
pub(super) static PACKET_TOO_BIG: Protocol = error(Protocol::new(
    "icmpv6_packet_too_big",
    "ICMPv6 packet too big (RFC 4443 §3.2); the headers behind it are the quoted packet",
    &[kind(2), CODE, CHECKSUM, number("mtu", 32, 32, 1280, "MTU of the next link, in bytes")],
))
.select(&[("type", &[2])])
.examples(&[
    "[ipv6, icmpv6_packet_too_big: {mtu: 1400}, ipv6: {length: 1460}, udp]",
    "[ipv6, icmpv6_packet_too_big, ipv6, tcp]",
]);

/// Time exceeded.
pub(super) static TIME_EXCEEDED: Protocol = error(Protocol::new(
    "icmpv6_time_exceeded",
    "ICMPv6 time exceeded (RFC 4443 §3.3); the headers behind it are the quoted packet",
    &[
        kind(3),
        number("code", 8, 8, 0, "Code: 0 hop limit, 1 reassembly"),
        CHECKSUM,
        LENGTH,
        UNUSED,
    ],
))
.select(&[("type", &[3])])
.examples(&["[ipv6, icmpv6_time_exceeded, ipv6: {hop_limit: 1}, udp: {dst: 33434}]"]);

/// Parameter problem.
pub(super) static PARAMETER_PROBLEM: Protocol = error(Protocol::new(
    "icmpv6_parameter_problem",
    "ICMPv6 parameter problem (RFC 4443 §3.4); the headers behind it are the quoted packet",
    &[
        kind(4),
        number(
            "code",
            8,
            8,
            0,
            "Code: 0 a wrong field, 1 an unknown next header, 2 an unknown option",
        ),
        CHECKSUM,
        number("pointer", 32, 32, 0, "The byte of the quoted packet that is wrong, from 0"),
    ],
))
.select(&[("type", &[4])])
.examples(&["[ipv6, icmpv6_parameter_problem: {code: 1, pointer: 6}, ipv6: {next_header: 253}]"]);
