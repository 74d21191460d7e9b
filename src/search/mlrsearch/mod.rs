//! Multiple Loss Ratio search (RFC 9971): several goals in one search, short
//! trials first, every trial counted for every goal.

pub mod classify;
pub mod goal;
mod history;
mod select;

use serde::{Deserialize, Serialize};

pub use goal::Goal;

use self::history::History;
use self::select::{Cursor, End};
use super::end::GaveUp;
use super::load::Load;
use super::session::{BoundUnit, Bounds, Remaining, Search, Step};
use super::trial::{Outcome, Trial};
use crate::error::{Error, Result};
use crate::units::Nanos;

/// What an MLRsearch is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MlrSettings {
    /// The smallest load worth knowing, above 0.
    pub min: Load,
    /// The largest load, mostly the line rate: the first trial.
    pub max: Load,
    /// At least one.
    pub goals: Vec<Goal>,
}

/// What an MLRsearch finds for one goal ("Goal Result").
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum GoalResult {
    /// A regular result.
    Found {
        /// Packets per second that arrive at the lower bound in the goal's quantile of trials.
        conditional_throughput: f64,
        /// The relevant lower bound.
        lower: Load,
        /// The relevant upper bound; none when the maximum passes.
        upper: Option<Load>,
        /// Trials at the lower bound.
        trials_at_lower: u64,
        /// Sum of their durations.
        duration_at_lower: Nanos,
    },
    /// An irregular result: the minimum fails.
    NoLowerBound {
        /// The minimum.
        upper: Load,
        /// Loss of the last trial there, from 0 to 1.
        loss_ratio: f64,
    },
}

/// The state of an MLRsearch.
#[derive(Clone, Debug)]
pub struct MlrSearch {
    history: History,
    cursors: Vec<Cursor>,
    min: Load,
}

impl MlrSearch {
    fn result(&self, cursor: &Cursor) -> GoalResult {
        let goal = cursor.goal();
        let bounds = self.history.relevant(goal);
        let Some(lower) = bounds.lower else {
            let upper = bounds.upper.unwrap_or(self.min);
            let loss_ratio = self.history.last_loss(upper).unwrap_or(1.0);
            return GoalResult::NoLowerBound { upper, loss_ratio };
        };
        let (trials_at_lower, duration_at_lower) = self.history.spent_on(lower);
        GoalResult::Found {
            conditional_throughput: lower.pps() * (1.0 - self.history.quantile_loss(lower, goal)),
            lower,
            upper: bounds.upper,
            trials_at_lower,
            duration_at_lower,
        }
    }
}

impl Search for MlrSearch {
    type Settings = MlrSettings;
    /// One result a goal, in their order.
    type Found = Vec<GoalResult>;

    fn new(settings: &MlrSettings) -> Result<Self> {
        let (min, max) = (settings.min, settings.max);
        if min.0 == 0 || min > max {
            let cause = "the minimum has to be above 0 and not above the maximum";
            return Err(Error::new("search by", "loads", cause));
        }
        if settings.goals.is_empty() {
            return Err(Error::new("search by", "goals", "there is none"));
        }
        settings.goals.iter().try_for_each(Goal::validate)?;
        let history = History::default();
        let mut cursors: Vec<Cursor> =
            settings.goals.iter().map(|goal| Cursor::new(goal.targets(), min, max)).collect();
        cursors.iter_mut().for_each(|cursor| cursor.advance(&history));
        Ok(Self { history, cursors, min })
    }

    /// The shortest trial that a goal wants, for it may spare the longer ones; of equal ones that
    /// of the highest load.
    fn next(&self) -> Step<Vec<GoalResult>> {
        let wanted = self.cursors.iter().filter_map(|cursor| {
            Some((cursor.target().trial_duration, std::cmp::Reverse(cursor.wanted()?)))
        });
        if let Some((duration, std::cmp::Reverse(load))) = wanted.min() {
            return Step::Measure(Trial::lasting(load, duration));
        }
        if self.cursors.iter().all(|cursor| cursor.end() == Some(End::NoLower)) {
            let loss_ratio = self.history.last_loss(self.min).unwrap_or(1.0);
            return Step::GaveUp(GaveUp::LossAtMinimum { load: self.min, loss_ratio });
        }
        Step::Done(self.cursors.iter().map(|cursor| self.result(cursor)).collect())
    }

    fn take(&mut self, outcome: &Outcome) {
        self.history.add(outcome);
        let history = &self.history;
        self.cursors.iter_mut().for_each(|cursor| cursor.advance(history));
    }

    fn bounds(&self) -> Vec<Bounds> {
        let of = |cursor: &Cursor| {
            let bounds = self.history.relevant(cursor.target());
            Bounds {
                unit: BoundUnit::PacketsPerSecond,
                lower: bounds.lower.map(Load::pps),
                upper: bounds.upper.map(Load::pps),
            }
        };
        self.cursors.iter().map(of).collect()
    }

    fn remaining(&self) -> Remaining {
        let mut all = Remaining::default();
        for cursor in &self.cursors {
            let one = cursor.remaining(&self.history);
            all.trials = all.trials.saturating_add(one.trials);
            all.sending = Nanos(all.sending.0.saturating_add(one.sending.0));
        }
        all
    }
}
