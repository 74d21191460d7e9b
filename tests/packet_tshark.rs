//! Every field of every header with every kind of value, judged by two programs that share nothing
//! with wirestorm: tshark dissects without a complaint, scapy reads back the values asked for.

mod packets;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use packets::{header, program, stream};
use wirestorm::engine::{Programs, Slot};
use wirestorm::packet::dry_run::write_pcap;
use wirestorm::profile::model::{FieldValue, Header, Payload, Size, Stream};
use wirestorm::units::FrameSize;
use wirestorm::wire;
use wirestorm::wire::field::{FieldDef, FieldDefault};

/// Packets of each stream.
const PACKETS: u64 = 5;

/// Runs a tool; None, with the reason printed, where it is missing and may be.
fn run(program: &str, args: &[&str]) -> Option<Output> {
    match Command::new(program).args(args).output() {
        Ok(output) => Some(output),
        Err(error) if std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1") => {
            panic!("{program} is required: {error}")
        }
        Err(error) => {
            println!("skipped: {program}: {error}");
            None
        }
    }
}

fn text(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A python3 that has scapy.
fn python() -> Option<&'static str> {
    for python in ["python3", "/usr/bin/python3"] {
        let found = Command::new(python).args(["-c", "import scapy"]).output();
        if found.is_ok_and(|output| output.status.success()) {
            return Some(python);
        }
    }
    let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
    assert!(!required, "python3-scapy is required");
    println!("skipped: no python3 with scapy");
    None
}

/// Stacks in which each protocol stands.
fn stacks() -> Vec<Vec<&'static str>> {
    let l4 = [("ipv4", "udp"), ("ipv4", "tcp"), ("ipv4", "icmp")];
    let l4v6 = [("ipv6", "udp"), ("ipv6", "tcp"), ("ipv6", "icmpv6")];
    let mut stacks = Vec::new();
    for (ip, l4) in l4.into_iter().chain(l4v6) {
        for tags in 0..3 {
            let mut stack = vec!["ethernet"];
            stack.extend(std::iter::repeat_n("vlan", tags));
            stack.extend([ip, l4]);
            stacks.push(stack);
        }
        for outer in ["ipv4", "ipv6"] {
            stacks.push(vec!["ethernet", outer, ip, l4]);
        }
    }
    stacks.extend([vec!["ethernet", "ipv4"], vec!["ethernet", "ipv6"], vec!["ethernet"]]);
    stacks
}

/// The range that the test takes a field's values from: all, but for those that would make the
/// readers take the packet for something else.
fn range(protocol: &str, field: &FieldDef) -> Option<(u128, u128)> {
    use FieldDefault::{Checksum, Length, NextProtocol};
    if matches!(field.default, Checksum | Length { .. } | NextProtocol) {
        return None;
    }
    Some(match (protocol, field.name) {
        (_, "version" | "ihl" | "data_offset") => return None,
        // Ports and types choose what the readers take the payload for.
        ("udp" | "tcp", "src" | "dst") => (50_000, 50_300),
        ("icmp", "type") => (8, 8),
        ("icmpv6", "type") => (128, 129),
        ("icmp" | "icmpv6", "code") => (0, 0),
        // No later fragment: it has no L4 header.
        ("ipv4", "fragment_offset" | "mf" | "reserved") => (0, 0),
        // Readers take MACs with the group bit for broadcasts; every other bit is free.
        ("ethernet", _) => (0x0200_0000_0000, 0x02ff_ffff_ffff),
        ("ipv4", "src" | "dst") => (0xc612_0000, 0xc613_ffff),
        ("ipv6", "src" | "dst") => {
            let prefix = 0x2001_0002_u128 << 96;
            (prefix, prefix | u128::MAX >> 48)
        }
        _ => (0, field.max()),
    })
}

/// One value of each kind in a range.
fn values((low, high): (u128, u128)) -> Vec<FieldValue> {
    let span = high - low;
    let middle = low + span / 3;
    vec![
        FieldValue::Fixed(middle),
        FieldValue::List(vec![high, low, middle]),
        FieldValue::Counter { start: low, step: 1, count: span.clamp(1, 3) as u64 },
        FieldValue::Counter {
            start: high,
            step: 1u128.wrapping_neg(),
            count: span.clamp(1, 4) as u64,
        },
        FieldValue::Random { low, high },
    ]
}

