//! The result of a run, as `--json` writes it. Names are a contract (`wirestorm.result/1`):
//! additions are free, names stay. Counts are integers, ratios fractions from 0 to 1, a value that
//! was not measured is null and never 0. Every output is made from this model and nothing else.

use serde::{Deserialize, Serialize};

use super::calibration::Calibrated;
use crate::measure::ipdv::Ipdv;

/// The value of [`RunResult::schema`].
pub const SCHEMA: &str = "wirestorm.result/1";

/// Codes of reasons and warnings that the reports look for. A `Some(0)` received, or a 0 sent, has
/// a reason or a warning with one of these, whose message says the cause and the remedy.
pub mod code {
    /// Packets were sent and none arrived.
    pub const NOTHING_RECEIVED: &str = "nothing_received";
    /// No packet was sent.
    pub const NOTHING_SENT: &str = "nothing_sent";
    /// Somebody changed the rates in mid-run.
    pub const RATE_CHANGED: &str = "rate_changed";
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// [`SCHEMA`].
    pub schema: String,
    /// The profile's name.
    pub profile: String,
    /// The profile's YAML as it was run, `--set` applied.
    pub profile_yaml: String,
    /// Seed of the random values.
    pub seed: u64,
    /// The engine that sent.
    pub engine: String,
    /// Why that engine, and its modes.
    pub engine_detail: String,
    /// How the receiving ports received.
    pub receive_detail: String,
    /// Valid, passed, and why not.
    pub verdict: Verdict,
    /// The run ended early (signal, error), and this is what was measured until then.
    pub incomplete: bool,
    /// From the first packet due to the last packet sent, in seconds.
    pub duration_s: f64,
    /// How late the latest packet was handed over, against its due time. Null where no rate was
    /// asked for.
    pub schedule_lag_max_ns: Option<u64>,
    /// Changes of the rates by hand, in the live view. Left out where there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_changes: Vec<RateChanged>,
    /// All streams together.
    pub totals: Totals,
    /// Every stream, in the profile's order.
    pub streams: Vec<StreamResult>,
    /// Every stream whose datagrams were sent in pieces, in the profile's order.
    #[serde(default)]
    pub datagrams: Vec<DatagramResult>,
    /// Every stage that a packet passes, in order; `lost_here` of all stages and the last count add
    /// up to the first count.
    pub ledger: Vec<Stage>,
    /// Inter-arrival precision; null where no constant gap was wanted.
    pub gaps: Option<GapsResult>,
    /// What this machine's own parts lost or did late, beside the ledger: counter name and value.
    pub overload: Vec<Counter>,
    /// What independent counters of the kernel say (interfaces, router, nftables).
    pub witnesses: Vec<Counter>,
    /// Things the reader must know that do not make the run invalid.
    pub warnings: Vec<Reason>,
    /// What the tool alone adds, by an earlier `wirestorm calibrate`: the floor of the engine that
    /// sent. Null where there is none that holds for this machine.
    pub calibration: Option<Calibrated>,
    /// Where the calibration comes from, or why there is none.
    #[serde(default)]
    pub calibration_detail: String,
    /// Where it ran.
    pub environment: Environment,
}

/// The rates of all streams were changed by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateChanged {
    /// When, in seconds after the start: slots that were due from then on are affected.
    pub at_s: f64,
    /// By what factor of the rates that the profile says: 1.5 is half as much again, 0 a pause.
    pub factor: f64,
}

/// Whether the run says something true about the device, and whether that is good enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// This machine did not limit the run.
    pub valid: bool,
    /// The profile's pass criteria are met. False when not valid.
    pub passed: bool,
    /// Why not valid or not passed.
    pub reasons: Vec<Reason>,
}

/// A reason or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable, for programs: `unsent`, `receiver_overload`, `max_loss`.
    pub code: String,
    /// For people: what, how much, and what to do.
    pub message: String,
}

/// Packet counts. `intended = unsent + sent`; `sent = unique + lost`; over the totals
/// `received = unique + duplicated + late_ambiguous + corrupt + alien`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Packets that the schedule asked for.
    pub intended: u64,
    /// Of those, the ones that could not be sent in time, and were not.
    pub unsent: u64,
    /// Distinct packets that the kernel gave back as sent.
    pub sent: u64,
    /// Arrivals. Null where nothing receives.
    pub received: Option<u64>,
    /// Distinct packets that arrived.
    pub unique: Option<u64>,
    /// sent − unique.
    pub lost: Option<u64>,
    /// Further arrivals of packets that had arrived (RFC 5560).
    pub duplicated: Option<u64>,
    /// Arrivals after a packet with a larger sequence number (RFC 4737).
    pub reordered: Option<u64>,
    /// Arrivals older than the window.
    pub late_ambiguous: Option<u64>,
    /// Probes with a wrong check. Null for a stream: a broken tag names no stream.
    pub corrupt: Option<u64>,
    /// Frames that are no probes of this trial. Null for a stream.
    pub alien: Option<u64>,
    /// lost / sent. Null when nothing was sent.
    pub loss_ratio: Option<f64>,
    /// Packets with more than one arrival / unique (RFC 5560).
    pub replicated_ratio: Option<f64>,
    /// duplicated / unique (RFC 5560).
    pub duplicated_ratio: Option<f64>,
    /// reordered / unique (RFC 4737).
    pub reordered_ratio: Option<f64>,
    /// Largest reordering extent (RFC 4737 §4.2).
    pub reorder_extent_max: Option<u64>,
    /// Sent packets per second.
    pub tx_pps: f64,
    /// Sent bits per second, F + 20 bytes a frame.
    pub tx_l1_bps: f64,
    /// Sent bits per second, F bytes a frame (FCS included).
    pub tx_l2_bps: f64,
    /// Received packets per second.
    pub rx_pps: Option<f64>,
    /// Received bits per second, F + 20 bytes a frame.
    pub rx_l1_bps: Option<f64>,
    /// Received bits per second, F bytes a frame.
    pub rx_l2_bps: Option<f64>,
}

