//! Looks at a running trial ten times a second, for whoever watches, and changes its rates for them.

use std::sync::Arc;
use std::time::Duration;

use super::Trial;
use super::result::{self, StreamSent};
use super::send::{Senders, WorkerReport};
use super::sight::{Arrived, Cast, Phase, Sight, StreamCast, StreamSight, WorkerCast, WorkerSight};
use super::watch::Watch;
use crate::measure::glance::PortGlance;
use crate::measure::ledger::{self, Entries};
use crate::pace::{RateChange, StreamCounts};
use crate::profile::model::Stream;
use crate::receive::Receiver;
use crate::report::model::Stage;
use crate::sys::clock;
use crate::worker::live::Answer;

/// Reading the receivers takes at most this share of the time: one part of so many.
const READ_SHARE: u64 = 20;

/// How far ahead a change of the rates lies: further than any worker sleeps or any engine looks.
const AHEAD_NS: u64 = 60_000_000;

/// How long answers are waited for: longer than a worker sleeps.
const PATIENCE: Duration = Duration::from_millis(30);

/// Looks at one trial.
pub(super) struct Observer<'a> {
    trial: &'a Trial<'a>,
    watch: Option<&'a Watch>,
    cast: Arc<Cast>,
    number: u64,
    begin: u64,
    expected: Option<u64>,
    /// What the receivers said last, and when; when they are read next.
    glances: Vec<(usize, PortGlance)>,
    counted: u64,
    next_count: u64,
    percent: u32,
    /// The changes that were asked for, absolute.
    changes: Vec<RateChange>,
}

impl<'a> Observer<'a> {
    pub fn new(trial: &'a Trial<'a>, senders: &Senders, expected: Option<u64>) -> Self {
        let watch = trial.watch.as_deref();
        let cast = match watch {
            Some(_) => Arc::new(cast(trial, senders)),
            None => Arc::default(),
        };
        let observer = Self {
            trial,
            watch,
            cast,
            number: watch.map_or(0, Watch::begin),
            begin: 0,
            expected,
            glances: Vec::new(),
            counted: 0,
            next_count: 0,
            percent: RateChange::PLAIN,
            changes: Vec::new(),
        };
        observer.put(Phase::Settling, 0, &[], 0);
        observer
    }

    /// Packet 0 is due then.
    pub fn begins(&mut self, begin: u64) {
        (self.begin, self.counted) = (begin, begin);
    }

    /// Reads the receivers, unless that was done so shortly before that it would cost too much.
    pub fn count(&mut self, now: u64, receivers: &mut [(usize, Box<dyn Receiver>)]) {
        if now < self.next_count {
            return;
        }
        let latency = self.watch.is_some();
        self.glances = receivers
            .iter_mut()
            .filter_map(|(port, receiver)| Some((*port, receiver.glance(latency).ok()?)))
            .collect();
        self.counted = now;
        self.next_count = now + (clock::now() - now) * READ_SHARE;
    }

    /// Probes received, when the receivers were read last. None where nothing receives.
    pub fn received(&self) -> Option<u64> {
        let port = |(_, port): &(usize, PortGlance)| -> u64 {
            port.streams.iter().map(|stream| stream.received).sum()
        };
        (!self.glances.is_empty()).then(|| self.glances.iter().map(port).sum())
    }

    /// Shows the trial to whoever watches, and does what they ask.
    pub fn show(&mut self, senders: &Senders) {
        let Some(watch) = self.watch else { return };
        // The receivers were read before: what was sent by now is never less than what arrived.
        let now = clock::now();
        let answers = senders.ask(PATIENCE);
        self.put(Phase::Sending, now, &answers, senders.max_lag());
        self.change_rate(watch, senders);
    }

    fn change_rate(&mut self, watch: &Watch, senders: &Senders) {
        let wanted = watch.percent();
        let is_made = |change: &RateChange| senders.have_changed(change.at);
        let waits = self.changes.last().is_some_and(|change| !is_made(change));
        let pauses = [wanted, self.percent].contains(&RateChange::PAUSED);
        let refused = if pauses { self.cast.never_pauses } else { self.cast.rate_is_fixed };
        if wanted == self.percent || waits || refused.is_some() {
            return;
        }
        let change = RateChange { at: clock::now() + AHEAD_NS, percent: wanted };
        senders.change_rate(change);
        self.percent = wanted;
        self.changes.push(change);
    }

