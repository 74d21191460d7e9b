//! Many tests at once.

/// Holm's step-down adjustment (Scandinavian Journal of Statistics 6, 65–70, 1979): adjusted p values
/// in the order given. Holding each to α makes an error in any of the tests less likely than α.
pub fn adjust(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &at) in order.iter().enumerate() {
        largest = largest.max((p[at] * (p.len() - rank) as f64).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_pay_most() {
        let adjusted = adjust(&[0.01, 0.04, 0.03, 0.005]);
        let wanted = [0.03, 0.06, 0.06, 0.02];
        for (is, wanted) in adjusted.iter().zip(wanted) {
            assert!((is - wanted).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(adjust(&[]), Vec::<f64>::new());
        assert_eq!(adjust(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
