//! RFC 2544 §26.1: the fastest rate at which nothing is lost, or for each goal of an MLRsearch.

use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::profile::benchmark::{Benchmark, Kind, Method};
use crate::report::benchmark::{ThroughputResult, TrialResult};
use crate::search::{
    Binary, BinarySettings, GaveUp, GoalResult, Load, MlrSearch, MlrSettings, Throughput, Width,
};
use crate::units::{BitLayer, Ratio};

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    match suite.test.search {
        Method::Binary => binary(suite, round),
        Method::MlrSearch => mlrsearch(suite, round),
    }
}

/// What a binary search is asked for.
pub(super) fn binary_settings(test: &Benchmark, round: &Round) -> BinarySettings {
    BinarySettings {
        min: round.pattern.min,
        max: round.pattern.max,
        width: Width::Relative(test.width),
        loss_ratio: test.loss_ratio,
        verifications: test.verifications,
        search_duration: test.search_duration,
        final_duration: test.duration,
    }
}

/// What an MLRsearch is asked for.
pub(super) fn mlr_settings(test: &Benchmark, round: &Round) -> MlrSettings {
    let goals = test.goals.iter().map(|named| named.goal).collect();
    MlrSettings { min: round.pattern.min, max: round.pattern.max, goals }
}

fn binary(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let test = suite.test;
    let settings = binary_settings(test, round);
    let key = round.key(Kind::Throughput);
    let (end, begin) = suite.search::<Binary>(&key, settings, round)?;
    match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => round.gave_up(Kind::Throughput, &why),
        End::Found(Throughput { load, upper, confirmed_by }) => {
            let trials = &suite.trials[begin..];
            let found = ThroughputResult {
                loss_in_last_pass: Some(confirmed_by.loss_ratio()),
                ..result(round, "binary", test.loss_ratio, (load, upper), trials)
            };
            round.throughput = Some(load);
            round.result.throughput.push(found);
        }
    }
    Ok(true)
}

fn mlrsearch(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let goals = suite.test.goals.clone();
    let settings = mlr_settings(suite.test, round);
    let key = round.key(Kind::Throughput);
    let (end, begin) = suite.search::<MlrSearch>(&key, settings, round)?;
    let found = match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => {
            round.gave_up(Kind::Throughput, &why);
            return Ok(true);
        }
        End::Found(found) => found,
    };
    for (number, (goal, found)) in goals.iter().zip(found).enumerate() {
        match found {
            GoalResult::NoLowerBound { upper, loss_ratio } => {
                round.gave_up(Kind::Throughput, &GaveUp::LossAtMinimum { load: upper, loss_ratio });
            }
            GoalResult::Found { conditional_throughput, lower, upper, .. } => {
                let trials = &suite.trials[begin..];
                let found = ThroughputResult {
                    conditional_fps: Some(conditional_throughput),
                    goal: goal.name.clone(),
                    ..result(round, "mlrsearch", goal.goal.loss_ratio, (lower, upper), trials)
                };
                round.result.throughput.push(found);
                // The first goal is that of the other tests.
                if number == 0 {
                    round.throughput = Some(lower);
                }
            }
        }
    }
    Ok(true)
}

fn result(
    round: &Round,
    search: &str,
    loss_ratio: Ratio,
    (load, upper): (Load, Option<Load>),
    trials: &[TrialResult],
) -> ThroughputResult {
    let passes = |trial: &&TrialResult| {
        trial.invalid.is_none()
            && trial.load_fps == load.pps()
            && loss_of(trial) <= loss_ratio.as_f64()
    };
    ThroughputResult {
        search: search.into(),
        goal: None,
        loss_ratio: loss_ratio.as_f64(),
        fps: load.pps(),
        line_share: round.pattern.line_rate.map(|line| load.pps() / line.pps()),
        l1_bps: round.pattern.bits(load, BitLayer::L1),
        l2_bps: round.pattern.bits(load, BitLayer::L2),
        upper_fps: upper.map(Load::pps),
        width: upper.map(|upper| (upper.pps() - load.pps()) / upper.pps()),
        conditional_fps: None,
        trials: trials.len() as u64,
        loss_in_last_pass: trials.iter().rfind(passes).map(loss_of),
    }
}

/// Lost and unsent frames of a trial, as a fraction of the intended ones.
fn loss_of(trial: &TrialResult) -> f64 {
    if trial.intended == 0 {
        return 0.0;
    }
    (trial.unsent + trial.lost.unwrap_or(0)) as f64 / trial.intended as f64
}
