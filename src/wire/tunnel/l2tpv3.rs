//! L2TPv3 data messages over IP (RFC 3931 §4.1.1) and over UDP (§4.1.2) that carry Ethernet
//! (RFC 4719).

use crate::wire::field::{FieldDef, FieldDefault, OptionalPart, Protocol, Space, computed, number};

/// The cookie, and the default L2-specific sublayer (§4.6): the peers agree on them beforehand.
const PARTS: &[OptionalPart] = &[
    OptionalPart { flag: "", len: 4, fields: &[number("cookie", 0, 32, 0, "Cookie of 4 bytes")] },
    OptionalPart {
        flag: "",
        len: 8,
        fields: &[number("long_cookie", 0, 64, 0, "Cookie of 8 bytes")],
    },
    OptionalPart {
        flag: "",
        len: 4,
        fields: &[
            number("sublayer_reserved1", 0, 1, 0, "Reserved, in the L2-specific sublayer"),
            computed(
                "sequence_valid",
                1,
                1,
                FieldDefault::IsSet("sequence"),
                "L2-specific sublayer: 1 where the sequence number holds",
            ),
            number("sublayer_reserved2", 2, 6, 0, "Reserved, in the L2-specific sublayer"),
            number("sequence", 8, 24, 0, "L2-specific sublayer: sequence number"),
        ],
    },
];

const SESSION: &str = "Session; 0 is for control messages over IP";

/// Over IP, as a profile sees it.
pub static OVER_IP: Protocol = Protocol::new(
    "l2tpv3",
    "L2TPv3 data message over IP (RFC 3931): an Ethernet frame follows",
    &[number("session_id", 0, 32, 1, SESSION)],
)
.optional(PARTS)
.numbers(&[(Space::IpProtocol, 115)])
.next(Space::Frame)
.examples(&[
    "[ipv4, l2tpv3: {session_id: 7}, ethernet, ipv4, udp]",
    "[ipv6, l2tpv3, ethernet, vlan: {id: 7}, ipv6, udp]",
]);

/// Over UDP, as a profile sees it.
pub static OVER_UDP: Protocol = Protocol::new(
    "l2tpv3_udp",
    "L2TPv3 data message over UDP (RFC 3931): an Ethernet frame follows",
    UDP_FIELDS,
)
.optional(PARTS)
.numbers(&[(Space::UdpPort, 1701)])
.select(&[("version", &[3])])
.next(Space::Frame)
.examples(&[
    "[ipv4, udp, l2tpv3_udp: {session_id: 7}, ethernet, ipv4, udp]",
    "[ipv6, udp, l2tpv3_udp, ethernet, arp]",
]);

const UDP_FIELDS: &[FieldDef] = &[
    number("type", 0, 1, 0, "Type: 0 data, 1 control"),
    number("reserved1", 1, 11, 0, "Reserved"),
    number("version", 12, 4, 3, "Version"),
    number("reserved2", 16, 16, 0, "Reserved"),
    number("session_id", 32, 32, 1, SESSION),
];
