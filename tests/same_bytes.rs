//! A packet is a pure function of profile, seed, stream and index: whichever engine sends it, on
//! however many workers, what arrives is what the dry run wrote.

mod common;
mod tcpdump;

use std::path::{Path, PathBuf};

use common::capture::{frames, read, tag_of};
use common::{privileged, run_of, wirestorm};
use tcpdump::Tcpdump;
use wirestorm::lab::Lab;
use wirestorm::packet::tag::{STAMP_AT, TAG_LEN};
use wirestorm::profile::model::{LabSpec, Neighbours, Topology};

/// Packets of each stream.
const COUNT: usize = 60;

/// Every kind of value and of size, over IPv4, IPv6 and VLAN tags.
const STREAMS: &str = r#"
validity: {max_lag: 20s}
streams:
  - name: counters
    to: null
    size: {start: 64B, step: 1B, count: 27}
    rate: 5kpps
    count: COUNT
    packet:
      - ipv4: {dst: {increment: 198.18.0.3..198.18.0.200}, id: {increment: 7, step: 3}, df: 0}
      - udp: {src: {decrement: 40000..50000}, dst: 9}
  - name: lists
    to: null
    size: {imix: {128B: 2, 84B: 1, 1518B: 1, 129B: 3}}
    rate: 3kpps
    count: COUNT
    packet:
      - ipv6: {dst: {list: ["2001:2::3", "2001:2::4", "2001:2::5"]}, flow_label: {random: 0..0xfffff}}
      - udp: {src: {list: [1024, 65535, 7]}, dst: {random: 1024..65535}}
    payload: {text: "wirestorm "}
  - name: randoms
    to: null
    size: {random: 70B..1000B}
    rate: 5kpps
    count: COUNT
    packet:
      - ipv4: {dst: {prefix: 198.18.64.0/18, order: random}, dscp: {random: 0..63}, ttl: {random: 1..255}}
      - udp: {src: {random: 1024..65535}, dst: {random: 1024..65535}}
    payload: increment
  - name: vlans
    to: null
    size: {imix: {100B: 7, 594B: 4, 1500B: 1}}
    rate: 7kpps
    count: COUNT
    packet:
      - vlan: {id: 200, pcp: {increment: 0..7}}
      - vlan: {id: {random: 1..4094}}
      - ipv6: {dst: {prefix: "2001:2:0:1::/64", order: random}, hop_limit: {decrement: 1..255}}
      - udp: {dst: {increment: 1000..2000}}
    payload: {fill: 0xa5}
  - name: pings
    to: null
    size: 118B
    rate: 2kpps
    count: COUNT
    packet:
      - vlan: {id: {increment: 1..4094}}
      - ipv4: {dst: 198.18.0.3}
      - icmp: {id: {random: 0..65535}, seq: {increment: 0}}
"#;
const STREAM_COUNT: usize = 5;

/// The profile with its sending port on the lab's device by role, or by name inside the namespace.
fn profile(dir: &Path, port: &str) -> PathBuf {
    let path = dir.join(format!("{port}.yaml"));
    let place = match port {
        "lab" => "lab: b2b\nports: {tx: {lab: tx}}",
        // The other end, for destinations that nobody would answer for.
        _ => r#"ports: {tx: {interface: tx, next_hop: "02:57:53:00:02:02"}}"#,
    };
    let text = format!("name: same-bytes\n{place}\n{STREAMS}");
    let text = text.replace("COUNT", &COUNT.to_string());
    std::fs::write(&path, text).expect("written");
    path
}

/// The packets with what is the moment's own (send time, lag, check) blanked, in an order that
/// depends on nothing else.
fn blanked(mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for frame in &mut frames {
        let (at, _) = tag_of(frame).unwrap_or_else(|| panic!("not a probe: {frame:02x?}"));
        frame[at + STAMP_AT..at + TAG_LEN].fill(0);
    }
    frames.sort_by_cached_key(|frame| {
        let at = tag_start(frame);
        (frame[at..at + STAMP_AT].to_vec(), frame.clone())
    });
    frames
}

