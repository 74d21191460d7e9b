//! The xdp-live engine over a veth pair in namespaces of our own: what arrives is what
//! `StreamProgram` builds, and what does not arrive is counted.

mod cable;
#[allow(dead_code)]
#[path = "common/capture.rs"]
mod captured;
mod programs;
mod tcpdump;

use std::sync::Arc;

use cable::{Cable, FAR, NEAR, Sink, ip};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tcpdump::Tcpdump;
use wirestorm::engine::xdp_live::{self, XdpLive};
use wirestorm::engine::{Engine, Programs, Run, RunTaken, Slot};
use wirestorm::packet::program::StreamProgram;
use wirestorm::packet::tag;
use wirestorm::sys::clock;
use wirestorm::sys::netns::Netns;

fn privileged() -> bool {
    let privileged = Netns::new_anonymous().is_ok();
    if !privileged {
        assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none(), "needs CAP_SYS_ADMIN");
        println!("skipped: making network namespaces needs CAP_SYS_ADMIN");
    }
    privileged
}

fn random_programs(count: usize, max_len: usize) -> Programs {
    let mut runner = TestRunner::deterministic();
    let one = programs::program(max_len);
    let generated = (0..count).map(|_| one.new_tree(&mut runner).expect("generated").current());
    generated.map(|program| programs::behind_ethernet(&program)).collect()
}

/// A stream of frames of `len` bytes that never change.
fn fixed(len: usize) -> Programs {
    let template = (0..len).map(|at| at as u8).collect();
    Programs::from([Arc::new(StreamProgram {
        stream: 0,
        template,
        ops: [].into(),
        checksums: [].into(),
        crc32c: None,
        size: None,
        tag_at: None,
        lists: [].into(),
        frames: None,
    })])
}

/// Opens the engine and sends all slots, inside the namespace of the near end.
fn send(cable: &Cable, programs: &Programs, slots: &[Slot]) -> XdpLive {
    cable
        .near
        .run(|| {
            let mut engine = xdp_live::open(&cable.near, NEAR, 0, programs.clone()).expect("open");
            let mut left = slots;
            while !left.is_empty() {
                let taken = engine.transmit(left).expect("transmit");
                left = &left[taken..];
            }
            engine.drain(1_000_000).expect("drain");
            engine
        })
        .expect("in the namespace")
}

/// tcpdump at the far end, for `count` frames.
fn capture(cable: &Cable, count: usize) -> Tcpdump {
    Tcpdump::start(&cable.far, FAR, count, "")
}

fn expect_frames(programs: &Programs, slots: &[Slot], frames: &[Vec<u8>]) {
    assert_eq!(frames.len(), slots.len());
    for (slot, frame) in slots.iter().zip(frames) {
        let program = &programs[slot.program as usize];
        let mut expected = vec![0xa5; program.max_frame_len()];
        let len = program.build(slot.index, &mut expected, false);
        if let Some(at) = program.tag_at {
            let stamp = &frame[usize::from(at) + tag::STAMP_AT..];
            let word = u64::from_be_bytes(*stamp.first_chunk().expect("a whole tag"));
            let lag = tag::decode_lag((word >> 16) as u16);
            program.stamp(slot.index, &mut expected, word >> 32, lag);
        }
        assert_eq!(frame[..], expected[..len], "program {} packet {}", slot.program, slot.index);
    }
}

fn interleaved(programs: &Programs, count: usize) -> Vec<Slot> {
    (0..count)
        .map(|n| Slot {
            index: (n / programs.len()) as u64 + 1_000_000_007 * (n as u64 % 3),
            program: (n % programs.len()) as u32,
            ..Slot::default()
        })
        .collect()
}

#[test]
fn a_capture_equals_what_user_space_builds() {
    if !privileged() {
        return;
    }
    for (count, max_len) in [(1, 46), (1, 1500), (40, 46), (40, 1500)] {
        let cable = Cable::new(1);
        cable.far_gro(true);
        let programs = random_programs(count, max_len);
        let slots = interleaved(&programs, 700);
        let capture = capture(&cable, slots.len());
        let engine = send(&cable, &programs, &slots);
        expect_frames(&programs, &slots, &captured::frames(&capture.pcap()));
        let counters = engine.counters();
        assert_eq!((counters.completed, counters.failed), (700, 0));
        let sum: u64 = engine.accepted_by_program().iter().sum();
        assert_eq!(sum, 700);
    }
}

#[test]
fn every_packet_is_accounted_for() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(1);
    let sink = Sink::attach(&cable);
    let programs = random_programs(7, 300);
    let slots = interleaved(&programs, 50_000);
    let counters = send(&cable, &programs, &slots).counters();
    assert_eq!((counters.built, counters.accepted), (50_000, 50_000));
    assert_eq!(counters.completed + counters.failed, 50_000);
    let settled = settle(|| sink.packets(), counters.completed);
    assert_eq!(settled, counters.completed);
    if counters.failed == 0 {
        assert_eq!(sink.bytes(), counters.completed_bytes);
    }
}

