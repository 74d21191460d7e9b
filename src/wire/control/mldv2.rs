//! MLDv2 (RFC 3810).

use super::mld::TEST_GROUP;
use super::{ALL_NODES, CHECKSUM, CODE, HOP_LIMIT, kind, to_ipv6};
use crate::wire::field::{
    DataKind, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, ProtocolKind, Space,
    WITH_PSEUDO_HEADER, WantedAddress, computed, field, number,
};

const fn message(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 58)])
        .checksum(WITH_PSEUDO_HEADER)
        .only_in(ProtocolKind::Ipv6)
        .whole_message()
}

/// Query.
pub(super) static QUERY: Protocol = message(Protocol::new(
    "mldv2_query",
    "MLDv2 query (RFC 3810 §5.1); a general one goes to ff02::1, others to the group",
    &[
        kind(130),
        CODE,
        CHECKSUM,
        number(
            "max_response",
            32,
            16,
            10_000,
            "Time to answer: milliseconds up to 32767, then a code",
        ),
        number("reserved", 48, 16, 0, "Reserved"),
        field("group", 64, 128, FieldKind::Ipv6, FieldDefault::Constant(0), "Group; ::: all"),
        number("reserved2", 192, 4, 0, "Reserved"),
        number("suppress", 196, 1, 0, "Routers do not update their timers"),
        number("robustness", 197, 3, 2, "The querier's robustness variable"),
        number("interval", 200, 8, 125, "Query interval: seconds up to 127, then a code"),
        computed(
            "number_of_sources",
            208,
            16,
            FieldDefault::AddressCount { less: 0 },
            "Addresses in sources",
        ),
    ],
))
.data("sources", DataKind::Ipv6List, "Sources that are asked for")
.wants(&[HOP_LIMIT, ALL_NODES])
.wants_address(&[WantedAddress::LinkLocalSource, WantedAddress::DestinationFrom("group")])
.select(&[("type", &[130])])
.examples(&[
    "[ipv6, mldv2_query]",
    "[ipv6, mldv2_query: {group: 'ff0e::db8:0:1', suppress: 1, sources: ['2001:2::7']}]",
]);

/// One group of a report.
static RECORD: Protocol = Protocol::new(
    "record",
    "A group (RFC 3810 §5.2.5)",
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
            128,
            FieldKind::Ipv6,
            FieldDefault::Constant(TEST_GROUP),
            "Group; unset, one for tests (RFC 6676)",
        ),
    ],
)
.data("sources", DataKind::Ipv6List, "Sources");

/// Report.
pub(super) static REPORT: Protocol = message(Protocol::new(
    "mldv2_report",
    "MLDv2 report (RFC 3810 §5.2), to all routers that speak it",
    &[
        kind(143),
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
.wants(&[HOP_LIMIT, to_ipv6(0x16)])
.wants_address(&[WantedAddress::LinkLocalSource])
.select(&[("type", &[143])])
.examples(&[
    "[ipv6, mldv2_report]",
    "[ipv6, mldv2_report: {records: [record: {type: 1, group: 'ff0e::db8:0:9', \
     sources: ['2001:2::7', '2001:2::8']}, record: {type: 3}]}]",
]);
