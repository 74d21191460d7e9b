//! What must hold for the replay of any capture. `fuzz_replay` runs it on stable Rust,
//! `fuzz/fuzz_targets/replay.rs` under libFuzzer.

use std::sync::Arc;

use wirestorm::capture::Frames;
use wirestorm::packet::Addressing;
use wirestorm::packet::captured::Captured;
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::plan;
use wirestorm::profile::model::{FieldName, FieldValue, Pattern, Profile};
use wirestorm::profile::replay::{Checksums, Replay, Rewrite, Rewritten, Speed, find_field};
use wirestorm::profile::{self, safety};

/// Fields that are rewritten, of those that some frame has.
fn rewrites(frames: &Frames, kind: u8) -> Vec<Rewrite> {
    let values = |value: FieldValue| Rewritten::Values { value, keep: false };
    let counter = FieldValue::Counter { start: 1, step: 7, count: 100 };
    let masked = FieldValue::Masked { mask: 0x0ff0, base: 0, value: Box::new(counter.clone()) };
    let same =
        |name: &str| FieldValue::Same { of: FieldName::parse(name).expect("a name"), plus: 3 };
    let all = [
        ("ethernet.dst", Rewritten::NextHop),
        ("ethernet.src", values(FieldValue::Random { low: 0, high: (1 << 48) - 1 })),
        ("vlan.id", values(counter.clone())),
        ("ipv4.dst", values(same("ipv4.src"))),
        ("ipv4.src", Rewritten::Values { value: masked, keep: true }),
        ("ipv4.ttl", values(FieldValue::Fixed(9))),
        ("ipv6.dst", values(counter.clone())),
        ("ipv6[1].src", values(FieldValue::Fixed(1 << 100))),
        ("udp.src", values(counter.clone())),
        ("tcp.seq", values(FieldValue::List(vec![1, 2, 0xffff_ffff]))),
        ("icmpv6.id", values(counter.clone())),
        ("gre.key", values(counter)),
        ("sctp.src", values(FieldValue::Fixed(5))),
    ];
    let chosen = all.into_iter().enumerate().filter(|(n, _)| kind >> (n % 8) & 1 == 1);
    chosen
        .map(|(_, (name, to))| {
            let name = FieldName::parse(name).expect("a name");
            let (_, field) = find_field(&name).expect("a field");
            Rewrite { name, field, to }
        })
        .filter(|rewrite| {
            frames.iter().map(Captured::of).any(|found| {
                let header = found.find(&rewrite.name);
                header.is_some_and(|n| found.bit_of(n, rewrite.field).is_some())
            })
        })
        .collect()
}

/// A profile of one stream that replays the frames.
fn profile(frames: &Arc<Frames>, checksums: Checksums, rewrite: Vec<Rewrite>) -> Profile {
    let text =
        "lab: b2b\nstreams: [{to: null, rate: 1kpps, size: 64B, tag: false, packet: [ipv4, udp]}]";
    let mut profile = profile::parse("fuzz.yaml", text, &[]).expect("a profile");
    let stream = &mut profile.streams[0];
    stream.headers.clear();
    stream.pattern = Pattern::Recorded(Speed::RECORDED);
    stream.limit.count = Some(frames.count() as u64);
    stream.limit.duration = None;
    stream.replay = Some(Replay {
        file: "fuzz.pcap".to_owned(),
        frames: frames.clone(),
        rounds: Some(1),
        gap: None,
        checksums,
        rewrite,
    });
    profile
}

fn addressing() -> Addressing {
    Addressing { next_hop_mac_ipv4: [2; 6], next_hop_mac_ipv6: [4; 6], ..Addressing::default() }
}

/// The packets of a program, each held to its frame's length and to what lies behind it.
fn packets(program: &StreamProgram, frames: &Frames) -> Vec<Vec<u8>> {
    let mut made = Vec::with_capacity(frames.count());
    for (n, frame) in frames.iter().enumerate() {
        let mut buffer = vec![0xa5; program.max_frame_len() + 8];
        let len = program.build(n as u64, &mut buffer, false);
        assert_eq!(len, frame.len(), "packet {n}");
        assert_eq!(len, program.frame_len(n as u64));
        assert!(buffer[len..].iter().all(|byte| *byte == 0xa5), "packet {n} writes behind its end");
        buffer.truncate(len);
        made.push(buffer);
    }
    made
}

/// Panics where the replay of a capture breaks a promise. `kind` chooses what is rewritten. Returns
/// how many packets there were; None: it is no capture that can be replayed.
pub fn check(bytes: &[u8], kind: u8) -> Option<usize> {
    let frames = Arc::new(Frames::read(bytes, "fuzz.pcap").ok()?);
    assert_eq!(frames.times().len(), frames.count());
    assert!(frames.times().is_sorted() && frames.times()[0] == 0);
    if frames.iter().any(|frame| frame.len() > 16_000) {
        return None;
    }
    // As it is.
    let plain = profile(&frames, Checksums::Keep, Vec::new());
    let program = compile(&plain, 0, &addressing(), 1).expect("nothing to refuse");
    assert!(packets(&program, &frames).iter().map(Vec::as_slice).eq(frames.iter()));
    safety::check(&plain, &[]);
    let plans = plan::plan(&plain, &[], &[], None);
    // A week is the longest.
    if let Ok(plans) = plans {
        let class = &plans[0].classes[0];
        let times = frames.times();
        assert_eq!(class.slots(), Some(times.len() as u64));
        assert!((0..times.len()).all(|n| class.shape.due(n as u64) == times[n]));
    }
    // Checksums that are right are those of the right ones.
    let right = profile(&frames, Checksums::Recompute, Vec::new());
    let program = compile(&right, 0, &addressing(), 1).expect("nothing to refuse");
    let once = packets(&program, &frames);
    let again = Arc::new(Frames::read(file(&once).as_slice(), "again").expect("a capture"));
    if frames.cut() == 0 {
        let program =
            compile(&profile(&again, Checksums::Recompute, Vec::new()), 0, &addressing(), 1);
        assert_eq!(packets(&program.expect("nothing to refuse"), &again), once);
    }
    // Whatever is rewritten, if any frame has it.
    for checksums in [Checksums::Keep, Checksums::Recompute] {
        let rewritten = profile(&frames, checksums, rewrites(&frames, kind));
        safety::check(&rewritten, &[]);
        // A CRC32c that would change is refused.
        if let Ok(program) = compile(&rewritten, 0, &addressing(), 1) {
            packets(&program, &frames);
        }
    }
    Some(frames.count())
}

/// A capture file of these frames.
fn file(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let len = frame.len() as u32;
        [0, 0, len, len].iter().for_each(|word: &u32| file.extend(word.to_le_bytes()));
        file.extend(frame);
    }
    file
}
