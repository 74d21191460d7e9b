//! How many runs a call needs, and how many of them form a batch.
//!
//! A batch of packets that have times is a turn for one of them: its first run waits until that is
//! due, and its other runs send what is due by then, or nothing. So gaps are true while the path
//! keeps up, for each packet leaves at the end of its own batch; and a packet that is late shares
//! a batch with the next, at a fraction of what a batch of its own would take.

use crate::engine::{Run, Slot};

/// A run that waits for its packet ends without one at whole multiples of this before the packet is
/// due, so that the CPU's softirqs get their turn; the last two of them are waited through, for a
/// run that ends takes a while, and the packet would be late by as much.
pub const SPIN_NS: u32 = 5_000;

/// What a packet takes in a batch of its own, about: so much of the wait for the next one is over
/// when its run begins.
const PACKET_NS: u64 = 500;

/// Runs of a batch when packets go out as fast as they can. Beyond 64 nothing is gained. The peer of
/// a veth, whose ring holds 256, polls 64 at a time (NAPI_POLL_WEIGHT), and only after fewer knows
/// that it is done: it polls once more after 64.
pub const FAST_BATCH: u32 = 63;

/// So many packets that are late already have a call of their own, in full batches.
const CATCH_UP: u64 = 32;

/// What the calls before teach about the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// How much of a schedule one call covers, in nanoseconds. Between two calls lie some ten
    /// microseconds in which nothing is sent (the kernel makes a page pool for each), so longer is
    /// better for the gaps. A path that can't keep up falls behind by the end of a call, and catches
    /// up after it: then shorter is better.
    span: u64,
    /// Of the turns that a call has if no packets share one, how many are taken, where all are for
    /// packets. Runs that are left at the end of a call only delay the next.
    share: f64,
}

impl Pace {
    /// Nanoseconds; so soon a stop is seen.
    pub const LONGEST: u64 = 20_000_000;
    const SHORTEST: u64 = 1_000_000;
    /// A call that ends so much later than its last packet was due fell behind.
    const BEHIND: u64 = 100_000;

    /// What a call teaches that ended at `now`. `slots` of its packets were sent or passed over, the
    /// last of them due at `due`; `turns` were taken.
    pub fn learn(&mut self, call: &Call, slots: u64, turns: u64, due: u64, now: u64) {
        if call.turns == 0 || slots == 0 {
            return;
        }
        self.span = match now.saturating_sub(due) > Self::BEHIND {
            true => Self::SHORTEST,
            false => (self.span * 2).min(Self::LONGEST),
        };
        if call.turns == call.slots {
            let share = turns as f64 / slots as f64;
            self.share = share.clamp(1.0 / f64::from(call.batch), 1.0);
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { span: Self::SHORTEST, share: 1.0 }
    }
}

/// What one BPF_PROG_RUN call is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// For how many slots, the first of those that were offered.
    pub slots: u64,
    /// Runs of the program.
    pub runs: u32,
    /// Runs after which redirected frames go to the device, if 16 did not come together before.
    pub batch: u32,
    /// Batches if no two packets share one. 0: packets do not leave at their times.
    turns: u64,
}

impl Call {
    /// One run, for no slot.
    pub fn of_nothing() -> Self {
        Self { runs: 1, ..Self::at_once(0) }
    }

    /// For slots that are all due at once.
    pub fn at_once(slots: u64) -> Self {
        Self { slots, runs: slots as u32, batch: FAST_BATCH, turns: 0 }
    }

    /// For slots that have times, handed over at `now`.
    pub fn first_of(slots: &[Slot], now: u64, pace: Pace) -> Self {
        let due_by = |time| slots.partition_point(|slot| slot.due <= time);
        match due_by(now) as u64 {
            late if late >= CATCH_UP => Self::at_once(late),
            _ => {
                let count = due_by(now.saturating_add(pace.span)).max(1).min(slots.len());
                Self::paced(&slots[..count], now, pace)
            }
        }
    }

    /// The same for a run that has times.
    pub fn first_of_run(run: &Run, now: u64, pace: Pace) -> Self {
        match due_by(run, now) {
            late if late >= CATCH_UP => Self::at_once(late),
            _ => {
                let count = due_by(run, now.saturating_add(pace.span)).max(1);
                Self::paced_run(&Run { count, ..*run }, now, pace)
            }
        }
    }

