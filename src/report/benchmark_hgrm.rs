//! The latency distributions of a benchmark for HdrHistogram's own tools: `latency.hlog` with an
//! interval for every valid trial of a latency test, and for every size and load a percentile spectrum
//! over all its repeats. See [`super::hgrm`].

use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::benchmark::{BenchmarkResult, TrialResult};
use super::hgrm::{Interval, Moments, interval_log, spectrum, unique_names};
use super::{file, format, histogram};
use crate::error::Result;

/// All repeats of a latency test at one size, modifier and load; of one stream.
struct Series {
    name: String,
    of: (String, String, Option<String>, usize),
    histogram: Histogram<u64>,
    /// Count, sum and largest, exact.
    count: u64,
    sum: f64,
    largest: u64,
}

/// Writes them into `dir`, which is made where it is missing. An interval's time is that of its trial,
/// counted from the start of the benchmark with what the trials before it took.
///
/// # Errors
/// When a file cannot be written; it is named.
pub fn write(result: &BenchmarkResult, dir: &Path) -> Result<()> {
    let mut series: Vec<Series> = Vec::new();
    let mut kept: Vec<(usize, Histogram<u64>, Duration, Duration)> = Vec::new();
    let mut ended = 0.0;
    for trial in &result.trials {
        ended += trial.spent_s;
        let begin = seconds(ended - trial.duration_s);
        if trial.invalid.is_some() {
            continue;
        }
        for (stream, percentiles) in trial.latency_ns.iter().enumerate() {
            let Some(histogram) = histogram::decode(percentiles) else { continue };
            let of = (trial.test.clone(), trial.size.clone(), trial.modifier.clone(), stream);
            let at = match series.iter().position(|known| known.of == of) {
                Some(at) => at,
                None => {
                    series.push(Series::new(name(result, trial, stream), of));
                    series.len() - 1
                }
            };
            let all = &mut series[at];
            if all.histogram.add(&histogram).is_err() {
                continue;
            }
            all.count += percentiles.count;
            all.sum += percentiles.mean * percentiles.count as f64;
            all.largest = all.largest.max(percentiles.max);
            kept.push((at, histogram, begin, seconds(trial.duration_s)));
        }
    }
    file::create_dir(dir)?;
    let names = unique_names(series.iter().map(|one| one.name.as_str()));
    let intervals = kept
        .into_iter()
        .map(|(at, histogram, begin, duration)| Interval {
            histogram,
            begin,
            duration,
            tag: names[at].clone(),
        })
        .collect();
    file::write(&dir.join("latency.hlog"), |out| {
        interval_log(&result.environment, intervals, out)
    })?;
    for (one, name) in series.iter().zip(&names) {
        let of_all = Moments { mean: one.sum / one.count.max(1) as f64, largest: one.largest };
        file::write(&dir.join(format!("{name}.hgrm")), |out| {
            spectrum(&one.histogram, of_all, out)
        })?;
    }
    Ok(())
}

impl Series {
    fn new(name: String, of: (String, String, Option<String>, usize)) -> Self {
        let histogram = Histogram::new(3).expect("three significant digits are allowed");
        Self { name, of, histogram, count: 0, sum: 0.0, largest: 0 }
    }
}

/// `512-at-50`, percent of the throughput, with the modifier and the number of the stream where there
/// are several.
fn name(result: &BenchmarkResult, trial: &TrialResult, stream: usize) -> String {
    let size = result
        .sizes
        .iter()
        .find(|size| size.size == trial.size && size.modifier == trial.modifier)
        .map_or(trial.size.clone(), |size| size.label());
    let share = trial.test.rsplit(' ').next().and_then(|share| share.parse::<f64>().ok());
    let load = share.map_or(format::rate(trial.load_fps, "fps"), format::percent_of);
    let number =
        if trial.latency_ns.len() > 1 { format!("-stream-{}", stream + 1) } else { String::new() };
    format!("{size}-at-{load}{number}").replace(" %", "")
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
