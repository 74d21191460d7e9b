//! One trial, from opened ports to drained counters (RFC 2544 §23).

pub mod datagrams;
mod links;
mod observer;
pub mod result;
pub mod send;
pub mod sight;
pub mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::engine::choose::EngineChoice;
use crate::error::{Error, Result};
use crate::host::facts::LinkCounters;
use crate::host::link;
use crate::measure::received::PortReceived;
use crate::pace::RateChange;
use crate::profile::model::Profile;
use crate::receive::{self, ReceiveSpec, Receiver};
use crate::sys::clock;
use crate::sys::limits::Aside;
use crate::worker::Limits;

use links::Links;
use observer::Observer;
use send::{SendPort, Senders, WorkerReport};
use watch::Watch;

/// A trial, ready to run.
pub struct Trial<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// Ports that send.
    pub senders: Vec<SendPort>,
    /// Ports that receive: position in the profile, and what their receiver has to know.
    pub receivers: Vec<(usize, ReceiveSpec)>,
    /// Which engine.
    pub engine: EngineChoice,
    /// Set from outside to end the trial early.
    pub stop: Arc<AtomicBool>,
    /// Where it shows itself in mid-run, beside what [`Snapshot`] says.
    pub watch: Option<Arc<Watch>>,
    /// Nobody who watches may change its rates.
    pub rate_is_fixed: bool,
}

/// What a trial shows while it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    /// Since the start, in nanoseconds.
    pub elapsed: u64,
    /// How long the schedule lasts, where that is known.
    pub expected: Option<u64>,
    /// Packets sent.
    pub sent: u64,
    /// Probes received; None where nothing receives.
    pub received: Option<u64>,
    /// Largest lag, in nanoseconds.
    pub max_lag: u64,
}

/// What a trial counted.
pub struct Outcome {
    /// What the workers did.
    pub reports: Vec<WorkerReport>,
    /// Per receiving port.
    pub received: Vec<(usize, PortReceived)>,
    /// What the sending interfaces counted meanwhile, in the order of the senders.
    pub tx_links: Vec<Option<LinkCounters>>,
    /// What the receiving interfaces counted meanwhile, in the order of the receivers.
    pub rx_links: Vec<Option<LinkCounters>>,
    /// When packet 0 was due.
    pub begin: u64,
    /// How long it sent, in nanoseconds.
    pub span: u64,
    /// It ended before its time.
    pub incomplete: bool,
    /// Why, where that was an error and no stop.
    pub error: Option<Error>,
    /// Changes of the rates by hand, their times since the start.
    pub rate_changes: Vec<RateChange>,
}

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(100);

