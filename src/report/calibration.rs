//! The latency floor of the tool itself, as `wirestorm calibrate` writes it and later runs read it:
//! `wirestorm.calibration/1`. It holds for the kernel, the CPU and the version that it was made
//! with, and for nothing else.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::{Percentiles, RunResult};

/// The value of [`Calibration::schema`].
pub const SCHEMA: &str = "wirestorm.calibration/1";

/// No calibration is longer than this.
const MAX_BYTES: u64 = 1 << 20;

/// What a floor holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// wirestorm's version.
    pub wirestorm: String,
    /// `uname -r`.
    pub kernel: String,
    /// CPU model; empty where the architecture tells none.
    pub cpu: String,
}

/// The content of a calibration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it was made, RFC 3339 in UTC.
    pub made: String,
    /// With what it was made.
    #[serde(flatten)]
    pub machine: Machine,
    /// How long every trial sent, in seconds.
    pub duration_s: f64,
    /// The profile of the trials; its duration and its rate were replaced.
    pub profile_yaml: String,
    /// Every engine that works here.
    pub engines: Vec<EngineFloor>,
    /// Engines that do not work here.
    pub refused: Vec<Refused>,
}

/// The floor of one engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineFloor {
    /// Its name, as results have it.
    pub engine: String,
    /// Its modes.
    pub engine_detail: String,
    /// How the packets were received.
    pub receive_detail: String,
    /// Packets per second that a short run without a rate reached.
    pub unlimited_pps: f64,
    /// At 1,000 packets per second. Null where no repeat was valid.
    pub idle: Option<Floor>,
    /// At half of `unlimited_pps`. Null where no repeat was valid.
    pub loaded: Option<Floor>,
}

/// An engine that does not work here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its name.
    pub engine: String,
    /// Why not.
    pub reason: String,
}

/// What the tool alone adds at one rate: every value is the median of the repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Packets per second that were asked for.
    pub rate_pps: u64,
    /// Packets per second that were sent.
    pub tx_pps: f64,
    /// Repeats that were valid and count; the others are left out.
    pub repeats: u32,
    /// Receive time − send time.
    pub latency_ns: FloorTimes,
    /// Receive time − intended send time.
    pub latency_intended_ns: FloorTimes,
    /// How late the latest packet was handed over, against its due time.
    pub schedule_lag_max_ns: Option<u64>,
}

/// Times in nanoseconds, each the median of the repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorTimes {
    /// Smallest.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p99_9: u64,
    /// Largest.
    pub max: u64,
    /// p50 of the repeat in which it was smallest.
    pub p50_lowest: u64,
    /// p50 of the repeat in which it was largest.
    pub p50_highest: u64,
}

/// The floor of the engine that sent, in a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// Where it was read from.
    pub file: String,
    /// When it was made, RFC 3339 in UTC.
    pub made: String,
    /// The engine.
    pub engine: String,
    /// At 1,000 packets per second. Null where it could not be measured.
    pub idle: Option<Floor>,
    /// At half of what the engine reached without a rate. Null where it could not be measured.
    pub loaded: Option<Floor>,
}

impl Floor {
    /// The floor of repeats of one trial at `rate_pps`. None where none of them was valid and
    /// measured a latency.
    pub fn of(rate_pps: u64, repeats: &[RunResult]) -> Option<Self> {
        let usable: Vec<(&RunResult, &Percentiles, &Percentiles)> = repeats
            .iter()
            .filter(|result| result.verdict.valid)
            .filter_map(|result| {
                let stream = result.streams.first()?;
                Some((result, stream.latency_ns.as_ref()?, stream.latency_intended_ns.as_ref()?))
            })
            .collect();
        let actual: Vec<&Percentiles> = usable.iter().map(|(_, actual, _)| *actual).collect();
        let intended: Vec<&Percentiles> = usable.iter().map(|(_, _, intended)| *intended).collect();
        Some(Self {
            rate_pps,
            tx_pps: median(usable.iter().map(|(result, ..)| result.totals.tx_pps).collect())?,
            repeats: usable.len() as u32,
            latency_ns: FloorTimes::of(&actual)?,
            latency_intended_ns: FloorTimes::of(&intended)?,
            schedule_lag_max_ns: median(
                usable.iter().filter_map(|(result, ..)| result.schedule_lag_max_ns).collect(),
            ),
        })
    }
}

impl FloorTimes {
    fn of(repeats: &[&Percentiles]) -> Option<Self> {
        let of =
            |value: fn(&Percentiles) -> u64| median(repeats.iter().map(|p| value(p)).collect());
        Some(Self {
            min: of(|p| p.min)?,
            p50: of(|p| p.p50)?,
            p99: of(|p| p.p99)?,
            p99_9: of(|p| p.p99_9)?,
            max: of(|p| p.max)?,
            p50_lowest: repeats.iter().map(|p| p.p50).min()?,
            p50_highest: repeats.iter().map(|p| p.p50).max()?,
        })
    }
}

/// The value in the middle; of an even number the lower one, so that it was measured.
fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().checked_sub(1)? / 2).copied()
}

impl Calibration {
    /// Reads a calibration. None: there is no such file.
    ///
    /// # Errors
    /// Why what is there cannot be used.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        let found = match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(|error| error.to_string())?,
        };
        // Opening a pipe would wait for a writer.
        if !found.is_file() {
            return Err("it is no file".into());
        }
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|error| error.to_string())?;
        if text.len() as u64 > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        Self::parse(&text).map(Some)
    }

    fn parse(text: &str) -> Result<Self, String> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            schema: String,
        }
        let no_calibration = |error: serde_json::Error| format!("it is no calibration: {error}");
        let versioned: Versioned = serde_json::from_str(text).map_err(no_calibration)?;
        if versioned.schema != SCHEMA {
            return Err(format!("it is {:?}, not {SCHEMA:?}", versioned.schema));
        }
        serde_json::from_str(text).map_err(no_calibration)
    }

    /// Writes it as indented JSON with a newline at the end.
    ///
    /// # Errors
    /// When `out` refuses the bytes.
    pub fn to_writer(&self, out: &mut dyn Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Why it does not hold for this machine; None where it does.
    pub fn stale(&self, here: &Machine) -> Option<String> {
        let made = &self.machine;
        let differences: Vec<String> = [
            ("wirestorm", &made.wirestorm, &here.wirestorm),
            ("kernel", &made.kernel, &here.kernel),
            ("CPU", &made.cpu, &here.cpu),
        ]
        .into_iter()
        .filter(|(_, then, now)| then != now)
        .map(|(what, then, now)| format!("made with {what} {then:?}, this is {now:?}"))
        .collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }

    /// The floor of an engine, as a result shows it.
    pub fn of_engine(&self, engine: &str, file: &Path) -> Option<Calibrated> {
        let floor = self.engines.iter().find(|floor| floor.engine == engine)?;
        Some(Calibrated {
            file: file.display().to_string(),
            made: self.made.clone(),
            engine: floor.engine.clone(),
            idle: floor.idle.clone(),
            loaded: floor.loaded.clone(),
        })
    }
}
