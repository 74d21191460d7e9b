//! From a frame to its layers: where each header begins, and where the probe tag stands.
//!
//! The walk takes any bytes. It goes as far as it understands them and stops at the first header
//! that is cut short or impossible; it never fails, allocates or loops.

use super::{ethernet, ethertype, icmp, icmpv6, ip_protocol, ipv4, ipv6, tcp, udp, vlan};
use crate::packet::tag::TAG_LEN;

/// Layers of one frame at most; what is deeper counts as payload.
pub const MAX_LAYERS: usize = 16;

/// Which header a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Ethernet II.
    Ethernet,
    /// VLAN tag, C or S.
    Vlan,
    /// IPv4, options included.
    Ipv4,
    /// IPv6's fixed header.
    Ipv6,
    /// IPv6 hop-by-hop, routing or destination options header, or an authentication header.
    Extension,
    /// IPv6 fragment header.
    Fragment,
    /// UDP.
    Udp,
    /// TCP, options included.
    Tcp,
    /// ICMPv4: the first 8 bytes.
    Icmp,
    /// ICMPv6: the first 8 bytes.
    Icmpv6,
}

/// One header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Which header.
    pub kind: LayerKind,
    /// Its first byte in the frame.
    pub offset: usize,
    /// Its bytes.
    pub len: usize,
}

/// The headers of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    layers: [Layer; MAX_LAYERS],
    count: usize,
    /// Offset right after the last header that was understood.
    pub payload_at: usize,
    /// Where the innermost IP header says that the packet ends, at most the frame's length.
    pub payload_end: usize,
    /// The packet is a fragment that is not the first: no L4 header follows.
    pub later_fragment: bool,
}

impl Layers {
    /// The layers, outermost first.
    pub fn as_slice(&self) -> &[Layer] {
        &self.layers[..self.count]
    }

    /// The last layer of that kind.
    pub fn last(&self, kind: LayerKind) -> Option<Layer> {
        self.as_slice().iter().rev().copied().find(|layer| layer.kind == kind)
    }

    fn push(&mut self, kind: LayerKind, len: usize) {
        self.layers[self.count] = Layer { kind, offset: self.payload_at, len };
        self.count += 1;
        self.payload_at += len;
    }
}

/// What the bytes after a header are.
enum Next {
    Ethernet,
    EtherType(u16),
    Protocol(u8),
    Payload,
}

/// Walks a frame that begins with an Ethernet header.
pub fn walk(frame: &[u8]) -> Layers {
    let mut layers = Layers {
        layers: [Layer { kind: LayerKind::Ethernet, offset: 0, len: 0 }; MAX_LAYERS],
        count: 0,
        payload_at: 0,
        payload_end: frame.len(),
        later_fragment: false,
    };
    let mut next = Next::Ethernet;
    while layers.count < MAX_LAYERS {
        // A header may end behind the end of its IP packet; then nothing is left.
        let rest = frame.get(layers.payload_at..layers.payload_end).unwrap_or(&[]);
        let step = match next {
            Next::Ethernet => after_ethernet(rest),
            Next::EtherType(ethertype) => after_ethertype(ethertype, rest),
            Next::Protocol(protocol) => after_protocol(protocol, rest),
            Next::Payload => None,
        };
        let Some(step) = step else { break };
        if let Some(len) = step.packet_len {
            layers.payload_end = layers.payload_end.min(layers.payload_at + len.max(step.len));
        }
        layers.later_fragment |= step.later_fragment;
        layers.push(step.kind, step.len);
        next = step.next;
    }
    layers
}

/// The offset of the place where a probe tag stands: right after the L4 header, or after the last
/// header that was understood where there is none (another protocol, a later fragment). None where
/// the bytes that follow are too few for a tag. What stands there, [`crate::packet::tag::read`]
/// tells.
pub fn tag_offset(frame: &[u8]) -> Option<usize> {
    let layers = walk(frame);
    (layers.count > 0 && layers.payload_at + TAG_LEN <= layers.payload_end)
        .then_some(layers.payload_at)
}

/// One header understood.
struct Step {
    kind: LayerKind,
    len: usize,
    next: Next,
    /// Bytes of the packet that begins with this header, where it says.
    packet_len: Option<usize>,
    later_fragment: bool,
}

impl Step {
    fn new(kind: LayerKind, len: usize, next: Next) -> Option<Self> {
        Some(Self { kind, len, next, packet_len: None, later_fragment: false })
    }
}

