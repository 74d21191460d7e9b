//! What a profile says of a benchmark: a test that is made of many trials.

use crate::profile::model::{Rate, Size};
use crate::profile::units::Unit;
use crate::search::Goal;
use crate::units::{FrameSize, Nanos, Ratio};

/// A benchmark as `test:` describes it. The defaults are the standards' values.
#[derive(Clone, Debug, PartialEq)]
pub struct Benchmark {
    /// What is looked for.
    pub kind: Kind,
    /// Frame sizes, each tested on its own. Never empty.
    pub sizes: Vec<Sizes>,
    /// Every stream is sent back too, its addresses and ports exchanged: both ports send and receive.
    pub bidirectional: bool,
    /// RFC 2544 §11 and its successors: every test is made without, and with each of these.
    pub modifiers: Vec<Modifier>,
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
    /// Frames before each trial (RFC 2544 §23 b).
    pub learning: Learning,
    /// From the end of a trial to the beginning of the next (RFC 2544 §23 e).
    pub wait: Nanos,
    /// How often in a row an invalid trial is repeated before the search gives up.
    pub retries: u32,
    /// When one search gives up; None: it may take as long as it needs.
    pub max_time: Option<Nanos>,
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
    pub goals: Vec<NamedGoal>,
    /// RFC 2544 §26.3: how far the load falls from trial to trial.
    pub loss_step: Ratio,
    /// RFC 2544 §26.2.
    pub latency: Latency,
    /// RFC 9004.
    pub back_to_back: Bursts,
    /// RFC 2544 §26.5.
    pub recovery: Recovery,
    /// RFC 6201. Some where the profile describes a reset: then it belongs to the suite too.
    pub reset: Option<Reset>,
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
    /// RFC 2544 §26.6 as RFC 6201 updates it.
    Reset,
    /// All of these; a reset where the profile says how.
    Rfc2544,
}

impl Kind {
    /// Every kind with its name in profiles and results.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("throughput", Self::Throughput),
        ("latency", Self::Latency),
        ("frame-loss", Self::FrameLoss),
        ("back-to-back", Self::BackToBack),
        ("system-recovery", Self::SystemRecovery),
        ("reset", Self::Reset),
        ("rfc2544", Self::Rfc2544),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The tests that it takes, in their order: what another one needs comes first.
    fn tests(self) -> &'static [Self] {
        match self {
            Self::Throughput => &[Self::Throughput],
            Self::Latency => &[Self::Throughput, Self::Latency],
            Self::FrameLoss => &[Self::FrameLoss],
            Self::BackToBack => &[Self::Throughput, Self::BackToBack],
            Self::SystemRecovery => &[Self::Throughput, Self::SystemRecovery],
            Self::Reset => &[Self::Throughput, Self::Reset],
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Every stream has frames of this size.
    Fixed(FrameSize),
    /// Every stream has the sizes that it has in the profile.
    OfStreams,
    /// Every stream has this mix, with its name in results: `IMIX csit`, `IMIX - aaafg` (RFC 6985).
    Mix(String, Size),
}

/// A goal of an MLRsearch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGoal {
    /// As the profile names it: `csit-ndr`. None: it has no name.
    pub name: Option<String>,
    /// What is searched for.
    pub goal: Goal,
}

/// Frames before each trial (RFC 2544 §23 b): the device resolves where it sends the test's frames to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// Frames of each stream; 0: none, and no wait.
    pub frames: u64,
    /// From the last of them to the trial.
    pub wait: Nanos,
}

/// What a test is made with beside its own frames (RFC 2544 §11, RFC 4814, RFC 5180). What is given
/// holds together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modifier {
    /// §11.1: the share of a port's frames that go to the hardware broadcast address.
    pub broadcast: Option<Ratio>,
    /// §11.2: how often the device is asked for its sysUpTime.
    pub management: Option<Nanos>,
    /// §11.3: how often a routing update (RIPv2, 25 routes) is sent.
    pub routing_updates: Option<Nanos>,
    /// §11.4: filters of the lab's router; the last one lets the streams pass.
    pub filters: Option<u32>,
    /// §12 and RFC 4814: networks that the destinations are in; addresses, ports and source MACs are
    /// pseudo-random. A power of two, 1 to 256.
    pub networks: Option<u32>,
    /// RFC 5180 §7: the share of the load that the IPv6 streams have; the rest is IPv4's.
    pub ipv6_share: Option<Ratio>,
    /// RFC 5180 §5.3: extension headers of every IPv6 frame, in this order.
    pub extension_headers: Vec<ExtensionHeader>,
    /// RFC 5180 §5.3: the share of a port's IPv6 frames that have a hop-by-hop options header.
    pub hop_by_hop: Option<Ratio>,
}

