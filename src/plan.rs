//! Which worker sends what: the profile and the host's facts, turned into work.
//!
//! Pure: nothing here touches the machine.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::pace::{Class, Period, Sequence, StreamSchedule};
use crate::profile::model::{Profile, Rate, Size};
use crate::units::{BitLayer, FrameSize, L1_OVERHEAD_BYTES, Nanos, PacketRate};

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
        let classes = classes(profile, &streams, facts.line_rate_bps)?;
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

/// The exact time between two packets of a stream, or two datagrams where it is one of their pieces.
///
/// # Errors
/// A percentage where the port's line rate is not known.
pub fn period(profile: &Profile, number: usize, line_rate_bps: Option<u64>) -> Result<Period> {
    let stream = &profile.streams[number];
    let (bps, layer) = match stream.rate {
        Rate::Unlimited => return Ok(Period::UNLIMITED),
        Rate::Packets(rate) => return Ok(Period::of(rate)),
        Rate::Bits { bps, layer } => (u128::from(bps), layer),
        Rate::LineShare(share) => {
            let line = line_rate_bps.ok_or_else(|| {
                Error::new(
                    "turn a share of the line rate into packets for",
                    format!("streams[{}].rate", stream.name),
                    "the link tells no speed",
                )
                .remedy("set the port's speed, for example ports.tx.speed: 10Gbps")
            })?;
            (u128::from(line) * u128::from(share.0) / 1_000_000_000, BitLayer::L1)
        }
    };
    let wire = on_the_wire(profile, number);
    let overhead = match layer {
        BitLayer::L1 => u64::from(L1_OVERHEAD_BYTES) * wire.frames,
        BitLayer::L2 => 0,
    };
    let packets = bps * u128::from(wire.packets);
    let nanos = u128::from(wire.bytes + overhead) * 8 * 1_000_000_000;
    let divisor = gcd(packets, nanos).max(1);
    let too_fine = |_| {
        Error::new("compute", format!("streams[{}].rate", stream.name), "the rate is out of range")
            .remedy("use a rate between 1 bit/s and 1 Tbit/s")
    };
    Ok(Period::of(PacketRate {
        packets: u64::try_from(packets / divisor).map_err(too_fine)?.max(1),
        nanos: u64::try_from(nanos / divisor).map_err(too_fine)?.max(1),
    }))
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Streams that may share a class: all that decides when their packets are due.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ClassKey {
    period: Period,
    start: Nanos,
    count: Option<u64>,
    duration: Option<u64>,
    /// An ordered stream stands alone.
    ordered: Option<usize>,
    /// So do the pieces of a datagram.
    group: Option<usize>,
    /// So does one of a single packet: there is no period to spread it over, it is due at its start.
    single: Option<usize>,
}

fn classes(profile: &Profile, streams: &[usize], line: Option<u64>) -> Result<Vec<Class>> {
    let mut classes: Vec<Class> = Vec::new();
    let mut by_key = HashMap::new();
    for (program, &number) in streams.iter().enumerate() {
        let stream = &profile.streams[number];
        let duration = match (stream.limit.count, stream.limit.duration) {
            (_, Some(span)) => Some(span.0),
            (Some(_), None) => None,
            (None, None) => Some(profile.duration.0),
        };
        let key = ClassKey {
            period: period(profile, number, line)?,
            start: stream.start,
            count: stream.limit.count,
            duration,
            ordered: (!stream.order.is_empty()).then_some(number),
            group: stream.piece.as_ref().map(|piece| piece.group),
            single: (stream.limit.count == Some(1) && stream.piece.is_none()).then_some(number),
        };
        let at = *by_key.entry(key).or_insert_with(|| {
            classes.push(Class {
                streams: Vec::new(),
                period: key.period,
                start: key.start.0,
                count: key.count,
                duration: key.duration,
                one_worker: key.ordered.is_some(),
                sequence: stream.piece.as_ref().map(|piece| piece.sequence(profile.seed)),
            });
            classes.len() - 1
        });
        let order = stream.order.clone().into();
        classes[at].streams.push(StreamSchedule { program: program as u32, order });
    }
    spread(&mut classes);
    Ok(classes)
}

/// Spreads datagrams of one rate that are sent in pieces evenly over their period.
fn spread(classes: &mut [Class]) {
    let several = |class: &Class| class.sequence.is_some() && class.count != Some(1);
    let mut alike: HashMap<(Period, u64), Vec<usize>> = HashMap::new();
    for (n, class) in classes.iter().enumerate().filter(|(_, class)| several(class)) {
        alike.entry((class.period, class.start)).or_default().push(n);
    }
    for group in alike.values() {
        let count = group.len() as u64;
        for (turn, &n) in group.iter().enumerate() {
            classes[n].start += classes[n].period.due(turn as u64) / count;
        }
    }
}

impl PortPlan {
    /// On how many workers a stream is sent; 0 when it is not this port's.
    pub fn workers_of(&self, profile: &Profile, stream: usize) -> u32 {
        if !self.streams.contains(&stream) {
            0
        } else if profile.streams[stream].order.is_empty() {
            self.seats.len() as u32
        } else {
            1
        }
    }

    /// The gap between any two packets of the port, where the schedule wants one constant gap.
    pub fn constant_gap(&self) -> Option<u64> {
        let [class] = self.classes.as_slice() else { return None };
        let streams = class.streams.len() as u64;
        (!class.period.is_unlimited() && class.sequence.is_none())
            .then(|| class.period.gap_of(streams))
    }

    /// How long the schedule lasts, in nanoseconds. None: until a count of an unlimited rate is
    /// sent.
    pub fn duration(&self) -> Option<u64> {
        self.classes.iter().try_fold(0, |longest: u64, class| {
            let by_count = class.count.map(|count| class.period.due(count));
            let own = match (class.duration, by_count) {
                (Some(span), Some(due)) if !class.period.is_unlimited() => span.min(due),
                (Some(span), _) => span,
                (None, Some(due)) if !class.period.is_unlimited() => due,
                _ => return None,
            };
            let last = class.sequence.as_ref().map_or(0, Sequence::span);
            Some(longest.max(class.start.saturating_add(own).saturating_add(last)))
        })
    }
}
