//! The estimators of a study. Pure: counts in, estimates out.
//!
//! | file | what it estimates |
//! |---|---|
//! | [`proportion`] | a share with its interval: Wilson, and Clopper–Pearson where zero is claimed |
//! | [`paired`] | the difference of two arms in the same blocks: McNemar, Newcombe |
//! | [`holm`] | p values of many cells together |
//! | [`sample_size`] | tries that an effect needs |
//!
//! `tests/study_reference.py` computes the same with SciPy and statsmodels.

pub mod holm;
pub mod paired;
pub mod proportion;
pub mod sample_size;

use statrs::distribution::{ContinuousCDF, Normal};

/// The share of intervals that hold the true value.
pub const CONFIDENCE: f64 = 0.95;

/// What p values are held to.
pub const ALPHA: f64 = 0.05;

/// The value that a standard normal variable stays below with probability `p`, 0 < p < 1.
fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}
