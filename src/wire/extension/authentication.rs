//! The authentication header (RFC 4302 §2), of IPv4 and IPv6. Nothing is authenticated: the ICV is
//! what the profile says.

use crate::wire::field::{DataKind, FieldDefault, Protocol, ProtocolKind, Space, computed, number};
use crate::wire::ip_protocol;

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "ah",
    "Authentication header (RFC 4302 §2); the ICV is not computed",
    &[
        computed(
            "next_header",
            0,
            8,
            FieldDefault::NextProtocol,
            "Protocol number of what follows",
        ),
        computed(
            "length",
            8,
            8,
            FieldDefault::HeaderLength { unit: 4, less: 2 },
            "Length in words of 4 bytes, less 2",
        ),
        number("reserved", 16, 16, 0, "Reserved"),
        number("spi", 32, 32, 256, "Security parameters index; below 256 are reserved"),
        number("sequence", 64, 32, 1, "Sequence number"),
    ],
)
.data_or(
    "icv",
    DataKind::Bytes,
    &[0; 12],
    "Integrity check value, a multiple of 4 bytes; in IPv6 the header's is one of 8",
)
.kind(ProtocolKind::Extension)
.numbers(&[(Space::IpProtocol, ip_protocol::AUTHENTICATION as u32)])
.next(Space::IpProtocol)
.examples(&[
    "[ipv6, ah: {sequence: {increment: 1}}, udp]",
    "[ipv4, ah: {spi: 0x1234, icv: 00112233445566778899aabb}, udp]",
]);
