//! Zipf's and the normal distribution as shares: one for each value where there are few, else bins
//! so narrow that the values of one are as good as equally likely. The functions are libm's, so
//! that a seed gives the same packets on every machine.

use crate::packet::shares::Share;

/// Up to so many values each has a share of its own.
const MAX_EXACT: u64 = 1 << 16;
/// Shares of more values than that.
const BINS: u64 = 1 << 14;
/// Of those, the shares of Zipf's first values, each its own.
const FIRST: u64 = BINS / 2;
/// Standard deviations beyond which the normal distribution is not drawn: less than one packet in
/// 10^16 would be.
const REACH: f64 = 8.3;
/// The bell's height in the middle stands for all of a bin that is as narrow, off by less than 10^-6
/// of it within [`REACH`].
const NARROW: f64 = 1e-4;
/// What the weights add up to.
const TOTAL: f64 = (1u64 << 62) as f64;

/// Values 0 to `range`, value k in proportion to `(k + 1)^-exponent`.
pub(super) fn zipf(range: u64, exponent: f64) -> Vec<Share> {
    if range < MAX_EXACT {
        let bins = (0..=range).map(|k| (k, k));
        return shares(bins, |low, _| libm::pow(low as f64 + 1.0, -exponent));
    }
    // Bins of the same ratio: of rank r to r * ratio.
    let (first, last) = (FIRST as f64, range as f64 + 1.0);
    let ratio = libm::log(last / first) / (BINS - FIRST) as f64;
    let edge = |n: u64| if n >= BINS - FIRST { last } else { first * libm::exp(ratio * n as f64) };
    let mut next = FIRST;
    let tail = (1..=BINS - FIRST).filter_map(|n| {
        // The last rank of the bin, less one: of the last bin all that is left.
        let end = if n == BINS - FIRST { range } else { edge(n) as u64 - 1 };
        (end >= next).then(|| (std::mem::replace(&mut next, end.saturating_add(1)), end))
    });
    let bins = (0..FIRST).map(|k| (k, k)).chain(tail);
    shares(bins, |low, high| {
        if low == high {
            return libm::pow(low as f64 + 1.0, -exponent);
        }
        // The sum as an integral between the middles, off by less than 1e-8 of it so far out.
        power_integral(low as f64 + 0.5, high as f64 + 1.5, exponent)
    })
}

/// The integral of `x^-exponent` from `from` to `to`, exact for an exponent of 1 and near it.
fn power_integral(from: f64, to: f64, exponent: f64) -> f64 {
    let (rest, log) = (1.0 - exponent, libm::log(to / from));
    let factor = if rest == 0.0 { log } else { libm::expm1(rest * log) / rest };
    libm::pow(from, rest) * factor
}

/// Values 0 to `range`, each with the probability that a normal variable rounds to it.
pub(super) fn normal(range: u64, mean: f64, deviation: f64) -> Vec<Share> {
    // Distances from the mean are exact where the mean itself has more digits than a float.
    let middle = (mean as u64).min(range);
    let reach = (deviation * REACH) as u64 + 2;
    let (low, high) = (middle.saturating_sub(reach), middle.saturating_add(reach).min(range));
    let values = high - low;
    let width = if values < MAX_EXACT { 1 } else { values / BINS + 1 };
    let bins = (0..=values / width).map(|n| {
        let first = low + n * width;
        (first, first.saturating_add(width - 1).min(high))
    });
    let standard = |value: u64, edge: f64| {
        let distance = (i128::from(value) - i128::from(middle)) as f64;
        (distance + edge - (mean - middle as f64)) / (deviation * std::f64::consts::SQRT_2)
    };
    shares(bins, |low, high| {
        let (from, to) = (standard(low, -0.5), standard(high, 0.5));
        if to - from < NARROW {
            // The narrower, the more of the difference of two numbers near 1 is rounding.
            let middle = f64::midpoint(from, to);
            return (to - from) * libm::exp(-middle * middle) * std::f64::consts::FRAC_2_SQRT_PI;
        }
        // On the side where the tails are small numbers, so that nothing cancels out.
        if from > 0.0 {
            libm::erfc(from) - libm::erfc(to)
        } else {
            libm::erfc(-to) - libm::erfc(-from)
        }
    })
}

