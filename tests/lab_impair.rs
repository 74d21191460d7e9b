//! What the router is told to do to packets, it does; what it can't be told names its place in the
//! profile.

mod lab_support;

use lab_support::{eventually, privileged, rise, socket, spec, value};
use wirestorm::lab::Lab;
use wirestorm::profile::model::{LabSpec, Tbf, Topology};

fn failure(spec: &LabSpec) -> String {
    Lab::up(spec, 1).map(drop).unwrap_err().to_string()
}

/// Sends `count` datagrams of `length` bytes from tx to the discard port of `to`.
fn send(lab: &Lab, to: &str, count: u32, length: usize) {
    let tx = lab.port("tx").unwrap();
    let to = (to, 9);
    let socket = socket(&tx.netns, tx.ipv4.into());
    for _ in 0..count {
        socket.send_to(&vec![0; length], to).unwrap();
    }
}

#[test]
fn every_tenth_packet_is_dropped_exactly() {
    if !privileged("every_tenth_packet_is_dropped_exactly") {
        return;
    }
    let mut spec = spec(Topology::Router);
    spec.nft = Some(
        "table ip lab {\n  chain forward {\n    type filter hook forward priority 0\n    \
         counter comment \"all\"\n    ip daddr 198.19.0.0/16 numgen inc mod 10 == 0 counter drop \
         comment \"every tenth\"\n  }\n}\n"
            .into(),
    );
    let lab = Lab::up(&spec, 1).unwrap();
    let before = lab.witness().unwrap();
    send(&lab, "198.19.0.2", 95, 20);
    assert_eq!(rise(&lab, &before, "nft ip lab forward every tenth packets"), 10, "⌈95 / 10⌉");
    assert!(eventually(|| rise(&lab, &before, "rx Udp.NoPorts") == 85));
    let after = lab.witness().unwrap();
    let replies =
        value(&after, "rx Icmp.OutDestUnreachs") - value(&before, "rx Icmp.OutDestUnreachs");
    assert_eq!(replies, 85, "ICMP errors are not limited in number");
    assert_eq!(rise(&lab, &before, "nft ip lab forward all packets"), 95 + 85);
}

#[test]
fn rules_that_nft_refuses_name_their_place() {
    if !privileged("rules_that_nft_refuses_name_their_place") {
        return;
    }
    let mut spec = spec(Topology::Router);
    spec.nft = Some("table ip lab {\n  chain forward {\n    tpye filter\n  }\n}\n".into());
    insta::assert_snapshot!("nft_syntax", failure(&spec));
    spec.nft = Some("add rule ip nosuch forward drop\n".into());
    insta::assert_snapshot!("nft_no_table", failure(&spec));
    spec.topology = Topology::BackToBack;
    insta::assert_snapshot!("nft_back_to_back", failure(&spec));
}

#[test]
fn a_token_bucket_holds_packets_back_and_counts_its_drops() {
    if !privileged("a_token_bucket_holds_packets_back_and_counts_its_drops") {
        return;
    }
    let mut spec = spec(Topology::Router);
    let tbf =
        Tbf { towards: "rx".into(), rate_bps: 10_000, burst_bytes: 3100, limit_bytes: 10_000 };
    spec.tbf = vec![tbf.clone()];
    let lab = Lab::up(&spec, 1).unwrap();
    let before = lab.witness().unwrap();
    // Two pass at once, six wait (10,000 B / 1514 B), the rest has no room; at 10 kbit/s the next
    // leaves after 1.2 s.
    // An address that nobody has: nobody answers that the port is closed.
    send(&lab, "198.19.9.9", 100, 1472);
    let drops = rise(&lab, &before, "r-rx tbf drops");
    assert!((80..=92).contains(&drops), "{drops}");
    assert_eq!(rise(&lab, &before, "router Ip.ForwDatagrams"), 100, "the router forwarded all");

    spec.tbf = vec![tbf.clone(), Tbf { towards: "moon".into(), ..tbf.clone() }];
    insta::assert_snapshot!("tbf_towards", failure(&spec));
    spec.tbf = vec![tbf.clone(), tbf];
    insta::assert_snapshot!("tbf_twice", failure(&spec));
    spec.topology = Topology::BackToBack;
    insta::assert_snapshot!("tbf_back_to_back", failure(&spec));
}

#[test]
fn settings_hold_in_the_router_and_in_rx_alone() {
    if !privileged("settings_hold_in_the_router_and_in_rx_alone") {
        return;
    }
    let mut spec = spec(Topology::Router);
    spec.sysctl = vec![
        ("net.ipv4.ipfrag_time".into(), "2".into()),
        ("net.ipv6.ip6frag_time".into(), "1".into()),
        // A device of one of the two.
        ("net/ipv4/conf/r-rx/rp_filter".into(), "2".into()),
    ];
    let lab = Lab::up(&spec, 1).unwrap();
    let read = |role: &str, path: &str| {
        let output = lab.run_in(role, &["cat", &format!("/proc/sys/net/{path}")]).unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for role in ["router", "rx"] {
        assert_eq!(read(role, "ipv4/ipfrag_time"), "2");
        assert_eq!(read(role, "ipv6/ip6frag_time"), "1");
    }
    assert_eq!(read("tx", "ipv4/ipfrag_time"), "30");
    assert_eq!(read("router", "ipv4/conf/r-rx/rp_filter"), "2");
    assert_eq!(read("router", "ipv4/conf/r-tx/rp_filter"), "0");
    assert_eq!(read("router", "ipv4/ip_forward"), "1");
    assert_eq!(read("rx", "ipv4/ip_forward"), "0");

    spec.sysctl = vec![("net.ipv4.nosuch".into(), "1".into())];
    insta::assert_snapshot!("sysctl_missing", failure(&spec));
    spec.sysctl = vec![("net.ipv4.ipfrag_time".into(), "soon".into())];
    insta::assert_snapshot!("sysctl_value", failure(&spec));
    spec.sysctl = vec![("kernel.panic".into(), "1".into())];
    insta::assert_snapshot!("sysctl_kernel", failure(&spec));
}
