//! Benchmarks against benchmarks: what each found at a size, value by value.

use super::metrics::metric;
use super::{Comparison, Metric, Side, Unit, reason};
use crate::report::benchmark::{BenchmarkResult, SizeResult};
use crate::report::model::Reason;
use crate::search::latency::OverRepeats;

/// A result and the file that it came from.
#[derive(Clone, Debug)]
pub struct BenchmarkRun {
    /// The file.
    pub file: String,
    /// Its content.
    pub result: BenchmarkResult,
}

/// A value of a size.
struct OfSize {
    name: &'static str,
    unit: Unit,
    more_is_better: bool,
    value: fn(&SizeResult) -> Option<f64>,
}

fn median(over: Option<&OverRepeats>) -> Option<f64> {
    over.map(|over| over.median)
}

/// Latencies are those of the first load.
const VALUES: [OfSize; 10] = [
    OfSize {
        name: "throughput",
        unit: Unit::PacketRate,
        more_is_better: true,
        value: |size| size.throughput.first().map(|found| found.fps),
    },
    OfSize {
        name: "latency p50",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| median(size.latency.first()?.p50_ns.as_ref()),
    },
    OfSize {
        name: "latency p99",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| median(size.latency.first()?.p99_ns.as_ref()),
    },
    OfSize {
        name: "latency p99.9",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| median(size.latency.first()?.p99_9_ns.as_ref()),
    },
    OfSize {
        name: "PDV",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| median(size.latency.first()?.pdv_ns.as_ref()),
    },
    OfSize {
        name: "loss at the highest load",
        unit: Unit::Share,
        more_is_better: false,
        value: |size| size.frame_loss.first().map(|point| point.loss_ratio),
    },
    OfSize {
        name: "back-to-back frames",
        unit: Unit::Count,
        more_is_better: true,
        value: |size| size.back_to_back.as_ref().map(|found| found.mean),
    },
    OfSize {
        name: "corrected buffer time",
        unit: Unit::Time,
        more_is_better: true,
        value: |size| size.back_to_back.as_ref()?.corrected_s.map(|time| time * 1e9),
    },
    OfSize {
        name: "recovery time",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| {
            let times = &size.system_recovery.as_ref()?.recovery_s;
            times.iter().copied().max_by(f64::total_cmp).map(|time| time * 1e9)
        },
    },
    OfSize {
        name: "reset time by loss",
        unit: Unit::Time,
        more_is_better: false,
        value: |size| size.reset.as_ref()?.by_loss_s.as_ref().map(|over| over.mean * 1e9),
    },
];

impl Comparison {
    /// Compares repeats of a benchmark. What is not valid is left out where its side has another. None
    /// where a side has no result at all.
    pub fn of_benchmarks(
        baseline: Vec<BenchmarkRun>,
        candidate: Vec<BenchmarkRun>,
    ) -> Option<Self> {
        let mut warnings = Vec::new();
        let (baseline, one) = usable(baseline, "baseline", &mut warnings);
        let (candidate, other) = usable(candidate, "candidate", &mut warnings);
        let first = baseline.first()?.clone();
        let second = candidate.first()?.clone();
        differences(&first, baseline.iter().chain(&candidate), &mut warnings);
        Some(Self {
            metrics: metrics(&first.result, &baseline, &candidate),
            latencies: Vec::new(),
            warnings,
            valid: one && other,
            baseline: side(&baseline, &first),
            candidate: side(&candidate, &second),
        })
    }
}

fn side(runs: &[BenchmarkRun], first: &BenchmarkRun) -> Side {
    Side {
        used: runs.iter().map(|run| run.file.clone()).collect(),
        profile: first.result.profile.clone(),
    }
}

fn metrics(
    first: &BenchmarkResult,
    baseline: &[BenchmarkRun],
    candidate: &[BenchmarkRun],
) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for size in &first.sizes {
        let name = format!("size {}", size.label());
        for of in &VALUES {
            let values = |runs: &[BenchmarkRun]| {
                let value = |run: &BenchmarkRun| {
                    let sizes = &run.result.sizes;
                    (of.value)(sizes.iter().find(|other| other.label() == size.label())?)
                };
                runs.iter().map(value).collect::<Option<Vec<f64>>>()
            };
            let sides = (values(baseline), values(candidate));
            metrics.extend(metric(Some(&name), of.name, of.unit, of.more_is_better, sides));
        }
    }
    metrics
}

fn usable(
    runs: Vec<BenchmarkRun>,
    side: &str,
    warnings: &mut Vec<Reason>,
) -> (Vec<BenchmarkRun>, bool) {
    let is_valid = |run: &BenchmarkRun| run.result.verdict.valid && !run.result.incomplete;
    let (valid, invalid): (Vec<BenchmarkRun>, Vec<BenchmarkRun>) =
        runs.into_iter().partition(is_valid);
    let names: Vec<&str> = invalid.iter().map(|run| run.file.as_str()).collect();
    let names = names.join(", ");
    if valid.is_empty() {
        let text = format!("no benchmark of the {side} is valid and complete: {names}");
        warnings.push(reason("no_valid_run", text));
        return (invalid, false);
    }
    if !invalid.is_empty() {
        let text = format!("of the {side}, not valid or not complete, and left out: {names}");
        warnings.push(reason("left_out", text));
    }
    (valid, true)
}

/// A name and how to find it in a result.
type Named = (&'static str, fn(&BenchmarkResult) -> &str);

/// What differs beside the device.
fn differences<'a>(
    first: &BenchmarkRun,
    all: impl Iterator<Item = &'a BenchmarkRun> + Clone,
    warnings: &mut Vec<Reason>,
) {
    let named: [Named; 4] = [
        ("engine", |result| &result.engine),
        ("kernel", |result| &result.environment.kernel),
        ("CPU", |result| &result.environment.cpu),
        ("wirestorm", |result| &result.environment.wirestorm),
    ];
    for (name, value) in named {
        let one = value(&first.result);
        let Some(run) = all.clone().find(|run| value(&run.result) != one) else { continue };
        let other = value(&run.result);
        let text = format!("{name}: {one:?} in {}, {other:?} in {}", first.file, run.file);
        warnings.push(reason("environment_differs", text));
    }
    let yaml = &first.result.profile_yaml;
    if let Some(run) = all.clone().find(|run| run.result.profile_yaml != *yaml) {
        let text = format!("{} and {} ran different profiles", first.file, run.file);
        warnings.push(reason("profile_differs", text));
    }
}
