//! How many runs a call needs, and how many of them form a batch.

use crate::engine::{Run, Slot};

/// A run that waits for its packet ends without one at whole multiples of this before the packet is
/// due, so that the CPU's softirqs get their turn; the last two of them are waited through, for a
/// run that ends takes a while, and the packet would be late by as much.
pub const SPIN_NS: u32 = 5_000;

/// What a packet takes at a batch of one, about: so much of the wait for the next one is over when
/// its run begins.
const PACKET_NS: u64 = 500;

/// Runs of a batch when packets go out as fast as they can. Beyond 64 nothing is gained. The peer of
/// a veth, whose ring holds 256, polls 64 at a time (NAPI_POLL_WEIGHT), and only after fewer knows
/// that it is done: it polls once more after 64.
const FAST_BATCH: u32 = 63;

/// So many packets that are late already have a call of their own, in full batches: at one packet a
/// batch they would go on delaying what is due after them.
const CATCH_UP: u64 = 32;

/// How much of a schedule one call covers. Between two calls lie some ten microseconds in which
/// nothing is sent (the kernel makes a page pool for each), so longer is better for the gaps. A path
/// that takes longer for a packet than its gap falls behind by the end of a call, and catches up
/// after it: then shorter is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(u64);

impl Span {
    /// Nanoseconds; so soon a stop is seen.
    pub const LONGEST: u64 = 20_000_000;
    const SHORTEST: u64 = 1_000_000;
    /// A call that ends so much later than its last packet was due fell behind.
    const BEHIND: u64 = 100_000;

    /// Nanoseconds.
    pub fn nanos(self) -> u64 {
        self.0
    }

    /// What the last call teaches, which ended at `now`, its last packet having been due at `due`.
    pub fn learn(&mut self, due: u64, now: u64) {
        self.0 = match now.saturating_sub(due) > Self::BEHIND {
            true => Self::SHORTEST,
            false => (self.0 * 2).min(Self::LONGEST),
        };
    }
}

impl Default for Span {
    fn default() -> Self {
        Self(Self::SHORTEST)
    }
}

/// What one BPF_PROG_RUN call is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Runs of the program: packets and fillers.
    pub runs: u32,
    /// Runs after which redirected frames go to the device, if 16 did not come together before.
    pub batch: u32,
    /// Packets leave at their times: how late the call ends says whether the path keeps up.
    pub keeps_time: bool,
}

impl Call {
    /// For slots that are all due at once.
    pub fn at_once(slots: u64) -> Self {
        Self { runs: slots as u32, batch: FAST_BATCH, keeps_time: false }
    }

    /// For the first slots of those that have times, handed over at `now`, and how many of them.
    pub fn first_of(slots: &[Slot], now: u64, span: Span) -> (Self, usize) {
        let due_by = |time| slots.partition_point(|slot| slot.due <= time);
        match due_by(now) {
            late if late as u64 >= CATCH_UP => (Self::at_once(late as u64), late),
            _ => {
                let count = due_by(now.saturating_add(span.nanos())).max(1).min(slots.len());
                (Self::paced(&slots[..count], now), count)
            }
        }
    }

    /// The same of a run that has times.
    pub fn first_of_run(run: &Run, now: u64, span: Span) -> (Self, u64) {
        match due_by(run, now) {
            late if late >= CATCH_UP => (Self::at_once(late), late),
            _ => {
                let count = due_by(run, now.saturating_add(span.nanos())).max(1);
                (Self::paced_run(&Run { count, ..*run }, now), count)
            }
        }
    }

    /// For slots with times, handed over at `now`. A batch of one packet keeps gaps truest and takes
    /// a fifth of a microsecond a packet; where packets come closer than that, or are late
    /// already, they share batches.
    fn paced(slots: &[Slot], now: u64) -> Self {
        let mut before = now;
        let mut fillers = 0;
        for slot in slots {
            fillers += u64::from(fillers_in(slot.due.saturating_sub(before)));
            before = before.max(slot.due);
        }
        let runs = slots.len() as u64;
        let batch = batch_of((before - now) / runs.max(1));
        Self { runs: (runs + fillers) as u32, batch, keeps_time: true }
    }

