//! Which worker sends what: the profile and the host's facts, turned into work.
//!
//! Pure: nothing here touches the machine.

mod chain;
mod shape;

pub use shape::{Refusal, shape};

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::pace::{Class, Period, Sequence, Shape, StreamSchedule};
use crate::profile::model::{Profile, Size};
use crate::units::FrameSize;
use chain::Timing;

/// What the plan has to know of a port.
#[derive(Clone, Debug, Default)]
pub struct PortFacts {
    /// Line rate in bit/s, for percentages.
    pub line_rate_bps: Option<u64>,
    /// Transmit queues of the device; 0: unknown, not checked.
    pub tx_queues: u32,
}

/// The work of one sending port.
#[derive(Clone, Debug)]
pub struct PortPlan {
    /// Position of the port in the profile.
    pub port: usize,
    /// One seat a worker.
    pub seats: Vec<Seat>,
    /// Streams by their position in the profile; a program's number is its place here.
    pub streams: Vec<usize>,
    /// The schedule's classes.
    pub classes: Vec<Class>,
}

/// Where a worker sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Transmit queue.
    pub queue: u32,
    /// Core it is pinned to; None: not pinned.
    pub core: Option<usize>,
}

/// The work of all ports that send, in the profile's order. `cores` are those that this process may
/// run on; seats take them in turn where the profile names none. `workers` overrides the number of
/// workers of every port.
///
/// # Errors
/// A percentage without a line rate; a queue that the device does not have.
pub fn plan(
    profile: &Profile,
    facts: &[PortFacts],
    cores: &[usize],
    workers: Option<u32>,
) -> Result<Vec<PortPlan>> {
    let line_rates: Vec<_> = facts.iter().map(|facts| facts.line_rate_bps).collect();
    let timings = chain::timetable(profile, &line_rates)?;
    let mut plans = Vec::new();
    let mut next_core = 0;
    for (port, settings) in profile.ports.iter().enumerate() {
        let streams: Vec<usize> =
            (0..profile.streams.len()).filter(|&s| profile.streams[s].from == port).collect();
        if streams.is_empty() {
            continue;
        }
        let facts = facts.get(port).cloned().unwrap_or_default();
        let queues = match workers {
            Some(workers) => (0..workers.max(1)).collect(),
            None if settings.queues.is_empty() => vec![0],
            None => settings.queues.clone(),
        };
        if let Some(&queue) =
            queues.iter().find(|&&queue| facts.tx_queues > 0 && queue >= facts.tx_queues)
        {
            return Err(Error::new(
                "use",
                format!("queue {queue} of port {}", settings.name),
                format!("the device has {} transmit queues", facts.tx_queues),
            )
            .remedy(format!(
                "set ports.{}.queues to queues below {}",
                settings.name, facts.tx_queues
            )));
        }
        let seats = queues
            .into_iter()
            .enumerate()
            .map(|(n, queue)| {
                let core =
                    settings.cores.get(n % settings.cores.len().max(1)).copied().or_else(|| {
                        let core = cores.get(next_core % cores.len().max(1)).copied();
                        next_core += 1;
                        core
                    });
                Seat { queue, core }
            })
            .collect();
        let classes = classes(profile, &streams, &timings);
        plans.push(PortPlan { port, seats, streams, classes });
    }
    Ok(plans)
}

/// The mean frame size of a stream as a fraction: bytes (FCS included), frames. Exact over a cycle
/// of sizes; the expectation where they are random.
pub fn mean_size(size: &Size) -> (u64, u64) {
    match size {
        Size::Fixed(size) => (u64::from(size.0), 1),
        Size::List(sizes) => (sizes.iter().map(|size| u64::from(size.0)).sum(), sizes.len() as u64),
        Size::Imix(parts) => parts.iter().fold((0, 0), |(bytes, frames), (size, weight)| {
            (bytes + u64::from(size.0) * u64::from(*weight), frames + u64::from(*weight))
        }),
        Size::Counter { start, step, count } => {
            (2 * u64::from(start.0) + u64::from(*step) * (count - 1), 2)
        }
        Size::Random { low, high } => (u64::from(low.0) + u64::from(high.0), 2),
        Size::Weighted(shares) => shares.iter().fold((0, 0), |(bytes, frames), share| {
            let (both, weight) = (u64::from(share.low.0) + u64::from(share.high.0), share.weight);
            (bytes + both * u64::from(weight), frames + 2 * u64::from(weight))
        }),
    }
}

/// The largest frame of a stream.
pub fn max_size(size: &Size) -> FrameSize {
    let largest = match size {
        Size::Fixed(size) => size.0,
        Size::List(sizes) => sizes.iter().map(|size| size.0).max().unwrap_or(0),
        Size::Imix(parts) => parts.iter().map(|(size, _)| size.0).max().unwrap_or(0),
        Size::Counter { start, step, count } => {
            let last = u64::from(start.0) + u64::from(*step) * (count - 1);
            u32::try_from(last).unwrap_or(u32::MAX)
        }
        Size::Random { high, .. } => high.0,
        Size::Weighted(shares) => shares.iter().map(|share| share.high.0).max().unwrap_or(0),
    };
    FrameSize(largest)
}

/// What one packet of a stream, or one datagram in all its pieces, is on the wire: bytes (FCS
/// included) and frames, of so many packets.
struct OnTheWire {
    bytes: u64,
    frames: u64,
    packets: u64,
}

