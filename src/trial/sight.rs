//! What a trial shows while it runs: to the live view and to those who scrape its metrics.
//!
//! In mid-run every count is provisional. A packet that was sent and has not arrived is *open*: in
//! flight or lost, nobody knows yet. It counts as lost once a later packet of its stream and worker
//! has arrived: it has been overtaken. (It may still arrive; then it was reordered.) So at every time
//! `sent = unique + lost + open`, and when the trial is over nothing is open.

use std::sync::Arc;

use crate::engine::TxCounters;
use crate::measure::glance::{Moments, PortGlance};
use crate::pace::RateChange;
use crate::profile::model::{PassCriteria, Validity};
use crate::report::model::{RunResult, Stage, Verdict};

/// What stays the same during a trial.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    /// The profile's name.
    pub profile: String,
    /// Seed of the random values.
    pub seed: u64,
    /// Every stream, in the profile's order.
    pub streams: Vec<StreamCast>,
    /// Every worker, in the order of ports and seats.
    pub workers: Vec<WorkerCast>,
    /// Names of the receiving ports.
    pub ports: Vec<String>,
    /// Why the rate cannot be changed, where it cannot.
    pub rate_is_fixed: Option<&'static str>,
    /// Why it cannot pause, where it cannot.
    pub never_pauses: Option<&'static str>,
    /// When the run is valid.
    pub validity: Validity,
    /// When it passes.
    pub pass: PassCriteria,
}

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct StreamCast {
    /// Its name.
    pub name: String,
    /// Sending port.
    pub from: String,
    /// Receiving port.
    pub to: Option<String>,
    /// It carries tags and arrives at a port that receives.
    pub measured: bool,
}

/// A worker.
#[derive(Clone, Debug, Default)]
pub struct WorkerCast {
    /// Its port.
    pub port: String,
    /// The port's interface.
    pub interface: String,
    /// Its transmit queue.
    pub queue: u32,
    /// Its core.
    pub core: Option<usize>,
    /// Its engine.
    pub engine: &'static str,
}

/// Where a trial is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Everything is open, nothing is sent yet.
    #[default]
    Settling,
    /// It sends.
    Sending,
    /// It waits for residual frames.
    Draining,
    /// Every count is the report's.
    Over,
}

/// A trial at one moment.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// What stays the same.
    pub cast: Arc<Cast>,
    /// Trials before this one, in this process.
    pub trial: u64,
    /// Where it is.
    pub phase: Phase,
    /// When the senders were asked: nanoseconds since the start.
    pub elapsed: u64,
    /// When the receivers were read, in nanoseconds since the start. Not after `elapsed`.
    pub counted: u64,
    /// How long the schedule lasts, where that is known.
    pub expected: Option<u64>,
    /// Percent of the rates that the profile says; 0 in a pause.
    pub percent: u32,
    /// Changes of the rates, their times since the start.
    pub changes: Vec<RateChange>,
    /// Largest lag since the start, in nanoseconds.
    pub max_lag: u64,
    /// Every worker.
    pub workers: Vec<WorkerSight>,
    /// Every receiving port, without its streams.
    pub ports: Vec<PortGlance>,
    /// Every stream.
    pub streams: Vec<StreamSight>,
    /// Stage by stage. In mid-run without the device's count, and what is open is missing from the
    /// stages of arrival.
    pub ledger: Vec<Stage>,
    /// The result's, once it is over.
    pub verdict: Option<Verdict>,
}

/// A worker so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerSight {
    /// Frames that its engine took.
    pub sent: u64,
    /// Slots that passed without one, too late.
    pub unsent: u64,
    /// Largest lag since the sight before, in nanoseconds.
    pub lag: u64,
    /// What its engine counted.
    pub counters: TxCounters,
}

/// A stream so far. Counts are of packets, as in the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamSight {
    /// Distinct packets sent.
    pub sent: u64,
    /// Packets that could not be sent in time.
    pub unsent: u64,
    /// None where it is not measured.
    pub arrived: Option<Arrived>,
}

/// What arrived of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Arrivals.
    pub received: u64,
    /// Distinct packets.
    pub unique: u64,
    /// Packets that were overtaken and have not arrived. None where packets have an order of their
    /// own, until the end.
    pub lost: Option<u64>,
    /// Further arrivals of packets that had arrived.
    pub duplicated: u64,
    /// Packets that arrived after one with a larger sequence number.
    pub reordered: u64,
    /// Arrivals older than the window.
    pub late_ambiguous: u64,
    /// Bytes of all arrivals, without FCS.
    pub bytes: u64,
    /// Of the latencies, in nanoseconds.
    pub latency: Moments,
}

