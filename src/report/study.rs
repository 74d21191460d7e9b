//! The result of a fragmentation study, as `--json` writes it. The rules are those of
//! [`super::model::RunResult`]: names stay, what was not measured is null and never 0.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::model::{Counter, Environment, Reason, Verdict};
use crate::study::statistics::paired::Pairs;
use crate::study::statistics::proportion::{Interval, Share};

/// The value of [`StudyResult::schema`].
pub const SCHEMA: &str = "wirestorm.fragments/1";

/// The JSON Schema of the result.
pub const JSON_SCHEMA: &str = include_str!("../../docs/fragments.schema.json");

/// A study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// [`SCHEMA`].
    pub schema: String,
    /// The profile's name.
    pub profile: String,
    /// The profile's YAML as it was run, `--set` applied.
    pub profile_yaml: String,
    /// Seed of every order.
    pub seed: u64,
    /// Valid, passed, and why not.
    pub verdict: Verdict,
    /// It ended early, and this is what was measured until then.
    pub incomplete: bool,
    /// How the cells came about: `main`, `pairwise`, `full`, `cells`.
    pub design: String,
    /// Blocks of each cell that were asked for: tries of each arm.
    pub tries: u64,
    /// The effect that the tries were proposed from.
    pub effect: Option<EffectResult>,
    /// From one try to the next, in seconds.
    pub spacing_s: f64,
    /// `sink` or `host`: what a delivery is known by.
    pub receiver: String,
    /// The sink saw raw packets. Null without a sink, or where it never answered.
    pub tap: Option<bool>,
    /// How late the latest frame was, against its due time.
    pub schedule_lag_max_ns: u64,
    /// What was compared.
    pub cells: Vec<CellResult>,
    /// Arms against their controls, over all cells.
    pub comparisons: Vec<Comparison>,
    /// Combinations of the lists that cannot be made, and why.
    pub left_out: Vec<String>,
    /// Things the reader must know that do not make the study invalid.
    pub warnings: Vec<Reason>,
    /// What others found.
    pub published: Vec<PublishedResult>,
    /// Where it ran.
    pub environment: Environment,
}

/// The effect that tries were proposed from. Fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectResult {
    /// Loss of the control.
    pub from: f64,
    /// Loss of the arm.
    pub to: f64,
    /// The probability that it is found.
    pub power: f64,
    /// Tries of each arm that it needs.
    pub tries: u64,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// What tells it from the others.
    pub name: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// `udp`, `tcp`, `icmp` or `dns`.
    pub protocol: String,
    /// Bytes of the transport message.
    pub message_bytes: u64,
    /// Sizes of the lawful fragments, in the order of their offsets.
    pub fragment_bytes: Vec<u64>,
    /// How the anomalous arm differs; `none`.
    pub anomaly: String,
    /// The extension header. Null: none.
    pub extension: Option<String>,
    /// Its arms.
    pub arms: Vec<ArmResult>,
}

/// A share with its intervals. All fractions; null of no tries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareResult {
    /// How often.
    pub hits: u64,
    /// Of how many.
    pub tries: u64,
    /// hits / tries.
    pub share: Option<f64>,
    /// Wilson's 95 % interval.
    pub wilson: Option<Interval>,
    /// Clopper and Pearson's 95 % interval.
    pub clopper_pearson: Option<Interval>,
}

impl From<Share> for ShareResult {
    fn from(share: Share) -> Self {
        Self {
            hits: share.hits,
            tries: share.tries,
            share: share.fraction(),
            wilson: share.wilson(),
            clopper_pearson: share.clopper_pearson(),
        }
    }
}

/// An arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// `small`, `whole`, `burst`, `atomic`, `destination-options`, `extension`, `fragments`, `anomaly`.
    pub arm: String,
    /// Datagrams that were sent in full (of bursts: bursts).
    pub datagrams: u64,
    /// Datagrams of which nothing is known: not sent in full, or the sink did not tell.
    pub unknown: u64,
    /// Datagrams that did not arrive: at the sink's socket, or without an answer of the host.
    pub loss: ShareResult,
    /// Distinct fragments (packets) that did not reach the receiver's tap. Null without a tap.
    pub fragment_loss: Option<ShareResult>,
    /// 1 − (1 − p)^n of the fragment loss: the datagram loss if fragments are lost independently.
    pub loss_if_independent: Option<f64>,
    /// Datagrams that were answered.
    pub answered: ShareResult,
    /// `always`, `sometimes` or `never` delivered; null with fewer than five tries.
    pub path: Option<String>,
    /// The longest fragment, as an IP packet, that a datagram was put together from at the receiver.
    /// Larger or smaller than what was sent: somebody on the way fragments anew. Null: all came whole.
    pub largest_fragment: Option<u64>,
    /// ICMP errors that came back.
    pub icmp: Vec<IcmpResult>,
    /// Which stage loses its packets. Null where it was not asked for.
    pub attribution: Option<Attribution>,
}

/// ICMP errors of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcmpResult {
    /// Type and code: `3/1`.
    pub error: String,
    /// Who sent it.
    pub from: String,
    /// Datagrams that it came back for, in the blocks and in the attribution.
    pub datagrams: u64,
}

/// Where an arm's packets are lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// Datagrams that were sent to find out.
    pub datagrams: u64,
    /// `none`, `tester`, `device`, `path`, `router`, `link`, `reassembly`, `receiver`, `reply`; without
    /// a sink `unknown`.
    pub stage: String,
    /// What the counters of that stage say; may be empty.
    pub why: String,
    /// Every stage, in order.
    pub chain: Vec<ChainLink>,
    /// Every counter that rose.
    pub counters: Vec<Counter>,
}

/// A stage of an attribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    /// Its name.
    pub stage: String,
    /// What it counts.
    pub meaning: String,
    /// What the stages before let expect.
    pub expected: u64,
    /// What it counted. Null where it was not read.
    pub count: Option<u64>,
    /// expected − count, where that is above 0.
    pub lost_here: Option<u64>,
}

/// An arm against its control, in the same blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The cell.
    pub cell: String,
    /// The arm.
    pub arm: String,
    /// What it is compared with.
    pub control: String,
    /// Blocks by what was lost.
    pub pairs: Pairs,
    /// Paired difference of the losses, as a fraction. Null of no blocks.
    pub difference: Option<f64>,
    /// Newcombe's 95 % interval of it.
    pub newcombe: Option<Interval>,
    /// McNemar's exact p value.
    pub p: f64,
    /// The same after Holm, over all comparisons of the study.
    pub p_holm: f64,
}

/// A published number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedResult {
    /// The study.
    pub study: String,
    /// What was counted.
    pub what: String,
    /// Which arm is like it.
    pub arm: String,
    /// Share lost, as a fraction.
    pub loss: f64,
}

/// Writes the result as JSON.
///
/// # Errors
/// When `out` cannot be written.
pub fn to_writer(result: &StudyResult, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    out.write_all(b"\n")
}
