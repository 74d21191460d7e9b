//! A worker that is told to change its rate in mid-run, and asked what it has counted: without
//! privilege, on the engine that sends nothing.

mod engine_support;

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use engine_support::{programs, udp_program};
use wirestorm::engine::frames::FrameEngine;
use wirestorm::engine::null::NullRing;
use wirestorm::pace::{Class, Period, RateChange, Schedule, Shape, StreamSchedule};
use wirestorm::sys::clock::{self, Monotonic};
use wirestorm::units::PacketRate;
use wirestorm::worker::live::Live;
use wirestorm::worker::{self, Limits};

/// One packet every 100 µs for a second.
fn class() -> Class {
    Class {
        streams: vec![StreamSchedule { program: 0, order: Box::default(), pinned: false }],
        shape: Shape::Even(Period::of(PacketRate { packets: 1, nanos: 100_000 })),
        start: 0,
        count: None,
        duration: Some(1_000_000_000),
        one_worker: false,
        sequence: None,
    }
}

#[test]
fn a_worker_answers_and_changes_its_rate_at_the_time_that_it_is_told() {
    let live = Live::new(1);
    let stop = AtomicBool::new(false);
    // However busy the machine is, nothing is too late.
    let limits = Limits { max_lag: u64::MAX / 2, drain: 1_000_000_000 };
    let begin = clock::now() + 50_000_000;
    let (counts, change) = thread::scope(|scope| {
        let sends = scope.spawn(|| {
            let mut engine = FrameEngine::new(
                NullRing::new(64, 200),
                Monotonic,
                programs(vec![udp_program(0, 100)]),
            );
            let mut schedule = Schedule::new(&[class()], 0, 1, begin);
            let outcome = worker::run(&mut engine, &mut schedule, &Monotonic, limits, &live, &stop);
            assert!(outcome.error.is_none() && outcome.ended.is_none(), "{outcome:?}");
            schedule.counts(0, None)
        });
        while live.answer().accepted[0] < 1_000 && !sends.is_finished() {
            live.ask();
            thread::sleep(Duration::from_millis(1));
        }
        let change = RateChange { at: clock::now() + 60_000_000, percent: 300 };
        live.change_rate(change);
        (sends.join().expect("it does not panic"), change)
    });
    assert_eq!(live.changed_at(), change.at);
    let before = change.at - begin;
    let due = (before as f64 + (1e9 - before as f64) * 3.0) / 100_000.0;
    assert!((counts.intended as f64 - due).abs() <= 1.5, "{counts:?}, {due} were due");
    assert_eq!(counts.taken, counts.intended);
    let answer = live.answer();
    assert_eq!((answer.accepted[0], answer.passed_over[0]), (counts.taken, 0));
    assert_eq!(answer.counters.completed, counts.taken, "the last answer is complete");
}
