//! What the decoder cannot see in one value alone: one function a rule.

mod lab;
mod pass;
mod ports;
mod programs;
mod rates;
mod sizes;
mod stack;
mod tag;
mod times;
mod values;

pub(super) use lab::RULES as LAB_RULES;
pub use sizes::bounds;

use super::decode::Decoded;
use super::model::{Header, Profile, Stream};
use super::problem::Problem;

/// A rule: reads a profile and tells what breaks it.
type Rule = fn(&Profile, &mut Vec<Problem>);

const RULES: [Rule; 25] = [
    ports::stream_names_are_unique,
    ports::streams_exist,
    ports::streams_can_be_numbered,
    ports::cores_match_queues,
    ports::devices_are_different,
    values::list_is_not_empty,
    values::value_fits_field,
    values::range_is_ordered,
    values::counter_stays_in_field,
    stack::headers_may_follow,
    sizes::size_is_a_frame,
    sizes::range_is_ordered,
    sizes::imix_cycle_is_short,
    sizes::headers_fit,
    rates::rate_is_sane,
    times::duration_is_sane,
    times::start_is_sane,
    times::count_ends,
    times::waits_are_sane,
    times::lag_is_sane,
    lab::ports_stand_in_it,
    lab::impairments_need_the_router,
    lab::frames_fit_its_mtu,
    lab::buckets_hold_a_frame,
    lab::settings_are_of_the_network,
];

/// Judges what was decoded. A rule's problem is left out where the decoder has found one already.
pub fn validate(decoded: &mut Decoded) {
    let mut broken = Vec::new();
    for rule in RULES.iter().chain(&pass::RULES) {
        rule(&decoded.profile, &mut broken);
    }
    tag::tags_have_room(decoded, &mut broken);
    programs::streams_compile(decoded, &mut broken);
    let known = std::mem::take(&mut decoded.problems);
    broken.retain(|problem| !known.iter().any(|known| overlap(&known.path, &problem.path)));
    decoded.problems = known;
    decoded.problems.append(&mut broken);
}

/// Whether one path is the other or lies below it. Problems of the whole profile overlap nothing.
fn overlap(one: &str, other: &str) -> bool {
    let below = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        let ends = |rest: &str| matches!(rest.chars().next(), None | Some('.' | '['));
        !outer.is_empty() && rest.is_some_and(ends)
    };
    below(one, other) || below(other, one)
}

/// The streams with their paths.
fn streams(profile: &Profile) -> impl Iterator<Item = (String, &Stream)> {
    profile.streams.iter().enumerate().map(|(n, stream)| (profile.stream_path(n), stream))
}

/// Bytes of a header stack.
fn stack_len(headers: &[Header]) -> u32 {
    headers.iter().map(|header| header.protocol.len as u32).sum()
}

/// The names of a header stack, for messages.
fn stack_names(headers: &[Header]) -> String {
    headers.iter().map(|header| header.protocol.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_overlap_downwards_and_upwards() {
        assert!(overlap("streams[0]", "streams[0].rate"));
        assert!(overlap("streams[0].size[1]", "streams[0].size"));
        assert!(overlap("seed", "seed"));
        assert!(!overlap("streams[0].rate", "streams[0].size"));
        assert!(!overlap("streams[1]", "streams[10]"));
        assert!(!overlap("", "seed"));
    }
}
