//! L2TPv2 data messages (RFC 2661 §3.1) and the PPP frames in them (RFC 1661, RFC 1662).

use crate::wire::field::{DataKind, FieldDefault, OptionalPart, Protocol, Space, computed, number};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "l2tp",
    "L2TPv2 data message (RFC 2661): a PPP frame follows",
    &[
        number("type", 0, 1, 0, "Type: 0 data, 1 control"),
        computed("length_present", 1, 1, FieldDefault::Present, "1: there is a length"),
        number("reserved1", 2, 2, 0, "Reserved"),
        computed("sequence_present", 4, 1, FieldDefault::Present, "1: there are ns and nr"),
        number("reserved2", 5, 1, 0, "Reserved"),
        computed("offset_present", 6, 1, FieldDefault::Present, "1: there is an offset"),
        number("priority", 7, 1, 0, "1: goes before others"),
        number("reserved3", 8, 4, 0, "Reserved"),
        number("version", 12, 4, 2, "Version"),
    ],
)
.optional(&[
    OptionalPart {
        flag: "length_present",
        len: 2,
        fields: &[computed(
            "length",
            0,
            16,
            FieldDefault::Length { skip: 0 },
            "Bytes of the message; length_present: 1 asks for the right one",
        )],
    },
    OptionalPart {
        flag: OptionalPart::ALWAYS,
        len: 4,
        fields: &[
            number("tunnel_id", 0, 16, 1, "Tunnel"),
            number("session_id", 16, 16, 1, "Session"),
        ],
    },
    OptionalPart {
        flag: "sequence_present",
        len: 4,
        fields: &[
            number("ns", 0, 16, 0, "Sequence number of the message"),
            number("nr", 16, 16, 0, "Sequence number expected; reserved in data messages"),
        ],
    },
    OptionalPart {
        flag: "offset_present",
        len: 2,
        fields: &[computed(
            "offset",
            0,
            16,
            FieldDefault::AddressCount { less: 0 },
            "Bytes of offset_pad",
        )],
    },
])
.data("offset_pad", DataKind::Bytes, "Bytes between the header and the PPP frame")
.numbers(&[(Space::UdpPort, 1701)])
.select(&[("version", &[2])])
.next(Space::PppFrame)
.examples(&[
    "[ipv4, udp, l2tp: {tunnel_id: 7, session_id: 9}, ppp, ipv4, udp]",
    "[ipv6, udp, l2tp: {length_present: 1, ns: {increment: 0}}, ppp, ipv6, udp]",
    "[ipv4, udp, l2tp: {length_present: 1, offset_pad: 0000}, ppp, ipv4, udp]",
]);

/// A PPP frame with HDLC's address and control, as L2TP carries it.
pub static PPP: Protocol = Protocol::new(
    "ppp",
    "PPP frame with HDLC's address and control (RFC 1662 §3.1)",
    &[
        number("address", 0, 8, 0xff, "Address: all stations"),
        number("control", 8, 8, 3, "Control: unnumbered information"),
        computed("protocol", 16, 16, FieldDefault::NextProtocol, "PPP protocol of what follows"),
    ],
)
.numbers(&[(Space::PppFrame, 0)])
.next(Space::Ppp)
.examples(&["[ipv4, udp, l2tp, ppp, ipv6, udp]", "[ipv4, udp, l2tp, ppp, mpls, ipv4, udp]"]);
