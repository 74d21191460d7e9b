//! Runs against runs: repeats of a baseline and of a candidate, value by value.
//!
//! Values above 0 are compared by the ratio of their geometric means, with Welch's interval on the
//! logarithms; where a value is 0 there is no ratio, and the difference of the means stands instead.
//! One run a side has no interval, and none is claimed.

pub mod benchmarks;
pub mod json;
mod metrics;
pub mod statistics;

use hdrhistogram::Histogram;

use super::format::{count, nanos, percent_of, rate};
use super::histogram;
use super::model::{Percentiles, Reason, RunResult};
use super::statement::Tone;

/// A result and the file that it came from.
#[derive(Clone, Debug)]
pub struct Run {
    /// The file.
    pub file: String,
    /// Its content.
    pub result: RunResult,
}

/// A comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the candidate is compared with.
    pub baseline: Side,
    /// What is compared.
    pub candidate: Side,
    /// Every value that both sides have.
    pub metrics: Vec<Metric>,
    /// What makes the sides differ beside the device, and what was left out.
    pub warnings: Vec<Reason>,
    /// Both sides have a valid run. Without, the values are of runs that say nothing certain.
    pub valid: bool,
    /// Latencies of the streams that both sides have, all used runs of a side together.
    pub latencies: Vec<Latencies>,
}

/// Repeats of one thing.
#[derive(Clone, Debug)]
pub struct Side {
    /// The files whose values are used.
    pub used: Vec<String>,
    /// The profile of the first of them.
    pub profile: String,
}

/// A value of both sides.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The stream; None: all together.
    pub stream: Option<String>,
    /// What it is: `latency p99`.
    pub name: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// Whether more is better.
    pub more_is_better: bool,
    /// The mean of the baseline: geometric where a ratio is given.
    pub baseline: f64,
    /// The mean of the candidate.
    pub candidate: f64,
    /// From the baseline to the candidate.
    pub change: Change,
}

/// What the numbers of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Packets per second.
    PacketRate,
    /// Fractions from 0 to 1.
    Share,
    /// Nanoseconds.
    Time,
    /// Packets.
    Count,
}

/// From one mean to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// candidate / baseline, and its confidence interval.
    Ratio(f64, Option<(f64, f64)>),
    /// candidate − baseline, and its confidence interval.
    Difference(f64, Option<(f64, f64)>),
}

/// What an interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The whole interval is on the better side.
    Better,
    /// The whole interval is on the worse side.
    Worse,
    /// The interval holds no change.
    Undecided,
    /// There is no interval.
    NotJudged,
}

/// The latency of one stream on both sides.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// The stream.
    pub stream: String,
    /// All used runs of the baseline, and their largest value.
    pub baseline: (Histogram<u64>, u64),
    /// All used runs of the candidate, and their largest value.
    pub candidate: (Histogram<u64>, u64),
}

impl Unit {
    /// A value with its unit; nothing above 0 is shown as 0.
    pub fn show(self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "" };
        let size = value.abs();
        let text = match self {
            Self::PacketRate => rate(size, "pps"),
            Self::Share => percent_of(size),
            Self::Time => nanos(size),
            Self::Count if size.fract() == 0.0 => count(size as u64),
            Self::Count => format!("{size:.2}"),
        };
        format!("{sign}{text}")
    }
}

impl Change {
    /// As it is shown: `1.042×`, `+0.3 %`.
    pub fn show(self, unit: Unit) -> String {
        match self {
            Self::Ratio(ratio, _) => times(ratio),
            Self::Difference(difference, _) => signed(unit, difference),
        }
    }

    /// The interval as it is shown, with its unit once; None where there is none.
    pub fn show_interval(self, unit: Unit) -> Option<String> {
        let (low, high) = match self {
            Self::Ratio(_, interval) => interval.map(|(low, high)| (times(low), times(high)))?,
            Self::Difference(_, interval) => {
                interval.map(|(low, high)| (signed(unit, low), signed(unit, high)))?
            }
        };
        match (low.rsplit_once(' '), high.rsplit_once(' ')) {
            (Some((digits, one)), Some((_, other))) if one == other => {
                Some(format!("{digits} – {high}"))
            }
            _ => Some(format!("{low} – {high}")),
        }
    }
}

