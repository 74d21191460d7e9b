//! Every shipped profile, end to end: other programs read from its packets what it asks for, and it
//! runs in its lab to a ledger that closes.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::capture::{read, tag_of};
use common::{privileged, root, run, wirestorm};
use serde_json::Value;
use wirestorm::lab::layout::Layout;
use wirestorm::packet::tag::TAG_LEN;
use wirestorm::profile;
use wirestorm::profile::model::{FieldValue, Payload, Profile, Rate, Size, Stream, TestKind};
use wirestorm::wire::field::{FieldDefault, ProtocolKind};

/// Packets of each profile.
const PACKETS: usize = 200;

/// Every profile under profiles/, relative to the checkout.
fn shipped() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("profiles"), &mut found);
    // Studies make their packets themselves, and have tests of their own: tests/known_truth_study.rs.
    found.retain(|path| {
        let profile = profile::load(path, &[]).expect("a profile");
        !matches!(profile.test, TestKind::Study(_))
    });
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Those whose packets are the profile's own: captures are held to in tests/replay_lab.rs.
fn shipped_stacks() -> Vec<PathBuf> {
    let replays = |path: &PathBuf| {
        let profile = profile::load(path, &[]).expect("a profile");
        profile.streams.iter().any(|stream| stream.replay.is_some())
    };
    shipped().into_iter().filter(|path| !replays(path)).collect()
}

/// Whether a tool is there; where it must be, its absence is a failure.
fn has(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).output().is_ok_and(|o| o.status.success());
    let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
    assert!(found || !required, "{program} {args:?} is required");
    if !found {
        println!("skipped: no {program} {args:?}");
    }
    found
}

