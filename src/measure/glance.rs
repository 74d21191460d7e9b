//! What a receiver shows in mid-run: counts of every stream and the latency of all, without the
//! distributions of each, which are read when the run is over.

use super::received::Gaps;

/// Exact companions of a histogram of times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Values.
    pub count: u64,
    /// Their sum.
    pub sum: u128,
    /// The smallest; `u64::MAX` where there is none.
    pub min: u64,
    /// The largest.
    pub max: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Moments {
    /// Joins others to these.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Their mean. None where there are none.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

/// Counts of one stream so far; see [`super::received::StreamReceived`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamGlance {
    /// Arrivals.
    pub received: u64,
    /// Distinct packets.
    pub unique: u64,
    /// Further arrivals of packets that had arrived.
    pub duplicated: u64,
    /// Packets that arrived after one with a larger sequence number.
    pub reordered: u64,
    /// Older than the window.
    pub late_ambiguous: u64,
    /// Bytes of all arrivals, without FCS.
    pub bytes: u64,
    /// Packets up to the latest that has arrived, by their numbers: of those, the ones that are not
    /// among the unique have been overtaken.
    pub reached: u64,
    /// Of the latencies.
    pub latency: Moments,
}

/// Counts of one receiving port so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortGlance {
    /// How it receives.
    pub mode: String,
    /// Frames seen by the receiving program.
    pub seen: u64,
    /// Probes whose check is wrong.
    pub corrupt: u64,
    /// Probes of an earlier trial.
    pub stale: u64,
    /// Frames that are not probes.
    pub alien: u64,
    /// Drops before classification, by counter name.
    pub overload: Vec<(String, u64)>,
    /// Inter-arrival times.
    pub gaps: Option<Gaps>,
    /// Per stream, by its number in the profile.
    pub streams: Vec<StreamGlance>,
    /// Latencies of all streams: counts by [`super::buckets::bucket`]. Empty where they were not
    /// asked for, or are not measured.
    pub latency: Vec<u64>,
    /// The same per stream, where there are [`FEW_STREAMS`] at most; else empty.
    pub latency_of: Vec<Vec<u64>>,
}

/// Up to so many streams, each stream's latencies are shown in mid-run too.
pub const FEW_STREAMS: usize = 16;
