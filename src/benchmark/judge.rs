//! The verdict on a benchmark. Valid: every test has its result, or the device is why it has none.

use crate::measure::verdict::at_percentile;
use crate::profile::model::PassCriteria;
use crate::report::benchmark::{BenchmarkResult, TrialResult};
use crate::report::format;
use crate::report::model::{Reason, Verdict};
use crate::search::Load;

/// Code of a note: the device loses frames wherever the search looked.
pub const DEVICE: &str = "no_throughput";
/// Code of a note: no trial was valid.
pub const INVALID: &str = "always_invalid";
/// Code of a note: a limit of trials or of time was reached.
pub const NO_RESULT: &str = "no_result";
/// Code of a note: a reset that made no outage.
pub const NO_RESET: &str = "no_reset";
/// Code of a note: the device did not forward again after a reset.
pub const NOT_RECOVERED: &str = "not_recovered";
/// Code of a note: the test did not apply.
pub const SKIPPED: &str = "skipped";
/// Code of a note: a frame loss series that never became lossless.
pub const NEVER_LOSSLESS: &str = "never_lossless";

/// Judges a benchmark. `floors` are the throughputs that the sizes have to reach.
pub fn judge(result: &BenchmarkResult, floors: &[Option<Load>], pass: &PassCriteria) -> Verdict {
    let mut invalid = Vec::new();
    let mut failed = Vec::new();
    if result.incomplete {
        invalid.push(reason(
            "incomplete",
            "the benchmark ended before its time; this is what was measured until then",
        ));
    }
    for note in result.sizes.iter().flat_map(|size| &size.notes) {
        match note.code.as_str() {
            INVALID | NO_RESULT | NO_RESET => invalid.push(note.clone()),
            DEVICE | NOT_RECOVERED => failed.push(note.clone()),
            _ => {}
        }
    }
    for (size, floor) in result.sizes.iter().zip(floors) {
        let Some(floor) = floor else { continue };
        let Some(found) = size.throughput.first().filter(|found| found.fps < floor.pps()) else {
            continue;
        };
        failed.push(reason(
            "min_throughput",
            &format!(
                "size {}: the throughput is {}, asked for {}",
                size.size,
                format::rate(found.fps, "frames/s"),
                format::rate(floor.pps(), "frames/s"),
            ),
        ));
    }
    failed.extend(latency(result, pass));
    let valid = invalid.is_empty();
    Verdict {
        valid,
        passed: valid && failed.is_empty(),
        reasons: invalid.into_iter().chain(failed).collect(),
    }
}

fn reason(code: &str, message: &str) -> Reason {
    Reason { code: code.into(), message: message.into() }
}

/// A code, what it means in words, and how often a trial saw it.
type Disorder = (&'static str, &'static str, fn(&TrialResult) -> Option<u64>);

/// What throughput and loss do not show: frames that arrived twice, or not in their order.
pub fn disorder(trials: &[TrialResult]) -> Vec<Reason> {
    let kinds: [Disorder; 2] = [
        ("duplicated", "arrived more than once", |trial| trial.duplicated),
        ("reordered", "arrived after a later one", |trial| trial.reordered),
    ];
    let mut told = Vec::new();
    for (code, what, of) in kinds {
        let of_valid = trials.iter().filter(|trial| trial.invalid.is_none());
        let counts: Vec<u64> = of_valid.filter_map(of).filter(|count| *count > 0).collect();
        if !counts.is_empty() {
            let frames: u64 = counts.iter().sum();
            let text = format!(
                "{} frames {what}, in {} of {} trials; a benchmark counts each frame once",
                format::count(frames),
                counts.len(),
                trials.len()
            );
            told.push(reason(code, &text));
        }
    }
    told
}

/// Criteria of latency hold for every valid trial of the latency test.
fn latency(result: &BenchmarkResult, pass: &PassCriteria) -> Vec<Reason> {
    let mut failed = Vec::new();
    let trials = result
        .trials
        .iter()
        .filter(|trial| trial.test.starts_with("latency") && trial.invalid.is_none());
    for trial in trials {
        for latency in &trial.latency_ns {
            let largest = pass.max_latency.map(|limit| ("largest", latency.max, limit));
            let known = pass.latency.iter().filter_map(|(percentile, limit)| {
                let (name, value) = at_percentile(latency, *percentile)?;
                Some((name, value, *limit))
            });
            for (name, value, limit) in largest.into_iter().chain(known) {
                if value > limit.0 {
                    failed.push(reason(
                        "latency",
                        &format!(
                            "size {}, {}: the {name} latency was {}, allowed {}",
                            trial.size,
                            trial.test,
                            format::nanos(value as f64),
                            format::nanos(limit.0 as f64),
                        ),
                    ));
                }
            }
        }
    }
    failed
}
