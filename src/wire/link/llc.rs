//! IEEE 802.2 LLC, and SNAP on it (IEEE 802 §9, RFC 1042).

use crate::wire::field::{FieldDefault, Protocol, Space, computed, number};

/// LLC as a profile sees it.
pub static LLC: Protocol = Protocol::new(
    "llc",
    "IEEE 802.2 LLC, unnumbered; the Ethernet header before it holds a length (IEEE 802.3)",
    &[
        computed(
            "dsap",
            0,
            8,
            FieldDefault::NextProtocol,
            "Destination service access point: 0xaa before SNAP, 0x06 before IPv4",
        ),
        computed(
            "ssap",
            8,
            8,
            FieldDefault::NextProtocol,
            "Source service access point: unset, the same",
        ),
        number("control", 16, 8, 3, "Control: 3 unnumbered information"),
    ],
)
.numbers(&[(Space::EtherType, 0x8870)])
.next(Space::Llc)
.framed_by_length()
.examples(&[
    "[llc, ipv4, udp]",
    "[vlan: {id: 7}, llc, ipv4, udp]",
    "[llc: {dsap: 2, ssap: 2}, raw: {hex: c0ffee}]",
]);

/// SNAP as a profile sees it.
pub static SNAP: Protocol = Protocol::new(
    "snap",
    "SNAP behind LLC (IEEE 802, RFC 1042)",
    &[
        number("oui", 0, 24, 0, "Organisation: 0 where pid is an EtherType"),
        computed("pid", 24, 16, FieldDefault::NextProtocol, "EtherType of what follows"),
    ],
)
.numbers(&[(Space::Llc, 0xaa)])
.next(Space::EtherType)
.examples(&["[llc, snap, ipv4, udp]", "[llc, snap, ipv6, udp]", "[llc, snap, arp]"]);
