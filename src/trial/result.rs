//! From counters to the result: pure arithmetic, no machine.

use super::datagrams;
use super::send::{SendPort, WorkerReport};
use crate::measure::ledger::{self, Entries};
use crate::measure::received::{Gaps, Pause, PortReceived, StreamReceived};
use crate::plan;
use crate::profile::model::{Profile, Size, Stream};
use crate::report::model::{DatagramResult, GapsResult, PauseResult, Stage, StreamResult, Totals};
use crate::report::percentiles;
use crate::units::{FCS_BYTES, L1_OVERHEAD_BYTES};

/// What was sent, per stream of the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamSent {
    /// Frames that the schedule asked for.
    pub intended_frames: u64,
    /// Distinct packets among them.
    pub intended: u64,
    /// Frames that the transmit path took.
    pub frames: u64,
    /// Distinct packets among them.
    pub distinct: u64,
}

impl StreamSent {
    /// Adds what one worker sent of a stream: slots that the schedule asked for, and frames.
    pub(super) fn add(&mut self, stream: &Stream, slots: u64, frames: u64) {
        let intended = slots.max(frames);
        self.intended_frames += intended;
        self.intended += distinct_of(stream, intended);
        self.frames += frames;
        self.distinct += distinct_of(stream, frames);
    }
}

/// Everything that was counted in a trial.
pub struct Counted<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// The sending ports.
    pub senders: &'a [SendPort],
    /// What the workers did.
    pub reports: &'a [WorkerReport],
    /// Per receiving port: its position in the profile, and what it counted.
    pub received: &'a [(usize, PortReceived)],
    /// Frames that the sending devices counted, where that is known.
    pub device: Option<u64>,
    /// Start of the trial.
    pub begin: u64,
    /// How long it sent, in nanoseconds.
    pub span: u64,
}

/// The parts of a result that follow from counters.
pub struct Assembled {
    /// All streams.
    pub totals: Totals,
    /// Each stream.
    pub streams: Vec<StreamResult>,
    /// Each stream that was sent in pieces.
    pub datagrams: Vec<DatagramResult>,
    /// Stage by stage.
    pub ledger: Vec<Stage>,
    /// Inter-arrival precision.
    pub gaps: Option<GapsResult>,
}

/// Assembles totals, streams, datagrams, ledger and gaps.
pub fn assemble(counted: &Counted) -> Assembled {
    let profile = counted.profile;
    let sent = sent_by_stream(counted);
    let mut streams = Vec::with_capacity(profile.streams.len());
    let mut totals = Sums::default();
    for (number, stream) in profile.streams.iter().enumerate() {
        let measured = is_measured(counted, number).then(|| received_of(counted, number));
        let one = Sums::of_stream(stream, sent[number], measured);
        totals.add(&one);
        streams.push(StreamResult {
            name: stream.name.clone(),
            from: profile.ports[stream.from].name.clone(),
            to: stream.to.map(|port| profile.ports[port].name.clone()),
            counts: one.totals(counted.span),
            latency_ns: measured.and_then(|m| percentiles(m.latency.as_ref()?)),
            latency_intended_ns: measured.and_then(|m| percentiles(m.latency_intended.as_ref()?)),
            jitter_ns: measured.and_then(|m| percentiles(m.jitter.as_ref()?)),
            ipdv_ns: measured.and_then(|m| m.ipdv),
            first_s: measured.and_then(|m| since(m.first_ns, counted.begin)),
            last_s: measured.and_then(|m| since(m.last_ns, counted.begin)),
            longest_pause: measured.and_then(|m| pause(m.pause?, counted.begin)),
        });
    }
    if totals.received.is_some() {
        let ports = counted.received.iter().map(|(_, port)| port);
        let (corrupt, alien) = ports.fold((0, 0), |(corrupt, alien), port| {
            (corrupt + port.corrupt, alien + port.alien + port.stale)
        });
        totals.corrupt = Some(corrupt);
        totals.alien = Some(alien);
    }
    let ledger = ledger::stages(&entries(counted, &totals));
    let gaps = counted.received.iter().find_map(|(_, port)| port.gaps).and_then(gaps_result);
    let datagrams = datagrams::results(counted, &sent);
    Assembled { totals: totals.totals(counted.span), streams, datagrams, ledger, gaps }
}

/// A stream is measured when it carries tags and arrives at a port that receives.
pub(super) fn is_measured(counted: &Counted, stream: usize) -> bool {
    let to = counted.profile.streams[stream].to;
    let received = counted.received.iter().any(|(port, _)| Some(*port) == to);
    received && program_of(counted.senders, stream).is_some_and(|tagged| tagged)
}

/// Whether the stream's compiled program has a tag. None: nobody sends it.
pub(super) fn program_of(senders: &[SendPort], stream: usize) -> Option<bool> {
    senders.iter().find_map(|port| {
        let at = port.plan.streams.iter().position(|&s| s == stream)?;
        Some(port.programs[at].tag_at.is_some())
    })
}

