//! From frames with receive times to counts, in user space: what the packet-mmap and XSK receivers
//! feed, and the oracle that the eBPF program is compared with.

use super::buckets::{self, BUCKETS};
use super::distribution::Distribution;
use super::glance::{FEW_STREAMS, PortGlance, StreamGlance};
use super::ipdv::Ipdv;
use super::received::{Gaps, Pause, StreamReceived};
use super::window::{Arrival, Extender, Window};
use crate::packet::tag::{self, Seen, Tag};

/// What has to be known to judge a frame. See [`crate::receive::ReceiveSpec`].
#[derive(Clone, Debug)]
pub struct Rules {
    /// Tags of another trial are stale.
    pub epoch: u8,
    /// Workers per stream; 0: not expected.
    pub stream_workers: Vec<u32>,
    /// Streams whose packets of one index make a datagram whole together.
    pub datagrams: Vec<Vec<u16>>,
    /// `1 << window_shift` sequences are remembered per (stream, worker).
    pub window_shift: u32,
    /// Keep latency and jitter.
    pub latency: bool,
    /// Measure gaps against this one.
    pub wanted_gap_ns: Option<u64>,
}

/// What a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A probe of this trial.
    Probe,
    /// A probe whose check is wrong.
    Corrupt,
    /// A probe of another trial.
    Stale,
    /// Anything else, probes of streams that are not expected here included.
    Alien,
}

struct Flow {
    window: Window,
    previous_latency: Option<u64>,
    last_arrival: Option<u64>,
    pause: Option<Pause>,
}

/// By how much packets took longer than the one before, and how much less.
#[derive(Default)]
struct Variation {
    later: Distribution,
    earlier: Distribution,
}

struct Stream {
    flows: Vec<Flow>,
    indices: Extender,
    counts: StreamReceived,
    variation: Variation,
    /// The datagram, by its number among [`Rules::datagrams`], that the stream's packets are pieces
    /// of.
    datagram: Option<usize>,
}

/// Counts of one receiver.
pub struct Classifier {
    rules: Rules,
    streams: Vec<Stream>,
    seen: u64,
    corrupt: u64,
    stale: u64,
    alien: u64,
    gaps: Option<Gaps>,
    last_probe: Option<u64>,
    /// Latencies of all streams, by [`buckets::bucket`]: what is shown in mid-run.
    latency: Vec<u64>,
}

/// The counts that belong to no stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// All frames.
    pub seen: u64,
    /// See [`Class::Corrupt`].
    pub corrupt: u64,
    /// See [`Class::Stale`].
    pub stale: u64,
    /// See [`Class::Alien`].
    pub alien: u64,
}

impl Classifier {
    /// A classifier that has seen nothing yet.
    pub fn new(rules: Rules) -> Self {
        let datagram_of =
            |stream: usize| rules.datagrams.iter().position(|d| d.contains(&(stream as u16)));
        let streams = rules
            .stream_workers
            .iter()
            .enumerate()
            .map(|(number, &workers)| {
                let flow = || Flow {
                    window: Window::new(rules.window_shift),
                    previous_latency: None,
                    last_arrival: None,
                    pause: None,
                };
                Stream {
                    datagram: datagram_of(number),
                    flows: (0..workers).map(|_| flow()).collect(),
                    indices: Extender::default(),
                    counts: StreamReceived {
                        latency: rules.latency.then(Distribution::default),
                        latency_intended: rules.latency.then(Distribution::default),
                        ..StreamReceived::default()
                    },
                    variation: Variation::default(),
                }
            })
            .collect();
        let gaps = rules.wanted_gap_ns.map(|wanted_ns| Gaps { wanted_ns, ..Gaps::default() });
        let latency = vec![0; if rules.latency { BUCKETS } else { 0 }];
        Self {
            rules,
            streams,
            seen: 0,
            corrupt: 0,
            stale: 0,
            alien: 0,
            gaps,
            last_probe: None,
            latency,
        }
    }

