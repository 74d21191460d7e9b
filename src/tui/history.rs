//! The trial so far as columns of equal time, the whole of it whatever its length: when there are
//! more than [`COLUMNS`], each two become one.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::measure::buckets::{self, BUCKETS};
use crate::trial::sight::{Phase, Sight, StreamSight};

/// Columns that are kept at most.
const COLUMNS: usize = 512;
/// The time of a column at first, in nanoseconds.
const FIRST_WIDTH: u64 = 200_000_000;
/// Rates and percentiles of late are over about this time.
const OF_LATE: u64 = 1_000_000_000;

/// Fine buckets of one row of the heat map, as a power of two: four rows to the octave.
const ROW_SHIFT: u32 = 5;
/// Rows of the heat map, from below.
pub const ROWS: usize = BUCKETS >> ROW_SHIFT;

/// The smallest latency of a row, in nanoseconds.
pub fn row_begins(row: usize) -> u64 {
    buckets::lowest(row << ROW_SHIFT)
}

/// What happened in a column's time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its time in nanoseconds: of the senders, and of the receivers.
    pub span: (u64, u64),
    /// Packets sent.
    pub sent: u64,
    /// Packets received. None where nothing is.
    pub received: Option<u64>,
    /// Packets found to be lost.
    pub lost: u64,
    /// Packets that could not be sent in time.
    pub unsent: u64,
    /// Largest lag, in nanoseconds.
    pub lag: u64,
    /// Arrivals by latency: of all streams, and of each where they are kept apart.
    pub latency: Box<[u64]>,
    /// See `latency`.
    pub latency_of: Vec<Box<[u64]>>,
}

impl Column {
    /// Packets sent per second.
    pub fn tx_pps(&self) -> f64 {
        per_second(self.sent, self.span.0)
    }

    /// Packets received per second.
    pub fn rx_pps(&self) -> Option<f64> {
        Some(per_second(self.received?, self.span.1))
    }

    fn join(&mut self, other: &Self) {
        self.span = (self.span.0 + other.span.0, self.span.1 + other.span.1);
        self.sent += other.sent;
        self.received = match (self.received, other.received) {
            (None, theirs) => theirs,
            (mine, theirs) => mine.map(|mine| mine + theirs.unwrap_or(0)),
        };
        self.lost += other.lost;
        self.unsent += other.unsent;
        self.lag = self.lag.max(other.lag);
        add(&mut self.latency, &other.latency);
        self.latency_of.resize(self.latency_of.len().max(other.latency_of.len()), Box::default());
        self.latency_of.iter_mut().zip(&other.latency_of).for_each(|(mine, its)| add(mine, its));
    }
}

fn add(mine: &mut Box<[u64]>, theirs: &[u64]) {
    if mine.is_empty() {
        *mine = theirs.into();
    } else {
        mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
    }
}

fn per_second(packets: u64, span: u64) -> f64 {
    if span == 0 { 0.0 } else { packets as f64 * 1e9 / span as f64 }
}

/// The trial so far.
#[derive(Clone, Debug)]
pub struct History {
    columns: Vec<Column>,
    width: u64,
    /// Sights of late, the latest last.
    recent: VecDeque<Arc<Sight>>,
}

impl Default for History {
    fn default() -> Self {
        Self { columns: Vec::new(), width: FIRST_WIDTH, recent: VecDeque::new() }
    }
}

impl History {
    /// Takes the next sight; one of another trial begins anew.
    pub fn push(&mut self, sight: &Arc<Sight>) {
        if self.recent.back().is_some_and(|last| last.trial != sight.trial) {
            *self = Self::default();
        }
        // What is over is told by the report's clock, which ends with the last packet sent.
        if sight.phase == Phase::Over {
            return;
        }
        if let Some(last) = self.recent.back()
            && sight.elapsed > last.elapsed
        {
            let change = change(last, sight);
            match self.columns.last_mut() {
                Some(column) if column.span.0 < self.width => column.join(&change),
                _ => self.columns.push(change),
            }
            if self.columns.len() > COLUMNS {
                self.halve();
            }
        }
        self.recent.push_back(sight.clone());
        let old = |sight: &Sight, by: &Sight| by.elapsed - by.elapsed.min(sight.elapsed) > OF_LATE;
        while self.recent.len() > 2 && old(&self.recent[1], sight) {
            self.recent.pop_front();
        }
    }