impl StreamSight {
    /// Packets that were sent and have neither arrived nor been overtaken.
    pub fn open(&self) -> Option<u64> {
        let arrived = self.arrived?;
        Some(self.sent.saturating_sub(arrived.unique + arrived.lost.unwrap_or(0)))
    }

    /// Adds another stream's counts.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.unsent += other.unsent;
        let Some(theirs) = other.arrived else { return };
        let mine = self.arrived.get_or_insert_with(Arrived::default);
        mine.received += theirs.received;
        mine.unique += theirs.unique;
        mine.lost = theirs.lost.map(|lost| mine.lost.unwrap_or(0) + lost).or(mine.lost);
        mine.duplicated += theirs.duplicated;
        mine.reordered += theirs.reordered;
        mine.late_ambiguous += theirs.late_ambiguous;
        mine.bytes += theirs.bytes;
        mine.latency.merge(&theirs.latency);
    }
}

impl Sight {
    /// All streams together, and of them the ones that are measured.
    pub fn totals(&self) -> (StreamSight, StreamSight) {
        let (mut all, mut measured) = (StreamSight::default(), StreamSight::default());
        for stream in &self.streams {
            all.merge(stream);
            if stream.arrived.is_some() {
                measured.merge(stream);
            }
        }
        (all, measured)
    }

    /// Latencies of all ports: counts by [`crate::measure::buckets::bucket`]. Empty: not measured.
    pub fn latency(&self) -> Vec<u64> {
        let mut sum: Vec<u64> = Vec::new();
        for port in &self.ports {
            sum.resize(sum.len().max(port.latency.len()), 0);
            sum.iter_mut().zip(&port.latency).for_each(|(sum, count)| *sum += count);
        }
        sum
    }

    /// Latencies of one stream, where they are kept apart.
    pub fn latency_of(&self, stream: usize) -> Option<&[u64]> {
        let to = self.cast.streams.get(stream)?.to.as_ref()?;
        let port = self.cast.ports.iter().position(|port| port == to)?;
        self.ports.get(port)?.latency_of.get(stream).map(Vec::as_slice)
    }

    /// The engines, each once.
    pub fn engines(&self) -> String {
        let mut names: Vec<&str> = self.cast.workers.iter().map(|worker| worker.engine).collect();
        names.dedup();
        names.join(", ")
    }

    /// Takes every count from the result, so that nothing differs from the report.
    pub fn finish(&mut self, result: &RunResult) {
        self.phase = Phase::Over;
        self.elapsed = (result.duration_s * 1e9) as u64;
        self.counted = self.elapsed;
        self.max_lag = result.schedule_lag_max_ns.unwrap_or(self.max_lag);
        self.ledger.clone_from(&result.ledger);
        self.verdict = Some(result.verdict.clone());
        for (stream, told) in self.streams.iter_mut().zip(&result.streams) {
            let counts = &told.counts;
            stream.sent = counts.sent;
            stream.unsent = counts.unsent;
            if let Some(arrived) = &mut stream.arrived {
                arrived.received = counts.received.unwrap_or(arrived.received);
                arrived.unique = counts.unique.unwrap_or(arrived.unique);
                arrived.lost = counts.lost;
                arrived.duplicated = counts.duplicated.unwrap_or(arrived.duplicated);
                arrived.reordered = counts.reordered.unwrap_or(arrived.reordered);
                arrived.late_ambiguous = counts.late_ambiguous.unwrap_or(arrived.late_ambiguous);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_neither_lost_nor_there() {
        let arrived = Arrived { unique: 90, lost: Some(3), ..Arrived::default() };
        let mut stream = StreamSight { sent: 100, unsent: 1, arrived: Some(arrived) };
        assert_eq!(stream.open(), Some(7));
        let unordered = Arrived { unique: 40, lost: None, ..Arrived::default() };
        let other = StreamSight { sent: 50, unsent: 0, arrived: Some(unordered) };
        assert_eq!(other.open(), Some(10));
        stream.merge(&other);
        stream.merge(&StreamSight { sent: 5, ..StreamSight::default() });
        assert_eq!(stream.sent, 155);
        assert_eq!(stream.arrived.and_then(|arrived| arrived.lost), Some(3));
    }
}
