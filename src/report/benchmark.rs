//! The result of a benchmark, as `--json` writes it. The rules are those of
//! [`super::model::RunResult`]: names stay, what was not measured is null and never 0.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::format;
use super::model::{Environment, PauseResult, Percentiles, Reason, Verdict};
use crate::measure::ipdv::Ipdv;
use crate::search::latency::OverRepeats;

/// The value of [`BenchmarkResult::schema`].
pub const SCHEMA: &str = "wirestorm.benchmark/1";

/// The JSON Schema of the result.
pub const JSON_SCHEMA: &str = include_str!("../../docs/benchmark.schema.json");

/// A benchmark. Rates and loads are those of each sending port; counts are of all ports together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    /// [`SCHEMA`].
    pub schema: String,
    /// The profile's name.
    pub profile: String,
    /// The profile's YAML as it was run, `--set` applied.
    pub profile_yaml: String,
    /// Seed of the random values.
    pub seed: u64,
    /// `throughput`, `latency`, `frame-loss`, `back-to-back`, `system-recovery`, `reset` or
    /// `rfc2544`.
    pub kind: String,
    /// The engine that sent.
    pub engine: String,
    /// Why that engine, and its modes.
    pub engine_detail: String,
    /// How the receiving ports received.
    pub receive_detail: String,
    /// Whether every test gave its result, whether the criteria are met, and why not.
    pub verdict: Verdict,
    /// The benchmark ended early (signal, error), and this is what was measured until then.
    pub incomplete: bool,
    /// Ports that send: 2 is both directions.
    pub sending_ports: usize,
    /// Every frame size, in the profile's order.
    pub sizes: Vec<SizeResult>,
    /// Every trial, in the order in which they were made.
    pub trials: Vec<TrialResult>,
    /// Things the reader must know beside the verdict.
    pub warnings: Vec<Reason>,
    /// Where it ran.
    pub environment: Environment,
}

impl BenchmarkResult {
    /// Whether anything was tested with a modifier.
    pub fn has_modifiers(&self) -> bool {
        self.sizes.iter().any(|size| size.modifier.is_some())
    }

    /// A throughput with a modifier as a share of that without. None where there is nothing to compare.
    pub fn of_without(&self, size: &SizeResult, found: &ThroughputResult) -> Option<f64> {
        size.modifier.as_ref()?;
        let plain = self.sizes.iter().find(|s| s.size == size.size && s.modifier.is_none())?;
        let same = |other: &&ThroughputResult| {
            (&other.goal, other.loss_ratio) == (&found.goal, found.loss_ratio)
        };
        let without = plain.throughput.iter().find(same).filter(|without| without.fps > 0.0)?;
        Some(found.fps / without.fps)
    }
}

impl SizeResult {
    /// The size and its modifier, as tables and charts name them.
    pub fn label(&self) -> String {
        match &self.modifier {
            None => self.size.clone(),
            Some(modifier) => format!("{}, {modifier}", self.size),
        }
    }
}

impl ThroughputResult {
    /// The loss that passes, behind the goal's name where it has one.
    pub fn goal_label(&self) -> String {
        let loss = format::percent_of(self.loss_ratio);
        self.goal.as_ref().map_or(loss.clone(), |goal| format!("{goal}: {loss}"))
    }
}

/// What was found for one frame size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SizeResult {
    /// The size in bytes, FCS included, `streams` for the streams' own sizes, or a mix by its name.
    pub size: String,
    /// What the test was made with beside its own frames: `broadcast 1%`. Null: nothing.
    #[serde(default)]
    pub modifier: Option<String>,
    /// Mean bytes of a frame, FCS included.
    pub frame_bytes: f64,
    /// Frames per second at the line rate. Null where the link tells none.
    pub line_rate_fps: Option<f64>,
    /// The highest load that was asked for, in frames per second.
    pub max_fps: f64,
    /// Throughput, one entry a goal of the search; empty where it was not found.
    pub throughput: Vec<ThroughputResult>,
    /// Latency, one entry a load.
    pub latency: Vec<LatencyResult>,
    /// Frame loss, from the highest load to the lowest; empty where it was not measured.
    pub frame_loss: Vec<LossResult>,
    /// Back-to-back frames. Null where they were not measured.
    pub back_to_back: Option<BurstResult>,
    /// System recovery. Null where it was not measured.
    pub system_recovery: Option<RecoveryResult>,
    /// Reset. Null where it was not measured.
    #[serde(default)]
    pub reset: Option<ResetResult>,
    /// Why a test has no result.
    pub notes: Vec<Reason>,
}

