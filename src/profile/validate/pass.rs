//! Pass criteria.

use super::Rule;
use crate::profile::decode::PERCENTILES;
use crate::profile::model::{PassCriteria, Profile};
use crate::profile::problem::Problem;

pub(super) const RULES: [Rule; 2] = [latency_is_measured, something_is_measured];

fn latency_is_measured(profile: &Profile, problems: &mut Vec<Problem>) {
    if profile.measure.latency {
        return;
    }
    let mut refuse = |key: &str| {
        let expected = "it only where latency is measured: measure.latency is false";
        let found = "a latency criterion";
        problems.push(profile.origin.problem(format!("pass.{key}"), found, expected));
    };
    for (percentile, _) in &profile.pass.latency {
        let key = PERCENTILES.iter().find(|(_, known)| known == percentile);
        refuse(key.map_or("latency", |(key, _)| key));
    }
    if profile.pass.max_latency.is_some() {
        refuse("max_latency");
    }
}

fn something_is_measured(profile: &Profile, problems: &mut Vec<Problem>) {
    let unmeasured = profile.streams.iter().all(|stream| stream.to.is_none());
    if profile.pass != PassCriteria::default() && unmeasured && !profile.streams.is_empty() {
        let expected = "none: no stream has a receiving port, so nothing can be judged";
        problems.push(profile.origin.problem("pass", "pass criteria", expected));
    }
}