    /// It waits for residual frames.
    pub fn drains(&self, reports: &[WorkerReport]) {
        let answers: Vec<Answer> = reports.iter().map(answer).collect();
        self.put(Phase::Draining, clock::now(), &answers, max_lag(reports));
    }

    /// All was counted: the last sight before that of the result.
    pub fn ends(&mut self, reports: &[WorkerReport], receivers: &mut [(usize, Box<dyn Receiver>)]) {
        if self.watch.is_some() {
            self.next_count = 0;
            let now = clock::now();
            self.count(now, receivers);
            self.drains(reports);
        }
    }

    /// The workers have ended: a change that none of them made any more is none.
    pub fn settle_changes(&mut self, senders: &Senders) {
        self.changes.retain(|change| senders.has_changed(change.at));
    }

    /// The changes of the rates, their times since the start.
    pub fn changes(&self) -> Vec<RateChange> {
        let since = |change: &RateChange| RateChange { at: change.at - self.begin, ..*change };
        self.changes.iter().map(since).collect()
    }

    fn put(&self, phase: Phase, now: u64, answers: &[Answer], max_lag: u64) {
        let Some(watch) = self.watch else { return };
        let streams = self.streams(answers);
        let ledger = self.ledger(answers, &streams);
        let since = |time: u64| time.saturating_sub(self.begin);
        let elapsed = since(now);
        watch.put(Sight {
            cast: self.cast.clone(),
            trial: self.number,
            phase,
            elapsed: if phase == Phase::Settling { 0 } else { elapsed },
            counted: since(self.counted),
            expected: self.expected(),
            percent: self.percent,
            changes: self.changes(),
            max_lag,
            workers: answers.iter().map(worker).collect(),
            ports: self.glances.iter().map(|(_, port)| without_streams(port)).collect(),
            streams: streams.into_iter().map(|(_, stream)| stream).collect(),
            ledger,
            verdict: None,
        });
    }

    /// How long the schedule lasts. Where a count ends it, nobody knows after a change.
    pub fn expected(&self) -> Option<u64> {
        let counted = |port: &super::SendPort| port.plan.classes.iter().any(|c| c.count.is_some());
        let unknown = !self.changes.is_empty() && self.trial.senders.iter().any(counted);
        self.expected.filter(|_| !unknown)
    }

    /// Every stream, and the frames that were sent of it.
    fn streams(&self, answers: &[Answer]) -> Vec<(u64, StreamSight)> {
        let profile = self.trial.profile;
        let mut sent = vec![StreamSent::default(); profile.streams.len()];
        for (worker, (port, _)) in answers.iter().zip(seats(self.trial)) {
            let plan = &self.trial.senders[port].plan;
            for (program, &stream) in plan.streams.iter().enumerate() {
                let frames = worker.accepted.get(program).copied().unwrap_or(0);
                let passed = worker.passed_over.get(program).copied().unwrap_or(0);
                sent[stream].add(&profile.streams[stream], frames + passed, frames);
            }
        }
        let stream = |(number, sent): (usize, StreamSent)| {
            let settings = &profile.streams[number];
            let arrived = self.cast.streams[number].measured.then(|| {
                let port = self.glances.iter().find(|(port, _)| Some(*port) == settings.to);
                let seen = port.and_then(|(_, port)| port.streams.get(number));
                let seen = seen.copied().unwrap_or_default();
                let in_order = settings.order.is_empty();
                Arrived {
                    received: seen.received,
                    unique: seen.unique,
                    lost: in_order.then(|| seen.reached.saturating_sub(seen.unique)),
                    duplicated: seen.duplicated,
                    reordered: seen.reordered,
                    late_ambiguous: seen.late_ambiguous,
                    bytes: seen.bytes,
                    latency: seen.latency,
                }
            });
            let unsent = sent.intended - sent.distinct;
            (sent.frames, StreamSight { sent: sent.distinct, unsent, arrived })
        };
        match self.watch {
            Some(_) => sent.into_iter().enumerate().map(stream).collect(),
            None => Vec::new(),
        }
    }

