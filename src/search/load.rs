//! The load of a trial: a packet rate that can be ordered and halved.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{BitLayer, FrameSize, Nanos, PacketRate, Ratio};

/// A packet rate in thousandths of a packet per second: an integer, so that a search that is
/// replayed asks for exactly the same loads.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Load(pub u64);

impl Load {
    /// Thousandths in one packet per second.
    const SCALE: u64 = 1_000;

    /// A whole number of packets per second; beyond 1.8e16 it saturates.
    pub const fn from_pps(pps: u64) -> Self {
        Self(pps.saturating_mul(Self::SCALE))
    }

    /// Packets per second, for display and for formulas.
    pub fn pps(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }

    /// The same rate for a schedule, in lowest terms; none when the load is 0.
    pub fn packet_rate(self) -> Option<PacketRate> {
        const NANOS: u64 = 1_000_000_000_000;
        if self.0 == 0 {
            return None;
        }
        let common = gcd(self.0, NANOS);
        Some(PacketRate { packets: self.0 / common, nanos: NANOS / common })
    }

    /// The largest load that is not above a packet rate.
    pub fn from_packet_rate(rate: PacketRate) -> Self {
        let thousandths =
            u128::from(rate.packets) * 1_000_000_000_000 / u128::from(rate.nanos.max(1));
        Self(u64::try_from(thousandths).unwrap_or(u64::MAX))
    }

    /// Whole packets that are due within a duration.
    pub fn packets_in(self, duration: Nanos) -> u64 {
        let due = u128::from(self.0) * u128::from(duration.0) / 1_000_000_000_000;
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// A share of this load, rounded down.
    pub fn share(self, share: Ratio) -> Self {
        let scaled = u128::from(self.0) * u128::from(share.0) / u128::from(Ratio::ONE.0);
        Self(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / Self::SCALE, self.0 % Self::SCALE);
        if thousandths == 0 {
            write!(f, "{whole} pps")
        } else {
            write!(f, "{whole}.{thousandths:03} pps")
        }
    }
}

/// The line rate in frames: bit/s ÷ (8·(F + 20)), rounded down to a thousandth of a frame per
/// second (RFC 2544 appendix B has the table for 10 Mb/s Ethernet).
pub fn line_rate(bits_per_second: u64, size: FrameSize) -> Load {
    let bits = u128::from(BitLayer::L1.bytes(size)) * 8;
    let thousandths = u128::from(bits_per_second) * u128::from(Load::SCALE) / bits;
    Load(u64::try_from(thousandths).unwrap_or(u64::MAX))
}

/// How near the bounds of a search have to come to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// The difference is at most this share of the upper bound.
    Relative(Ratio),
    /// The difference is at most this load.
    Absolute(Load),
}

impl Width {
    /// Whether the bounds are near enough.
    pub fn reached(self, lower: Load, upper: Load) -> bool {
        let difference = upper.0.saturating_sub(lower.0);
        match self {
            Self::Absolute(width) => difference <= width.0,
            Self::Relative(share) => {
                u128::from(difference) * u128::from(Ratio::ONE.0)
                    <= u128::from(upper.0) * u128::from(share.0)
            }
        }
    }

    /// The width below an upper bound, at least one thousandth of a packet per second.
    pub fn below(self, upper: Load) -> Load {
        match self {
            Self::Absolute(width) => Load(width.0.max(1)),
            Self::Relative(share) => Load(upper.share(share).0.max(1)),
        }
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_rate_of_ten_gigabit_is_the_table_s() {
        let table = [
            (64, 14_880_952),
            (128, 8_445_945),
            (256, 4_528_985),
            (512, 2_349_624),
            (1024, 1_197_318),
            (1280, 961_538),
            (1518, 812_743),
        ];
        for (size, fps) in table {
            assert_eq!(line_rate(10_000_000_000, FrameSize(size)).pps() as u64, fps, "{size}");
        }
    }

    #[test]
    fn a_load_is_the_same_rate_for_a_schedule() {
        for thousandths in [1, 500, 1_000, 14_880_952_381] {
            let load = Load(thousandths);
            let rate = load.packet_rate().expect("above 0");
            assert_eq!(Load::from_packet_rate(rate), load);
        }
        assert_eq!(
            Load::from_pps(1_000_000).packet_rate(),
            Some(PacketRate { packets: 1, nanos: 1_000 })
        );
        assert_eq!(Load(0).packet_rate(), None);
    }

    #[test]
    fn a_load_says_its_thousandths_only_where_it_has_any() {
        assert_eq!(Load(1_500).to_string(), "1.500 pps");
        assert_eq!(Load::from_pps(7).to_string(), "7 pps");
    }

    #[test]
    fn packets_within_a_duration_are_whole() {
        assert_eq!(Load(1_500).packets_in(Nanos::SECOND), 1);
        assert_eq!(Load(1_500).packets_in(Nanos(2_000_000_000)), 3);
    }

    #[test]
    fn a_width_is_reached_at_its_edge() {
        let (lower, upper) = (Load(995), Load(1_000));
        assert!(Width::Relative(Ratio(5_000_000)).reached(lower, upper));
        assert!(!Width::Relative(Ratio(4_999_999)).reached(lower, upper));
        assert!(Width::Absolute(Load(5)).reached(lower, upper));
        assert!(!Width::Absolute(Load(4)).reached(lower, upper));
    }
}
