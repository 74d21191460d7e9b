//! UDP-Lite (RFC 3828): UDP whose checksum may leave a part of the datagram uncovered.

use crate::wire::field::{
    ChecksumRule, Covers, FieldDefault, Protocol, Space, WITH_PSEUDO_HEADER, computed, number,
};
use crate::wire::ip_protocol;

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "udp_lite",
    "UDP-Lite (RFC 3828)",
    &[
        number("src", 0, 16, 49152, "Source port; unset, the first dynamic one (RFC 6335)"),
        computed(
            "dst",
            16,
            16,
            FieldDefault::NextPort(9),
            "Destination port; unset, that of the header that follows, else discard (RFC 863)",
        ),
        computed(
            "coverage",
            32,
            16,
            FieldDefault::Length { skip: 0 },
            "Bytes that the checksum covers, from the header's first; 0 all, below 8 illegal",
        ),
        computed("checksum", 48, 16, FieldDefault::Checksum, "Checksum; 0 is illegal"),
    ],
)
.numbers(&[(Space::IpProtocol, ip_protocol::UDP_LITE as u32)])
.next(Space::UdpPort)
.checksum(ChecksumRule {
    covers: Covers::UpTo("coverage"),
    zero_as_ffff: true,
    ..WITH_PSEUDO_HEADER
})
.examples(&[
    "[ipv4, udp_lite]",
    "[ipv6, udp_lite: {coverage: 8}]",
    "[ipv4, udp_lite: {coverage: 0, src: {increment: 50000}}]",
]);
