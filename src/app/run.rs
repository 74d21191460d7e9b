//! `wirestorm run`: any profile, from the lab to the report.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::diagnose::{self, LinkWitness};
use super::machine::{self, CpuTimes};
use super::{calibrated, prepare, signals};
use crate::engine::choose::EngineChoice;
use crate::error::{Error, Result};
use crate::host::offloads::{self, Guard};
use crate::lab::Lab;
use crate::lab::layout::Layout;
use crate::lab::router::Router;
use crate::measure::distribution::Distribution;
use crate::measure::received::PortReceived;
use crate::measure::verdict;
use crate::pace::RateChange;
use crate::ports::{self, AttachedPort};
use crate::profile::model::{Profile, ReceiveMode, TestKind};
use crate::profile::safety::Prefix;
use crate::report::model::{Counter, Environment, RateChanged, Reason, RunResult, SCHEMA, Verdict};
use crate::trial::result::{Assembled, Counted, assemble};
use crate::trial::watch::Watch;
use crate::trial::{Outcome, Snapshot, Trial};

/// Receive offloads that make one packet of several.
const MERGING: [&str; 4] = [offloads::GRO, "rx-lro", "rx-gro-hw", "rx-gro-list"];

/// How to run, beside what the profile says.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Which engine.
    pub engine: EngineChoice,
    /// Workers of every sending port; None: as the profile says.
    pub workers: Option<u32>,
    /// The command line, for the report.
    pub command: String,
    /// Prefixes that packets may go to beside the safe ones.
    pub allowed: Vec<Prefix>,
    /// The profile may run its `test.reset.command`.
    pub allow_command: bool,
    /// Where trials show themselves in mid-run.
    pub watch: Option<Arc<Watch>>,
    /// Set to end the run early, by a signal or by whoever watches.
    pub stop: Arc<AtomicBool>,
}

/// What a run gives.
pub struct Ran {
    /// The result, for every output.
    pub result: RunResult,
    /// Latency histograms by stream.
    pub histograms: Vec<(String, Distribution)>,
    /// What ended the run before its time, when that was an error.
    pub error: Option<Error>,
}

/// Runs a profile. `show` is called ten times a second while packets are sent.
///
/// # Errors
/// What hinders the start.
pub fn run(
    profile: &Profile,
    options: &RunOptions,
    show: &mut dyn FnMut(&Snapshot),
) -> Result<Ran> {
    Bed::up(profile, options)?.run(profile, prepare::EPOCH, show)
}

/// Where trials are made: the lab, if there is one, and the machine as a trial wants it.
pub struct Bed<'a> {
    options: &'a RunOptions,
    lab: Option<Lab>,
    /// A search makes the trials.
    is_benchmark: bool,
    /// Set by a signal.
    pub stop: Arc<AtomicBool>,
    /// A user-space receiver sees packets after the kernel has merged them, unless it may not.
    _merging_off: Vec<Guard>,
}

impl<'a> Bed<'a> {
    /// Builds it. What it changed is as before once it is dropped.
    ///
    /// # Errors
    /// A lab that cannot be built, an interface that is not there.
    pub fn up(profile: &Profile, options: &'a RunOptions) -> Result<Self> {
        let stop = options.stop.clone();
        signals::stop_on_interrupt(&stop)?;
        let lab = match &profile.lab {
            Some(spec) if profile.stands_in_lab() => {
                Some(Lab::up(spec, prepare::lab_queues(profile, options.workers))?)
            }
            _ => None,
        };
        let in_user_space = profile.measure.receive == ReceiveMode::PacketMmap;
        if let Some(lab) = &lab
            && in_user_space
            && !profile.measure.pass_on
        {
            lab.mute_receiver()?;
        }
        let mut merging_off = Vec::new();
        if lab.is_none() && in_user_space {
            for (number, port) in ports::attach(profile, None)?.iter().enumerate() {
                if profile.streams.iter().any(|stream| stream.to == Some(number)) {
                    merging_off.push(Guard::off(&port.netns, &port.facts.name, &MERGING)?);
                }
            }
        }
        let is_benchmark = matches!(profile.test, TestKind::Benchmark(_));
        Ok(Self { options, lab, is_benchmark, stop, _merging_off: merging_off })
    }

    /// Whether the profile may run its own command.
    pub fn allows_command(&self) -> bool {
        self.options.allow_command
    }

    /// The lab's router.
    ///
    /// # Errors
    /// Where there is no lab, or one without a router.
    pub fn router(&self) -> Result<Router> {
        match &self.lab {
            Some(lab) => lab.router(),
            None => Err(Error::new("find", "the lab's router", "there is no lab")),
        }
    }

    /// The profile's ports, found.
    ///
    /// # Errors
    /// An interface that is missing or down.
    pub fn ports(&self, profile: &Profile) -> Result<Vec<AttachedPort>> {
        ports::attach(profile, self.lab.as_ref())
    }

