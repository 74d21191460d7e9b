//! What holds for every parser and any bytes.

use wirestorm::packet::dissect::dissect;
use wirestorm::receive::find_tag::find_tag;
use wirestorm::wire::{ethernet, icmp, icmpv6, ipv4, ipv6, tcp, udp, vlan};

/// Panics where a parser does, or where it breaks its word.
pub fn check(frame: &[u8]) {
    let _ = find_tag(frame, &[0, 42, 65_535]);
    let mut at = 0;
    each_parser(frame);
    for header in dissect(frame).headers {
        assert!(!header.is_empty(), "every header takes the walk further");
        at += header.len();
        each_parser(&frame[at..]);
    }
}

/// Parses `bytes` as each protocol; what is parsed is emitted, and parsed again is the same.
fn each_parser(bytes: &[u8]) {
    if let Ok(packet) = ethernet::Packet::new_checked(bytes) {
        let repr = ethernet::Repr::parse(&packet);
        let mut again = [0xa5; ethernet::LEN];
        repr.emit(&mut again);
        assert_eq!(again, bytes[..ethernet::LEN]);
        assert_eq!(packet.payload().len() + ethernet::LEN, bytes.len());
    }
    if let Ok(packet) = vlan::Packet::new_checked(bytes) {
        let mut again = [0xa5; vlan::LEN];
        vlan::Repr::parse(&packet).emit(&mut again);
        assert_eq!(again, bytes[..vlan::LEN]);
    }
    if let Ok(packet) = ipv4::Packet::new_checked(bytes) {
        let repr = ipv4::Repr::parse(&packet);
        let mut again = [0xa5; ipv4::LEN];
        repr.emit(&mut again);
        let again = ipv4::Packet::new_checked(again).expect("what was emitted");
        assert!(again.verify_checksum());
        let repr = ipv4::Repr { payload_len: repr.payload_len.min(65515), ..repr };
        assert_eq!(ipv4::Repr::parse(&again), repr);
        let _ = (packet.verify_checksum(), packet.payload());
    }
    if let Ok(packet) = ipv6::Packet::new_checked(bytes) {
        let mut again = [0xa5; ipv6::LEN];
        ipv6::Repr::parse(&packet).emit(&mut again);
        assert_eq!(again, bytes[..ipv6::LEN]);
        let _ = packet.payload();
    }
    if let Ok(packet) = udp::Packet::new_checked(bytes) {
        let repr = udp::Repr::parse(&packet);
        let mut again = bytes.to_vec();
        repr.emit(&mut again, 0);
        assert!(udp::Packet::new_checked(&again).is_ok_and(|packet| packet.verify_checksum(0)));
        let _ = packet.verify_checksum(0);
    }
    if let Ok(packet) = tcp::Packet::new_checked(bytes) {
        let repr = tcp::Repr::parse(&packet);
        let mut again = bytes.to_vec();
        repr.emit(&mut again, 0);
        let again = tcp::Packet::new_checked(&again).expect("what was emitted");
        assert_eq!(tcp::Repr::parse(&again), repr);
        assert!(again.verify_checksum(0));
        let _ = (packet.verify_checksum(0), packet.payload());
    }
    if let Ok(packet) = icmp::Packet::new_checked(bytes) {
        let repr = icmp::Repr::parse(&packet);
        let mut again = bytes.to_vec();
        repr.emit(&mut again);
        assert_eq!(icmp::Repr::parse(&icmp::Packet::new_checked(&again).expect("emitted")), repr);
        let _ = packet.verify_checksum();
    }
    if let Ok(packet) = icmpv6::Packet::new_checked(bytes) {
        let repr = icmpv6::Repr::parse(&packet);
        let mut again = bytes.to_vec();
        repr.emit(&mut again, 1);
        assert!(icmpv6::Packet::new_checked(&again).is_ok_and(|packet| packet.verify_checksum(1)));
        let _ = packet.verify_checksum(1);
    }
}
