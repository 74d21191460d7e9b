//! The lab comes up, carries packets, and the kernel's counters tell how many.

mod lab_support;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use lab_support::{privileged, rise, socket, spec, up, value};
use wirestorm::host::link;
use wirestorm::lab::{Lab, LabPort, witness};
use wirestorm::profile::model::{Neighbours, Topology};

/// Sends `count` datagrams from tx to rx and back in one family.
fn exchange(tx: &LabPort, rx: &LabPort, families: [IpAddr; 2], count: usize) {
    let from = socket(&tx.netns, families[0]);
    let to = socket(&rx.netns, families[1]);
    let target = SocketAddr::new(families[1], to.local_addr().unwrap().port());
    let mut buffer = [0; 64];
    for number in 0..count {
        from.send_to(&number.to_be_bytes(), target).unwrap();
        let (length, sender) = to.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..length], number.to_be_bytes());
        to.send_to(&buffer[..length], sender).unwrap();
        assert_eq!(from.recv(&mut buffer).unwrap(), length);
    }
}

fn ports(lab: &Lab) -> (LabPort, LabPort) {
    (lab.port("tx").unwrap(), lab.port("rx").unwrap())
}

#[test]
fn the_router_forwards_every_datagram_of_both_families() {
    if !privileged("the_router_forwards_every_datagram_of_both_families") {
        return;
    }
    for (neighbours, napi) in [
        (Neighbours::Permanent, true),
        (Neighbours::Permanent, false),
        (Neighbours::Resolved, true),
        (Neighbours::Resolved, false),
    ] {
        let mut spec = spec(Topology::Router);
        spec.neighbours = neighbours;
        let started = Instant::now();
        let lab = up(&spec, napi);
        eprintln!("{neighbours:?}: up in {:?}", started.elapsed());
        let (tx, rx) = ports(&lab);
        let before = lab.witness().unwrap();
        exchange(&tx, &rx, [tx.ipv4.into(), rx.ipv4.into()], 10);
        exchange(&tx, &rx, [tx.ipv6.unwrap().into(), rx.ipv6.unwrap().into()], 7);
        assert_eq!(rise(&lab, &before, witness::FORWARDED[0]), 20, "ten there, ten back");
        assert_eq!(rise(&lab, &before, witness::FORWARDED[1]), 14);
        if neighbours == Neighbours::Permanent {
            // Nothing but the test's own packets is on the wire, once the reports of multicast
            // membership of the set-up are through.
            assert_eq!(rise(&lab, &before, "rx Udp.InDatagrams"), 10);
            assert_eq!(rise(&lab, &before, "rx Udp6.InDatagrams"), 7);
        }
        for device in ["tx", "r-tx", "r-rx", "rx"] {
            assert_eq!(rise(&lab, &before, &format!("{device} rx_dropped")), 0, "{device}");
            assert!(rise(&lab, &before, &format!("{device} tx_packets")) >= 17, "{device}");
        }
    }
}

#[test]
fn back_to_back_needs_no_router() {
    if !privileged("back_to_back_needs_no_router") {
        return;
    }
    let lab = Lab::up(&spec(Topology::BackToBack), 2).unwrap();
    assert_eq!(lab.devices(), [("tx", "tx"), ("rx", "rx")]);
    assert!(lab.netns("router").is_none());
    let (tx, rx) = ports(&lab);
    assert_eq!((tx.next_hop_mac, tx.next_hop_ipv4), (Some(rx.mac), rx.ipv4));
    exchange(&tx, &rx, [tx.ipv4.into(), rx.ipv4.into()], 3);
    exchange(&tx, &rx, [tx.ipv6.unwrap().into(), rx.ipv6.unwrap().into()], 3);
    for port in [&tx, &rx] {
        let facts = link::facts(&port.netns, &port.interface).unwrap();
        assert_eq!((facts.tx_queues, facts.rx_queues), (2, 2));
    }
}

