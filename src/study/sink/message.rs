//! What the protocols themselves would take of what a raw socket gives.

use std::net::IpAddr;

use super::super::view::View;
use crate::frontend::ip::Family;
use crate::frontend::ip::control::Control;
use crate::wire::{checksum, icmp, icmpv6, ip_protocol, tcp};

/// Whether TCP takes a segment for whole; IPv4's raw socket gives the IP header too.
pub(super) fn is_right_tcp(
    family: Family,
    message: &[u8],
    from: IpAddr,
    control: &Control,
) -> bool {
    let (segment, pseudo) = match (family, from) {
        (Family::V4, _) => {
            let Some(View { src: IpAddr::V4(src), dst: IpAddr::V4(dst), payload, .. }) =
                View::of_packet(message)
            else {
                return false;
            };
            let len = payload.len() as u32;
            (payload, checksum::pseudo_ipv4(src, dst, ip_protocol::TCP, len))
        }
        (Family::V6, IpAddr::V6(src)) => {
            let Some(dst) = control.destination else { return false };
            let len = message.len() as u32;
            (message, checksum::pseudo_ipv6(src, dst, ip_protocol::TCP, len))
        }
        (Family::V6, IpAddr::V4(_)) => return false,
    };
    tcp::Packet::new_checked(segment).is_ok_and(|segment| segment.verify_checksum(pseudo))
}

/// The first byte of an ICMP message says what it is; IPv4's raw socket gives the IP header too.
pub(super) fn is_echo_request(family: Family, message: &[u8]) -> bool {
    match family {
        Family::V4 => View::of_packet(message)
            .is_some_and(|view| view.payload.first() == Some(&icmp::ECHO_REQUEST)),
        Family::V6 => message.first() == Some(&icmpv6::ECHO_REQUEST),
    }
}
