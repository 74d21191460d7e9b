//! Bursts: so many packets, then a gap.

use super::Stretch;
use crate::pace::period::Period;

/// Slot n is packet `n mod packets` of burst `n / packets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    packets: u64,
    within: Period,
    every: u64,
}

impl Burst {
    /// Bursts of `packets` packets at the distance `within` (unlimited: all of a burst are due when
    /// it begins), each `every` nanoseconds after the one before began. None where a burst would
    /// not be over by then, or is empty.
    pub fn new(packets: u64, within: Period, every: u64) -> Option<Self> {
        let fits = packets > 0 && every > 0 && within.due(packets) <= every;
        fits.then_some(Self { packets, within, every })
    }

    /// Nanoseconds that a burst takes: up to where its next packet would be due.
    pub fn length(packets: u64, within: Period) -> u64 {
        within.due(packets)
    }

    /// Packets of a burst.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Nanoseconds from the start of one burst to that of the next.
    pub fn every(&self) -> u64 {
        self.every
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        (n / self.packets)
            .saturating_mul(self.every)
            .saturating_add(self.within.due(n % self.packets))
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let rest = match span % self.every {
            0 => 0,
            rest => self.within.slots_in(rest).unwrap_or(u64::MAX).min(self.packets),
        };
        (span / self.every).saturating_mul(self.packets).saturating_add(rest)
    }

    pub(super) fn stretch(&self, n: u64) -> Stretch {
        let first = n % self.packets;
        let offset = (n / self.packets).saturating_mul(self.every);
        Stretch { offset, first, period: self.within, left: self.packets - first }
    }
}
