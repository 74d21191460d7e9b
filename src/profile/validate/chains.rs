//! Chains: streams that follow one another.

use std::collections::HashMap;

use super::streams;
use crate::profile::model::{Profile, Rate, Stream};
use crate::profile::path;
use crate::profile::problem::{Problem, nearest, shorten};

/// The streams by their names.
fn numbers(profile: &Profile) -> HashMap<&str, usize> {
    // Of two with one name the first: of a datagram's pieces; others another rule refuses.
    profile.streams.iter().enumerate().rev().map(|(n, s)| (s.written_name(), n)).collect()
}

/// The stream that each follows.
fn before(profile: &Profile) -> Vec<Option<usize>> {
    let numbers = numbers(profile);
    let before = |stream: &Stream| numbers.get(stream.after.as_deref()?).copied();
    profile.streams.iter().map(before).collect()
}

/// Where the chain of a stream begins; None: it has no beginning.
fn first(before: &[Option<usize>], stream: usize) -> Option<usize> {
    let mut at = stream;
    for _ in 0..before.len() {
        match before[at] {
            Some(next) => at = next,
            None => return Some(at),
        }
    }
    None
}

pub(super) fn streams_follow_streams(profile: &Profile, problems: &mut Vec<Problem>) {
    let numbers = numbers(profile);
    for (at, stream) in streams(profile) {
        let Some(after) = stream.after.as_deref().filter(|after| !numbers.contains_key(after))
        else {
            continue;
        };
        let names = profile.streams.iter().map(Stream::written_name);
        let hint = nearest(after, names.filter(|name| *name != stream.written_name()));
        let found = format!("\"{}\"", shorten(after));
        let problem =
            profile.origin.problem(path::key(&at, "after"), found, "the name of another stream");
        problems.push(problem.hint(hint));
    }
}

pub(super) fn chains_have_a_beginning(profile: &Profile, problems: &mut Vec<Problem>) {
    let before = before(profile);
    let mut known = vec![false; before.len()];
    for number in 0..before.len() {
        // The streams from here backwards, until a known one or one of their own.
        let mut way = Vec::new();
        let mut at = number;
        while !known[at] {
            known[at] = true;
            way.push(at);
            match before[at] {
                Some(next) => at = next,
                None => break,
            }
        }
        if before[at].is_some() && way.contains(&at) {
            let after = profile.streams[at].after.as_deref().unwrap_or_default();
            let place = path::key(&profile.stream_path(at), "after");
            let expected = "a stream that does not follow this one itself";
            problems.push(profile.origin.problem(place, format!("\"{after}\""), expected));
        }
    }
}

/// It is as fast as the engine goes.
fn is_unlimited(stream: &Stream) -> bool {
    stream.pattern.constant() == Some(Rate::Unlimited)
}

pub(super) fn ends_are_known(profile: &Profile, problems: &mut Vec<Problem>) {
    let before = before(profile);
    for (number, (at, _)) in streams(profile).enumerate() {
        let Some(other) = before[number].map(|before| &profile.streams[before]) else { continue };
        if is_unlimited(other) && other.limit.count.is_some() && other.limit.duration.is_none() {
            let found = format!(
                "\"{}\", a count at an unlimited rate: nobody knows when it ends",
                other.written_name()
            );
            let expected = "a stream with a rate or a duration";
            problems.push(profile.origin.problem(path::key(&at, "after"), found, expected));
        }
    }
}

pub(super) fn chains_repeat_from_their_beginning(profile: &Profile, problems: &mut Vec<Problem>) {
    let before = before(profile);
    for (number, (at, stream)) in streams(profile).enumerate() {
        let Some(begins) = first(&before, number) else { continue };
        if stream.repeat > 1 && stream.after.is_some() {
            let found = format!("repeat: {} in a stream that follows another", stream.repeat);
            let expected = format!(
                "it where the chain begins, in {}: all of the chain is repeated",
                profile.stream_path(begins)
            );
            problems.push(profile.origin.problem(path::key(&at, "repeat"), found, expected));
        } else if profile.streams[begins].repeat > 1 && is_unlimited(stream) {
            let found = "an unlimited rate in a chain that is repeated";
            let expected = "a rate: what is sent as fast as it goes is sent once";
            problems.push(profile.origin.problem(path::key(&at, "rate"), found, expected));
        }
    }
}
