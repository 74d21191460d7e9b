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

/// What one BPF_PROG_RUN call is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Runs of the program: packets and fillers.
    pub runs: u32,
    /// Runs after which redirected frames go to the device, if 16 did not come together before.
    pub batch: u32,
}

impl Call {
    /// For slots that are all due at once.
    pub fn at_once(slots: u64) -> Self {
        Self { runs: slots as u32, batch: FAST_BATCH }
    }

    /// For slots with times, handed over at `now`. A batch of one packet keeps gaps truest and takes
    /// a fifth of a microsecond a packet; where packets come closer than that, or are late
    /// already, they share batches.
    pub fn paced(slots: &[Slot], now: u64) -> Self {
        let mut before = now;
        let mut fillers = 0;
        for slot in slots {
            fillers += u64::from(fillers_in(slot.due.saturating_sub(before)));
            before = before.max(slot.due);
        }
        let runs = slots.len() as u64;
        Self { runs: (runs + fillers) as u32, batch: batch_of((before - now) / runs.max(1)) }
    }

    /// The same for a run of slots.
    pub fn paced_run(run: &Run, now: u64) -> Self {
        let wait = run.due.saturating_sub(now);
        let fillers = fillers_in(wait) + fillers_in(run.step).saturating_mul(run.count as u32 - 1);
        let last = run.slot(run.count - 1).due;
        let batch = batch_of(last.saturating_sub(now) / run.count);
        Self { runs: (run.count as u32).saturating_add(fillers), batch }
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
        assert_eq!(call, Call { runs: 10, batch: 1 });
    }

    #[test]
    fn a_long_wait_takes_fillers() {
        let call = Call::paced(&slots([2_000_000]), 1_000_000);
        assert_eq!(call, Call { runs: 1 + 1_000_000 / SPIN_NS - 2, batch: 1 });
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
        assert_eq!(call, Call { runs: 100, batch: FAST_BATCH });
    }

    #[test]
    fn late_packets_catch_up() {
        let call = Call::paced(&slots((1..=100).map(|n| n * 1_000)), 1_000_000);
        assert_eq!(call, Call { runs: 100, batch: FAST_BATCH });
    }
}
