//! RFC 2544 §26.2: latency at the throughput, or at shares of it. Every frame is measured, not one
//! a trial, so a repeat gives a distribution.

use super::outcome::Key;
use super::repeats::{Repeats, RepeatsSettings};
use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::measure::ipdv::Ipdv;
use crate::profile::benchmark::Kind;
use crate::report::benchmark::{LatencyResult, TrialResult};
use crate::report::model::Percentiles;
use crate::search::Load;
use crate::search::latency::OverRepeats;
use crate::units::Ratio;

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let Some(throughput) = round.throughput else {
        round.needs_throughput(Kind::Latency);
        return Ok(true);
    };
    for share in suite.test.latency.loads.clone() {
        let load = Load(throughput.share(share).0.max(1));
        let settings = RepeatsSettings {
            load,
            duration: suite.test.latency.duration,
            repeats: suite.test.latency.repeats,
        };
        let key = round.key(Kind::Latency);
        let key = Key { test: format!("{} at {:.7}", key.test, share.as_f64()), ..key };
        let (end, begin) = suite.search::<Repeats>(&key, settings, round)?;
        match end {
            End::Stopped => return Ok(false),
            End::GaveUp(why) => round.gave_up(Kind::Latency, &why),
            End::Found(_) => {
                let found = result(share, load, &suite.trials[begin..]);
                round.result.latency.push(found);
            }
        }
    }
    Ok(true)
}

fn result(share: Ratio, load: Load, trials: &[TrialResult]) -> LatencyResult {
    let valid: Vec<&TrialResult> = trials.iter().filter(|trial| trial.invalid.is_none()).collect();
    // Percentiles of streams cannot be averaged: the slowest stands for its trial.
    let over = |of: &dyn Fn(&Percentiles) -> f64| {
        let values: Vec<f64> = valid
            .iter()
            .filter_map(|trial| trial.latency_ns.iter().map(of).max_by(f64::total_cmp))
            .collect();
        OverRepeats::new(&values)
    };
    let all = || valid.iter().flat_map(|trial| &trial.latency_ns);
    LatencyResult {
        throughput_share: share.as_f64(),
        fps: load.pps(),
        repeats: valid.len() as u64,
        lost: valid.iter().filter_map(|trial| trial.lost).sum(),
        mean_ns: over(&|latency| latency.mean),
        p50_ns: over(&|latency| latency.p50 as f64),
        p99_ns: over(&|latency| latency.p99 as f64),
        p99_9_ns: over(&|latency| latency.p99_9 as f64),
        pdv_ns: over(&|latency| latency.p99_9.saturating_sub(latency.min) as f64),
        ipdv_ns: ipdv(&valid.iter().map(|trial| trial.ipdv_ns.as_slice()).collect::<Vec<_>>()),
        min_ns: all().map(|latency| latency.min).min(),
        max_ns: all().map(|latency| latency.max).max(),
    }
}

/// RFC 8219 §7.3.2: of the smallest, the median and the largest of each trial, the median over the
/// trials. Of a trial's streams the extremes, and the median of the medians.
fn ipdv(trials: &[&[Ipdv]]) -> Option<Ipdv> {
    let median = |values: &[f64]| OverRepeats::new(values).map(|over| over.median);
    let over = |of: &dyn Fn(&[Ipdv]) -> Option<f64>| {
        median(&trials.iter().filter_map(|streams| of(streams)).collect::<Vec<f64>>())
    };
    let of_streams =
        |streams: &[Ipdv]| median(&streams.iter().map(|ipdv| ipdv.median).collect::<Vec<f64>>());
    Some(Ipdv {
        min: over(&|streams| streams.iter().map(|ipdv| ipdv.min as f64).reduce(f64::min))?.round()
            as i64,
        median: over(&of_streams)?,
        max: over(&|streams| streams.iter().map(|ipdv| ipdv.max as f64).reduce(f64::max))?.round()
            as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_of_one_trial_is_not_that_of_all() {
        let of = |(min, median, max)| Ipdv { min, median, max };
        let trials = [
            [(-10, 0.0, 12), (-4, 2.0, 6)].map(of),
            [(-9_000, 1.0, 9_000), (-3, 1.0, 5)].map(of),
            [(-20, -1.0, 22), (-30, 5.0, 8)].map(of),
        ];
        let found = ipdv(&[&trials[0], &trials[1], &trials[2]]);
        assert_eq!(found, Some(Ipdv { min: -30, median: 1.0, max: 22 }));
        assert_eq!(ipdv(&[]), None);
    }
}
