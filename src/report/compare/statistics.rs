//! Two samples against each other.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The share of intervals that hold the true value.
pub const CONFIDENCE: f64 = 0.95;

/// The difference of two means, and its confidence interval by Welch's t test, which does not ask
/// for equal variances. No interval where a side has fewer than two values, or where no value
/// differs from its mean: what did not vary says nothing about chance.
pub fn difference(baseline: &[f64], candidate: &[f64]) -> Option<(f64, Option<(f64, f64)>)> {
    let (a, b) = (Sample::of(baseline)?, Sample::of(candidate)?);
    let difference = b.mean - a.mean;
    let interval = a.error.zip(b.error).and_then(|(ea, eb)| {
        let error = ea + eb;
        let freedom = error * error / (ea * ea / (a.count - 1.0) + eb * eb / (b.count - 1.0));
        let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let half = student.inverse_cdf(0.5 + CONFIDENCE / 2.0) * error.sqrt();
        half.is_finite().then_some((difference - half, difference + half))
    });
    Some((difference, interval))
}

/// A sample's mean and the variance of that mean.
struct Sample {
    count: f64,
    mean: f64,
    /// None of a single value.
    error: Option<f64>,
}

impl Sample {
    fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        // Exactly: the mean of equal numbers may miss them by a rounding, which would be an interval.
        if values.iter().all(|value| *value == values[0]) {
            let error = (values.len() > 1).then_some(0.0);
            return Some(Self { count, mean: values[0], error });
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (values.len() > 1).then(|| squares / (count - 1.0) / count);
        Some(Self { count, mean, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples of fifteen; the interval by integrating Student's density with 27.887 degrees of
    /// freedom numerically.
    #[test]
    fn welch_of_a_known_pair() {
        let a = [
            27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7,
            21.4,
        ];
        let b = [
            27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5,
            24.4,
        ];
        let (difference, interval) = difference(&a, &b).expect("there are values");
        let (low, high) = interval.expect("they vary");
        assert!((difference - 2.833_333).abs() < 1e-5, "{difference}");
        assert!((low - 0.798_644).abs() < 1e-5, "{low}");
        assert!((high - 4.868_023).abs() < 1e-5, "{high}");
    }

    #[test]
    fn what_cannot_have_an_interval_has_none() {
        assert_eq!(difference(&[], &[1.0]), None);
        assert_eq!(difference(&[1.0], &[3.0]), Some((2.0, None)));
        assert_eq!(difference(&[1.0, 2.0], &[3.0]), Some((1.5, None)));
        assert_eq!(difference(&[1.0, 1.0], &[3.0, 3.0]), Some((2.0, None)));
        let third = [1.0 / 3.0; 3];
        assert_eq!(difference(&third, &third), Some((0.0, None)));
    }

    /// With two values a side, the half width is t(0.975, 2) = 4.3027 times the error.
    #[test]
    fn few_values_make_a_wide_interval() {
        let (_, interval) = difference(&[9.0, 11.0], &[19.0, 21.0]).expect("there are values");
        let (low, high) = interval.expect("they vary");
        let half = 4.302_653 * 2.0_f64.sqrt();
        assert!((low - (10.0 - half)).abs() < 1e-4 && (high - (10.0 + half)).abs() < 1e-4);
    }
}
