//! Options of the TCP header (RFC 9293 §3.1). Zeros, the end of the option list, fill the header's
//! last word.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, OptionalPart, OptionsDef, Padding, Protocol, computed, number,
};

/// What `tcp.options` may hold; at most 40 bytes.
pub(in crate::wire) const OPTIONS: OptionsDef = OptionsDef {
    name: "options",
    kinds: &[&EOL, &NOP, &MSS, &WINDOW_SCALE, &SACK_PERMITTED, &SACK, &TIMESTAMPS, &MD5, &RAW],
    align: 4,
    padding: Padding::Zeros,
    align_each: 1,
};

const fn kind(default: u128) -> FieldDef {
    number("kind", 0, 8, default, "Option kind (IANA tcp-parameters)")
}

const LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 1, less: 0 },
    "Bytes of the option, kind and length included",
);

static EOL: Protocol =
    Protocol::new("eol", "End of the option list", &[kind(0)]).select(&[("kind", &[0])]);

static NOP: Protocol = Protocol::new("nop", "No operation: one byte between options", &[kind(1)])
    .select(&[("kind", &[1])]);

static MSS: Protocol = Protocol::new(
    "mss",
    "Maximum segment size (RFC 9293 §3.7.1), in SYNs",
    &[kind(2), LENGTH, number("size", 16, 16, 1460, "Bytes of a segment, without headers")],
)
.select(&[("kind", &[2])]);

static WINDOW_SCALE: Protocol = Protocol::new(
    "window_scale",
    "Window scale (RFC 7323 §2.2), in SYNs",
    &[kind(3), LENGTH, number("shift", 16, 8, 7, "Left shift of the window, at most 14")],
)
.select(&[("kind", &[3])]);

static SACK_PERMITTED: Protocol = Protocol::new(
    "sack_permitted",
    "Selective acknowledgments are permitted (RFC 2018 §2), in SYNs",
    &[kind(4), LENGTH],
)
.select(&[("kind", &[4])]);

/// The left and the right edge of a block that may be absent.
const fn block(fields: &'static [FieldDef]) -> OptionalPart {
    OptionalPart { flag: "", len: 8, fields }
}

const LEFT: &str = "First sequence number of the block";
const RIGHT: &str = "Sequence number after the block";

static SACK: Protocol = Protocol::new(
    "sack",
    "Selective acknowledgment (RFC 2018 §3) of one block, or up to four where they are set",
    &[kind(5), LENGTH, number("left", 16, 32, 1, LEFT), number("right", 48, 32, 2, RIGHT)],
)
.optional(&[
    block(&[number("left2", 0, 32, 3, LEFT), number("right2", 32, 32, 4, RIGHT)]),
    block(&[number("left3", 0, 32, 5, LEFT), number("right3", 32, 32, 6, RIGHT)]),
    block(&[number("left4", 0, 32, 7, LEFT), number("right4", 32, 32, 8, RIGHT)]),
])
.select(&[("kind", &[5])]);

static TIMESTAMPS: Protocol = Protocol::new(
    "timestamps",
    "Timestamps (RFC 7323 §3.2)",
    &[
        kind(8),
        LENGTH,
        number("value", 16, 32, 1, "Timestamp of the sender"),
        number("echo", 48, 32, 0, "Timestamp of the other side that is echoed"),
    ],
)
.select(&[("kind", &[8])]);

static MD5: Protocol =
    Protocol::new("md5", "MD5 signature (RFC 2385 §3); none is computed", &[kind(19), LENGTH])
        .data_or("digest", DataKind::Bytes, &[0; 16], "16 bytes")
        .select(&[("kind", &[19])]);

static RAW: Protocol = Protocol::new(
    "raw",
    "An option of any kind; 253 is for experiments (RFC 6994)",
    &[kind(253), LENGTH],
)
.data("data", DataKind::Bytes, "What follows the length; nop and eol of another kind have none");
