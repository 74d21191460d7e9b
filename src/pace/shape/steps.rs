//! Shapes one after another.

use super::{Shape, Stretch};

/// Shapes, each for a time; the last one goes on. Every step begins with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    steps: Box<[Step]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Nanoseconds after the start at which it begins.
    start: u64,
    /// Its first slot.
    first: u64,
    /// None: no packets.
    shape: Option<Shape>,
}

impl Steps {
    /// Shapes with the nanoseconds that each lasts; None stands for silence. None when there is no
    /// step, a shape has no rate, or the steps are beyond 64 bits.
    pub fn new(shapes: impl IntoIterator<Item = (Option<Shape>, u64)>) -> Option<Self> {
        let (mut start, mut first) = (0u64, 0u64);
        let mut steps = Vec::new();
        for (shape, span) in shapes {
            let slots = match &shape {
                Some(shape) => shape.slots_in(span)?,
                None => 0,
            };
            steps.push(Step { start, first, shape });
            start = start.checked_add(span)?;
            first = first.checked_add(slots)?;
        }
        (!steps.is_empty()).then(|| Self { steps: steps.into() })
    }

    /// The step of slot `n`: of steps without packets that begin with it, the one behind them.
    fn step_of(&self, n: u64) -> usize {
        self.steps.partition_point(|step| step.first <= n) - 1
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let step = &self.steps[self.step_of(n)];
        let Some(shape) = &step.shape else { return u64::MAX };
        step.start.saturating_add(shape.due(n - step.first))
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let at = self.steps.partition_point(|step| step.start < span);
        let Some(step) = at.checked_sub(1).map(|at| &self.steps[at]) else { return 0 };
        let slots = match &step.shape {
            Some(shape) => shape.slots_in(span - step.start).unwrap_or(u64::MAX),
            None => 0,
        };
        step.first.saturating_add(slots)
    }

    pub(super) fn stretch(&self, n: u64) -> Option<Stretch> {
        let at = self.step_of(n);
        let step = &self.steps[at];
        let stretch = step.shape.as_ref()?.stretch(n - step.first)?.later(step.start);
        match self.steps.get(at + 1) {
            Some(next) => stretch.at_most(next.first - n),
            None => Some(stretch),
        }
    }
}