    /// Counts a frame of `bytes` bytes (without FCS) that was received at `now`
    /// (`CLOCK_MONOTONIC`), in whose tag's place `seen` was read.
    #[inline]
    pub fn count(&mut self, seen: Seen, bytes: u64, now: u64) -> Class {
        self.seen += 1;
        let class = match seen {
            Seen::Alien => Class::Alien,
            Seen::Corrupt => Class::Corrupt,
            Seen::Probe(tag) if tag.epoch != self.rules.epoch => Class::Stale,
            Seen::Probe(tag) => self.count_probe(tag, bytes, now),
        };
        match class {
            Class::Probe => {}
            Class::Corrupt => self.corrupt += 1,
            Class::Stale => self.stale += 1,
            Class::Alien => self.alien += 1,
        }
        class
    }

    fn count_probe(&mut self, tag: Tag, bytes: u64, now: u64) -> Class {
        let Some(stream) = self.streams.get_mut(usize::from(tag.stream)) else {
            return Class::Alien;
        };
        let workers = stream.flows.len() as u64;
        if workers == 0 {
            return Class::Alien;
        }
        if let Some(gaps) = &mut self.gaps {
            if let Some(last) = self.last_probe {
                count_gap(gaps, now.saturating_sub(last));
            }
            self.last_probe = Some(now);
        }
        let index = stream.indices.extend(tag.index);
        let flow = &mut stream.flows[(index % workers) as usize];
        let counts = &mut stream.counts;
        counts.received += 1;
        counts.bytes += bytes;
        counts.first_ns.get_or_insert(now);
        counts.last_ns = Some(now);
        flow.pause = longer_pause(flow, now);
        flow.last_arrival = Some(now);
        let arrival = flow.window.arrive(index / workers);
        count_arrival(counts, arrival);
        if self.rules.latency && !matches!(arrival, Arrival::Duplicate { .. }) {
            let latency =
                record_times(counts, &mut stream.variation, &mut flow.previous_latency, tag, now);
            self.latency[buckets::bucket(latency)] += 1;
        }
        if matches!(arrival, Arrival::InOrder | Arrival::Reordered { .. })
            && let Some(datagram) = stream.datagram
            && self.is_whole(datagram, index % workers, index / workers)
        {
            self.streams[usize::from(tag.stream)].counts.whole += 1;
        }
        Class::Probe
    }

    /// Whether all pieces that a datagram needs have arrived.
    fn is_whole(&self, datagram: usize, worker: u64, sequence: u64) -> bool {
        self.rules.datagrams[datagram].iter().all(|&stream| {
            let flows = self.streams.get(usize::from(stream)).map(|stream| &stream.flows);
            let flow = flows.and_then(|flows| flows.get(worker as usize));
            flow.is_some_and(|flow| flow.window.holds(sequence))
        })
    }

    /// The counts that belong to no stream.
    pub fn frames(&self) -> FrameCounts {
        FrameCounts { seen: self.seen, corrupt: self.corrupt, stale: self.stale, alien: self.alien }
    }

    /// The gaps, where they are measured.
    pub fn gaps(&self) -> Option<Gaps> {
        self.gaps
    }

    /// What is shown in mid-run, without what only the receiver knows.
    pub fn glance(&self, latency: bool) -> PortGlance {
        let FrameCounts { seen, corrupt, stale, alien } = self.frames();
        let latency = latency && self.rules.latency;
        let few = latency && self.streams.len() <= FEW_STREAMS;
        let by_bucket = |stream: &Stream| {
            let mut counts = vec![0; BUCKETS];
            if let Some(distribution) = &stream.counts.latency {
                for step in distribution.histogram().iter_recorded() {
                    counts[buckets::bucket(step.value_iterated_to())] += step.count_at_value();
                }
            }
            counts
        };
        PortGlance {
            mode: String::new(),
            seen,
            corrupt,
            stale,
            alien,
            overload: Vec::new(),
            gaps: self.gaps,
            streams: self.streams.iter().map(Stream::glance).collect(),
            latency: if latency { self.latency.clone() } else { Vec::new() },
            latency_of: if few { self.streams.iter().map(by_bucket).collect() } else { Vec::new() },
        }
    }

