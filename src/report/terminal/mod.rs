//! The result for people, on a terminal: the verdict first, then what it rests on.

pub(in crate::report) mod benchmark;
mod calibration;
mod compare;
mod datagrams;
mod environment;
mod ledger;
mod paint;
mod section;
mod streams;
pub(in crate::report) mod study;
mod table;
mod verdict;

pub use table::{Align, Cell, Table};

use super::benchmark::BenchmarkResult;
use super::calibration::Calibration;
use super::compare::Comparison;
use super::model::RunResult;
use super::study::StudyResult;

/// What the terminal can show. The caller decides, by `NO_COLOR`, by the terminal, by `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Use colours (ECMA-48).
    pub color: bool,
    /// Columns of a line. Lines are longer only where a single number is.
    pub width: u16,
}

impl Style {
    /// For files and pipes: no colour, 100 columns.
    pub const PLAIN: Self = Self { color: false, width: 100 };
}

/// The whole report. Values that were not measured are `–`, never 0.
pub fn render(result: &RunResult, style: Style) -> String {
    section::joined([
        verdict::render(result, style),
        verdict::warnings(result, style),
        streams::counts(result, style),
        datagrams::render(result, style),
        streams::rates(result, style),
        streams::latency(result, style),
        streams::gaps(result, style),
        ledger::stages(result, style),
        ledger::witnesses(result, style),
        ledger::overload(result, style),
        environment::render(result, style),
    ])
}

/// The table of a calibration.
pub fn render_calibration(calibration: &Calibration, style: Style) -> String {
    calibration::render(calibration, style)
}

/// A benchmark.
pub fn render_benchmark(result: &BenchmarkResult, style: Style) -> String {
    benchmark::render(result, style)
}

/// The verdict on a benchmark with its reasons, and the throughputs: what `--quiet` leaves.
pub fn render_benchmark_verdict(result: &BenchmarkResult, style: Style) -> String {
    benchmark::verdict(result, style)
}

/// A fragmentation study.
pub fn render_study(result: &StudyResult, style: Style) -> String {
    study::render(result, style)
}

/// The verdict on a study with its reasons: what `--quiet` leaves.
pub fn render_study_verdict(result: &StudyResult, style: Style) -> String {
    study::verdict(result, style)
}

/// A comparison of runs.
pub fn render_comparison(comparison: &Comparison, style: Style) -> String {
    compare::render(comparison, style)
}

/// The verdict with its reasons alone: what `--quiet` leaves of the report.
pub fn render_verdict(result: &RunResult, style: Style) -> String {
    verdict::render(result, style)
}
