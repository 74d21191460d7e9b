//! What a packet costs before any kernel sees it: template and patch operations, for 0, 1, 2, 4 and
//! 8 changing fields of each kind, with the checksums that follow. `stamp` is the probe tag, without
//! reading the clock.
//!
//! A second table has one changing field in the innermost header of one stack after another: what is
//! around it costs nothing per packet but the checksums that cover it.
//!
//! `cargo bench --bench packet` prints the tables in nanoseconds and cycles of the time-stamp counter
//! (medians of interleaved repeats), then criterion's figures.

#[path = "../tests/packets/mod.rs"]
mod packets;

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use packets::{header, program, stream};
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile::model::{FieldValue, Header, Real, Size, Weighted};
use wirestorm::sys::cycles;
use wirestorm::units::FrameSize;

/// Frames in turn, as a ring has them: a cache's worth, each its own lines.
const FRAMES: usize = 64;
const FRAME_LEN: usize = 2048;

/// The fields that change, in the order in which they are taken.
const FIELDS: [(usize, &str, u128, u128); 8] = [
    (2, "src", 1024, 65_535),
    (1, "dst", 0xc612_0000, 0xc612_ffff),
    (2, "dst", 1024, 65_535),
    (1, "src", 0xc613_0000, 0xc613_ffff),
    (1, "id", 0, 65_535),
    (1, "ttl", 32, 255),
    (1, "dscp", 0, 63),
    (0, "src", 0x0200_0000_0000, 0x0200_00ff_ffff),
];

type Value = fn(u128, u128) -> FieldValue;

fn counter(low: u128, high: u128) -> FieldValue {
    // A count that is no power of two, so that the remainder costs what it costs.
    FieldValue::Counter { start: low, step: 1, count: (high - low) as u64 }
}

fn random(low: u128, high: u128) -> FieldValue {
    FieldValue::Random { low, high }
}

fn list(low: u128, high: u128) -> FieldValue {
    FieldValue::List((0..100).map(|n| low + n * 7919 % (high - low)).collect())
}

fn every(low: u128, high: u128) -> FieldValue {
    let mut value = counter(low, high);
    value.slow_down(3);
    value
}

fn unique(low: u128, high: u128) -> FieldValue {
    FieldValue::Unique { low, high: high - 1 }
}

fn unique_of_few(low: u128, _: u128) -> FieldValue {
    FieldValue::Unique { low, high: low + 49 }
}

fn zipf(low: u128, high: u128) -> FieldValue {
    let exponent = Real::new(1.1).expect("is finite");
    FieldValue::Zipf { low, high, exponent }
}

fn normal(low: u128, high: u128) -> FieldValue {
    let range = (high - low) as f64;
    let real = |value| Real::new(value).expect("is finite");
    FieldValue::Normal { low, high, mean: real(range / 2.0), deviation: real(range / 10.0) }
}

/// Half of the bits.
fn masked(low: u128, high: u128) -> FieldValue {
    let value = Box::new(counter(0, high));
    FieldValue::Masked { mask: high / 2, base: low, value }
}

/// Shares of several values each: a second draw.
fn weighted(low: u128, high: u128) -> FieldValue {
    let share = |n: u128| {
        let width = (high - low) / 4;
        Weighted { low: low + n * width, high: low + (n + 1) * width - 1, weight: n as u32 + 1 }
    };
    FieldValue::Weighted((0..4).map(share).collect())
}

fn with_fields(count: usize, value: Value) -> Vec<Header> {
    let mut headers = vec![header("ethernet", &[]), header("ipv4", &[]), header("udp", &[])];
    for (position, name, low, high) in &FIELDS[..count] {
        let protocol = headers[*position].protocol.name;
        let set = header(protocol, &[(name, value(*low, *high))]);
        headers[*position].fields.extend(set.fields);
    }
    headers
}

struct Case {
    name: String,
    program: StreamProgram,
}

