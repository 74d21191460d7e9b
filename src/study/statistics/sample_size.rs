//! How many tries an effect needs.

use super::normal_quantile;

/// Tries of each arm, so that losses of `p1` and `p2` are told apart with probability `power` by a
/// two-sided test at `alpha` (Fleiss, Levin and Paik 2003, §4.2, without continuity correction). For
/// two arms of their own; arms that share blocks need as many at most, where their losses go
/// together. All arguments are fractions between 0 and 1. None where `p1` is `p2`.
pub fn per_arm(p1: f64, p2: f64, alpha: f64, power: f64) -> Option<u64> {
    if p1 == p2 {
        return None;
    }
    let mean = (p1 + p2) / 2.0;
    let spread = normal_quantile(1.0 - alpha / 2.0) * (2.0 * mean * (1.0 - mean)).sqrt()
        + normal_quantile(power) * (p1 * (1.0 - p1) + p2 * (1.0 - p2)).sqrt();
    let tries = (spread / (p1 - p2)).powi(2);
    tries.is_finite().then(|| tries.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(p1: f64, p2: f64) -> Option<u64> {
        per_arm(p1, p2, 0.05, 0.9)
    }

    #[test]
    fn the_table_of_the_usual_effects() {
        assert_eq!(usual(0.01, 0.02), Some(3_103));
        assert_eq!(usual(0.001, 0.002), Some(31_473));
        assert_eq!(usual(0.20, 0.25), Some(1_464));
        assert_eq!(usual(0.25, 0.20), Some(1_464));
        assert_eq!(usual(0.1, 0.1), None);
    }
}
