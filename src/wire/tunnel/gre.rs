//! GRE (RFC 2784) with key and sequence number (RFC 2890).

use crate::wire::field::{FieldDefault, INTERNET, OptionalPart, Protocol, Space, computed, number};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "gre",
    "GRE (RFC 2784, RFC 2890); an Ethernet frame inside has protocol 0x6558",
    &[
        computed(
            "checksum_present",
            0,
            1,
            FieldDefault::Present,
            "1: there is a checksum, computed unless it is set",
        ),
        number("reserved0", 1, 1, 0, "Reserved; routing present in RFC 1701"),
        computed("key_present", 2, 1, FieldDefault::Present, "1: there is a key"),
        computed("sequence_present", 3, 1, FieldDefault::Present, "1: there is a sequence number"),
        number("reserved1", 4, 9, 0, "Reserved"),
        number("version", 13, 3, 0, "Version"),
        computed("protocol", 16, 16, FieldDefault::NextProtocol, "EtherType of what follows"),
    ],
)
.optional(&[
    OptionalPart {
        flag: "checksum_present",
        len: 4,
        fields: &[
            computed(
                "checksum",
                0,
                16,
                FieldDefault::Checksum,
                "Checksum over header and payload; checksum_present: 1 asks for the right one",
            ),
            number("reserved2", 16, 16, 0, "Reserved"),
        ],
    },
    OptionalPart {
        flag: "key_present",
        len: 4,
        fields: &[number("key", 0, 32, 0, "Key of the flow")],
    },
    OptionalPart {
        flag: "sequence_present",
        len: 4,
        fields: &[number("sequence", 0, 32, 0, "Sequence number")],
    },
])
.checksum(INTERNET)
.numbers(&[(Space::IpProtocol, 47), (Space::UdpPort, 4754)])
.next(Space::EtherType)
.examples(&[
    "[ipv4, gre, ipv4, udp]",
    "[ipv6, gre: {key: 0xc0ffee}, ipv6, udp]",
    "[ipv4, gre: {checksum_present: 1, key: 7, sequence: {increment: 0}}, ethernet, ipv4, udp]",
    "[ipv4, gre: {sequence: 9}, mpls: {label: 100}, ipv4, udp]",
    "[ipv4, udp, gre: {key: 9}, ipv6, udp]",
]);