fn sizes(shortest: u32) -> Vec<Size> {
    let at = |n| FrameSize(shortest + n);
    vec![
        Size::Fixed(at(0)),
        Size::List(vec![at(33), at(0), at(7)]),
        Size::Imix(vec![(at(20), 7), (at(300), 4), (at(1000), 1)]),
        Size::Counter { start: at(0), step: 1, count: 4 },
        Size::Random { low: at(0), high: at(99) },
    ]
}

/// A stream of each field and kind of value, each with one of the kinds of sizes, and one with
/// everything at once.
fn streams() -> Vec<Stream> {
    let mut streams = Vec::new();
    for stack in stacks() {
        let bare: Vec<Header> = stack.iter().map(|name| header(name, &[])).collect();
        let len: usize = bare.iter().map(|header| header.protocol.len).sum();
        let sizes = sizes((len as u32 + 18 + 4).max(64));
        let mut add = |headers| {
            let n = streams.len();
            let payload = match n % 3 {
                0 => Payload::Increment,
                1 => Payload::Fill(0xee),
                _ => Payload::Bytes(b"wirestorm".to_vec()),
            };
            streams.push(Stream { size: sizes[n % 5].clone(), payload, ..stream(headers, 64) });
        };
        add(bare.clone());
        let mut all = bare.clone();
        for (n, name) in stack.iter().enumerate() {
            let protocol = wire::protocol(name).expect("a protocol");
            for field in protocol.fields {
                let Some(range) = range(name, field) else { continue };
                for (kind, value) in values(range).into_iter().enumerate() {
                    let mut one = bare.clone();
                    one[n] = header(name, &[(field.name, value.clone())]);
                    if kind == (n + usize::from(field.bit_offset)) % 5 {
                        all[n].fields.extend(one[n].fields.clone());
                    }
                    add(one);
                }
            }
        }
        add(all);
    }
    streams
}

/// tshark's severity of a warning; errors are above.
const EXPERT_WARNING: u32 = 0x60_0000;

/// A stream, short enough to be read in a failure.
fn describe(stream: &Stream, line: &str) -> String {
    let mut text = format!("{:?} {:?}", stream.size, stream.payload);
    for header in &stream.headers {
        text += &format!("\n{}", header.protocol.name);
        for setting in &header.fields {
            text += &format!(" {}={:?}", setting.field.name, setting.value);
        }
    }
    text + "\n" + line
}

fn write_capture(path: &Path, streams: &[Stream]) {
    let programs: Programs = streams.iter().cloned().map(program).map(Arc::new).collect();
    let slots = (0..streams.len() as u32 * PACKETS as u32).map(|n| Slot {
        index: u64::from(n) % PACKETS,
        due: 1_700_000_000_000_000_000 + u64::from(n) * 1000,
        program: n / PACKETS as u32,
        reserved: 0,
    });
    let count = slots.len() as u64;
    let file = File::create(path).expect("a temporary file");
    assert_eq!(write_pcap(slots, &programs, file, "capture").expect("a file"), count);
}