    /// The counts of all streams, by their numbers.
    pub fn streams(&self) -> Vec<StreamReceived> {
        self.streams.iter().map(|stream| stream.received(self.rules.latency)).collect()
    }
}

impl Stream {
    fn received(&self, latency: bool) -> StreamReceived {
        let Variation { later, earlier } = &self.variation;
        let jitter = || {
            let mut jitter = later.clone();
            jitter.merge(earlier);
            jitter
        };
        StreamReceived {
            jitter: latency.then(jitter),
            ipdv: Ipdv::of(later, earlier),
            pause: Pause::of_all(self.flows.iter().map(|flow| flow.pause)),
            ..self.counts.clone()
        }
    }
}

/// The longer one of a flow's pause and the one that ends now.
fn longer_pause(flow: &Flow, now: u64) -> Option<Pause> {
    let Some(begin) = flow.last_arrival.filter(|last| now > *last) else { return flow.pause };
    match flow.pause {
        Some(pause) if now - begin <= pause.end - pause.begin => Some(pause),
        _ => Some(Pause { begin, end: now }),
    }
}

impl Stream {
    fn glance(&self) -> StreamGlance {
        let counts = &self.counts;
        StreamGlance {
            received: counts.received,
            unique: counts.unique,
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            late_ambiguous: counts.late_ambiguous,
            bytes: counts.bytes,
            reached: self.flows.iter().map(|flow| flow.window.next()).sum(),
            latency: counts.latency.as_ref().map(Distribution::moments).unwrap_or_default(),
        }
    }
}

fn count_arrival(counts: &mut StreamReceived, arrival: Arrival) {
    match arrival {
        Arrival::InOrder => counts.unique += 1,
        Arrival::Reordered { extent } => {
            counts.unique += 1;
            counts.reordered += 1;
            counts.extent_max = counts.extent_max.max(Some(extent));
        }
        Arrival::Duplicate { second } => {
            counts.duplicated += 1;
            counts.replicated += u64::from(second);
        }
        Arrival::Ambiguous => counts.late_ambiguous += 1,
    }
}

/// The first arrival decides a packet's latency (RFC 7679 §3.6), so duplicates are left out. What
/// is too late for the window is kept: leaving it out would hide the longest latencies. Returns it.
fn record_times(
    counts: &mut StreamReceived,
    variation: &mut Variation,
    previous: &mut Option<u64>,
    tag: Tag,
    now: u64,
) -> u64 {
    let latency = now - tag::complete_time(now, tag.time);
    let intended = latency + tag::decode_lag(tag.lag);
    if let Some(distribution) = &mut counts.latency {
        distribution.record(latency);
    }
    if let Some(distribution) = &mut counts.latency_intended {
        distribution.record(intended);
    }
    if let Some(previous) = *previous {
        match latency.checked_sub(previous) {
            Some(more) => variation.later.record(more),
            None => variation.earlier.record(previous - latency),
        }
    }
    *previous = Some(latency);
    latency
}

/// MoonGen's format: the shares are cumulative, a gap within ±64 ns is within ±128 ns too.
fn count_gap(gaps: &mut Gaps, gap: u64) {
    let off = gap.abs_diff(gaps.wanted_ns);
    gaps.count += 1;
    for (count, bound) in gaps.within.iter_mut().zip([64, 128, 256, 512]) {
        *count += u64::from(off <= bound);
    }
    gaps.bursts += u64::from(gap < gaps.wanted_ns / 4);
}
