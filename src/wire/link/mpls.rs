//! MPLS label stack entry (RFC 3032 §2.1, RFC 5462), and the control word of a pseudowire.

use crate::wire::field::{FieldDefault, Protocol, Space, computed, number};

/// A label stack entry as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "mpls",
    "MPLS label stack entry (RFC 3032); what follows the stack is IP, or Ethernet (RFC 4448)",
    &[
        number("label", 0, 20, 16, "Label; unset, the first that is not reserved"),
        number("tc", 20, 3, 0, "Traffic class (RFC 5462)"),
        computed(
            "bottom_of_stack",
            23,
            1,
            FieldDefault::LastOfKind,
            "1 in the last entry of the stack",
        ),
        number("ttl", 24, 8, 64, "Time to live"),
    ],
)
.numbers(&[
    (Space::EtherType, 0x8847),
    (Space::Mpls, 0x8847),
    (Space::IpProtocol, 137),
    (Space::UdpPort, 6635),
    (Space::Ppp, 0x0281),
])
.next(Space::Mpls)
.examples(&[
    "[mpls: {label: 100}, ipv4, udp]",
    "[mpls: {label: 100, tc: 5}, mpls: {label: 200}, mpls: {label: 300, ttl: 9}, ipv6, udp]",
    "[mpls: {label: 100}, ethernet: {dst: '00:00:5e:00:53:02', src: '00:00:5e:00:53:01'}, ipv4, \
     udp]",
    "[ipv4, udp, mpls: {label: {increment: 16, count: 9}}, ipv4, udp]",
    "[ipv4, mpls, ipv6, udp]",
]);

/// The control word of an Ethernet pseudowire, as a profile sees it.
pub static CONTROL_WORD: Protocol = Protocol::new(
    "control_word",
    "Control word of an Ethernet pseudowire (RFC 4448 §4.6), between MPLS and Ethernet",
    &[
        number("zero", 0, 4, 0, "0: no IP packet follows (RFC 4385 §3)"),
        number("reserved", 4, 12, 0, "Reserved"),
        number("sequence", 16, 16, 0, "Sequence number; 0: not used"),
    ],
)
.numbers(&[(Space::Mpls, 0)])
.select(&[("zero", &[0]), ("reserved", &[0])])
.next(Space::Frame)
.examples(&["[mpls: {label: 100}, control_word: {sequence: {increment: 1}}, ethernet: \
     {dst: '00:00:5e:00:53:02', src: '00:00:5e:00:53:01'}, ipv4, udp]"]);
