//! What the decoder cannot see in one value alone: one function a rule.

mod benchmark;
mod chains;
mod lab;
mod modifier;
mod pass;
mod patterns;
mod ports;
mod programs;
mod rates;
mod replay;
mod sizes;
mod stack;
mod study;
mod tag;
mod times;
mod values;

pub(super) use lab::RULES as LAB_RULES;
pub use sizes::bounds;

use std::collections::HashSet;

use super::decode::Decoded;
use super::fragments;
use super::model::{Header, Profile, Stream};
use super::problem::Problem;

/// A rule: reads a profile and tells what breaks it.
type Rule = fn(&Profile, &mut Vec<Problem>);

const RULES: [Rule; 36] = [
    ports::stream_names_are_unique,
    ports::streams_exist,
    ports::cores_match_queues,
    ports::devices_are_different,
    values::list_is_not_empty,
    values::value_fits_field,
    values::range_is_ordered,
    values::counter_stays_in_field,
    stack::headers_may_follow,
    stack::custom_fields_lie_inside,
    sizes::size_is_a_frame,
    sizes::range_is_ordered,
    sizes::imix_cycle_is_short,
    sizes::headers_fit,
    rates::rate_is_sane,
    patterns::spans_are_sane,
    patterns::rates_go_together,
    times::duration_is_sane,
    times::start_is_sane,
    times::count_ends,
    chains::streams_follow_streams,
    chains::chains_have_a_beginning,
    chains::ends_are_known,
    chains::chains_repeat_from_their_beginning,
    times::waits_are_sane,
    times::lag_is_sane,
    lab::ports_stand_in_it,
    lab::impairments_need_the_router,
    lab::frames_fit_its_mtu,
    lab::buckets_hold_a_frame,
    lab::egress_is_no_wider,
    lab::settings_are_of_the_network,
    replay::no_benchmark_replays,
    replay::repeated_chains_end_with_it,
    replay::no_old_probes,
    replay::rewritten_fields_fit,
];

/// Judges what was decoded. A rule's problem is left out where the decoder has found one already.
pub fn validate(decoded: &mut Decoded) {
    fragments::expand(decoded);
    let mut broken = Vec::new();
    for rule in RULES.iter().chain(&pass::RULES) {
        rule(&decoded.profile, &mut broken);
    }
    tag::tags_have_room(decoded, &mut broken);
    benchmark::RULES.iter().for_each(|rule| rule(&decoded.profile, &mut broken));
    study::RULES.iter().for_each(|rule| rule(&decoded.profile, &mut broken));
    programs::streams_compile(decoded, &mut broken);
    stack::warn_of_what_receivers_refuse(&mut decoded.profile);
    replay::warn_of_captures(&mut decoded.profile);
    let known = Known::new(&decoded.problems);
    broken.retain(|problem| !known.overlap(&problem.path));
    // The pieces of a datagram share their problems.
    let mut told = HashSet::new();
    broken.retain(|problem| told.insert(problem.to_string()));
    decoded.problems.append(&mut broken);
}

/// The paths of known problems, so that a problem is not told twice: neither at the same path nor
/// above or below it. Problems of the whole profile overlap nothing.
struct Known {
    paths: HashSet<String>,
    above: HashSet<String>,
}

impl Known {
    fn new<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> Self {
        let mut known = Self { paths: HashSet::new(), above: HashSet::new() };
        for Problem { path, .. } in problems {
            if !path.is_empty() {
                known.above.extend(above(path).map(str::to_owned));
                known.paths.insert(path.clone());
            }
        }
        known
    }

    fn overlap(&self, path: &str) -> bool {
        self.paths.contains(path)
            || self.above.contains(path)
            || above(path).any(|outer| self.paths.contains(outer))
    }
}

/// The paths that a path lies below: `a`, `a[0]` for `a[0].b`.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices(['.', '[']).map(|(at, _)| &path[..at]).filter(|outer| !outer.is_empty())
}

/// The streams with their paths.
fn streams(profile: &Profile) -> impl Iterator<Item = (String, &Stream)> {
    profile.streams.iter().enumerate().map(|(n, stream)| (profile.stream_path(n), stream))
}

/// Bytes of a header stack.
fn stack_len(headers: &[Header]) -> u32 {
    headers.iter().map(|header| header.len() as u32).sum()
}

/// The names of a header stack, for messages.
fn stack_names(headers: &[Header]) -> String {
    headers.iter().map(|header| header.protocol.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::problem::Place;

    #[test]
    fn paths_overlap_downwards_and_upwards() {
        let overlap =
            |one: &str, other| Known::new(&[Problem::new(Place::File, one, "")]).overlap(other);
        assert!(overlap("streams[0]", "streams[0].rate"));
        assert!(overlap("streams[0].size[1]", "streams[0].size"));
        assert!(overlap("seed", "seed"));
        assert!(!overlap("streams[0].rate", "streams[0].size"));
        assert!(!overlap("streams[1]", "streams[10]"));
        assert!(!overlap("", "seed"));
    }
}
