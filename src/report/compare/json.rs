//! A comparison for programs: `wirestorm.comparison/1`.

use std::io::Write;

use serde::Serialize;

use super::{Change, Comparison, Judgement, Metric, Side, Unit};
use crate::report::model::Reason;

/// The version of the format.
pub const SCHEMA: &str = "wirestorm.comparison/1";

/// The JSON Schema of it.
pub const JSON_SCHEMA: &str = include_str!("../../../docs/comparison.schema.json");

#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    valid: bool,
    baseline: Repeats<'a>,
    candidate: Repeats<'a>,
    metrics: Vec<Value<'a>>,
    warnings: &'a [Reason],
    method: &'static str,
}

#[derive(Serialize)]
struct Repeats<'a> {
    profile: &'a str,
    files: &'a [String],
}

#[derive(Serialize)]
struct Value<'a> {
    of: Option<&'a str>,
    name: &'a str,
    unit: &'static str,
    more_is_better: bool,
    baseline: f64,
    candidate: f64,
    ratio: Option<f64>,
    difference: Option<f64>,
    interval: Option<[f64; 2]>,
    judgement: &'static str,
}

/// Writes the comparison as indented JSON with a newline at the end.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn to_writer(comparison: &Comparison, out: &mut dyn Write) -> std::io::Result<()> {
    let written = Written {
        schema: SCHEMA,
        valid: comparison.valid,
        baseline: repeats(&comparison.baseline),
        candidate: repeats(&comparison.candidate),
        metrics: comparison.metrics.iter().map(value).collect(),
        warnings: &comparison.warnings,
        method: Comparison::METHOD,
    };
    serde_json::to_writer_pretty(&mut *out, &written)?;
    out.write_all(b"\n")
}

fn repeats(side: &Side) -> Repeats<'_> {
    Repeats { profile: &side.profile, files: &side.used }
}

fn value(metric: &Metric) -> Value<'_> {
    let pair = |(low, high): (f64, f64)| [low, high];
    let (ratio, difference, interval) = match metric.change {
        Change::Ratio(ratio, interval) => (Some(ratio), None, interval),
        Change::Difference(difference, interval) => (None, Some(difference), interval),
    };
    Value {
        of: metric.stream.as_deref(),
        name: metric.name,
        unit: match metric.unit {
            Unit::PacketRate => "packets per second",
            Unit::Share => "fraction",
            Unit::Time => "nanoseconds",
            Unit::Count => "packets",
        },
        more_is_better: metric.more_is_better,
        baseline: metric.baseline,
        candidate: metric.candidate,
        ratio,
        difference,
        interval: interval.map(pair),
        judgement: match metric.judgement() {
            Judgement::Better => "better",
            Judgement::Worse => "worse",
            Judgement::Undecided => "undecided",
            Judgement::NotJudged => "not_judged",
        },
    }
}
