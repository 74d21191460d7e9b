//! Percentiles against an exact sorted list, however the times came in.

use proptest::prelude::*;
use wirestorm::measure::buckets::{self, BUCKETS};
use wirestorm::measure::distribution::Distribution;

const PERCENTILES: [u32; 8] = [0, 70_000, 500_000, 900_000, 990_000, 999_000, 999_900, 1_000_000];

/// RFC 2330 §11.3: the smallest value such that at least p of all are not above it.
fn exact(sorted: &[u64], parts_per_million: u32) -> u64 {
    let needed = |rank: usize| {
        rank as u128 * 1_000_000 >= sorted.len() as u128 * u128::from(parts_per_million)
    };
    let rank = (1..=sorted.len()).find(|&rank| needed(rank)).expect("all are not above the last");
    sorted[rank - 1]
}

/// As the receiving program counts: buckets, with the exact moments beside.
fn by_buckets(times: &[u64]) -> Distribution {
    let mut counts = vec![0u64; BUCKETS];
    for &time in times {
        counts[buckets::bucket(time)] += 1;
    }
    let buckets = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
    Distribution::from_buckets(
        buckets.map(|(bucket, count)| (buckets::middle(bucket), count)),
        *times.iter().min().expect("not empty"),
        *times.iter().max().expect("not empty"),
        times.iter().map(|&time| u128::from(time)).sum(),
    )
}

fn one_by_one(times: &[u64]) -> Distribution {
    let mut distribution = Distribution::default();
    for &time in times {
        distribution.record(time);
    }
    distribution
}

/// Times over all magnitudes up to 2^36 ns.
fn time() -> impl Strategy<Value = u64> {
    (0u32..36, any::<u64>()).prop_map(|(bits, random)| (1 << bits) | (random & ((1 << bits) - 1)))
}

proptest! {
    #[test]
    fn percentiles_are_within_a_percent(times in prop::collection::vec(time(), 1..400)) {
        let mut sorted = times.clone();
        sorted.sort_unstable();
        let (first, second) = times.split_at(times.len() / 2);
        let mut merged = one_by_one(first);
        merged.merge(&by_buckets(second));
        for distribution in [one_by_one(&times), by_buckets(&times), merged] {
            prop_assert_eq!(distribution.count(), times.len() as u64);
            prop_assert_eq!(distribution.min(), sorted.first().copied());
            prop_assert_eq!(distribution.max(), sorted.last().copied());
            let sum: u128 = times.iter().map(|&time| u128::from(time)).sum();
            prop_assert_eq!(distribution.mean(), Some(sum as f64 / times.len() as f64));
            for p in PERCENTILES {
                let (found, exact) = (distribution.percentile(p).unwrap(), exact(&sorted, p));
                prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 * 0.01, "{} {} {}", p, found, exact);
            }
        }
    }
}

#[test]
fn the_rank_is_rounded_up_and_never_too_far() {
    let times: Vec<u64> = (1..=100).collect();
    let distribution = one_by_one(&times);
    for percent in 1..=100 {
        assert_eq!(distribution.percentile(percent * 10_000), Some(u64::from(percent)));
    }
    assert_eq!(distribution.percentile(1), Some(1));
    assert_eq!(distribution.percentile(70_001), Some(8));
}

#[test]
fn nothing_recorded_is_none_and_not_zero() {
    let empty = Distribution::default();
    assert_eq!((empty.min(), empty.max(), empty.percentile(500_000)), (None, None, None));
    assert_eq!(empty.mean(), None);
}
