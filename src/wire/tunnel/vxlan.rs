//! VXLAN (RFC 7348 §5).

use crate::wire::field::{Protocol, Space, number};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "vxlan",
    "VXLAN (RFC 7348): an Ethernet frame follows",
    &[
        number("flags", 0, 8, 0x08, "Flags: 0x08 says that the VNI holds"),
        number("reserved1", 8, 24, 0, "Reserved"),
        number("vni", 32, 24, 1, "VXLAN network identifier"),
        number("reserved2", 56, 8, 0, "Reserved"),
    ],
)
.numbers(&[(Space::UdpPort, 4789)])
.next(Space::Frame)
.examples(&[
    "[ipv4, udp, vxlan: {vni: 5000}, ethernet, ipv4, udp]",
    "[ipv4, udp: {checksum: 0}, vxlan, ethernet, vlan: {id: 7}, ipv6, udp]",
    "[ipv6, udp: {src: {increment: 49152..65535}}, vxlan, ethernet, arp]",
]);
