//! ARP (RFC 826) for IPv4 on Ethernet.

use crate::wire::field::names::ARP_OPERATION;
use crate::wire::field::{FieldDefault, FieldKind, Protocol, Space, Want, field, number};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "arp",
    "ARP for IPv4 on Ethernet (RFC 826); a request goes to everybody, a reply to the next hop",
    &[
        number("hardware_type", 0, 16, 1, "Hardware address space: 1 Ethernet"),
        number("protocol_type", 16, 16, 0x0800, "Protocol address space: 0x0800 IPv4"),
        number("hardware_length", 32, 8, 6, "Bytes of a hardware address"),
        number("protocol_length", 40, 8, 4, "Bytes of a protocol address"),
        number("operation", 48, 16, REQUEST, "Operation: 1 request, 2 reply").names(ARP_OPERATION),
        field("sender_mac", 64, 48, FieldKind::Mac, FieldDefault::SourceMac, "Sender's MAC"),
        field(
            "sender_ip",
            112,
            32,
            FieldKind::Ipv4,
            FieldDefault::SourceAddress,
            "Sender's address",
        ),
        field(
            "target_mac",
            144,
            48,
            FieldKind::Mac,
            FieldDefault::Constant(0),
            "Target's MAC: what a request asks for; a reply sets it",
        ),
        field(
            "target_ip",
            192,
            32,
            FieldKind::Ipv4,
            FieldDefault::DestinationAddress,
            "Target's address",
        ),
    ],
)
.numbers(&[(Space::EtherType, 0x0806)])
.wants(&[Want { header: "ethernet", field: "dst", value: 0xffff_ffff_ffff }])
.wants_when("operation", REQUEST)
.whole_message()
.examples(&[
    "[arp]",
    "[vlan: {id: 7}, arp: {target_ip: 198.18.1.9}]",
    "[arp: {operation: reply, target_mac: '02:00:00:00:00:02', target_ip: 198.18.0.2}]",
]);

/// Operation of a request.
const REQUEST: u128 = 1;
