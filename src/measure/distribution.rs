//! A distribution of times: an HdrHistogram with exact count, minimum, maximum and mean beside it.

use std::borrow::Cow;

use hdrhistogram::Histogram;

use super::glance::Moments;

/// Significant decimal digits of a histogram.
const DIGITS: u8 = 3;
/// A histogram of [`DIGITS`] tells values apart that differ in their first so many bits.
const VALUE_BITS: u32 = 11;

/// Times in nanoseconds. Percentiles are within 1 % of the value; the rest is exact.
#[derive(Clone, Debug)]
pub struct Distribution {
    values: Values,
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
}

/// How often each value occurred.
#[derive(Clone, Debug)]
enum Values {
    /// Of a time at a time. Some hundred kilobytes, for a count in constant time.
    Recorded(Box<Histogram<u64>>),
    /// Of what was counted elsewhere, each value as the histogram would round it, ascending: there
    /// may be tens of thousands of these.
    Joined(Box<[(u64, u64)]>),
}

impl Default for Distribution {
    fn default() -> Self {
        Self { values: Values::Joined([].into()), count: 0, min: u64::MAX, max: 0, sum: 0 }
    }
}

impl Distribution {
    /// Adds one time.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        count_in(self.recorded(), nanos, 1);
        self.count += 1;
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.sum += u128::from(nanos);
    }

    #[inline]
    fn recorded(&mut self) -> &mut Histogram<u64> {
        if let Values::Joined(_) = self.values {
            self.values = Values::Recorded(Box::new(self.histogram().into_owned()));
        }
        match &mut self.values {
            Values::Recorded(histogram) => histogram,
            Values::Joined(_) => unreachable!("it has just been turned into a histogram"),
        }
    }

    /// Joins a distribution from buckets (value, count) of at most 1 % width, in ascending order, and
    /// the exact minimum, maximum and sum that were kept beside them.
    pub fn from_buckets(
        buckets: impl IntoIterator<Item = (u64, u64)>,
        min: u64,
        max: u64,
        sum: u128,
    ) -> Self {
        let mut values: Vec<(u64, u64)> = Vec::new();
        let mut all = 0;
        for (value, count) in buckets {
            let value = rounded(value.clamp(min.min(max), max));
            all += count;
            match values.last_mut() {
                Some((last, so_far)) if *last == value => *so_far += count,
                _ => values.push((value, count)),
            }
        }
        Self { values: Values::Joined(values.into()), count: all, min, max, sum }
    }

    /// Adds another distribution to this one.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.values, &other.values) {
            (Values::Joined(own), Values::Joined(others)) => *own = merged(own, others),
            _ => {
                let histogram = self.recorded();
                other.each(|value, count| {
                    count_in(histogram, value, count);
                    true
                });
            }
        }
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }

    /// Calls `with` for each value and its count, ascending, until it returns false.
    fn each(&self, mut with: impl FnMut(u64, u64) -> bool) {
        match &self.values {
            Values::Recorded(histogram) => {
                let _ = histogram.iter_recorded().all(|step| {
                    let value = histogram.median_equivalent(step.value_iterated_to());
                    with(value, step.count_at_value())
                });
            }
            Values::Joined(values) => {
                let _ = values.iter().all(|&(value, count)| with(value, count));
            }
        }
    }

    /// Number of times.
    pub fn count(&self) -> u64 {
        self.count
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
        let (mut below, mut reached) = (0u128, max);
        self.each(|value, count| {
            below += u128::from(count);
            let found = below > u128::from(rank);
            if found {
                reached = value;
            }
            !found
        });
        Some(reached.clamp(min, max))
    }

    /// Count, sum, minimum and maximum, exact.
    pub fn moments(&self) -> Moments {
        Moments { count: self.count(), sum: self.sum, min: self.min, max: self.max }
    }

    /// The histogram, for logs and spectra.
    pub fn histogram(&self) -> Cow<'_, Histogram<u64>> {
        match &self.values {
            Values::Recorded(histogram) => Cow::Borrowed(histogram),
            Values::Joined(values) => {
                let mut histogram =
                    Histogram::new(DIGITS).expect("so many significant digits are allowed");
                values.iter().for_each(|&(value, count)| count_in(&mut histogram, value, count));
                Cow::Owned(histogram)
            }
        }
    }
}

/// The middle of the values that a histogram does not tell apart from this one
/// (`Histogram::median_equivalent`).
fn rounded(value: u64) -> u64 {
    let bits = u64::BITS - value.leading_zeros();
    match bits.checked_sub(VALUE_BITS) {
        None | Some(0) => value,
        Some(shift) => (value >> shift << shift) + (1 << (shift - 1)),
    }
}

/// Both lists of values with their counts as one.
fn merged(one: &[(u64, u64)], two: &[(u64, u64)]) -> Box<[(u64, u64)]> {
    let mut all: Vec<(u64, u64)> = one.iter().chain(two).copied().collect();
    all.sort_unstable_by_key(|(value, _)| *value);
    all.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    all.into()
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
    fn values_are_rounded_as_the_histogram_does() {
        let mut histogram = Histogram::<u64>::new(DIGITS).expect("allowed");
        let values = (0..5_000).chain((0..60).flat_map(|bit| [(1 << bit) - 1, 1 << bit, 3 << bit]));
        for value in values {
            count_in(&mut histogram, value, 1);
            assert_eq!(rounded(value), histogram.median_equivalent(value), "{value}");
        }
    }

    #[test]
    fn what_was_joined_takes_no_more_memory_than_its_values() {
        let times = [(1_000, 3), (1_000_000, 2), (1_000_000_000, 1)];
        let joined = Distribution::from_buckets(times, 1_000, 1_000_000_000, 1_002_003_000);
        let Values::Joined(values) = &joined.values else { panic!("{joined:?}") };
        assert_eq!(values.len(), 3);
        let mut twice = joined.clone();
        twice.merge(&joined);
        let Values::Joined(values) = &twice.values else { panic!("{twice:?}") };
        assert_eq!(values.iter().map(|(_, count)| count).sum::<u64>(), 12);
        twice.record(5);
        assert_eq!((twice.count(), twice.at_rank(0), twice.min()), (13, Some(5), Some(5)));
        assert_eq!(twice.histogram().len(), 13);
    }

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