/// Writes a profile's packets with the program.
fn capture(profile: &Path, dir: &Path) -> PathBuf {
    let file = dir.join("packets.pcap");
    let output = wirestorm()
        .arg("pcap")
        .arg(profile)
        .arg("-o")
        .arg(&file)
        .args(["--count", &PACKETS.to_string()])
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What tshark takes the payload for, whatever the ports: bytes.
const PAYLOADS: [&str; 2] = ["udp.port==0-65535,data", "tcp.port==0-65535,data"];
/// tshark's severity of a warning; errors are above.
const EXPERT_WARNING: u32 = 0x60_0000;

#[test]
fn tshark_dissects_every_shipped_profile_without_a_complaint() {
    if !has("tshark", &["--version"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let fields = [
        "_ws.malformed",
        "_ws.expert.severity",
        "_ws.expert.message",
        "ip.checksum.status",
        "udp.checksum.status",
        "tcp.checksum.status",
        "icmp.checksum.status",
        "icmpv6.checksum.status",
        "frame.protocols",
    ];
    let checksums = ["ipv4", "udp", "tcp", "icmp", "icmpv6"];
    for path in shipped_stacks() {
        let profile = profile::load(&path, &[]).expect("a profile");
        let file = capture(&path, dir.path());
        let mut tshark = Command::new("tshark");
        tshark.arg("-n").arg("-r").arg(&file);
        for option in [
            "ip.check_checksum:TRUE",
            "udp.check_checksum:TRUE",
            "tcp.check_checksum:TRUE",
            "tcp.analyze_sequence_numbers:FALSE",
        ] {
            tshark.args(["-o", option]);
        }
        for payload in PAYLOADS {
            tshark.args(["-d", payload]);
        }
        tshark.args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
        tshark.args(fields.iter().flat_map(|field| ["-e", field]));
        let text = stdout_of(&mut tshark);
        let packets = read(&file);
        assert_eq!(text.lines().count(), PACKETS, "{}", path.display());
        for (line, packet) in text.lines().zip(&packets) {
            let told = format!("{}: {line}", path.display());
            let columns: Vec<&str> = line.split('|').collect();
            assert_eq!(columns[0], "", "malformed: {told}");
            // The echo that nobody answers in a capture of one side is no fault of the packet.
            let severities = columns[1].split(',').filter_map(|number| number.parse::<u32>().ok());
            let unanswered = columns[2].contains("No response seen");
            let worst = severities.max().unwrap_or(0);
            assert!(worst < EXPERT_WARNING || worst == EXPERT_WARNING && unanswered, "{told}");
            // 1: checked, and good; as many as there are headers with a checksum.
            let (_, tag) = tag_of(packet).expect("a probe");
            let stream = &profile.streams[usize::from(tag.stream)];
            for (protocol, column) in checksums.iter().zip(&columns[3..8]) {
                let has = |h: &&wirestorm::profile::model::Header| h.protocol.name == *protocol;
                let expected = vec!["1"; stream.headers.iter().filter(has).count()];
                let found: Vec<&str> = column.split(',').filter(|s| !s.is_empty()).collect();
                assert_eq!(found, expected, "{protocol} {told}");
            }
        }
    }
}

/// The value of a field in packet `index`; None where it is random: then the bounds.
fn wanted(value: &FieldValue, max: u128, index: u64) -> Result<u128, (u128, u128)> {
    match value {
        FieldValue::Bad => unreachable!("no shipped profile asks for a bad checksum"),
        FieldValue::Fixed(value) => Ok(*value),
        FieldValue::List(list) => Ok(list[(index % list.len() as u64) as usize]),
        FieldValue::Counter { start, step, count } => {
            Ok(start.wrapping_add(step.wrapping_mul((index % count).into())) & max)
        }
        FieldValue::Random { low, high } | FieldValue::Unique { low, high } => Err((*low, *high)),
        FieldValue::Every { packets, value } => wanted(value, max, index / packets),
        other => unreachable!("no shipped profile has {other:?}"),
    }
}

/// The value of a field that the profile does not set; None where it follows from the packet, which
/// scapy computes for itself.
fn unset(profile: &Profile, stream: &Stream, default: &FieldDefault, ipv4: bool) -> Option<u128> {
    let lab = profile.lab.as_ref().expect("a shipped profile has a lab");
    let layout = Layout::new(lab.topology, lab.mtu);
    let end = |port: usize| {
        let name = &profile.ports[port].name;
        layout.ends().find(|end| end.device == name).expect("the lab's device").clone()
    };
    let mac = |mac: [u8; 6]| mac.iter().fold(0, |all, byte| all << 8 | u128::from(*byte));
    let address = |port: usize| match ipv4 {
        true => end(port).ipv4.0.to_bits().into(),
        false => end(port).ipv6.0.to_bits(),
    };
    match default {
        FieldDefault::Constant(value) => Some(*value),
        FieldDefault::SourceMac => Some(mac(end(stream.from).mac)),
        FieldDefault::NextHopMac => {
            Some(mac(layout.peer(end(stream.from).device).expect("the other end").mac))
        }
        FieldDefault::SourceAddress => Some(address(stream.from)),
        FieldDefault::DestinationAddress => Some(address(stream.to.expect("a receiver"))),
        _ => None,
    }
}

/// The frame has the size that the profile gives packet `index`.
fn assert_size(stream: &Stream, index: u64, len: usize, told: &str) {
    let len = len as u32 + 4;
    match &stream.size {
        Size::Fixed(size) => assert_eq!(len, size.0, "{told}"),
        Size::List(sizes) => assert_eq!(len, sizes[index as usize % sizes.len()].0, "{told}"),
        Size::Imix(parts) => assert!(parts.iter().any(|(size, _)| size.0 == len), "{told}"),
        Size::Counter { start, step, count } => {
            let turns = (index % count) as u32;
            assert_eq!(len, start.0.wrapping_add(step.wrapping_mul(turns)), "{told}");
        }
        Size::Random { low, high } => assert!((low.0..=high.0).contains(&len), "{told}"),
        Size::Weighted(shares) => {
            assert!(shares.iter().any(|s| (s.low.0..=s.high.0).contains(&len)), "{told}");
        }
    }
}

/// What follows the tag is the profile's payload.
fn assert_payload(stream: &Stream, headers: usize, rest: &[u8], told: &str) {
    for (n, byte) in rest.iter().enumerate() {
        let expected = match &stream.payload {
            Payload::Fill(byte) => *byte,
            Payload::Increment => (n + headers) as u8,
            Payload::Bytes(pattern) => pattern[n % pattern.len()],
            other => unreachable!("no shipped profile has {other:?}"),
        };
        assert_eq!(*byte, expected, "payload byte {n} {told}");
    }
}

#[test]
fn scapy_reads_from_every_shipped_profile_what_it_asks_for() {
    let python = "/usr/bin/python3";
    if !has(python, &["-c", "import scapy"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for path in shipped_stacks() {
        let profile = profile::load(&path, &[]).expect("a profile");
        let file = capture(&path, dir.path());
        let script = root().join("tests/scapy_read.py");
        let text = stdout_of(Command::new(python).arg(script).arg(&file));
        let packets = read(&file);
        assert_eq!(packets.len(), PACKETS, "{}", path.display());
        assert_eq!(text.lines().count(), PACKETS, "{}", path.display());
        let mut seen = Seen::default();
        for (packet, line) in packets.iter().zip(text.lines()) {
            let told = format!("{}: {line}", path.display());
            let (tag_at, tag) = tag_of(packet).expect("a probe");
            let stream = &profile.streams[usize::from(tag.stream)];
            let index = u64::from(tag.index);
            seen.packet(tag.stream, index, packet.len());
            assert_size(stream, index, packet.len(), &told);
            assert_payload(stream, TAG_LEN, &packet[tag_at + TAG_LEN..], &told);
            let headers: Vec<BTreeMap<String, Value>> = serde_json::from_str(line).expect("JSON");
            let (verdict, headers) = headers.split_last().expect("a verdict");
            assert_eq!(verdict["same"], true, "scapy computes other bytes: {told}");
            assert_eq!(headers.len(), stream.headers.len(), "{told}");
            for (place, (header, read)) in stream.headers.iter().zip(headers).enumerate() {
                assert_eq!(read["header"], header.protocol.name, "{told}");
                let ipv4 = header.protocol.kind == ProtocolKind::Ipv4;
                for field in header.protocol.fields {
                    let name = field.name;
                    let number = read.get(name).and_then(Value::as_str).expect(name);
                    let number: u128 = number.parse().expect("a number");
                    let set = header.fields.iter().find(|setting| setting.field.name == name);
                    let expected = match set {
                        Some(setting) => Some(wanted(&setting.value, field.max(), index)),
                        None => unset(&profile, stream, &field.default, ipv4).map(Ok),
                    };
                    match expected {
                        Some(Ok(expected)) => assert_eq!(number, expected, "{name} {told}"),
                        Some(Err((low, high))) => {
                            assert!((low..=high).contains(&number), "{name} {told}");
                            seen.random(tag.stream, place, name, number);
                        }
                        None => {}
                    }
                }
            }
        }
        seen.assert_complete(&profile, &path);
    }
}

/// What is known only of many packets together.
#[derive(Default)]
struct Seen {
    indices: BTreeMap<u16, Vec<u64>>,
    lengths: BTreeMap<u16, Vec<usize>>,
    randoms: BTreeMap<(u16, usize, String), Vec<u128>>,
}

impl Seen {
    fn packet(&mut self, stream: u16, index: u64, len: usize) {
        self.indices.entry(stream).or_default().push(index);
        self.lengths.entry(stream).or_default().push(len);
    }

    fn random(&mut self, stream: u16, place: usize, field: &str, value: u128) {
        self.randoms.entry((stream, place, field.into())).or_default().push(value);
    }

    fn assert_complete(&self, profile: &Profile, path: &Path) {
        let told = path.display();
        for (number, stream) in profile.streams.iter().enumerate() {
            // Packets follow each other as the stream's order has it.
            let Some(indices) = self.indices.get(&(number as u16)) else {
                // Later ones of a chain send after the packets that are looked at.
                assert!(stream.after.is_some(), "{told}: no packet of {}", stream.name);
                continue;
            };
            let block = stream.order.iter().max().map_or(1, |largest| largest + 1);
            for (slot, index) in indices.iter().enumerate() {
                let expected = match stream.order.len() {
                    0 => slot as u64,
                    len => (slot / len) as u64 * block + stream.order[slot % len],
                };
                assert_eq!(*index, expected, "{told}: slot {slot} of {}", stream.name);
            }
            // Whole cycles of a mix hold its weights exactly.
            if let Size::Imix(parts) = &stream.size {
                let cycle: usize = parts.iter().map(|(_, weight)| *weight as usize).sum();
                let lengths = &self.lengths[&(number as u16)];
                let cycles = lengths.len() / cycle;
                assert!(cycles > 0, "{told}: a cycle of {cycle} is longer than the capture");
                for (size, weight) in parts {
                    let len = size.0 as usize - 4;
                    let found = lengths[..cycles * cycle].iter().filter(|l| **l == len).count();
                    assert_eq!(found, cycles * *weight as usize, "{told}: {size:?}");
                }
            }
        }
        for (name, values) in &self.randoms {
            let mut different = values.clone();
            different.sort_unstable();
            different.dedup();
            assert!(different.len() > values.len() / 2, "{told}: {name:?} is hardly random");
        }
    }
}

/// Makes each stream end soon: those that count after 500 packets or so, a whole number of blocks;
/// unlimited ones after 100 ms, the others after 300 ms.
fn shortened(profile: &Profile) -> Vec<String> {
    let mut sets = vec!["validity.max_lag=20s".to_owned()];
    let unlimited =
        profile.streams.iter().any(|stream| stream.pattern.constant() == Some(Rate::Unlimited));
    let span = if unlimited { "100ms" } else { "300ms" };
    sets.push(format!("duration={span}"));
    for (n, stream) in profile.streams.iter().enumerate() {
        if stream.limit.count.is_some() {
            let block = stream.order.len().max(1);
            sets.push(format!("streams[{n}].count={}", 500 / block * block));
        }
        if stream.limit.duration.is_some() {
            sets.push(format!("streams[{n}].duration={span}"));
        }
    }
    sets
}

#[test]
fn every_shipped_profile_runs_in_its_lab() {
    if !privileged("every_shipped_profile_runs_in_its_lab") {
        return;
    }
    for path in shipped() {
        let profile = profile::load(&path, &[]).expect("a profile");
        // Benchmarks have tests of their own: tests/benchmark_lab.rs.
        if profile.test != TestKind::Traffic {
            continue;
        }
        let sets = shortened(&profile);
        let mut args = vec![path.to_str().expect("UTF-8")];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        let run = run(&args);
        let told = path.display();
        assert!(run.json.is_object(), "{told}: {}", run.stderr);
        run.assert_ledger_closes();
        assert_eq!(run.json["incomplete"], false, "{told}");
        // Captured packets carry no tags: nothing is measured, and the result says so.
        let measured = profile.streams.iter().any(|stream| stream.tag);
        if measured {
            assert_eq!(run.total("corrupt") + run.total("alien"), 0, "{told}");
        } else {
            assert!(run.json["totals"]["lost"].is_null(), "{told}");
        }
        for stream in run.json["streams"].as_array().expect("streams") {
            assert_ne!(stream["sent"], 0, "{told}: {stream:#}");
            assert_ne!(stream["unique"], 0, "{told}: {stream:#}");
        }
        let unlimited =
            profile.streams.iter().any(|stream| stream.pattern.constant() == Some(Rate::Unlimited));
        if !unlimited {
            assert_eq!(run.total("unsent"), 0, "{told}: {:#}", run.json["ledger"]);
        }
        // A lab without a loss of its own loses nothing at a modest rate.
        let lab = profile.lab.as_ref().expect("a lab");
        if measured && !unlimited && lab.tbf.is_empty() && lab.nft.is_none() {
            assert_eq!(run.total("lost"), 0, "{told}: {:#}", run.json["ledger"]);
        }
    }
}
