//! The load classifier and the conditional throughput's loss, in whole numbers: neither depends on
//! how a computer rounds.

use crate::units::{Nanos, Ratio};

/// What a load is for a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It passes, whatever further trials bring.
    Lower,
    /// It fails, whatever further trials bring.
    Upper,
    /// It takes further trials.
    Undecided,
}

/// Summed durations of the trials of one load, by kind. Full-length trials have at least the
/// goal's final duration; high-loss trials lost more than the goal's loss ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DurationSums {
    /// Full-length, low loss.
    pub full_low: Nanos,
    /// Full-length, high loss.
    pub full_high: Nanos,
    /// Short, low loss.
    pub short_low: Nanos,
    /// Short, high loss.
    pub short_high: Nanos,
}

impl DurationSums {
    /// Adds one trial.
    pub fn add(&mut self, duration: Nanos, full: bool, high: bool) {
        let sum = match (full, high) {
            (true, false) => &mut self.full_low,
            (true, true) => &mut self.full_high,
            (false, false) => &mut self.short_low,
            (false, true) => &mut self.short_high,
        };
        *sum = Nanos(sum.0.saturating_add(duration.0));
    }

    /// Classifies a load (RFC 9971, "Load Classification"). `exceed` is below 1.
    ///
    /// Short trials of low loss balance short ones of high loss, in the proportion that the exceed
    /// ratio allows; only what is left of the high ones counts, together with the full-length ones.
    /// What the duration sum still lacks could become either: the load is decided when that makes
    /// no difference.
    pub fn classify(&self, exceed: Ratio, duration_sum: Nanos) -> Class {
        let one = u128::from(Ratio::ONE.0);
        let exceed = u128::from(exceed.0).min(one - 1);
        let rest = one - exceed;
        // All that follows is in nanoseconds times `rest`, which makes E/(1 − E) a whole number.
        // Sums are below 2^64, so the products below stay within 2^128.
        let low = u128::from(self.full_low.0) * rest;
        let balance = u128::from(self.short_low.0) * exceed;
        let excess = (u128::from(self.short_high.0) * rest).saturating_sub(balance);
        let high = u128::from(self.full_high.0) * rest + excess;
        let whole = (low + high).max(u128::from(duration_sum.0) * rest);
        let allowed = whole * exceed;
        if high * one > allowed {
            Class::Upper
        } else if (whole - low) * one <= allowed {
            Class::Lower
        } else {
            Class::Undecided
        }
    }
}

/// A full-length trial: its duration, and its loss as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullTrial {
    /// Its duration.
    pub duration: Nanos,
    /// Packets lost.
    pub lost: u64,
    /// Packets intended, above 0.
    pub intended: u64,
}

impl FullTrial {
    fn compare_loss(&self, other: &Self) -> std::cmp::Ordering {
        let own = u128::from(self.lost) * u128::from(other.intended);
        own.cmp(&(u128::from(other.lost) * u128::from(self.intended)))
    }
}

/// The loss that the conditional throughput counts with, from 0 to 1: the largest among the
/// full-length trials of least loss that together make up 1 − E of the duration sum. What the sum
/// lacks counts as lost in full.
pub fn quantile_loss(trials: &[FullTrial], exceed: Ratio, duration_sum: Nanos) -> f64 {
    let one = u128::from(Ratio::ONE.0);
    let rest = one - u128::from(exceed.0).min(one - 1);
    let mut rising = trials.to_vec();
    rising.sort_by(FullTrial::compare_loss);
    let measured: u128 = rising.iter().map(|trial| u128::from(trial.duration.0)).sum();
    let mut missing = measured.max(u128::from(duration_sum.0)) * rest;
    for trial in &rising {
        let share = u128::from(trial.duration.0) * one;
        if share >= missing {
            return trial.lost as f64 / trial.intended as f64;
        }
        missing -= share;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Ratio = Ratio(500_000_000);

    fn seconds(seconds: u64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    fn sums(full_low: u64, full_high: u64, short_low: u64, short_high: u64) -> DurationSums {
        DurationSums {
            full_low: seconds(full_low),
            full_high: seconds(full_high),
            short_low: seconds(short_low),
            short_high: seconds(short_high),
        }
    }

    #[test]
    fn one_trial_decides_rfc_2544() {
        let class = |sums: DurationSums| sums.classify(Ratio(0), seconds(60));
        assert_eq!(class(sums(60, 0, 0, 0)), Class::Lower);
        assert_eq!(class(sums(0, 60, 0, 0)), Class::Upper);
        assert_eq!(class(sums(0, 0, 30, 0)), Class::Undecided);
        assert_eq!(class(sums(0, 0, 0, 1)), Class::Upper, "a short loss cannot be made good");
    }

    #[test]
    fn two_trials_verify_a_loss() {
        let class = |sums: DurationSums| sums.classify(HALF, seconds(120));
        assert_eq!(class(sums(60, 0, 0, 0)), Class::Lower);
        assert_eq!(class(sums(0, 60, 0, 0)), Class::Undecided);
        assert_eq!(class(sums(60, 60, 0, 0)), Class::Lower);
        assert_eq!(class(sums(0, 120, 0, 0)), Class::Upper);
    }

    #[test]
    fn eleven_of_twenty_one_decide_csit() {
        let class = |sums: DurationSums| sums.classify(HALF, seconds(21));
        assert_eq!(class(sums(10, 0, 0, 0)), Class::Undecided);
        assert_eq!(class(sums(11, 0, 0, 0)), Class::Lower);
        assert_eq!(class(sums(10, 10, 0, 0)), Class::Undecided);
        assert_eq!(class(sums(10, 11, 0, 0)), Class::Upper);
        assert_eq!(class(sums(0, 10, 5, 6)), Class::Upper, "one short loss is left over");
        assert_eq!(class(sums(0, 10, 6, 6)), Class::Undecided);
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let most = Nanos(u64::MAX);
        let sums =
            DurationSums { full_low: most, full_high: most, short_low: most, short_high: most };
        for exceed in [Ratio(0), HALF, Ratio(999_999_999)] {
            sums.classify(exceed, most);
        }
    }

    #[test]
    fn the_loss_of_the_quantile_counts() {
        let trial = |lost| FullTrial { duration: seconds(1), lost, intended: 100 };
        let five = [trial(4), trial(0), trial(1), trial(3), trial(2)];
        assert_eq!(quantile_loss(&five, HALF, seconds(5)), 0.02, "the median");
        assert_eq!(quantile_loss(&five[..4], HALF, seconds(4)), 0.01, "the lower of a tie");
        assert_eq!(quantile_loss(&five, Ratio(0), seconds(5)), 0.04);
        assert_eq!(quantile_loss(&five, Ratio(0), seconds(6)), 1.0, "one second is missing");
        assert_eq!(quantile_loss(&[], HALF, seconds(1)), 1.0);
    }
}
