//! How many rows, flows, slots and histograms the receiving program's maps hold: a pure function
//! of the streams, so that memory stays bounded however many there are.

use super::skeleton::types::rx_histograms;
use crate::measure::window::MAX_WINDOW;
use crate::receive::ReceiveSpec;

/// Memory of the sequence windows of all flows.
const WINDOW_BUDGET: u64 = 64 << 20;
/// Memory of all histograms.
const HISTOGRAM_BUDGET: u64 = 64 << 20;
/// The smallest window, whatever the budget says.
const MIN_WINDOW: u64 = 64;

/// Who writes a row of counters alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A receive queue: in native XDP, one queue is never served by two CPUs at once.
    Queue,
    /// A CPU: in generic XDP, packets of one queue may be on several (RPS, backlog).
    Cpu,
}

/// Sizes of the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What a row is.
    pub row: Row,
    /// Rows.
    pub rows: u32,
    /// Streams; at least 1, since a map cannot be empty.
    pub streams: u32,
    /// Flows: (stream, worker) pairs; at least 1.
    pub flows: u32,
    /// `1 << window_shift` sequences are remembered per flow.
    pub window_shift: u32,
    /// Sets of histograms per row; as many as streams unless memory is short.
    pub groups: u32,
}

impl Layout {
    /// The layout for the streams of `spec` over so many rows.
    pub fn new(spec: &ReceiveSpec, row: Row, rows: u32) -> Self {
        let flows = spec.stream_workers.iter().map(|&n| u64::from(n)).sum::<u64>().max(1);
        let streams = spec.stream_workers.len().max(1) as u64;
        let rows = u64::from(rows.max(1));
        let each = size_of::<rx_histograms>() as u64 * rows;
        let groups = if spec.latency { (HISTOGRAM_BUDGET / each).clamp(1, streams) } else { 1 };
        Self {
            row,
            rows: rows as u32,
            streams: streams as u32,
            flows: flows as u32,
            window_shift: window_shift(flows),
            groups: groups as u32,
        }
    }

    /// What the reader of a report has to know of it: empty when nothing had to be cut down.
    pub fn remarks(&self, latency: bool) -> Vec<String> {
        let mut remarks = Vec::new();
        if 1 << self.window_shift < MAX_WINDOW {
            remarks.push(format!(
                "order is judged within {} packets of a stream and worker",
                1 << self.window_shift
            ));
        }
        if latency && self.groups < self.streams {
            remarks.push(format!(
                "percentiles come from {} histograms that {} streams share (minimum, maximum, \
                 mean are each stream's own)",
                self.groups, self.streams
            ));
        }
        remarks
    }
}

/// The window that lets all flows fit the budget.
pub fn window_shift(flows: u64) -> u32 {
    let slots = WINDOW_BUDGET / size_of::<u64>() as u64 / flows.max(1);
    slots.clamp(MIN_WINDOW, MAX_WINDOW.into()).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shrinks_with_the_flows() {
        assert_eq!(window_shift(0), 16);
        assert_eq!(window_shift(128), 16);
        assert_eq!(window_shift(129), 15);
        assert_eq!(window_shift(10_000), 9);
        assert_eq!(window_shift(1_000_000), 6);
    }
}
