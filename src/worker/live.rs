//! What a worker shows while it runs, and what it is told: atomics that it looks at once a batch.
//!
//! Its two totals are always there. All else it publishes when it was asked, ten times a second at
//! most: the hot loop pays one load for it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use Ordering::{Acquire, Relaxed, Release};

use crate::engine::{Engine, TxCounters};
use crate::pace::{RateChange, Schedule};

/// A cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Live {
    /// Packets that the engine took.
    pub sent: AtomicU64,
    /// Largest lag so far: how late the first packet of a batch was handed over, in nanoseconds.
    pub max_lag: AtomicU64,
    /// How often somebody asked.
    asked: AtomicU64,
    /// The question that was answered last.
    answered: AtomicU64,
    /// The change of the rates that was asked for last; at 0: none.
    change_at: AtomicU64,
    change_percent: AtomicU32,
    /// The one that was made last.
    changed_at: AtomicU64,
    published: Published,
}

#[derive(Debug, Default)]
struct Published {
    built: AtomicU64,
    accepted: AtomicU64,
    completed: AtomicU64,
    completed_bytes: AtomicU64,
    failed: AtomicU64,
    /// Largest lag since the answer before.
    lag: AtomicU64,
    /// Per program: frames that the engine took, and slots that passed without one.
    programs: Box<[(AtomicU64, AtomicU64)]>,
}

/// What a worker had counted when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What its engine counted.
    pub counters: TxCounters,
    /// Largest lag since the answer before, in nanoseconds.
    pub lag: u64,
    /// Per program: frames that the engine took.
    pub accepted: Vec<u64>,
    /// Per program: slots that passed without a packet.
    pub passed_over: Vec<u64>,
}

impl Live {
    /// For a worker of so many programs.
    pub fn new(programs: usize) -> Self {
        let programs = std::iter::repeat_with(Default::default).take(programs).collect();
        Self { published: Published { programs, ..Published::default() }, ..Self::default() }
    }

    /// Asks for an answer. It comes when the worker looks next: after [`super::NAP_NS`] at most, or
    /// what one call of its engine lasts.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Release);
    }

    /// Whether the last question has been answered.
    pub fn has_answered(&self) -> bool {
        self.answered.load(Acquire) == self.asked.load(Relaxed)
    }

    /// The last answer; while the next one is being given, some of it may be that.
    pub fn answer(&self) -> Answer {
        let published = &self.published;
        let counters = TxCounters {
            built: published.built.load(Relaxed),
            accepted: published.accepted.load(Relaxed),
            completed: published.completed.load(Relaxed),
            completed_bytes: published.completed_bytes.load(Relaxed),
            failed: published.failed.load(Relaxed),
        };
        let of = |part: fn(&(AtomicU64, AtomicU64)) -> &AtomicU64| {
            published.programs.iter().map(|program| part(program).load(Relaxed)).collect()
        };
        Answer {
            counters,
            lag: published.lag.load(Relaxed),
            accepted: of(|program| &program.0),
            passed_over: of(|program| &program.1),
        }
    }

    /// Asks for a change of the rates. It has to lie further ahead than the worker looks and sleeps,
    /// and the one before has to have been made.
    pub fn change_rate(&self, change: RateChange) {
        self.change_percent.store(change.percent, Relaxed);
        self.change_at.store(change.at, Relaxed);
        self.ask();
    }

    /// When the last change of the rates that was made begins; 0: none was.
    pub fn changed_at(&self) -> u64 {
        self.changed_at.load(Acquire)
    }
}

/// The worker's side.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    live: &'a Live,
    answered: u64,
    /// A change that is still to be made.
    pub change: Option<RateChange>,
    /// Largest lag since the last answer.
    pub lag: u64,
}

impl<'a> Asked<'a> {
    pub fn new(live: &'a Live) -> Self {
        Self { live, answered: 0, change: None, lag: 0 }
    }

    /// Answers, where something was asked.
    #[inline(always)]
    pub fn look<E: Engine + ?Sized>(&mut self, engine: &E, schedule: &Schedule) {
        let asked = self.live.asked.load(Relaxed);
        if asked != self.answered {
            self.answer(engine, schedule);
        }
    }

    #[cold]
    #[inline(never)]
    pub fn answer<E: Engine + ?Sized>(&mut self, engine: &E, schedule: &Schedule) {
        self.answered = self.live.asked.load(Acquire);
        let published = &self.live.published;
        let counters = engine.counters();
        for (place, value) in [
            (&published.built, counters.built),
            (&published.accepted, counters.accepted),
            (&published.completed, counters.completed),
            (&published.completed_bytes, counters.completed_bytes),
            (&published.failed, counters.failed),
            (&published.lag, std::mem::take(&mut self.lag)),
        ] {
            place.store(value, Relaxed);
        }
        let accepted = engine.accepted_by_program();
        for (program, place) in published.programs.iter().enumerate() {
            place.0.store(accepted.get(program).copied().unwrap_or(0), Relaxed);
            place.1.store(schedule.passed_over(program as u32), Relaxed);
        }
        let at = self.live.change_at.load(Relaxed);
        if at > self.live.changed_at.load(Relaxed) {
            let percent = self.live.change_percent.load(Relaxed);
            self.change = Some(RateChange { at, percent });
        }
        self.live.answered.store(self.answered, Release);
    }

    /// Makes the change that waits, once the next slot is one that it affects. Until then the time
    /// up to which slots may be taken; without a change there is no such time.
    #[inline(always)]
    pub fn settle_change(&mut self, now: u64, schedule: &mut Schedule) -> Option<u64> {
        let change = self.change?;
        let waits = || now < change.at && schedule.waits_for(change);
        if schedule.next_rated().is_some_and(|due| due < change.at) || waits() {
            return Some(change.at - 1);
        }
        schedule.change_rate(change);
        self.live.changed_at.store(change.at, Release);
        self.change = None;
        None
    }
}
