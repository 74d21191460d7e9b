//! Inter-packet delay variation: by how much packets took longer than the one before them, or less.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use crate::units::Nanos;

/// Inter-packet delay variation of RFC 8219 §7.3.2, in nanoseconds: it can be negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ipdv {
    /// Smallest.
    pub min: i64,
    /// Median.
    pub median: f64,
    /// Largest.
    pub max: i64,
}

impl Ipdv {
    /// D(i) − D(i−1) over frames in the order of their sending; none of fewer than two. A lost frame
    /// (none) has no delay, so the two pairs that it belongs to do not count.
    pub fn new(delays: &[Option<Nanos>]) -> Option<Self> {
        let difference = |pair: &[Option<Nanos>]| {
            let (before, after) = (i128::from(pair[0]?.0), i128::from(pair[1]?.0));
            i64::try_from(after - before).ok()
        };
        let mut sorted: Vec<i64> = delays.windows(2).filter_map(difference).collect();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[middle]);
        Some(Self { min, median: (i128::from(below) + i128::from(above)) as f64 / 2.0, max })
    }

    /// From the sizes of the variations by their sign: of packets that took as long as the one before
    /// or longer, and of those that took less. The median is within 1 %.
    pub fn of(later: &Distribution, earlier: &Distribution) -> Option<Self> {
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        let min = earlier.max().map(|most| -signed(most)).or(later.min().map(signed))?;
        let max = later.max().map(signed).or(earlier.min().map(|least| -signed(least)))?;
        let count = later.count() + earlier.count();
        // The two ranks in the middle, the same where the count is odd.
        let at = |rank: u64| match rank.checked_sub(earlier.count()) {
            Some(rank) => later.at_rank(rank).unwrap_or(0) as f64,
            None => -(earlier.at_rank(earlier.count() - 1 - rank).unwrap_or(0) as f64),
        };
        let median = at((count - 1) / 2).midpoint(at(count / 2));
        Some(Self { min, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lost_frame_breaks_two_differences() {
        let delay = |nanos| Some(Nanos(nanos));
        let ipdv = Ipdv::new(&[delay(10), delay(14), None, delay(90), delay(87), delay(88)]);
        assert_eq!(ipdv, Some(Ipdv { min: -3, median: 1.0, max: 4 }));
        assert_eq!(Ipdv::new(&[delay(1), None, delay(2)]), None);
    }

    #[test]
    fn nothing_has_no_variation() {
        assert_eq!(Ipdv::of(&Distribution::default(), &Distribution::default()), None);
    }

    proptest! {
        #[test]
        fn two_distributions_give_what_the_differences_give(
            delays in proptest::collection::vec(0u64..100_000_000, 2..200),
        ) {
            let (mut later, mut earlier) = (Distribution::default(), Distribution::default());
            for pair in delays.windows(2) {
                match pair[1].checked_sub(pair[0]) {
                    Some(more) => later.record(more),
                    None => earlier.record(pair[0] - pair[1]),
                }
            }
            let exact: Vec<Option<Nanos>> = delays.iter().map(|delay| Some(Nanos(*delay))).collect();
            let exact = Ipdv::new(&exact).expect("two delays");
            let found = Ipdv::of(&later, &earlier).expect("a difference");
            prop_assert_eq!((found.min, found.max), (exact.min, exact.max));
            // Of an even count the median is between two values, each within 1 % of its size.
            let room = (exact.max.max(-exact.min) as f64) * 0.01 + 1.0;
            prop_assert!((found.median - exact.median).abs() <= room, "{found:?} {exact:?}");
        }
    }
}