/// A ratio with four significant digits; near 1 with two of what it differs from 1, so that a small
/// change is not shown as none.
fn times(ratio: f64) -> String {
    let off = (ratio - 1.0).abs();
    let decimals = match ratio {
        _ if off > 0.0 && off < 0.01 => (1.0 - off.log10().floor()).min(9.0) as usize,
        r if r >= 1_000.0 => 0,
        r if r >= 100.0 => 1,
        r if r >= 10.0 => 2,
        r if r >= 0.1 || r == 0.0 => 3,
        r if r >= 1e-4 => (2.0 - r.log10().floor()) as usize,
        r => return format!("{r:.2e}×"),
    };
    format!("{ratio:.decimals$}×")
}

fn signed(unit: Unit, value: f64) -> String {
    let unit_text = unit.show(value);
    // Of percentages the difference is in percentage points.
    let text = if unit == Unit::Share { unit_text.replace('%', "points") } else { unit_text };
    if value > 0.0 { format!("+{text}") } else { text }
}

impl Metric {
    /// What its interval says.
    pub fn judgement(&self) -> Judgement {
        let (interval, none) = match self.change {
            Change::Ratio(_, interval) => (interval, 1.0),
            Change::Difference(_, interval) => (interval, 0.0),
        };
        match interval {
            None => Judgement::NotJudged,
            Some((low, _)) if low > none => Judgement::of(self.more_is_better),
            Some((_, high)) if high < none => Judgement::of(!self.more_is_better),
            Some(_) => Judgement::Undecided,
        }
    }
}

impl Judgement {
    fn of(better: bool) -> Self {
        if better { Self::Better } else { Self::Worse }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Undecided => "undecided",
            Self::NotJudged => "–",
        }
    }

    /// How it looks.
    pub fn tone(self) -> Tone {
        match self {
            Self::Better => Tone::Good,
            Self::Worse => Tone::Bad,
            Self::Undecided | Self::NotJudged => Tone::Plain,
        }
    }
}

impl Comparison {
    /// Compares repeats of a candidate with repeats of a baseline. A run that is not valid, or not
    /// complete, is left out where its side has another. None where a side has no run at all.
    pub fn of(baseline: Vec<Run>, candidate: Vec<Run>) -> Option<Self> {
        let mut warnings = Vec::new();
        let (baseline, one) = usable(baseline, "baseline", &mut warnings);
        let (candidate, other) = usable(candidate, "candidate", &mut warnings);
        let (first, second) = (baseline.first()?, candidate.first()?);
        differences(first, second, &baseline, &candidate, &mut warnings);
        let metrics = metrics::all(&baseline, &candidate);
        rates_differ(&metrics, &mut warnings);
        Some(Self {
            latencies: latencies(&baseline, &candidate),
            metrics,
            warnings,
            valid: one && other,
            baseline: Side::of(&baseline, first),
            candidate: Side::of(&candidate, second),
        })
    }

    /// The comparison in a sentence.
    pub fn sentence(&self) -> String {
        let of = |wanted: Judgement| {
            self.metrics.iter().filter(|metric| metric.judgement() == wanted).count()
        };
        let judged = self.metrics.len() - of(Judgement::NotJudged);
        if judged == 0 {
            return "no confidence interval can be given, so no value is called better or worse; \
                    repeat the runs, at least twice a side, better five times"
                .to_owned();
        }
        format!(
            "of {judged} values with a 95 % confidence interval {} are better, {} are worse, and {} \
             are undecided",
            of(Judgement::Better),
            of(Judgement::Worse),
            of(Judgement::Undecided)
        )
    }

    /// What the intervals are, and what they are not.
    pub const METHOD: &str = "Ratio: candidate / baseline, of geometric means over the repeats; the \
        interval is Welch's at 95 % on the logarithms. Where a value is 0 there is no ratio, and the \
        difference of the means stands instead. Undecided: the interval holds \
        no change. Each interval is for itself: of twenty values \
        without a change, one is expected outside by chance.";
}

impl Side {
    fn of(runs: &[Run], first: &Run) -> Self {
        Self {
            used: runs.iter().map(|run| run.file.clone()).collect(),
            profile: first.result.profile.clone(),
        }
    }
}

/// The runs to use, and whether they are valid.
fn usable(runs: Vec<Run>, side: &str, warnings: &mut Vec<Reason>) -> (Vec<Run>, bool) {
    let is_valid = |run: &Run| run.result.verdict.valid && !run.result.incomplete;
    let (valid, invalid): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(is_valid);
    let names: Vec<&str> = invalid.iter().map(|run| run.file.as_str()).collect();
    let names = names.join(", ");
    if valid.is_empty() {
        warnings.push(reason(
            "no_valid_run",
            format!("no run of the {side} is valid and complete: {names}"),
        ));
        return (invalid, false);
    }
    if !invalid.is_empty() {
        warnings.push(reason(
            "left_out",
            format!("of the {side}, not valid or not complete, and left out: {names}"),
        ));
    }
    (valid, true)
}

