//! Whole distributions inside the result: the standard text of an HdrHistogram, and what charts
//! draw of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use super::model::Percentiles;
use crate::measure::distribution::Distribution;

/// Points of a spectrum between 1 − p and half of it.
const TICKS_PER_HALF_DISTANCE: u32 = 8;

/// Steps of a density in an octave: the buckets of the receiving program are no narrower.
const STEPS_PER_OCTAVE: f64 = 16.0;

/// No text of a histogram is longer; one of wirestorm's has some thousand characters.
const MAX_TEXT: usize = 1 << 20;

/// The distribution as text: HdrHistogram V2, deflated, in base64. None where it holds nothing.
pub fn encode(distribution: &Distribution) -> Option<String> {
    if distribution.count() == 0 {
        return None;
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&distribution.histogram(), &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

/// The histogram of a result's percentiles. None where there is none, or where the text is not one.
pub fn decode(percentiles: &Percentiles) -> Option<Histogram<u64>> {
    let text = percentiles.histogram.as_deref().filter(|text| text.len() <= MAX_TEXT)?;
    let bytes = STANDARD.decode(text).ok()?;
    let mut histogram: Histogram<u64> =
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
    // Another one with larger values may be added to it.
    histogram.auto(true);
    (!histogram.is_empty()).then_some(histogram)
}

/// The percentile spectrum: 1/(1 − p), and the value in nanoseconds that the share p of all does not
/// exceed. It ends with the largest value, at the number of values: of n, no p is nearer to 1 than
/// 1 − 1/n.
pub fn spectrum(histogram: &Histogram<u64>, largest: u64) -> Vec<(f64, f64)> {
    let total = histogram.len() as f64;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        let quantile = step.quantile_iterated_to();
        let one_in = if quantile < 1.0 { 1.0 / (1.0 - quantile) } else { total };
        if one_in > total {
            continue;
        }
        // The upper end of the last bucket may lie above the largest value.
        let value = step.value_iterated_to().min(largest) as f64;
        if points.last().is_none_or(|(at, _)| one_in > *at) {
            points.push((one_in, value));
        }
    }
    match points.last_mut() {
        Some(last) if last.0 >= total => last.1 = largest as f64,
        _ => points.push((total, largest as f64)),
    }
    points
}

/// Shares of all values by value, in steps of a sixteenth of an octave: (lower end in nanoseconds,
/// share). Every step between the first and the last is there, also an empty one; behind the last
/// stands its upper end with a share of 0.
pub fn density(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let step_of = |value: u64| (value.max(1) as f64).log2().mul_add(STEPS_PER_OCTAVE, 0.0).floor();
    let end = |step: f64| (step / STEPS_PER_OCTAVE).exp2();
    let total = histogram.len() as f64;
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut at = None;
    for bucket in histogram.iter_recorded() {
        let step = step_of(histogram.median_equivalent(bucket.value_iterated_to()));
        let share = bucket.count_at_value() as f64 / total;
        match at {
            Some(last) if last == step => {
                if let Some(point) = points.last_mut() {
                    point.1 += share;
                }
            }
            last => {
                let mut next = last.map_or(step, |last| last + 1.0);
                while next < step {
                    points.push((end(next), 0.0));
                    next += 1.0;
                }
                points.push((end(step), share));
            }
        }
        at = Some(step);
    }
    points.extend(at.map(|last| (end(last + 1.0), 0.0)));
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::percentiles;

    fn recorded(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.record(value));
        distribution
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let distribution = recorded((1..=10_000).map(|n| n * n));
        let values = percentiles(&distribution).expect("values were recorded");
        assert_eq!(decode(&values).as_ref(), Some(&*distribution.histogram()));
        assert_eq!(encode(&Distribution::default()), None);
    }

    #[test]
    fn one_with_larger_values_can_be_added() {
        let of = |largest| percentiles(&recorded(1..=largest)).expect("values were recorded");
        let (mut small, large) =
            (decode(&of(10)).expect("one"), decode(&of(100_000)).expect("one"));
        small.add(&large).expect("it grows");
        assert_eq!(small.len(), 100_010);
    }

    #[test]
    fn what_is_no_histogram_is_none() {
        let mut values = percentiles(&recorded([7])).expect("a value was recorded");
        let whole = values.histogram.clone().expect("is encoded");
        for text in ["", "no base64!", "aGVsbG8=", &whole[..whole.len() / 2]] {
            values.histogram = Some(text.to_owned());
            assert_eq!(decode(&values), None, "{text}");
        }
    }

    #[test]
    fn the_spectrum_rises_and_ends_with_the_largest_value() {
        let distribution = recorded((1..=1_000).map(|n| n * 1_000));
        let points = spectrum(&distribution.histogram(), 1_000_000);
        assert!(points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{points:?}");
        assert_eq!(points.first().map(|point| point.0), Some(1.0));
        assert_eq!(points.last(), Some(&(1_000.0, 1_000_000.0)));
        let median = points.iter().find(|point| point.0 >= 2.0).expect("p50 is there").1;
        assert!((median - 500_000.0).abs() < 5_000.0, "{median}");
    }

    #[test]
    fn one_value_is_a_spectrum_of_one_point() {
        assert_eq!(spectrum(&recorded([5_000]).histogram(), 5_000), [(1.0, 5_000.0)]);
    }

    #[test]
    fn the_shares_of_a_density_are_all_values() {
        let distribution = recorded((1..=1_000).map(|n| n * 17).chain([9_000_000]));
        let points = density(&distribution.histogram());
        let sum: f64 = points.iter().map(|point| point.1).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!(points.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(points.last().map(|point| point.1), Some(0.0));
        let rare = points[points.len() - 2].1;
        assert!((rare - 1.0 / 1_001.0).abs() < 1e-12, "{rare}");
    }
}
