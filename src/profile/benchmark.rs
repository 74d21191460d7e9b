//! What a profile says of a benchmark: a test that is made of many trials.

use crate::profile::model::Rate;
use crate::search::Goal;
use crate::units::{FrameSize, Nanos, Ratio};

/// A benchmark as `test:` describes it. The defaults are the standards' values.
#[derive(Clone, Debug, PartialEq)]
pub struct Benchmark {
    /// What is looked for.
    pub kind: Kind,
    /// Frame sizes, each tested on its own. Never empty.
    pub sizes: Vec<Sizes>,
    /// How the streams of a port share its load.
    pub share: Share,
    /// 100 %: the highest load of a sending port. Never unlimited.
    pub max_rate: Rate,
    /// The smallest load worth knowing; a thousandth of the highest where nothing is said.
    pub min_rate: Option<Rate>,
    /// The throughput that every frame size has to reach, where one is asked for.
    pub min_throughput: Option<Rate>,
    /// Duration of a full trial (RFC 2544 §24).
    pub duration: Nanos,
    /// From the end of a trial to the beginning of the next (RFC 2544 §23 e).
    pub wait: Nanos,
    /// How often in a row an invalid trial is repeated before the search gives up.
    pub retries: u32,
    /// How the throughput is searched.
    pub search: Method,
    /// How near the bounds of the throughput have to come, as a share of the upper one.
    pub width: Ratio,
    /// Loss that still passes; 0 for RFC 2544's throughput.
    pub loss_ratio: Ratio,
    /// How often a lossy trial is repeated before its load fails.
    pub verifications: u32,
    /// Duration of the trials of a binary search before the last ones.
    pub search_duration: Nanos,
    /// Goals of an MLRsearch. Never empty where it is the method.
    pub goals: Vec<Goal>,
    /// RFC 2544 §26.3: how far the load falls from trial to trial.
    pub loss_step: Ratio,
    /// RFC 2544 §26.2.
    pub latency: Latency,
    /// RFC 9004.
    pub back_to_back: Bursts,
    /// RFC 2544 §26.5.
    pub recovery: Recovery,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 2544 §26.1.
    Throughput,
    /// RFC 2544 §26.2, at the throughput.
    Latency,
    /// RFC 2544 §26.3.
    FrameLoss,
    /// RFC 2544 §26.4 as RFC 9004 updates it.
    BackToBack,
    /// RFC 2544 §26.5.
    SystemRecovery,
    /// All of these.
    Rfc2544,
}

impl Kind {
    /// Every kind with its name in profiles and results.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("throughput", Self::Throughput),
        ("latency", Self::Latency),
        ("frame-loss", Self::FrameLoss),
        ("back-to-back", Self::BackToBack),
        ("system-recovery", Self::SystemRecovery),
        ("rfc2544", Self::Rfc2544),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The tests that it takes, in their order: what another one needs comes first.
    pub fn tests(self) -> &'static [Self] {
        match self {
            Self::Throughput => &[Self::Throughput],
            Self::Latency => &[Self::Throughput, Self::Latency],
            Self::FrameLoss => &[Self::FrameLoss],
            Self::BackToBack => &[Self::Throughput, Self::BackToBack],
            Self::SystemRecovery => &[Self::Throughput, Self::SystemRecovery],
            Self::Rfc2544 => &[
                Self::Throughput,
                Self::Latency,
                Self::FrameLoss,
                Self::BackToBack,
                Self::SystemRecovery,
            ],
        }
    }
}

/// The frames of one round of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Every stream has frames of this size.
    Fixed(FrameSize),
    /// Every stream has the sizes that it has in the profile: a mix.
    OfStreams,
}

/// How the streams of a port share its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// As their rates are to each other.
    Rates,
    /// Equally, in packets.
    Equal,
}

/// How the throughput is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By halving, with loss verification.
    Binary,
    /// draft-ietf-bmwg-mlrsearch.
    MlrSearch,
}

/// The latency test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Duration of a trial.
    pub duration: Nanos,
    /// Trials at each load.
    pub repeats: u32,
    /// Loads as shares of the throughput. Never empty.
    pub loads: Vec<Ratio>,
}

/// The back-to-back test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// The longest burst, at most 30 s (RFC 9004).
    pub limit: Nanos,
    /// How near the bounds of a burst have to come, in frames.
    pub step: u64,
    /// Searches, each from the start.
    pub repeats: u32,
    /// How often a lossy burst is repeated before its length fails.
    pub verifications: u32,
}

/// The system recovery test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How long the overload lasts.
    pub duration: Nanos,
    /// How long the reduced load is watched for losses.
    pub watch: Nanos,
    /// The watch is divided into spans of this length: the recovery time is known to one of them.
    pub resolution: Nanos,
    /// Trials.
    pub repeats: u32,
}

impl Benchmark {
    /// The standards' values.
    pub fn new(kind: Kind) -> Self {
        const MINUTE: Nanos = Nanos(60_000_000_000);
        Self {
            kind,
            sizes: vec![Sizes::OfStreams],
            share: Share::Rates,
            max_rate: Rate::LineShare(Ratio::ONE),
            min_rate: None,
            min_throughput: None,
            duration: MINUTE,
            wait: Nanos(5_000_000_000),
            retries: 3,
            search: Method::Binary,
            width: Ratio(5_000_000),
            loss_ratio: Ratio(0),
            verifications: 1,
            search_duration: MINUTE,
            goals: Vec::new(),
            loss_step: Ratio(100_000_000),
            latency: Latency {
                duration: Nanos(120_000_000_000),
                repeats: 20,
                loads: vec![Ratio::ONE],
            },
            back_to_back: Bursts {
                limit: Nanos(2_000_000_000),
                step: 1,
                repeats: 50,
                verifications: 1,
            },
            recovery: Recovery {
                duration: MINUTE,
                watch: MINUTE,
                resolution: Nanos(100_000_000),
                repeats: 1,
            },
        }
    }
}
