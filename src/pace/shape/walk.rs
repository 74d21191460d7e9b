//! Goes through the slots of a shape, forwards.

use super::poisson::PoissonWalk;
use super::{Shape, Stretch};

/// A shape, and where its walk has come to.
#[derive(Clone, Debug)]
pub(in crate::pace) enum ShapeWalk {
    /// Every slot is known from its number.
    Pure(Shape),
    /// Every slot depends on those before.
    Random(Box<PoissonWalk>),
}

impl ShapeWalk {
    pub fn new(shape: &Shape) -> Self {
        match shape {
            Shape::Poisson(process) => Self::Random(Box::new(PoissonWalk::new(*process))),
            shape => Self::Pure(shape.clone()),
        }
    }

    /// Nanoseconds after the start at which slot `n` is due, which is not before the last one asked
    /// for. None: it is never.
    pub fn go_to(&mut self, n: u64) -> Option<u64> {
        match self {
            Self::Pure(shape) => Some(shape.due(n)).filter(|due| *due < u64::MAX),
            Self::Random(walk) => walk.go_to(n),
        }
    }

    /// Slots that are due before `span` nanoseconds have passed.
    pub fn slots_in(&self, span: u64) -> u64 {
        match self {
            Self::Pure(shape) => shape.slots_in(span).unwrap_or(u64::MAX),
            Self::Random(walk) => walk.slots_in(span),
        }
    }

    /// The slots from `n` on that lie at even distances.
    pub fn stretch(&self, n: u64) -> Option<Stretch> {
        match self {
            Self::Pure(shape) => shape.stretch(n),
            Self::Random(_) => None,
        }
    }

    /// Whether slots are found only by walking to them.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Random(_))
    }

    /// Ends a random process at another time than it would have: nothing is due from `until` on. The
    /// slots of other shapes are counted.
    pub fn end_at(&mut self, until: u64) {
        if let Self::Random(walk) = self {
            walk.end_at(until);
        }
    }
}