    /// One trial. `epoch` is its number: residual packets of another one do not count.
    ///
    /// # Errors
    /// What hinders the start.
    pub fn run(
        &self,
        profile: &Profile,
        epoch: u8,
        show: &mut dyn FnMut(&Snapshot),
    ) -> Result<Ran> {
        let RunOptions { engine, workers, allowed, .. } = self.options;
        let prepared = prepare::prepare(profile, self.lab.as_ref(), *workers, allowed, epoch)?;
        let trial = Trial {
            profile,
            senders: prepared.senders,
            receivers: prepared.receivers,
            engine: *engine,
            stop: self.stop.clone(),
            watch: self.options.watch.clone(),
            rate_is_fixed: self.is_benchmark,
        };
        run_trial(&trial, &prepared.ports, self.lab.as_ref(), self.options, show)
    }
}

fn run_trial(
    trial: &Trial,
    ports: &[AttachedPort],
    lab: Option<&Lab>,
    options: &RunOptions,
    show: &mut dyn FnMut(&Snapshot),
) -> Result<Ran> {
    let profile = trial.profile;
    let before = Witnesses::read(lab);
    let started = machine::now_rfc3339();
    let outcome = trial.run(show)?;
    let after = Witnesses::read(lab);

    let links = |links: &[Option<_>]| links.to_vec();
    let senders: Vec<LinkWitness> = trial
        .senders
        .iter()
        .zip(links(&outcome.tx_links))
        .map(|(port, counters)| LinkWitness { interface: &port.interface, counters })
        .collect();
    let receivers: Vec<LinkWitness> = trial
        .receivers
        .iter()
        .zip(links(&outcome.rx_links))
        .map(|((_, spec), counters)| LinkWitness { interface: &spec.interface, counters })
        .collect();
    let device =
        senders.iter().map(|link| link.counters.map(|c| c.tx_packets)).sum::<Option<u64>>();
    let Assembled { totals, streams, datagrams, ledger, gaps } = assemble(&Counted {
        profile,
        senders: &trial.senders,
        reports: &outcome.reports,
        received: &outcome.received,
        device,
        begin: outcome.begin,
        span: outcome.span,
    });
    let mut witnesses = after.lab.since(&before.lab);
    if lab.is_none() {
        witnesses.extend(link_counters(&senders, &receivers));
    }
    let mut overload = overload(&outcome.received, &receivers);
    overload.extend(full_rings(lab, &senders, &receivers, &witnesses));
    let (engine, engine_detail) = engine_of(&outcome, options.engine);
    let (calibration, calibration_detail) = calibrated::of_engine(&engine);
    let mut result = RunResult {
        schema: SCHEMA.into(),
        profile: profile.name.clone(),
        profile_yaml: profile.source.clone(),
        seed: profile.seed,
        engine,
        engine_detail,
        receive_detail: receive_detail(&outcome.received),
        verdict: Verdict { valid: false, passed: false, reasons: Vec::new() },
        incomplete: outcome.incomplete,
        duration_s: outcome.span as f64 / 1e9,
        schedule_lag_max_ns: outcome.reports.iter().filter_map(|r| r.outcome.max_lag).max(),
        rate_changes: outcome.rate_changes.iter().map(rate_changed).collect(),
        totals,
        streams,
        datagrams,
        ledger,
        // They were measured against the gap of the profile.
        gaps: gaps.filter(|_| outcome.rate_changes.is_empty()),
        overload,
        witnesses,
        warnings: profile_warnings(profile),
        calibration,
        calibration_detail,
        environment: Environment {
            started,
            command: options.command.clone(),
            ..machine::environment(ports)
        },
    };
    result.warnings.extend(diagnose::nothing_received(&result, &senders, &receivers));
    result.warnings.extend(diagnose::rate_changed(&result));
    result.warnings.extend(diagnose::unmeasured(&result));
    result.warnings.extend(after.cpu.steal_since(&before.cpu).and_then(diagnose::steal));
    result.verdict = verdict::judge(&result, &profile.validity, &profile.pass);
    if let Some(watch) = &trial.watch {
        watch.finish(&result);
    }
    Ok(Ran { histograms: histograms(profile, &outcome.received), result, error: outcome.error })
}

fn rate_changed(change: &RateChange) -> RateChanged {
    RateChanged {
        at_s: change.at as f64 / 1e9,
        factor: f64::from(change.percent) / f64::from(RateChange::PLAIN),
    }
}

/// What independent counters said at one moment.
struct Witnesses {
    lab: LabCounters,
    cpu: CpuTimes,
}

struct LabCounters(Vec<(String, u64)>);

impl Witnesses {
    fn read(lab: Option<&Lab>) -> Self {
        // A counter that can't be read is missing from the report; it is no reason to fail.
        let counters = lab.map(|lab| lab.witness().unwrap_or_default()).unwrap_or_default();
        Self { lab: LabCounters(counters), cpu: CpuTimes::read() }
    }
}

