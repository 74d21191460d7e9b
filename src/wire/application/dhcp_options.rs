//! The options of DHCPv4 (RFC 2132): code, length, value.

use crate::wire::field::names::DHCP_MESSAGE;
use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, Protocol, computed, field, number,
};

/// What a profile may list under `options`.
pub(super) const OPTIONS: &[&Protocol] = &[
    &MESSAGE_TYPE,
    &CLIENT_ID,
    &HOSTNAME,
    &PARAMETER_LIST,
    &REQUESTED_ADDRESS,
    &SERVER_ID,
    &LEASE_TIME,
    &END,
    &PAD,
    // Takes what the others do not.
    &OPTION,
];

/// The options of a discover.
pub(super) const DEFAULTS: &[&Protocol] = &[&MESSAGE_TYPE, &CLIENT_ID, &PARAMETER_LIST, &END];

const fn kind(kind: u128) -> FieldDef {
    number("type", 0, 8, kind, "Code")
}
const LENGTH: FieldDef =
    computed("length", 8, 8, FieldDefault::HeaderLength { unit: 1, less: 2 }, "Bytes of the value");

const fn address(summary: &'static str) -> FieldDef {
    field("address", 16, 32, FieldKind::Ipv4, FieldDefault::DestinationAddress, summary)
}

static MESSAGE_TYPE: Protocol = Protocol::new(
    "message_type",
    "What the message is (RFC 2132 §9.6)",
    &[
        kind(53),
        LENGTH,
        number(
            "message",
            16,
            8,
            1,
            "1 discover, 2 offer, 3 request, 4 decline, 5 ack, 6 nak, 7 release, 8 inform",
        )
        .names(DHCP_MESSAGE),
    ],
)
.select(&[("type", &[53]), ("length", &[1])]);
static CLIENT_ID: Protocol = Protocol::new(
    "client_id",
    "Who the client is, by its MAC (RFC 2132 §9.14)",
    &[
        kind(61),
        LENGTH,
        number("hardware_type", 16, 8, 1, "Hardware address space: 1 Ethernet"),
        field("mac", 24, 48, FieldKind::Mac, FieldDefault::SourceMac, "MAC"),
    ],
)
.select(&[("type", &[61]), ("length", &[7])]);
static HOSTNAME: Protocol =
    Protocol::new("hostname", "The client's name (RFC 2132 §3.14)", &[kind(12), LENGTH])
        .data_or("name", DataKind::Text, b"wirestorm", "Name")
        .select(&[("type", &[12])]);
static PARAMETER_LIST: Protocol = Protocol::new(
    "parameter_list",
    "The options that the client asks for (RFC 2132 §9.8)",
    &[kind(55), LENGTH],
)
.data_or("codes", DataKind::Bytes, &[1, 3, 6, 15], "Codes; unset, mask, routers, DNS, domain")
.select(&[("type", &[55])]);
static REQUESTED_ADDRESS: Protocol = Protocol::new(
    "requested_address",
    "The address that the client asks for (RFC 2132 §9.1)",
    &[kind(50), LENGTH, address("Address; unset, the receiving port's")],
)
.select(&[("type", &[50]), ("length", &[4])]);
static SERVER_ID: Protocol = Protocol::new(
    "server_id",
    "The server that is meant (RFC 2132 §9.7)",
    &[kind(54), LENGTH, address("Address; unset, the receiving port's")],
)
.select(&[("type", &[54]), ("length", &[4])]);
static LEASE_TIME: Protocol = Protocol::new(
    "lease_time",
    "For how long (RFC 2132 §9.2)",
    &[kind(51), LENGTH, number("seconds", 16, 32, 3600, "Seconds")],
)
.select(&[("type", &[51]), ("length", &[4])]);
static END: Protocol = Protocol::new("end", "End of the options (RFC 2132 §3.2)", &[kind(255)])
    .select(&[("type", &[255])]);
static PAD: Protocol =
    Protocol::new("pad", "A byte of nothing (RFC 2132 §3.1)", &[kind(0)]).select(&[("type", &[0])]);
static OPTION: Protocol = Protocol::new(
    "option",
    "Any option",
    // The first for use inside a site (RFC 3942 §3).
    &[number("type", 0, 8, 224, "Code"), LENGTH],
)
.data("data", DataKind::Bytes, "Value");
