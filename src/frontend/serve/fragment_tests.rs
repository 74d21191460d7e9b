use proptest::prelude::*;

use super::*;
use crate::wire::checksum;

const MTU: usize = 1500;

fn shape(text: &str) -> Shape {
    Shape { cutting: text.parse().unwrap(), order: Order::In, gap: Nanos(0) }
}

fn v4(protocol: u8, part: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; ipv4::LEN];
    let repr = ipv4::Repr {
        dscp: 8,
        ecn: 0,
        id: 7,
        df: true,
        mf: false,
        fragment_offset: 0,
        ttl: 61,
        protocol,
        src: [198, 18, 0, 1].into(),
        dst: [198, 18, 1, 2].into(),
        payload_len: part.len() as u16,
    };
    repr.emit(&mut packet);
    packet.extend(part);
    packet
}

fn v6(next_header: u8, part: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; ipv6::LEN];
    let repr = ipv6::Repr {
        dscp: 0,
        ecn: 0,
        flow_label: 0xbeef,
        payload_len: part.len() as u16,
        next_header,
        hop_limit: 61,
        src: "2001:db8::1".parse().unwrap(),
        dst: "2001:db8::2".parse().unwrap(),
    };
    repr.emit(&mut packet);
    packet.extend(part);
    packet
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| n as u8).collect()
}

/// Cuts, and puts together again as a receiver does.
fn cut(shape: &Shape, packet: &[u8]) -> (Made, Vec<usize>, Vec<u8>) {
    let (mut ids, mut pieces) = (Identifications::default(), Pieces::default());
    let made = shape.cut(packet, MTU, &mut ids, &mut pieces).unwrap();
    let (mut part, mut found) = (Vec::new(), Vec::new());
    for piece in pieces.packets() {
        let (offset, more, id, data) = match piece[0] >> 4 {
            4 => {
                let header = ipv4::Packet::new_checked(piece).unwrap();
                assert!(header.verify_checksum(), "{piece:02x?}");
                assert_eq!(usize::from(header.total_len()), piece.len());
                assert!(made == Made::Whole || !header.df());
                let offset = usize::from(header.fragment_offset()) * 8;
                (offset, header.mf(), u32::from(header.id()), &piece[ipv4::LEN..])
            }
            _ => {
                let header = ipv6::Packet::new_checked(piece).unwrap();
                assert_eq!(usize::from(header.payload_len()), piece.len() - ipv6::LEN);
                let (at, end) = unfragmentable(piece);
                if made == Made::Whole {
                    (0, false, 0, &piece[end..])
                } else {
                    assert_eq!((piece[at], piece[end + 1]), (ip_protocol::FRAGMENT, 0));
                    let word = bits::u16_at(piece, end + 2);
                    assert_eq!(word & 6, 0, "reserved");
                    let id = bits::u32_at(piece, end + 4);
                    (usize::from(word & 0xfff8), word & 1 == 1, id, &piece[end + 8..])
                }
            }
        };
        assert!(!more || data.len() % 8 == 0, "{}", data.len());
        found.push((offset, more, id));
        part.resize(part.len().max(offset + data.len()), 0);
        part[offset..offset + data.len()].copy_from_slice(data);
    }
    assert!(made == Made::Whole || pieces.packets().all(|piece| piece.len() <= MTU));
    assert!(found.iter().all(|(.., id)| *id == found[0].2));
    assert_eq!(found.iter().filter(|(_, more, _)| !more).count(), 1);
    (made, pieces.sizes().collect(), part)
}

