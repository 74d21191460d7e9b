//! The hop-by-hop and the destination options header (RFC 8200 §4.3, §4.6): one layout, two
//! protocol numbers.

use super::ipv6_options;
use crate::wire::field::{FieldDef, FieldDefault, Protocol, ProtocolKind, Space, computed};
use crate::wire::ip_protocol;

static FIELDS: [FieldDef; 2] = [
    computed("next_header", 0, 8, FieldDefault::NextProtocol, "Protocol number of what follows"),
    computed(
        "length",
        8,
        8,
        FieldDefault::HeaderLength { unit: 8, less: 1 },
        "Length in units of 8 bytes, the first not counted",
    ),
];

/// Options that every node on the way looks at.
pub static HOP_BY_HOP: Protocol = Protocol::new(
    "hop_by_hop",
    "IPv6 hop-by-hop options (RFC 8200 §4.3); padded to 8 bytes with Pad1 or PadN",
    &FIELDS,
)
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(&[(Space::IpProtocol, ip_protocol::HOP_BY_HOP as u32)])
.next(Space::IpProtocol)
.options(ipv6_options::OPTIONS)
.examples(&[
    "[ipv6, hop_by_hop, udp]",
    "[ipv6, hop_by_hop: {options: [router_alert: {value: 0}]}, udp]",
    "[ipv6: {length: 0}, hop_by_hop: {options: [jumbo_payload: {payload_length: 65536}]}, udp]",
    "[ipv6, hop_by_hop: {options: [raw: {type: 0x3e, data: 01020304}]}, udp]",
    "[ipv6, hop_by_hop: {options: [pad1, pad_n: {data: 000000}, experiment]}, udp]",
]);

/// Options that the destination looks at.
pub static DESTINATION_OPTIONS: Protocol = Protocol::new(
    "destination_options",
    "IPv6 destination options (RFC 8200 §4.6); padded to 8 bytes with Pad1 or PadN",
    &FIELDS,
)
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(&[(Space::IpProtocol, ip_protocol::DESTINATION_OPTIONS as u32)])
.next(Space::IpProtocol)
.options(ipv6_options::OPTIONS)
.examples(&[
    "[ipv6, destination_options: {options: [experiment: {data: c0ffee}]}, udp]",
    "[ipv6, destination_options: {options: [raw: {type: 0x3e, data: 0102030405}]}, tcp]",
    "[ipv6, destination_options: {options: [pad1, pad_n: {data: 00}, router_alert]}, udp]",
    "[ipv6, destination_options: {options: [jumbo_payload]}, udp]",
]);