pub(super) fn received_of<'a>(counted: &'a Counted, stream: usize) -> &'a StreamReceived {
    static NOTHING: std::sync::LazyLock<StreamReceived> =
        std::sync::LazyLock::new(StreamReceived::default);
    let to = counted.profile.streams[stream].to;
    counted
        .received
        .iter()
        .find(|(port, _)| Some(*port) == to)
        .and_then(|(_, port)| port.streams.get(stream))
        .unwrap_or(&NOTHING)
}

fn sent_by_stream(counted: &Counted) -> Vec<StreamSent> {
    let mut sent = vec![StreamSent::default(); counted.profile.streams.len()];
    for report in counted.reports {
        let plan = &counted.senders[report.port].plan;
        for (program, &stream) in plan.streams.iter().enumerate() {
            let frames = report.accepted.get(program).copied().unwrap_or(0);
            let slots = report.slots.get(program).copied().unwrap_or_default();
            sent[stream].add(&counted.profile.streams[stream], slots.intended, frames);
        }
    }
    sent
}

/// Distinct packets among the first `frames` of a stream on one worker. A piece comes as often with
/// each datagram as its sequence says.
fn distinct_of(stream: &Stream, frames: u64) -> u64 {
    match &stream.piece {
        None => distinct(&stream.order, frames),
        Some(piece) => frames.div_ceil(piece.copies().max(1)),
    }
}

/// Distinct packets among the first `frames` of an order.
fn distinct(order: &[u64], frames: u64) -> u64 {
    if order.is_empty() {
        return frames;
    }
    let of = |entries: &[u64]| {
        let mut seen: Vec<u64> = entries.to_vec();
        seen.sort_unstable();
        seen.dedup();
        seen.len() as u64
    };
    let len = order.len() as u64;
    (frames / len) * of(order) + of(&order[..(frames % len) as usize])
}

/// Counters that add up over streams.
#[derive(Clone, Default)]
struct Sums {
    sent: StreamSent,
    /// Bytes sent, FCS included.
    bytes: f64,
    received: Option<u64>,
    unique: Option<u64>,
    duplicated: Option<u64>,
    replicated: Option<u64>,
    reordered: Option<u64>,
    late_ambiguous: Option<u64>,
    lost: Option<u64>,
    corrupt: Option<u64>,
    alien: Option<u64>,
    extent_max: Option<u64>,
    /// Packets that were measured at both ends: what ratios are of.
    measured_sent: u64,
    rx_frames: u64,
    rx_bytes: u64,
    rx_first: Option<u64>,
    rx_last: Option<u64>,
}

impl Sums {
    fn of_stream(stream: &Stream, sent: StreamSent, measured: Option<&StreamReceived>) -> Self {
        let mut sums =
            Self { sent, bytes: bytes_sent(&stream.size, sent.frames), ..Self::default() };
        if let Some(m) = measured {
            sums.received = Some(m.received);
            sums.unique = Some(m.unique);
            sums.duplicated = Some(m.duplicated);
            sums.replicated = Some(m.replicated);
            sums.reordered = Some(m.reordered);
            sums.late_ambiguous = Some(m.late_ambiguous);
            sums.lost = Some(sent.distinct.saturating_sub(m.unique));
            sums.extent_max = m.extent_max;
            sums.measured_sent = sent.distinct;
            sums.rx_frames = m.received;
            sums.rx_bytes = m.bytes + m.received * u64::from(FCS_BYTES);
            sums.rx_first = m.first_ns;
            sums.rx_last = m.last_ns;
        }
        sums
    }

    fn add(&mut self, other: &Self) {
        self.sent.intended_frames += other.sent.intended_frames;
        self.sent.intended += other.sent.intended;
        self.sent.frames += other.sent.frames;
        self.sent.distinct += other.sent.distinct;
        self.bytes += other.bytes;
        for (mine, its) in [
            (&mut self.received, other.received),
            (&mut self.unique, other.unique),
            (&mut self.duplicated, other.duplicated),
            (&mut self.replicated, other.replicated),
            (&mut self.reordered, other.reordered),
            (&mut self.late_ambiguous, other.late_ambiguous),
            (&mut self.lost, other.lost),
        ] {
            if let Some(its) = its {
                *mine = Some(mine.unwrap_or(0) + its);
            }
        }
        self.extent_max = self.extent_max.max(other.extent_max);
        self.measured_sent += other.measured_sent;
        self.rx_frames += other.rx_frames;
        self.rx_bytes += other.rx_bytes;
        self.rx_first = [self.rx_first, other.rx_first].into_iter().flatten().min();
        self.rx_last = self.rx_last.max(other.rx_last);
    }

