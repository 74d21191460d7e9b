//! Tags at more places than the receiving XDP program looks at: found by another receiver, or refused
//! with the reason, and never lost in silence.

mod common;

use std::fmt::Write;

use common::{privileged, run};

/// Streams whose tags stand behind inner headers, each at a place of its own.
fn profile(tunnels: usize) -> String {
    let mut text = "lab: b2b\nvalidity: {max_lag: 60s}\nstreams:\n".to_owned();
    for n in 0..tunnels {
        let labels = "mpls, ".repeat(n);
        let _ = writeln!(
            text,
            "  - {{name: t{n}, rate: 1kpps, count: 50, size: 256B, packet: [ipv4, gre, {labels}ipv4, \
             udp]}}"
        );
    }
    text
}

fn sent(tunnels: usize, receive: &str) -> common::Run {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("places.yaml");
    std::fs::write(&path, profile(tunnels)).expect("written");
    let receive = format!("measure.receive={receive}");
    run(&[path.to_str().expect("UTF-8"), "--engine", "packet-mmap", "--set", &receive])
}

#[test]
fn tags_at_more_places_than_xdp_looks_at() {
    if !privileged("tags_at_more_places_than_xdp_looks_at") {
        return;
    }
    // As many as it knows.
    let known = sent(8, "xdp-native");
    assert_eq!((known.total("sent"), known.total("lost")), (400, 0), "{}", known.stderr);
    // More: auto takes a receiver that knows them all, and says why.
    let more = sent(10, "auto");
    assert_eq!((more.total("sent"), more.total("lost")), (500, 0), "{}", more.stderr);
    let detail = more.json["receive_detail"].as_str().expect("told").to_owned();
    assert!(detail.contains("packet-mmap"), "{detail}");
    assert!(detail.contains("tags stand at 10 offsets"), "{detail}");
    for mode in ["xdp-native", "xdp-generic", "xdp-steer"] {
        let refused = sent(10, mode);
        assert!(refused.json.is_null(), "{mode} ran");
        let told = &refused.stderr;
        assert!(told.contains("10 offsets") && told.contains("packet-mmap"), "{mode}: {told}");
    }
}