fn after_ethernet(rest: &[u8]) -> Option<Step> {
    let packet = ethernet::Packet::new_checked(rest).ok()?;
    Step::new(LayerKind::Ethernet, ethernet::LEN, Next::EtherType(packet.ethertype()))
}

fn after_ethertype(ethertype: u16, rest: &[u8]) -> Option<Step> {
    match ethertype {
        ethertype::VLAN | ethertype::SERVICE_VLAN => {
            let packet = vlan::Packet::new_checked(rest).ok()?;
            Step::new(LayerKind::Vlan, vlan::LEN, Next::EtherType(packet.ethertype()))
        }
        ethertype::IPV4 => after_protocol(ip_protocol::IPV4, rest),
        ethertype::IPV6 => after_protocol(ip_protocol::IPV6, rest),
        _ => None,
    }
}

fn after_protocol(protocol: u8, rest: &[u8]) -> Option<Step> {
    use LayerKind::{Extension, Fragment, Icmp, Icmpv6, Ipv4, Ipv6, Tcp, Udp};
    let plain = |kind, len| (rest.len() >= len).then(|| Step::new(kind, len, Next::Payload))?;
    match protocol {
        ip_protocol::IPV4 => {
            let packet = ipv4::Packet::new_checked(rest).ok()?;
            let later_fragment = packet.fragment_offset() != 0;
            let next =
                if later_fragment { Next::Payload } else { Next::Protocol(packet.protocol()) };
            Some(Step {
                kind: Ipv4,
                len: packet.header_len(),
                next,
                packet_len: Some(packet.total_len().into()),
                later_fragment,
            })
        }
        ip_protocol::IPV6 => {
            let packet = ipv6::Packet::new_checked(rest).ok()?;
            Some(Step {
                kind: Ipv6,
                len: ipv6::LEN,
                next: Next::Protocol(packet.next_header()),
                packet_len: Some(ipv6::LEN + usize::from(packet.payload_len())),
                later_fragment: false,
            })
        }
        ip_protocol::HOP_BY_HOP | ip_protocol::ROUTING | ip_protocol::DESTINATION_OPTIONS => {
            extension(rest, (usize::from(*rest.get(1)?) + 1) * 8)
        }
        ip_protocol::AUTHENTICATION => extension(rest, (usize::from(*rest.get(1)?) + 2) * 4),
        ip_protocol::FRAGMENT => {
            let header: &[u8; 8] = rest.first_chunk()?;
            let later_fragment = u16::from_be_bytes([header[2], header[3]]) >> 3 != 0;
            let next = if later_fragment { Next::Payload } else { Next::Protocol(header[0]) };
            Some(Step { kind: Fragment, len: 8, next, packet_len: None, later_fragment })
        }
        ip_protocol::UDP => plain(Udp, udp::LEN),
        ip_protocol::TCP => plain(Tcp, tcp::Packet::new_checked(rest).ok()?.header_len()),
        ip_protocol::ICMP => plain(Icmp, icmp::LEN),
        ip_protocol::ICMPV6 => plain(Icmpv6, icmpv6::LEN),
        _ => None,
    }
    .filter(|step| step.kind != Extension || step.len <= rest.len())
}

