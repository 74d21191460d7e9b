//! IPv6's fragment header (RFC 8200 §4.5), as a header that a profile sets by hand.

use crate::wire::field::{FieldDefault, Protocol, ProtocolKind, Space, computed, number};
use crate::wire::ip_protocol;

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "fragment",
    "IPv6 fragment header (RFC 8200 §4.5); unset, of an atomic fragment (RFC 6946)",
    &[
        computed(
            "next_header",
            0,
            8,
            FieldDefault::NextProtocol,
            "Protocol number of what follows",
        ),
        number("reserved", 8, 8, 0, "Reserved"),
        number("fragment_offset", 16, 13, 0, "Fragment offset in units of 8 bytes"),
        number("reserved2", 29, 2, 0, "Reserved"),
        number("mf", 31, 1, 0, "More fragments"),
        number("id", 32, 32, 0, "Identification"),
    ],
)
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(&[(Space::IpProtocol, ip_protocol::FRAGMENT as u32)])
.next(Space::IpProtocol)
.examples(&["[ipv6, fragment: {id: {increment: 0}}, udp]"]);
