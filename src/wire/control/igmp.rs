//! IGMP versions 1 and 2 (RFC 1112 appendix I, RFC 2236).

use super::{CHECKSUM, TTL, kind, to_ipv4};
use crate::wire::field::{
    FieldDef, FieldDefault, FieldKind, INTERNET, Protocol, ProtocolKind, Space, WantedAddress,
    field, number,
};

/// A group for documentation and tests (RFC 6676 §2).
pub(super) const TEST_GROUP: u128 = 0xe9fc_0001;

const fn message(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 2)])
        .checksum(INTERNET)
        .only_in(ProtocolKind::Ipv4)
        .whole_message()
}

const UNUSED: FieldDef = number("max_response", 8, 8, 0, "Of queries only");

const fn group(default: u128, summary: &'static str) -> FieldDef {
    field("group", 32, 32, FieldKind::Ipv4, FieldDefault::Constant(default), summary)
}
const GROUP: FieldDef = group(TEST_GROUP, "Group; unset, one for tests (RFC 6676)");

/// Membership query.
pub(super) static QUERY: Protocol = message(Protocol::new(
    "igmp_query",
    "IGMPv1 or v2 membership query (RFC 2236); a general one goes to 224.0.0.1, others to the group",
    &[
        kind(0x11),
        number("max_response", 8, 8, 100, "Time to answer, in tenths of a second; 0: version 1"),
        CHECKSUM,
        group(0, "Group; 0.0.0.0: all"),
    ],
))
.wants(&[TTL, to_ipv4([224, 0, 0, 1])])
.wants_address(&[WantedAddress::DestinationFrom("group")])
.select(&[("type", &[0x11])])
.examples(&[
    "[ipv4, igmp_query]",
    "[ipv4, igmp_query: {max_response: 10, group: 233.252.0.9}]",
]);

/// Membership report of version 1.
pub(super) static V1_REPORT: Protocol = message(Protocol::new(
    "igmpv1_report",
    "IGMPv1 membership report (RFC 1112 appendix I), to the group",
    &[kind(0x12), UNUSED, CHECKSUM, GROUP],
))
.wants(&[TTL])
.wants_address(&[WantedAddress::DestinationFrom("group")])
.select(&[("type", &[0x12])])
.examples(&["[ipv4, igmpv1_report]"]);

/// Membership report of version 2.
pub(super) static V2_REPORT: Protocol = message(Protocol::new(
    "igmpv2_report",
    "IGMPv2 membership report (RFC 2236), to the group",
    &[kind(0x16), UNUSED, CHECKSUM, GROUP],
))
.wants(&[TTL])
.wants_address(&[WantedAddress::DestinationFrom("group")])
.select(&[("type", &[0x16])])
.examples(&["[ipv4, igmpv2_report: {group: {increment: 233.252.0.1, count: 200}}]"]);

/// Leave group.
pub(super) static LEAVE: Protocol = message(Protocol::new(
    "igmp_leave",
    "IGMPv2 leave group (RFC 2236), to all routers of the link",
    &[kind(0x17), UNUSED, CHECKSUM, GROUP],
))
.wants(&[TTL, to_ipv4([224, 0, 0, 2])])
.select(&[("type", &[0x17])])
.examples(&["[ipv4: {options: [router_alert]}, igmp_leave: {group: 233.252.0.1}]"]);
