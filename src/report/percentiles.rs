//! From a distribution to the percentiles that the result holds.

use super::histogram;
use super::model::Percentiles;
use crate::measure::distribution::Distribution;

/// The percentiles of `distribution`, or None when nothing was recorded: a value that was not
/// measured is null and never 0.
pub fn percentiles(distribution: &Distribution) -> Option<Percentiles> {
    Some(Percentiles {
        count: distribution.count(),
        min: distribution.min()?,
        mean: distribution.mean()?,
        p50: distribution.percentile(500_000)?,
        p90: distribution.percentile(900_000)?,
        p95: distribution.percentile(950_000),
        p99: distribution.percentile(990_000)?,
        p99_9: distribution.percentile(999_000)?,
        p99_99: distribution.percentile(999_900)?,
        max: distribution.max()?,
        histogram: histogram::encode(distribution),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_is_none() {
        assert_eq!(percentiles(&Distribution::default()), None);
    }

    #[test]
    fn ten_thousand_values_give_their_percentiles_within_one_percent() {
        let mut distribution = Distribution::default();
        for value in 1..=10_000_u64 {
            distribution.record(value * 1_000);
        }
        let p = percentiles(&distribution).expect("values were recorded");
        assert_eq!((p.count, p.min, p.max), (10_000, 1_000, 10_000_000));
        assert!((p.mean - 5_000_500.0).abs() < 1e-6);
        let pairs = [
            (p.p50, 5_000_000.0),
            (p.p90, 9_000_000.0),
            (p.p99, 9_900_000.0),
            (p.p99_9, 9_990_000.0),
            (p.p99_99, 9_999_000.0),
        ];
        for (got, want) in pairs {
            assert!((got as f64 - want).abs() <= want * 0.01, "{got} is not within 1 % of {want}");
        }
    }
}
