//! What must hold for every profile that is accepted: its packets can be made, and are what it says.
//! `fuzz_program` runs it on stable Rust, `fuzz/fuzz_targets/program.rs` under libFuzzer.

#[path = "../stack_properties/adds_up.rs"]
mod adds_up;
mod pieces;
mod study;
mod suite;

use std::sync::Arc;

use wirestorm::engine::choose::EngineChoice;
use wirestorm::engine::{Slot, support};
use wirestorm::pace::{Class, Schedule, Shape, Window};
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::plan::{self, PortFacts, PortPlan};
use wirestorm::profile;
use wirestorm::profile::model::{Profile, Stream, TestKind};

use super::{packet_invariants, packets};

/// Streams of a profile that are looked at.
const STREAMS: usize = 24;
/// Packets of a stream that are made: the first, and where counters of 32 and 64 bits end.
const INDICES: [u64; 8] = [0, 1, 2, 9, 12_345, u32::MAX as u64, 1 << 32, u64::MAX];
/// Slots of a schedule that are looked at.
const SLOTS: usize = 400;
/// Longer frames are not explained, which takes long.
const EXPLAINED: usize = 600;

/// Reads `data` as a profile and makes packets of it. Returns how many.
///
/// # Panics
/// When something does not hold.
pub fn check(data: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let Ok(profile) = profile::parse("fuzz.yaml", text, &[]) else { return 0 };
    times(&profile);
    match &profile.test {
        TestKind::Traffic => {}
        TestKind::Benchmark(test) => suite::check(&profile, test),
        TestKind::Study(test) => study::check(&profile, test),
    }
    // A study makes its packets itself.
    let streams = || profile.streams.iter().take(STREAMS);
    if streams().any(|stream| stream.headers.is_empty() && stream.replay.is_none()) {
        return 0;
    }
    // A profile that is valid compiles.
    let compiled = |n| {
        compile(&profile, n, &packets::addressing(), 3)
            .unwrap_or_else(|error| panic!("{error}\n{}", profile.source))
    };
    let programs: Vec<StreamProgram> = (0..streams().count()).map(compiled).collect();
    for (n, stream) in streams().enumerate() {
        if stream.piece.as_ref().is_some_and(|piece| piece.group == n) {
            INDICES.iter().for_each(|index| pieces::check(&profile, n, &programs, *index));
        }
    }
    let each = streams().zip(&programs);
    each.map(|(stream, program)| packets_of(&profile, stream, program)).sum()
}

fn packets_of(profile: &Profile, stream: &Stream, program: &StreamProgram) -> usize {
    // Whatever an engine leaves to the others, it says why.
    for engine in [EngineChoice::XdpLive, EngineChoice::Raw] {
        let refused = support::refusal(engine, &Arc::new(program.clone()));
        assert!(refused.is_none_or(|why| !why.is_empty()));
    }
    let mut reused = vec![0xa5; program.max_frame_len() + 1];
    for (turn, index) in INDICES.into_iter().enumerate() {
        let mut frame = vec![0xa5; program.max_frame_len() + 1];
        let len = built(program, index, &mut frame, false);
        assert!(len <= program.max_frame_len());
        assert_eq!(len, program.frame_len(index));
        assert_eq!(frame.last(), Some(&0xa5), "packet {index} writes behind its end");
        // The path of the hot loop: what changes is written over an older packet.
        let again = built(program, index, &mut reused, turn > 0);
        assert!(frame[..len] == reused[..again], "packet {index} over another one differs");
        if stream.piece.is_none() && stream.replay.is_none() {
            adds_up::check(&stream.headers, &frame[..len])
                .unwrap_or_else(|error| panic!("packet {index}: {error}\n{}", profile.source));
        }
        if turn == 1 && len <= EXPLAINED {
            packet_invariants::check(&frame[..len]);
        }
    }
    INDICES.len()
}

fn built(program: &StreamProgram, index: u64, frame: &mut [u8], holds_template: bool) -> usize {
    let len = program.build(index, frame, holds_template);
    program.stamp(index, frame, index ^ 0x5555, index);
    len
}

/// Every schedule goes forward, and no packet is due behind its end.
fn times(profile: &Profile) {
    let facts =
        vec![PortFacts { line_rate_bps: Some(10_000_000_000), tx_queues: 0 }; profile.ports.len()];
    // What only the plan can refuse has no times.
    let Ok(plans) = plan::plan(profile, &facts, &[0, 1], None) else { return };
    for plan in &plans {
        let _ = (plan.duration(), plan.constant_gap());
        plan.classes.iter().for_each(forward);
        walked(plan);
    }
}

fn forward(class: &Class) {
    let _ = (plan::length(class), plan::mean_pps(class), plan::expected_slots(class));
    // To know a slot of a Poisson process is to walk through all before it.
    let walked = matches!(class.shape, Shape::Poisson(_));
    let slots = if walked { u64::MAX } else { class.slots().unwrap_or(u64::MAX) };
    let far = if walked { [40, 41] } else { [1 << 20, 1 << 40] };
    let mut before = 0;
    for slot in (0..40).chain(far).filter(|slot| *slot < slots) {
        let due = class.shape.due(slot);
        assert!(due >= before, "slot {slot} is due at {due}, one before it at {before}");
        before = due;
    }
}

/// The first slots come when they are due, and two workers have the same between them as one alone
/// where the schedule ends soon.
fn walked(plan: &PortPlan) {
    let alone = walk(plan, 0, 1);
    let both = [walk(plan, 0, 2), walk(plan, 1, 2)];
    let [Some(first), Some(second)] = both else { return };
    let Some(alone) = alone else { return };
    let mut together = [first, second].concat();
    together.sort_unstable();
    assert!(alone == together, "two workers: {together:?}\none: {alone:?}");
}

/// The slots of a worker: program, index, when due, in that order. None: there are more of them
/// than are looked at.
fn walk(plan: &PortPlan, worker: u32, workers: u32) -> Option<Vec<(u32, u64, u64)>> {
    const START: u64 = 1_000_000_000;
    let mut schedule = Schedule::new(&plan.classes, worker, workers, START);
    let (mut slots, mut now) = (Vec::new(), START);
    let mut out = [Slot::default(); 16];
    while let Some(due) = schedule.peek() {
        if slots.len() > SLOTS {
            return None;
        }
        assert!(due >= START);
        now = now.max(due);
        let filled = schedule.fill(Window::due_at(now), &mut out);
        for slot in &out[..filled] {
            // An unlimited rate has no times.
            let in_time = slot.due == 0 || (START..=now).contains(&slot.due);
            assert!(in_time, "due at {}, taken at {now}", slot.due);
            slots.push((slot.program, slot.index, slot.due));
        }
        if filled == 0 {
            // An unlimited rate ends by the time.
            now = now.saturating_add(1_000_000);
            if now > START + 1_000_000_000 {
                return None;
            }
        }
    }
    slots.sort_unstable();
    Some(slots)
}
