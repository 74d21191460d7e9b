//! How many runs a call needs, and how many of them form a batch.

use crate::engine::Slot;

/// How long one run waits for its packet; then the run ends without one, so that the CPU's softirqs
/// get their turn.
pub const SPIN_NS: u32 = 5_000;

/// Runs of a batch when packets go out as fast as they can. Beyond 64 nothing is gained, and the
/// peer of a veth, whose ring holds 256, polls 64 at a time.
const FAST_BATCH: u32 = 64;

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
    pub fn at_once(slots: usize) -> Self {
        Self { runs: slots as u32, batch: FAST_BATCH }
    }

    /// For slots with times, handed over at `now`. A batch of one packet keeps gaps truest and takes
    /// a fifth of a microsecond a packet; where packets come closer than that, or are late
    /// already, they share batches.
    pub fn paced(slots: &[Slot], now: u64) -> Self {
        let mut before = now;
        let mut fillers = 0;
        for slot in slots {
            fillers += slot.due.saturating_sub(before) / u64::from(SPIN_NS);
            before = before.max(slot.due);
        }
        let batch = match (before - now) / slots.len().max(1) as u64 {
            0..100 => FAST_BATCH,
            100..150 => 16,
            150..250 => 4,
            _ => 1,
        };
        Self { runs: slots.len() as u32 + fillers as u32, batch }
    }
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
        assert_eq!(call, Call { runs: 1 + 1_000_000 / SPIN_NS, batch: 1 });
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