/// A machine that is busy may send so late: a tag's 32 bits of time tell no more than 2^32 ns apart.
const LATEST_NS: u64 = 4_000_000_000;

#[test]
fn packets_wait_for_their_time() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(1);
    cable.far_gro(true);
    let programs = random_programs(20, 300);
    let tagged: Programs =
        programs.iter().filter(|program| program.tag_at.is_some()).cloned().collect();
    let capture = capture(&cable, 300);
    let start = clock::now() + 50_000_000;
    let mut slots = interleaved(&tagged, 300);
    for (n, slot) in slots.iter_mut().enumerate() {
        slot.due = start + n as u64 * 20_000;
    }
    send(&cable, &tagged, &slots);
    let frames = captured::frames(&capture.pcap());
    expect_frames(&tagged, &slots, &frames);
    for (slot, frame) in slots.iter().zip(&frames) {
        let at = usize::from(tagged[slot.program as usize].tag_at.expect("tagged"));
        let tag::Seen::Probe(seen) = tag::read(&frame[at..]) else { panic!("no tag") };
        let sent = tag::complete_time(slot.due + LATEST_NS, seen.time);
        assert!(sent >= slot.due, "sent {} ns too early", slot.due - sent);
        assert_eq!(tag::encode_lag(sent - slot.due), seen.lag);
    }
}

/// A run of 200 packets of `programs` with odd fractions of a nanosecond between them.
fn run_of(start: u64) -> Run {
    Run {
        program: 0,
        count: 200,
        index: 1_000_000_007,
        stride: 3,
        due: start,
        remainder: 5,
        step: if start == 0 { 0 } else { 20_000 },
        step_remainder: if start == 0 { 0 } else { 4 },
        divisor: 7,
        max_lag: u64::MAX,
    }
}

/// A tagged stream of its own.
fn tagged_one() -> Programs {
    let all = random_programs(20, 300);
    all.iter().filter(|program| program.tag_at.is_some()).take(1).cloned().collect()
}

#[test]
fn a_run_sends_the_packets_of_its_slots_at_their_times() {
    if !privileged() {
        return;
    }
    for paced in [false, true] {
        let cable = Cable::new(1);
        cable.far_gro(true);
        let programs = tagged_one();
        let capture = capture(&cable, 200);
        let mut engine = xdp_live::open(&cable.near, NEAR, 0, programs.clone()).expect("open");
        let run = run_of(if paced { clock::now() + 50_000_000 } else { 0 });
        let mut left = run;
        cable
            .near
            .run(|| {
                while left.count > 0 {
                    let taken = engine.transmit_run(&left).expect("transmit");
                    assert_eq!(taken.skipped, 0);
                    let next = left.slot(taken.sent);
                    let parts = left.remainder + taken.sent * left.step_remainder;
                    left = Run {
                        count: left.count - taken.sent,
                        index: next.index,
                        due: next.due,
                        remainder: parts % left.divisor,
                        ..left
                    };
                }
            })
            .expect("in the namespace");
        let slots: Vec<Slot> = (0..200).map(|n| run.slot(n)).collect();
        let frames = captured::frames(&capture.pcap());
        expect_frames(&programs, &slots, &frames);
        let at = usize::from(programs[0].tag_at.expect("tagged"));
        for (slot, frame) in slots.iter().zip(&frames).filter(|_| paced) {
            let tag::Seen::Probe(seen) = tag::read(&frame[at..]) else { panic!("no tag") };
            let sent = tag::complete_time(slot.due + LATEST_NS, seen.time);
            assert!(sent >= slot.due, "sent {} ns too early", slot.due - sent);
            assert_eq!(tag::encode_lag(sent - slot.due), seen.lag);
        }
        let counters = engine.counters();
        assert_eq!((counters.completed, counters.failed), (200, 0));
        assert_eq!(engine.accepted_by_program(), [200]);
    }
}

#[test]
fn late_slots_of_a_run_are_passed_over_and_indices_stay_without_gaps() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(1);
    let sink = Sink::attach(&cable);
    let mut engine = xdp_live::open(&cable.near, NEAR, 0, tagged_one()).expect("open");
    // All of it is a second late, where a millisecond is allowed.
    let late = Run { max_lag: 1_000_000, ..run_of(clock::now() - 1_000_000_000) };
    let taken = cable.near.run(|| engine.transmit_run(&late)).expect("in the namespace");
    assert_eq!(taken.expect("transmit"), RunTaken { sent: 0, skipped: 200 });
    assert_eq!((sink.packets(), engine.counters().accepted), (0, 0));
    // The first half of it is.
    let half = Run { max_lag: 1_000_000_000, ..run_of(clock::now() - 1_002_000_000) };
    let taken = cable.near.run(|| engine.transmit_run(&half)).expect("in the namespace");
    let taken = taken.expect("transmit");
    assert!((100..=200).contains(&taken.skipped), "{taken:?}");
    assert_eq!(taken.sent + taken.skipped, 200);
    assert_eq!(settle(|| sink.packets(), taken.sent), taken.sent);
}

