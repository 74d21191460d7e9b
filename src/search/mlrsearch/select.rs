//! Which load a goal wants measured next.
//!
//! A goal goes through its targets from coarse to fine. At each the bounds of the one before are
//! hints: first the middle between them, then themselves, since one trial at the right load saves
//! many. Where a hint fails, the search widens from the bound that is left: one width of the target,
//! then two, four, … Between two bounds the geometric middle is next.

use super::classify::Class;
use super::goal::{Target, squared};
use super::history::{History, Relevant};
use crate::search::load::{Load, Width};
use crate::search::session::Remaining;
use crate::units::Ratio;

/// How a goal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The bounds are near enough, or the maximum passes.
    Bounded,
    /// The minimum fails.
    NoLower,
}

/// Where one goal stands.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    targets: Vec<Target>,
    level: usize,
    /// The load that is being decided.
    pending: Option<Load>,
    /// Whether it was found by widening.
    widening: bool,
    /// What the next widening step leaves of the bound, in parts per billion.
    stays: u64,
    hints: Relevant,
    min: Load,
    max: Load,
    end: Option<End>,
}

impl Cursor {
    pub(super) fn new(targets: Vec<Target>, min: Load, max: Load) -> Self {
        let mut cursor = Self {
            targets,
            level: 0,
            pending: None,
            widening: false,
            stays: 0,
            hints: Relevant::default(),
            min,
            max,
            end: None,
        };
        cursor.enter(0);
        cursor
    }

    /// The goal itself.
    pub(super) fn goal(&self) -> &Target {
        &self.targets[self.targets.len() - 1]
    }

    pub(super) fn target(&self) -> &Target {
        &self.targets[self.level]
    }

    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    /// The load wanted next, to be tried for the target's trial duration; none at the end.
    pub(super) fn wanted(&self) -> Option<Load> {
        self.pending
    }

    fn enter(&mut self, level: usize) {
        self.level = level;
        self.pending = None;
        self.widening = false;
        self.stays = Ratio::ONE.0 - self.target().width.0;
    }

    fn near_enough(&self, bounds: Relevant) -> bool {
        match (bounds.lower, bounds.upper) {
            (Some(lower), Some(upper)) => {
                upper.0 - lower.0 <= 1 || Width::Relative(self.target().width).reached(lower, upper)
            }
            (Some(lower), None) => lower == self.max,
            (None, upper) => upper == Some(self.min),
        }
    }

    /// Takes in what the history has become, and decides what is wanted next. Trials of another goal
    /// can open one again that had ended.
    pub(super) fn advance(&mut self, history: &History) {
        self.end = None;
        loop {
            let bounds = history.relevant(self.target());
            if self.near_enough(bounds) {
                if self.level + 1 < self.targets.len() {
                    self.hints = bounds;
                    self.enter(self.level + 1);
                    continue;
                }
                self.pending = None;
                let found = bounds.lower.is_some();
                self.end = Some(if found { End::Bounded } else { End::NoLower });
                return;
            }
            if let Some(pending) = self.pending {
                let open = history.class(pending, self.target()) == Class::Undecided;
                if open && bounds.has_inside(pending) {
                    return;
                }
                if self.widening && !open {
                    self.stays = squared(self.stays);
                }
            }
            let (load, widening) = self.choose(bounds, history);
            self.pending = Some(load);
            self.widening = widening;
            return;
        }
    }

    /// A load strictly between the bounds that is not decided yet, and whether it is a widening
    /// step. Below the smallest upper bound without a lower one, and above the largest lower bound
    /// without an upper one, no load is decided, so every choice is new.
    fn choose(&self, bounds: Relevant, history: &History) -> (Load, bool) {
        let hint = |hint: Option<Load>| hint.filter(|load| bounds.has_inside(*load));
        let (low, high) = (hint(self.hints.lower), hint(self.hints.upper));
        match (bounds.lower, bounds.upper) {
            (Some(lower), Some(upper)) => (middle(lower, upper), false),
            (Some(lower), None) => match high {
                Some(high) => (high, false),
                None => (self.above(lower), true),
            },
            (None, Some(upper)) => match low {
                Some(low) => (low, false),
                None => (self.below(upper, history), true),
            },
            (None, None) => match (low, high) {
                (Some(low), Some(high)) if !self.near_enough(self.hints) => {
                    (middle(low, high), false)
                }
                (Some(low), _) => (low, false),
                (None, Some(high)) => (high, false),
                (None, None) => (self.max, false),
            },
        }
    }

    fn above(&self, lower: Load) -> Load {
        let one = u128::from(Ratio::ONE.0);
        let raised = u128::from(lower.0) * one / u128::from(self.stays.max(1));
        let raised = u64::try_from(raised).unwrap_or(u64::MAX);
        Load(raised.max(lower.0 + 1)).min(self.max)
    }

    /// At the first upper bound of all, what the device forwarded there is the best guess.
    fn below(&self, upper: Load, history: &History) -> Load {
        let lowered = u128::from(upper.0) * u128::from(self.stays) / u128::from(Ratio::ONE.0);
        let mut load = Load(lowered as u64);
        if self.level == 0 && upper == self.max {
            load = history.forwarded(upper).map_or(load, |forwarded| forwarded.min(load));
        }
        load.min(Load(upper.0 - 1)).max(self.min)
    }

    /// What this goal expects to need yet: halvings at this target, three loads at each later one.
    pub(super) fn remaining(&self, history: &History) -> Remaining {
        let mut remaining = Remaining::default();
        if self.end.is_some() {
            return remaining;
        }
        let bounds = history.relevant(self.target());
        let known = self.hints;
        let lower = bounds.lower.or(known.lower).unwrap_or(self.min).0 as f64;
        let upper = bounds.upper.or(known.upper).unwrap_or(self.max).0 as f64;
        let width = -(1.0 - self.target().width.as_f64()).ln();
        let halvings = ((upper / lower).ln().max(0.0) / width).max(2.0).log2().ceil() as u64;
        for (at, target) in self.targets.iter().enumerate().skip(self.level) {
            let loads = if at == self.level { halvings } else { 3 };
            remaining.add(loads.saturating_mul(target.trials_to_decide()), target.trial_duration);
        }
        remaining
    }
}

/// The geometric middle, strictly between two loads that are more than 1 apart.
fn middle(lower: Load, upper: Load) -> Load {
    let root = (u128::from(lower.0) * u128::from(upper.0)).isqrt() as u64;
    Load(root.clamp(lower.0 + 1, upper.0 - 1))
}
