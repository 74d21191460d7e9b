//! From the result of one trial to what a search has to know of it.

use crate::profile::benchmark::Kind;
use crate::report::benchmark::TrialResult;
use crate::report::model::{PauseResult, Percentiles, RunResult, Totals};
use crate::search::{Outcome, Trial};
use crate::units::Nanos;

/// Which test and size a trial belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The test's name.
    pub test: String,
    /// The sizes' name.
    pub size: String,
    /// The modifier's name. None: it is made without one.
    pub modifier: Option<String>,
}

/// Counts of the streams that are to arrive: those of a modifier beside them are not searched for.
struct Counted {
    intended: u64,
    unsent: u64,
    sent: u64,
    unique: Option<u64>,
    lost: Option<u64>,
    duplicated: Option<u64>,
    reordered: Option<u64>,
}

impl Counted {
    fn of(result: &RunResult) -> Self {
        let of = |totals: &Totals| Self {
            intended: totals.intended,
            unsent: totals.unsent,
            sent: totals.sent,
            unique: totals.unique,
            lost: totals.lost,
            duplicated: totals.duplicated,
            reordered: totals.reordered,
        };
        if result.streams.iter().all(|stream| stream.to.is_some()) {
            return of(&result.totals);
        }
        let none = Self {
            intended: 0,
            unsent: 0,
            sent: 0,
            unique: Some(0),
            lost: Some(0),
            duplicated: Some(0),
            reordered: Some(0),
        };
        let both = |sum: Option<u64>, one: Option<u64>| sum.zip(one).map(|(sum, one)| sum + one);
        let streams = result.streams.iter().filter(|stream| stream.to.is_some());
        streams.map(|stream| of(&stream.counts)).fold(none, |sum, one| Self {
            intended: sum.intended + one.intended,
            unsent: sum.unsent + one.unsent,
            sent: sum.sent + one.sent,
            unique: both(sum.unique, one.unique),
            lost: both(sum.lost, one.lost),
            duplicated: both(sum.duplicated, one.duplicated),
            reordered: both(sum.reordered, one.reordered),
        })
    }
}

/// What the search learns. What makes a run INVALID makes the trial prove nothing.
pub fn outcome(trial: Trial, result: &RunResult, spent: Nanos) -> Outcome {
    let counted = Counted::of(result);
    Outcome {
        trial,
        intended: counted.intended,
        sent: counted.sent,
        received: counted.unique.unwrap_or(0),
        invalid: why_invalid(result, &counted),
        spent,
    }
}

fn why_invalid(result: &RunResult, counted: &Counted) -> Option<String> {
    if !result.verdict.valid {
        let reasons: Vec<&str> =
            result.verdict.reasons.iter().map(|reason| reason.message.as_str()).collect();
        return Some(match reasons.is_empty() {
            true => "the run is not valid".to_owned(),
            false => reasons.join("; "),
        });
    }
    counted.unique.is_none().then(|| "nothing receives".to_owned())
}

/// What the result keeps of the trial.
pub fn record(
    key: &Key,
    outcome: &Outcome,
    result: &RunResult,
    down: Option<Nanos>,
) -> TrialResult {
    let counted = Counted::of(result);
    let measured = || result.streams.iter().filter(|stream| stream.to.is_some());
    // A distribution for each of thousands of trials is more than anybody reads.
    let whole = key.test.starts_with(Kind::Latency.name());
    let latency = measured().filter_map(|stream| {
        let latency = stream.latency_ns.clone()?;
        Some(if whole { latency } else { Percentiles { histogram: None, ..latency } })
    });
    TrialResult {
        test: key.test.clone(),
        size: key.size.clone(),
        modifier: key.modifier.clone(),
        load_fps: outcome.trial.load.pps(),
        duration_s: outcome.trial.duration().as_secs_f64(),
        intended: counted.intended,
        unsent: counted.unsent,
        sent: counted.sent,
        received: counted.unique,
        lost: counted.lost,
        duplicated: counted.duplicated,
        reordered: counted.reordered,
        invalid: outcome.why_invalid(),
        schedule_lag_max_ns: result.schedule_lag_max_ns,
        tx_pps: result.totals.tx_pps,
        latency_ns: latency.collect(),
        ipdv_ns: measured().filter_map(|stream| stream.ipdv_ns).collect(),
        lost_by_stream: measured().map(|stream| stream.counts.lost).collect(),
        pause: common_pause(result),
        last_s: measured().filter_map(|stream| stream.last_s).max_by(f64::total_cmp),
        down_s: down.map(Nanos::as_secs_f64),
        spent_s: outcome.spent.as_secs_f64(),
    }
}

/// The time in which none of the streams had an arrival. None where there is none.
fn common_pause(result: &RunResult) -> Option<PauseResult> {
    let mut pauses = result
        .streams
        .iter()
        .filter(|stream| stream.counts.unique.is_some_and(|unique| unique > 1))
        .map(|stream| stream.longest_pause);
    let first = pauses.next()??;
    pauses.try_fold(first, |common, pause| {
        let pause = pause?;
        let begin_s = common.begin_s.max(pause.begin_s);
        let end_s = common.end_s.min(pause.end_s);
        (begin_s < end_s).then_some(PauseResult { begin_s, end_s })
    })
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
        let key = Key { test: "throughput".into(), size: "64".into(), modifier: None };
        let kept = record(&key, &outcome, &result, None);
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
