//! A study's estimators against SciPy and statsmodels: `tests/study_reference.csv` is what
//! `scripts/statistics-reference` computes with them.

use wirestorm::study::statistics::paired::Pairs;
use wirestorm::study::statistics::proportion::{Interval, Share};
use wirestorm::study::statistics::{ALPHA, holm, sample_size};

const REFERENCE: &str = include_str!("study_reference.csv");

fn near(is: f64, wanted: f64, told: &str) {
    let scale = wanted.abs().max(1e-12);
    assert!(
        (is - wanted).abs() < 1e-9 || (is - wanted).abs() / scale < 1e-7,
        "{is} {wanted}: {told}"
    );
}

fn interval(is: Interval, wanted: &[f64], told: &str) {
    near(is.low, wanted[0], told);
    near(is.high, wanted[1], told);
}

#[test]
fn the_same_as_scipy_and_statsmodels() {
    let mut kinds = std::collections::BTreeMap::new();
    for told in REFERENCE.lines() {
        let mut fields = told.split(',');
        let kind = fields.next().expect("a kind");
        let values: Vec<f64> = fields.map(|field| field.parse().expect("a number")).collect();
        let whole = |at: usize| values[at] as u64;
        let share = || Share { hits: whole(0), tries: whole(1) };
        let pairs = || Pairs {
            both: whole(0),
            arm_only: whole(1),
            control_only: whole(2),
            neither: whole(3),
        };
        match kind {
            "wilson" => interval(share().wilson().expect("tries"), &values[2..], told),
            "clopper_pearson" => {
                interval(share().clopper_pearson().expect("tries"), &values[2..], told);
            }
            "newcombe" => interval(pairs().newcombe().expect("blocks"), &values[4..], told),
            "mcnemar" => near(pairs().mcnemar(), values[4], told),
            "holm" => {
                let (p, adjusted) = values[1..].split_at(whole(0) as usize);
                for (is, wanted) in holm::adjust(p).into_iter().zip(adjusted) {
                    near(is, *wanted, told);
                }
            }
            "sample_size" => {
                let size = sample_size::per_arm(values[0], values[1], ALPHA, values[2]);
                assert_eq!(size, Some(whole(3)), "{told}");
            }
            other => panic!("{other}"),
        }
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert!(kinds["wilson"] > 60 && kinds["mcnemar"] > 60, "{kinds:?}");
}
