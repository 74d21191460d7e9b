//! The hot loop: pacing says how many packets are due, the engine sends them.
//!
//! One worker serves one queue of one port on one core. It allocates nothing, locks nothing and
//! makes no system call but the engine's own and, between packets that are far apart, a sleep.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::engine::{Engine, RunTaken, Slot};
use crate::error::{Error, Result};
use crate::pace::{Schedule, Window};
use crate::sys::clock::Clock;
use live::Asked;

pub mod live;

pub use live::Live;

/// A packet that is due later than this is slept for; the rest of the time is spun, here or in the
/// engine: a sleep ends late by about a third of it.
const SPIN_NS: u64 = 150_000;
/// The same before the first packet, when the core may have slept long: a late first packet makes the
/// mean rate of a run look too high.
const FIRST_SPIN_NS: u64 = 1_000_000;
/// The longest sleep: a stop is noticed after it.
const NAP_NS: u64 = 20_000_000;
/// A transmit path that takes nothing for this long is stuck.
const STUCK_NS: u64 = 2_000_000_000;

/// How a worker is told to run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A packet later than this is not sent, in nanoseconds.
    pub max_lag: u64,
    /// How long the engine may take to give back its frames at the end, in nanoseconds.
    pub drain: u64,
}

/// How a worker's run ended.
#[derive(Debug)]
pub struct Outcome {
    /// When the run was stopped before its time.
    pub ended: Option<u64>,
    /// When the last packet had been handed over.
    pub last_sent: Option<u64>,
    /// Largest lag, in nanoseconds. None where no packet had a due time.
    pub max_lag: Option<u64>,
    /// Why it ended before its time, when that was not a stop.
    pub error: Option<Error>,
}

/// Sends all slots of `schedule` in time through `engine`, until they are over or `stop` is set.
pub fn run<E: Engine + ?Sized, C: Clock>(
    engine: &mut E,
    schedule: &mut Schedule,
    clock: &C,
    limits: Limits,
    live: &Live,
    stop: &AtomicBool,
) -> Outcome {
    let outcome = Outcome { ended: None, last_sent: None, max_lag: None, error: None };
    let asked = Asked::new(live);
    let mut progress = Progress { outcome, live, asked, sent: 0, moved: clock.now() };
    let sent = send(engine, schedule, clock, limits, stop, &mut progress);
    let drained = engine.drain(limits.drain);
    progress.asked.answer(engine, schedule);
    let mut outcome = progress.outcome;
    if let Err(error) = sent.and(drained) {
        outcome.ended.get_or_insert_with(|| clock.now());
        outcome.error = Some(error);
    }
    outcome
}

fn send<E: Engine + ?Sized, C: Clock>(
    engine: &mut E,
    schedule: &mut Schedule,
    clock: &C,
    limits: Limits,
    stop: &AtomicBool,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let lookahead = engine.capabilities().lookahead;
    let mut batch = vec![Slot::default(); engine.capabilities().max_batch.max(1)];
    let (mut head, mut tail) = (0, 0);
    loop {
        let now = clock.now();
        if stop.load(Relaxed) {
            schedule.give_back(&batch[head..tail]);
            progress.outcome.ended = Some(now);
            return Ok(());
        }
        progress.asked.look(engine, schedule);
        let until = progress.asked.settle_change(now, schedule).unwrap_or(u64::MAX);
        let too_late = now.saturating_sub(limits.max_lag);
        if head == tail {
            // Both: a run leaves the batch as it is, and what was sent stays in it.
            (head, tail) = (0, 0);
            let first = (now + lookahead.min(SPIN_NS)).min(until);
            let last = now.saturating_add(lookahead).min(until);
            let window = Window { now, first, last, gap: SPIN_NS, too_late };
            let most = engine.max_run();
            if most > 0
                && let Some(run) = schedule.run(window, most)
            {
                // What the engine does not take was never taken from the schedule.
                let taken = engine.transmit_run(&run)?;
                schedule.take_of_run(&run, taken);
                progress.note(engine, now, run.due, taken)?;
                continue;
            }
            tail = schedule.fill(window, &mut batch);
        } else if batch[head].due != 0 && batch[head].due < too_late {
            tail = head + schedule.pass_over_late(&mut batch[head..tail], too_late);
        }
        if head == tail {
            match schedule.peek() {
                None => return Ok(()),
                Some(due) => {
                    let began = progress.outcome.last_sent.is_some();
                    let spin = if began { SPIN_NS } else { FIRST_SPIN_NS };
                    wait(clock, now, due, lookahead, spin);
                }
            }
            progress.moved = now;
            continue;
        }
        let first_due = batch[head].due;
        let noted = engine.transmit(&batch[head..tail]).and_then(|taken| {
            head += taken;
            progress.note(engine, now, first_due, RunTaken { sent: taken as u64, skipped: 0 })
        });
        if let Err(error) = noted {
            schedule.give_back(&batch[head..tail]);
            return Err(error);
        }
    }
}

/// What has been sent, and since when nothing.
struct Progress<'a> {
    outcome: Outcome,
    live: &'a Live,
    asked: Asked<'a>,
    sent: u64,
    moved: u64,
}

impl Progress<'_> {
    /// Notes what the engine took at `now` of slots of which the first was due at `first_due`.
    ///
    /// # Errors
    /// When it has taken nothing for [`STUCK_NS`].
    #[inline]
    fn note<E: Engine + ?Sized>(
        &mut self,
        engine: &E,
        now: u64,
        first_due: u64,
        taken: RunTaken,
    ) -> Result<()> {
        if taken.sent > 0 {
            self.sent += taken.sent;
            self.moved = now;
            self.outcome.last_sent = Some(now);
            self.live.sent.store(self.sent, Relaxed);
            let lag = now.saturating_sub(first_due);
            if first_due != 0 {
                self.asked.lag = self.asked.lag.max(lag);
                if self.outcome.max_lag.is_none_or(|largest| lag > largest) {
                    self.outcome.max_lag = Some(lag);
                    self.live.max_lag.store(lag, Relaxed);
                }
            }
        } else if taken.skipped > 0 {
            self.moved = now;
        } else if now.saturating_sub(self.moved.max(first_due)) > STUCK_NS {
            let name = engine.capabilities().name;
            return Err(Error::new(
                "send",
                format!("through {name}"),
                "no frame was taken for 2 s",
            )
            .remedy("check that the link is up (wirestorm doctor IFACE)"));
        }
        Ok(())
    }
}

/// Waits until the packet that is due at `due` can be handed to the engine, the last `spin`
/// nanoseconds of it without a sleep; for [`NAP_NS`] at most.
#[inline]
fn wait<C: Clock>(clock: &C, now: u64, due: u64, lookahead: u64, spin: u64) {
    let distance = due.saturating_sub(now);
    if distance > spin {
        std::thread::sleep(Duration::from_nanos((distance - spin).min(NAP_NS)));
        return;
    }
    while clock.now() + lookahead.min(SPIN_NS) < due {
        std::hint::spin_loop();
    }
}
