//! Addresses are resolved against a real kernel on the other side of the cable.

mod lab_support;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use lab_support::{privileged, rise, spec};
use wirestorm::host::{link, neighbour};
use wirestorm::lab::Lab;
use wirestorm::profile::model::{Neighbours, Topology};
use wirestorm::sys::frame_socket::FrameSocket;

const PATIENT: Duration = Duration::from_secs(8);
const SHORT: Duration = Duration::from_millis(200);

fn resolved(topology: Topology) -> Lab {
    let mut spec = spec(topology);
    spec.neighbours = Neighbours::Resolved;
    Lab::up(&spec, 1).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The MAC of a lab's device.
fn mac(lab: &Lab, role: &str, device: &str) -> [u8; 6] {
    link::facts(lab.netns(role).unwrap(), device).unwrap().mac
}

#[test]
fn arp_and_neighbour_discovery_find_the_router() {
    if !privileged("arp_and_neighbour_discovery_find_the_router") {
        return;
    }
    let lab = resolved(Topology::Router);
    let tx = lab.port("tx").unwrap();
    assert_eq!(tx.next_hop_mac, None, "the lab leaves it to resolution");
    let router = mac(&lab, "router", "r-tx");
    let facts = link::facts(lab.netns("router").unwrap(), "r-tx").unwrap();
    let link_local = facts.ipv6.last().unwrap().0;
    assert!(link_local.is_unicast_link_local());
    for target in [address("198.18.0.1"), address("2001:2::1"), link_local.into()] {
        let before = lab.witness().unwrap();
        assert_eq!(neighbour::resolve(&tx.netns, "tx", target, PATIENT).unwrap(), router);
        assert!(rise(&lab, &before, "tx tx_packets") >= 1, "{target} was asked for");
    }
}

#[test]
fn what_the_kernel_is_sure_of_is_not_asked() {
    if !privileged("what_the_kernel_is_sure_of_is_not_asked") {
        return;
    }
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let rx = lab.port("rx").unwrap();
    let before = lab.witness().unwrap();
    for target in [rx.next_hop_ipv4.into(), rx.next_hop_ipv6.unwrap().into()] {
        let found = neighbour::resolve(&rx.netns, "rx", target, SHORT).unwrap();
        assert_eq!(Some(found), rx.next_hop_mac);
        assert_eq!(found, mac(&lab, "router", "r-rx"));
    }
    assert_eq!(rise(&lab, &before, "rx tx_packets"), 0);
}

#[test]
fn a_neighbour_without_ipv4_address_is_probed() {
    if !privileged("a_neighbour_without_ipv4_address_is_probed") {
        return;
    }
    let lab = resolved(Topology::BackToBack);
    let tx = lab.port("tx").unwrap();
    assert!(lab.run_in("tx", &["ip", "addr", "flush", "dev", "tx"]).unwrap().status.success());
    assert!(link::facts(&tx.netns, "tx").unwrap().ipv4.is_empty());
    for target in ["198.18.0.3", "2001:2::3"] {
        let found = neighbour::resolve(&tx.netns, "tx", address(target), PATIENT).unwrap();
        assert_eq!(found, mac(&lab, "rx", "rx"), "{target}");
    }
}

#[test]
fn silence_is_an_error_with_a_remedy() {
    if !privileged("silence_is_an_error_with_a_remedy") {
        return;
    }
    let lab = resolved(Topology::BackToBack);
    let tx = lab.port("tx").unwrap();
    let before = lab.witness().unwrap();
    let failure = |target| {
        neighbour::resolve(&tx.netns, "tx", address(target), SHORT).unwrap_err().to_string()
    };
    insta::assert_snapshot!("silent_ipv4", failure("198.18.0.99"));
    insta::assert_snapshot!("silent_ipv6", failure("2001:2::99"));
    assert_eq!(rise(&lab, &before, "rx rx_packets"), 8, "four questions each");
    let router = neighbour::router_by_advertisement(&tx.netns, "tx", SHORT);
    insta::assert_snapshot!("silent_router", router.unwrap_err().to_string());
    let down = lab.run_in("tx", &["ip", "link", "set", "dev", "tx", "down"]).unwrap();
    assert!(down.status.success());
    insta::assert_snapshot!("link_down", failure("198.18.0.3"));
    assert!(!link::is_up(&tx.netns, "tx").unwrap());
    let gone = link::facts(&tx.netns, "txx").unwrap_err().to_string();
    insta::assert_snapshot!("missing_interface", gone);
}

/// A router advertisement from `fe80::1` whose link-layer option stands after two others.
fn advertisement(mac: [u8; 6]) -> Vec<u8> {
    let mut icmp = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    icmp.extend([5, 1, 0, 0, 0, 0, 0x05, 0xdc]);
    icmp.extend([25, 3, 0, 0, 0, 0, 0, 60]);
    icmp.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53]);
    icmp.extend([1, 1]);
    icmp.extend(mac);
    let mut addresses = vec![0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    addresses.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let words = addresses.chunks(2).chain(icmp.chunks(2));
    let mut sum: u32 = words.map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    sum += icmp.len() as u32 + 58;
    let sum = (sum & 0xffff) + (sum >> 16);
    let checksum = !((sum + (sum >> 16)) as u16);
    icmp[2..4].copy_from_slice(&checksum.to_be_bytes());

    let mut frame = vec![0x33, 0x33, 0, 0, 0, 1];
    // The frame comes from another MAC than the option names.
    frame.extend([2, 0, 0, 0, 0, 0x66]);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, icmp.len() as u8, 58, 255]);
    frame.extend(addresses);
    frame.extend(icmp);
    frame
}

