//! Every value of a range once in a cycle, in random order, without memory: a keyed bijection of
//! `0..n` that is one by construction, for every n, with the same few steps for every value.
//!
//! Above [`SMALL`], n values are taken as a rectangle of `left` columns of `2^split` rows, and the
//! fewer than `2^split` that remain. A Feistel network (Luby, Rackoff 1988; of two groups of
//! different order, as in Black, Rogaway 2002 §5) permutes the rectangle and leaves the rest where
//! it is; then all are rotated by a random distance, and both are done again. A cipher on a rectangle
//! that is larger than n would have to be walked until it hits, without a bound.
//!
//! Up to [`SMALL`], where the rest would be too large a share, it is the swap-or-not shuffle (Hoang,
//! Morris, Rogaway 2012): each round pairs x with k - x and swaps the pair by a random bit, which is
//! a bijection of any n. All bits of a round are one random word, and the k of four rounds another.
//!
//! The eBPF engine computes the same in `bpf/tx_values.h`.

use super::random::{GOLDEN_GAMMA, mix, scale};

/// The largest n that is shuffled by swapping pairs: as many as a word has bits.
pub const SMALL: u64 = 64;
/// Rounds of the swap-or-not shuffle.
const SWAPS: u64 = 32;
/// Times that the rectangle is permuted and all are rotated.
const PASSES: u64 = 2;
/// Rounds of the Feistel network: each half is changed half as often.
const ROUNDS: u64 = 4;

/// A range, as the shuffle takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many values; 0: 2^64.
    pub values: u64,
    /// Columns of the rectangle, at most 2^32; 0 where the range is small.
    pub left: u64,
    /// log2 of the rectangle's rows, at most 32.
    pub split: u32,
}

impl Shape {
    /// The shape of a range of `values` values, 0 standing for 2^64.
    pub fn new(values: u64) -> Self {
        if (1..=SMALL).contains(&values) {
            return Self { values, left: 0, split: 0 };
        }
        let bits = u64::BITS - values.wrapping_sub(1).leading_zeros();
        let split = bits / 2;
        let left = if values == 0 { 1 << 32 } else { values >> split };
        Self { values, left, split }
    }
}

/// The value of turn `turn`, below `shape.values`: turns of the same `turn / values` have different
/// ones.
#[inline(always)]
pub fn value(key: u64, shape: &Shape, turn: u64) -> u64 {
    let cycle = turn.checked_div(shape.values).unwrap_or(0);
    let key = mix(key.wrapping_add(cycle.wrapping_mul(GOLDEN_GAMMA)));
    let place = turn.wrapping_sub(cycle.wrapping_mul(shape.values));
    if shape.left == 0 { swap_or_not(key, shape.values, place) } else { rotated(key, shape, place) }
}

fn swap_or_not(key: u64, values: u64, mut x: u64) -> u64 {
    for group in 0..SWAPS / 4 {
        let mut sums = mix(key.wrapping_add(SWAPS + group));
        for round in group * 4..group * 4 + 4 {
            let word = mix(key.wrapping_add(round));
            let sum = ((sums & 0xffff) * values) >> 16;
            sums >>= 16;
            let other = sum.wrapping_sub(x).wrapping_add(if sum < x { values } else { 0 });
            // No branch: half of them would be predicted wrongly.
            let swap = (word >> (x.max(other) & 63) & 1).wrapping_neg();
            x ^= (x ^ other) & swap;
        }
    }
    x
}

fn rotated(key: u64, shape: &Shape, mut x: u64) -> u64 {
    let rows = (1u64 << shape.split) - 1;
    // The last value of the rectangle; of one of 2^64 values it wraps to the largest.
    let last = (shape.left << shape.split).wrapping_sub(1);
    for pass in 0..PASSES {
        let key = key.wrapping_add(pass * (ROUNDS + 1));
        if x <= last {
            x = feistel(key, shape, rows, x);
        }
        let by = scale(mix(key.wrapping_add(ROUNDS)), shape.values);
        let until_end = shape.values.wrapping_sub(by);
        x = if x >= until_end { x - until_end } else { x.wrapping_add(by) };
    }
    x
}

#[inline(always)]
fn feistel(key: u64, shape: &Shape, rows: u64, x: u64) -> u64 {
    let (mut left, mut right) = (x >> shape.split, x & rows);
    for round in (0..ROUNDS).step_by(2) {
        let bits = random_of(key.wrapping_add(round), right) >> 32;
        left += (bits * shape.left) >> 32;
        if left >= shape.left {
            left -= shape.left;
        }
        right ^= random_of(key.wrapping_add(round + 1), left) & rows;
    }
    left << shape.split | right
}