    fn halve(&mut self) {
        self.width *= 2;
        let pairs = self.columns.chunks(2).map(|pair| {
            let mut column = pair[0].clone();
            pair[1..].iter().for_each(|other| column.join(other));
            column
        });
        self.columns = pairs.collect();
    }

    /// The columns, the first one first.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What happened of late: in the last second or so. None before there were two sights.
    pub fn of_late(&self) -> Option<Column> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        (last.elapsed > first.elapsed).then(|| change(first, last))
    }

    /// What one stream did of late: packets sent and received per second.
    pub fn stream_of_late(&self, stream: usize) -> (Option<f64>, Option<f64>) {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else {
            return (None, None);
        };
        let count = |sight: &Sight, of: fn(&StreamSight) -> Option<u64>| {
            sight.streams.get(stream).and_then(of)
        };
        let rate = |of: fn(&StreamSight) -> Option<u64>, span: u64| {
            let change = count(last, of)?.saturating_sub(count(first, of).unwrap_or(0));
            (span > 0).then(|| per_second(change, span))
        };
        (
            rate(|stream| Some(stream.sent), last.elapsed.saturating_sub(first.elapsed)),
            rate(
                |stream| Some(stream.arrived?.received),
                last.counted.saturating_sub(first.counted),
            ),
        )
    }

    /// Frames per second of one worker of late.
    pub fn worker_of_late(&self, worker: usize) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let sent = |sight: &Sight| sight.workers.get(worker).map_or(0, |worker| worker.sent);
        let span = last.elapsed.saturating_sub(first.elapsed);
        (span > 0).then(|| per_second(sent(last).saturating_sub(sent(first)), span))
    }

    /// Bits per second of late on layer 1 (F + 20 bytes a frame): sent and received.
    pub fn bits_of_late(&self) -> (Option<f64>, Option<f64>) {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else {
            return (None, None);
        };
        let tx = |sight: &Sight| {
            let sum = |of: fn(&crate::engine::TxCounters) -> u64| {
                sight.workers.iter().map(|worker| of(&worker.counters)).sum::<u64>()
            };
            sum(|counters| counters.completed_bytes) + L1_EXTRA * sum(|counters| counters.completed)
        };
        let rx = |sight: &Sight| {
            let arrived = sight.totals().0.arrived?;
            Some(arrived.bytes + L1_EXTRA * arrived.received)
        };
        let bits = |now: u64, before: u64, span: u64| {
            (span > 0).then(|| 8.0 * per_second(now.saturating_sub(before), span))
        };
        let received = rx(last).zip(rx(first));
        (
            bits(tx(last), tx(first), last.elapsed.saturating_sub(first.elapsed)),
            received.and_then(|(now, then)| {
                bits(now, then, last.counted.saturating_sub(first.counted))
            }),
        )
    }

    /// Percentiles of the latencies of late: the middles of fine buckets, so within 0.4 %. `parts` in
    /// parts per million.
    pub fn latency_of_late(&self, parts: &[u64]) -> Option<Vec<u64>> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let counts = difference(&last.latency(), &first.latency());
        percentiles(&counts, parts)
    }
}

/// FCS, preamble and gap of a frame.
const L1_EXTRA: u64 = 24;

/// Percentiles of counts by fine bucket. None where there are none.
pub fn percentiles(counts: &[u64], parts: &[u64]) -> Option<Vec<u64>> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let at = |parts: &u64| {
        let rank = (u128::from(total) * u128::from(*parts)).div_ceil(1_000_000).max(1) as u64;
        let mut below = 0;
        let reached = counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        buckets::middle(reached.unwrap_or(0))
    };
    Some(parts.iter().map(at).collect())
}

fn difference(now: &[u64], before: &[u64]) -> Vec<u64> {
    let before = before.iter().copied().chain(std::iter::repeat(0));
    now.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).collect()
}

