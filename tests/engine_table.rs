//! What each engine can send: every header, every kind of value, size and payload, every way to cut
//! a datagram. `docs/engines.md` is the table that this test makes of the engines' own words, and
//! what `xdp-live` says it can is compared, byte by byte, with what Rust builds.
//!
//! After a change: `WIRESTORM_UPDATE_DOCS=1 cargo test --test engine_table`.

mod common;
mod engine_support;
mod kernel_parity;
mod packets;
mod raw_bench;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use common::root;
use kernel_parity::{compare, privileged};
use raw_bench::Bench;
use wirestorm::engine::choose::EngineChoice;
use wirestorm::engine::frames::FrameEngine;
use wirestorm::engine::support::refusal;
use wirestorm::engine::xdp_live::dry::KernelBuilder;
use wirestorm::engine::{Engine, Programs, Slot, raw};
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::packet::tag::STAMP_AT;
use wirestorm::profile;
use wirestorm::profile::model::{FieldValue, Payload, Profile, Size};
use wirestorm::sys::clock::Monotonic;
use wirestorm::wire::protocols;

/// The columns. The dry run is what the null engine builds.
const ENGINES: [(&str, EngineChoice); 5] = [
    ("xdp-live", EngineChoice::XdpLive),
    ("af-xdp", EngineChoice::AfXdp),
    ("packet-mmap", EngineChoice::PacketMmap),
    ("raw", EngineChoice::Raw),
    ("pcap", EngineChoice::Null),
];

/// A value of each kind, in a field of 16 bits and in one of 128.
const VALUES: [(&str, &str, &str); 14] = [
    ("a constant", "5001", "2001:2::9"),
    ("list", "[80, 443, 0]", "[\"2001:2::9\", \"2001:2::a\"]"),
    ("list by weight", "{list: {80: 7, 443: 2}}", "{list: {\"2001:2::9\": 7, \"2001:2::a\": 2}}"),
    (
        "increment",
        "{increment: 65000, step: 3, count: 100}",
        "{increment: \"2001:2::ffff:ffff:ffff:fff0\", count: 100}",
    ),
    ("decrement", "{decrement: 5999..5000}", "{decrement: \"2001:2::9\", count: 5}"),
    ("random", "{random: 1024..65535}", "{random: \"2001:2::..2001:2::ffff\"}"),
    (
        "random, each once",
        "{random: 1024..65535, unique: true}",
        "{prefix: \"2001:2::/120\", order: random, unique: true}",
    ),
    (
        "random by weight",
        "{random: {80: 7, 1024..2047: 1}}",
        "{random: {\"2001:2::9\": 7, \"2001:2::a\": 2}}",
    ),
    (
        "Zipf",
        "{random: 1..1000, zipf: 1.1}",
        "{prefix: \"2001:2::/116\", order: random, zipf: 1.1}",
    ),
    (
        "normal",
        "{random: 0..100, mean: 50, sd: 10}",
        "{prefix: \"2001:2::/120\", order: random, mean: \"2001:2::50\", sd: 10}",
    ),
    ("prefix", "", "2001:2::/64"),
    (
        "every so many packets",
        "{increment: 0, every: 7}",
        "{increment: \"2001:2::9\", count: 9, every: 4}",
    ),
    (
        "mask",
        "{random: 0..0xffff, mask: 0x0ff0, base: 0x8001}",
        "{increment: \"2001:2::\", mask: \"::ffff\", base: \"2001:2::\"}",
    ),
    ("same as another field", "{same_as: udp.dst, plus: -1}", "{same_as: ipv6.dst}"),
];

const SIZES: [(&str, &str); 7] = [
    ("one", "128B"),
    ("list", "[128B, 512B, 129B]"),
    ("increment", "{start: 128B, step: 3B, count: 8}"),
    ("random", "{random: 128B..1518B}"),
    ("random by weight", "{random: {128B: 7, 594B: 4, 1000B..1518B: 1}}"),
    ("mix", "{imix: {128B: 7, 594B: 4, 1518B: 1}}"),
    ("genome", "{genome: bbbcg}"),
];

const PAYLOADS: [&str; 7] = [
    "zeros",
    "increment",
    "random",
    "{fill: 0xa5}",
    "{text: wirestorm}",
    "{hex: c0ffee}",
    "{prbs: 15}",
];