/// The round function: a random function of a half for each key. Halves have at most 32 bits and
/// keys of one value are a few apart, so no two rounds ever mix the same number.
#[inline(always)]
fn random_of(key: u64, half: u64) -> u64 {
    mix(key.wrapping_add(half.wrapping_mul(GOLDEN_GAMMA)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(key: u64, values: u64, turn: u64) -> u64 {
        value(key, &Shape::new(values), turn)
    }

    /// Whether the first `cycles` cycles have every value once each.
    fn is_bijection(key: u64, values: u64, cycles: u64) -> bool {
        let shape = Shape::new(values);
        (0..cycles).all(|cycle| {
            let mut seen = vec![false; values as usize];
            (0..values).all(|place| {
                let value = value(key, &shape, cycle * values + place) as usize;
                value < seen.len() && !std::mem::replace(&mut seen[value], true)
            })
        })
    }

    #[test]
    fn every_small_range_is_permuted() {
        for values in 1..=3000 {
            assert!(is_bijection(values ^ 0x5555, values, 3), "{values}");
        }
    }

    #[test]
    fn ranges_around_powers_of_two_are_permuted() {
        for bit in 12..=20u32 {
            for values in [(1 << bit) - 1, 1 << bit, (1 << bit) + 1] {
                assert!(is_bijection(u64::from(bit), values, 1), "{values}");
            }
        }
        assert!(is_bijection(9, 1_000_003, 1), "a prime");
    }

    proptest! {
        #[test]
        fn any_range_is_permuted(key: u64, values in 1u64..20_000) {
            prop_assert!(is_bijection(key, values, 2));
        }

        /// Of ranges too large to be walked: neighbours and values far away differ and stay inside.
        #[test]
        fn large_ranges_stay_inside_and_do_not_repeat(
            key: u64, values in prop_oneof![Just(0u64), 1 << 20..=u64::MAX], turns: [u64; 8]
        ) {
            let inside = |turn: u64| if values == 0 { turn } else { turn % values };
            let mut places: Vec<u64> =
                turns.iter().flat_map(|t| [inside(*t), inside(t.wrapping_add(1))]).collect();
            places.sort_unstable();
            places.dedup();
            let mut found: Vec<u64> = places.iter().map(|p| of(key, values, *p)).collect();
            prop_assert!(values == 0 || found.iter().all(|value| *value < values));
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), places.len());
        }
    }

    /// Pearson's statistic of `counts`, all equally likely, against 6 standard deviations above its
    /// expectation.
    fn is_uniform(counts: &[u64]) -> bool {
        let freedom = (counts.len() - 1) as f64;
        let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        let chi2: f64 = counts.iter().map(|n| (*n as f64 - mean).powi(2) / mean).sum();
        chi2 < freedom + 6.0 * (2.0 * freedom).sqrt() + 12.0
    }

    #[test]
    fn all_orders_of_a_few_values_are_equally_likely() {
        for values in [2u64, 3, 4, 5] {
            let mut counts = std::collections::BTreeMap::new();
            for cycle in 0..200_000 {
                let order: Vec<u64> =
                    (0..values).map(|place| of(3, values, cycle * values + place)).collect();
                *counts.entry(order).or_insert(0u64) += 1;
            }
            let orders: u64 = (1..=values).product();
            assert_eq!(counts.len() as u64, orders);
            assert!(is_uniform(&counts.into_values().collect::<Vec<_>>()), "{values}");
        }
    }

    /// Where a pair of neighbours goes, over the cycles: every pair of places is as likely.
    #[test]
    fn pairs_go_anywhere() {
        for values in [7u64, 33, 64, 65, 100] {
            let n = values as usize;
            let mut counts = vec![0u64; n * n];
            for cycle in 0..(n * n * 100) as u64 {
                let at = |place| of(11, values, cycle * values + place) as usize;
                counts[at(values / 2) * n + at(values / 2 + 1)] += 1;
            }
            let pairs: Vec<u64> =
                (0..n * n).filter(|p| p / n != p % n).map(|p| counts[p]).collect();
            assert!(is_uniform(&pairs), "{values}");
        }
    }

    /// Within one cycle, blocks of neighbours are spread over the whole range.
    #[test]
    fn blocks_are_spread() {
        for values in [10_007u64, 65_536, 100_000, 1_048_577] {
            let (blocks, bins) = (16, 16);
            let mut counts = vec![0u64; blocks * bins];
            for place in 0..values {
                let bin = (of(5, values, place) * bins as u64 / values) as usize;
                let block = (place * blocks as u64 / values) as usize;
                counts[block * bins + bin] += 1;
            }
            assert!(is_uniform(&counts), "{values}: {counts:?}");
        }
    }
}
