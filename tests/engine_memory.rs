//! The frame engine over memory that plays the kernel, against an oracle: every packet that was
//! taken is the one that was asked for, once and in order, and the counters add up.

mod engine_support;

use std::collections::VecDeque;

use engine_support::*;
use proptest::prelude::*;
use wirestorm::engine::frames::FrameEngine;
use wirestorm::engine::memory::{Fate, Kernel, MemoryRing, Sink};
use wirestorm::engine::{Engine, Programs, Slot};
use wirestorm::packet::tag;
use wirestorm::sys::clock::Clock;

/// A kernel that does what a list says, and keeps what it took.
#[derive(Debug, Default)]
struct Script {
    fates: VecDeque<Fate>,
    /// How many held frames come back, and from where.
    returns: VecDeque<(usize, bool)>,
    taken: Vec<(Vec<u8>, Fate)>,
    returned: u64,
    returned_unsent: u64,
}

impl Kernel for Script {
    fn take(&mut self, frame: &[u8]) -> Fate {
        let fate = self.fates.pop_front().unwrap_or(Fate::Sent);
        if !matches!(fate, Fate::NoRoom | Fate::Gone) {
            self.taken.push((frame.to_vec(), fate));
        }
        fate
    }

    fn give_back(&mut self, held: usize) -> Option<(usize, bool)> {
        let (place, sent) = self.returns.pop_front()?;
        self.returned += 1;
        self.returned_unsent += u64::from(!sent);
        Some((place % held, sent))
    }
}

/// A clock that stands still.
struct Stopped(u64);

impl Clock for Stopped {
    fn now(&self) -> u64 {
        self.0
    }
}

