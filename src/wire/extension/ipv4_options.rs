//! Options of the IPv4 header (RFC 791 §3.1). Zeros, the end of the option list, fill the header's
//! last word.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, OptionsDef, Padding, Protocol, Route, computed, number,
};

/// What `ipv4.options` may hold; at most 40 bytes.
pub(in crate::wire) const OPTIONS: OptionsDef = OptionsDef {
    name: "options",
    kinds: &[
        &EOL,
        &NOP,
        &RECORD_ROUTE,
        &TIMESTAMP,
        &TIMESTAMP_ADDRESSES,
        &TIMESTAMP_PRESPECIFIED,
        &LOOSE_SOURCE_ROUTE,
        &STRICT_SOURCE_ROUTE,
        &SECURITY,
        &BASIC_SECURITY,
        &STREAM_ID,
        &ROUTER_ALERT,
        &RAW,
    ],
    align: 4,
    padding: Padding::Zeros,
    align_each: 1,
};

const fn kind(default: u128) -> FieldDef {
    number("type", 0, 8, default, "Option type (IANA ip-parameters)")
}

const LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 1, less: 0 },
    "Bytes of the option, type and length included",
);

const POINTER: FieldDef = number(
    "pointer",
    16,
    8,
    4,
    "The next address to use, counted in bytes from 1; above the length: none is left",
);

static EOL: Protocol =
    Protocol::new("eol", "End of the option list", &[kind(0)]).select(&[("type", &[0])]);

static NOP: Protocol = Protocol::new("nop", "No operation: one byte between options", &[kind(1)])
    .select(&[("type", &[1])]);

static RECORD_ROUTE: Protocol = Protocol::new(
    "record_route",
    "Record route: every router enters its address",
    &[kind(7), LENGTH, POINTER],
)
.data_or("route", DataKind::Ipv4List, &[0; 36], "The places for addresses; unset, nine")
.select(&[("type", &[7])]);

const SOURCE_ROUTE: &str =
    "Where the packet goes after ipv4.dst; the last is the final destination, which checksums take";

static LOOSE_SOURCE_ROUTE: Protocol = Protocol::new(
    "loose_source_route",
    "Loose source and record route: other routers may lie between",
    &[kind(131), LENGTH, POINTER],
)
.data("route", DataKind::Ipv4List, SOURCE_ROUTE)
.route(Route::LastIpv4)
.select(&[("type", &[131])]);

static STRICT_SOURCE_ROUTE: Protocol = Protocol::new(
    "strict_source_route",
    "Strict source and record route: no other router may lie between",
    &[kind(137), LENGTH, POINTER],
)
.data("route", DataKind::Ipv4List, SOURCE_ROUTE)
.route(Route::LastIpv4)
.select(&[("type", &[137])]);

const OVERFLOW: FieldDef = number("overflow", 24, 4, 0, "Routers that found no room");

const fn timestamp_pointer() -> FieldDef {
    number("pointer", 16, 8, 5, "The next place to fill, counted in bytes from 1")
}

const fn flag(default: u128) -> FieldDef {
    number("flag", 28, 4, default, "0 times, 1 addresses and times, 3 times of given addresses")
}

static TIMESTAMP: Protocol = Protocol::new(
    "timestamp",
    "Timestamp with flag 0: every router enters the time, milliseconds since midnight UT",
    &[kind(68), LENGTH, timestamp_pointer(), OVERFLOW, flag(0)],
)
.data_or("times", DataKind::Bytes, &[0; 36], "The places, 4 bytes each; unset, nine")
.select(&[("type", &[68]), ("flag", &[0])]);

static TIMESTAMP_ADDRESSES: Protocol = Protocol::new(
    "timestamp_addresses",
    "Timestamp with flag 1: every router enters its address and the time",
    &[kind(68), LENGTH, timestamp_pointer(), OVERFLOW, flag(1)],
)
.data_or("entries", DataKind::Bytes, &[0; 32], "The places, 8 bytes each; unset, four")
.select(&[("type", &[68]), ("flag", &[1])]);

static TIMESTAMP_PRESPECIFIED: Protocol = Protocol::new(
    "timestamp_prespecified",
    "Timestamp with flag 3: routers of given addresses enter the time",
    &[kind(68), LENGTH, timestamp_pointer(), OVERFLOW, flag(3)],
)
.data("addresses", DataKind::Ipv4Slots, "The addresses; a place for the time follows each")
.select(&[("type", &[68]), ("flag", &[3])]);

static SECURITY: Protocol = Protocol::new(
    "security",
    "Security as in RFC 791",
    &[
        kind(130),
        LENGTH,
        number("security", 16, 16, 0, "Level: 0 unclassified, 0x6bc5 top secret"),
        number("compartments", 32, 16, 0, "Compartments"),
        number("handling", 48, 16, 0, "Handling restrictions"),
        number("transmission_control", 64, 24, 0, "Transmission control code"),
    ],
)
.select(&[("type", &[130])]);

static BASIC_SECURITY: Protocol = Protocol::new(
    "basic_security",
    "Basic security option (RFC 1108 §2)",
    &[
        kind(130),
        LENGTH,
        number("level", 16, 8, 0xab, "0xab unclassified, 0x96 confidential, 0x5a secret, 0x3d top"),
    ],
)
.data("authorities", DataKind::Bytes, "Protection authority flags, one byte or more; GENSER: 80")
.select(&[("type", &[130])]);

static STREAM_ID: Protocol = Protocol::new(
    "stream_id",
    "SATNET stream identifier",
    &[kind(136), LENGTH, number("id", 16, 16, 0, "Stream identifier")],
)
.select(&[("type", &[136])]);

static ROUTER_ALERT: Protocol = Protocol::new(
    "router_alert",
    "Asks routers to look closer (RFC 2113)",
    &[kind(148), LENGTH, number("value", 16, 16, 0, "0: every router examines the packet")],
)
.select(&[("type", &[148])]);

static RAW: Protocol = Protocol::new("raw", "An option of any type", &[kind(0x5e), LENGTH]).data(
    "data",
    DataKind::Bytes,
    "What follows the length; nop and eol with another type have none",
);