/// Bins, first and last value, with weights that add up to [`TOTAL`]; those that are as good as
/// never drawn are left out.
fn shares(bins: impl Iterator<Item = (u64, u64)>, weight: impl Fn(u64, u64) -> f64) -> Vec<Share> {
    let bins: Vec<(u64, u64, f64)> =
        bins.map(|(low, high)| (low, high, weight(low, high).max(0.0))).collect();
    let sum: f64 = bins.iter().map(|(.., weight)| weight).sum();
    let shares = bins.iter().map(|(low, high, weight)| Share {
        low: *low,
        values: (high - low).wrapping_add(1),
        weight: (weight / sum * TOTAL) as u64,
    });
    shares.filter(|share| share.weight > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Shares follow each other from the first value to the last.
    fn is_without_gaps(shares: &[Share]) -> bool {
        shares.windows(2).all(|two| two[0].low + two[0].values == two[1].low)
    }

    proptest! {
        #[test]
        fn zipf_covers_its_range(
            range in prop_oneof![1u64..70_000, 1 << 17..1u64 << 40], exponent in 0.01f64..3.0,
        ) {
            let shares = zipf(range, exponent);
            prop_assert!(shares.len() as u64 <= MAX_EXACT);
            prop_assert_eq!(shares.first().map(|share| share.low), Some(0));
            prop_assert!(is_without_gaps(&shares));
            let last = shares.last().unwrap();
            prop_assert!(last.low.wrapping_add(last.values.wrapping_sub(1)) <= range);
            if exponent < 1.0 {
                prop_assert_eq!(last.low.wrapping_add(last.values.wrapping_sub(1)), range);
            }
        }

        #[test]
        fn normal_stays_in_its_range(
            range in prop_oneof![1u64..70_000, 1 << 17..1u64 << 40, Just(u64::MAX)],
            place in 0.0f64..=1.0, deviation in prop_oneof![0.001f64..10.0, 10.0..1e12],
        ) {
            let shares = normal(range, range as f64 * place, deviation);
            prop_assert!(!shares.is_empty() && shares.len() as u64 <= MAX_EXACT);
            prop_assert!(is_without_gaps(&shares));
            let last = shares.last().unwrap();
            prop_assert!(last.low.checked_add(last.values - 1).unwrap() <= range);
        }
    }

    /// Far wider than the range: all values are as good as equally likely.
    #[test]
    fn a_wide_normal_distribution_is_flat() {
        for deviation in [1e6, 1e12, 1e15, 7.3e16, 1e18] {
            let shares = normal(8, 4.0, deviation);
            assert_eq!(shares.len(), 9, "{deviation}");
            for share in &shares {
                let ratio = share.weight as f64 * 9.0 / TOTAL;
                assert!((ratio - 1.0).abs() < 1e-9, "{deviation}: {share:?}");
            }
        }
    }

    /// Narrow and wide bins meet without a step.
    #[test]
    fn narrow_bins_weigh_what_wide_ones_do() {
        let narrow = normal(60_000, 30_000.0, 7_000.0);
        let wide = normal(60_000, 30_000.0, 7_200.0);
        let of = |shares: &[Share], value: u64| {
            shares.iter().find(|share| share.low == value).expect("it is there").weight as f64
        };
        let density = |value: f64, deviation: f64| {
            let distance = (value - 30_000.0) / deviation;
            libm::exp(-distance * distance / 2.0) / deviation
        };
        for value in [3_000u64, 15_000, 29_999, 30_000, 44_000, 59_000] {
            let found = of(&narrow, value) / of(&wide, value);
            let wanted = density(value as f64, 7_000.0) / density(value as f64, 7_200.0);
            // The tails that are cut off beyond the range differ.
            assert!((found / wanted - 1.0).abs() < 1e-4, "{value}: {found} {wanted}");
        }
    }

    /// The largest range: its first values come too rarely to be drawn, if nearly all are alike.
    #[test]
    fn zipf_of_all_numbers() {
        for exponent in [0.01, 0.5, 1.0, 2.0] {
            let shares = zipf(u64::MAX, exponent);
            assert!(is_without_gaps(&shares) && shares.len() as u64 <= BINS);
            assert!(shares[0].low <= FIRST);
        }
    }

    /// The bins of a wide range weigh what the sums of their values weigh.
    #[test]
    fn zipf_bins_weigh_their_sums() {
        for exponent in [0.5, 1.0, 1.2, 2.0] {
            let shares = zipf(199_999, exponent);
            let sum = |low: u64, values: u64| -> f64 {
                (low + 1..=low + values).map(|rank| (rank as f64).powf(-exponent)).sum()
            };
            let all = sum(0, 200_000);
            for share in shares.iter().step_by(97).chain(shares.last()) {
                let (wanted, found) =
                    (sum(share.low, share.values) / all, share.weight as f64 / TOTAL);
                assert!((found / wanted - 1.0).abs() < 1e-7, "{share:?} should weigh {wanted}");
            }
        }
    }
}
