//! Captures that are sent again.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{At, Decoder, Record, only, value};
use crate::capture::Frames;
use crate::error::{Error, Result};
use crate::profile::model::FieldName;
use crate::profile::problem::{Problem, nearest};
use crate::profile::replay::{Checksums, Replay, Rewrite, Rewritten, Speed, find_field};
use crate::profile::yaml::Data;
use crate::units::Nanos;
use crate::wire::field::{FieldDef, FieldDefault, FieldKind};

const EXPECTED: &str = "a capture: site.pcapng, or {file: site.pcapng, speed: 2x, repeat: forever}";
/// Words beside values, by what they stand for.
pub const WORDS: [&str; 2] = ["next-hop", "port"];
/// What becomes of checksums.
pub const CHECKSUMS: [&str; 2] = ["keep", "recompute"];
/// Rounds at most.
pub const MAX_ROUNDS: u64 = 1 << 32;
/// The word for rounds without end.
pub const FOREVER: &str = "forever";

/// What a stream says of its replay.
pub(super) struct Read<'n> {
    /// None: it could not be read, and a problem tells why.
    pub replay: Option<Replay>,
    /// The speed, and where it stands if it is there.
    pub speed: Speed,
    pub speed_at: Option<At<'n>>,
    /// Where the gap stands, if it is there.
    pub gap_at: Option<At<'n>>,
}

/// The mapping, or the file alone. `tagged`: packets will carry a probe tag.
pub(super) fn replay<'n>(decoder: &mut Decoder, at: &At<'n>, tagged: bool) -> Read<'n> {
    let nothing = || Read { replay: None, speed: Speed::RECORDED, speed_at: None, gap_at: None };
    if at.node.scalar().is_some() {
        let frames = file(decoder, at, |_, _| true);
        let replay = frames.map(|(file, frames)| Replay {
            file,
            frames,
            rounds: Some(1),
            gap: None,
            checksums: if tagged { Checksums::Recompute } else { Checksums::Keep },
            rewrite: Vec::new(),
        });
        return Read { replay, ..nothing() };
    }
    decoder.record(at, "replay", EXPECTED, |record| mapping(record, tagged)).unwrap_or_else(nothing)
}

fn mapping<'n>(record: &mut Record<'_, 'n>, tagged: bool) -> Read<'n> {
    let frames = record.require("file", "the capture: site.pcapng");
    let (only_at, except_at) = (record.get("only"), record.get("except"));
    let chosen = |decoder: &mut Decoder, at: Option<At<'n>>| match at {
        Some(at) => only::only(decoder, &at).map(Some),
        None => Some(None),
    };
    let only = chosen(record.decoder, only_at);
    let except = chosen(record.decoder, except_at);
    // Without knowing which packets, nothing about them is worth telling.
    let chosen = only.zip(except);
    let frames = frames.zip(chosen).and_then(|(at, (only, except))| {
        file(record.decoder, &at, |number, frame| {
            only.as_ref().is_none_or(|only| only.takes(number, frame))
                && except.as_ref().is_none_or(|except| !except.takes(number, frame))
        })
    });
    let (speed_at, gap_at) = (record.get("speed"), record.get("gap"));
    let speed = speed_at.as_ref().and_then(|at| record.decoder.unit::<Speed>(at));
    let gap = gap_at.as_ref().and_then(|at| record.decoder.unit::<Nanos>(at));
    let rounds = match record.get("repeat") {
        None => Some(1),
        Some(at) if at.node.scalar() == Some(FOREVER) => None,
        Some(at) => Some(rounds(record.decoder, &at).unwrap_or(1)),
    };
    let checksums = record.get("checksums").and_then(|at| {
        let choices = [("keep", Checksums::Keep), ("recompute", Checksums::Recompute)];
        record.decoder.choice(&at, &choices)
    });
    // Of a capture that could not be read one problem is enough.
    let packets = frames.as_ref().map_or(1, |(_, frames)| frames.count() as u64);
    record.decoder.round = Some(packets);
    let rewrite = record.get("rewrite").and_then(|at| rewrite(record.decoder, &at));
    record.decoder.round = None;
    let rewrite = rewrite.unwrap_or_default();
    let changed = tagged || !rewrite.is_empty();
    let default = if changed { Checksums::Recompute } else { Checksums::Keep };
    let replay = frames.map(|(file, frames)| Replay {
        file,
        frames,
        rounds,
        gap: gap.map(|gap| gap.0),
        checksums: checksums.unwrap_or(default),
        rewrite,
    });
    Read { replay, speed: speed.unwrap_or(Speed::RECORDED), speed_at, gap_at }
}

