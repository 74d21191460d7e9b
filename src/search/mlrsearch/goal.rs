//! What is searched for, and the coarser targets on the way to it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::units::{Nanos, Ratio};

/// A search goal (RFC 9971, "Search Goal").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// A trial with more loss is a high-loss trial.
    pub loss_ratio: Ratio,
    /// The share of the duration sum that high-loss trials may have at a lower bound; below 1.
    pub exceed_ratio: Ratio,
    /// How near the bounds have to come, as a share of the upper bound; above 0 and below 1.
    pub width: Ratio,
    /// Duration of the first trials.
    pub initial_duration: Nanos,
    /// Duration of the trials that count in full.
    pub final_duration: Nanos,
    /// Sum of durations that decides a load, at least the final duration.
    pub duration_sum: Nanos,
}

impl Goal {
    /// RFC 2544's throughput: one trial of 60 s without loss.
    pub fn rfc2544(width: Ratio) -> Self {
        Self {
            loss_ratio: Ratio(0),
            exceed_ratio: Ratio(0),
            width,
            initial_duration: Nanos::SECOND,
            final_duration: Nanos(60 * Nanos::SECOND.0),
            duration_sum: Nanos(60 * Nanos::SECOND.0),
        }
    }

    /// Loss verification of ETSI TST009: one lossless trial of two, 60 s each.
    pub fn tst009(width: Ratio) -> Self {
        Self {
            exceed_ratio: Ratio(Ratio::ONE.0 / 2),
            duration_sum: Nanos(120 * Nanos::SECOND.0),
            ..Self::rfc2544(width)
        }
    }

    /// FD.io CSIT's goals: 21 trials of 1 s of which half may lose more, width 0.5 %. With loss
    /// ratio 0 it is their NDR, with 0.5 % their PDR.
    pub fn csit(loss_ratio: Ratio) -> Self {
        Self {
            loss_ratio,
            exceed_ratio: Ratio(Ratio::ONE.0 / 2),
            width: Ratio(5_000_000),
            initial_duration: Nanos::SECOND,
            final_duration: Nanos::SECOND,
            duration_sum: Nanos(21 * Nanos::SECOND.0),
        }
    }

    /// Whether any search can meet it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn validate(&self) -> Result<()> {
        let one = Ratio::ONE;
        let rules = [
            (self.loss_ratio < one, "the loss ratio has to be below 1"),
            (self.exceed_ratio < one, "the exceed ratio has to be below 1"),
            (self.width.0 > 0 && self.width < one, "the width has to be above 0 and below 1"),
            (self.initial_duration.0 > 0, "the initial trial duration has to be above 0"),
            (
                self.initial_duration <= self.final_duration,
                "the initial trial duration must not be above the final one",
            ),
            (
                self.final_duration <= self.duration_sum,
                "the duration sum must not be below the final trial duration",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(Error::new("search by", "goal", broken)),
            None => Ok(()),
        }
    }

    /// The targets on the way, coarse to fine; the last is the goal itself. Each of the two before
    /// it has about twice the width, and shorter trials and sums between the initial ones and the
    /// goal's.
    pub(super) fn targets(&self) -> Vec<Target> {
        let last = Target {
            loss_ratio: self.loss_ratio,
            exceed_ratio: self.exceed_ratio,
            width: self.width,
            trial_duration: self.final_duration,
            duration_sum: self.duration_sum,
        };
        let middle = Target {
            width: doubled(self.width),
            trial_duration: between(self.initial_duration, self.final_duration),
            duration_sum: between(self.initial_duration, self.duration_sum),
            ..last
        };
        let first = Target {
            width: doubled(middle.width),
            trial_duration: self.initial_duration,
            duration_sum: self.initial_duration,
            ..last
        };
        vec![first, middle, last]
    }
}

/// A goal, or a coarser one on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) loss_ratio: Ratio,
    pub(super) exceed_ratio: Ratio,
    pub(super) width: Ratio,
    pub(super) trial_duration: Nanos,
    pub(super) duration_sum: Nanos,
}

impl Target {
    /// Trials that decide a load when all agree: the larger of what passing and failing takes.
    pub(super) fn trials_to_decide(&self) -> u64 {
        let one = u128::from(Ratio::ONE.0);
        let exceed = u128::from(self.exceed_ratio.0);
        let (sum, trial) = (u128::from(self.duration_sum.0), u128::from(self.trial_duration.0));
        let passing = (sum * (one - exceed)).div_ceil(trial * one);
        let failing = sum * exceed / (trial * one) + 1;
        u64::try_from(passing.max(failing)).unwrap_or(u64::MAX)
    }
}

/// What stays of an upper bound after going down by two widths, in parts per billion.
pub(super) fn squared(stays: u64) -> u64 {
    let one = u128::from(Ratio::ONE.0);
    (u128::from(stays) * u128::from(stays) / one) as u64
}

/// Nearly two widths in a row: a little less, so that the halves of such an interval are within one
/// width although loads are rounded.
fn doubled(width: Ratio) -> Ratio {
    let twice = Ratio::ONE.0 - squared(Ratio::ONE.0 - width.0);
    Ratio((twice - twice / 1_000).max(1))
}

/// The geometric mean of two spans.
fn between(short: Nanos, long: Nanos) -> Nanos {
    Nanos((u128::from(short.0) * u128::from(long.0)).isqrt() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lead_from_coarse_and_short_to_the_goal() {
        for goal in [
            Goal::rfc2544(Ratio(5_000_000)),
            Goal::tst009(Ratio(1_000_000)),
            Goal::csit(Ratio(0)),
            Goal { width: Ratio(999_999_999), ..Goal::csit(Ratio(0)) },
        ] {
            let targets = goal.targets();
            assert_eq!(targets[2].width, goal.width);
            assert_eq!(targets[2].duration_sum, goal.duration_sum);
            for pair in targets.windows(2) {
                assert!(pair[0].trial_duration <= pair[1].trial_duration);
                assert!(pair[0].duration_sum <= pair[1].duration_sum);
            }
            assert!(targets.iter().all(|target| target.trial_duration <= target.duration_sum));
            assert_eq!(targets[0].trials_to_decide(), 1);
        }
        assert_eq!(Goal::csit(Ratio(0)).targets()[2].trials_to_decide(), 11);
    }

    #[test]
    fn goals_that_cannot_be_met_are_refused() {
        let good = Goal::csit(Ratio(0));
        assert!(good.validate().is_ok());
        let bad = [
            Goal { loss_ratio: Ratio::ONE, ..good },
            Goal { exceed_ratio: Ratio::ONE, ..good },
            Goal { width: Ratio(0), ..good },
            Goal { width: Ratio::ONE, ..good },
            Goal { initial_duration: Nanos(0), ..good },
            Goal { initial_duration: Nanos(2_000_000_000), ..good },
            Goal { duration_sum: Nanos(999_999_999), ..good },
        ];
        for goal in bad {
            assert!(goal.validate().is_err(), "{goal:?}");
        }
    }
}
