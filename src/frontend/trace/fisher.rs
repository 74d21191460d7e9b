//! Fisher's exact test: is a share too small for chance?

/// The chance that, of `tries` and `others` probes of which all together as many were answered as
/// here, at most `answered` of the `tries` were: small when the first are answered less often than
/// the others for another reason than chance. One-sided.
pub fn at_most(answered: u32, tries: u32, other_answered: u32, others: u32) -> f64 {
    let total = tries + others;
    let successes = (answered + other_answered).min(total);
    let ln = ln_factorials(total);
    let choose = |n: u32, k: u32| ln[n as usize] - ln[k as usize] - ln[(n - k) as usize];
    let lowest = successes.saturating_sub(others);
    (lowest..=answered.min(tries))
        .filter(|k| *k <= successes)
        .map(|k| {
            (choose(tries, k) + choose(others, successes - k) - choose(total, successes)).exp()
        })
        .sum::<f64>()
        .min(1.0)
}

fn ln_factorials(n: u32) -> Vec<f64> {
    let mut sum = 0.0;
    let next = |k: u32| {
        sum += f64::from(k.max(1)).ln();
        sum
    };
    (0..=n).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let near = |p: f64, q: f64| assert!((p - q).abs() < 1e-12, "{p} {q}");
        near(at_most(0, 5, 5, 5), 1.0 / 252.0);
        near(at_most(0, 3, 3, 3), 1.0 / 20.0);
        near(at_most(5, 5, 5, 5), 1.0);
        near(at_most(0, 5, 0, 5), 1.0);
        // Fisher's tea: 3 of 4 right or fewer.
        near(at_most(3, 4, 1, 4), 69.0 / 70.0);
        near(at_most(0, 0, 0, 0), 1.0);
    }
}
