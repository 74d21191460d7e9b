//! A worker whose schedule goes over from single slots to runs: without privilege, on an engine that
//! only writes down what it was given.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use wirestorm::engine::{Capabilities, Engine, Slot, TxCounters};
use wirestorm::error::Result;
use wirestorm::pace::{Class, Period, Schedule, Shape, StreamSchedule};
use wirestorm::sys::clock::{self, Monotonic};
use wirestorm::units::PacketRate;
use wirestorm::worker::live::Live;
use wirestorm::worker::{self, Limits};

/// Takes everything, in runs where it can, and keeps the time as the kernel does: a call ends when the
/// last of its packets was due.
struct Notebook {
    capabilities: Capabilities,
    packets: Vec<(u32, u64)>,
    by_program: [u64; 2],
}

impl Engine for Notebook {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn transmit(&mut self, slots: &[Slot]) -> Result<usize> {
        for slot in slots {
            self.packets.push((slot.program, slot.index));
            self.by_program[slot.program as usize] += 1;
            while clock::now() < slot.due {
                std::hint::spin_loop();
            }
        }
        Ok(slots.len())
    }

    fn max_run(&self) -> u64 {
        64
    }

    fn drain(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    fn counters(&self) -> TxCounters {
        TxCounters::default()
    }

    fn accepted_by_program(&self) -> &[u64] {
        &self.by_program
    }
}

fn class(program: u32, nanos: u64, duration: u64) -> Class {
    Class {
        streams: vec![StreamSchedule { program, order: Box::default(), pinned: false }],
        shape: Shape::Even(Period::of(PacketRate { packets: 1, nanos })),
        start: 0,
        count: None,
        duration: Some(duration),
        one_worker: false,
        sequence: None,
    }
}

#[test]
fn no_packet_is_sent_twice_when_the_last_stream_goes_on_alone() {
    let mut engine = Notebook {
        capabilities: Capabilities {
            name: "notebook",
            detail: String::new(),
            max_frame: 1514,
            max_batch: 256,
            lookahead: 1_000_000,
            zero_copy: false,
        },
        packets: Vec::new(),
        by_program: [0; 2],
    };
    let classes = [class(0, 20_000, 10_000_000), class(1, 30_000, 30_000_000)];
    let mut schedule = Schedule::new(&classes, 0, 1, clock::now() + 1_000_000);
    // However busy the machine is, nothing is too late.
    let limits = Limits { max_lag: u64::MAX / 2, drain: 1_000_000_000 };
    let (live, stop) = (Live::new(2), AtomicBool::new(false));
    let outcome = worker::run(&mut engine, &mut schedule, &Monotonic, limits, &live, &stop);
    assert!(outcome.error.is_none() && outcome.ended.is_none(), "{outcome:?}");
    assert_eq!(engine.by_program, [500, 1_000]);
    let distinct: HashSet<_> = engine.packets.iter().collect();
    assert_eq!(distinct.len(), engine.packets.len());
}
