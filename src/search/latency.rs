//! What RFC 2544 §26.2 and RFC 8219 §7 report of latencies, and RFC 1242's two definitions.

use serde::{Deserialize, Serialize};

use crate::measure::distribution::Distribution;
use crate::units::{FrameSize, Nanos};

/// The ceil(p·n)-th smallest value (RFC 2330 §11.3), p in parts per million: 999_000 is P99.9.
/// The first for p = 0; none of no values. `sorted` rises.
pub fn percentile<T: Copy>(sorted: &[T], parts_per_million: u32) -> Option<T> {
    let scaled = sorted.len() as u128 * u128::from(parts_per_million.min(1_000_000));
    let rank = scaled.div_ceil(1_000_000).max(1) as usize;
    sorted.get(rank - 1).copied()
}

/// The median (RFC 2330 §11.3): of an even number of values the mean of the two in the middle.
/// `sorted` rises.
fn median<T: Copy + Into<i128>>(sorted: &[T]) -> Option<f64> {
    let above = *sorted.get(sorted.len() / 2)?;
    let below = sorted[(sorted.len() - 1) / 2];
    Some((below.into() + above.into()) as f64 / 2.0)
}

/// One latency run of RFC 8219 §7.2: the frames tagged in it, at least 500, sent after 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaggedLatency {
    /// Typical latency: the median. Nanoseconds.
    pub typical: f64,
    /// Worst-case latency: P99.9. Of 500 frames that is the largest.
    pub worst_case: Nanos,
}

impl TaggedLatency {
    /// From the latencies of the tagged frames that arrived; none when none did.
    pub fn new(latencies: &[Nanos]) -> Option<Self> {
        let mut sorted: Vec<u64> = latencies.iter().map(|latency| latency.0).collect();
        sorted.sort_unstable();
        Some(Self { typical: median(&sorted)?, worst_case: Nanos(percentile(&sorted, 999_000)?) })
    }
}

/// A value over the repeats of a test, 20 at least: the mean as RFC 2544 §26.2 reports it, the
/// median with P1 and P99 as RFC 8219 does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverRepeats {
    /// Repeats.
    pub repeats: usize,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// 1st percentile.
    pub p1: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl OverRepeats {
    /// From one value a repeat; none when there is none.
    pub fn new(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let above = *sorted.get(middle)?;
        let below = sorted[(sorted.len() - 1) / 2];
        Some(Self {
            repeats: sorted.len(),
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            median: below.midpoint(above),
            p1: percentile(&sorted, 10_000)?,
            p99: percentile(&sorted, 990_000)?,
        })
    }
}

/// Packet delay variation of RFC 8219 §7.3.1: P99.9 − Dmin over all frames of 60 s or more. P99.9 is
/// within the distribution's 1 %.
pub fn packet_delay_variation(delays: &Distribution) -> Option<Nanos> {
    Some(Nanos(delays.percentile(999_000)?.saturating_sub(delays.min()?)))
}

/// Store-and-forward latency of RFC 1242 §3.8, last bit in to first bit out, from the time between
/// the first bit sent and the last bit received. Nanoseconds; below 0 when the device began to
/// forward before it had the whole frame. Rates in bit/s, above 0.
pub fn store_and_forward(
    first_to_last: Nanos,
    size: FrameSize,
    rate_in: u64,
    rate_out: u64,
) -> f64 {
    bit_forwarding(first_to_last, size, rate_out) - serialisation(size, rate_in)
}

/// Bit-forwarding (cut-through) latency of RFC 1242 §3.8, first bit in to first bit out, from the
/// time between the first bit sent and the last bit received. Nanoseconds. Rate in bit/s, above 0.
pub fn bit_forwarding(first_to_last: Nanos, size: FrameSize, rate_out: u64) -> f64 {
    first_to_last.0 as f64 - serialisation(size, rate_out)
}

/// The nanoseconds that a frame takes on a link, preamble and gap left out: 8·F/R.
fn serialisation(size: FrameSize, bits_per_second: u64) -> f64 {
    f64::from(size.0) * 8e9 / bits_per_second as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 70_000), Some(7), "not the 8th");
        assert_eq!(percentile(&hundred, 0), Some(1));
        assert_eq!(percentile(&hundred, 1_000_000), Some(100));
        assert_eq!(percentile::<u64>(&[], 500_000), None);
        // RFC 2330 §11.3: the EDF of 5 values.
        let sorted = [-2, 4, 7, 7, 18];
        assert_eq!(percentile(&sorted, 500_000), Some(7));
        assert_eq!(percentile(&sorted, 250_000), Some(4));
    }

    #[test]
    fn of_five_hundred_tags_the_worst_case_is_the_maximum() {
        let tags: Vec<Nanos> = (1..=500).rev().map(Nanos).collect();
        let run = TaggedLatency::new(&tags).expect("500 tags");
        assert_eq!(run, TaggedLatency { typical: 250.5, worst_case: Nanos(500) });
        let more: Vec<Nanos> = (1..=2_000).map(Nanos).collect();
        assert_eq!(TaggedLatency::new(&more).expect("2000 tags").worst_case, Nanos(1_998));
        assert_eq!(TaggedLatency::new(&[]), None);
    }

    #[test]
    fn repeats_give_mean_median_and_spread() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let over = OverRepeats::new(&values).expect("20 repeats");
        assert_eq!((over.mean, over.median, over.p1, over.p99), (10.5, 10.5, 1.0, 20.0));
        assert_eq!(OverRepeats::new(&[]), None);
    }

    #[test]
    fn delay_variation_starts_at_the_smallest_delay() {
        let mut delays = Distribution::default();
        (0..1_000).for_each(|n| delays.record(10_000 + n));
        let variation = packet_delay_variation(&delays).expect("delays").0;
        assert!(variation.abs_diff(998) <= 110, "{variation}");
        assert_eq!(packet_delay_variation(&Distribution::default()), None);
    }

    #[test]
    fn the_definitions_of_rfc_1242_differ_by_one_serialisation() {
        let (size, rate) = (FrameSize(64), 10_000_000_000);
        let measured = Nanos(1_000);
        assert!((bit_forwarding(measured, size, rate) - 948.8).abs() < 1e-9);
        assert!((store_and_forward(measured, size, rate, rate) - 897.6).abs() < 1e-9);
        let slower_in = store_and_forward(measured, size, rate / 10, rate);
        assert!((slower_in - 436.8).abs() < 1e-9);
    }
}
