//! What a receiver counted, whichever way it received.

use super::distribution::Distribution;
use super::ipdv::Ipdv;

/// Counts of one stream, by its tag. `received = unique + duplicated + late_ambiguous`.
#[derive(Clone, Debug, Default)]
pub struct StreamReceived {
    /// Arrivals with a good tag of this trial.
    pub received: u64,
    /// Distinct packets.
    pub unique: u64,
    /// Further arrivals of packets that had arrived (RFC 5560).
    pub duplicated: u64,
    /// Packets with more than one arrival (RFC 5560, replicated).
    pub replicated: u64,
    /// Packets that arrived after one with a larger sequence number (RFC 4737 §3), duplicates left
    /// out.
    pub reordered: u64,
    /// Largest reordering extent (RFC 4737 §4.2). None where nothing was reordered.
    pub extent_max: Option<u64>,
    /// Older than the window: late or duplicate, never guessed.
    pub late_ambiguous: u64,
    /// Datagrams that the first arrival of this piece made whole, where the stream is a piece: each
    /// datagram is counted with the piece that it needed last.
    pub whole: u64,
    /// Bytes of all arrivals, without FCS.
    pub bytes: u64,
    /// Receive time of the first arrival.
    pub first_ns: Option<u64>,
    /// Receive time of the last arrival.
    pub last_ns: Option<u64>,
    /// Receive time − send time.
    pub latency: Option<Distribution>,
    /// Receive time − intended send time: free of coordinated omission.
    pub latency_intended: Option<Distribution>,
    /// |D(i) − D(i−1)| of consecutive arrivals of a worker's packets (RFC 4689 §3.2.5).
    pub jitter: Option<Distribution>,
    /// D(i) − D(i−1) of the same packets, with its sign.
    pub ipdv: Option<Ipdv>,
    /// The longest time without an arrival, between the first and the last.
    pub pause: Option<Pause>,
}

/// A time without arrivals, in which an outage lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Receive time of the last packet before it.
    pub begin: u64,
    /// Receive time of the first packet after it.
    pub end: u64,
}

impl Pause {
    /// The part of two flows' pauses in which neither had an arrival. None where there is none: then
    /// each has gone on while the other paused.
    pub fn common(self, other: Self) -> Option<Self> {
        let (begin, end) = (self.begin.max(other.begin), self.end.min(other.end));
        (begin < end).then_some(Self { begin, end })
    }

    /// The pause of all flows; those that had no two arrivals say nothing.
    pub fn of_all(flows: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let mut flows = flows.into_iter().flatten();
        let first = flows.next()?;
        flows.try_fold(first, Self::common)
    }
}

/// Inter-arrival times against the wanted gap, in the format of MoonGen's paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The gap that the schedule wants, in nanoseconds.
    pub wanted_ns: u64,
    /// Gaps measured.
    pub count: u64,
    /// Of those, the ones within ±64, ±128, ±256, ±512 ns of the wanted gap.
    pub within: [u64; 4],
    /// Gaps shorter than a quarter of the wanted one: micro-bursts.
    pub bursts: u64,
}

/// Counts of one receiving port.
#[derive(Clone, Debug, Default)]
pub struct PortReceived {
    /// How it received: `native XDP`, `generic XDP`, `packet-mmap`, and why.
    pub mode: String,
    /// Frames seen by the receiving program.
    pub seen: u64,
    /// Probes whose check is wrong.
    pub corrupt: u64,
    /// Probes of an earlier trial.
    pub stale: u64,
    /// Frames that are not probes; they went on to the kernel.
    pub alien: u64,
    /// Of the port's own machine: drops before classification, by counter name. All 0 in a valid
    /// run.
    pub overload: Vec<(String, u64)>,
    /// Inter-arrival times; None where no constant gap was wanted.
    pub gaps: Option<Gaps>,
    /// Per stream, by its number in the profile.
    pub streams: Vec<StreamReceived>,
}