/// One stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamResult {
    /// Its name.
    pub name: String,
    /// Sending port.
    pub from: String,
    /// Receiving port.
    pub to: Option<String>,
    /// The same counters as the totals.
    #[serde(flatten)]
    pub counts: Totals,
    /// Receive time − send time; null when nothing was measured.
    pub latency_ns: Option<Percentiles>,
    /// Receive time − intended send time.
    pub latency_intended_ns: Option<Percentiles>,
    /// RFC 4689.
    pub jitter_ns: Option<Percentiles>,
    /// How much longer a packet took than the one before it, with its sign (RFC 8219 §7.3.2). Null
    /// where there were no two packets, and in results of versions that did not measure it.
    #[serde(default)]
    pub ipdv_ns: Option<Ipdv>,
    /// Receive time of the first arrival after the start, in seconds.
    pub first_s: Option<f64>,
    /// Receive time of the last arrival after the start, in seconds.
    pub last_s: Option<f64>,
    /// The longest time without an arrival. Null where there were no two arrivals, or workers that
    /// never paused together, and in results of versions that did not measure it.
    #[serde(default)]
    pub longest_pause: Option<PauseResult>,
}

/// A time without arrivals, after the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PauseResult {
    /// The last arrival before it, in seconds.
    pub begin_s: f64,
    /// The first arrival after it, in seconds.
    pub end_s: f64,
}

/// A stream whose datagrams were sent in pieces: from fragments to datagrams. Its pieces are streams
/// of the result, `NAME.1`, `NAME.2` and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatagramResult {
    /// The stream's name.
    pub name: String,
    /// Distinct pieces that are sent of a datagram.
    pub pieces: u64,
    /// Distinct fragments that were sent.
    pub fragments_sent: u64,
    /// Of those, the ones that did not arrive. Null where a piece has no probe tag.
    pub fragments_lost: Option<u64>,
    /// fragments_lost / fragments_sent. Null when nothing was sent.
    pub fragment_loss_ratio: Option<f64>,
    /// Datagrams of which everything that a receiver needs was sent.
    pub sent: u64,
    /// Of those, the ones of which it arrived: every byte, and the last piece. Whether a receiver
    /// makes a datagram of it (RFC 5722 refuses overlaps) is not said.
    pub whole: Option<u64>,
    /// sent − whole.
    pub lost: Option<u64>,
    /// lost / sent. Null when nothing was sent.
    pub loss_ratio: Option<f64>,
    /// Which pieces are needed, or why `whole` is not known.
    pub detail: String,
}

/// A distribution in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Values.
    pub count: u64,
    /// Exact.
    pub min: u64,
    /// Exact.
    pub mean: f64,
    /// Median; within 1 %, as all percentiles.
    pub p50: u64,
    /// 90th.
    pub p90: u64,
    /// 95th. Null in results of versions that did not write it.
    #[serde(default)]
    pub p95: Option<u64>,
    /// 99th.
    pub p99: u64,
    /// 99.9th.
    pub p99_9: u64,
    /// 99.99th.
    pub p99_99: u64,
    /// Exact.
    pub max: u64,
    /// The whole distribution: an HdrHistogram (V2, deflated) in base64, as its libraries for other
    /// languages read it. Null in results of versions that did not write it.
    #[serde(default)]
    pub histogram: Option<String>,
}

/// One stage of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `intended`, `due`, `built`, `accepted`, `completed`, `device`, `seen`, `unique`.
    pub stage: String,
    /// What the stage counts, in words.
    pub meaning: String,
    /// Packets that reached it. Null where it was not measured; it loses nothing then.
    pub count: Option<u64>,
    /// Packets that did not come from the previous measured stage.
    pub lost_here: i64,
}

/// See [`crate::measure::received::Gaps`]; shares are fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapsResult {
    /// The gap that the schedule wanted.
    pub wanted_ns: u64,
    /// Gaps measured.
    pub count: u64,
    /// Share within ±64 ns.
    pub within_64ns: f64,
    /// Share within ±128 ns.
    pub within_128ns: f64,
    /// Share within ±256 ns.
    pub within_256ns: f64,
    /// Share within ±512 ns.
    pub within_512ns: f64,
    /// Share of gaps below a quarter of the wanted one.
    pub bursts: f64,
}

/// A named count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Its name: `router Ip.ForwDatagrams`.
    pub name: String,
    /// Its value: the change over the run.
    pub value: u64,
}

/// Where and how the run was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// wirestorm's version.
    pub wirestorm: String,
    /// `uname -r`.
    pub kernel: String,
    /// Driver per port.
    pub driver: String,
    /// Model and number of CPUs.
    pub cpu: String,
    /// Clock source of the time stamps.
    pub clock: String,
    /// Offloads that were changed or that falsify, per port.
    pub offloads: String,
    /// The command line.
    pub command: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// Definition of latency that was used.
    pub latency_definition: String,
}
