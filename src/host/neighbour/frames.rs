//! The frames of address resolution: ARP (RFC 826), neighbour and router solicitation and
//! advertisement (RFC 4861).

use std::net::{Ipv4Addr, Ipv6Addr};

/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

const ICMPV6: u8 = 58;
/// A packet with another hop limit may have come from afar (RFC 4861 §6.1.2, §7.1.2).
const HOP_LIMIT: u8 = 255;

const ETHERNET: usize = 14;
const ICMPV6_AT: usize = ETHERNET + 40;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<A> {
    /// Its MAC.
    pub mac: [u8; 6],
    /// Its address; none makes the question a probe (RFC 5227 §2.1.1; RFC 4861 §4.3).
    pub address: Option<A>,
}

/// "Who has `target`?" to everyone on the link.
pub fn arp_request(asker: Asker<Ipv4Addr>, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(60);
    frame.extend([0xff; 6]);
    frame.extend(asker.mac);
    frame.extend(ARP.to_be_bytes());
    // Ethernet (1), IPv4, lengths 6 and 4, request (1).
    frame.extend([0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend(asker.mac);
    frame.extend(asker.address.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    // The smallest Ethernet frame, FCS not counted.
    frame.resize(60, 0);
    frame
}

/// The MAC in an answer to "who has `target`?"; a request of the target's own tells it as well.
pub fn arp_answer(frame: &[u8], target: Ipv4Addr) -> Option<[u8; 6]> {
    let arp = frame.get(ETHERNET..ETHERNET + 28)?;
    if frame[12..14] != ARP.to_be_bytes() || arp[..6] != [0, 1, 0x08, 0, 6, 4] {
        return None;
    }
    let operation = u16::from_be_bytes([arp[6], arp[7]]);
    let mac: [u8; 6] = arp[8..14].try_into().ok()?;
    (matches!(operation, 1 | 2) && arp[14..18] == target.octets() && unicast(mac)).then_some(mac)
}

/// "Who has `target`?" to the solicited-node group of the target.
pub fn neighbour_solicitation(asker: Asker<Ipv6Addr>, target: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        u16::from_be_bytes([0xff, a]),
        u16::from_be_bytes([b, c]),
    );
    icmpv6_frame(asker, group, message)
}

/// "Which routers are here?" to all routers.
pub fn router_solicitation(asker: Asker<Ipv6Addr>) -> Vec<u8> {
    let all_routers = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
    icmpv6_frame(asker, all_routers, vec![ROUTER_SOLICITATION, 0, 0, 0, 0, 0, 0, 0])
}

/// A multicast ICMPv6 message with the sender's link-layer address where that is allowed.
fn icmpv6_frame(asker: Asker<Ipv6Addr>, group: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    // Not with an unspecified source (RFC 4861 §4.1, §4.3).
    if asker.address.is_some() {
        message.extend([SOURCE_LINK_LAYER, 1]);
        message.extend(asker.mac);
    }
    let source = asker.address.unwrap_or(Ipv6Addr::UNSPECIFIED);
    let checksum = !sum(source, group, &message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());

    let mut frame = Vec::with_capacity(ICMPV6_AT + message.len());
    frame.extend([0x33, 0x33]);
    frame.extend(&group.octets()[12..]);
    frame.extend(asker.mac);
    frame.extend(IPV6.to_be_bytes());
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((message.len() as u16).to_be_bytes());
    frame.extend([ICMPV6, HOP_LIMIT]);
    frame.extend(source.octets());
    frame.extend(group.octets());
    frame.extend(message);
    frame
}

/// The MAC in a neighbour advertisement for `target`: from its option, else the frame's source.
pub fn neighbour_answer(frame: &[u8], target: Ipv6Addr) -> Option<[u8; 6]> {
    let (_, message) = icmpv6_of(frame, NEIGHBOUR_ADVERTISEMENT, 24)?;
    if message[8..24] != target.octets() {
        return None;
    }
    link_layer(frame, &message[24..], TARGET_LINK_LAYER)
}

/// The router of an advertisement: its address and MAC. The option may stand anywhere among the
/// others, or be missing (RFC 4861 §4.2): then the frame's source is the router's MAC.
pub fn router_answer(frame: &[u8]) -> Option<(Ipv6Addr, [u8; 6])> {
    let (source, message) = icmpv6_of(frame, ROUTER_ADVERTISEMENT, 16)?;
    if !source.is_unicast_link_local() {
        return None;
    }
    Some((source, link_layer(frame, &message[16..], SOURCE_LINK_LAYER)?))
}

/// The source and the ICMPv6 message of a frame, where it is a valid one of that kind
/// (RFC 4861 §6.1.2, §7.1.2) with at least `least` bytes.
fn icmpv6_of(frame: &[u8], kind: u8, least: usize) -> Option<(Ipv6Addr, &[u8])> {
    let ip = frame.get(ETHERNET..ICMPV6_AT)?;
    if frame[12..14] != IPV6.to_be_bytes() || ip[0] >> 4 != 6 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
    let message = frame.get(ICMPV6_AT..ICMPV6_AT + length)?;
    let legal = ip[6] == ICMPV6 && ip[7] == HOP_LIMIT && length >= least;
    if !legal || message[0] != kind || message[1] != 0 {
        return None;
    }
    let address = |at: usize| <[u8; 16]>::try_from(&ip[at..at + 16]).map(Ipv6Addr::from).ok();
    let (source, destination) = (address(8)?, address(24)?);
    (sum(source, destination, message) == 0xffff).then_some((source, message))
}

/// The first option `kind` wherever it stands, else the frame's source. None when an option has
/// length 0: such a message is to be thrown away (RFC 4861 §4.6).
fn link_layer(frame: &[u8], options: &[u8], kind: u8) -> Option<[u8; 6]> {
    let mut found = None;
    let mut rest = options;
    while !rest.is_empty() {
        let length = usize::from(*rest.get(1)?) * 8;
        let option = rest.get(..length).filter(|option| !option.is_empty())?;
        if option[0] == kind && found.is_none() {
            found = option[2..8].try_into().ok();
        }
        rest = &rest[length..];
    }
    let mac = found.or_else(|| frame[6..12].try_into().ok())?;
    unicast(mac).then_some(mac)
}

fn unicast(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 0 && mac != [0; 6]
}

/// The one's complement sum over the pseudo-header (RFC 8200 §8.1) and the message.
fn sum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u32 {
        bytes
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
            .sum()
    };
    let mut sum = words(&source.octets())
        + words(&destination.octets())
        + message.len() as u32
        + u32::from(ICMPV6)
        + words(message);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 7];

    fn router() -> Ipv6Addr {
        "fe80::1".parse().unwrap()
    }

    /// A router advertisement with these options.
    fn advertisement(options: &[u8]) -> Vec<u8> {
        let mut message = vec![ROUTER_ADVERTISEMENT, 0, 0, 0, 64, 0, 0x07, 0x08];
        message.extend([0; 8]);
        message.extend(options);
        let everyone: Ipv6Addr = "ff02::1".parse().unwrap();
        let mut frame =
            icmpv6_frame(Asker { mac: MAC, address: None }, everyone, vec![0; message.len()]);
        frame.truncate(ICMPV6_AT);
        frame[ETHERNET + 8..ETHERNET + 24].copy_from_slice(&router().octets());
        let checksum = !sum(router(), everyone, &message);
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        frame.extend(message);
        frame
    }

    #[test]
    fn an_arp_request_is_its_own_answer_for_the_asker() {
        let own = Ipv4Addr::new(198, 18, 0, 2);
        let frame =
            arp_request(Asker { mac: MAC, address: Some(own) }, Ipv4Addr::new(198, 18, 0, 1));
        assert_eq!(frame.len(), 60);
        assert_eq!(arp_answer(&frame, own), Some(MAC));
        assert_eq!(arp_answer(&frame, Ipv4Addr::new(198, 18, 0, 1)), None);
    }

    #[test]
    fn a_probe_names_no_source() {
        let target: Ipv6Addr = "2001:2::12:3456".parse().unwrap();
        let with = neighbour_solicitation(Asker { mac: MAC, address: Some(router()) }, target);
        let without = neighbour_solicitation(Asker { mac: MAC, address: None }, target);
        assert_eq!(with.len(), without.len() + 8);
        assert_eq!(without[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(without[ETHERNET + 8..ETHERNET + 24], [0; 16]);
        assert!(icmpv6_of(&with, NEIGHBOUR_SOLICITATION, 24).is_some(), "checksum and lengths");
        assert!(icmpv6_of(&without, NEIGHBOUR_SOLICITATION, 24).is_some());
    }

    #[test]
    fn the_routers_option_is_found_wherever_it_stands() {
        let source = [&[1, 1][..], &OTHER].concat();
        let mtu = [5, 1, 0, 0, 0, 0, 5, 0xdc];
        let prefix = [&[3, 4, 64, 0xc0][..], &[0; 28]].concat();
        for options in [
            [&source[..], &mtu, &prefix].concat(),
            [&mtu[..], &source, &prefix].concat(),
            [&prefix[..], &mtu, &source].concat(),
        ] {
            assert_eq!(router_answer(&advertisement(&options)), Some((router(), OTHER)));
        }
        assert_eq!(router_answer(&advertisement(&mtu)), Some((router(), MAC)), "frame's source");
    }

    #[test]
    fn broken_advertisements_are_thrown_away() {
        let good = advertisement(&[&[1, 1][..], &OTHER].concat());
        assert!(router_answer(&good).is_some());
        for (at, what) in [
            (ETHERNET + 7, "hop limit"),
            (ETHERNET + 8, "source not link-local"),
            (ICMPV6_AT, "type"),
            (ICMPV6_AT + 1, "code"),
            (ICMPV6_AT + 2, "checksum"),
            (ICMPV6_AT + 16 + 1, "length of an option"),
        ] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(router_answer(&bad), None, "{what}");
        }
        assert_eq!(router_answer(&advertisement(&[1, 0, 0, 0, 0, 0, 0, 0])), None, "length 0");
    }

    proptest! {
        #[test]
        fn no_frame_makes_a_parser_panic(
            mut frame in proptest::collection::vec(any::<u8>(), 0..200),
            shape in 0..4,
        ) {
            // Random bytes hardly ever pass the first checks: give some of them a start.
            if frame.len() >= ICMPV6_AT + 2 && shape > 0 {
                frame[12..14].copy_from_slice(&IPV6.to_be_bytes());
                frame[ETHERNET] = 0x60;
                let length = (frame.len() - ICMPV6_AT) as u16;
                frame[ETHERNET + 4..ETHERNET + 6].copy_from_slice(&length.to_be_bytes());
                frame[ETHERNET + 6] = ICMPV6;
                frame[ETHERNET + 7] = HOP_LIMIT;
                frame[ICMPV6_AT] = 132 + shape as u8;
                frame[ICMPV6_AT + 1] = 0;
            }
            let _ = arp_answer(&frame, Ipv4Addr::LOCALHOST);
            let _ = neighbour_answer(&frame, Ipv6Addr::LOCALHOST);
            let _ = router_answer(&frame);
            if frame.len() > 40 {
                let _ = link_layer(&frame, &frame[20..], TARGET_LINK_LAYER);
            }
        }
    }
}