/// The throughput for one goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThroughputResult {
    /// `binary` or `mlrsearch`.
    pub search: String,
    /// The goal's name in the profile: `csit-ndr`. Null where it has none.
    #[serde(default)]
    pub goal: Option<String>,
    /// Loss that still passes.
    pub loss_ratio: f64,
    /// The largest load that passed, in frames per second: the throughput.
    pub fps: f64,
    /// The same as a share of the line rate. Null where the link tells none.
    pub line_share: Option<f64>,
    /// The same in bits per second, F + 20 bytes a frame.
    pub l1_bps: f64,
    /// The same in bits per second, F bytes a frame.
    pub l2_bps: f64,
    /// The smallest load that failed. Null where the highest load passed.
    pub upper_fps: Option<f64>,
    /// (upper − throughput) / upper. Null where the highest load passed.
    pub width: Option<f64>,
    /// Frames per second that arrive at the throughput (MLRsearch). Null for a binary search.
    pub conditional_fps: Option<f64>,
    /// Trials of the search, invalid ones included.
    pub trials: u64,
    /// Loss of the last trial that passed at this load.
    pub loss_in_last_pass: Option<f64>,
}

/// Latency at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyResult {
    /// The load as a share of the throughput.
    pub throughput_share: f64,
    /// The load in frames per second.
    pub fps: f64,
    /// Valid trials.
    pub repeats: u64,
    /// Lost frames in all of them.
    pub lost: u64,
    /// The mean latency of each trial, over the trials (RFC 2544 §26.2). Nanoseconds.
    pub mean_ns: Option<OverRepeats>,
    /// The median of each trial, over the trials.
    pub p50_ns: Option<OverRepeats>,
    /// The 99th percentile of each trial, over the trials.
    pub p99_ns: Option<OverRepeats>,
    /// The 99.9th percentile of each trial, over the trials: the worst case of RFC 8219 §7.2.
    pub p99_9_ns: Option<OverRepeats>,
    /// Packet delay variation of each trial, P99.9 − Dmin, over the trials (RFC 8219 §7.3.1).
    #[serde(default)]
    pub pdv_ns: Option<OverRepeats>,
    /// Inter-packet delay variation: of the smallest, the median and the largest of each trial, the
    /// median over the trials (RFC 8219 §7.3.2).
    #[serde(default)]
    pub ipdv_ns: Option<Ipdv>,
    /// The smallest of all frames.
    pub min_ns: Option<u64>,
    /// The largest of all frames.
    pub max_ns: Option<u64>,
}

/// Frame loss at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossResult {
    /// The load as a share of the highest.
    pub share: f64,
    /// The load in frames per second.
    pub fps: f64,
    /// Frames that the schedule asked for.
    pub intended: u64,
    /// Of those, lost or not sent.
    pub lost: u64,
    /// lost / intended.
    pub loss_ratio: f64,
}

/// Back-to-back frames (RFC 9004).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurstResult {
    /// The rate of a burst, in frames per second.
    pub fps: f64,
    /// The longest lossless burst of each repeat, in frames.
    pub frames: Vec<u64>,
    /// Their mean.
    pub mean: f64,
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
    /// Standard deviation of the sample. Null of a single repeat.
    pub standard_deviation: Option<f64>,
    /// How near the bounds were, in frames.
    pub step: u64,
    /// Repeats whose longest allowed burst passed: the buffer was not found there.
    pub at_limit: u32,
    /// mean / rate, in seconds. Null where the throughput is the rate.
    pub implied_s: Option<f64>,
    /// implied · (1 − throughput / rate), in seconds.
    pub corrected_s: Option<f64>,
    /// The corrected time at the rate that the bursts really had, in seconds.
    pub actual_s: Option<f64>,
    /// The rate that the last longest bursts really had, in frames per second. Null where it was
    /// not measured.
    pub actual_fps: Option<f64>,
}

