//! Traffic shapes: when slot n of a stream is due, as a pure function of n.
//!
//! | file | shape |
//! |---|---|
//! | [`burst`] | so many packets, then a gap |
//! | [`on_off`] | a rate for some time, silence for some time |
//! | [`ramp`] | from one rate to another |
//! | [`steps`] | one after another |
//! | [`poisson`] | at random, independent of one another |
//! | [`recorded`] | at the times of a capture |
//! | [`repeated`] | all of it again and again |
//!
//! All but the Poisson process know slot n without knowing the slots before; that one is the sum of
//! the n gaps before it. Either way any number of workers finds the same slots.

mod burst;
mod on_off;
mod poisson;
mod ramp;
mod recorded;
mod repeated;
mod steps;
mod walk;

pub use burst::Burst;
pub use on_off::OnOff;
pub use poisson::{Poisson, Rounds};
pub use ramp::{Ramp, TooFine};
pub use recorded::Recorded;
pub use repeated::Repeated;
pub use steps::Steps;
pub(super) use walk::ShapeWalk;

use super::period::Period;

/// When the packets of a stream are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// At even distances.
    Even(Period),
    /// In bursts.
    Burst(Burst),
    /// Now at even distances, now not at all.
    OnOff(OnOff),
    /// Faster and faster, or slower and slower.
    Ramp(Ramp),
    /// One shape after another.
    Steps(Steps),
    /// At random.
    Poisson(Poisson),
    /// As a capture was recorded.
    Recorded(Recorded),
    /// Another shape, again and again.
    Repeated(Repeated),
}

impl Shape {
    /// Whether every slot is due at once.
    pub fn is_unlimited(&self) -> bool {
        matches!(self, Self::Even(period) if period.is_unlimited())
    }

    /// The time between two packets, where it is always the same.
    pub fn period(&self) -> Option<Period> {
        match self {
            Self::Even(period) => Some(*period),
            _ => None,
        }
    }

    /// Nanoseconds after the start at which slot `n` is due; `u64::MAX`: never. Of a Poisson
    /// process this walks through all slots before.
    pub fn due(&self, n: u64) -> u64 {
        match self {
            Self::Even(period) => period.due(n),
            Self::Burst(burst) => burst.due(n),
            Self::OnOff(on_off) => on_off.due(n),
            Self::Ramp(ramp) => ramp.due(n),
            Self::Steps(steps) => steps.due(n),
            Self::Poisson(poisson) => poisson.due(n),
            Self::Recorded(recorded) => recorded.due(n),
            Self::Repeated(repeated) => repeated.due(n),
        }
    }

    /// Slots that are due before `span` nanoseconds have passed. None: without end. Of a Poisson
    /// process this walks through all of them.
    pub fn slots_in(&self, span: u64) -> Option<u64> {
        match self {
            Self::Even(period) => period.slots_in(span),
            Self::Burst(burst) => Some(burst.slots_in(span)),
            Self::OnOff(on_off) => Some(on_off.slots_in(span)),
            Self::Ramp(ramp) => Some(ramp.slots_in(span)),
            Self::Steps(steps) => Some(steps.slots_in(span)),
            Self::Poisson(poisson) => Some(poisson.slots_in(span)),
            Self::Recorded(recorded) => Some(recorded.slots_in(span)),
            Self::Repeated(repeated) => Some(repeated.slots_in(span)),
        }
    }

    /// The slots from `n` on that lie at even distances; None where there are none.
    fn stretch(&self, n: u64) -> Option<Stretch> {
        match self {
            Self::Even(period) => {
                Some(Stretch { offset: 0, first: n, period: *period, left: u64::MAX })
            }
            Self::Burst(burst) => Some(burst.stretch(n)),
            Self::OnOff(on_off) => on_off.stretch(n),
            Self::Steps(steps) => steps.stretch(n),
            Self::Repeated(repeated) => repeated.stretch(n),
            Self::Ramp(_) | Self::Poisson(_) | Self::Recorded(_) => None,
        }
    }
}

/// Slots at even distances: the j-th of them is due at `offset + period.due(first + j)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Nanoseconds from the start of the shape.
    pub offset: u64,
    /// Slots of `period` that come before.
    pub first: u64,
    /// The distance.
    pub period: Period,
    /// How many they are. Never 0.
    pub left: u64,
}

impl Stretch {
    /// The stretch, so many nanoseconds later.
    fn later(self, nanos: u64) -> Self {
        Self { offset: self.offset + nanos, ..self }
    }

    /// The stretch, ended after `most` slots.
    fn at_most(self, most: u64) -> Option<Self> {
        (most > 0).then_some(Self { left: self.left.min(most), ..self })
    }
}

#[cfg(test)]
pub(in crate::pace) mod tests;
