//! Rates that somebody changes in mid-run.
//!
//! A change holds for every slot that is due from its time on: where the old rate would have had it
//! due at `at + d`, the new one has it due at `at + d · old / new`. Slots of even distances are
//! anchored anew at that exact fraction and go on at the new distance; every other shape keeps its
//! slots, and its own time goes faster or slower. When a stream begins and when its time is over stay
//! what the profile says, so that a faster stream has more slots.
//!
//! In a pause the rate is 0: what would have been due `d` after its begin is due `d · old / new` after
//! its end, unless the stream's time is over then.

/// A change of all rates in mid-run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateChange {
    /// Slots that are due from then on are affected: nanoseconds of the workers' clock.
    pub at: u64,
    /// Percent of the rates that the profile says; [`RateChange::PAUSED`] until the next change.
    pub percent: u32,
}

impl RateChange {
    /// The rate of the profile.
    pub const PLAIN: u32 = 100;
    /// No packets.
    pub const PAUSED: u32 = 0;
    /// Rates that can be asked for, in percent, beside a pause.
    pub const RANGE: std::ops::RangeInclusive<u32> = 1..=1000;
}

/// How a shape's own time goes: from an anchor on, at `percent` of the clock. All in nanoseconds after
/// the start of the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tempo {
    clock: u64,
    own: u64,
    percent: u32,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { clock: 0, own: 0, percent: RateChange::PLAIN }
    }
}

impl Tempo {
    /// Whether the shape's time is that of the clock, and always was.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// When the clock says what the shape's time is then: a slot's due time.
    pub fn clock_of(self, own: u64) -> u64 {
        let after = u128::from(own.saturating_sub(self.own)) * u128::from(RateChange::PLAIN);
        narrow(u128::from(self.clock) + after / u128::from(self.percent))
    }

    /// The shape's first time of which [`Self::clock_of`] is not before `clock`. Of times before the
    /// anchor: the anchor.
    pub fn own_of(self, clock: u64) -> u64 {
        let after = u128::from(clock.saturating_sub(self.clock)) * u128::from(self.percent);
        narrow(u128::from(self.own) + after.div_ceil(u128::from(RateChange::PLAIN)))
    }

    /// The tempo from `clock` on. The shape's time has stood still since `since`.
    pub fn changed(self, since: u64, clock: u64, percent: u32) -> Self {
        Self { clock, own: self.own_of(since), percent }
    }
}

fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// The distance of even slots at a rate: nanoseconds as a fraction that leaves room for sums of
/// remainders.
pub(super) fn distance((nanos, packets): (u64, u64), percent: u32) -> (u64, u64) {
    /// Remainders below it, times the number of workers, are below 2^64.
    const MOST: u128 = 1 << 53;
    let mut nanos = u128::from(nanos) * u128::from(RateChange::PLAIN);
    let mut packets = u128::from(packets) * u128::from(percent);
    let divisor = gcd(nanos, packets).max(1);
    (nanos, packets) = (nanos / divisor, packets / divisor);
    // Of a fraction that is finer than that, 2^-52 of the distance is given up.
    while packets > MOST || nanos > u128::from(u64::MAX) {
        (nanos, packets) = (nanos >> 1, (packets >> 1).max(1));
    }
    (narrow(nanos), narrow(packets))
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slot_is_before_a_time_where_its_own_time_is(
            changes in proptest::collection::vec((0u64..10_000, 1u32..=1000), 0..4),
            own in 0u64..100_000, clock in 0u64..100_000,
        ) {
            let mut tempo = Tempo::default();
            let mut at = 0;
            for (after, percent) in changes {
                at += after;
                tempo = tempo.changed(at, at, percent);
            }
            let (own, clock) = (own.max(tempo.own), clock.max(tempo.clock));
            prop_assert_eq!(tempo.clock_of(own) < clock, own < tempo.own_of(clock));
        }
    }

    #[test]
    fn twice_the_rate_is_half_the_distance() {
        assert_eq!(distance((672, 10), 200), (168, 5));
        assert_eq!(distance((672, 10), 100), (336, 5));
        assert_eq!(distance((1_000, 1), 1), (100_000, 1));
        let (nanos, packets) = distance((u64::MAX / 3, u64::MAX / 7), 999);
        let (want, is) = (7.0 / 3.0 * 100.0 / 999.0, nanos as f64 / packets as f64);
        assert!((want / is - 1.0).abs() < 1e-14, "{want} {is}");
    }
}
