//! A capture becomes a profile that makes its packets again: the same bytes at the same times.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::{privileged, root, wirestorm};
use wirestorm::capture::{self, Captured};
use wirestorm::packet::dissect::dissect;
use wirestorm::wire::protocols;

/// Runs the program, which has to succeed.
fn program(command: &str, from: &Path, to: &Path) {
    let output = wirestorm().arg(command).arg(from).arg("-o").arg(to).output();
    let output = output.expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {told}");
}

/// Explains a capture, and compares what its profile makes with it: every byte, every distance.
fn comes_back(file: &Path, dir: &Path) -> Vec<Captured> {
    let (profile, again) = (dir.join("again.yaml"), dir.join("again.pcap"));
    program("explain", file, &profile);
    program("pcap", &profile, &again);
    let before = capture::read(file).expect("a capture");
    let after = capture::read(&again).expect("a capture");
    assert_eq!(before.len(), after.len());
    let (first, start) = (before[0].time, after[0].time);
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before.bytes, after.bytes, "packet {n}");
        assert_eq!(before.time - first, after.time - start, "time of packet {n}");
    }
    before
}

/// One stream an example of every header, as `tests/every_header.rs` has them.
#[test]
fn the_examples_of_every_header_come_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut text = "lab: b2b\nstreams:\n".to_owned();
    for (n, example) in protocols().iter().flat_map(|protocol| protocol.examples).enumerate() {
        let stream = |size: &str| {
            format!(
                "- {{name: e{n}, start: {n}ms, rate: 1kpps, count: 1, {size}payload: increment, \
                 packet: {example}}}\n"
            )
        };
        let alone = format!("lab: b2b\nstreams:\n{}", stream(""));
        let whole = wirestorm::profile::parse("example.yaml", &alone, &[]).is_ok();
        text.push_str(&stream(if whole { "" } else { "size: 512B, " }));
    }
    let (profile, file) = (dir.path().join("examples.yaml"), dir.path().join("examples.pcap"));
    std::fs::write(&profile, text).expect("the profile is written");
    program("pcap", &profile, &file);
    let packets = comes_back(&file, dir.path());
    // The dissector knows every header that can be known from the bytes alone.
    let seen: BTreeSet<&str> = packets
        .iter()
        .flat_map(|packet| dissect(&packet.bytes).headers)
        .map(|header| header.protocol.name)
        .collect();
    let missing: Vec<&str> = protocols()
        .iter()
        .filter(|protocol| !protocol.custom_fields && !seen.contains(protocol.name))
        .map(|protocol| protocol.name)
        .collect();
    assert_eq!(missing, UNNAMED, "headers that are not taken apart");
}

/// Headers that nothing on the wire names: they are payload of the one before.
const UNNAMED: [&str; 0] = [];

/// DNS, HTTP, TLS, ARP, neighbour discovery and fragments between two hosts, as tcpdump saw them.
#[test]
fn what_tcpdump_saw_comes_back() {
    if !privileged("what_tcpdump_saw_comes_back") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("real.pcap");
    let script = root().join("tests/explain/two_hosts.sh");
    let output = Command::new("unshare")
        .args(["--net", "--mount", "bash"])
        .arg(&script)
        .arg(&file)
        .output()
        .expect("unshare starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let packets = comes_back(&file, dir.path());
    let seen: BTreeSet<&str> = packets
        .iter()
        .flat_map(|packet| dissect(&packet.bytes).headers)
        .map(|header| header.protocol.name)
        .collect();
    for name in ["ipv4", "ipv6", "udp", "tcp", "icmp"] {
        assert!(seen.contains(name), "no {name} in the capture: {seen:?}");
    }
    let fragments = packets.iter().filter(|packet| {
        dissect(&packet.bytes)
            .headers
            .iter()
            .any(|header| header.setting("mf").is_some_and(|mf| mf.example() == 1))
    });
    assert!(fragments.count() > 0, "no fragments in the capture");
}

/// The recipes of docs/cli.md, taken from there: hex dumps and what scapy prints.
#[test]
fn the_recipes_for_hex_and_scapy_work() {
    let found = |program: &str, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
    };
    let python = "/usr/bin/python3";
    if !found("text2pcap", &["--version"]) || !found(python, &["-c", "import scapy"]) {
        let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
        assert!(!required, "text2pcap and scapy are required");
        println!("skipped: no text2pcap, or no scapy");
        return;
    }
    let text = std::fs::read_to_string(root().join("docs/cli.md")).expect("the documentation");
    let from = |start: &str, lines: usize| {
        let at = text.find(start).unwrap_or_else(|| panic!("no recipe {start}"));
        text[at..].lines().take(lines).map(str::trim_start).collect::<Vec<_>>().join("\n")
    };
    let dir = tempfile::tempdir().expect("a directory");
    let hex = "0000  02 00 00 00 00 02 02 00 00 00 00 01 08 00 45 00\n\
               0010  00 1e 00 00 40 00 40 11 af a9 c6 12 00 01 c6 12\n\
               0020  00 02 c0 00 00 09 00 0a 00 00 aa bb\n";
    std::fs::write(dir.path().join("dump.txt"), hex).expect("written");
    let scapy = "Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02')/IP(src='198.18.0.1', \
                 dst='198.18.0.2')/UDP(sport=1, dport=2)/Raw(load=b'hello')\n";
    std::fs::write(dir.path().join("commands.txt"), scapy).expect("written");
    for (recipe, expected) in [
        (from("text2pcap dump.txt", 1), "udp: {checksum: 0}"),
        (from("/usr/bin/python3 -c", 2), "udp: {src: 1, dst: 2}"),
    ] {
        let done = Command::new("bash").arg("-c").arg(&recipe).current_dir(dir.path()).output();
        let done = done.expect("bash starts");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{recipe}: {told}");
        comes_back(&dir.path().join("packets.pcap"), dir.path());
        let profile = std::fs::read_to_string(dir.path().join("again.yaml")).expect("a profile");
        assert!(profile.contains(expected), "{profile}");
    }
}

/// A clock that stands still between packets keeps their order.
#[test]
fn packets_of_one_time_come_back_in_their_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.pcap");
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut bytes = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1]);
    for n in 0..9u8 {
        bytes.extend(words(&[7, u32::from(n / 4), 60, 60]));
        bytes.extend([n; 60]);
    }
    std::fs::write(&file, bytes).expect("written");
    assert_eq!(comes_back(&file, dir.path()).len(), 9);
}

#[test]
fn what_is_no_capture_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.pcap");
    for (bytes, expected) in [
        (&b"not a capture"[..], "neither pcap nor pcapng"),
        (&b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0"[..], "no packet"),
    ] {
        std::fs::write(&file, bytes).expect("written");
        let output = wirestorm().arg("explain").arg(&file).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}