fn extension(rest: &[u8], len: usize) -> Option<Step> {
    Step::new(LayerKind::Extension, len, Next::Protocol(*rest.first()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ethernet, `tags` VLAN tags, then `l3`.
    fn frame(tags: usize, ethertype: u16, l3: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xa5; 12];
        for _ in 0..tags {
            frame.extend([0x81, 0x00, 0x00, 0x07]);
        }
        frame.extend(ethertype.to_be_bytes());
        frame.extend(l3);
        frame
    }

    fn ipv4_packet(protocol: u8, fragment_offset: u16, options: usize, l4: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 20 + options];
        ipv4::Repr {
            dscp: 0,
            ecn: 0,
            id: 0,
            df: false,
            mf: false,
            fragment_offset,
            ttl: 64,
            protocol,
            src: [198, 18, 0, 1].into(),
            dst: [198, 18, 0, 2].into(),
            payload_len: (options + l4.len()) as u16,
        }
        .emit(&mut packet);
        packet[0] += (options / 4) as u8;
        packet.extend(l4);
        packet
    }

    fn ipv6_packet(next_header: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((rest.len() as u16).to_be_bytes());
        packet.extend([next_header, 64]);
        packet.extend([0; 32]);
        packet.extend(rest);
        packet
    }

    #[test]
    fn vlan_tags_and_options_shift_the_tag() {
        let udp = [0; 8 + TAG_LEN];
        for tags in 0..5 {
            for options in [0, 4, 40] {
                let frame = frame(tags, 0x0800, &ipv4_packet(17, 0, options, &udp));
                assert_eq!(tag_offset(&frame), Some(14 + 4 * tags + 20 + options + 8));
            }
        }
    }

    #[test]
    fn service_tags_are_tags_too() {
        let mut frame = frame(2, 0x86dd, &ipv6_packet(58, &[128; 8 + TAG_LEN]));
        frame[12..14].copy_from_slice(&[0x88, 0xa8]);
        assert_eq!(tag_offset(&frame), Some(14 + 8 + 40 + 8));
    }

    #[test]
    fn tcp_options_are_passed() {
        let mut tcp = [0; 32 + TAG_LEN];
        tcp[12] = 8 << 4;
        assert_eq!(tag_offset(&frame(0, 0x0800, &ipv4_packet(6, 0, 0, &tcp))), Some(14 + 20 + 32));
    }

    #[test]
    fn ipv6_extension_headers_are_passed() {
        let mut chain = vec![43, 0, 1, 4, 0, 0, 0, 0]; // hop-by-hop, then routing
        chain.extend([60, 0, 0, 0, 0, 0, 0, 0]); // then destination options of 16 bytes
        chain.extend([51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // then AH of 16 bytes
        chain.extend([44, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // then a first fragment
        chain.extend([17, 0, 0, 1, 0, 0, 0, 9]); // then UDP
        let headers = chain.len();
        chain.extend([0; 8 + TAG_LEN]);
        let frame = frame(0, 0x86dd, &ipv6_packet(0, &chain));
        let layers = walk(&frame);
        assert_eq!(layers.payload_at, 54 + headers + 8);
        assert_eq!(layers.last(LayerKind::Fragment).unwrap().offset, 54 + headers - 8);
        assert!(!layers.later_fragment);
        assert_eq!(tag_offset(&frame), Some(54 + headers + 8));
    }

    #[test]
    fn later_fragments_have_no_l4_header() {
        let data = [0; TAG_LEN];
        let v4 = frame(0, 0x0800, &ipv4_packet(17, 185, 0, &data));
        assert_eq!(tag_offset(&v4), Some(34));
        assert!(walk(&v4).later_fragment);
        let fragment = [&[17, 0, 0x05, 0xc8, 0, 0, 0, 9][..], &data].concat();
        assert_eq!(tag_offset(&frame(0, 0x86dd, &ipv6_packet(44, &fragment))), Some(54 + 8));
    }

    #[test]
    fn padding_behind_the_ip_packet_is_no_place_for_a_tag() {
        let mut frame = frame(0, 0x0800, &ipv4_packet(17, 0, 0, &[0; 8]));
        frame.extend([0; 64]);
        assert_eq!(walk(&frame).payload_end, 42);
        assert_eq!(tag_offset(&frame), None);
    }

    #[test]
    fn an_unknown_ethertype_is_payload() {
        assert_eq!(tag_offset(&frame(1, 0x88b5, &[0; TAG_LEN])), Some(18));
        assert_eq!(tag_offset(&[0; 13]), None);
        assert_eq!(tag_offset(&[]), None);
    }

    #[test]
    fn an_endless_chain_ends() {
        let deep = frame(1000, 0x0800, &[]);
        assert_eq!(walk(&deep).as_slice().len(), MAX_LAYERS);
    }

    proptest! {
        #[test]
        fn layers_lie_one_behind_the_other(ethertype in prop::sample::select(
            vec![0x0800, 0x86dd, 0x8100, 0x88a8]), mut bytes: Vec<u8>, first in 0u8..2, next: u8,
        ) {
            if let Some(byte) = bytes.first_mut() {
                *byte = [0x45, 0x60][usize::from(first)];
            }
            if bytes.len() > 9 {
                bytes[[9, 6][usize::from(first)]] = next % 64;
            }
            let frame = frame(0, ethertype, &bytes);
            let layers = walk(&frame);
            let mut at = 0;
            for layer in layers.as_slice() {
                prop_assert_eq!(layer.offset, at);
                prop_assert!(layer.len > 0);
                at += layer.len;
            }
            prop_assert_eq!(at, layers.payload_at);
            prop_assert!(at <= frame.len() && layers.payload_end <= frame.len());
            if let Some(at) = tag_offset(&frame) {
                prop_assert!(at + TAG_LEN <= frame.len());
            }
        }
    }
}