#[test]
fn a_peer_without_napi_is_named_before_anything_is_sent() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(1);
    let error = xdp_live::probe(&cable.near, NEAR).expect_err("no GRO, no XDP at the far end");
    insta::assert_snapshot!(error);
    cable.far_gro(true);
    xdp_live::probe(&cable.near, NEAR).expect("GRO is on");
}

#[test]
fn redirects_that_fail_during_a_run_are_counted() {
    if !privileged() {
        return;
    }
    // Refused before the device: it takes no redirects once nothing at its peer polls for them.
    let cable = Cable::new(1);
    let programs = fixed(60);
    let slots = vec![Slot::default(); 1_000];
    let sink = Sink::attach(&cable);
    let mut engine = xdp_live::open(&cable.near, NEAR, 0, programs).expect("open");
    drop(sink);
    let counters = cable
        .near
        .run(|| {
            assert_eq!(engine.transmit(&slots).expect("transmit"), 1_000);
            engine.counters()
        })
        .expect("in the namespace");
    assert_eq!((counters.accepted, counters.completed, counters.failed), (1_000, 0, 1_000));

    // Not taken by the device: frames longer than its peer's MTU allows.
    let cable = Cable::new(1);
    ip(&cable.far, &format!("link set {FAR} mtu 100"));
    let sink = Sink::attach(&cable);
    let mut slots = vec![Slot::default(); 1_000];
    for slot in slots.iter_mut().skip(900) {
        slot.program = 1;
    }
    let programs: Programs = [fixed(60)[0].clone(), fixed(1_000)[0].clone()].into_iter().collect();
    let counters = send(&cable, &programs, &slots).counters();
    assert_eq!(counters.completed + counters.failed, 1_000);
    assert!(counters.failed >= 100, "{counters:?}");
    assert_eq!(settle(|| sink.packets(), counters.completed), counters.completed);

    // For a device that is gone, by slots and by a run.
    let cable = Cable::new(1);
    let sink = Sink::attach(&cable);
    let mut engine = xdp_live::open(&cable.near, NEAR, 0, fixed(60)).expect("open");
    ip(&cable.near, &format!("link delete {NEAR}"));
    let counters = cable
        .near
        .run(|| {
            assert_eq!(engine.transmit(&vec![Slot::default(); 1_000]).expect("transmit"), 1_000);
            let taken = engine.transmit_run(&run_of(0)).expect("transmit");
            assert_eq!(taken, RunTaken { sent: 200, skipped: 0 });
            engine.counters()
        })
        .expect("in the namespace");
    assert_eq!((counters.accepted, counters.completed, counters.failed), (1_200, 0, 1_200));
    drop(sink);
}

#[test]
fn what_it_cannot_do_is_an_error_that_names_it() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(1);
    cable.far_gro(true);
    let open = |programs| xdp_live::open(&cable.near, NEAR, 0, programs).map(drop);
    let mut errors = vec![
        open(fixed(3_800)).expect_err("too long for a page"),
        open(fixed(5_000)).expect_err("too long for anything"),
        xdp_live::probe(&cable.near, "absent0").expect_err("no such interface"),
    ];
    let mut many = StreamProgram::clone(&fixed(60)[0]);
    let one = &programs::program(60).prop_filter("operations", |p| !p.ops.is_empty());
    let tree = one.new_tree(&mut TestRunner::deterministic()).expect("generated");
    many.ops = vec![tree.current().ops[0]; 40].into();
    errors.push(open(Programs::from([Arc::new(many)])).expect_err("too many operations"));
    let mut engine = xdp_live::open(&cable.near, NEAR, 0, fixed(60)).expect("open");
    errors.push(engine.transmit(&[Slot::default()]).expect_err("this thread is elsewhere"));
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn two_workers_share_a_port() {
    if !privileged() {
        return;
    }
    let cable = Cable::new(2);
    let sink = Sink::attach(&cable);
    let programs = random_programs(3, 200);
    let completed: u64 = std::thread::scope(|scope| {
        let worker = || {
            let counters = send(&cable, &programs, &interleaved(&programs, 20_000)).counters();
            assert_eq!(counters.completed + counters.failed, 20_000);
            counters.completed
        };
        let both = [scope.spawn(worker), scope.spawn(worker)];
        both.into_iter().map(|handle| handle.join().expect("worker")).sum()
    });
    assert_eq!(settle(|| sink.packets(), completed), completed);
}

/// Waits until a counter stands at `expected`, two seconds at most, and returns where it stands.
fn settle(count: impl Fn() -> u64, expected: u64) -> u64 {
    for _ in 0..200 {
        if count() == expected {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    count()
}