/// An extension header of RFC 5180 §5.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionHeader {
    /// A routing header of 24 bytes: type 2, which routers on the way do not look at.
    Routing,
    /// A destination options header of 8 bytes.
    DestinationOptions,
    /// A fragment header, of an atomic fragment.
    Fragment,
}

impl ExtensionHeader {
    /// Every one with its name in profiles and the name of the header in a stack.
    pub const NAMES: [(&'static str, &'static str, Self); 3] = [
        ("routing", "routing_type2", Self::Routing),
        ("destination_options", "destination_options", Self::DestinationOptions),
        ("fragment", "fragment", Self::Fragment),
    ];

    /// Its name in profiles and its header's.
    pub fn names(self) -> (&'static str, &'static str) {
        let known = Self::NAMES.iter().find(|(_, _, header)| *header == self);
        known.map_or(("", ""), |(name, header, _)| (name, header))
    }
}

impl Modifier {
    /// How results name it: `broadcast 1%`, `filters 25, networks 256`.
    pub fn name(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.broadcast.map(|share| format!("broadcast {}", share.text())));
        parts.extend(self.management.map(|every| format!("management every {}", every.text())));
        let updates = |every: Nanos| format!("routing updates every {}", every.text());
        parts.extend(self.routing_updates.map(updates));
        parts.extend(self.filters.map(|count| format!("filters {count}")));
        parts.extend(self.networks.map(|count| format!("networks {count}")));
        parts.extend(self.ipv6_share.map(|share| {
            let ipv4 = Ratio(Ratio::ONE.0 - share.0);
            format!("IPv4 {} IPv6 {}", ipv4.text(), share.text())
        }));
        let headers: Vec<&str> = self.extension_headers.iter().map(|one| one.names().0).collect();
        parts.extend((!headers.is_empty()).then(|| headers.join("+")));
        parts.extend(self.hop_by_hop.map(|share| format!("hop-by-hop {}", share.text())));
        parts.join(", ")
    }
}

/// How the device is reset (RFC 6201).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Who does it.
    pub by: ResetBy,
    /// From the first frame to the reset.
    pub after: Nanos,
    /// From the reset to the last frame: it has to be longer than the outage.
    pub watch: Nanos,
    /// The load as a share of the throughput.
    pub load: Ratio,
    /// Trials.
    pub repeats: u32,
}

impl Reset {
    /// The standards' values: at the throughput (RFC 2544 §26.6), three trials.
    pub fn new(by: ResetBy) -> Self {
        Self {
            by,
            after: Nanos(10_000_000_000),
            watch: Nanos(300_000_000_000),
            load: Ratio::ONE,
            repeats: 3,
        }
    }
}

/// Who resets the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetBy {
    /// Whoever reads the terminal.
    Hand,
    /// A program with its arguments.
    Command(Vec<String>),
    /// The lab: its router stops forwarding for so long.
    Lab {
        /// How long.
        down: Nanos,
    },
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
    /// RFC 9971.
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
    /// The tests that it takes, in their order: what another one needs comes first.
    pub fn tests(&self) -> Vec<Kind> {
        let mut tests = self.kind.tests().to_vec();
        if self.kind == Kind::Rfc2544 && self.reset.is_some() {
            tests.push(Kind::Reset);
        }
        tests
    }

    /// The standards' values.
    pub fn new(kind: Kind) -> Self {
        const MINUTE: Nanos = Nanos(60_000_000_000);
        Self {
            kind,
            sizes: vec![Sizes::OfStreams],
            bidirectional: false,
            modifiers: Vec::new(),
            share: Share::Rates,
            max_rate: Rate::LineShare(Ratio::ONE),
            min_rate: None,
            min_throughput: None,
            duration: MINUTE,
            learning: Learning { frames: 10, wait: Nanos(2_000_000_000) },
            wait: Nanos(5_000_000_000),
            retries: 3,
            max_time: None,
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
            reset: None,
        }
    }
}
