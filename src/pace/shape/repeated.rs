//! A shape again and again.

use super::{Shape, Stretch};

/// The first slots of a shape, repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    shape: Box<Shape>,
    slots: u64,
    every: u64,
}

impl Repeated {
    /// The first `slots` slots of a shape, every `every` nanoseconds. None without slots, or where
    /// they are not over by then.
    pub fn new(shape: Shape, slots: u64, every: u64) -> Option<Self> {
        let fits = slots > 0 && shape.slots_in(every)? >= slots && !shape.is_unlimited();
        fits.then(|| Self { shape: Box::new(shape), slots, every })
    }

    /// Slots of a round, above 0, and nanoseconds from the start of one to that of the next.
    pub fn round(&self) -> (u64, u64) {
        (self.slots, self.every)
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let begun = (n / self.slots).saturating_mul(self.every);
        begun.saturating_add(self.shape.due(n % self.slots))
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let rest = self.shape.slots_in(span % self.every).unwrap_or(u64::MAX).min(self.slots);
        (span / self.every).saturating_mul(self.slots).saturating_add(rest)
    }

    pub(super) fn stretch(&self, n: u64) -> Option<Stretch> {
        let first = n % self.slots;
        let begun = (n / self.slots).saturating_mul(self.every);
        self.shape.stretch(first)?.later(begun).at_most(self.slots - first)
    }
}
