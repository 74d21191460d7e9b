//! Random values of any distribution: shares of a table, drawn with their weights by the alias
//! method (Walker 1977; built as by Vose 1991). All in integers, so that the eBPF engine, which
//! draws from the same table (`bpf/tx_values.h`), agrees to the bit.
//!
//! A share is a value, or a range of values that are equally likely. A share takes four numbers of
//! the stream's lists: threshold, the other share, its first value, how many values it has.

use super::random::{GOLDEN_GAMMA, bits, mix, scale};

/// Numbers of a share in the lists.
pub const WORDS: usize = 4;

/// A range of values that are equally likely, and how often they come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first value.
    pub low: u64,
    /// How many; 0: 2^64.
    pub values: u64,
    /// How often, of the sum of all weights.
    pub weight: u64,
}

/// The table of shares whose weights add up to at least 1 and at most 2^63. What it draws is off by
/// less than 2^-63 per share.
pub fn table(shares: &[Share]) -> Vec<u64> {
    let total: u128 = shares.iter().map(|share| u128::from(share.weight)).sum();
    let count = shares.len() as u128;
    // Each column holds a mean share: those below it are filled up by those above it.
    let mut rest: Vec<u128> = shares.iter().map(|share| u128::from(share.weight) * count).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..shares.len()).partition(|&n| rest[n] < total);
    let mut columns: Vec<(u64, u64)> = (0..shares.len() as u64).map(|n| (u64::MAX, n)).collect();
    while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
        let threshold = (rest[low] << 64) / total.max(1);
        columns[low] = (threshold as u64, high as u64);
        rest[high] -= total - rest[low];
        if rest[high] < total {
            large.pop();
            small.push(high);
        }
    }
    let rows = columns.iter().zip(shares);
    rows.flat_map(|((threshold, other), share)| [*threshold, *other, share.low, share.values])
        .collect()
}

/// A value drawn for turn `turn` from the table of `count` shares at the start of `table`.
#[inline(always)]
pub fn draw(table: &[u64], count: u64, key: u64, turn: u64) -> u64 {
    let bits = bits(key, turn);
    let product = u128::from(bits) * u128::from(count);
    let (mut share, fraction) = ((product >> 64) as usize, product as u64);
    if fraction >= table[share * WORDS] {
        share = table[share * WORDS + 1] as usize;
    }
    let [low, values] = [table[share * WORDS + 2], table[share * WORDS + 3]];
    if values == 1 {
        return low;
    }
    // Which share it is says nothing about the mixed bits.
    low.wrapping_add(scale(mix(bits.wrapping_add(GOLDEN_GAMMA)), values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What each share gets of 2^64 columns, by the table alone.
    fn drawn(table: &[u64], count: usize) -> Vec<f64> {
        let mut parts = vec![0.0; count];
        for (n, row) in table.chunks(WORDS).enumerate() {
            let own = row[0] as f64 / 2f64.powi(64);
            parts[n] += own / count as f64;
            parts[row[1] as usize] += (1.0 - own) / count as f64;
        }
        parts
    }

    proptest! {
        #[test]
        fn the_table_holds_the_weights(
            weights in prop::collection::vec(prop_oneof![0u64..20, 0u64..1 << 50], 1..60)
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let shares: Vec<Share> =
                weights.iter().map(|&weight| Share { low: 0, values: 1, weight }).collect();
            let total = weights.iter().sum::<u64>() as f64;
            for (part, weight) in drawn(&table(&shares), weights.len()).iter().zip(&weights) {
                let wanted = *weight as f64 / total;
                prop_assert!((part - wanted).abs() < 1e-12, "{part} instead of {wanted}");
            }
        }

        #[test]
        fn what_is_drawn_lies_in_a_share(
            shares in prop::collection::vec((0u64..1 << 40, 1u64..1000, 0u64..5), 1..9), key: u64
        ) {
            prop_assume!(shares.iter().any(|(_, _, weight)| *weight > 0));
            let shares: Vec<Share> = shares
                .iter()
                .map(|&(low, values, weight)| Share { low, values, weight })
                .collect();
            let table = table(&shares);
            for turn in 0..200 {
                let value = draw(&table, shares.len() as u64, key, turn);
                let holds = |share: &Share| {
                    share.weight > 0 && (share.low..share.low + share.values).contains(&value)
                };
                prop_assert!(shares.iter().any(holds));
            }
        }
    }
}
