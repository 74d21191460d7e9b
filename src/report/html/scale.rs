//! Axes of the static charts: extents, places, ticks and their labels. `assets/charts.js` does the
//! same for the charts that move; a test in the browser holds both to each other.

use super::page::{Axis, Chart, Quantity, Scale};
use crate::report::format::{nanos, rate};

/// An axis with its extent and its length in pixels.
#[derive(Clone, Debug)]
pub struct Placed {
    quantity: Quantity,
    log: bool,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
    length: f64,
}

impl Placed {
    /// An axis of `length` pixels that holds `values`.
    pub fn new(axis: &Axis, values: impl Iterator<Item = f64>, length: f64) -> Self {
        let log = axis.scale == Scale::Log;
        let (low, high) = extent(values, log, axis.quantity);
        Self { quantity: axis.quantity, log, low, high, length }
    }

    /// Pixels from the lower end; what lies outside stands at the end.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            let value = value.max(self.low);
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0) * self.length
    }

    /// Whether a value is below what the axis can show.
    pub fn is_below(&self, value: f64) -> bool {
        self.log && value < self.low * (1.0 - 1e-9)
    }

    /// Values that get a line and a label.
    pub fn ticks(&self, room_each: f64) -> Vec<f64> {
        let wanted = (self.length / room_each).max(2.0);
        if self.log && self.high / self.low >= 10.0 {
            log_ticks(self.low, self.high, wanted)
        } else {
            linear_ticks(self.low, self.high, wanted)
        }
    }

    /// The label of a tick.
    pub fn label(&self, value: f64) -> String {
        label(self.quantity, value)
    }
}

/// The extents of a chart's axes.
pub fn of_chart(chart: &Chart, width: f64, height: f64) -> (Placed, Placed) {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let x = Placed::new(&chart.x, points().map(|point| point.x), width);
    let y = points().flat_map(|point| {
        let (low, high) = point.range.unwrap_or((point.y, point.y));
        [point.y, low, high]
    });
    (x, Placed::new(&chart.y, y, height))
}

/// Lowest and highest value to show: on a linear axis from 0 and with some room above, on a
/// logarithmic one by parts of decades.
fn extent(values: impl Iterator<Item = f64>, log: bool, quantity: Quantity) -> (f64, f64) {
    let usable = values.filter(|value| value.is_finite() && (!log || *value > 0.0));
    let (low, high) =
        usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return if log { (1.0, 10.0) } else { (0.0, 1.0) };
    }
    if log {
        if quantity == Quantity::Percentile {
            return (low.min(1.0), high.max(10.0));
        }
        let (low, high) = (log_floor(low), log_ceil(high));
        return if high > low { (low, high) } else { (low, low * 10.0) };
    }
    let low = low.min(0.0);
    let high = if high > low { high + (high - low) * 0.04 } else { low + 1.0 };
    (low, high)
}

/// The largest 1, 2 or 5 times a power of ten that is not above `value`.
fn log_floor(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [5.0, 2.0].iter().map(|step| step * decade).find(|tick| *tick <= value).unwrap_or(decade)
}

/// The smallest 1, 2 or 5 times a power of ten that is not below `value`.
fn log_ceil(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0];
    let found = steps.iter().map(|step| step * decade).find(|tick| *tick >= value * (1.0 - 1e-9));
    found.unwrap_or(decade * 10.0)
}

fn log_ticks(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    let steps: &[f64] = if decades * 3.0 <= wanted { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = ((decades / wanted).ceil() as i32).max(1);
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    (first..=last)
        .filter(|power| every == 1 || power.rem_euclid(every) == 0)
        .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
        .filter(|tick| *tick >= low * (1.0 - 1e-9) && *tick <= high * (1.0 + 1e-9))
        .collect()
}

fn linear_ticks(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let rough = (high - low) / wanted;
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|step| step * decade)
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(decade * 10.0);
    let (first, last) = ((low / step).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// A value of an axis with its unit, as short as it can be.
fn label(quantity: Quantity, value: f64) -> String {
    let text = match quantity {
        Quantity::Time => nanos(value),
        Quantity::PacketRate => rate(value, "pps"),
        Quantity::BitRate => rate(value, "bit/s"),
        Quantity::Share => return format!("{} %", plain(value * 100.0)),
        Quantity::Percentile => return percentile(value),
        Quantity::Bytes => return format!("{} B", plain(value)),
        Quantity::Ratio => return format!("{}×", plain(value)),
        Quantity::Number => return plain(value),
    };
    // `20.00 µs` is `20 µs` on an axis.
    match text.split_once(' ') {
        Some((digits, unit)) if digits.contains('.') => {
            format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// The percentile of 1/(1 − p): `99.9 %` of 1,000.
pub fn percentile(one_in: f64) -> String {
    let decimals = (one_in.max(1.0).log10() - 1e-9).ceil().max(0.0) as usize;
    let text = format!("{:.*}", decimals.saturating_sub(1).max(1), 100.0 * (1.0 - 1.0 / one_in));
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Up to six significant digits, no zeros at the end, no rounding noise.
fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // A little below 1e-4, for products of powers of ten are.
    if value.abs() < 0.9999e-4 {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let magnitude = value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", (5 - magnitude).max(0) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(quantity: Quantity, scale: Scale) -> Axis {
        Axis { title: String::new(), quantity, scale }
    }

    fn labels(quantity: Quantity, scale: Scale, values: &[f64]) -> Vec<String> {
        let placed = Placed::new(&axis(quantity, scale), values.iter().copied(), 400.0);
        placed.ticks(70.0).into_iter().map(|tick| placed.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_have_units() {
        let got = labels(Quantity::Time, Scale::Log, &[3_100.0, 870_000.0]);
        assert_eq!(got, ["10 µs", "100 µs", "1 ms"]);
        let got = labels(Quantity::Time, Scale::Linear, &[3_100.0, 87_000.0]);
        assert_eq!(got, ["0 ns", "20 µs", "40 µs", "60 µs", "80 µs"]);
        let got = labels(Quantity::PacketRate, Scale::Linear, &[14.88e6]);
        assert_eq!(got, ["0 pps", "5 Mpps", "10 Mpps", "15 Mpps"]);
        let got = labels(Quantity::Share, Scale::Log, &[1e-9, 1e-7]);
        assert_eq!(got, ["1e-7 %", "1e-6 %", "1e-5 %"]);
        let got = labels(Quantity::Percentile, Scale::Log, &[1.0, 60_000.0]);
        assert_eq!(got, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        let got = labels(Quantity::Bytes, Scale::Linear, &[64.0, 1518.0]);
        assert_eq!(got, ["0 B", "500 B", "1000 B", "1500 B"]);
    }

    #[test]
    fn every_value_has_a_place() {
        for scale in [Scale::Linear, Scale::Log] {
            for values in [&[][..], &[0.0], &[5.0], &[0.0, 1e-9], &[f64::NAN, 3.0], &[1e18, 1.0]] {
                let placed =
                    Placed::new(&axis(Quantity::Number, scale), values.iter().copied(), 100.0);
                assert!(placed.low < placed.high, "{values:?}");
                for value in values.iter().filter(|value| value.is_finite()) {
                    assert!((0.0..=100.0).contains(&placed.at(*value)), "{values:?}");
                }
                assert!(placed.ticks(50.0).len() < 20, "{values:?}");
            }
        }
    }
}
