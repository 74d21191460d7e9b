//! Latencies in exponential buckets, as Prometheus' native histograms have them: bucket i counts what
//! is above `2^((i-1)/8)` and at most `2^(i/8)` seconds (schema 3). A quantile is known up to the
//! factor `2^(1/8)` = 1.09.
//!
//! They are made of finer buckets, less than 0.8 % wide: one that lies across a border counts on the
//! side of its middle, so every border is exact up to 0.4 %.

use std::sync::LazyLock;

use crate::measure::buckets::{self, BUCKETS};

/// Buckets to the octave, as a power of two.
pub const SCHEMA: i32 = 3;
/// Buckets that the text formats write: from 2^-23 s, 119 ns, to 2^4 s. What is shorter is in the
/// first of them.
pub const CLASSIC: std::ops::RangeInclusive<i32> = -23 * 8..=4 * 8;

/// The upper border of a bucket, in seconds.
pub fn border(bucket: i32) -> f64 {
    (f64::from(bucket) / f64::from(1 << SCHEMA)).exp2()
}

/// A distribution of latencies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Counts of the buckets that are not empty, in order.
    pub buckets: Vec<(i32, u64)>,
    /// Of all of them.
    pub count: u64,
    /// Sum of the latencies in seconds.
    pub sum: f64,
}

/// The bucket of each fine one.
static BUCKET_OF: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let bucket = |fine| {
        // What took less than half a nanosecond has no logarithm.
        let seconds = (buckets::middle(fine) as f64).max(0.5) / 1e9;
        (seconds.log2() * f64::from(1 << SCHEMA)).ceil() as i32
    };
    (0..BUCKETS).map(bucket).collect()
});

impl Histogram {
    /// From counts by [`buckets::bucket`] and the sum of the latencies in nanoseconds.
    pub fn of(counts: &[u64], sum_ns: u128) -> Self {
        let mut histogram = Self { sum: sum_ns as f64 / 1e9, ..Self::default() };
        for (bucket, count) in BUCKET_OF.iter().zip(counts).filter(|(_, count)| **count > 0) {
            histogram.count += count;
            match histogram.buckets.last_mut() {
                Some((last, sum)) if last == bucket => *sum += count,
                _ => histogram.buckets.push((*bucket, *count)),
            }
        }
        histogram
    }

    /// How many are at most the border of each bucket of [`CLASSIC`].
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut buckets = self.buckets.iter().peekable();
        let mut below = 0;
        CLASSIC.map(move |bucket| {
            while let Some((_, count)) = buckets.next_if(|(at, _)| *at <= bucket) {
                below += count;
            }
            (border(bucket), below)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_latency_is_within_its_bucket(nanos in 1u64..60_000_000_000) {
            let mut counts = vec![0; BUCKETS];
            counts[buckets::bucket(nanos)] = 3;
            let histogram = Histogram::of(&counts, 3 * u128::from(nanos));
            let [(bucket, 3)] = histogram.buckets[..] else { panic!("{histogram:?}") };
            let seconds = nanos as f64 / 1e9;
            prop_assert!(seconds <= border(bucket) * 1.004);
            prop_assert!(seconds > border(bucket - 1) * 0.996);
            prop_assert_eq!(histogram.count, 3);
            let last = histogram.cumulative().last().map(|(_, below)| below);
            prop_assert_eq!(last, Some(if bucket <= *CLASSIC.end() { 3 } else { 0 }));
        }
    }

    #[test]
    fn borders_are_powers_of_two_where_they_should_be() {
        assert_eq!(border(0), 1.0);
        assert_eq!(border(-8), 0.5);
        assert!(Histogram::of(&[5], 0).buckets[0].0 < *CLASSIC.start(), "nothing took no time");
    }
}
