//! Numbers with their units: time, rates, frame lengths, ratios.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes of the frame check sequence. Profiles and reports count it in a frame's size; buffers
/// that are handed to the kernel do not hold it.
pub const FCS_BYTES: u32 = 4;

/// Bytes that a frame takes on an Ethernet wire beside itself: 7 preamble, 1 start-of-frame
/// delimiter, 12 inter-packet gap (IEEE 802.3).
pub const L1_OVERHEAD_BYTES: u32 = 20;

/// A span of time, or a time of `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Nanos(pub u64);

impl Nanos {
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One millisecond.
    pub const MILLISECOND: Self = Self(1_000_000);

    /// The span in seconds, for display and for rates.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl From<Nanos> for std::time::Duration {
    fn from(span: Nanos) -> Self {
        Self::from_nanos(span.0)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let (unit, scale) = match n {
            0..1_000 => return write!(f, "{n} ns"),
            1_000..1_000_000 => ("µs", 1e3),
            1_000_000..1_000_000_000 => ("ms", 1e6),
            _ => ("s", 1e9),
        };
        write!(f, "{:.3} {unit}", n as f64 / scale)
    }
}

/// The length of a frame as engineers say it: the FCS included (RFC 2544 §9.1). 64 means 60 bytes
/// in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameSize(pub u32);

impl FrameSize {
    /// Bytes of the buffer that is handed to the kernel.
    pub fn buffer_len(self) -> u32 {
        self.0.saturating_sub(FCS_BYTES)
    }
}

/// The Ethernet layer that a bit rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitLayer {
    /// Frame, FCS, preamble and inter-packet gap: F + 20 bytes.
    L1,
    /// Frame and FCS: F bytes.
    L2,
}

impl BitLayer {
    /// Bytes that one frame of `size` counts for at this layer.
    pub fn bytes(self, size: FrameSize) -> u64 {
        match self {
            Self::L1 => u64::from(size.0 + L1_OVERHEAD_BYTES),
            Self::L2 => u64::from(size.0),
        }
    }
}

/// A packet rate, exact: `packets` packets in every `nanos` nanoseconds. Both are above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRate {
    /// Packets.
    pub packets: u64,
    /// Nanoseconds in which they are due.
    pub nanos: u64,
}

impl PacketRate {
    /// Packets per second, for display.
    pub fn pps(self) -> f64 {
        self.packets as f64 * 1e9 / self.nanos as f64
    }
}

/// A share of a whole in parts per billion: exact for percentages with seven decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ratio(pub u64);

impl Ratio {
    /// The whole.
    pub const ONE: Self = Self(1_000_000_000);

    /// As a fraction from 0 to 1.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}
