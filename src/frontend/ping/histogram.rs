//! Round-trip times as bars, for a terminal: steps of equal ratio, as few octaves or parts of one as
//! keep it short.

use std::fmt::Write;

use hdrhistogram::Histogram;

/// Bars at most, where an octave a bar does not ask for more.
const BARS: f64 = 16.0;
/// Steps to the octave, the finest first: the buckets themselves are no wider than a hundredth.
const STEPS: [f64; 5] = [16.0, 8.0, 4.0, 2.0, 1.0];
/// Characters of the longest bar.
const WIDTH: usize = 40;

/// Both ends of a bar in nanoseconds, and how many times lie between them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    low: f64,
    high: f64,
    count: u64,
}

/// The bars from the shortest time to the longest; those between that are empty are there.
fn bars(histogram: &Histogram<u64>) -> Vec<Bar> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let place = |nanos: u64, steps: f64| ((nanos.max(1) as f64).log2() * steps).floor();
    let span = |steps: f64| place(histogram.max(), steps) - place(histogram.min(), steps) + 1.0;
    let steps = STEPS.into_iter().find(|steps| span(*steps) <= BARS).unwrap_or(1.0);
    let first = place(histogram.min(), steps);
    let end = |place: f64| (place / steps).exp2();
    let mut bars: Vec<Bar> = (0..span(steps) as usize)
        .map(|n| first + n as f64)
        .map(|place| Bar { low: end(place), high: end(place + 1.0), count: 0 })
        .collect();
    for bucket in histogram.iter_recorded() {
        // The middle of a bucket lies in it; its upper end may be in the next bar.
        let value = histogram.median_equivalent(bucket.value_iterated_to());
        let value = value.clamp(histogram.min(), histogram.max());
        if let Some(bar) = bars.get_mut((place(value, steps) - first) as usize) {
            bar.count += bucket.count_at_value();
        }
    }
    bars
}

/// The bars as lines; empty of no times.
pub fn text(histogram: &Histogram<u64>) -> String {
    let bars = bars(histogram);
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let mut text = String::new();
    for bar in bars {
        // What is there at all is seen.
        let len = (bar.count as usize * WIDTH).div_ceil(most.max(1) as usize);
        let (low, high, count) = (bar.low / 1e6, bar.high / 1e6, bar.count);
        let line = format!("{low:>10.4} to {high:>10.4} ms {count:>8} {}", "#".repeat(len));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::distribution::Distribution;
    use proptest::prelude::*;

    fn recorded(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        values.iter().for_each(|value| distribution.record(*value));
        distribution
    }

    #[test]
    fn bars_are_as_long_as_there_are_times() {
        let rtts = recorded(&[100_000, 100_000, 100_000, 100_000, 410_000]);
        let text = text(&rtts.histogram());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 9, "two octaves and a bit, in quarters: {text}");
        assert!(lines[0].ends_with(&format!("{:>8} {}", 4, "#".repeat(40))), "{text}");
        assert!(lines[8].ends_with(&format!("{:>8} {}", 1, "#".repeat(10))), "{text}");
        assert!(lines[4].ends_with(" 0"), "an empty one between: {text}");
        assert_eq!(super::text(&recorded(&[]).histogram()), "");
    }

    proptest! {
        /// Every time is in a bar, the bars follow on each other, and there are not many.
        #[test]
        fn nothing_is_left_out(values in proptest::collection::vec(1_u64..1 << 40, 1..200)) {
            let distribution = recorded(&values);
            let bars = bars(&distribution.histogram());
            prop_assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), values.len() as u64);
            prop_assert!(bars.len() <= 42);
            prop_assert!(bars.windows(2).all(|pair| pair[0].high == pair[1].low));
        }
    }
}