/// What a test does next.
#[derive(Clone, Debug)]
enum Step {
    /// Sends packets of these programs.
    Transmit(Vec<u32>),
    /// What becomes of the next frames.
    Fates(Vec<Fate>),
    /// What comes back.
    Returns(Vec<(usize, bool)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = prop_oneof![
        4 => Just(Fate::Sent),
        4 => Just(Fate::Held),
        1 => Just(Fate::Dropped),
        1 => Just(Fate::NoRoom),
    ];
    let step = prop_oneof![
        4 => prop::collection::vec(0u32..4, 0..12).prop_map(Step::Transmit),
        1 => prop::collection::vec(fate, 0..12).prop_map(Step::Fates),
        2 => prop::collection::vec((0usize..16, any::<bool>()), 0..12).prop_map(Step::Returns),
    ];
    prop::collection::vec(step, 0..60)
}

fn streams() -> Programs {
    let mut untagged = udp_program(1, 70);
    untagged.tag_at = None;
    programs(vec![udp_program(0, 60), untagged, sized_udp_program(2, 128), udp_program(3, 128)])
}

proptest! {
    #[test]
    fn nothing_is_lost_handed_over_twice_or_mixed_up(steps in steps(), frames in 1usize..9) {
        const NOW: u64 = 5_000_000_123;
        let streams = streams();
        let ring = MemoryRing::new(Script::default(), frames, 128, 5);
        let mut engine = FrameEngine::new(ring, Stopped(NOW), streams.clone());
        let mut next = [0u64; 4];
        // The packets that were accepted, in order, made afresh.
        let mut wanted = Vec::new();
        for step in steps {
            match step {
                Step::Transmit(list) => {
                    let due = NOW - 77_000;
                    let mut ahead = next;
                    let slots: Vec<Slot> = list
                        .iter()
                        .map(|&program| {
                            let index = ahead[program as usize];
                            ahead[program as usize] += 1;
                            Slot { index, due, program, reserved: 0 }
                        })
                        .collect();
                    let taken = engine.transmit(&slots).expect("the port stays");
                    prop_assert!(taken <= slots.len().min(5));
                    for slot in &slots[..taken] {
                        let program = &streams[slot.program as usize];
                        let mut frame = vec![0x5a; program.max_frame_len()];
                        let len = program.build(slot.index, &mut frame, false);
                        program.stamp(slot.index, &mut frame, NOW, 77_000);
                        frame.truncate(len);
                        wanted.push(frame);
                        next[slot.program as usize] += 1;
                    }
                }
                Step::Fates(fates) => kernel(&mut engine).fates.extend(fates),
                Step::Returns(returns) => kernel(&mut engine).returns.extend(returns),
            }
            let counters = engine.counters();
            prop_assert_eq!(counters.built, wanted.len() as u64);
            prop_assert_eq!(counters.accepted, wanted.len() as u64);
            prop_assert!(counters.completed + counters.failed <= counters.accepted);
            prop_assert!(counters.accepted - counters.completed - counters.failed <= frames as u64);
        }
        // Everything that is held or waits comes back.
        kernel(&mut engine).fates.clear();
        kernel(&mut engine).returns.extend(std::iter::repeat_n((0, true), 64));
        engine.drain(1_000_000_000).expect("the port stays");
        let counters = engine.counters();
        prop_assert_eq!(engine.accepted_by_program(), next);
        let script = engine.into_ring().into_kernel();
        let taken: Vec<_> = script.taken.iter().map(|(frame, _)| frame).collect();
        prop_assert_eq!(taken, wanted.iter().collect::<Vec<_>>());
        let dropped = script.taken.iter().filter(|(_, fate)| *fate == Fate::Dropped).count() as u64;
        prop_assert_eq!(counters.failed, dropped + script.returned_unsent);
        prop_assert_eq!(counters.completed + counters.failed, counters.accepted);
    }

    #[test]
    fn frames_of_a_port_that_goes_stay_visible(before in 0usize..20) {
        let mut script = Script::default();
        script.fates.extend(std::iter::repeat_n(Fate::Sent, before));
        script.fates.push_back(Fate::Gone);
        let ring = MemoryRing::new(script, 8, 128, 4);
        let mut engine = FrameEngine::new(ring, Stopped(1), streams());
        let mut next = 0;
        let error = loop {
            match engine.transmit(&slots(0, next..next + 4)) {
                Ok(taken) => next += taken as u64,
                Err(error) => break error,
            }
            prop_assert!(next <= 24, "never told");
        };
        prop_assert!(error.to_string().contains("removed"));
        let counters = engine.counters();
        prop_assert_eq!(counters.completed, before as u64);
        prop_assert_eq!(counters.accepted, next + 4);
        prop_assert!(engine.transmit(&slots(0, next..next + 4)).is_err(), "and stays so");
    }
}

fn kernel(engine: &mut FrameEngine<MemoryRing<Script>, Stopped>) -> &mut Script {
    engine.ring_mut().kernel_mut()
}

#[test]
fn a_full_ring_takes_nothing_and_says_so() {
    let mut script = Script::default();
    script.fates.extend(std::iter::repeat_n(Fate::Held, 8));
    let ring = MemoryRing::new(script, 8, 128, 16);
    let mut engine = FrameEngine::new(ring, Stopped(1), streams());
    assert_eq!(engine.transmit(&slots(0, 0..16)).expect("the port stays"), 8);
    assert_eq!(engine.transmit(&slots(0, 8..16)).expect("the port stays"), 0);
    engine.drain(1_000_000).expect("the port stays");
    let counters = engine.counters();
    assert_eq!((counters.accepted, counters.completed, counters.failed), (8, 0, 0));
    kernel(&mut engine).returns.push_back((3, true));
    assert_eq!(engine.transmit(&slots(0, 8..16)).expect("the port stays"), 1);
}

#[test]
fn what_found_no_room_goes_with_the_next_call_even_an_empty_one() {
    let mut script = Script::default();
    script.fates.extend([Fate::Sent, Fate::NoRoom]);
    let mut engine = FrameEngine::new(MemoryRing::new(script, 8, 128, 8), Stopped(1), streams());
    assert_eq!(engine.transmit(&slots(0, 0..3)).expect("the port stays"), 3);
    assert_eq!(engine.counters().completed, 1);
    assert_eq!(engine.transmit(&[]).expect("the port stays"), 0);
    assert_eq!(engine.counters().completed, 3);
}

#[test]
fn a_sink_completes_everything() {
    let ring = MemoryRing::new(Sink, 4, 128, 4);
    let mut engine = FrameEngine::new(ring, Stopped(9), streams());
    for n in 0..100 {
        assert_eq!(engine.transmit(&slots(3, n * 4..n * 4 + 4)).expect("a sink never goes"), 4);
    }
    let counters = engine.counters();
    assert_eq!((counters.completed, counters.completed_bytes), (400, 400 * 128));
}

#[test]
fn the_tag_tells_send_time_and_lag() {
    let ring = MemoryRing::new(Script::default(), 4, 128, 4);
    let mut engine = FrameEngine::new(ring, Stopped(1_000_500), streams());
    let slot = Slot { index: 7, due: 1_000_000, program: 0, reserved: 0 };
    engine.transmit(&[slot]).expect("the port stays");
    let script = engine.into_ring().into_kernel();
    let tag::Seen::Probe(seen) = tag::read(&script.taken[0].0[PAYLOAD_AT..]) else {
        panic!("no tag")
    };
    assert_eq!((seen.index, seen.time, tag::decode_lag(seen.lag)), (7, 1_000_500, 500));
}