fn cases() -> Vec<Case> {
    let mut cases = vec![Case {
        name: "0 fields".to_owned(),
        program: program(stream(with_fields(0, counter), 64)),
    }];
    let kinds: [(&str, Value); 3] = [("counter", counter), ("random", random), ("list", list)];
    for (kind, value) in kinds {
        for count in [1, 2, 4, 8] {
            let program = program(stream(with_fields(count, value), 64));
            cases.push(Case { name: format!("{count} {kind}"), program });
        }
    }
    let more: [(&str, Value); 7] = [
        ("every third", every),
        ("unique", unique),
        ("unique of 50", unique_of_few),
        ("zipf", zipf),
        ("normal", normal),
        ("weighted", weighted),
        ("masked", masked),
    ];
    for (kind, value) in more {
        for count in [1, 2] {
            let program = program(stream(with_fields(count, value), 64));
            cases.push(Case { name: format!("{count} {kind}"), program });
        }
    }
    cases.extend(others());
    let mut imix = stream(with_fields(1, counter), 64);
    imix.size = Size::Imix(vec![(FrameSize(64), 7), (FrameSize(570), 4), (FrameSize(1518), 1)]);
    cases.push(Case { name: "1 counter, IMIX".to_owned(), program: program(imix) });
    cases
}

/// A field that follows another one, nested fields, and a counter of 128 bits that carries.
fn others() -> [Case; 3] {
    let case = |name: &str, packet: &str| {
        let text = format!("streams: [{{rate: 1kpps, size: 128B, {packet}}}]");
        let profile = wirestorm::profile::parse("bench.yaml", &text, &[]).expect("is a profile");
        Case { name: name.to_owned(), program: program(profile.streams[0].clone()) }
    };
    let nested = "nested: [udp.src, udp.dst], packet: [ipv4, udp: {src: {increment: 1000..1999}, dst: \
                  {increment: 5000..5099}}]";
    [
        case(
            "1 random, 1 same as it",
            "packet: [ipv4, udp: {src: {random: 1024..65535}, dst: {same_as: udp.src, plus: 1}}]",
        ),
        case("2 counter, nested", nested),
        case(
            "1 counter of 128 bits",
            "packet: [ipv6: {src: {increment: '2001:2::ffff:ffff:ffff:fff0', count: 999}}, udp]",
        ),
    ]
}

/// Header stacks; the source port of the last is what changes.
const STACKS: [(&str, &str); 11] = [
    ("UDP/IPv4", "ethernet ipv4 udp"),
    ("UDP/IPv6", "ethernet ipv6 udp"),
    ("VLAN", "ethernet vlan ipv4 udp"),
    ("MPLS", "ethernet mpls ipv4 udp"),
    ("GRE", "ethernet ipv4 gre ipv4 udp"),
    ("VXLAN", "ethernet ipv4 udp vxlan ethernet ipv4 udp"),
    ("GTP-U", "ethernet ipv4 udp gtpu ipv4 udp"),
    ("GRE, VXLAN, GTP-U", "ethernet ipv4 gre ipv4 udp vxlan ethernet ipv4 udp gtpu ipv4 udp"),
    ("SRv6", "ethernet ipv6 srh udp"),
    ("TCP with options", "ethernet ipv4 tcp"),
    ("SCTP", "ethernet ipv4 sctp sctp_data"),
];

/// Frames of all stacks have this size, so that only the headers differ.
const STACK_SIZE: u32 = 256;

/// A stack with its source port, or SCTP's, changing; nothing where `value` is None.
fn stack(names: &str, value: Option<Value>) -> Vec<Header> {
    let mut headers: Vec<Header> = names.split_whitespace().map(|name| header(name, &[])).collect();
    if let Some(srh) = headers.iter_mut().find(|header| header.protocol.name == "srh") {
        srh.data = Some([0x20, 1, 0, 2].repeat(8));
    }
    if let Some(tcp) = headers.iter_mut().find(|header| header.protocol.name == "tcp") {
        let kinds = tcp.protocol.options.iter().flat_map(|def| def.kinds);
        let wanted = ["mss", "sack_permitted", "timestamps", "nop", "window_scale"];
        let kind = |name: &&str| kinds.clone().find(|kind| kind.name == *name).copied();
        tcp.options = wanted.iter().filter_map(kind).map(Header::new).collect();
    }
    let last = headers.iter().rposition(|header| header.protocol.field("src").is_some());
    if let (Some(last), Some(value)) = (last, value) {
        let name = headers[last].protocol.name;
        let set = header(name, &[("src", value(1024, 65_535))]);
        headers[last].fields.extend(set.fields);
    }
    headers
}

