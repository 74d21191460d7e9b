//! A distribution of times: an HdrHistogram with exact count, minimum, maximum and mean beside it.

use hdrhistogram::Histogram;

use super::glance::Moments;

/// Times in nanoseconds. Percentiles are within 1 % of the value; the rest is exact.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    min: u64,
    max: u64,
    sum: u128,
}

impl Default for Distribution {
    fn default() -> Self {
        let histogram = Histogram::new(3).expect("three significant digits are allowed");
        Self { histogram, min: u64::MAX, max: 0, sum: 0 }
    }
}

impl Distribution {
    /// Adds one time.
    pub fn record(&mut self, nanos: u64) {
        count_in(&mut self.histogram, nanos, 1);
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.sum += u128::from(nanos);
    }

    /// Joins a distribution from buckets (value, count) of at most 1 % width and the exact minimum,
    /// maximum and sum that were kept beside them.
    pub fn from_buckets(
        buckets: impl IntoIterator<Item = (u64, u64)>,
        min: u64,
        max: u64,
        sum: u128,
    ) -> Self {
        let mut histogram = Histogram::new(3).expect("three significant digits are allowed");
        for (value, count) in buckets {
            count_in(&mut histogram, value.clamp(min.min(max), max), count);
        }
        Self { histogram, min, max, sum }
    }

    /// Adds another distribution to this one.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both resize themselves");
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }

    /// Number of times.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Smallest, exact. None when nothing was recorded.
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min)
    }

    /// Largest, exact.
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max)
    }

    /// Mean, exact.
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum as f64 / self.count() as f64)
    }

    /// The ceil(p·n)-th smallest (RFC 2330 §11.3), p in parts per million: 990_000 is p99. The
    /// rank is computed in whole numbers: 7 % of 100 is the 7th, which floating point makes the 8th.
    pub fn percentile(&self, parts_per_million: u32) -> Option<u64> {
        let scaled = u128::from(self.count()) * u128::from(parts_per_million.min(1_000_000));
        let rank = scaled.div_ceil(1_000_000).max(1);
        self.at_rank(u64::try_from(rank - 1).unwrap_or(u64::MAX))
    }

    /// The value of a rank, the smallest is 0; the largest for ranks that there are not.
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        let (min, max) = (self.min()?, self.max()?);
        let mut below = 0u128;
        let reached = self.histogram.iter_recorded().find_map(|step| {
            below += u128::from(step.count_at_value());
            (below > u128::from(rank))
                .then(|| self.histogram.median_equivalent(step.value_iterated_to()))
        });
        Some(reached.unwrap_or(max).clamp(min, max))
    }

    /// Count, sum, minimum and maximum, exact.
    pub fn moments(&self) -> Moments {
        Moments { count: self.count(), sum: self.sum, min: self.min, max: self.max }
    }

    /// The histogram, for logs and spectra.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

/// Counts a value, and widens the histogram where it must: `saturating_record` alone never widens,
/// and would put every time above some microseconds into one bucket.
fn count_in(histogram: &mut Histogram<u64>, value: u64, count: u64) {
    if histogram.record_n(value, count).is_err() {
        // Only where the address space is too small for the widened histogram.
        histogram.saturating_record_n(value, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_times_far_apart_are_within_one_percent() {
        let times: Vec<u64> = (1..=10_000).map(|n| n * 1_000).collect();
        let mut recorded = Distribution::default();
        times.iter().for_each(|time| recorded.record(*time));
        let sum = times.iter().map(|time| u128::from(*time)).sum();
        let joined =
            Distribution::from_buckets(times.iter().map(|time| (*time, 1)), 1_000, 10_000_000, sum);
        let mut merged = Distribution::default();
        merged.merge(&recorded);
        for distribution in [recorded, joined, merged] {
            for (share, want) in [(500_000, 5_000_000_u64), (990_000, 9_900_000)] {
                let got = distribution.percentile(share).expect("times were recorded");
                assert!(got.abs_diff(want) <= want / 100, "{got} for {want}");
            }
        }
    }
}