    fn paced(slots: &[Slot], now: u64, pace: Pace) -> Self {
        let mut before = now;
        let mut fillers = 0;
        for slot in slots {
            fillers += u64::from(fillers_in(slot.due.saturating_sub(before)));
            before = before.max(slot.due);
        }
        Self::in_turns(slots.len() as u64, fillers, before - now, pace)
    }

    fn paced_run(run: &Run, now: u64, pace: Pace) -> Self {
        let wait = run.due.saturating_sub(now);
        let fillers =
            u64::from(fillers_in(wait)) + u64::from(fillers_in(run.step)) * (run.count - 1);
        let last = run.slot(run.count - 1).due;
        Self::in_turns(run.count, fillers, last.saturating_sub(now), pace)
    }

    /// For slots of which the last is due after `wait` nanoseconds, with so many turns in between in
    /// which nothing is due.
    fn in_turns(slots: u64, fillers: u64, wait: u64, pace: Pace) -> Self {
        let batch = batch_of(wait / slots.max(1));
        let turns = slots + fillers;
        // With time to wait none of it is scarce, and a call that ended before its packet's time
        // would delay that.
        let share = if fillers == 0 { pace.share } else { 1.0 };
        let taken = (turns as f64 * share).ceil() as u64;
        let runs = u32::try_from(taken * u64::from(batch)).unwrap_or(u32::MAX);
        Self { slots, runs, batch, turns }
    }
}

/// Runs of a batch for packets that are so far apart, in nanoseconds. The closer they are the more
/// come due while a batch passes; but runs that send nothing are not free: at 700 kpps 42 to 65 % of the
/// gaps were within 512 ns with four a batch, 83 to 90 % with two.
fn batch_of(distance: u64) -> u32 {
    match distance {
        0..150 => 16,
        150..300 => 8,
        300..600 => 4,
        _ => 2,
    }
}

/// How many of a run's packets are due by a time; perhaps one less, for fractions of a nanosecond.
fn due_by(run: &Run, time: u64) -> u64 {
    match time.checked_sub(run.due) {
        None => 0,
        Some(late) => {
            let step =
                u128::from(run.step) * u128::from(run.divisor) + u128::from(run.step_remainder);
            let steps = u128::from(late) * u128::from(run.divisor) / step.max(1);
            u64::try_from(steps).unwrap_or(u64::MAX).saturating_add(1).min(run.count)
        }
    }
}

