//! ICMPv4 timestamp (RFC 792).

use super::{CHECKSUM, CODE};
use crate::wire::field::{INTERNET, Protocol, ProtocolKind, Space, number};

/// Type of a request.
const REQUEST: u128 = 13;
/// Type of a reply.
const REPLY: u128 = 14;

/// The message as a profile sees it.
pub(super) static PROTOCOL: Protocol = Protocol::new(
    "icmp_timestamp",
    "ICMPv4 timestamp (RFC 792)",
    &[
        number("type", 0, 8, REQUEST, "Type: 13 request, 14 reply"),
        CODE,
        CHECKSUM,
        number("id", 32, 16, 1, "Identifier"),
        number("seq", 48, 16, 0, "Sequence number"),
        number("originate", 64, 32, 0, "When it was sent, in milliseconds since midnight UT"),
        number("receive", 96, 32, 0, "When the request arrived, in the same unit"),
        number("transmit", 128, 32, 0, "When the reply was sent, in the same unit"),
    ],
)
.numbers(&[(Space::IpProtocol, 1)])
.checksum(INTERNET)
.only_in(ProtocolKind::Ipv4)
.select(&[("type", &[REQUEST, REPLY])])
.whole_message()
.examples(&[
    "[ipv4, icmp_timestamp: {id: 7, seq: {increment: 0}, originate: 43200000}]",
    "[ipv4, icmp_timestamp: {type: 14, receive: 43200001, transmit: 43200002}]",
]);