const CUTS: [(&str, &str); 9] = [
    ("into so many", "3"),
    ("by the MTU", "{mtu: 576}"),
    ("by sizes", "{sizes: [24, 512]}"),
    (
        "spelled out, with overlaps",
        "{pieces: [{offset: 0, length: 512}, {offset: 256, length: 64, data: other}, {offset: 504, length: 600}]}",
    ),
    ("atomic", "{atomic: true}"),
    ("a tiny first piece", "{count: 3, first: 8}"),
    (
        "order, gap, duplicates, omissions",
        "{count: 4, order: shuffled, gap: 10us, duplicate: [2], omit: [3]}",
    ),
    ("random identification", "{count: 2, id: random}"),
    ("identifications in turn", "{count: 2, id: {reuse: 16}}"),
];

fn parse(stream: &str) -> Profile {
    let text = format!("lab: b2b\nstreams:\n- {{rate: 1kpps, count: 9, {stream}}}\n");
    profile::parse("table.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn programs(profile: &Profile) -> Vec<Arc<StreamProgram>> {
    let of = |n| compile(profile, n, &packets::addressing(), 1);
    let programs = (0..profile.streams.len()).map(of);
    programs.map(|program| Arc::new(program.unwrap_or_else(|error| panic!("{error}")))).collect()
}

/// A row of the table, and the programs that it stands for.
struct Row {
    name: String,
    programs: Vec<Arc<StreamProgram>>,
}

impl Row {
    fn new(name: &str, streams: &[String]) -> Self {
        let programs = streams.iter().flat_map(|stream| programs(&parse(stream))).collect();
        Self { name: name.to_owned(), programs }
    }

    /// What an engine says of all of them.
    fn cell(&self, engine: EngineChoice) -> String {
        let refusals: BTreeSet<String> =
            self.programs.iter().filter_map(|program| refusal(engine, program)).collect();
        let refused = self.programs.iter().filter(|p| refusal(engine, p).is_some()).count();
        let told = refusals.into_iter().collect::<Vec<_>>().join("; ");
        match refused {
            0 => "✓".to_owned(),
            all if all == self.programs.len() => format!("– {told}"),
            _ => format!("✓, but not where {told}"),
        }
    }
}

/// The header stacks of a protocol's examples; those that end with a whole message have their own
/// size.
fn header_rows() -> Vec<Row> {
    let sized = |example: &&str| {
        let bare = format!("lab: b2b\nstreams:\n- {{rate: 1kpps, packet: {example}}}\n");
        match profile::parse("table.yaml", &bare, &[]) {
            Ok(_) => format!("packet: {example}"),
            Err(_) => format!("size: 512B, payload: increment, packet: {example}"),
        }
    };
    let row = |protocol: &&wirestorm::wire::field::Protocol| {
        Row::new(protocol.name, &protocol.examples.iter().map(sized).collect::<Vec<_>>())
    };
    protocols().iter().map(row).collect()
}

fn value_rows() -> Vec<Row> {
    let row = |(name, narrow, wide): &(&str, &str, &str)| {
        let mut stacks = vec![
            format!("size: 256B, packet: [ipv6: {{src: {wide}}}, udp]"),
            format!("size: 256B, packet: [ipv4, udp, vxlan, ethernet, ipv6: {{src: {wide}}}, udp]"),
        ];
        if !narrow.is_empty() {
            stacks.push(format!("size: 256B, packet: [ipv4, udp: {{src: {narrow}}}]"));
        }
        Row::new(name, &stacks)
    };
    let bad = [
        "[ipv4: {checksum: bad}, udp: {checksum: bad, src: {increment: 1}}]",
        "[ipv6, tcp: {checksum: bad, seq: {increment: 1}}]",
    ];
    let nested = "size: 256B, nested: [udp.src, ipv4.src], packet: [ipv4: {src: [198.18.0.1, 198.18.0.2]}, udp: {src: {increment: 1000..1009}}]";
    let mut rows: Vec<Row> = VALUES.iter().map(row).collect();
    let bad = bad.map(|stack| format!("size: 256B, packet: {stack}"));
    rows.push(Row::new("a wrong checksum", &bad));
    rows.push(Row::new("nested fields", &[nested.to_owned()]));
    rows
}

fn size_rows() -> Vec<Row> {
    let row = |(name, size): &(&str, &str)| {
        let stacks = ["[ipv4, udp]", "[ipv6, tcp]", "[ipv4, udp, gtpu, ipv6, udp]"];
        Row::new(name, &stacks.map(|stack| format!("size: {size}, packet: {stack}")))
    };
    SIZES.iter().map(row).collect()
}

fn payload_rows() -> Vec<Row> {
    let row = |payload: &&str| {
        let size = "size: [256B, 301B]";
        Row::new(payload, &[format!("{size}, payload: {payload}, packet: [ipv4, udp]")])
    };
    PAYLOADS.iter().map(row).collect()
}

fn cut_rows() -> Vec<Row> {
    let row = |(name, cut): &(&str, &str)| {
        let fields = "{src: {random: 1024..65535}}";
        let stacks = ["ipv4", "ipv6"]
            .map(|ip| format!("size: 1200B, fragments: {cut}, packet: [{ip}, udp: {fields}]"));
        Row::new(name, &stacks)
    };
    CUTS.iter().map(row).collect()
}

fn sections() -> [(&'static str, Vec<Row>); 5] {
    [
        ("Headers and their options", header_rows()),
        ("Values", value_rows()),
        ("Sizes", size_rows()),
        ("Payloads", payload_rows()),
        ("Fragments", cut_rows()),
    ]
}

fn documentation() -> String {
    let mut text = "# Engines\n\n\
        What each transmit path can send. An engine that refuses a stream says so when it is opened, \
        and `--engine auto` takes the next one. This page is made by `tests/engine_table.rs` of what \
        the engines themselves say of each header's examples \
        ([headers.md](headers.md)) and of each kind of value; the same test holds what `xdp-live` \
        builds in the kernel to what the others build, byte by byte. What `raw` refuses is what the kernel \
        would change ([raw-sockets.md](raw-sockets.md)); on a port it takes no other MACs than the \
        port's own and the next hop's. How long a frame may be, and \
        whether a port takes the engine at all, depends on the port: `wirestorm doctor` tells.\n"
        .to_owned();
    for (title, rows) in sections() {
        let names = ENGINES.map(|(name, _)| name).join(" | ");
        let _ = write!(
            text,
            "\n## {title}\n\n| | {names} |\n{}\n",
            "|---".repeat(ENGINES.len() + 1) + "|"
        );
        for row in rows {
            let cells = ENGINES.map(|(_, engine)| row.cell(engine)).join(" | ");
            let _ = writeln!(text, "| {} | {cells} |", row.name);
        }
    }
    text
}

#[test]
fn the_documentation_says_what_the_engines_say() {
    let path = root().join("docs/engines.md");
    let expected = documentation();
    if std::env::var_os("WIRESTORM_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/engines.md is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/engines.md is old: WIRESTORM_UPDATE_DOCS=1 writes it anew");
}

#[test]
fn the_kernel_builds_every_row_as_rust_does() {
    if !privileged() {
        return;
    }
    let (mut compared, mut refused) = (0, 0);
    for (title, rows) in sections() {
        let all = rows.iter().flat_map(|row| row.programs.iter().map(|p| (&row.name, p.clone())));
        let (names, programs): (Vec<_>, Vec<_>) = all
            .filter(|(_, program)| {
                let refuses = refusal(EngineChoice::XdpLive, program).is_some();
                refused += usize::from(refuses);
                !refuses
            })
            .unzip();
        let kernel = KernelBuilder::new(&programs, true);
        let kernel = kernel.unwrap_or_else(|error| panic!("{title}: {error}"));
        for (number, (name, program)) in names.iter().zip(&programs).enumerate() {
            for index in [0, 1, 2, 6, 7, 99, 65_536, 70_000, u64::from(u32::MAX), 1 << 40] {
                let slot = Slot { index, program: number as u32, ..Slot::default() };
                compare(&kernel, program, slot, kernel.image())
                    .unwrap_or_else(|error| panic!("{title}, {name}, {index}: {error}"));
                compared += 1;
            }
        }
    }
    assert!(compared > 2_000, "{compared}");
    assert!(refused * 20 < compared / 10, "{refused} programs are left to the other engines");
}

/// What raw sockets say they can, arrives as it was built. Of MACs they take the port's and its
/// neighbours' alone.
#[test]
fn raw_sends_every_row_that_it_takes() {
    if !engine_support::privileged("raw_sends_every_row_that_it_takes") {
        return;
    }
    let bench = Bench::new();
    for words in [
        "neigh add 198.18.0.4 lladdr 02:00:00:00:00:04 dev tx0",
        "neigh add 2001:2::6 lladdr 02:00:00:00:00:06 dev tx0",
    ] {
        engine_support::ip(&bench.tx, words);
    }
    let addressing = packets::addressing();
    let [hop4, hop6] = [addressing.next_hop_mac_ipv4, addressing.next_hop_mac_ipv6];
    let (mut compared, mut refused, mut other_macs) = (0, 0, 0);
    for (title, rows) in sections() {
        let all = rows.iter().flat_map(|row| row.programs.iter().map(|p| (&row.name, p.clone())));
        let (names, programs): (Vec<_>, Vec<_>) = all
            .filter(|(_, program)| {
                if refusal(EngineChoice::Raw, program).is_some() {
                    refused += 1;
                    return false;
                }
                let hop = if program.template[12] == 8 { hop4 } else { hop6 };
                let own = [&hop[..], &addressing.source_mac].concat();
                other_macs += usize::from(program.template[..12] != own);
                program.template[..12] == own
            })
            .unzip();
        let programs: Programs = programs.into();
        let ring = raw::open(&bench.tx, "tx0", 0, &programs);
        let ring = ring.unwrap_or_else(|error| panic!("{title}: {error}"));
        let mut engine = FrameEngine::new(ring, Monotonic, programs.clone());
        for (number, (name, program)) in names.iter().zip(programs.iter()).enumerate() {
            let slot = |index| Slot { index, program: number as u32, ..Slot::default() };
            let slots = [0, 1, 2, 7, 99, 65_536, 70_000, u64::from(u32::MAX)].map(slot);
            let taken = engine.transmit(&slots);
            let taken = taken.unwrap_or_else(|error| panic!("{title}, {name}: {error}"));
            assert_eq!(taken, slots.len());
            let seen = bench.packets();
            assert_eq!(seen.len(), slots.len(), "{title}, {name}");
            for (slot, seen) in slots.iter().zip(&seen) {
                let mut frame = vec![0xa5; program.max_frame_len()];
                let len = program.build(slot.index, &mut frame, false);
                let stamp = program.tag_at.map(|at| usize::from(at) + STAMP_AT - 14);
                let time = stamp.and_then(|at| seen.get(at..)?.first_chunk::<4>());
                let time = time.map_or(0, |time| u32::from_be_bytes(*time));
                program.stamp(slot.index, &mut frame, time.into(), 0);
                assert_eq!(seen, raw::kernel::packet(&frame[..len]), "{title}, {name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1_000, "{compared}");
    assert!(refused > 20 && other_macs < 40, "{refused} refused, {other_macs} with other MACs");
}

/// A new kind has to be given a row: this does not compile without it.
#[test]
fn every_kind_has_a_row() {
    fn value(value: &FieldValue) -> (&'static str, Option<&FieldValue>) {
        match value {
            FieldValue::Fixed(_) => ("fixed", None),
            FieldValue::List(_) => ("list", None),
            FieldValue::Counter { .. } => ("counter", None),
            FieldValue::Bad => ("bad", None),
            FieldValue::Random { .. } => ("random", None),
            FieldValue::Unique { .. } => ("unique", None),
            FieldValue::Weighted(_) => ("weighted", None),
            FieldValue::Zipf { .. } => ("zipf", None),
            FieldValue::Normal { .. } => ("normal", None),
            FieldValue::Same { .. } => ("same", None),
            FieldValue::Every { value, .. } => ("every", Some(&**value)),
            FieldValue::Masked { value, .. } => ("masked", Some(&**value)),
        }
    }
    fn size(size: &Size) -> &'static str {
        match size {
            Size::Fixed(_) => "one size",
            Size::List(_) => "sizes",
            Size::Counter { .. } => "counted sizes",
            Size::Random { .. } => "random sizes",
            Size::Weighted(_) => "weighted sizes",
            Size::Imix(_) => "mix",
        }
    }
    fn payload(payload: &Payload) -> &'static str {
        match payload {
            Payload::Fill(_) => "fill",
            Payload::Increment => "increment",
            Payload::Bytes(_) => "bytes",
            Payload::Prbs(_) => "prbs",
            Payload::Random => "random payload",
        }
    }
    const KINDS: usize = 12 + 6 + 5;
    let mut seen = BTreeSet::new();
    let mut see = |stream: &str| {
        for stream in parse(stream).streams {
            seen.extend([size(&stream.size), payload(&stream.payload)]);
            for setting in stream.headers.iter().flat_map(|header| &header.fields) {
                let mut inner = Some(&setting.value);
                while let Some(one) = inner {
                    let (name, next) = value(one);
                    seen.insert(name);
                    inner = next;
                }
            }
        }
    };
    for (_, narrow, wide) in VALUES {
        if !narrow.is_empty() {
            see(&format!("size: 256B, packet: [ipv4, udp: {{src: {narrow}}}]"));
        }
        see(&format!("size: 256B, packet: [ipv6: {{src: {wide}}}, udp]"));
    }
    see("size: 256B, packet: [ipv4: {checksum: bad}, udp]");
    for (_, size) in SIZES {
        see(&format!("size: {size}, packet: [ipv4, udp]"));
    }
    for payload in PAYLOADS {
        see(&format!("size: 256B, payload: {payload}, packet: [ipv4, udp]"));
    }
    assert_eq!(seen.len(), KINDS, "{seen:?}");
}
