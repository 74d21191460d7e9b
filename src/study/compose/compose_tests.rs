//! Frames are what they should be: put together again they are one message with a right checksum.

use proptest::prelude::*;

use super::*;
use crate::profile::fragments::Order;
use crate::profile::study::{ANOMALIES, ARMS, Extension, ExtensionKind, PROTOCOLS, cut, lawful};
use crate::study::view::View;
use crate::units::Nanos;
use crate::wire::{checksum, icmp, icmpv6, ip_protocol, tcp};

fn common() -> Common {
    Common {
        study: 7,
        ends: Ends {
            src_mac: [2; 6],
            dst_mac: [[4; 6]; 2],
            ipv4: Some(([198, 18, 0, 2].into(), [198, 19, 0, 2].into())),
            ipv6: Some(("2001:2::2".parse().unwrap(), "2001:2::3".parse().unwrap())),
            src_port: 50_000,
            dst_port: 8900,
            name: "example.com".into(),
        },
    }
}

fn cell(family: Family, protocol: Protocol, len: usize, count: usize) -> Cell {
    Cell {
        name: "cell".into(),
        family,
        protocol,
        len,
        tcp_header: 20,
        fragments: lawful(cut(len, None, count).unwrap(), Order::In, Nanos(0)),
        anomaly: Anomaly::None,
        extension: None,
        df: false,
        interleave: 1,
    }
}

/// Whether a message is one that its receiver takes.
fn is_right(family: Family, protocol: Protocol, message: &[u8]) -> bool {
    let len = message.len() as u32;
    let pseudo = |number| match family {
        Family::V4 => {
            let (src, dst) = common().ends.ipv4.unwrap();
            checksum::pseudo_ipv4(src, dst, number, len)
        }
        Family::V6 => {
            let (src, dst) = common().ends.ipv6.unwrap();
            checksum::pseudo_ipv6(src, dst, number, len)
        }
    };
    match (protocol, family) {
        (Protocol::Udp | Protocol::Dns, _) => {
            let udp = udp::Packet::new_checked(message).unwrap();
            usize::from(udp.length()) == message.len()
                && udp.verify_checksum(pseudo(ip_protocol::UDP))
        }
        (Protocol::Tcp, _) => {
            let tcp = tcp::Packet::new_checked(message).unwrap();
            tcp.verify_checksum(pseudo(ip_protocol::TCP))
        }
        (Protocol::Icmp, Family::V4) => {
            icmp::Packet::new_checked(message).unwrap().verify_checksum()
        }
        (Protocol::Icmp, Family::V6) => icmpv6::Packet::new_checked(message)
            .unwrap()
            .verify_checksum(pseudo(ip_protocol::ICMPV6)),
    }
}

proptest! {
    #[test]
    fn lawful_fragments_are_one_message(
        v4: bool, protocol in 0usize..4, len in 120usize..1400, count in 1usize..12, seq: u32,
        shuffled: bool, tcp_words in 5usize..=15,
    ) {
        let family = if v4 { Family::V4 } else { Family::V6 };
        let (_, protocol) = PROTOCOLS[protocol];
        let mut cell = cell(family, protocol, len, count + 1);
        cell.tcp_header = tcp_words * 4;
        if shuffled {
            cell.fragments.order = Order::Shuffled;
        }
        let frames = frames(&common(), &cell, ArmKind::Fragments, seq).unwrap();
        prop_assert_eq!(frames.len(), count + 1);
        let mut message = vec![0; len];
        for frame in &frames {
            let view = View::of_frame(&frame.bytes).unwrap();
            let fragment = view.fragment.unwrap();
            prop_assert_eq!(fragment.id, common().id(&cell, seq));
            let at = usize::from(fragment.offset);
            prop_assert_eq!(fragment.more, at + view.payload.len() < len);
            message[at..at + view.payload.len()].copy_from_slice(view.payload);
            if let Some(tag) = Tag::find(view.payload) {
                prop_assert_eq!((tag.seq, tag.index), (seq, frame.index));
                prop_assert_eq!(usize::from(tag.offset), at);
            }
        }
        prop_assert!(is_right(family, protocol, &message));
        let whole = super::frames(&common(), &cell, ArmKind::Whole, seq).unwrap();
        let view = View::of_frame(&whole[0].bytes).unwrap();
        prop_assert_eq!(view.payload.len(), len, "the control is as long");
        prop_assert!(is_right(family, protocol, view.payload));
        if protocol == Protocol::Dns {
            // What a server sends back begins with the question.
            let mut answer = view.payload[udp::LEN..].to_vec();
            answer[2] |= 0x80;
            prop_assert_eq!(of_dns_answer(&answer, 7), Some((seq, 0)));
        }
    }

    #[test]
    fn every_arm_can_be_made_and_says_how_much_it_is(
        v4: bool, protocol in 0usize..3, anomaly in 0usize..ANOMALIES.len(), count in 2usize..6,
        seq in 0u32..1_000_000, order in 0usize..4,
    ) {
        let family = if v4 { Family::V4 } else { Family::V6 };
        let mut cell = cell(family, PROTOCOLS[protocol].1, 1232, count);
        cell.anomaly = ANOMALIES[anomaly].1;
        cell.fragments.order =
            [Order::In, Order::Reversed, Order::Shuffled, Order::LastFirst][order].clone();
        if !v4 {
            cell.extension =
                Some(Extension { kind: ExtensionKind::HopByHop, len: 64, after: false });
        }
        for (_, arm) in ARMS.into_iter().filter(|(_, arm)| arm.applies(&cell)) {
            let frames = frames(&common(), &cell, arm, seq).unwrap();
            prop_assert_eq!(frames.len(), frames_of(&cell, arm).unwrap(), "{:?}", arm);
            let mask = frames.iter().fold(0u64, |mask, frame| mask | 1 << frame.index);
            prop_assert_eq!(mask, sent(&cell, arm).unwrap(), "{:?}", arm);
            prop_assert!(frames.iter().all(|frame| (60..=1514).contains(&frame.bytes.len())));
        }
    }
}

#[test]
fn identifications_come_once() {
    let common = common();
    for (family, space) in [(Family::V4, 65_536), (Family::V6, 100_000)] {
        let cell = cell(family, Protocol::Udp, 1232, 2);
        let ids: std::collections::HashSet<u32> =
            (0..space).map(|seq| common.id(&cell, seq)).collect();
        assert_eq!(ids.len(), space as usize);
    }
}