/// From one sight to a later one of the same trial.
fn change(from: &Sight, to: &Sight) -> Column {
    let ((before, _), (now, _)) = (from.totals(), to.totals());
    let rows = |now: &[u64], before: &[u64]| -> Box<[u64]> {
        let change = difference(now, before);
        change.chunks(1 << ROW_SHIFT).map(|row| row.iter().sum()).collect()
    };
    let lost = |stream: &StreamSight| stream.arrived.and_then(|arrived| arrived.lost).unwrap_or(0);
    let each = 0..to.cast.streams.len().min(crate::measure::glance::FEW_STREAMS);
    Column {
        span: (to.elapsed.saturating_sub(from.elapsed), to.counted.saturating_sub(from.counted)),
        sent: now.sent.saturating_sub(before.sent),
        received: now.arrived.map(|now| {
            now.received.saturating_sub(before.arrived.map_or(0, |before| before.received))
        }),
        // What was overtaken may arrive after all.
        lost: lost(&now).saturating_sub(lost(&before)),
        unsent: now.unsent.saturating_sub(before.unsent),
        lag: to.workers.iter().map(|worker| worker.lag).max().unwrap_or(0),
        latency: rows(&to.latency(), &from.latency()),
        latency_of: each
            .map(|stream| {
                let of = |sight| Sight::latency_of(sight, stream).unwrap_or(&[]);
                rows(of(to), of(from))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::sight::Arrived;

    fn sight(elapsed: u64, sent: u64, unique: u64) -> Arc<Sight> {
        let arrived = Some(Arrived { received: unique, unique, ..Arrived::default() });
        let stream = StreamSight { sent, unsent: 0, arrived };
        Arc::new(Sight {
            phase: Phase::Sending,
            elapsed,
            counted: elapsed,
            streams: vec![stream],
            ..Sight::default()
        })
    }

    #[test]
    fn the_whole_trial_is_kept_in_bounded_memory() {
        let mut history = History::default();
        for tick in 0..100_000 {
            history.push(&sight(tick * 100_000_000, tick * 10, tick * 9));
        }
        assert!(history.columns().len() <= COLUMNS && history.columns().len() > COLUMNS / 3);
        let sum = |of: fn(&Column) -> u64| history.columns().iter().map(of).sum::<u64>();
        assert_eq!(sum(|column| column.sent), 99_999 * 10);
        assert_eq!(sum(|column| column.received.unwrap()), 99_999 * 9);
        assert_eq!(sum(|column| column.span.0), 99_999 * 100_000_000);
        let late = history.of_late().expect("there were sights");
        assert!((late.tx_pps() - 100.0).abs() < 1e-6, "{late:?}");
        assert!(late.span.0 <= 1_200_000_000);
    }

    #[test]
    fn another_trial_begins_anew() {
        let mut history = History::default();
        history.push(&sight(0, 0, 0));
        history.push(&sight(300_000_000, 30, 30));
        let mut next = Sight::clone(&sight(100_000_000, 5, 5));
        next.trial = 1;
        history.push(&Arc::new(next));
        assert!(history.columns().is_empty());
        assert_eq!(history.of_late(), None);
    }

    #[test]
    fn what_is_over_changes_nothing() {
        let mut history = History::default();
        history.push(&sight(0, 0, 0));
        history.push(&sight(300_000_000, 30, 30));
        let mut over = Sight::clone(&sight(200_000_000, 30, 30));
        over.phase = Phase::Over;
        history.push(&Arc::new(over));
        assert_eq!(history.columns().len(), 1);
        assert_eq!(history.of_late().map(|late| late.sent), Some(30));
        assert_eq!(history.stream_of_late(0), (Some(100.0), Some(100.0)));
    }

    #[test]
    fn percentiles_are_those_of_the_buckets() {
        let mut counts = vec![0; BUCKETS];
        counts[buckets::bucket(1_000)] = 98;
        counts[buckets::bucket(1_000_000)] = 2;
        let found = percentiles(&counts, &[500_000, 980_000, 990_000]).expect("there are some");
        assert!(found[0].abs_diff(1_000) <= 4 && found[1] == found[0]);
        assert!(found[2].abs_diff(1_000_000) <= 4_000);
        assert_eq!(percentiles(&[0, 0], &[1]), None);
    }
}
