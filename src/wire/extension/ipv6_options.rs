//! Options of the hop-by-hop and destination options headers (RFC 8200 §4.2). The two highest bits
//! of a type say what a node does that does not know it: 0 skips the option, 1 discards the packet,
//! 2 and 3 discard it with an ICMP error. The next bit says that the data may change on the way.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, OptionsDef, Padding, Protocol, computed, number,
};

/// Type of PadN.
const PAD_N_TYPE: u8 = 1;

/// What either options header may hold.
pub(super) const OPTIONS: OptionsDef = OptionsDef {
    name: "options",
    kinds: &[&PAD1, &PAD_N, &ROUTER_ALERT, &JUMBO_PAYLOAD, &EXPERIMENT, &RAW],
    align: 8,
    padding: Padding::PadN { kind: PAD_N_TYPE },
    align_each: 1,
};

const fn kind(default: u128) -> FieldDef {
    number("type", 0, 8, default, "Option type (IANA ipv6-parameters)")
}

const LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 1, less: 2 },
    "Bytes after this field",
);

static PAD1: Protocol = Protocol::new("pad1", "One byte of padding (RFC 8200 §4.2)", &[kind(0)])
    .select(&[("type", &[0])]);

static PAD_N: Protocol = Protocol::new(
    "pad_n",
    "Two or more bytes of padding (RFC 8200 §4.2)",
    &[kind(PAD_N_TYPE as u128), LENGTH],
)
.data("data", DataKind::Bytes, "The padding behind the length: zeros, unless on purpose")
.select(&[("type", &[PAD_N_TYPE as u128])]);

static ROUTER_ALERT: Protocol = Protocol::new(
    "router_alert",
    "Asks routers to look closer (RFC 2711 §2)",
    &[kind(5), LENGTH, number("value", 16, 16, 0, "0 MLD, 1 RSVP, 2 active networks")],
)
.select(&[("type", &[5])]);

static JUMBO_PAYLOAD: Protocol = Protocol::new(
    "jumbo_payload",
    "Jumbo payload (RFC 2675 §2), which wants ipv6.length 0 and a place at 4n+2",
    &[
        kind(0xc2),
        LENGTH,
        computed(
            "payload_length",
            16,
            32,
            FieldDefault::Length { skip: 0 },
            "Bytes from the header that holds the option to the packet's end",
        ),
    ],
)
.select(&[("type", &[0xc2])]);

static EXPERIMENT: Protocol = Protocol::new(
    "experiment",
    "For experiments (RFC 4727 §3.3): who does not know it skips it",
    &[kind(0x1e), LENGTH],
)
.data_or("data", DataKind::Bytes, &[0; 4], "At most 255 bytes")
.select(&[("type", &[0x1e])]);

static RAW: Protocol = Protocol::new(
    "raw",
    "An option of any type (RFC 8200 §4.2)",
    &[kind(0x1e), LENGTH],
)
.data("data", DataKind::Bytes, "At most 255 bytes");