impl LabCounters {
    fn since(&self, before: &Self) -> Vec<Counter> {
        let old = |name: &str| before.0.iter().find(|(n, _)| n == name).map_or(0, |(_, v)| *v);
        self.0
            .iter()
            .map(|(name, value)| Counter {
                name: name.clone(),
                value: value.saturating_sub(old(name)),
            })
            .collect()
    }
}

fn link_counters(senders: &[LinkWitness], receivers: &[LinkWitness]) -> Vec<Counter> {
    let mut counters: Vec<Counter> = Vec::new();
    for link in senders.iter().chain(receivers) {
        let Some(counted) = link.counters else { continue };
        for (what, value) in [
            ("tx_packets", counted.tx_packets),
            ("rx_packets", counted.rx_packets),
            ("tx_dropped", counted.tx_dropped),
            ("rx_dropped", counted.rx_dropped),
            ("rx_missed", counted.rx_missed),
        ] {
            let name = format!("{} {what}", link.interface);
            if !counters.iter().any(|counter| counter.name == name) {
                counters.push(Counter { name, value });
            }
        }
    }
    counters
}

/// Drops of this machine's own receive side: those of the receiver, and those of the interface.
fn overload(received: &[(usize, PortReceived)], receivers: &[LinkWitness]) -> Vec<Counter> {
    let own = received.iter().flat_map(|(_, port)| &port.overload);
    let mut overload: Vec<Counter> =
        own.map(|(name, value)| Counter { name: name.clone(), value: *value }).collect();
    for link in receivers {
        let Some(counted) = link.counters else { continue };
        let name = format!("{} rx_missed", link.interface);
        overload.push(Counter { name, value: counted.rx_missed });
    }
    overload
}

/// Frames that the device before a receiving port of the lab could not put into its ring: on a veth
/// the sender's end counts them, but it was the receiver that did not keep up.
fn full_rings(
    lab: Option<&Lab>,
    senders: &[LinkWitness],
    receivers: &[LinkWitness],
    witnesses: &[Counter],
) -> Vec<Counter> {
    let Some(lab) = lab else { return Vec::new() };
    let layout = Layout::new(lab.spec().topology, lab.spec().mtu);
    let before = receivers.iter().filter_map(|link| layout.peer(link.interface));
    // Back to back that device is our own sender, whose engine counts what it could not send.
    before
        .filter(|peer| senders.iter().all(|link| link.interface != peer.device))
        .filter_map(|peer| {
            let name = format!("{} tx_dropped", peer.device);
            witnesses.iter().find(|counter| counter.name == name).cloned()
        })
        .collect()
}

fn engine_of(outcome: &Outcome, asked: EngineChoice) -> (String, String) {
    let mut names: Vec<&str> = Vec::new();
    let mut details: Vec<&str> = Vec::new();
    for report in &outcome.reports {
        if !names.contains(&report.capabilities.name) {
            names.push(report.capabilities.name);
        }
        if !details.contains(&report.capabilities.detail.as_str()) {
            details.push(&report.capabilities.detail);
        }
    }
    let mut detail = details.join("; ");
    if asked == EngineChoice::Auto {
        detail.insert_str(0, "chosen by auto: ");
        if let Some(report) = outcome.reports.iter().find(|report| !report.why.is_empty()) {
            detail.push_str(&format!("; not the better ones, for: {}", report.why));
        }
    }
    let workers = outcome.reports.len();
    (names.join(", "), format!("{detail}; {workers} worker{}", if workers == 1 { "" } else { "s" }))
}

fn receive_detail(received: &[(usize, PortReceived)]) -> String {
    let mut modes: Vec<&str> = Vec::new();
    for (_, port) in received {
        if !modes.contains(&port.mode.as_str()) {
            modes.push(&port.mode);
        }
    }
    modes.join("; ")
}

fn profile_warnings(profile: &Profile) -> Vec<Reason> {
    let of = |message: &String| Reason { code: "profile".into(), message: message.clone() };
    profile.warnings.iter().map(of).collect()
}

fn histograms(
    profile: &Profile,
    received: &[(usize, PortReceived)],
) -> Vec<(String, Distribution)> {
    let mut histograms = Vec::new();
    for (port, counted) in received {
        for (number, stream) in counted.streams.iter().enumerate() {
            let Some(settings) = profile.streams.get(number) else { continue };
            if settings.to != Some(*port) {
                continue;
            }
            let named = [("", &stream.latency), ("-intended", &stream.latency_intended)];
            for (suffix, distribution) in named {
                if let Some(distribution) = distribution {
                    histograms.push((format!("{}{suffix}", settings.name), distribution.clone()));
                }
            }
        }
    }
    histograms
}
