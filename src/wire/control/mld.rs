//! MLDv1 (RFC 2710).

use super::{ALL_NODES, ALL_ROUTERS, CHECKSUM, CODE, HOP_LIMIT, kind};
use crate::wire::field::{
    FieldDef, FieldDefault, FieldKind, Protocol, ProtocolKind, Space, WITH_PSEUDO_HEADER,
    WantedAddress, field, number,
};

/// ff0e::db8:0:1, a group for documentation and tests (RFC 6676 §3).
pub(super) const TEST_GROUP: u128 = 0xff0e << 112 | 0x0db8_0000_0001;

const fn message(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 58)])
        .checksum(WITH_PSEUDO_HEADER)
        .only_in(ProtocolKind::Ipv6)
        .whole_message()
}

const UNUSED: FieldDef = number("max_response", 32, 16, 0, "Of queries only");
const RESERVED: FieldDef = number("reserved", 48, 16, 0, "Reserved");

const fn group(default: u128, summary: &'static str) -> FieldDef {
    field("group", 64, 128, FieldKind::Ipv6, FieldDefault::Constant(default), summary)
}
const GROUP: FieldDef = group(TEST_GROUP, "Group; unset, one for tests (RFC 6676)");

/// Query.
pub(super) static QUERY: Protocol = message(Protocol::new(
    "mld_query",
    "MLDv1 query (RFC 2710 §3); a general one goes to ff02::1, others to the group",
    &[
        kind(130),
        CODE,
        CHECKSUM,
        number("max_response", 32, 16, 10_000, "Time to answer, in milliseconds"),
        RESERVED,
        group(0, "Group; ::: all"),
    ],
))
.wants(&[HOP_LIMIT, ALL_NODES])
.wants_address(&[WantedAddress::LinkLocalSource, WantedAddress::DestinationFrom("group")])
.select(&[("type", &[130])])
.examples(&["[ipv6, mld_query]", "[ipv6, mld_query: {group: 'ff0e::db8:0:9'}]"]);

/// Report.
pub(super) static REPORT: Protocol = message(Protocol::new(
    "mld_report",
    "MLDv1 report (RFC 2710 §3), to the group",
    &[kind(131), CODE, CHECKSUM, UNUSED, RESERVED, GROUP],
))
.wants(&[HOP_LIMIT])
.wants_address(&[WantedAddress::LinkLocalSource, WantedAddress::DestinationFrom("group")])
.select(&[("type", &[131])])
.examples(&["[ipv6, mld_report: {group: {increment: 'ff0e::db8:0:1', count: 200}}]"]);

/// Done.
pub(super) static DONE: Protocol = message(Protocol::new(
    "mld_done",
    "MLDv1 done (RFC 2710 §3), to all routers of the link",
    &[kind(132), CODE, CHECKSUM, UNUSED, RESERVED, GROUP],
))
.wants(&[HOP_LIMIT, ALL_ROUTERS])
.wants_address(&[WantedAddress::LinkLocalSource])
.select(&[("type", &[132])])
.examples(&["[ipv6, hop_by_hop: {options: [router_alert]}, mld_done]"]);