#[test]
fn what_can_be_typed() {
    for text in ["none", "atomic", "136,512", "1232", "pieces=3", "mtu=1280"] {
        assert_eq!(text.parse::<Cutting>().unwrap().to_string(), text);
    }
    for (text, says) in [
        ("12,512", "multiple of 8"),
        ("0", "from 8"),
        ("pieces=1", "from 2"),
        ("pieces=999", "at most 256"),
        ("mtu=12", "from 68"),
        ("size=8", "pieces=N or mtu"),
        ("some", "atomic"),
        ("", "atomic"),
        ("8,", "no size"),
    ] {
        let error = text.parse::<Cutting>().unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn answers_of_every_length_are_cut() {
    for (len, expected) in [
        (8, vec![8]),
        (9, vec![8, 1]),
        (100, vec![96, 4]),
        (136, vec![128, 8]),
        (137, vec![136, 1]),
        (648, vec![136, 512]),
        (1700, vec![136, 512, 512, 512, 28]),
    ] {
        for packet in [v4(17, &bytes(len)), v6(17, &bytes(len))] {
            let (made, sizes, part) = cut(&shape("136,512"), &packet);
            assert_eq!((sizes, part), (expected.clone(), bytes(len)));
            assert_eq!(made, if expected.len() == 1 { Made::Whole } else { Made::Pieces });
        }
    }
    assert_eq!(cut(&shape("8,16,24,512"), &v6(17, &bytes(40))).1, [8, 16, 16]);
    assert_eq!(cut(&shape("mtu=1280"), &v6(17, &bytes(1240))).0, Made::Whole);
    assert_eq!(cut(&shape("mtu=1280"), &v6(17, &bytes(1241))).1, [1232, 9]);
    assert_eq!(cut(&shape("pieces=5"), &v6(17, &bytes(20))).1, [8, 8, 4]);
    assert_eq!(cut(&shape("pieces=2"), &v6(17, &bytes(3000))).1, [1448, 1448, 104], "the MTU's");
    assert_eq!(cut(&shape("8,4000"), &v6(17, &bytes(3000))).1, [8, 1448, 1448, 96]);
    assert_eq!(cut(&shape("atomic"), &v6(17, &bytes(1453))).1, [1448, 5]);
    assert_eq!(cut(&shape("none"), &v4(17, &bytes(2000))).0, Made::Whole);
}

/// The seed's TCP front end cut behind header + 944 whatever the header's length was: receivers
/// throw that away where it has 20 or 28 bytes.
#[test]
fn tcp_headers_stay_in_the_first_piece_and_are_counted() {
    for header in [20, 28, 32, 60] {
        let mut segment = bytes(header + 1200);
        segment[12] = ((header / 4) << 4) as u8;
        let (_, sizes, part) = cut(&shape("8,256"), &v6(6, &segment));
        assert_eq!(sizes[0], header.next_multiple_of(8));
        assert_eq!(part, segment);
    }
}

#[test]
fn atomic_fragments_are_of_ipv6() {
    assert_eq!(cut(&shape("atomic"), &v6(17, &bytes(50))), (Made::Atomic, vec![50], bytes(50)));
    assert_eq!(cut(&shape("atomic"), &v4(17, &bytes(50))).0, Made::Whole);
}

#[test]
fn extension_headers_stand_where_they_have_to() {
    // Hop-by-hop, destination options, routing; then destination options for the destination.
    let mut chain = vec![60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0];
    chain.extend([60, 0, 4, 0, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]);
    chain.extend(bytes(100));
    let (_, sizes, part) = cut(&shape("64"), &v6(0, &chain));
    assert_eq!((sizes, part), (vec![64, 44], chain[24..].to_vec()));
}

#[test]
fn a_fragment_is_not_cut_again() {
    let mut fragment = v4(17, &bytes(100));
    fragment[6] = 0x20;
    let sum = checksum::update(bits::u16_at(&fragment, 10), 0x4000, 0x2000);
    fragment[10..12].copy_from_slice(&sum.to_be_bytes());
    let (mut ids, mut pieces) = (Identifications::default(), Pieces::default());
    assert_eq!(shape("8").cut(&fragment, MTU, &mut ids, &mut pieces), Ok(Made::Whole));
    assert_eq!(pieces.packets().next(), Some(&fragment[..]));
    assert!(shape("8").cut(&[0x45, 0], MTU, &mut ids, &mut pieces).is_err());
    assert!(shape("8").cut(&[], MTU, &mut ids, &mut pieces).is_err());
}

#[test]
fn orders_are_kept() {
    let ordered = |order| {
        let shape = Shape { order, ..shape("8,16,24") };
        cut(&shape, &v6(17, &bytes(50))).1
    };
    assert_eq!(ordered(Order::In), [8, 16, 24, 2]);
    assert_eq!(ordered(Order::Reversed), [2, 24, 16, 8]);
    assert_eq!(ordered(Order::LastFirst), [2, 8, 16, 24]);
    let shuffled: std::collections::HashSet<_> =
        (0..200).map(|_| ordered(Order::Shuffled)).collect();
    assert!(shuffled.len() > 12, "24 orders are possible: {shuffled:?}");
}

proptest! {
    #[test]
    fn every_packet_is_whole_again(
        len in 0usize..3000,
        v6_packet: bool,
        protocol in prop::sample::select(vec![6u8, 17, 132]),
        text in prop::sample::select(vec![
            "none", "atomic", "8", "136,512", "1232", "8,16,2000", "pieces=2", "pieces=45", "mtu=68",
            "mtu=1280",
        ]),
        order in prop::sample::select(vec![
            Order::In, Order::Reversed, Order::Shuffled, Order::LastFirst,
        ]),
    ) {
        let mut part = bytes(len);
        if let Some(offset) = part.get_mut(12) {
            *offset = 0x50;
        }
        let packet = if v6_packet { v6(protocol, &part) } else { v4(protocol, &part) };
        let shape = Shape { order, ..shape(text) };
        let (made, sizes, again) = cut(&shape, &packet);
        prop_assert_eq!(again, part);
        prop_assert_eq!(made == Made::Pieces, sizes.len() > 1);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, first in 0u8..3, text in prop::sample::select(vec![
        "atomic", "8", "pieces=3", "mtu=68",
    ]), mtu in 0usize..3000) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.first_mut() {
            *byte = [0x45, 0x60, 0x4f][usize::from(first)];
        }
        let _ = shape(text).cut(&bytes, mtu, &mut Identifications::default(), &mut Pieces::default());
        let _ = destination(&bytes);
    }
}
