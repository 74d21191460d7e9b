//! The options of neighbour discovery (RFC 4861 §4.6): type, length in units of 8 bytes, the value.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, computed, field,
    number,
};

/// The options of a message.
pub(super) const fn options(kinds: &'static [&'static Protocol]) -> OptionsDef {
    OptionsDef { name: "options", kinds, align: 1, padding: Padding::Zeros, align_each: 8 }
}

const fn kind(kind: u128) -> FieldDef {
    number("type", 0, 8, kind, "Type")
}
const LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 8, less: 0 },
    "Length of the option, in units of 8 bytes",
);

const fn link_layer(summary: &'static str) -> FieldDef {
    field("mac", 16, 48, FieldKind::Mac, FieldDefault::SourceMac, summary)
}

/// Who sends.
pub(super) static SOURCE_LINK_LAYER: Protocol = Protocol::new(
    "source_link_layer",
    "The sender's MAC (RFC 4861 §4.6.1)",
    &[kind(1), LENGTH, link_layer("MAC; unset, the sending port's")],
)
.select(&[("type", &[1]), ("length", &[1])]);

/// Whose address it is.
pub(super) static TARGET_LINK_LAYER: Protocol = Protocol::new(
    "target_link_layer",
    "The target's MAC (RFC 4861 §4.6.1)",
    &[kind(2), LENGTH, link_layer("MAC; unset, the sending port's")],
)
.select(&[("type", &[2]), ("length", &[1])]);

/// A prefix of the link.
pub(super) static PREFIX_INFORMATION: Protocol = Protocol::new(
    "prefix_information",
    "A prefix of the link (RFC 4861 §4.6.2)",
    &[
        kind(3),
        LENGTH,
        number("prefix_length", 16, 8, 64, "Bits of the prefix, 0 to 128"),
        number("on_link", 24, 1, 1, "Addresses of the prefix are on the link"),
        number("autonomous", 25, 1, 1, "Hosts make addresses of the prefix (RFC 4862)"),
        number("router_address", 26, 1, 0, "The prefix holds the router's address (RFC 6275 §7.2)"),
        number("reserved", 27, 5, 0, "Reserved"),
        number("valid_lifetime", 32, 32, 2_592_000, "Seconds that the prefix is valid"),
        number("preferred_lifetime", 64, 32, 604_800, "Seconds that its addresses are preferred"),
        number("reserved2", 96, 32, 0, "Reserved"),
        field(
            "prefix",
            128,
            128,
            FieldKind::Ipv6,
            FieldDefault::Constant(0x2001_0002 << 96),
            "Prefix; unset, that of benchmarks (RFC 5180)",
        ),
    ],
)
.select(&[("type", &[3]), ("length", &[4])]);

/// A packet that was sent to the wrong router.
pub(super) static REDIRECTED_HEADER: Protocol = Protocol::new(
    "redirected_header",
    "As much of the packet as fits (RFC 4861 §4.6.3)",
    &[kind(4), LENGTH, number("reserved", 16, 48, 0, "Reserved")],
)
.data("packet", DataKind::Bytes, "The packet's first bytes, of IPv6 on")
.select(&[("type", &[4])]);

/// The MTU of the link.
pub(super) static MTU: Protocol = Protocol::new(
    "mtu",
    "MTU of the link (RFC 4861 §4.6.4)",
    &[
        kind(5),
        LENGTH,
        number("reserved", 16, 16, 0, "Reserved"),
        number("mtu", 32, 32, 1500, "Bytes"),
    ],
)
.select(&[("type", &[5]), ("length", &[1])]);

/// Servers of the domain name system.
pub(super) static RDNSS: Protocol = Protocol::new(
    "rdnss",
    "Recursive DNS servers (RFC 8106 §5.1)",
    &[
        kind(25),
        LENGTH,
        number("reserved", 16, 16, 0, "Reserved"),
        number("lifetime", 32, 32, 1800, "Seconds that the servers may be used"),
    ],
)
.data("servers", DataKind::Ipv6List, "Addresses")
.select(&[("type", &[25])]);

/// Any other.
pub(super) static OPTION: Protocol = Protocol::new(
    "option",
    "Any option; zeros fill it to a multiple of 8 bytes",
    // For experiments (RFC 4727 §5.1.3).
    &[number("type", 0, 8, 253, "Type"), LENGTH],
)
.data("data", DataKind::Bytes, "What follows type and length");
