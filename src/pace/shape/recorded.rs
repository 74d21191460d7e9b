//! Times that were recorded.

use std::sync::Arc;

/// Slots at times out of a list, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Nanoseconds from the start of a round, none below the one before. Never empty.
    dues: Arc<[u64]>,
    /// Nanoseconds from the start of one round to that of the next. Above 0.
    every: u64,
}

impl Recorded {
    /// Slots at `dues`, and again `gap` nanoseconds after the last of them. None without slots,
    /// where they run backwards, or where a round would last no time at all.
    pub fn new(dues: Arc<[u64]>, gap: u64) -> Option<Self> {
        let every = dues.last()?.saturating_add(gap);
        (dues.is_sorted() && every > 0).then_some(Self { dues, every })
    }

    /// Slots of a round, and nanoseconds from the start of one to that of the next.
    pub fn round(&self) -> (u64, u64) {
        (self.dues.len() as u64, self.every)
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let slots = self.dues.len() as u64;
        // Most captures are sent once, and a division is the larger part of this.
        let (round, slot) = if n < slots { (0, n) } else { (n / slots, n % slots) };
        round.saturating_mul(self.every).saturating_add(self.dues[slot as usize])
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let (rounds, rest) = (span / self.every, span % self.every);
        let slots = self.dues.partition_point(|due| *due < rest) as u64;
        // Without a gap the last slots of a round are due with the first of the next.
        let before = match rounds {
            0 => 0,
            _ => self.dues.partition_point(|due| *due < self.every) as u64,
        };
        let unfinished = self.dues.len() as u64 - before;
        let all = rounds.saturating_mul(self.dues.len() as u64).saturating_add(slots);
        match (rounds, rest) {
            (1.., 0) => all - unfinished,
            _ => all,
        }
    }
}
