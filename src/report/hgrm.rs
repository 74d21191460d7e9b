//! Whole distributions for HdrHistogram's own tools: `latency.hlog`, an interval log of format 1.3
//! with one tagged histogram a distribution, and `NAME.hgrm`, the percentile spectrum as text, as
//! HdrHistogram's `outputPercentileDistribution` writes it and its plotter reads it.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

use super::file;
use super::model::{Environment, RunResult};
use crate::error::Result;
use crate::measure::distribution::Distribution;

/// Lines of the spectrum between 1 − p and half of it: HdrHistogram's default.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Writes the log and one spectrum a distribution into `dir`, which is made where it is missing.
/// Names are the streams', mostly; characters that a tag or a file name cannot hold become `_`.
/// Values are nanoseconds; the log's maximum column is in milliseconds, as HdrHistogram has it.
///
/// # Errors
/// When a file cannot be written; it is named.
pub fn write(
    result: &RunResult,
    distributions: &[(String, &Distribution)],
    dir: &Path,
) -> Result<()> {
    file::create_dir(dir)?;
    let names = unique_names(distributions.iter().map(|(name, _)| name.as_str()));
    let duration = Duration::try_from_secs_f64(result.duration_s).unwrap_or_default();
    let of = |((_, distribution), tag): (&(String, &Distribution), &String)| Interval {
        histogram: distribution.histogram().into_owned(),
        begin: Duration::ZERO,
        duration,
        tag: tag.clone(),
    };
    let intervals: Vec<Interval> = distributions.iter().zip(&names).map(of).collect();
    file::write(&dir.join("latency.hlog"), |out| {
        interval_log(&result.environment, intervals, out)
    })?;
    for ((_, distribution), name) in distributions.iter().zip(&names) {
        let of_all = Moments {
            mean: distribution.mean().unwrap_or_default(),
            largest: distribution.max().unwrap_or_default(),
        };
        file::write(&dir.join(format!("{name}.hgrm")), |out| {
            spectrum(&distribution.histogram(), of_all, out)
        })?;
    }
    Ok(())
}

/// A histogram of an interval log.
pub(super) struct Interval {
    /// Nanoseconds.
    pub histogram: Histogram<u64>,
    /// Since the start.
    pub begin: Duration,
    /// How long it was recorded.
    pub duration: Duration,
    /// Its name, without white space or commas.
    pub tag: String,
}

/// What is known exactly of a distribution.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    /// Mean.
    pub mean: f64,
    /// The largest value.
    pub largest: u64,
}

pub(super) fn interval_log(
    environment: &Environment,
    intervals: Vec<Interval>,
    mut out: &mut dyn Write,
) -> io::Result<()> {
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("[wirestorm {}, nanoseconds]", environment.wirestorm))
        .add_comment(&format!("[Command: {}]", environment.command.replace('\n', " ")))
        .with_max_value_divisor(1e6);
    // With both, every reader takes the intervals' times as relative to the start.
    if let Some(start) = parse_utc(&environment.started) {
        builder.with_start_time(start).with_base_time(start);
    }
    let mut serializer = V2DeflateSerializer::new();
    let mut log = builder.begin_log_with(&mut out, &mut serializer)?;
    for Interval { histogram, begin, duration, tag } in intervals {
        log.write_histogram(&histogram, begin, duration, Tag::new(&tag)).map_err(|error| {
            match error {
                IntervalLogWriterError::IoError(cause) => cause,
                error @ IntervalLogWriterError::SerializeError(_) => io::Error::other(error),
            }
        })?;
    }
    Ok(())
}

/// The percentile spectrum. The last line has no 1/(1−p): it is infinite.
pub(super) fn spectrum(
    histogram: &Histogram<u64>,
    Moments { mean, largest }: Moments,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        // The upper end of the last bucket may lie above the largest value.
        let value = step.value_iterated_to().min(largest);
        let quantile = step.quantile_iterated_to();
        write!(out, "{value:>12} {quantile:>14.12} {total:>10}")?;
        if quantile < 1.0 {
            write!(out, " {:>14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(out)?;
    }
    let deviation = histogram.stdev();
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    let count = histogram.len();
    writeln!(out, "#[Max     = {largest:>12}, Total count    = {count:>12}]")?;
    writeln!(
        out,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram.buckets(),
        (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two()
    )
}

/// The names, fit for tags and files, each once.
pub(super) fn unique_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .map(|name| {
            let plain: String = name
                .chars()
                .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
                .collect();
            // A leading dot would hide the file.
            let plain = match plain.trim_start_matches('.') {
                "" => "unnamed".to_owned(),
                shown => shown.to_owned(),
            };
            let mut unique = plain.clone();
            let mut number = 2;
            while !taken.insert(unique.clone()) {
                unique = format!("{plain}-{number}");
                number += 1;
            }
            unique
        })
        .collect()
}

/// RFC 3339 in UTC, as [`super::model::Environment::started`] has it: `2025-11-21T08:24:00Z`, with
/// or without a fraction of the second (which is left out). None for anything else.
fn parse_utc(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.split('.').next()?;
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let legal = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !legal {
        return None;
    }
    // Days since 1970-01-01, counting years from March so that leap days come last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Option<u64> {
        let time = parse_utc(text)?;
        Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
    }

    #[test]
    fn times_of_the_report_are_read() {
        assert_eq!(epoch("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(epoch("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(epoch("2000-03-01T00:00:00.25Z"), Some(951_868_800));
        assert_eq!(epoch("2025-11-21T08:24:00Z"), Some(1_763_713_440));
        assert_eq!(epoch(""), None);
        assert_eq!(epoch("2025-13-01T00:00:00Z"), None);
        assert_eq!(epoch("2025-11-21 08:24:00"), None);
    }

    #[test]
    fn names_are_safe_and_unique() {
        let names = unique_names(["a/b, c", "a_b__c", "../x", "", "v4"].into_iter());
        assert_eq!(names, ["a_b__c", "a_b__c-2", "_x", "unnamed", "v4"]);
    }
}
