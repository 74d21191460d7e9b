//! Progress of a benchmark: which search, which trial, what is known, how long it takes yet.

use std::io::{self, Write};

use super::format::{count, rate, seconds};
use super::progress::{Mode, Progress, Snapshot};
use crate::benchmark::outcome::Key;
use crate::benchmark::suite::Shown;
use crate::report::benchmark::TrialResult;
use crate::search::{BoundUnit, Bounds, Progress as Known, Trial};
use crate::trial;
use crate::units::Nanos;

/// The progress of one benchmark, on standard error.
#[derive(Debug)]
pub struct SuiteProgress {
    mode: Mode,
    trial: Option<Progress>,
    last: trial::Snapshot,
}

impl SuiteProgress {
    /// Nothing is shown yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, trial: None, last: trial::Snapshot::default() }
    }

    /// Shows what happens. That standard error cannot be written to does not end a benchmark.
    pub fn update(&mut self, shown: &Shown<'_>) {
        if self.mode == Mode::Quiet {
            return;
        }
        match shown {
            Shown::Begins { key, searches, later, progress, trial } => {
                let line = begins(key, *searches, *later, progress, trial);
                let _ = writeln!(io::stderr(), "{line}");
                let total = trial.duration().0;
                self.trial = Some(Progress::new(total, self.mode));
                self.last = trial::Snapshot::default();
            }
            Shown::Runs(now) => {
                let span = now.elapsed.saturating_sub(self.last.elapsed).max(1) as f64 / 1e9;
                let per_second = |now: u64, last: u64| now.saturating_sub(last) as f64 / span;
                let snapshot = Snapshot {
                    elapsed_ns: now.elapsed,
                    sent: now.sent,
                    received: now.received,
                    tx_pps: per_second(now.sent, self.last.sent),
                    rx_pps: now
                        .received
                        .map(|received| per_second(received, self.last.received.unwrap_or(0))),
                    lag_ns: (now.max_lag > 0).then_some(now.max_lag),
                };
                self.last = **now;
                if let Some(trial) = &mut self.trial {
                    trial.update(&snapshot);
                }
            }
            Shown::Ends(trial) => {
                self.finish();
                let _ = writeln!(io::stderr(), "  {}", ends(trial));
            }
        }
    }

    /// Ends the display.
    pub fn finish(&mut self) {
        self.trial = None;
    }
}

/// `throughput, size 64 (1 of 3), trial 4: 5000 pps for 1.000 s; 4.000 kpps to 6.000 kpps; about 12 s
/// left of this search, 1 min of all`.
fn begins(
    key: &Key,
    (over, all): (usize, usize),
    later: Nanos,
    progress: &Known,
    trial: &Trial,
) -> String {
    let known: Vec<String> = progress.bounds.iter().filter_map(bounds).collect();
    let known = if known.is_empty() { String::new() } else { format!("; {}", known.join(", ")) };
    let with = key.modifier.as_ref().map_or_else(String::new, |name| format!(" with {name}"));
    let left = match over + 1 < all {
        true => format!(", {} of all", span(progress.time_left.0.saturating_add(later.0))),
        false => String::new(),
    };
    format!(
        "{}, size {}{with} ({} of {all}), trial {}: {trial}{known}; about {} left of this search{left}",
        key.test,
        key.size,
        over + 1,
        progress.trials + 1,
        span(progress.time_left.0),
    )
}

/// A time as one plans by it: seconds below two minutes, then minutes, hours, days.
fn span(nanos: u64) -> String {
    let all = nanos as f64 / 1e9;
    match all {
        s if s < 120.0 => seconds(s),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

/// What is known, in a few words; None where nothing is.
pub fn bounds(bounds: &Bounds) -> Option<String> {
    let show = |value: f64| match bounds.unit {
        BoundUnit::PacketsPerSecond => rate(value, "pps"),
        BoundUnit::Frames => format!("{} frames", count(value as u64)),
    };
    match (bounds.lower, bounds.upper) {
        (None, None) => None,
        (Some(lower), None) => Some(format!("at least {}", show(lower))),
        (None, Some(upper)) => Some(format!("below {}", show(upper))),
        (Some(lower), Some(upper)) => Some(format!("{} to {}", show(lower), show(upper))),
    }
}

/// What a trial found, in a few words.
pub fn ends(trial: &TrialResult) -> String {
    if let Some(why) = &trial.invalid {
        return format!("INVALID: {why}");
    }
    let lost = trial.lost.unwrap_or(0) + trial.unsent;
    match lost {
        0 => format!("{} frames, none lost", count(trial.intended)),
        _ => format!("{} of {} frames lost", count(lost), count(trial.intended)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Load, Outcome};

    #[test]
    fn a_line_says_size_trial_bounds_and_time_left() {
        let progress = Known {
            trials: 3,
            invalid: 0,
            spent: Nanos(9_000_000_000),
            bounds: vec![Bounds {
                unit: BoundUnit::PacketsPerSecond,
                lower: Some(4_000.0),
                upper: Some(6_000.0),
            }],
            trials_left: 4,
            time_left: Nanos(12_000_000_000),
        };
        let key = Key { test: "throughput".into(), size: "64".into(), modifier: None };
        let trial = Trial::lasting(Load::from_pps(5_000), Nanos::SECOND);
        insta::assert_snapshot!(
            begins(&key, (0, 3), Nanos(300_000_000_000), &progress, &trial),
            @"throughput, size 64 (1 of 3), trial 4: 5000 pps for 1.000 s; 4.000 kpps to 6.000 kpps; about 12.00 s left of this search, 5 min of all"
        );
    }

    #[test]
    fn a_trial_that_proves_nothing_is_never_shown_as_a_loss() {
        let trial = Trial::lasting(Load::from_pps(10), Nanos::SECOND);
        let outcome = Outcome {
            trial,
            intended: 10,
            sent: 5,
            received: 5,
            invalid: Some("it was late".into()),
            spent: Nanos::SECOND,
        };
        let text = include_str!("../../docs/example-result.json");
        let result = serde_json::from_str(text).expect("the example is a result");
        let key = Key { test: "throughput".into(), size: "64".into(), modifier: None };
        let kept = crate::benchmark::outcome::record(&key, &outcome, &result, None);
        assert_eq!(ends(&kept), "INVALID: it was late");
    }
}
