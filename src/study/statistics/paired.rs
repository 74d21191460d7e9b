//! Two arms in the same blocks: what one lost and the other did not.

use serde::{Deserialize, Serialize};

use super::proportion::{Interval, Share};

/// The blocks by what became of both arms. A loss is a hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Both lost.
    pub both: u64,
    /// The arm lost, the control did not: McNemar's b.
    pub arm_only: u64,
    /// The control lost, the arm did not: McNemar's c.
    pub control_only: u64,
    /// Neither lost.
    pub neither: u64,
}

impl Pairs {
    /// Counts a block.
    pub fn count(&mut self, arm_lost: bool, control_lost: bool) {
        *match (arm_lost, control_lost) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.arm_only,
            (false, true) => &mut self.control_only,
            (false, false) => &mut self.neither,
        } += 1;
    }

    /// All blocks.
    pub fn total(self) -> u64 {
        self.both + self.arm_only + self.control_only + self.neither
    }

    /// The paired risk difference (b − c)/n. None of no blocks.
    pub fn difference(self) -> Option<f64> {
        let n = self.total();
        (n > 0).then(|| (self.arm_only as f64 - self.control_only as f64) / n as f64)
    }

    /// Newcombe's interval for the difference of paired proportions (Statistics in Medicine 17,
    /// 2635–2650, 1998, method 10): Wilson's intervals of both, squared and added with their
    /// correlation. None of no blocks.
    pub fn newcombe(self) -> Option<Interval> {
        let tries = self.total();
        let difference = self.difference()?;
        let arm = Share { hits: self.both + self.arm_only, tries };
        let control = Share { hits: self.both + self.control_only, tries };
        let (p1, p2) = (arm.fraction()?, control.fraction()?);
        let (one, two) = (arm.wilson()?, control.wilson()?);
        let phi = self.correlation();
        let reach = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
        let low = difference - reach(p1 - one.low, two.high - p2);
        let high = difference + reach(one.high - p1, p2 - two.low);
        Some(Interval { low: low.max(-1.0), high: high.min(1.0) })
    }

    /// The correlation of both losses; 0 where one of them always or never happens.
    fn correlation(self) -> f64 {
        let [a, b, c, d] =
            [self.both, self.arm_only, self.control_only, self.neither].map(|n| n as f64);
        let product = (a + b) * (c + d) * (a + c) * (b + d);
        if product == 0.0 { 0.0 } else { (a * d - b * c) / product.sqrt() }
    }

    /// McNemar's exact test, two-sided: the probability that b and c differ at least as much when
    /// both are equally likely. 1 where both are 0.
    pub fn mcnemar(self) -> f64 {
        let n = self.arm_only + self.control_only;
        let smaller = self.arm_only.min(self.control_only);
        // 2 · P(X <= smaller), X of n fair coins, from the largest term down.
        let ln_half = n as f64 * 0.5_f64.ln();
        let mut term = statrs::function::factorial::ln_binomial(n, smaller) + ln_half;
        let mut sum = 0.0;
        for k in (0..=smaller).rev() {
            let value = term.exp();
            sum += value;
            if k == 0 || value < sum * 1e-18 {
                break;
            }
            term += (k as f64 / (n - k + 1) as f64).ln();
        }
        (2.0 * sum).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(both: u64, arm_only: u64, control_only: u64, neither: u64) -> Pairs {
        Pairs { both, arm_only, control_only, neither }
    }

    #[test]
    fn coins_by_hand() {
        assert_eq!(pairs(0, 0, 0, 10).mcnemar(), 1.0);
        assert!((pairs(0, 5, 0, 5).mcnemar() - 2.0 / 32.0).abs() < 1e-12);
        assert!((pairs(3, 1, 6, 5).mcnemar() - 16.0 / 128.0).abs() < 1e-12);
        assert_eq!(pairs(3, 4, 4, 5).mcnemar(), 1.0);
        assert_eq!(Pairs::default().newcombe(), None);
    }

    #[test]
    fn blocks_are_counted_where_they_belong() {
        let mut counted = Pairs::default();
        for (arm, control) in [(true, false), (true, false), (false, false), (true, true)] {
            counted.count(arm, control);
        }
        assert_eq!(counted, pairs(1, 2, 0, 1));
        assert_eq!(counted.difference(), Some(0.5));
    }

    proptest! {
        #[test]
        fn both_sides_mirror(a in 0_u64..200, b in 0_u64..200, c in 0_u64..200, d in 0_u64..200) {
            let (one, other) = (pairs(a, b, c, d), pairs(a, c, b, d));
            prop_assert!((one.mcnemar() - other.mcnemar()).abs() < 1e-9);
            prop_assert!(one.mcnemar() > 0.0 && one.mcnemar() <= 1.0);
            if let (Some(x), Some(y)) = (one.newcombe(), other.newcombe()) {
                prop_assert!((x.low + y.high).abs() < 1e-9 && (x.high + y.low).abs() < 1e-9);
                prop_assert!(x.covers(one.difference().unwrap()));
            }
        }
    }
}
