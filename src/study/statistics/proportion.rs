//! A share of tries, with its interval.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use super::{CONFIDENCE, normal_quantile};

/// Both ends of a confidence interval, as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it, its ends included.
    pub fn covers(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// `hits` of `tries`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How often.
    pub hits: u64,
    /// Of how many.
    pub tries: u64,
}

impl Share {
    /// The fraction; None of no tries.
    pub fn fraction(self) -> Option<f64> {
        (self.tries > 0).then(|| self.hits as f64 / self.tries as f64)
    }

    /// Wilson's score interval (Wilson 1927): what is displayed. Its actual coverage is near the
    /// nominal one also for small shares, where the interval of the textbooks has width 0. None of
    /// no tries.
    pub fn wilson(self) -> Option<Interval> {
        let p = self.fraction()?;
        let (n, z) = (self.tries as f64, normal_quantile(0.5 + CONFIDENCE / 2.0));
        let scale = 1.0 + z * z / n;
        let centre = (p + z * z / (2.0 * n)) / scale;
        let half = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        // Exactly 0 and 1 at the ends, where the two terms are equal but for their rounding.
        let low = if self.hits == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if self.hits == self.tries { 1.0 } else { (centre + half).min(1.0) };
        Some(Interval { low, high })
    }

    /// Clopper and Pearson's exact interval (1934): never covers less often than it says. Of 0 hits
    /// its upper end is 1 − 0.025^(1/n): what may stand beside a claim of zero. None of no tries.
    pub fn clopper_pearson(self) -> Option<Interval> {
        self.fraction()?;
        let (hits, tries) = (self.hits as f64, self.tries as f64);
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let low = match self.hits {
            0 => 0.0,
            _ if self.hits == self.tries => tail.powf(1.0 / tries),
            _ => Beta::new(hits, tries - hits + 1.0).ok()?.inverse_cdf(tail),
        };
        let high = match self.hits {
            _ if self.hits == self.tries => 1.0,
            0 => 1.0 - tail.powf(1.0 / tries),
            _ => Beta::new(hits + 1.0, tries - hits).ok()?.inverse_cdf(1.0 - tail),
        };
        Some(Interval { low, high })
    }
}

/// How many datagrams of `n` fragments are lost when each fragment is lost with probability `p`, and
/// none because of another.
pub fn datagram_loss(p: f64, n: u32) -> f64 {
    1.0 - (1.0 - p).powi(n as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(is: f64, wanted: f64) {
        assert!((is - wanted).abs() < 1e-9, "{is} {wanted}");
    }

    #[test]
    fn zero_has_its_closed_form() {
        for n in [1, 5, 100, 10_000] {
            let exact = Share { hits: 0, tries: n }.clopper_pearson().unwrap();
            near(exact.high, 1.0 - 0.025_f64.powf(1.0 / n as f64));
            assert_eq!(exact.low, 0.0);
            let all = Share { hits: n, tries: n }.clopper_pearson().unwrap();
            near(all.low, 0.025_f64.powf(1.0 / n as f64));
        }
        assert_eq!(Share::default().wilson(), None);
        assert_eq!(Share::default().clopper_pearson(), None);
    }

    #[test]
    fn fragments_make_datagrams() {
        near(datagram_loss(0.1, 3), 0.271);
        near(datagram_loss(0.0, 45), 0.0);
        near(datagram_loss(0.3, 1), 0.3);
    }

    proptest! {
        #[test]
        fn intervals_hold_the_share(tries in 1_u64..20_000, part in 0.0_f64..=1.0) {
            let share = Share { hits: (tries as f64 * part) as u64, tries };
            let p = share.fraction().unwrap();
            for interval in [share.wilson().unwrap(), share.clopper_pearson().unwrap()] {
                prop_assert!(interval.covers(p), "{share:?} {interval:?}");
                prop_assert!(interval.low >= 0.0 && interval.high <= 1.0);
                prop_assert!(interval.low < interval.high);
            }
        }

        /// The ends of the exact interval are where the tail is 2.5 %, by the binomial sum itself.
        #[test]
        fn the_exact_ends_are_where_the_tail_is(tries in 1_u64..200, hits in 0_u64..200) {
            prop_assume!(hits <= tries);
            let interval = Share { hits, tries }.clopper_pearson().unwrap();
            let tail = |p: f64, range: std::ops::RangeInclusive<u64>| -> f64 {
                range.map(|k| {
                    let ln = statrs::function::factorial::ln_binomial(tries, k);
                    (ln + k as f64 * p.ln() + (tries - k) as f64 * (1.0 - p).ln()).exp()
                }).sum()
            };
            if hits > 0 {
                prop_assert!((tail(interval.low, hits..=tries) - 0.025).abs() < 1e-6);
            }
            if hits < tries {
                prop_assert!((tail(interval.high, 0..=hits) - 0.025).abs() < 1e-6);
            }
        }
    }
}
