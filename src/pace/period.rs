//! The exact time between two packets.

use crate::units::PacketRate;

/// `nanos / packets` nanoseconds, in lowest terms. 0/1 stands for an unlimited rate: every slot is
/// due at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    nanos: u64,
    packets: u64,
}

impl Period {
    /// As fast as the engine goes.
    pub const UNLIMITED: Self = Self { nanos: 0, packets: 1 };

    /// The period of a rate.
    pub fn of(rate: PacketRate) -> Self {
        let divisor = gcd(rate.nanos, rate.packets).max(1);
        Self { nanos: rate.nanos / divisor, packets: (rate.packets / divisor).max(1) }
    }

    /// Whether every slot is due at once.
    pub fn is_unlimited(self) -> bool {
        self.nanos == 0
    }

    /// Nanoseconds after the start at which slot `n` is due; `u64::MAX` where that is not enough.
    pub fn due(self, n: u64) -> u64 {
        let due = u128::from(n) * u128::from(self.nanos) / u128::from(self.packets);
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// Slots that are due before `span` nanoseconds have passed. None: without end.
    pub fn slots_in(self, span: u64) -> Option<u64> {
        if self.is_unlimited() {
            return None;
        }
        let slots = (u128::from(span) * u128::from(self.packets)).div_ceil(u128::from(self.nanos));
        Some(u64::try_from(slots).unwrap_or(u64::MAX))
    }

    /// The period of `streams` such streams taken together.
    pub(super) fn shared_by(self, streams: u64) -> (u64, u64) {
        let divisor = gcd(self.nanos, streams).max(1);
        (self.nanos / divisor, self.packets.saturating_mul(streams / divisor))
    }

    /// `(nanos, packets)` in lowest terms.
    pub(super) fn fraction(self) -> (u64, u64) {
        (self.nanos, self.packets)
    }

    /// Packets per second, for display. Infinite for an unlimited rate.
    pub fn pps(self) -> f64 {
        self.packets as f64 * 1e9 / self.nanos as f64
    }

    /// The mean gap between packets of `streams` such streams taken together, in nanoseconds,
    /// rounded.
    pub fn gap_of(self, streams: u64) -> u64 {
        let (nanos, packets) = self.shared_by(streams);
        (nanos + packets / 2) / packets
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_gigabit_of_64_byte_frames_is_67_2_ns_apart_for_ever() {
        let period = Period::of(PacketRate { packets: 10_000_000_000, nanos: 672_000_000_000 });
        assert_eq!(period.due(5), 336);
        assert_eq!(period.due(10_000_000_000), 672_000_000_000);
        assert_eq!(period.slots_in(1_000_000_000), Some(14_880_953));
    }

    #[test]
    fn slots_in_counts_the_slots_that_are_due_before_the_end() {
        let period = Period::of(PacketRate { packets: 3, nanos: 10 });
        for span in 0..100 {
            let counted = (0..100).filter(|&n| period.due(n) < span).count() as u64;
            assert_eq!(period.slots_in(span), Some(counted), "span {span}");
        }
    }
}