    fn totals(&self, span: u64) -> Totals {
        let seconds = span as f64 / 1e9;
        let per_second = |amount: f64| if span > 0 { amount / seconds } else { 0.0 };
        let overhead = f64::from(L1_OVERHEAD_BYTES);
        let frames = self.sent.frames as f64;
        // n arrivals span n − 1 gaps.
        let rx_span = match (self.rx_first, self.rx_last) {
            (Some(first), Some(last)) if last > first && self.rx_frames > 1 => {
                let n = self.rx_frames as f64;
                Some((last - first) as f64 / 1e9 * n / (n - 1.0))
            }
            _ => None,
        };
        let rx_frames = self.rx_frames as f64;
        let rx_bytes = self.rx_bytes as f64;
        let extra = self.corrupt.unwrap_or(0) + self.alien.unwrap_or(0);
        Totals {
            intended: self.sent.intended,
            unsent: self.sent.intended - self.sent.distinct,
            sent: self.sent.distinct,
            received: self.received.map(|received| received + extra),
            unique: self.unique,
            lost: self.lost,
            duplicated: self.duplicated,
            reordered: self.reordered,
            late_ambiguous: self.late_ambiguous,
            corrupt: self.corrupt,
            alien: self.alien,
            loss_ratio: self.lost.and_then(|lost| ratio(lost, self.measured_sent)),
            replicated_ratio: self.of_unique(self.replicated),
            duplicated_ratio: self.of_unique(self.duplicated),
            reordered_ratio: self.of_unique(self.reordered),
            reorder_extent_max: self.extent_max,
            tx_pps: per_second(frames),
            tx_l1_bps: per_second((self.bytes + overhead * frames) * 8.0),
            tx_l2_bps: per_second(self.bytes * 8.0),
            rx_pps: rx_span.map(|span| rx_frames / span),
            rx_l1_bps: rx_span.map(|span| (rx_bytes + overhead * rx_frames) * 8.0 / span),
            rx_l2_bps: rx_span.map(|span| rx_bytes * 8.0 / span),
        }
    }

    fn of_unique(&self, part: Option<u64>) -> Option<f64> {
        ratio(part?, self.unique?)
    }
}

fn entries(counted: &Counted, totals: &Sums) -> Entries {
    let sum = |of: fn(&WorkerReport) -> u64| counted.reports.iter().map(of).sum();
    let unmeasured = totals.sent.frames - {
        let sent = sent_by_stream(counted);
        let measured = (0..sent.len()).filter(|&s| is_measured(counted, s));
        measured.map(|s| sent[s].frames).sum::<u64>()
    };
    Entries {
        intended: totals.sent.intended_frames,
        unsent: totals.sent.intended_frames - totals.sent.frames,
        built: sum(|report| report.counters.built),
        accepted: sum(|report| report.counters.accepted),
        completed: sum(|report| report.counters.completed),
        device: counted.device,
        unmeasured,
        arrived: totals.received,
        unique: totals.unique,
    }
}

/// Bytes of the first `frames` frames, FCS included: exact for cycles of sizes, the expectation for
/// random ones.
fn bytes_sent(size: &Size, frames: u64) -> f64 {
    let (bytes, of) = plan::mean_size(size);
    let cycle: Vec<u64> = match size {
        Size::List(sizes) => sizes.iter().map(|size| u64::from(size.0)).collect(),
        _ => return frames as f64 * bytes as f64 / of as f64,
    };
    let len = cycle.len() as u64;
    let rest: u64 = cycle[..(frames % len) as usize].iter().sum();
    ((frames / len) * bytes + rest) as f64
}

fn gaps_result(gaps: Gaps) -> Option<GapsResult> {
    let share = |part: u64| part as f64 / gaps.count as f64;
    (gaps.count > 0).then(|| GapsResult {
        wanted_ns: gaps.wanted_ns,
        count: gaps.count,
        within_64ns: share(gaps.within[0]),
        within_128ns: share(gaps.within[1]),
        within_256ns: share(gaps.within[2]),
        within_512ns: share(gaps.within[3]),
        bursts: share(gaps.bursts),
    })
}

fn since(time: Option<u64>, begin: u64) -> Option<f64> {
    time.map(|time| time.saturating_sub(begin) as f64 / 1e9)
}

fn pause(pause: Pause, begin: u64) -> Option<PauseResult> {
    Some(PauseResult {
        begin_s: since(Some(pause.begin), begin)?,
        end_s: since(Some(pause.end), begin)?,
    })
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn repetitions_on_purpose_are_one_packet() {
        assert_eq!(distinct(&[], 7), 7);
        assert_eq!(distinct(&[0, 0, 1, 1, 2, 2, 3, 3], 8), 4);
        assert_eq!(distinct(&[0, 0, 1, 1], 7), 4);
        assert_eq!(distinct(&[0, 0, 1, 1], 5), 3);
    }
}