    fn ledger(&self, answers: &[Answer], streams: &[(u64, StreamSight)]) -> Vec<Stage> {
        let sum = |of: fn(&Answer) -> u64| answers.iter().map(of).sum::<u64>();
        let accepted = sum(|worker| worker.accepted.iter().sum());
        let unsent = sum(|worker| worker.passed_over.iter().sum());
        let arrived = |of: fn(&Arrived) -> u64| {
            let mut measured = streams.iter().filter_map(|(_, stream)| stream.arrived.as_ref());
            let first = of(measured.next()?);
            Some(first + measured.map(of).sum::<u64>())
        };
        ledger::stages(&Entries {
            intended: accepted + unsent,
            unsent,
            built: sum(|worker| worker.counters.built),
            accepted: sum(|worker| worker.counters.accepted),
            completed: sum(|worker| worker.counters.completed),
            device: None,
            unmeasured: streams
                .iter()
                .filter(|(_, stream)| stream.arrived.is_none())
                .map(|(frames, _)| frames)
                .sum(),
            arrived: arrived(|arrived| arrived.received),
            unique: arrived(|arrived| arrived.unique),
        })
    }
}

fn worker(answer: &Answer) -> WorkerSight {
    WorkerSight {
        sent: answer.accepted.iter().sum(),
        unsent: answer.passed_over.iter().sum(),
        lag: answer.lag,
        counters: answer.counters,
    }
}

fn answer(report: &WorkerReport) -> Answer {
    let passed =
        |(slots, accepted): (&StreamCounts, &u64)| slots.intended.saturating_sub(*accepted);
    Answer {
        counters: report.counters,
        lag: 0,
        accepted: report.accepted.clone(),
        passed_over: report.slots.iter().zip(&report.accepted).map(passed).collect(),
    }
}

fn max_lag(reports: &[WorkerReport]) -> u64 {
    reports.iter().filter_map(|report| report.outcome.max_lag).max().unwrap_or(0)
}

fn without_streams(port: &PortGlance) -> PortGlance {
    PortGlance {
        mode: port.mode.clone(),
        overload: port.overload.clone(),
        streams: Vec::new(),
        latency: port.latency.clone(),
        latency_of: port.latency_of.clone(),
        ..*port
    }
}

/// Every seat: the position of its port among the senders, and its own there.
fn seats<'a>(trial: &'a Trial<'a>) -> impl Iterator<Item = (usize, usize)> + 'a {
    let ports = trial.senders.iter().enumerate();
    ports.flat_map(|(number, port)| (0..port.plan.seats.len()).map(move |seat| (number, seat)))
}

fn cast(trial: &Trial<'_>, senders: &Senders) -> Cast {
    let profile = trial.profile;
    let name = |port: usize| profile.ports[port].name.clone();
    let received: Vec<usize> = trial.receivers.iter().map(|(port, _)| *port).collect();
    let stream = |(number, stream): (usize, &Stream)| StreamCast {
        name: stream.name.clone(),
        from: name(stream.from),
        to: stream.to.map(name),
        measured: stream.to.is_some_and(|to| received.contains(&to))
            && result::program_of(&trial.senders, number).is_some_and(|tagged| tagged),
    };
    let worker = |(n, (port, seat)): (usize, (usize, usize))| {
        let port = &trial.senders[port];
        WorkerCast {
            port: name(port.plan.port),
            interface: port.interface.clone(),
            queue: port.plan.seats[seat].queue,
            core: port.plan.seats[seat].core,
            engine: senders.capabilities.get(n).map_or("none", |of| of.name),
        }
    };
    Cast {
        profile: profile.name.clone(),
        seed: profile.seed,
        streams: profile.streams.iter().enumerate().map(stream).collect(),
        workers: seats(trial).enumerate().map(worker).collect(),
        ports: received.into_iter().map(name).collect(),
        rate_is_fixed: rate_is_fixed(trial),
        never_pauses: never_pauses(trial),
        validity: profile.validity.clone(),
        pass: profile.pass.clone(),
    }
}

/// Why a trial cannot pause.
fn never_pauses(trial: &Trial<'_>) -> Option<&'static str> {
    if trial.rate_is_fixed {
        return Some("the search sets the rate of every trial");
    }
    let chained = |stream: &Stream| stream.after.is_some() || stream.repeat > 1;
    let chained = trial.profile.streams.iter().any(chained);
    chained.then_some("streams that wait for one another keep their times")
}

/// Why the rates of a trial cannot be changed in mid-run.
fn rate_is_fixed(trial: &Trial<'_>) -> Option<&'static str> {
    let classes = || trial.senders.iter().flat_map(|port| &port.plan.classes);
    let fast = || classes().all(|class| class.shape.is_unlimited());
    never_pauses(trial).or_else(|| fast().then_some("every stream is sent as fast as it goes"))
}