/// How many runs end without a packet when the next one is due `wait` after the last. Too many would
/// run idle at the end of the call, too few leave packets for the next call.
#[inline(always)]
fn fillers_in(wait: u64) -> u32 {
    // Nothing is sent while this is computed, and most waits are too short for a division.
    if wait <= 2 * u64::from(SPIN_NS) + PACKET_NS {
        return 0;
    }
    ((wait - PACKET_NS).div_ceil(u64::from(SPIN_NS)) - 2) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(dues: impl IntoIterator<Item = u64>) -> Vec<Slot> {
        dues.into_iter().map(|due| Slot { due, ..Slot::default() }).collect()
    }

    fn at_first(slots: &[Slot], now: u64) -> Call {
        Call::first_of(slots, now, Pace::default())
    }

    #[test]
    fn every_packet_has_a_turn() {
        let call = at_first(&slots((1..=10).map(|n| 1_000_000 + n * 2_000)), 1_000_000);
        assert_eq!(call, Call { slots: 10, runs: 20, batch: 2, turns: 10 });
    }

    #[test]
    fn a_long_wait_takes_fillers() {
        let call = at_first(&slots([2_000_000]), 1_000_000);
        let turns = u64::from(1 + 1_000_000 / SPIN_NS - 2);
        assert_eq!(call, Call { slots: 1, runs: 2 * turns as u32, batch: 2, turns });
    }

    #[test]
    fn the_last_two_spins_before_a_packet_take_no_filler() {
        assert_eq!(fillers_in(u64::from(2 * SPIN_NS)), 0);
        assert_eq!(fillers_in(u64::from(2 * SPIN_NS) + PACKET_NS + 1), 1);
        assert_eq!(fillers_in(u64::from(3 * SPIN_NS) + PACKET_NS), 1);
        assert_eq!(fillers_in(u64::from(4 * SPIN_NS)), 2);
    }

    #[test]
    fn the_closer_packets_are_the_more_may_share_a_batch() {
        for (distance, batch) in [(50, 16), (200, 8), (500, 4), (1_000, 2)] {
            let call = at_first(&slots((1..=100).map(|n| 1_000 + n * distance)), 1_000);
            assert_eq!(call.batch, batch);
            assert_eq!((call.slots, call.runs), (100, 100 * batch));
        }
    }

    #[test]
    fn late_packets_catch_up_before_the_others() {
        let slots = slots((1..=100).map(|n| n * 1_000));
        assert_eq!(at_first(&slots, 1_000_000), Call::at_once(100));
        assert_eq!(at_first(&slots, 60_999), Call::at_once(60));
        assert_eq!(at_first(&slots, 31_999), Call { slots: 100, runs: 200, batch: 2, turns: 100 });
    }

    #[test]
    fn late_packets_of_a_run_catch_up_before_the_others() {
        let run = Run {
            program: 0,
            count: 100,
            index: 0,
            stride: 1,
            due: 1_000,
            remainder: 0,
            step: 333,
            step_remainder: 1,
            divisor: 3,
            max_lag: u64::MAX,
        };
        let first = |now| Call::first_of_run(&run, now, Pace::default());
        assert_eq!(first(1_000_000), Call::at_once(100));
        for late in [32, 33, 59_u64] {
            let due = run.slot(late - 1).due;
            // Due times are whole nanoseconds, what is before them may be late by a fraction.
            assert_eq!(first(due + 1), Call::at_once(late));
        }
        let all = |batch| Call { slots: 100, runs: 100 * batch, batch, turns: 100 };
        assert_eq!(first(run.slot(30).due), all(8), "the last of them is not far");
        assert_eq!(first(999), all(4));
    }

    #[test]
    fn a_path_that_falls_behind_gets_shorter_calls() {
        let mut pace = Pace::default();
        let slots = slots((1..=2_000).map(|n| n * 1_000));
        let call = Call::first_of(&slots, 1_000, pace);
        for _ in 0..9 {
            pace.learn(&call, call.slots, call.turns, 1_000_000, 1_100_000);
        }
        assert_eq!(pace.span, Pace::LONGEST);
        pace.learn(&call, call.slots, call.turns, 1_000_000, 1_100_001);
        assert_eq!(pace.span, 1_000_000);
        let call = Call::first_of(&slots, 1_000, pace);
        assert_eq!(call, Call { slots: 1_001, runs: 2 * 1_001, batch: 2, turns: 1_001 });
        let call = Call::first_of(&slots[1_999..], 1_000, pace);
        assert_eq!(call.slots, 1, "at least one, however far it is");
    }

    #[test]
    fn packets_that_share_batches_take_fewer_runs() {
        let mut pace = Pace::default();
        let slots = slots((1..=1_000).map(|n| 1_000 + n * 1_000));
        let call = Call::first_of(&slots, 1_000, pace);
        assert_eq!((call.slots, call.runs), (1_000, 2_000));
        pace.learn(&call, 1_000, 750, 1_001_000, 1_001_000);
        assert_eq!(Call::first_of(&slots, 1_000, pace).runs, 1_500);
        // It ended early: three turns for four packets all the same.
        pace.learn(&call, 800, 600, 801_000, 801_000);
        assert_eq!(Call::first_of(&slots, 1_000, pace).runs, 1_500);
        // Where there is time to wait, every packet has its turn.
        let apart = self::slots((1..=100).map(|n| 1_000 + n * 20_000));
        let fillers = u64::from(fillers_in(20_000));
        let waits = Call::first_of(&apart, 1_000, Pace { span: Pace::LONGEST, ..pace });
        assert_eq!((waits.turns, waits.runs), (100 * (1 + fillers), 200 * (1 + fillers as u32)));
        let before = pace;
        pace.learn(&waits, 100, 50, 2_001_000, 2_001_000);
        assert_eq!(pace.share, before.share);
        // Never fewer than all of them in full batches,
        pace.learn(&call, 1_000, 1, 1_001_000, 1_001_000);
        assert_eq!(Call::first_of(&slots, 1_000, pace).runs, 1_000);
        // and what was no matter of time teaches nothing.
        let before = pace;
        pace.learn(&Call::at_once(40), 40, 3, 41_000, 2_000_000);
        assert_eq!(pace, before);
    }
}
