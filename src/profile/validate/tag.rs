//! Room for the probe tag. A stream whose smallest frame has none is counted by flow, and the
//! profile says so; a stream that asks for the tag by name is told what it needs. Frames never
//! grow silently.

use super::{bounds, stack_len, stack_names};
use crate::packet::tag::TAG_LEN;
use crate::profile::decode::Decoded;
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::units::FCS_BYTES;

pub(super) fn tags_have_room(decoded: &mut Decoded, problems: &mut Vec<Problem>) {
    let profile = &mut decoded.profile;
    for n in 0..profile.streams.len() {
        let (at, stream) = (profile.stream_path(n), &mut profile.streams[n]);
        // Where the tags of pieces stand was decided when they were cut; of captured packets every
        // one is looked at when they are compiled.
        if stream.piece.is_some() || stream.replay.is_some() {
            continue;
        }
        let (smallest, headers) = (bounds(&stream.size).0, stack_len(&stream.headers));
        if let Some(last) = stream.headers.last().filter(|last| !last.protocol.open && stream.tag) {
            let name = last.protocol.name;
            if decoded.tag_is_explicit.get(n).copied().unwrap_or(false) {
                let found = format!("true after {name}");
                let expected = "false: nothing may follow a whole message";
                problems.push(profile.origin.problem(path::key(&at, "tag"), found, expected));
            }
            stream.tag = false;
            profile.warnings.push(format!(
                "stream {}: {name} is a whole message, so that no probe tag can follow: it is \
                 counted by flow, without latency",
                stream.name
            ));
        }
        let need = headers + TAG_LEN as u32;
        let room = smallest.buffer_len().checked_sub(headers);
        if !stream.tag || smallest.buffer_len() >= need {
            continue;
        }
        // Headers that do not fit themselves are another rule's problem.
        let Some(room) = room else { continue };

        let smallest_tagged = need + FCS_BYTES;
        if decoded.tag_is_explicit.get(n).copied().unwrap_or(false) {
            let found = format!("true with frames of {}B", smallest.0);
            let expected = format!(
                "frames of at least {smallest_tagged}B: the tag takes {TAG_LEN} bytes after {}",
                stack_names(&stream.headers)
            );
            problems.push(profile.origin.problem(path::key(&at, "tag"), found, expected));
        } else {
            stream.tag = false;
            profile.warnings.push(format!(
                "stream {}: frames of {}B leave {room} bytes after {}, and the probe tag takes \
                 {TAG_LEN}: it is counted by flow, without latency; tagged frames have at least \
                 {smallest_tagged}B",
                stream.name,
                smallest.0,
                stack_names(&stream.headers)
            ));
        }
    }
}
