//! All trials so far, by load, and what they make of each load for a target.

use std::collections::BTreeMap;

use super::classify::{Class, DurationSums, FullTrial, quantile_loss};
use super::goal::Target;
use crate::search::load::Load;
use crate::search::trial::Outcome;
use crate::units::{Nanos, Ratio};

/// Valid trials by load. Every goal sees all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    loads: BTreeMap<Load, Vec<FullTrial>>,
}

/// The relevant bounds of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Relevant {
    /// The largest lower bound below `upper`.
    pub(super) lower: Option<Load>,
    /// The smallest upper bound.
    pub(super) upper: Option<Load>,
}

impl Relevant {
    /// Whether a load lies strictly between the bounds.
    pub(super) fn has_inside(&self, load: Load) -> bool {
        self.lower.is_none_or(|lower| lower < load) && self.upper.is_none_or(|upper| load < upper)
    }
}

impl History {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        let trial = FullTrial {
            duration: outcome.trial.duration(),
            lost: outcome.lost(),
            intended: outcome.intended,
        };
        self.loads.entry(outcome.trial.load).or_default().push(trial);
    }

    fn class_of(trials: &[FullTrial], target: &Target) -> Class {
        let mut sums = DurationSums::default();
        for trial in trials {
            let lost = u128::from(trial.lost) * u128::from(Ratio::ONE.0);
            let high = lost > u128::from(trial.intended) * u128::from(target.loss_ratio.0);
            sums.add(trial.duration, trial.duration >= target.trial_duration, high);
        }
        sums.classify(target.exceed_ratio, target.duration_sum)
    }

    /// What a load is for a target; undecided when it was never tried.
    pub(super) fn class(&self, load: Load, target: &Target) -> Class {
        Self::class_of(self.loads.get(&load).map_or(&[], Vec::as_slice), target)
    }

    /// The relevant bounds for a target.
    pub(super) fn relevant(&self, target: &Target) -> Relevant {
        let mut relevant = Relevant::default();
        for (load, trials) in &self.loads {
            match Self::class_of(trials, target) {
                Class::Lower => relevant.lower = Some(*load),
                Class::Upper => {
                    relevant.upper = Some(*load);
                    break;
                }
                Class::Undecided => {}
            }
        }
        relevant
    }

    /// The rate that arrived in the last trial of a load, rounded down.
    pub(super) fn forwarded(&self, load: Load) -> Option<Load> {
        let last = self.loads.get(&load)?.last()?;
        let arrived = u128::from(last.intended - last.lost) * u128::from(load.0);
        u64::try_from(arrived / u128::from(last.intended.max(1))).ok().map(Load)
    }

    /// The loss of a load's last trial, from 0 to 1.
    pub(super) fn last_loss(&self, load: Load) -> Option<f64> {
        let last = self.loads.get(&load)?.last()?;
        Some(last.lost as f64 / last.intended as f64)
    }

    /// The loss that the conditional throughput of a load counts with.
    pub(super) fn quantile_loss(&self, load: Load, target: &Target) -> f64 {
        let long_enough = |trial: &&FullTrial| trial.duration >= target.trial_duration;
        let trials: Vec<FullTrial> =
            self.loads.get(&load).into_iter().flatten().filter(long_enough).copied().collect();
        quantile_loss(&trials, target.exceed_ratio, target.duration_sum)
    }

    /// Summed duration and number of the trials of a load.
    pub(super) fn spent_on(&self, load: Load) -> (u64, Nanos) {
        let trials = self.loads.get(&load).map_or(&[][..], Vec::as_slice);
        let sum = trials.iter().fold(0u64, |sum, trial| sum.saturating_add(trial.duration.0));
        (trials.len() as u64, Nanos(sum))
    }
}