#[test]
fn tshark_dissects_every_header_and_value_without_complaint() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("all.pcap");
    let streams = streams();
    write_capture(&path, &streams);
    let mut args = vec!["-r", path.to_str().expect("UTF-8"), "-n"];
    for option in [
        "ip.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "tcp.analyze_sequence_numbers:FALSE",
    ] {
        args.extend(["-o", option]);
    }
    let fields = [
        "frame.protocols",
        "_ws.malformed",
        "_ws.expert.severity",
        "_ws.expert.message",
        "ip.checksum.status",
        "udp.checksum.status",
        "tcp.checksum.status",
        "icmp.checksum.status",
        "icmpv6.checksum.status",
        "frame.time_epoch",
    ];
    args.extend(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    args.extend(fields.iter().flat_map(|field| ["-e", field]));
    let Some(output) = run("tshark", &args) else { return };
    let text = text(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), streams.len() * PACKETS as usize);
    for (n, line) in lines.iter().enumerate() {
        let stream = &streams[n / PACKETS as usize];
        let names: Vec<&str> = stream.headers.iter().map(|header| header.protocol.name).collect();
        let told = describe(stream, line);
        let columns: Vec<&str> = line.split('|').collect();
        assert_eq!(columns[1], "", "malformed: {told}");
        // Dissected to the end: every header of the stack is there, and payload after it.
        let expected: Vec<&str> = names
            .iter()
            .map(|name| match *name {
                "ethernet" => "eth",
                "ipv4" => "ip",
                other => other,
            })
            .collect();
        let found: Vec<&str> =
            columns[0].split(':').filter(|name| !matches!(*name, "ethertype" | "data")).collect();
        let found: Vec<&str> = found
            .into_iter()
            .map(|name| if name == "ieee8021ad" { "vlan" } else { name })
            .collect();
        assert_eq!(found, expected, "{told}");
        // Every checksum was checked (1: good), and there are as many as there are headers.
        for (column, protocols) in
            [(4, &["ipv4"][..]), (5, &["udp"]), (6, &["tcp"]), (7, &["icmp"]), (8, &["icmpv6"])]
        {
            let count = names.iter().filter(|name| protocols.contains(name)).count();
            let good: Vec<&str> = columns[column].split(',').filter(|s| !s.is_empty()).collect();
            assert_eq!(good, vec!["1"; count], "{} {told}", fields[column]);
        }
        // Chats and notes are about values that were asked for (a SYN, a TTL of 0). Warnings are
        // not, but for RST, and for the echo that nobody answers in a capture of one side.
        let severities = columns[2].split(',').filter_map(|number| number.parse::<u32>().ok());
        let legal = ["No response seen", "Connection reset (RST)"];
        let legal = legal.iter().any(|remark| columns[3].contains(remark));
        let worst = severities.max().unwrap_or(0);
        assert!(worst < EXPERT_WARNING || worst == EXPERT_WARNING && legal, "{told}");
        let nanos = 1_700_000_000_000_000_000 + n as u128 * 1000;
        let time = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        assert_eq!(columns[9], time);
    }
}

#[test]
fn scapy_reads_the_values_that_were_asked_for() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("all.pcap");
    let streams = streams();
    write_capture(&path, &streams);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scapy_read.py");
    let Some(output) = run(python, &[script, path.to_str().expect("UTF-8")]) else { return };
    let text = text(&output);
    assert_eq!(text.lines().count(), streams.len() * PACKETS as usize);
    let mut compared = 0;
    for (n, line) in text.lines().enumerate() {
        let stream = &streams[n / PACKETS as usize];
        let index = n as u64 % PACKETS;
        let read: Vec<BTreeMap<String, serde_json::Value>> =
            serde_json::from_str(line).expect("JSON");
        let told = describe(stream, line);
        assert_eq!(read.len(), stream.headers.len() + 1, "{told}");
        for (header, read) in stream.headers.iter().zip(&read) {
            assert_eq!(read["header"], header.protocol.name, "{told}");
            for setting in &header.fields {
                let name = setting.field.name;
                let value: u128 =
                    read[name].as_str().and_then(|text| text.parse().ok()).expect(name);
                compared += 1;
                let expected = match &setting.value {
                    FieldValue::Bad => unreachable!("no bad checksum is asked for"),
                    FieldValue::Fixed(value) => *value,
                    FieldValue::List(list) => list[index as usize % list.len()],
                    FieldValue::Counter { start, step, count } => {
                        start.wrapping_add(step.wrapping_mul((index % count).into()))
                            & setting.field.max()
                    }
                    FieldValue::Random { low, high } => {
                        assert!((low..=high).contains(&&value), "{name} {told}");
                        continue;
                    }
                    other => unreachable!("{other:?} is not among the values above"),
                };
                assert_eq!(value, expected, "{name} {told}");
            }
        }
        assert_eq!(read.last().expect("a verdict")["same"], true, "recomputed: {told}");
    }
    assert!(compared > 5000, "only {compared} values were compared");
}
