//! IGMPv3 (RFC 3376).

use super::igmp::TEST_GROUP;
use super::{CHECKSUM, TTL, kind, to_ipv4};
use crate::wire::field::{
    DataKind, FieldDefault, FieldKind, INTERNET, OptionsDef, Padding, Protocol, ProtocolKind,
    Space, WantedAddress, computed, field, number,
};

const fn message(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 2)])
        .checksum(INTERNET)
        .only_in(ProtocolKind::Ipv4)
        .whole_message()
}

/// Membership query.
pub(super) static QUERY: Protocol = message(Protocol::new(
    "igmpv3_query",
    "IGMPv3 membership query (RFC 3376 §4.1); a general one goes to 224.0.0.1, others to the group",
    &[
        kind(0x11),
        number(
            "max_response",
            8,
            8,
            100,
            "Time to answer: tenths of a second up to 127, then a code",
        ),
        CHECKSUM,
        field("group", 32, 32, FieldKind::Ipv4, FieldDefault::Constant(0), "Group; 0.0.0.0: all"),
        number("reserved", 64, 4, 0, "Reserved"),
        number("suppress", 68, 1, 0, "Routers do not update their timers"),
        number("robustness", 69, 3, 2, "The querier's robustness variable"),
        number("interval", 72, 8, 125, "Query interval: seconds up to 127, then a code"),
        computed(
            "number_of_sources",
            80,
            16,
            FieldDefault::AddressCount { less: 0 },
            "Addresses in sources",
        ),
    ],
))
.data("sources", DataKind::Ipv4List, "Sources that are asked for")
.wants(&[TTL, to_ipv4([224, 0, 0, 1])])
.wants_address(&[WantedAddress::DestinationFrom("group")])
.select(&[("type", &[0x11])])
.examples(&[
    "[ipv4, igmpv3_query]",
    "[ipv4, igmpv3_query: {group: 233.252.0.1, suppress: 1, sources: [198.18.0.7, 198.18.0.8]}]",
]);

/// One group of a report.
static RECORD: Protocol = Protocol::new(
    "record",
    "A group (RFC 3376 §4.2.4)",
    &[
        number(
            "type",
            0,
            8,
            4,
            "Type: 1 include, 2 exclude, 3 changed to include, 4 changed to exclude (a join), \
             5 allow new sources, 6 block old sources",
        ),
        number("auxiliary_length", 8, 8, 0, "32-bit words of auxiliary data"),
        computed(
            "number_of_sources",
            16,
            16,
            FieldDefault::AddressCount { less: 0 },
            "Addresses in sources",
        ),
        field(
            "group",
            32,
            32,
            FieldKind::Ipv4,
            FieldDefault::Constant(TEST_GROUP),
            "Group; unset, one for tests (RFC 6676)",
        ),
    ],
)
.data("sources", DataKind::Ipv4List, "Sources");

/// Membership report.
pub(super) static REPORT: Protocol = message(Protocol::new(
    "igmpv3_report",
    "IGMPv3 membership report (RFC 3376 §4.2), to all routers that speak it",
    &[
        kind(0x22),
        number("reserved", 8, 8, 0, "Reserved"),
        CHECKSUM,
        number("reserved2", 32, 16, 0, "Reserved"),
        computed("number_of_records", 48, 16, FieldDefault::OptionCount { less: 0 }, "Records"),
    ],
))
.options(OptionsDef {
    name: "records",
    kinds: &[&RECORD],
    align: 1,
    padding: Padding::Zeros,
    align_each: 1,
})
.default_options(&[&RECORD])
.wants(&[TTL, to_ipv4([224, 0, 0, 22])])
.select(&[("type", &[0x22])])
.examples(&[
    "[ipv4, igmpv3_report]",
    "[ipv4, igmpv3_report: {records: [record: {type: 1, group: 233.252.0.9, \
     sources: [198.18.0.7, 198.18.0.8]}, record: {type: 3}]}]",
]);