impl Trial<'_> {
    /// Opens everything, sends, drains, counts, and closes everything.
    ///
    /// # Errors
    /// What hinders the start. What goes wrong later is in [`Outcome::error`], beside what was
    /// measured until then.
    pub fn run(&self, show: &mut dyn FnMut(&Snapshot)) -> Result<Outcome> {
        let mut receivers = Vec::with_capacity(self.receivers.len());
        for (port, spec) in &self.receivers {
            receivers.push((*port, open_receiver(spec)?));
        }
        let limits = Limits {
            max_lag: self.profile.validity.max_lag.0,
            drain: self.profile.drain.0.max(100_000_000),
        };
        let mut senders = Senders::open(&self.senders, self.engine, limits, self.stop.clone())?;
        let expected = self
            .senders
            .iter()
            .map(|port| port.plan.duration())
            .try_fold(0, |longest: u64, span| span.map(|span| longest.max(span)));
        let mut observer = Observer::new(self, &senders, expected);
        self.pause(self.profile.settle.into());
        let links = Links::find(&self.senders, &self.receivers)?;
        let tx_before = self.tx_links();
        let rx_before = self.rx_links();

        // A look at the maps of thousands of streams takes milliseconds in the kernel, which on a
        // worker's CPU are the worker's.
        let seats = self.senders.iter().flat_map(|port| &port.plan.seats);
        let cores: Vec<usize> = seats.filter_map(|seat| seat.core).collect();
        let aside = Aside::from(&cores);
        let begin = senders.start();
        observer.begins(begin);
        let mut lost = None;
        let mut snapshot = Snapshot { expected, ..Snapshot::default() };
        while !senders.are_done() {
            std::thread::sleep(
                TICK.min(Duration::from_nanos(expected.unwrap_or(u64::MAX) / 20 + 1)),
            );
            let now = clock::now();
            snapshot.elapsed = now.saturating_sub(begin);
            // Received first: what arrives meanwhile must not exceed what was sent.
            observer.count(now, &mut receivers);
            snapshot.received = observer.received();
            snapshot.sent = senders.sent();
            snapshot.max_lag = senders.max_lag();
            show(&snapshot);
            observer.show(&senders);
            if lost.is_none() {
                lost = links.lost();
                if lost.is_some() {
                    self.stop.store(true, Relaxed);
                }
            }
        }
        observer.settle_changes(&senders);
        let stopped = self.stop.load(Relaxed);
        let (reports, error) = senders.join();
        drop(aside);
        let mut error = error.or(lost);
        observer.drains(&reports);
        // A stop asks for a report now, not for the residual frames of a full drain.
        let drain = Duration::from(self.profile.drain);
        self.drain(if stopped { drain.min(Duration::from_millis(200)) } else { drain });

        observer.ends(&reports, &mut receivers);
        let mut received = Vec::with_capacity(receivers.len());
        for (port, receiver) in &mut receivers {
            match receiver.snapshot() {
                Ok(counted) => received.push((*port, counted)),
                Err(gone) => {
                    error.get_or_insert(gone);
                }
            }
        }
        let last = reports.iter().filter_map(|report| report.outcome.last_sent).max();
        let took = last.map_or(0, |last| last.saturating_sub(begin));
        let incomplete = error.is_some() || reports.iter().any(|r| r.outcome.ended.is_some());
        let span = match observer.expected() {
            Some(expected) if !incomplete => took.max(expected),
            _ => took,
        };
        Ok(Outcome {
            tx_links: changes(&tx_before, &self.tx_links()),
            rx_links: changes(&rx_before, &self.rx_links()),
            reports,
            received,
            begin,
            span,
            incomplete,
            error,
            rate_changes: observer.changes(),
        })
    }

    fn tx_links(&self) -> Vec<Option<LinkCounters>> {
        self.senders.iter().map(|port| link::counters(&port.netns, &port.interface).ok()).collect()
    }

    fn rx_links(&self) -> Vec<Option<LinkCounters>> {
        let counters = |spec: &ReceiveSpec| link::counters(&spec.netns, &spec.interface).ok();
        self.receivers.iter().map(|(_, spec)| counters(spec)).collect()
    }

    /// Waits, but not beyond a stop.
    fn pause(&self, span: Duration) {
        let until = clock::now() + span.as_nanos() as u64;
        while clock::now() < until && !self.stop.load(Relaxed) {
            let left = Duration::from_nanos(until.saturating_sub(clock::now()));
            std::thread::sleep(left.min(TICK));
        }
    }

    /// Waits for residual frames (RFC 2544 §23 d).
    fn drain(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

fn open_receiver(spec: &ReceiveSpec) -> Result<Box<dyn Receiver>> {
    spec.netns
        .run(|| receive::open(spec))
        .map_err(|error| Error::new("enter the namespace of", &spec.interface, error))?
}

fn changes(
    before: &[Option<LinkCounters>],
    after: &[Option<LinkCounters>],
) -> Vec<Option<LinkCounters>> {
    before
        .iter()
        .zip(after)
        .map(|(before, after)| Some(after.as_ref()?.since(before.as_ref()?)))
        .collect()
}
