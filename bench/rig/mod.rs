//! Two anonymous namespaces, a veth pair, workers on one side, an XDP counter on the other.

#![allow(dead_code, reason = "each bench uses its part")]

#[path = "../../tests/cable/mod.rs"]
pub mod cable;
mod far_end;
mod flood;

use std::sync::Arc;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use wirestorm::engine::xdp_live::{self, XdpLive};
use wirestorm::engine::{self, Engine, Programs, Slot};
use wirestorm::sys::clock::thread_cpu_time;

pub use far_end::FarEnd;
pub use flood::flood;

use self::cable::Cable;
use self::far_end::Listening;

/// What is measured.
pub struct Case {
    pub name: &'static str,
    pub programs: Programs,
    pub bare: Option<u32>,
    pub workers: usize,
}

/// What a run gave.
pub struct Run {
    pub received: u64,
    pub completed: u64,
    pub seconds: f64,
    /// CPU time of all workers.
    pub cpu_seconds: f64,
}

pub struct Rig {
    cable: Cable,
    listening: Listening,
}

impl Rig {
    pub fn new(queues: usize) -> Self {
        Self::with(queues, FarEnd::Counter)
    }

    pub fn with(queues: usize, far: FarEnd) -> Self {
        let cable = Cable::new(queues);
        let listening = far.attach(&cable, queues);
        Self { cable, listening }
    }

    pub fn run(&mut self, case: &Case, duration: Duration) -> Run {
        let start = Barrier::new(case.workers);
        let cable = &self.cable;
        let sent: Vec<(u64, Duration, u64)> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..case.workers)
                .map(|worker| {
                    let start = &start;
                    scope.spawn(move || work(cable, case, worker, start, duration))
                })
                .collect();
            handles.into_iter().map(|handle| handle.join().expect("worker")).collect()
        });
        std::thread::sleep(Duration::from_millis(20));
        let seconds = sent.iter().map(|(_, time, _)| time.as_secs_f64()).fold(0.0, f64::max);
        Run {
            received: self.listening.packets(),
            completed: sent.iter().map(|(completed, ..)| completed).sum(),
            seconds,
            cpu_seconds: sent.iter().map(|(.., cpu)| *cpu as f64 / 1e9).sum(),
        }
    }
}

fn work(
    cable: &Cable,
    case: &Case,
    worker: usize,
    start: &Barrier,
    duration: Duration,
) -> (u64, Duration, u64) {
    cable.near.enter().expect("in the namespace");
    core_affinity::set_for_current(core_affinity::CoreId { id: worker });
    let (near, name, queue) = (&cable.near, self::cable::NEAR, worker as u32);
    let programs = case.programs.clone();
    let opened = match case.bare {
        Some(batch) => xdp_live::open_bare(near, name, queue, programs, batch),
        None => xdp_live::open(near, name, queue, programs),
    };
    let mut engine = opened.expect("open");
    start.wait();
    let begin = Instant::now();
    let cpu = thread_cpu_time();
    let mut next = worker as u64;
    let streams = case.programs.len() as u64;
    let mut slots = vec![Slot::default(); engine.capabilities().max_batch];
    let mut program = 0;
    while begin.elapsed() < duration {
        if streams == 1 {
            // As the schedule hands out the slots of a single stream.
            let run = engine::Run {
                program: 0,
                count: engine.max_run(),
                index: next,
                stride: case.workers as u64,
                due: 0,
                remainder: 0,
                step: 0,
                step_remainder: 0,
                divisor: 1,
                max_lag: u64::MAX,
            };
            let taken = engine.transmit_run(&run).expect("transmit");
            next += taken.sent * run.stride;
            continue;
        }
        for slot in &mut slots {
            *slot = Slot { index: next, due: 0, program, reserved: 0 };
            program += 1;
            if u64::from(program) == streams {
                program = 0;
                next += case.workers as u64;
            }
        }
        send_all(&mut engine, &slots);
    }
    let time = begin.elapsed();
    (engine.counters().completed, time, thread_cpu_time() - cpu)
}

fn send_all(engine: &mut XdpLive, slots: &[Slot]) {
    let mut left = slots;
    while !left.is_empty() {
        let taken = engine.transmit(left).expect("transmit");
        left = &left[taken..];
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Programs that share nothing but their kind.
pub fn programs(
    all: impl IntoIterator<Item = wirestorm::packet::program::StreamProgram>,
) -> Programs {
    all.into_iter().map(Arc::new).collect()
}
