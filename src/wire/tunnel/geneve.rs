//! Geneve (RFC 8926 §3.4) and its options (§3.5).

use crate::wire::field::{
    DataKind, FieldDefault, OptionsDef, Padding, Protocol, Space, computed, number,
};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "geneve",
    "Geneve (RFC 8926); an Ethernet frame inside has protocol 0x6558",
    &[
        number("version", 0, 2, 0, "Version"),
        computed(
            "options_length",
            2,
            6,
            FieldDefault::HeaderLength { unit: 4, less: 2 },
            "Words of options",
        ),
        number("control", 8, 1, 0, "1: a control packet"),
        number("critical", 9, 1, 0, "1: options are critical; set it with theirs"),
        number("reserved1", 10, 6, 0, "Reserved"),
        computed("protocol", 16, 16, FieldDefault::NextProtocol, "EtherType of what follows"),
        number("vni", 32, 24, 1, "Virtual network identifier"),
        number("reserved2", 56, 8, 0, "Reserved"),
    ],
)
.options(OptionsDef {
    name: "options",
    kinds: &[&OPTION],
    align: 4,
    padding: Padding::Zeros,
    align_each: 4,
})
.numbers(&[(Space::UdpPort, 6081)])
.next(Space::EtherType)
.examples(&[
    "[ipv4, udp, geneve: {vni: 5000}, ethernet, ipv4, udp]",
    "[ipv6, udp, geneve: {options: [option: {class: 0x0102, type: 3, data: c0ffee00}, \
     option: {class: 0x0103}]}, ethernet, ipv6, udp]",
    "[ipv4, udp, geneve: {critical: 1, options: [option: {class: 0x0102, critical: 1, type: 9, \
     data: 0011223344556677}]}, ipv4, udp]",
]);

static OPTION: Protocol = Protocol::new(
    "option",
    "An option: data is filled up to whole words",
    &[
        number("class", 0, 16, 0xffff, "Class (IANA); unset, one for experiments"),
        number("critical", 16, 1, 0, "1: who does not know it drops the packet"),
        number("type", 17, 7, 0, "Type"),
        number("reserved", 24, 3, 0, "Reserved"),
        computed("length", 27, 5, FieldDefault::HeaderLength { unit: 4, less: 1 }, "Words of data"),
    ],
)
.data("data", DataKind::Bytes, "Data");