fn reason(code: &str, message: String) -> Reason {
    Reason { code: code.to_owned(), message }
}

/// A name and how to find it in a result.
type Named = (&'static str, fn(&RunResult) -> &str);

/// What differs between the sides, or within one, beside the device.
fn differences(
    first: &Run,
    second: &Run,
    baseline: &[Run],
    candidate: &[Run],
    warnings: &mut Vec<Reason>,
) {
    let named: [Named; 5] = [
        ("engine", |result| &result.engine),
        ("receive", |result| &result.receive_detail),
        ("kernel", |result| &result.environment.kernel),
        ("CPU", |result| &result.environment.cpu),
        ("wirestorm", |result| &result.environment.wirestorm),
    ];
    let all = || baseline.iter().chain(candidate);
    for (name, value) in named {
        let one = value(&first.result);
        let Some(run) = all().find(|run| value(&run.result) != one) else { continue };
        let other = value(&run.result);
        warnings.push(reason(
            "environment_differs",
            format!("{name}: {:?} in {}, {:?} in {}", one, first.file, other, run.file),
        ));
    }
    if let Some(run) = all().find(|run| run.result.profile_yaml != first.result.profile_yaml) {
        warnings.push(reason(
            "profile_differs",
            format!("{} and {} ran different profiles", first.file, run.file),
        ));
    }
    let streams = |run: &Run| -> Vec<String> {
        run.result.streams.iter().map(|stream| stream.name.clone()).collect()
    };
    if streams(first) != streams(second) {
        warnings.push(reason(
            "streams_differ",
            "the sides have different streams; those that both have are compared".to_owned(),
        ));
    }
}

/// Latencies under different loads are not the same quantity.
fn rates_differ(metrics: &[Metric], warnings: &mut Vec<Reason>) {
    let sent = metrics.iter().find(|metric| metric.stream.is_none() && metric.name == "sent");
    if let Some(Metric { change: Change::Ratio(ratio, _), .. }) = sent
        && (ratio - 1.0).abs() > 0.01
    {
        warnings.push(reason(
            "load_differs",
            format!(
                "the candidate was sent {} of the baseline's packets per second: latencies and \
                 losses under different loads are not the device's difference alone",
                times(*ratio)
            ),
        ));
    }
}

fn latencies(baseline: &[Run], candidate: &[Run]) -> Vec<Latencies> {
    let names = baseline.first().map(|run| &run.result.streams).into_iter().flatten();
    names
        .filter_map(|stream| {
            Some(Latencies {
                stream: stream.name.clone(),
                baseline: together(baseline, &stream.name)?,
                candidate: together(candidate, &stream.name)?,
            })
        })
        .collect()
}

/// The latencies of a stream in all runs. None where a run has no whole distribution.
fn together(runs: &[Run], stream: &str) -> Option<(Histogram<u64>, u64)> {
    let mut all: Option<(Histogram<u64>, u64)> = None;
    for run in runs {
        let values: &Percentiles =
            run.result.streams.iter().find(|s| s.name == stream)?.latency_ns.as_ref()?;
        let histogram = histogram::decode(values)?;
        all = match all {
            None => Some((histogram, values.max)),
            Some((mut sum, max)) => {
                sum.add(&histogram).ok()?;
                Some((sum, max.max(values.max)))
            }
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change_is_not_shown_as_none() {
        assert_eq!(times(1.0), "1.000×");
        assert_eq!(times(1.000_012_3), "1.000012×");
        assert_eq!(times(0.994_2), "0.9942×");
        assert_eq!(times(1.042), "1.042×");
        assert_eq!(times(12.345), "12.35×");
        assert_eq!(times(0.01), "0.0100×");
        assert_eq!(times(0.000_123_4), "0.000123×");
        assert_eq!(times(0.000_012_34), "1.23e-5×");
    }

    #[test]
    fn differences_of_shares_are_in_points() {
        let change = Change::Difference(0.000_174_37, Some((-0.000_1, 0.000_4)));
        assert_eq!(change.show(Unit::Share), "+0.01744 points");
        assert_eq!(change.show_interval(Unit::Share).as_deref(), Some("-0.01 – +0.04 points"));
    }
}
