//! Captures that are sent again.

use super::streams;
use crate::packet::tag::{self, Seen};
use crate::profile::model::{FieldValue, Profile, Stream, TestKind};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::replay::{Replay, Rewritten};
use crate::receive::find_tag;

/// The streams that replay a capture, with their paths.
fn replays(profile: &Profile) -> impl Iterator<Item = (String, &Stream, &Replay)> {
    streams(profile).filter_map(|(at, stream)| Some((at, stream, stream.replay.as_ref()?)))
}

/// A trial of a benchmark has its own sizes and counts probes.
pub(super) fn no_benchmark_replays(profile: &Profile, problems: &mut Vec<Problem>) {
    if matches!(profile.test, TestKind::Traffic) {
        return;
    }
    for (at, ..) in replays(profile) {
        let expected = "streams of packets of their own: a benchmark's trials set size and rate";
        problems.push(profile.origin.problem(path::key(&at, "replay"), "a capture", expected));
    }
}

/// Packet n belongs to slot n: in a chain that is repeated, a round has to end with the capture.
pub(super) fn repeated_chains_end_with_it(profile: &Profile, problems: &mut Vec<Problem>) {
    let of = |name: &str| profile.streams.iter().find(|stream| stream.written_name() == name);
    for (at, stream, replay) in replays(profile) {
        let mut first = stream;
        for _ in 0..profile.streams.len() {
            let Some(before) = first.after.as_deref().and_then(of) else { break };
            first = before;
        }
        let frames = replay.frames.count() as u64;
        let whole = stream.limit.count.is_some_and(|count| count.is_multiple_of(frames));
        let (key, found) = match (stream.limit.duration, stream.limit.count) {
            _ if first.repeat == 1 => continue,
            (Some(_), _) => ("duration", "a duration in a chain that is repeated".to_owned()),
            (None, Some(count)) if !whole => {
                ("count", format!("{count} packets in a chain that is repeated"))
            }
            _ => continue,
        };
        let expected = format!("the whole capture: a multiple of its {frames} packets");
        problems.push(profile.origin.problem(path::key(&at, key), found, expected));
    }
}

/// A receiver would take old probes in a capture for those of this run.
pub(super) fn no_old_probes(profile: &Profile, problems: &mut Vec<Problem>) {
    let measured = |stream: &Stream| stream.tag && stream.to.is_some();
    if !profile.streams.iter().any(measured) {
        return;
    }
    for (at, stream, replay) in replays(profile) {
        if stream.tag {
            continue;
        }
        let is_probe = |frame: &[u8]| {
            let at = find_tag::behind_l4(frame).filter(|at| *at <= frame.len());
            at.is_some_and(|at| matches!(tag::read(&frame[at..]), Seen::Probe(_)))
        };
        let Some(first) = replay.frames.iter().position(is_probe) else { continue };
        let first = replay.frames.number(first);
        let found = format!("a probe tag in packet {first}, of a run before");
        let expected = "tag: true, so that new ones are written over the old, or no measured \
                        stream beside it: its receiver would count them";
        problems.push(profile.origin.problem(path::key(&at, "replay"), found, expected));
    }
}

/// Rules of rewritten fields, where a profile means something else than it says.
pub(super) fn rewritten_fields_fit(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, _, replay) in replays(profile) {
        for rewrite in &replay.rewrite {
            let Rewritten::Values { value, .. } = &rewrite.to else { continue };
            let FieldValue::Same { of, .. } = value.rule() else { continue };
            if crate::profile::replay::find_field(of).is_none() {
                let at = path::key(&path::key(&at, "replay"), "rewrite");
                let at = path::key(&at, &rewrite.name.to_string());
                let found = format!("the unknown field {of}");
                let expected = "a field of a captured header, such as ipv4.src";
                problems.push(profile.origin.problem(at, found, expected));
            }
        }
    }
}

/// What is true of a replay and easily overlooked.
pub(super) fn warn_of_captures(profile: &mut Profile) {
    let mut warnings = Vec::new();
    for (_, stream, replay) in replays(profile) {
        let (name, file, frames) = (&stream.name, &replay.file, &replay.frames);
        let of = frames.count();
        if frames.cut() > 0 {
            warnings.push(format!(
                "stream {name}: {file} holds only the start of {} of {of} packets (snaplen): they \
                 are sent as long as they were captured",
                frames.cut()
            ));
        }
        if frames.backwards() > 0 {
            warnings.push(format!(
                "stream {name}: {} of {of} packets in {file} are earlier than one before them: each \
                 follows it at once, in the file's order",
                frames.backwards()
            ));
        }
        if !stream.tag && stream.to.is_some() {
            warnings.push(format!(
                "stream {name}: replayed packets carry no probe tag: they are sent and not measured, \
                 and only the devices' counters tell how many left and arrived; tag: true writes \
                 one into every packet, where all have room"
            ));
        }
    }
    profile.warnings.extend(warnings);
}