    /// The same for a run of slots.
    fn paced_run(run: &Run, now: u64) -> Self {
        let wait = run.due.saturating_sub(now);
        let fillers = fillers_in(wait) + fillers_in(run.step).saturating_mul(run.count as u32 - 1);
        let last = run.slot(run.count - 1).due;
        let batch = batch_of(last.saturating_sub(now) / run.count);
        Self { runs: (run.count as u32).saturating_add(fillers), batch, keeps_time: true }
    }
}

/// Runs of a batch for packets that are so far apart, in nanoseconds.
fn batch_of(distance: u64) -> u32 {
    match distance {
        0..100 => FAST_BATCH,
        100..150 => 16,
        150..250 => 4,
        _ => 1,
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

    #[test]
    fn wide_gaps_are_kept_one_packet_at_a_time() {
        let call = Call::paced(&slots((1..=10).map(|n| 1_000_000 + n * 1_000)), 1_000_000);
        assert_eq!(call, Call { runs: 10, batch: 1, keeps_time: true });
    }

    #[test]
    fn a_long_wait_takes_fillers() {
        let call = Call::paced(&slots([2_000_000]), 1_000_000);
        assert_eq!(call, Call { runs: 1 + 1_000_000 / SPIN_NS - 2, batch: 1, keeps_time: true });
    }

    #[test]
    fn the_last_two_spins_before_a_packet_take_no_filler() {
        assert_eq!(fillers_in(u64::from(2 * SPIN_NS)), 0);
        assert_eq!(fillers_in(u64::from(2 * SPIN_NS) + PACKET_NS + 1), 1);
        assert_eq!(fillers_in(u64::from(3 * SPIN_NS) + PACKET_NS), 1);
        assert_eq!(fillers_in(u64::from(4 * SPIN_NS)), 2);
    }

    #[test]
    fn close_packets_share_a_batch() {
        let call = Call::paced(&slots((1..=100).map(|n| 1_000_000 + n * 50)), 1_000_000);
        assert_eq!(call, Call { runs: 100, batch: FAST_BATCH, keeps_time: true });
    }

    #[test]
    fn late_packets_catch_up_before_the_others() {
        let slots = slots((1..=100).map(|n| n * 1_000));
        let caught_up = |late| (Call::at_once(late), late as usize);
        let first = |now| Call::first_of(&slots, now, Span::default());
        assert_eq!(first(1_000_000), caught_up(100));
        assert_eq!(first(60_999), caught_up(60));
        assert_eq!(first(31_999), (Call::paced(&slots, 31_999), 100));
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
        let caught_up = |late| (Call::at_once(late), late);
        let first = |now| Call::first_of_run(&run, now, Span::default());
        assert_eq!(first(1_000_000), caught_up(100));
        for late in [32, 33, 59_u64] {
            let due = run.slot(late - 1).due;
            // Due times are whole nanoseconds, what is before them may be late by a fraction.
            let (_, count) = first(due + 1);
            assert_eq!(count, late);
        }
        let due = run.slot(30).due;
        assert_eq!(first(due), (Call::paced_run(&run, due), 100));
        assert_eq!(first(999), (Call::paced_run(&run, 999), 100));
    }

    #[test]
    fn a_path_that_falls_behind_gets_shorter_calls() {
        let mut span = Span::default();
        for _ in 0..9 {
            span.learn(1_000_000, 1_100_000);
        }
        assert_eq!(span.nanos(), Span::LONGEST);
        span.learn(1_000_000, 1_100_001);
        assert_eq!(span.nanos(), 1_000_000);
        let slots = slots((1..=2_000).map(|n| n * 1_000));
        let (call, count) = Call::first_of(&slots, 1_000, span);
        assert_eq!((call.runs, call.batch, count), (1_001, 1, 1_001));
        let (_, count) = Call::first_of(&slots[1_999..], 1_000, span);
        assert_eq!(count, 1, "at least one, however far it is");
    }
}