fn stack_cases() -> Vec<Case> {
    let kinds: [(&str, Option<Value>); 4] = [
        ("0 fields", None),
        ("1 counter", Some(counter)),
        ("1 random", Some(random)),
        ("1 list", Some(list)),
    ];
    let case = |(title, names): &(&str, &str), (kind, value): (&str, Option<Value>)| Case {
        name: format!("{title}, {kind}"),
        program: program(stream(stack(names, value), STACK_SIZE)),
    };
    STACKS.iter().flat_map(|stack| kinds.map(|kind| case(stack, kind))).collect()
}

/// Builds `count` packets in frames that hold earlier packets of the program.
fn build(program: &StreamProgram, memory: &mut [u8], count: u64, stamp: bool) {
    for index in 0..count {
        let frame = &mut memory[index as usize % FRAMES * FRAME_LEN..][..FRAME_LEN];
        let len = program.build(index, frame, true);
        if stamp {
            program.stamp(index, frame, index << 8, 100);
        }
        black_box(len);
    }
}

fn prepared(program: &StreamProgram) -> Vec<u8> {
    let mut memory = vec![0; FRAMES * FRAME_LEN];
    for frame in memory.chunks_mut(FRAME_LEN) {
        program.build(0, frame, false);
    }
    memory
}

/// Medians over interleaved repeats, so that a slow moment hits all cases alike.
fn table(cases: &[Case]) {
    const REPEATS: usize = 401;
    const PACKETS: u64 = 2000;
    let mut memories: Vec<_> = cases.iter().map(|case| prepared(&case.program)).collect();
    let mut samples = vec![Vec::new(); cases.len() * 2];
    for _ in 0..REPEATS {
        for (n, (case, memory)) in cases.iter().zip(&mut memories).enumerate() {
            for stamp in [false, true] {
                let (start, before) = (Instant::now(), cycles::now());
                build(black_box(&case.program), memory, PACKETS, stamp);
                let took = before.zip(cycles::now()).map(|(before, after)| after - before);
                let nanos = start.elapsed().as_nanos() as f64 / PACKETS as f64;
                let took = took.map(|took| took as f64 / PACKETS as f64);
                samples[n * 2 + usize::from(stamp)].push((nanos, took));
            }
        }
    }
    println!("{:<30} {:>9} {:>9} {:>12} {:>12}", "", "ns", "cycles", "ns, stamped", "cycles");
    for (n, case) in cases.iter().enumerate() {
        let median = |samples: &mut Vec<(f64, Option<f64>)>| {
            samples.sort_by(|a, b| a.0.total_cmp(&b.0));
            samples[REPEATS / 2]
        };
        let (plain, stamped) = (median(&mut samples[n * 2]), median(&mut samples[n * 2 + 1]));
        let cycles = |cycles: Option<f64>| cycles.map_or("-".to_owned(), |c| format!("{c:.1}"));
        println!(
            "{:<30} {:>9.1} {:>9} {:>12.1} {:>12}",
            case.name,
            plain.0,
            cycles(plain.1),
            stamped.0,
            cycles(stamped.1)
        );
    }
}

fn main() {
    let cases = cases();
    table(&cases);
    println!();
    table(&stack_cases());
    if std::env::args().any(|arg| arg == "--table") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("packet");
    for case in &cases {
        let mut memory = prepared(&case.program);
        group.throughput(Throughput::Elements(1));
        group.bench_function(&case.name, |bencher| {
            bencher.iter_custom(|count| {
                let start = Instant::now();
                build(black_box(&case.program), &mut memory, count, false);
                start.elapsed()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
