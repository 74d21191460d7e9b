//! What a raw frame is to a study: addresses, fragmentation, and what is behind the headers.

use std::net::IpAddr;

use crate::wire::{bits, ethernet, ethertype, ip_protocol, ipv4, ipv6};

/// Extension headers that are read past at most.
const MAX_HEADERS: usize = 16;

/// A frame, read as far as it makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'f> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// What it is a fragment of.
    pub fragment: Option<Fragment>,
    /// Protocol of the payload; of a later fragment, that of the datagram.
    pub protocol: u8,
    /// Behind the IP header and the extension headers.
    pub payload: &'f [u8],
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification.
    pub id: u32,
    /// First byte in the datagram.
    pub offset: u16,
    /// More come.
    pub more: bool,
}

impl<'f> View<'f> {
    /// Reads an Ethernet frame; None where it is no IP.
    pub fn of_frame(frame: &'f [u8]) -> Option<Self> {
        let kind = ethernet::Packet::new_checked(frame).ok()?.ethertype();
        let packet = frame.get(ethernet::LEN..)?;
        match kind {
            ethertype::IPV4 => Self::of_v4(packet),
            ethertype::IPV6 => Self::of_v6(packet),
            _ => None,
        }
    }

    /// Reads an IP packet, also one that was cut short.
    pub fn of_packet(packet: &'f [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Self::of_v4(packet),
            6 => Self::of_v6(packet),
            _ => None,
        }
    }

    fn of_v4(bytes: &'f [u8]) -> Option<Self> {
        let packet = ipv4::Packet::new_checked(bytes).ok()?;
        let end = usize::from(packet.total_len()).clamp(packet.header_len(), bytes.len());
        let flags = bits::u16_at(bytes, 6);
        let (offset, more) = ((flags & 0x1fff) << 3, flags & 0x2000 != 0);
        let fragment =
            (offset > 0 || more).then_some(Fragment { id: u32::from(packet.id()), offset, more });
        Some(Self {
            src: packet.src().into(),
            dst: packet.dst().into(),
            fragment,
            protocol: packet.protocol(),
            payload: &bytes[packet.header_len()..end],
        })
    }

    fn of_v6(bytes: &'f [u8]) -> Option<Self> {
        let packet = ipv6::Packet::new_checked(bytes).ok()?;
        let end = (ipv6::LEN + usize::from(packet.payload_len())).min(bytes.len());
        let mut view = Self {
            src: packet.src().into(),
            dst: packet.dst().into(),
            fragment: None,
            protocol: packet.next_header(),
            payload: &bytes[ipv6::LEN..end],
        };
        for _ in 0..MAX_HEADERS {
            let rest = view.payload;
            let len = match view.protocol {
                ip_protocol::HOP_BY_HOP
                | ip_protocol::DESTINATION_OPTIONS
                | ip_protocol::ROUTING => (usize::from(*rest.get(1)?) + 1) * 8,
                ip_protocol::AUTHENTICATION => (usize::from(*rest.get(1)?) + 2) * 4,
                ip_protocol::FRAGMENT => {
                    let header = rest.get(..8)?;
                    let place = bits::u16_at(header, 2);
                    let (offset, more) = (place & 0xfff8, place & 1 != 0);
                    view.fragment = Some(Fragment { id: bits::u32_at(header, 4), offset, more });
                    if offset > 0 {
                        // What follows is data, whatever the first fragment begins with.
                        view.protocol = header[0];
                        view.payload = &rest[8..];
                        return Some(view);
                    }
                    8
                }
                _ => return Some(view),
            };
            view.protocol = rest[0];
            view.payload = rest.get(len..)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_read_beyond_the_end(bytes: Vec<u8>, ip in prop_oneof![Just(0x45u8), Just(0x60)]) {
            let _ = View::of_frame(&bytes);
            let mut packet = vec![ip];
            packet.extend(&bytes);
            if let Some(view) = View::of_packet(&packet) {
                prop_assert!(view.payload.len() < packet.len());
            }
        }
    }
}