fn on_the_wire(profile: &Profile, stream: usize) -> OnTheWire {
    let stream = &profile.streams[stream];
    let Some(piece) = &stream.piece else {
        let (bytes, frames) = mean_size(&stream.size);
        return OnTheWire { bytes, frames, packets: frames };
    };
    let steps = &piece.datagram.steps;
    let frame = |step: &u16| {
        let piece = profile.streams.get(piece.group + usize::from(*step));
        piece.map_or(0, |piece| mean_size(&piece.size).0)
    };
    OnTheWire { bytes: steps.iter().map(frame).sum(), frames: steps.len() as u64, packets: 1 }
}

/// Streams that may share a class: all that decides when their packets are due.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ClassKey {
    period: Option<Period>,
    start: u64,
    count: Option<u64>,
    duration: Option<u64>,
    /// An ordered stream stands alone, and so does a capture and one with a shape. So do the pieces of a datagram,
    /// by the first of them. So does one of a single packet: there is no period to spread it over,
    /// it is due at its start.
    alone: Option<usize>,
}

fn classes(profile: &Profile, streams: &[usize], timings: &[Timing]) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut by_key = HashMap::new();
    for (program, &number) in streams.iter().enumerate() {
        let stream = &profile.streams[number];
        let Timing { shape, start, count, duration, .. } = &timings[number];
        let period = shape.period();
        let pinned = stream.replay.is_some();
        let ordered = !stream.order.is_empty() || pinned;
        let alone = ordered || period.is_none() || *count == Some(1);
        let group = stream.piece.as_ref().map(|piece| piece.group);
        let key = ClassKey {
            period,
            start: *start,
            count: *count,
            duration: *duration,
            alone: group.or_else(|| alone.then_some(number)),
        };
        let at = *by_key.entry(key).or_insert_with(|| {
            classes.push(Class {
                streams: Vec::new(),
                shape: shape.clone(),
                start: *start,
                count: *count,
                duration: *duration,
                one_worker: ordered,
                sequence: stream.piece.as_ref().map(|piece| piece.sequence(profile.seed)),
            });
            classes.len() - 1
        });
        let order = stream.order.clone().into();
        classes[at].streams.push(StreamSchedule { program: program as u32, order, pinned });
    }
    spread(&mut classes);
    classes
}

/// Nanoseconds from a class's first packet to the end of its schedule; None: until its count is
/// sent, at an unlimited rate.
pub fn length(class: &Class) -> Option<u64> {
    let last = class.sequence.as_ref().map_or(0, Sequence::span);
    let length = chain::length(&class.shape, class.count, class.duration)?;
    Some(length.saturating_add(last))
}

/// Packets per second of each stream of a class, on average over its schedule; of one that is
/// repeated, over that of a round. Of a Poisson process the expectation. None: as many as the engine
/// manages.
pub fn mean_pps(class: &Class) -> Option<f64> {
    let over = |packets: u64, span: u64| (span > 0).then(|| packets as f64 * 1e9 / span as f64);
    match &class.shape {
        shape if shape.is_unlimited() => None,
        Shape::Even(period) => Some(period.pps()),
        Shape::Poisson(process) => Some(process.pps()),
        Shape::Repeated(round) => {
            let (slots, every) = round.round();
            let rounds = class.count? / slots;
            over(slots, length(class)?.saturating_sub(every.saturating_mul(rounds - 1)))
        }
        _ => over(class.slots()?, length(class)?),
    }
}

/// Packets of each stream of a class, or datagrams that are sent in pieces; of a Poisson process the
/// expectation. None: as many as the engine manages.
pub fn expected_slots(class: &Class) -> Option<u64> {
    let Shape::Poisson(process) = &class.shape else { return class.slots() };
    let rounds = process.rounds();
    let span = if rounds.rounds > 1 { rounds.span } else { class.duration.unwrap_or(u64::MAX) };
    let of_a_round = (process.pps() * span as f64 / 1e9).min(rounds.count as f64);
    let all = (of_a_round * rounds.rounds as f64).round() as u64;
    Some(class.count.map_or(all, |count| all.min(count)))
}

/// Spreads datagrams of one rate that are sent in pieces evenly over their period.
fn spread(classes: &mut [Class]) {
    let several = |class: &Class| class.sequence.is_some() && class.count != Some(1);
    let mut alike: HashMap<(Period, u64), Vec<usize>> = HashMap::new();
    for (n, class) in classes.iter().enumerate().filter(|(_, class)| several(class)) {
        if let Some(period) = class.shape.period() {
            alike.entry((period, class.start)).or_default().push(n);
        }
    }
    for ((period, _), group) in alike {
        let count = group.len() as u64;
        for (turn, &n) in group.iter().enumerate() {
            classes[n].start += period.due(turn as u64) / count;
        }
    }
}

impl PortPlan {
    /// On how many workers a stream is sent; 0 when it is not this port's.
    pub fn workers_of(&self, profile: &Profile, stream: usize) -> u32 {
        if !self.streams.contains(&stream) {
            0
        } else if profile.streams[stream].order.is_empty()
            && profile.streams[stream].replay.is_none()
        {
            self.seats.len() as u32
        } else {
            1
        }
    }

    /// The gap between any two packets of the port, where the schedule wants one constant gap.
    pub fn constant_gap(&self) -> Option<u64> {
        let [class] = self.classes.as_slice() else { return None };
        let whole = class.sequence.is_none();
        let period = class.shape.period().filter(|period| whole && !period.is_unlimited())?;
        Some(period.gap_of(class.streams.len() as u64))
    }

    /// How long the schedule lasts, in nanoseconds. None: until a count of an unlimited rate is
    /// sent.
    pub fn duration(&self) -> Option<u64> {
        self.classes.iter().try_fold(0, |longest: u64, class| {
            Some(longest.max(class.start.saturating_add(length(class)?)))
        })
    }
}
