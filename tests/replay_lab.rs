//! A capture of tcpdump's, sent again through cables and by every engine, is captured again the
//! same; what is rewritten satisfies readers that others wrote.

mod common;
mod replays;
mod tcpdump;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::capture::{frames, read};
use common::{Run, privileged, root, run, run_of, wirestorm};
use replays::{made, whole};
use tcpdump::Tcpdump;
use wirestorm::lab::Lab;
use wirestorm::profile::model::{LabSpec, Neighbours, ReceiveMode, Topology};
use wirestorm::receive::{ReceiveSpec, Receiver};

/// DNS, HTTP, TLS, ARP, neighbour discovery and fragments between two hosts, as tcpdump saw them.
/// Captured once.
fn real_capture() -> &'static Path {
    static DIR: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, file) = DIR.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("real.pcap");
        let script = root().join("tests/explain/two_hosts.sh");
        let output = Command::new("unshare")
            .args(["--net", "--mount", "bash"])
            .args([&script, &file])
            .output()
            .expect("unshare starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        (dir, file)
    });
    file
}

/// Takes GRO from the receiving end, which would hold TCP segments back and join them before tcpdump
/// sees them. An XDP program that lets everything pass keeps a veth's NAPI, without which no redirected
/// frame arrives.
fn without_gro(lab: &Lab) -> Box<dyn Receiver> {
    let rx = lab.netns("rx").expect("the receiver's namespace");
    let receiver = wirestorm::receive::open(&ReceiveSpec {
        netns: rx.clone(),
        interface: "rx".to_owned(),
        mode: ReceiveMode::XdpNative,
        epoch: 1,
        stream_workers: vec![0],
        tag_offsets: Vec::new(),
        unparsed_offsets: 0,
        datagrams: Vec::new(),
        latency: false,
        wanted_gap_ns: None,
        pass_on: true,
    });
    let receiver = receiver.unwrap_or_else(|error| panic!("{error}"));
    let done = rx.run(|| Command::new("ethtool").args(["-K", "rx", "gro", "off"]).status());
    assert!(done.expect("in the namespace").expect("ethtool").success());
    receiver
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

/// What arrives at the far end when the program sends the profile.
fn sent(lab: &Lab, profile: &Path, count: usize, args: &[&str]) -> Vec<Vec<u8>> {
    let rx = lab.netns("rx").expect("the receiver's namespace");
    let capture = Tcpdump::start(rx, "rx", count, "");
    let tx = lab.netns("tx").expect("the sender's namespace");
    let output = tx.run(|| {
        let mut command = wirestorm();
        command.arg("run").arg(profile).args(args).args(["--json", "-", "--quiet"]).output()
    });
    let run = run_of(&output.expect("in the namespace").expect("the program starts"));
    assert!(run.json.is_object(), "{args:?}: {}", run.stderr);
    run.assert_ledger_closes();
    assert_eq!(run.total("sent"), count as u64, "{args:?}: {:#}", run.json["ledger"]);
    frames(&capture.pcap())
}

/// Fails with the first packet that differs, not with all of them.
fn assert_same(seen: &[Vec<u8>], wanted: &[Vec<u8>], told: &str) {
    assert_eq!(seen.len(), wanted.len(), "{told}");
    for (n, (seen, wanted)) in seen.iter().zip(wanted).enumerate() {
        assert_eq!(seen, wanted, "{told}, packet {n}");
    }
}

#[test]
fn every_engine_sends_a_real_capture_as_it_was() {
    if !privileged("every_engine_sends_a_real_capture_as_it_was") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let profile = dir.path().join("again.yaml");
    let file = real_capture();
    // Late is not wrong here: a busy machine may take its time.
    let text = format!(
        "ports: {{tx: {{interface: tx}}}}\nvalidity: {{max_lag: 20s}}\nstreams: [{{to: null, replay: \
         {{file: \"{}\", speed: 20x}}}}]\n",
        file.display()
    );
    std::fs::write(&profile, text).expect("written");
    let wanted = read(file);
    assert!(wanted.len() > 50, "{} packets", wanted.len());
    for (engine, workers) in
        [("xdp-live", 1), ("af-xdp", 2), ("packet-mmap", 1), ("xdp-live", 3), ("packet-mmap", 3)]
    {
        let lab = lab(workers);
        let _receiver = without_gro(&lab);
        let workers = workers.to_string();
        let args = ["--engine", engine, "--workers", &workers];
        let seen = sent(&lab, &profile, wanted.len(), &args);
        assert_same(&seen, &wanted, &format!("{engine}, {workers} workers"));
    }
}

/// Values that change in every packet, and round after round, by every engine as by the dry run.
#[test]
fn every_engine_rewrites_the_same() {
    if !privileged("every_engine_rewrites_the_same") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let place = |port: &str| {
        let path = dir.path().join(format!("{}.yaml", port.len()));
        let text = format!(
            "{port}\nvalidity: {{max_lag: 20s}}\nstreams: [{{to: null, rate: 20kpps, replay: {{file: \
             \"{}\", repeat: 2, rewrite: {{ipv4.dst: {{increment: 198.18.0.1, count: 999}}, tcp.seq: \
             {{random: 0..4294967295}}, ipv6.src: {{prefix: \"2001:2:7::/64\", order: random}}, \
             ipv4.ttl: [9, 17, 200], ethernet.dst: \"02:00:00:00:00:77\"}}}}}}]\n",
            real_capture().display()
        );
        std::fs::write(&path, text).expect("written");
        path
    };
    let file = dir.path().join("dry.pcap");
    let dry = place("lab: b2b\nports: {tx: {lab: tx}}");
    let output = wirestorm().arg("pcap").arg(dry).arg("-o").arg(&file).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted = read(&file);
    let by_name = place("ports: {tx: {interface: tx}}");
    let lab = lab(1);
    let _receiver = without_gro(&lab);
    for engine in ["xdp-live", "af-xdp", "packet-mmap"] {
        let seen = sent(&lab, &by_name, wanted.len(), &["--engine", engine]);
        assert_same(&seen, &wanted, engine);
    }
}

/// The frames that a command's dissection calls bad.
fn bad_checksums(file: &Path) -> String {
    let status = ["ip", "udp", "tcp", "icmp", "icmpv6"];
    let bad: Vec<String> =
        status.iter().map(|p| format!("{p}.checksum.status == \"Bad\"")).collect();
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-Y", &bad.join(" || ")]);
    for protocol in ["ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"] {
        tshark.args(["-o", &format!("{protocol}:TRUE")]);
    }
    let output = tshark.output().expect("tshark starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Writes what a replay of a capture would send.
fn dry_run(dir: &Path, capture: &Path, settings: &str) -> PathBuf {
    let (profile, file) = (dir.join("p.yaml"), dir.join("out.pcap"));
    let text = format!(
        "lab: b2b\nstreams: [{{to: null, replay: {{file: \"{}\", {settings}}}}}]",
        capture.display()
    );
    std::fs::write(&profile, text).expect("written");
    let output = wirestorm().arg("pcap").arg(&profile).arg("-o").arg(&file).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

/// Fragments, TCP, DNS, neighbour discovery: tshark finds no checksum bad after rewriting.
#[test]
fn tshark_finds_rewritten_checksums_good() {
    if !privileged("tshark_finds_rewritten_checksums_good") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let capture = real_capture();
    assert_eq!(bad_checksums(capture), "");
    let settings = "rewrite: {ipv4.src: {same_as: ipv4.src, plus: 65536}, ipv4.dst: 198.18.9.9, \
                    ipv4.ttl: {decrement: 20..60}, ipv6.dst: \"2001:2::77\", ipv6.hop_limit: 255, \
                    tcp.window: {random: 1..65535}, icmp.id: {same_as: icmp.id, plus: 3}}";
    let rewritten = dry_run(dir.path(), capture, settings);
    assert_ne!(read(&rewritten), read(capture));
    assert_eq!(bad_checksums(&rewritten), "");
    // It would have found them.
    let kept = dry_run(dir.path(), capture, &format!("checksums: keep, {settings}"));
    assert_ne!(bad_checksums(&kept), "");
}

/// tcprewrite, which others wrote, makes the same of wrong checksums.
#[test]
fn checksums_are_those_of_tcprewrite() {
    if !privileged("checksums_are_those_of_tcprewrite") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    // Whole packets: tcprewrite leaves fragments' checksums alone, or makes them wrong.
    let stacks = [
        "[ipv4: {src: 198.18.1.1, dst: 198.18.0.9, checksum: 1}, udp: {checksum: 2}]",
        "[ipv4: {src: 198.18.1.1, dst: 198.18.0.9, ttl: 7, checksum: 1}, tcp: {checksum: 2}]",
        "[ipv6: {src: \"2001:2::1\", dst: \"2001:2::9\"}, udp: {checksum: 2}]",
        "[ipv6: {src: \"2001:2::1\", dst: \"2001:2::9\"}, tcp: {checksum: 2}]",
        "[ipv4: {src: 198.18.1.1, dst: 198.18.0.9}, icmp: {checksum: 2}]",
    ];
    let frames: Vec<_> = stacks
        .iter()
        .flat_map(|stack| {
            made(&format!(
                "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 3, size: {{start: 90B, step: 1B, \
                 count: 9}}, tag: false, payload: increment, packet: {stack}}}]"
            ))
        })
        .collect();
    let (capture, peer) = (dir.path().join("wrong.pcap"), dir.path().join("peer.pcap"));
    std::fs::write(&capture, whole(&frames)).expect("written");
    let output = Command::new("tcprewrite")
        .args(["--fixcsum", "-i"])
        .arg(&capture)
        .arg("-o")
        .arg(&peer)
        .output()
        .expect("tcprewrite starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = dry_run(dir.path(), &capture, "checksums: recompute");
    let peers = wirestorm::capture::read(&peer).expect("a capture");
    // It takes IPv6 addresses for those of groups, whose MACs it puts in.
    let behind_macs = |frame: Vec<u8>| frame[12..].to_vec();
    let peers: Vec<_> = peers.into_iter().map(|packet| behind_macs(packet.bytes)).collect();
    let seen: Vec<_> = read(&ours).into_iter().map(behind_macs).collect();
    assert_same(&seen, &peers, "tcprewrite");
    assert_eq!(bad_checksums(&ours), "");
}

/// Tagged replays are measured like any stream, untagged ones say that they are not.
#[test]
fn replays_are_measured_where_they_carry_tags() {
    if !privileged("replays_are_measured_where_they_carry_tags") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let frames = made(
        "lab: router\nstreams: [{to: null, rate: 10kpps, count: 300, size: 100B, tag: false, packet: \
         [ipv4: {dst: 198.19.0.2}, udp]}]",
    );
    std::fs::write(dir.path().join("c.pcap"), whole(&frames)).expect("written");
    let go = |tag: bool| -> Run {
        let profile = dir.path().join("p.yaml");
        let text = format!(
            "lab: router\nvalidity: {{max_lag: 20s, max_unsent: 100%}}\nstreams: [{{name: site, tag: \
             {tag}, replay: {{file: c.pcap, repeat: 2, rewrite: {{ethernet.src: port, ethernet.dst: \
             next-hop}}}}}}]"
        );
        std::fs::write(&profile, text).expect("written");
        let run = run(&[&profile.to_string_lossy()]);
        assert!(run.json.is_object(), "{}", run.stderr);
        run.assert_ledger_closes();
        assert_eq!(run.total("sent"), 600, "{:#}", run.json["ledger"]);
        run
    };
    let measured = go(true);
    assert_eq!(measured.total("unique"), 600, "{:#}", measured.json["ledger"]);
    assert_eq!(measured.total("lost"), 0);
    let unmeasured = go(false);
    assert!(unmeasured.json["totals"]["unique"].is_null(), "{:#}", unmeasured.json["totals"]);
    assert!(unmeasured.json["streams"][0]["lost"].is_null());
    let warnings = unmeasured.json["warnings"].to_string();
    assert!(warnings.contains("replayed packets carry no probe tag"), "{warnings}");
}

/// What does not fit into the kernel's tables goes by another engine, which says why; asked for by
/// name it is an error.
#[test]
fn large_captures_go_by_another_engine() {
    if !privileged("large_captures_go_by_another_engine") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let frame = vec![2u8; 1514];
    let frames: Vec<_> =
        (0..180_000u64).map(|n| (n, if n == 0 { frame.clone() } else { vec![2; 20] })).collect();
    std::fs::write(dir.path().join("c.pcap"), whole(&frames)).expect("written");
    let profile = dir.path().join("p.yaml");
    let text =
        "lab: b2b\nvalidity: {max_lag: 20s}\nstreams: [{to: null, count: 10, replay: c.pcap}]";
    std::fs::write(&profile, text).expect("written");
    let chosen = run(&[&profile.to_string_lossy()]);
    assert_eq!(chosen.total("sent"), 10, "{}", chosen.stderr);
    let told = chosen.json.to_string();
    assert!(told.contains("180000 frames of up to 1514 bytes"), "{told}");
    let asked = run(&[&profile.to_string_lossy(), "--engine", "xdp-live"]);
    assert_eq!(asked.status, 1, "{}", asked.stderr);
    assert!(asked.stderr.contains("180000 frames of up to 1514 bytes"), "{}", asked.stderr);
    assert!(asked.stderr.contains("use --engine af-xdp or packet-mmap"), "{}", asked.stderr);
}
