//! The maps' rows added up to what a receiver counted.

use std::io;

use super::program::Loaded;
use super::skeleton::types::{rx_flow, rx_moments, rx_row, rx_stream_row};
use crate::measure::buckets::{self, BUCKETS};
use crate::measure::distribution::Distribution;
use crate::measure::ipdv::Ipdv;
use crate::measure::received::{Gaps, Pause, StreamReceived};
use crate::receive::ReceiveSpec;

/// All rows, added up.
pub(super) fn rows(loaded: &Loaded) -> io::Result<rx_row> {
    loaded.rows().try_fold(rx_row::default(), |mut sum, row| {
        let row = row?;
        sum.seen += row.seen;
        sum.corrupt += row.corrupt;
        sum.stale += row.stale;
        sum.alien += row.alien;
        sum.unsteered += row.unsteered;
        sum.gaps += row.gaps;
        sum.bursts += row.bursts;
        for (sum, count) in sum.within.iter_mut().zip(row.within) {
            *sum += count;
        }
        Ok(sum)
    })
}

/// The gaps of all rows against the wanted one.
pub(super) fn gaps(rows: &rx_row, wanted_ns: u64) -> Gaps {
    Gaps { wanted_ns, count: rows.gaps, within: rows.within, bursts: rows.bursts }
}

/// The streams' counts and distributions.
pub(super) fn streams(loaded: &Loaded, spec: &ReceiveSpec) -> io::Result<Vec<StreamReceived>> {
    let layout = *loaded.layout();
    let count = spec.stream_workers.len();
    let mut streams = vec![StreamReceived::default(); count];
    let mut moments = vec![[Moments::default(); 4]; count];
    let mut first_flow = 0;
    for (number, (stream, moments)) in streams.iter_mut().zip(&mut moments).enumerate() {
        let workers = spec.stream_workers[number];
        if workers == 0 {
            continue;
        }
        let flows = (first_flow..first_flow + workers)
            .map(|flow| loaded.flow(flow))
            .collect::<io::Result<Vec<rx_flow>>>()?;
        stream.pause = Pause::of_all(flows.iter().map(pause));
        first_flow += workers;
        for row in 0..layout.rows {
            let row = loaded.stream_row(row, number as u32)?;
            add_counts(stream, &row);
            let parts = [row.latency, row.intended, row.later, row.earlier];
            for (sum, part) in moments.iter_mut().zip(parts) {
                sum.add(&part);
            }
        }
    }
    if spec.latency {
        let mut sums = vec![0; 4 * BUCKETS];
        for group in 0..layout.groups as usize {
            sums.fill(0);
            for row in 0..layout.rows {
                loaded.add_histograms(row, group as u32, &mut sums)?;
            }
            for number in (group..count).step_by(layout.groups as usize) {
                let [latency, intended, later, earlier] = moments[number];
                let stream = &mut streams[number];
                stream.latency = Some(latency.distribution(&sums[..BUCKETS]));
                stream.latency_intended = Some(intended.distribution(&sums[BUCKETS..2 * BUCKETS]));
                let later = later.distribution(&sums[2 * BUCKETS..3 * BUCKETS]);
                let earlier = earlier.distribution(&sums[3 * BUCKETS..]);
                stream.ipdv = Ipdv::of(&later, &earlier);
                let mut jitter = later;
                jitter.merge(&earlier);
                stream.jitter = Some(jitter);
            }
        }
    }
    Ok(streams)
}

fn pause(flow: &rx_flow) -> Option<Pause> {
    let begin = flow.pause_end.checked_sub(flow.pause)?;
    (flow.pause > 0).then_some(Pause { begin, end: flow.pause_end })
}

fn add_counts(stream: &mut StreamReceived, row: &rx_stream_row) {
    stream.received += row.received;
    stream.unique += row.unique;
    stream.duplicated += row.duplicated;
    stream.replicated += row.replicated;
    stream.reordered += row.reordered;
    stream.late_ambiguous += row.late_ambiguous;
    stream.bytes += row.bytes;
    if row.extent_max > 0 {
        stream.extent_max = stream.extent_max.max(Some(row.extent_max));
    }
    if row.received > 0 {
        stream.first_ns =
            Some(stream.first_ns.map_or(row.first_ns, |first| first.min(row.first_ns)));
        stream.last_ns = stream.last_ns.max(Some(row.last_ns));
    }
}

/// Exact companions of a histogram.
#[derive(Clone, Copy, Debug)]
struct Moments {
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Moments {
    fn add(&mut self, part: &rx_moments) {
        self.count += part.count;
        self.sum += u128::from(part.sum);
        self.max = self.max.max(part.max);
        self.min = self.min.min(!part.min_inverted);
    }

    /// The stream's own count, minimum, maximum and sum with the shape of its group's histogram
    /// between them. A stream that is alone in its group gets its histogram as it is.
    fn distribution(&self, group: &[u64]) -> Distribution {
        if self.count == 0 {
            return Distribution::default();
        }
        let (low, high) = (buckets::bucket(self.min), buckets::bucket(self.max));
        let shape = &group[low..=high];
        let total: u128 = shape.iter().map(|&count| u128::from(count)).sum();
        let own = u128::from(self.count);
        let mut before = 0;
        let scaled =
            shape.iter().enumerate().filter(|(_, count)| **count > 0).map(|(n, &count)| {
                let after = before + u128::from(count);
                let share = after * own / total - before * own / total;
                before = after;
                (buckets::middle(low + n), share as u64)
            });
        Distribution::from_buckets(
            scaled.filter(|(_, share)| *share > 0),
            self.min,
            self.max,
            self.sum,
        )
    }
}
