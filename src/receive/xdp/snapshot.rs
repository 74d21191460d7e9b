//! The maps' rows added up to what a receiver counted.

use std::io;

use super::program::Loaded;
use super::skeleton::types::{rx_flow, rx_moments, rx_row, rx_stream_row};
use crate::measure::buckets::{self, BUCKETS};
use crate::measure::distribution::Distribution;
use crate::measure::glance::{FEW_STREAMS, Moments, PortGlance, StreamGlance};
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
    let mut all_moments = vec![[Moments::default(); 4]; count];
    let mut flows = loaded.flows()?.into_iter();
    for (number, (stream, sums)) in streams.iter_mut().zip(&mut all_moments).enumerate() {
        let workers = spec.stream_workers[number] as usize;
        if workers == 0 {
            continue;
        }
        let own: Vec<rx_flow> = flows.by_ref().take(workers).collect();
        stream.pause = Pause::of_all(own.iter().map(pause));
        for row in 0..layout.rows {
            let row = loaded.stream_row(row, number as u32)?;
            add_counts(stream, &row);
            let parts = [row.latency, row.intended, row.later, row.earlier];
            for (sum, part) in sums.iter_mut().zip(parts) {
                sum.merge(&moments(&part));
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
                let [latency, intended, later, earlier] = &all_moments[number];
                let stream = &mut streams[number];
                stream.latency = Some(distribution(latency, &sums[..BUCKETS]));
                stream.latency_intended = Some(distribution(intended, &sums[BUCKETS..2 * BUCKETS]));
                let later = distribution(later, &sums[2 * BUCKETS..3 * BUCKETS]);
                let earlier = distribution(earlier, &sums[3 * BUCKETS..]);
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

/// What is shown in mid-run; without the latencies unless `latency`.
pub(super) fn glance(
    loaded: &Loaded,
    spec: &ReceiveSpec,
    mode: String,
    latency: bool,
) -> io::Result<PortGlance> {
    // Before the counts: what arrives meanwhile must not look overtaken.
    let mut reached = loaded.flows_reached()?.into_iter();
    let rows = rows(loaded)?;
    let layout = *loaded.layout();
    let count = spec.stream_workers.len();
    let mut streams = vec![StreamGlance::default(); count];
    let all_rows = loaded.stream_rows()?;
    for of_row in all_rows.chunks_exact(layout.streams as usize) {
        for (stream, row) in streams.iter_mut().zip(of_row) {
            stream.received += row.received;
            stream.unique += row.unique;
            stream.duplicated += row.duplicated;
            stream.reordered += row.reordered;
            stream.late_ambiguous += row.late_ambiguous;
            stream.bytes += row.bytes;
            stream.latency.merge(&moments(&row.latency));
        }
    }
    for (stream, &workers) in streams.iter_mut().zip(&spec.stream_workers) {
        stream.reached = reached.by_ref().take(workers as usize).sum();
    }
    let (mut all, mut each) = (Vec::new(), Vec::new());
    if latency && spec.latency {
        all.resize(BUCKETS, 0);
        let few = count <= FEW_STREAMS && layout.groups as usize >= count;
        for group in 0..layout.groups {
            let mut sums = vec![0; BUCKETS];
            for row in 0..layout.rows {
                loaded.add_histograms(row, group, &mut sums)?;
            }
            all.iter_mut().zip(&sums).for_each(|(sum, count)| *sum += count);
            if few {
                each.push(sums);
            }
        }
        each.truncate(count);
    }
    Ok(PortGlance {
        mode,
        seen: rows.seen,
        corrupt: rows.corrupt,
        stale: rows.stale,
        alien: rows.alien,
        overload: Vec::new(),
        gaps: spec.wanted_gap_ns.map(|wanted| gaps(&rows, wanted)),
        streams,
        latency: all,
        latency_of: each,
    })
}

fn add_counts(stream: &mut StreamReceived, row: &rx_stream_row) {
    stream.received += row.received;
    stream.unique += row.unique;
    stream.duplicated += row.duplicated;
    stream.replicated += row.replicated;
    stream.reordered += row.reordered;
    stream.late_ambiguous += row.late_ambiguous;
    stream.whole += row.whole;
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

fn moments(part: &rx_moments) -> Moments {
    Moments { count: part.count, sum: part.sum.into(), min: !part.min_inverted, max: part.max }
}

/// The stream's own count, minimum, maximum and sum with the shape of its group's histogram between
/// them. A stream that is alone in its group gets its histogram as it is.
fn distribution(own: &Moments, group: &[u64]) -> Distribution {
    if own.count == 0 {
        return Distribution::default();
    }
    let (low, high) = (buckets::bucket(own.min), buckets::bucket(own.max));
    let shape = &group[low..=high];
    let total: u128 = shape.iter().map(|&count| u128::from(count)).sum();
    let own_count = u128::from(own.count);
    let mut before = 0;
    let scaled = shape.iter().enumerate().filter(|(_, count)| **count > 0).map(|(n, &count)| {
        let after = before + u128::from(count);
        let share = after * own_count / total - before * own_count / total;
        before = after;
        (buckets::middle(low + n), share as u64)
    });
    Distribution::from_buckets(scaled.filter(|(_, share)| *share > 0), own.min, own.max, own.sum)
}