fn rounds(decoder: &mut Decoder, at: &At<'_>) -> Option<u64> {
    let expected = format!("how often, from 1 to {MAX_ROUNDS}, or {FOREVER}");
    decoder.scalar(at, &expected, |text| {
        let count = crate::profile::units::parse_integer(text);
        let count = count.and_then(|count| u64::try_from(count).ok());
        count.filter(|count| (1..=MAX_ROUNDS).contains(count)).ok_or_else(|| expected.clone())
    })
}

/// The frames of a capture that are taken; its name is relative to the profile's folder.
fn file(
    decoder: &mut Decoder,
    at: &At<'_>,
    takes: impl FnMut(usize, &[u8]) -> bool,
) -> Option<(String, Arc<Frames>)> {
    let name = decoder.text(at)?;
    let path = decoder.folder.join(&name);
    match read(&path, &name, takes) {
        Ok(frames) => Some((name, Arc::new(frames))),
        Err(error) => {
            let Error { subject, cause, remedy, .. } = error;
            let remedy = if remedy.is_empty() { remedy } else { format!("; {remedy}") };
            let message = format!("{subject}: {cause}{remedy}");
            decoder.problems.push(Problem::new(at.node.place, at.path.clone(), message));
            None
        }
    }
}

fn read(path: &Path, name: &str, takes: impl FnMut(usize, &[u8]) -> bool) -> Result<Frames> {
    let open = || {
        // A pipe would wait for its writer, and be empty for the next who reads the profile.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        File::open(path)
    };
    let file = open().map_err(|error| {
        Error::new("read", path.display().to_string(), error)
            .remedy("name a capture, pcap or pcapng, relative to the profile")
    })?;
    Frames::read_some(file, name, takes)
}

/// `{ipv4.dst: 198.19.0.1, ethernet.dst: next-hop}`.
fn rewrite(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<Rewrite>> {
    let entries = decoder.names(at, "fields with their values: {ipv4.dst: 198.19.0.1}")?;
    let count = entries.len();
    let fields: Vec<Rewrite> =
        entries.iter().filter_map(|(at, name)| field(decoder, at, name)).collect();
    (fields.len() == count).then_some(fields)
}

fn field(decoder: &mut Decoder, at: &At<'_>, name: &str) -> Option<Rewrite> {
    let Some(name) = FieldName::parse(name) else {
        decoder.refuse(at, format!("\"{name}\""), FieldName::EXPECTED);
        return None;
    };
    let Some((_, field)) = find_field(&name) else {
        let known = crate::wire::protocols().iter().find(|p| p.name == name.header);
        let (expected, hint) = match known {
            None => {
                let names = crate::wire::protocols().iter().map(|protocol| protocol.name);
                let expected = "a header that `wirestorm headers` lists";
                (expected.to_owned(), nearest(&name.header, names))
            }
            Some(protocol) => {
                let names = protocol.all_fields().map(|field| field.name);
                let expected = format!("a field that `wirestorm headers {}` lists", protocol.name);
                (expected, nearest(&name.field, names))
            }
        };
        let found = format!("the unknown field {name}");
        let problem = Problem::found(at.node.place, at.path.clone(), found, expected);
        decoder.problems.push(problem.hint(hint));
        return None;
    };
    if field.default == FieldDefault::Checksum {
        decoder.refuse(at, "a checksum", "it under checksums: keep, or recompute");
        return None;
    }
    let to = values(decoder, at, &name, field)?;
    Some(Rewrite { name, field, to })
}

fn values(
    decoder: &mut Decoder,
    at: &At<'_>,
    name: &FieldName,
    field: &FieldDef,
) -> Option<Rewritten> {
    let is_end = ["src", "dst"].contains(&name.field.as_str());
    match at.node.scalar() {
        Some("next-hop") if name.header == "ethernet" && name.field == "dst" => {
            return Some(Rewritten::NextHop);
        }
        Some("port") if is_end && field.kind != FieldKind::Number => {
            if field.kind == FieldKind::Mac && name.field == "dst" {
                decoder.refuse(at, "port", "next-hop, or a MAC");
                return None;
            }
            return Some(Rewritten::Port);
        }
        _ => {}
    }
    let has = |key: &str| match &at.node.data {
        Data::Mapping(entries) => entries.iter().any(|entry| entry.key == key),
        _ => false,
    };
    let keep = has("mask") && !has("base");
    let value = value::value(decoder, at, field)?;
    Some(Rewritten::Values { value, keep })
}
