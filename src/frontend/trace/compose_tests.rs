use super::*;
use crate::frontend::ip::Family;
use crate::frontend::ip::error::IcmpError;
use crate::frontend::ip::heard::{Heard, Says};
use crate::frontend::ip::quote::Quote;
use crate::frontend::trace::matching::matching;
use proptest::prelude::*;

pub fn flow(v6: bool, protocol: Protocol) -> Flow {
    let (src, dst) = if v6 {
        ("2001:db8::1".parse().unwrap(), "2001:db8:6::2".parse().unwrap())
    } else {
        ([198, 18, 0, 1].into(), [198, 18, 6, 2].into())
    };
    let (src_port, dst_port) = (40_000, 33_434);
    Flow { protocol, src, dst, src_port, dst_port, flow_label: 0x12345, base: u32::MAX - 9 }
}

/// The payload of the packets behind the IP and fragment headers, put together.
fn reassembled(packets: &[Vec<u8>], headers: usize) -> Vec<u8> {
    packets.iter().flat_map(|packet| packet[headers..].to_vec()).collect()
}

fn quoted(flow: &Flow, packet: &[u8]) -> Heard {
    let message_type = if flow.family() == Family::V4 { 11 } else { 3 };
    let error = IcmpError { family: flow.family(), message_type, code: 0, info: 0 };
    let quote = Quote::parse(flow.family(), packet).expect("a quote");
    Heard { at: 5, from: flow.src, ttl: None, says: Says::Error(error, quote) }
}

const ARMS: [Arm; 7] = [
    Arm::Whole,
    Arm::Fragments,
    Arm::Atomic,
    Arm::HopByHop(8),
    Arm::DestinationOptions(8),
    Arm::HopByHop(264),
    Arm::DestinationOptions(64),
];

proptest! {
    /// What routers see of every probe of a run is the same, but for the hop and the token.
    #[test]
    fn checksums_are_the_same_for_all_tokens(one in 1u16.., other in 1u16.., v6: bool, tcp: bool) {
        let protocol = if tcp { Protocol::Udp } else { Protocol::Icmp };
        let flow = flow(v6, protocol);
        let (one, other) = (message(&flow, one, 60), message(&flow, other, 60));
        prop_assert_eq!(&one[..4], &other[..4], "type, code and checksum, or ports");
        prop_assert_eq!(&one[4..6], &other[4..6]);
        if protocol == Protocol::Udp {
            prop_assert_eq!(&one[..8], &other[..8]);
        }
    }

    /// Quoted by a router, in full or as little as it may be, every packet leads back to its probe.
    #[test]
    fn a_quote_leads_back_to_its_probe(
        token in 1u16.., v6: bool, arm in prop::sample::select(&ARMS[..]),
        protocol in prop::sample::select(&[Protocol::Udp, Protocol::Icmp, Protocol::Tcp][..]),
        size in 0usize..1500,
    ) {
        prop_assume!(v6 || matches!(arm, Arm::Whole | Arm::Fragments));
        prop_assume!(protocol != Protocol::Tcp || arm == Arm::Whole);
        let flow = flow(v6, protocol);
        let probe = Probe { token, hop: 3, arm, size };
        let packets = packets(&flow, &probe);
        let whole_size = size.max(flow.min_size(arm));
        for (at, packet) in packets.iter().enumerate() {
            prop_assert!(packet.len() <= whole_size + 8);
            let matched = matching(&flow, &quoted(&flow, packet)).unwrap();
            prop_assert_eq!((matched.token, matched.later), (Some(token), at > 0));
            if !v6 {
                // RFC 792: the IP header and 8 bytes.
                let short = matching(&flow, &quoted(&flow, &packet[..ipv4::LEN + 8])).unwrap();
                prop_assert_eq!((short.token, short.later), (Some(token), at > 0));
            }
        }
        if packets.len() == 1 && protocol != Protocol::Tcp {
            prop_assert_eq!(packets[0].len(), whole_size);
        }
    }

    /// The fragments are the whole packet, cut: the first holds all headers and ends at a multiple
    /// of 8 bytes.
    #[test]
    fn fragments_are_the_whole_packet_cut(size in 84usize..1500, v6: bool, udp: bool) {
        let flow = flow(v6, if udp { Protocol::Udp } else { Protocol::Icmp });
        let probe = |arm| Probe { token: 7, hop: 3, arm, size };
        let (whole, cut) = (packets(&flow, &probe(Arm::Whole)), packets(&flow, &probe(Arm::Fragments)));
        let ip = flow.family().header_len();
        let headers = ip + if v6 { 8 } else { 0 };
        prop_assert_eq!(reassembled(&cut, headers), reassembled(&whole, ip));
        let first = cut[0].len() - headers;
        prop_assert!(first.is_multiple_of(8) && first >= 12 && cut[1].len() > headers);
        // The first says that more follow; the second is where the first ends.
        if v6 {
            prop_assert_eq!(&cut[0][42..44], &[0, 1]);
            prop_assert_eq!(u16::from_be_bytes([cut[1][42], cut[1][43]]), first as u16);
            prop_assert_eq!(&cut[0][44..48], &cut[1][44..48], "one identification");
        } else {
            prop_assert_eq!(&cut[0][6..8], &[0x20, 0]);
            prop_assert_eq!(u16::from_be_bytes([cut[1][6], cut[1][7]]), first as u16 / 8);
            prop_assert_eq!(&cut[0][4..6], &cut[1][4..6]);
        }
    }

    /// Options fill their header exactly, one behind the other.
    #[test]
    fn options_fill_their_header(units in 1usize..=256) {
        let header = options(58, units * 8);
        prop_assert_eq!(header.len(), units * 8);
        prop_assert_eq!((header[0], usize::from(header[1])), (58, units - 1));
        let mut at = 2;
        while at < header.len() {
            prop_assert!(header[at] == EXPERIMENTAL_SKIP || units == 1 && header[at] == PAD_N);
            at += 2 + usize::from(header[at + 1]);
        }
        prop_assert_eq!(at, header.len());
    }
}

#[test]
fn checksums_are_right() {
    for v6 in [false, true] {
        let echo = message(&flow(v6, Protocol::Icmp), 9, 60);
        let flow = flow(v6, Protocol::Udp);
        let datagram = message(&flow, 9, 60);
        let pseudo = |number| match (flow.src, flow.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => checksum::pseudo_ipv4(src, dst, number, 60),
            (IpAddr::V6(src), IpAddr::V6(dst)) => checksum::pseudo_ipv6(src, dst, number, 60),
            _ => unreachable!("one family"),
        };
        assert!(udp::Packet::new_checked(&datagram).unwrap().verify_checksum(pseudo(17)));
        if v6 {
            assert!(icmpv6::Packet::new_checked(&echo).unwrap().verify_checksum(pseudo(58)));
        } else {
            assert!(icmp::Packet::new_checked(&echo).unwrap().verify_checksum());
        }
    }
}