fn tag_start(frame: &[u8]) -> usize {
    let magic = wirestorm::packet::tag::MAGIC;
    frame.windows(3).position(|window| window == magic).expect("a tag")
}

/// The packets of the dry run.
fn dry(profile: &Path, args: &[&str]) -> Vec<Vec<u8>> {
    let file = profile.with_extension("pcap");
    let output = wirestorm().arg("pcap").arg(profile).arg("-o").arg(&file).args(args).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    blanked(read(&file))
}

/// What arrives at the far end of a lab when the program sends the profile.
fn sent(lab: &Lab, profile: &Path, args: &[&str]) -> Vec<Vec<u8>> {
    let count = STREAM_COUNT * COUNT;
    let rx = lab.netns("rx").expect("the receiver's namespace");
    let capture = Tcpdump::start(rx, "rx", count, "");
    let tx = lab.netns("tx").expect("the sender's namespace");
    let output = tx.run(|| {
        let mut command = wirestorm();
        command.arg("run").arg(profile).args(args).args(["--json", "-", "--quiet"]).output()
    });
    let run = run_of(&output.expect("in the namespace").expect("the program starts"));
    assert!(run.json.is_object(), "{args:?}: {}", run.stderr);
    assert_eq!(run.total("sent"), count as u64, "{args:?}: {:#}", run.json["ledger"]);
    let frames = frames(&capture.pcap());
    assert_eq!(frames.len(), count, "{args:?}");
    blanked(frames)
}

fn lab(queues: u32) -> Lab {
    let spec = LabSpec {
        topology: Topology::BackToBack,
        neighbours: Neighbours::Permanent,
        queues: None,
        mtu: 1500,
        egress_mtu: None,
        nft: None,
        tbf: Vec::new(),
        sysctl: Vec::new(),
    };
    Lab::up(&spec, queues).unwrap_or_else(|error| panic!("{error}"))
}

/// Fails with the first packet that differs, not with all of them.
fn assert_same(seen: &[Vec<u8>], wanted: &[Vec<u8>], told: &str) {
    assert_eq!(seen.len(), wanted.len(), "{told}");
    for (seen, wanted) in seen.iter().zip(wanted) {
        assert_eq!(seen, wanted, "{told}");
    }
}

#[test]
fn every_engine_sends_the_bytes_of_the_dry_run() {
    if !privileged("every_engine_sends_the_bytes_of_the_dry_run") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let wanted = dry(&profile(dir.path(), "lab"), &[]);
    assert_eq!(wanted.len(), STREAM_COUNT * COUNT);
    let by_name = profile(dir.path(), "interface");
    for workers in [1, 2, 3] {
        let lab = lab(workers);
        let workers = workers.to_string();
        for engine in ["xdp-live", "af-xdp", "packet-mmap"] {
            let seen = sent(&lab, &by_name, &["--engine", engine, "--workers", &workers]);
            assert_same(&seen, &wanted, &format!("{engine}, {workers} workers"));
        }
    }
}

#[test]
fn a_seed_gives_the_same_bytes_again_and_another_seed_others() {
    let dir = tempfile::tempdir().expect("a directory");
    let profile = profile(dir.path(), "lab");
    let first = dry(&profile, &["--seed", "7"]);
    assert_same(&dry(&profile, &["--seed", "7"]), &first, "seed 7");
    let other = dry(&profile, &["--seed", "8"]);
    let stream = |frame: &Vec<u8>| frame[tag_start(frame) + 5];
    for number in 0..STREAM_COUNT as u8 {
        let of = |all: &[Vec<u8>]| -> Vec<Vec<u8>> {
            all.iter().filter(|frame| stream(frame) == number).cloned().collect()
        };
        assert_eq!(of(&first).len(), COUNT);
        // The first stream has nothing random.
        assert_eq!(of(&first) == of(&other), number == 0, "stream {number}");
    }
}
