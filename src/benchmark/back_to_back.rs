//! RFC 9004: the longest lossless burst, and the buffer that it shows.

use super::judge;
use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::profile::benchmark::{Benchmark, Kind};
use crate::report::benchmark::{BurstResult, TrialResult};
use crate::search::{BackToBack, BackToBackSettings, BufferTime, BurstLengths, Load};

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let Some(throughput) = round.throughput else {
        round.needs_throughput(Kind::BackToBack);
        return Ok(true);
    };
    let max = round.pattern.max;
    if throughput >= max {
        let text =
            "the device forwards at the highest rate, so no burst fills its buffer (RFC 9004)";
        round.note(judge::SKIPPED, format!("{}: {text}", round.named(Kind::BackToBack)));
        return Ok(true);
    }
    let settings = settings(suite.test, round);
    let key = round.key(Kind::BackToBack);
    let (end, begin) = suite.search::<BackToBack>(&key, settings, round)?;
    match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => round.gave_up(Kind::BackToBack, &why),
        End::Found(lengths) => {
            let ports = round.pattern.sending_ports;
            let found = result(&lengths, max, throughput, &suite.trials[begin..], ports);
            round.result.back_to_back = Some(found);
        }
    }
    Ok(true)
}

/// What the searches of bursts are asked for.
pub(super) fn settings(test: &Benchmark, round: &Round) -> BackToBackSettings {
    let bursts = test.back_to_back;
    BackToBackSettings {
        load: round.pattern.max,
        limit: bursts.limit,
        step: bursts.step,
        verifications: bursts.verifications,
        repeats: bursts.repeats,
    }
}

fn result(
    lengths: &BurstLengths,
    max: Load,
    throughput: Load,
    trials: &[TrialResult],
    sending_ports: usize,
) -> BurstResult {
    let time = BufferTime::new(lengths.mean, max, throughput);
    // The rate that the passing bursts really had, on each port.
    let passed: Vec<f64> = trials
        .iter()
        .filter(|trial| trial.invalid.is_none() && trial.lost == Some(0) && trial.unsent == 0)
        .map(|trial| trial.tx_pps / sending_ports.max(1) as f64)
        .filter(|fps| fps.is_finite() && *fps > 0.0)
        .collect();
    let actual_fps = (!passed.is_empty())
        .then(|| passed.iter().sum::<f64>() / passed.len() as f64)
        // A burst's span ends with its last frame, so its mean rate seems to be a little higher.
        .map(|fps| fps.min(max.pps()));
    let actual = actual_fps.map(|fps| Load((fps * 1_000.0) as u64));
    BurstResult {
        fps: max.pps(),
        frames: lengths.frames.clone(),
        mean: lengths.mean,
        min: lengths.min,
        max: lengths.max,
        standard_deviation: lengths.standard_deviation,
        step: lengths.step,
        at_limit: lengths.at_limit,
        implied_s: time.map(|time| time.implied),
        corrected_s: time.map(|time| time.corrected),
        actual_s: time.and_then(|time| time.actual(max, actual?)),
        actual_fps,
    }
}
