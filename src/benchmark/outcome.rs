//! From the result of one trial to what a search has to know of it.

use crate::report::benchmark::TrialResult;
use crate::report::model::{Percentiles, RunResult};
use crate::search::{Outcome, Trial};
use crate::units::Nanos;

/// Which test and size a trial belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The test's name.
    pub test: String,
    /// The sizes' name.
    pub size: String,
}

/// What the search learns. What makes a run INVALID makes the trial prove nothing.
pub fn outcome(trial: Trial, result: &RunResult, spent: Nanos) -> Outcome {
    let totals = &result.totals;
    Outcome {
        trial,
        intended: totals.intended,
        sent: totals.sent,
        received: totals.unique.unwrap_or(0),
        invalid: why_invalid(result),
        spent,
    }
}

fn why_invalid(result: &RunResult) -> Option<String> {
    if !result.verdict.valid {
        let reasons: Vec<&str> =
            result.verdict.reasons.iter().map(|reason| reason.message.as_str()).collect();
        return Some(match reasons.is_empty() {
            true => "the run is not valid".to_owned(),
            false => reasons.join("; "),
        });
    }
    result.totals.unique.is_none().then(|| "nothing receives".to_owned())
}

/// What the result keeps of the trial.
pub fn record(key: &Key, outcome: &Outcome, result: &RunResult) -> TrialResult {
    let totals = &result.totals;
    // A distribution for each of thousands of trials is more than anybody reads.
    let latency = result.streams.iter().filter_map(|stream| {
        stream.latency_ns.clone().map(|latency| Percentiles { histogram: None, ..latency })
    });
    TrialResult {
        test: key.test.clone(),
        size: key.size.clone(),
        load_fps: outcome.trial.load.pps(),
        duration_s: outcome.trial.duration().as_secs_f64(),
        intended: totals.intended,
        unsent: totals.unsent,
        sent: totals.sent,
        received: totals.unique,
        lost: totals.lost,
        invalid: outcome.why_invalid(),
        schedule_lag_max_ns: result.schedule_lag_max_ns,
        tx_pps: totals.tx_pps,
        latency_ns: latency.collect(),
        lost_by_stream: result.streams.iter().map(|stream| stream.counts.lost).collect(),
        spent_s: outcome.spent.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Reason;
    use crate::search::Load;

    fn result() -> RunResult {
        let text = include_str!("../../docs/example-result.json");
        let mut result: RunResult = serde_json::from_str(text).expect("the example is a result");
        result.totals.intended = 1_000;
        result.totals.unsent = 10;
        result.totals.sent = 990;
        // A duplicate must not cancel a loss: what counts is unique.
        result.totals.received = Some(990);
        result.totals.unique = Some(980);
        result.verdict.valid = true;
        result.verdict.reasons.clear();
        result
    }

    fn trial() -> Trial {
        Trial::lasting(Load::from_pps(1_000), Nanos::SECOND)
    }

    #[test]
    fn unsent_and_lost_frames_count_and_duplicates_do_not() {
        let outcome = outcome(trial(), &result(), Nanos::SECOND);
        assert_eq!((outcome.intended, outcome.sent, outcome.received), (1_000, 990, 980));
        assert_eq!((outcome.lost(), outcome.invalid), (20, None));
    }

    #[test]
    fn an_invalid_run_is_an_invalid_trial_with_its_reasons() {
        let mut result = result();
        result.verdict.valid = false;
        let reason = |message: &str| Reason { code: "a".into(), message: message.into() };
        result.verdict.reasons = vec![reason("it was late"), reason("it dropped")];
        let outcome = outcome(trial(), &result, Nanos::SECOND);
        assert_eq!(outcome.invalid.as_deref(), Some("it was late; it dropped"));
        let key = Key { test: "throughput".into(), size: "64".into() };
        let kept = record(&key, &outcome, &result);
        assert_eq!(kept.invalid, outcome.invalid);
        assert!(kept.latency_ns.iter().all(|latency| latency.histogram.is_none()));
    }

    #[test]
    fn a_trial_that_nobody_watched_proves_nothing() {
        let mut result = result();
        result.totals.unique = None;
        let outcome = outcome(trial(), &result, Nanos::SECOND);
        assert_eq!(outcome.invalid.as_deref(), Some("nothing receives"));
    }
}