#[test]
fn devices_are_as_asked() {
    if !privileged("devices_are_as_asked") {
        return;
    }
    let mut spec = spec(Topology::Router);
    spec.queues = Some(3);
    spec.mtu = 1400;
    let lab = Lab::up(&spec, 1).unwrap();
    for (role, device) in lab.devices() {
        let facts = link::facts(lab.netns(role).unwrap(), device).unwrap();
        assert_eq!((facts.tx_queues, facts.rx_queues), (3, 3), "{device}");
        assert_eq!((facts.mtu, facts.up, facts.driver.as_str()), (1400, true, "veth"));
    }
    let tx = lab.port("tx").unwrap();
    let facts = link::facts(&tx.netns, "tx").unwrap();
    assert_eq!(facts.mac, tx.mac);
    assert_eq!(facts.ipv4, [("198.18.0.2".parse().unwrap(), 24)]);
    assert_eq!(facts.ipv6[0], ("2001:2::2".parse().unwrap(), 64), "global ones first");
    assert_eq!(lab.port("router").map(|port| port.interface), None);
}

#[test]
fn any_destination_behind_the_router_reaches_rx_without_resolution() {
    if !privileged("any_destination_behind_the_router_reaches_rx_without_resolution") {
        return;
    }
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let before = lab.witness().unwrap();
    let tx = lab.port("tx").unwrap();
    for to in ["198.19.0.200", "198.19.0.255", "198.19.77.1"] {
        socket(&tx.netns, tx.ipv4.into()).send_to(b"x", (to, 9)).unwrap();
    }
    for to in ["2001:2:0:8000::200", "2001:2:0:ffff::1"] {
        socket(&tx.netns, tx.ipv6.unwrap().into()).send_to(b"x", (to, 9)).unwrap();
    }
    // They are in rx's kernel, which is no router and not theirs.
    assert!(lab_support::eventually(|| rise(&lab, &before, "rx Ip.InReceives") == 3
        && rise(&lab, &before, "rx Ip6.InReceives") >= 2));
    assert_eq!(rise(&lab, &before, witness::FORWARDED[0]), 3);
    assert_eq!(rise(&lab, &before, witness::FORWARDED[1]), 2);
    assert_eq!(rise(&lab, &before, "router Icmp.OutDestUnreachs"), 0);
    assert_eq!(rise(&lab, &before, "tx rx_packets"), 0, "nothing comes back");
}

#[test]
fn a_small_mtu_makes_an_ipv4_lab() {
    if !privileged("a_small_mtu_makes_an_ipv4_lab") {
        return;
    }
    let mut spec = spec(Topology::Router);
    spec.mtu = 600;
    let lab = Lab::up(&spec, 1).unwrap();
    let (tx, rx) = ports(&lab);
    assert_eq!((tx.ipv6, rx.next_hop_ipv6), (None, None));
    exchange(&tx, &rx, [tx.ipv4.into(), rx.ipv4.into()], 2);
}

#[test]
fn programs_run_inside_the_lab() {
    if !privileged("programs_run_inside_the_lab") {
        return;
    }
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let output = lab.run_in("router", &["cat", "/proc/self/net/dev"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("r-rx:") && !text.contains(" rx:"), "{text}");
    assert_eq!(
        lab.run_in("router", &["no-such-program"]).unwrap_err().to_string(),
        "cannot run no-such-program: No such file or directory"
    );
    assert_eq!(
        lab.run_in("moon", &["true"]).unwrap_err().to_string(),
        "cannot run true: the lab has no moon"
    );
}

#[test]
fn tcp_through_napi_is_not_merged() {
    if !privileged("tcp_through_napi_is_not_merged") {
        return;
    }
    use std::io::{Read, Write};
    let lab = up(&spec(Topology::Router), true);
    let (tx, rx) = ports(&lab);
    let before = lab.witness().unwrap();
    let listener = rx.netns.run(|| std::net::TcpListener::bind((rx.ipv4, 0))).unwrap().unwrap();
    let to = listener.local_addr().unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut all).unwrap();
        all.len()
    });
    let mut stream = tx.netns.run(|| std::net::TcpStream::connect(to)).unwrap().unwrap();
    stream.write_all(&[7; 1_000_000]).unwrap();
    drop(stream);
    assert_eq!(reader.join().unwrap(), 1_000_000);
    let now = lab.witness().unwrap();
    let rise = |name: &str| value(&now, name) - value(&before, name);
    // Every frame that arrived at one side of the router is one datagram to it.
    let frames = rise("r-tx rx_packets") + rise("r-rx rx_packets");
    assert!(rise("r-tx rx_packets") >= 1_000_000 / 1460);
    assert!(rise("router Ip.InReceives").abs_diff(frames) <= 8, "merged: {frames} frames");
}