#[test]
fn a_router_is_found_by_its_advertisement() {
    if !privileged("a_router_is_found_by_its_advertisement") {
        return;
    }
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let tx = lab.port("tx").unwrap();
    let router = lab.netns("router").unwrap();
    let index = link::facts(router, "r-tx").unwrap().index;
    let socket = FrameSocket::open(router, index, 0x86dd).unwrap();
    let mac = [2, 0, 0, 0, 0, 0x55];
    let asked = std::thread::spawn(move || {
        let mut buffer = [0; 1600];
        let deadline = Instant::now() + PATIENT;
        while let Some(frame) = socket.receive(&mut buffer, deadline).unwrap() {
            if frame.len() >= 62 && frame[20] == 58 && frame[54] == 133 {
                let option = frame[62..70].to_vec();
                socket.send(&advertisement(mac)).unwrap();
                return Some(option);
            }
        }
        None
    });
    let found = neighbour::router_by_advertisement(&tx.netns, "tx", PATIENT).unwrap();
    let option = asked.join().unwrap().expect("a router solicitation");
    assert_eq!(option[..2], [1, 1]);
    assert_eq!(option[2..], tx.mac);
    assert_eq!((found.address.to_string().as_str(), found.mac), ("fe80::1", mac));
}

#[test]
fn the_next_hop_is_the_kernels() {
    if !privileged("the_next_hop_is_the_kernels") {
        return;
    }
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let tx = lab.port("tx").unwrap();
    let hop = |to: &str| neighbour::next_hop(&tx.netns, "tx", address(to));
    assert_eq!(hop("198.19.7.7").unwrap(), address("198.18.0.1"));
    assert_eq!(hop("2001:2:0:8000::7").unwrap(), address("2001:2::1"));
    assert_eq!(hop("198.18.0.77").unwrap(), address("198.18.0.77"), "on the link");
    assert_eq!(hop("2001:2::77").unwrap(), address("2001:2::77"));
    assert_eq!(hop("ff02::1").unwrap(), address("ff02::1"));
    insta::assert_snapshot!("next_hop_own", hop("198.18.0.2").unwrap_err().to_string());
    let missing = neighbour::next_hop(&tx.netns, "tx0", address("198.19.7.7"));
    insta::assert_snapshot!("next_hop_missing_interface", missing.unwrap_err().to_string());

    let run = |command: &str| {
        let words: Vec<_> = command.split(' ').collect();
        assert!(lab.run_in("tx", &words).unwrap().status.success(), "{command}");
    };
    run("ip route add 203.0.113.0/24 via inet6 2001:2::1 dev tx");
    assert_eq!(hop("203.0.113.9").unwrap(), address("2001:2::1"), "RFC 8950");
    run("ip -6 route del default");
    insta::assert_snapshot!("next_hop_no_route", hop("2001:db8::1").unwrap_err().to_string());
    run("ip route add unreachable 198.51.100.0/24");
    insta::assert_snapshot!("next_hop_unreachable", hop("198.51.100.1").unwrap_err().to_string());
    run("ip -4 route del default");
    insta::assert_snapshot!("next_hop_no_ipv4_route", hop("192.0.2.1").unwrap_err().to_string());
}
