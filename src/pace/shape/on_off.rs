//! On and off.

use super::Stretch;
use crate::pace::period::Period;

/// A constant rate through a gate that is open for some time and shut for some time. The rate's
/// clock stands still while the gate is shut, so that it is exact over the time that it is open,
/// for as long as the run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnOff {
    on: u64,
    cycle: u64,
    period: Period,
}

impl OnOff {
    /// `on` nanoseconds with packets at `period`, then `off` without. None without any time on, at
    /// an unlimited rate, or where both together are beyond 64 bits.
    pub fn new(on: u64, off: u64, period: Period) -> Option<Self> {
        let cycle = on.checked_add(off)?;
        (on > 0 && !period.is_unlimited()).then_some(Self { on, cycle, period })
    }

    /// The share of the time that it is on, as nanoseconds of how many.
    pub fn share(&self) -> (u64, u64) {
        (self.on, self.cycle)
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let open = self.period.due(n);
        (open / self.on).saturating_mul(self.cycle).saturating_add(open % self.on)
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let open = span / self.cycle * self.on + (span % self.cycle).min(self.on);
        self.period.slots_in(open).unwrap_or(u64::MAX)
    }

    pub(super) fn stretch(&self, n: u64) -> Option<Stretch> {
        let cycle = self.period.due(n) / self.on;
        let shut = cycle.saturating_mul(self.cycle - self.on);
        let end = self.period.slots_in((cycle + 1).saturating_mul(self.on))?;
        Stretch { offset: shut, first: n, period: self.period, left: u64::MAX }.at_most(end - n)
    }
}