/// System recovery (RFC 2544 §26.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveryResult {
    /// The overload, in frames per second.
    pub overload_fps: f64,
    /// What the load falls to.
    pub reduced_fps: f64,
    /// For each trial the end of the last span with a loss after the load fell, in seconds: the
    /// recovery time, at most. 0 where nothing was lost then.
    pub recovery_s: Vec<f64>,
    /// The span that the time is known to, in seconds.
    pub resolution_s: f64,
    /// Trials in which the last span of the watch still lost frames: the device had not recovered.
    pub not_recovered: u64,
}

/// Reset (RFC 6201).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResetResult {
    /// Who reset the device, and how.
    pub by: String,
    /// The load, in frames per second.
    pub fps: f64,
    /// Reset times by frame loss, in seconds. Null where no trial has one.
    pub by_loss_s: Option<Spread>,
    /// Reset times by time stamps, in seconds. Null where no trial has one.
    pub by_stamps_s: Option<Spread>,
    /// Each trial.
    pub trials: Vec<ResetTrial>,
}

/// One reset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResetTrial {
    /// Lost frames.
    pub lost: u64,
    /// lost / load, in seconds. Null where nothing was lost.
    pub by_loss_s: Option<f64>,
    /// From the last frame before the outage to the first one after it, in seconds. Null where
    /// nothing was lost, or the streams never paused together.
    pub by_stamps_s: Option<f64>,
    /// How long the lab's router did not forward, in seconds. Null where the lab did not reset it.
    pub down_s: Option<f64>,
    /// Frames arrived again until the end.
    pub recovered: bool,
}

/// A value over repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Values.
    pub repeats: usize,
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Standard deviation of the sample. Null of a single value.
    pub standard_deviation: Option<f64>,
}

impl Spread {
    /// Of these values; none of none.
    pub fn new(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            repeats: values.len(),
            mean,
            min: values.iter().copied().min_by(f64::total_cmp)?,
            max: values.iter().copied().max_by(f64::total_cmp)?,
            standard_deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        })
    }
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The test that it belongs to.
    pub test: String,
    /// The frame size that it belongs to, as [`SizeResult::size`].
    pub size: String,
    /// The modifier that it belongs to, as [`SizeResult::modifier`].
    #[serde(default)]
    pub modifier: Option<String>,
    /// The load of each sending port, in frames per second.
    pub load_fps: f64,
    /// How long it was to send, in seconds.
    pub duration_s: f64,
    /// Frames that the schedule asked for.
    pub intended: u64,
    /// Of those, not sent.
    pub unsent: u64,
    /// Frames sent.
    pub sent: u64,
    /// Distinct frames that arrived. Null where it is not known.
    pub received: Option<u64>,
    /// sent − received. Null where it is not known.
    pub lost: Option<u64>,
    /// Further arrivals of frames that had arrived. Null where it is not known.
    #[serde(default)]
    pub duplicated: Option<u64>,
    /// Frames that arrived after a later one. Null where it is not known.
    #[serde(default)]
    pub reordered: Option<u64>,
    /// Why the trial proves nothing. Null where it is valid.
    pub invalid: Option<String>,
    /// How late the latest frame was, in nanoseconds.
    pub schedule_lag_max_ns: Option<u64>,
    /// Frames sent per second, of all sending ports.
    pub tx_pps: f64,
    /// Latency of every stream; with the whole distributions in trials of the latency test alone.
    pub latency_ns: Vec<Percentiles>,
    /// Inter-packet delay variation of every stream.
    #[serde(default)]
    pub ipdv_ns: Vec<Ipdv>,
    /// Lost frames by stream.
    pub lost_by_stream: Vec<Option<u64>>,
    /// The longest time in which no stream had an arrival. Null where they never paused together.
    #[serde(default)]
    pub pause: Option<PauseResult>,
    /// The last arrival of any stream after the start, in seconds. Null where nothing arrived.
    #[serde(default)]
    pub last_s: Option<f64>,
    /// How long the lab's router did not forward, in seconds. Null where it was not reset.
    #[serde(default)]
    pub down_s: Option<f64>,
    /// Time that it took, waits included, in seconds.
    pub spent_s: f64,
}

/// Writes the result as indented JSON with a newline at the end.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn to_writer(result: &BenchmarkResult, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    out.write_all(b"\n")
}
