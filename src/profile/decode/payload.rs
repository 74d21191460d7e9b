//! What follows the headers.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{At, Decoder, data};
use crate::packet::prbs::{ORDERS, PrbsOrder};
use crate::profile::model::Payload;
use crate::profile::problem::{Problem, nearest};

/// Bytes of a payload's text, hexadecimal or file at most: no frame holds more.
const MAX_PAYLOAD: usize = 1 << 14;
/// Patterns that are one word.
pub const WORDS: [&str; 3] = ["zeros", "increment", "random"];

const EXPECTED: &str =
    "zeros, increment, random, {text: ..}, {hex: ..}, {file: ..}, {fill: 0xff} or {prbs: 31}";

pub(super) fn payload(decoder: &mut Decoder, at: &At<'_>) -> Option<Payload> {
    if let Some(text) = at.node.scalar() {
        const KEYS: [&str; 5] = ["text", "hex", "fill", "file", "prbs"];
        return match text {
            "zeros" => Some(Payload::Fill(0)),
            "increment" => Some(Payload::Increment),
            "random" => Some(Payload::Random),
            _ => {
                let (place, path) = (at.node.place, at.path.clone());
                let problem = Problem::found(place, path, at.node.describe(), EXPECTED);
                let words = WORDS.into_iter().chain(KEYS);
                // A key that stands alone is no mistake of spelling.
                let near = nearest(text, words).filter(|near| *near != text);
                decoder.problems.push(problem.hint(near));
                None
            }
        };
    }
    decoder.record(at, "payload", EXPECTED, |record| {
        let (text, hex, fill) = (record.get("text"), record.get("hex"), record.get("fill"));
        let (file, prbs) = (record.get("file"), record.get("prbs"));
        let patterns =
            [("text", &text), ("hex", &hex), ("fill", &fill), ("file", &file), ("prbs", &prbs)];
        if !record.one_of(&patterns) {
            return None;
        }
        let decoder = &mut *record.decoder;
        if let Some(at) = text {
            let text = decoder.text(&at)?;
            return bounded(decoder, &at, text.into_bytes());
        }
        if let Some(at) = hex {
            let bytes = data::hex(decoder, &at)?;
            return bounded(decoder, &at, bytes);
        }
        if let Some(at) = file {
            let bytes = read(decoder, &at)?;
            return bounded(decoder, &at, bytes);
        }
        if let Some(at) = prbs {
            return sequence(decoder, &at).map(Payload::Prbs);
        }
        let byte = decoder.integer(&fill?, 0, 255)?;
        Some(Payload::Fill(byte as u8))
    })?
}

fn sequence(decoder: &mut Decoder, at: &At<'_>) -> Option<PrbsOrder> {
    let stages = ORDERS.map(|order| order.stages.to_string()).join(", ");
    let expected = format!("the stages of a PRBS, one of {stages}");
    decoder.scalar(at, &expected, |text| {
        text.parse().ok().and_then(PrbsOrder::new).ok_or_else(|| expected.clone())
    })
}

/// The bytes of a file, whose name is relative to the profile's folder.
fn read(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<u8>> {
    let name = decoder.text(at)?;
    let path = decoder.folder.join(&name);
    match read_bounded(&path) {
        Ok(bytes) if bytes.is_empty() => {
            decoder.refuse(at, format!("an empty file, {}", path.display()), "at least one byte");
            None
        }
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let found = format!("{}: {error}", path.display());
            decoder.refuse(at, found, "a file that can be read, relative to the profile");
            None
        }
    }
}

/// A file's bytes, and one more than allowed of a file that is too long.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PAYLOAD as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bounded(decoder: &mut Decoder, at: &At<'_>, bytes: Vec<u8>) -> Option<Payload> {
    if bytes.len() > MAX_PAYLOAD {
        let found = match at.path.ends_with(".file") {
            true => format!("more than {MAX_PAYLOAD} bytes"),
            false => format!("{} bytes", bytes.len()),
        };
        decoder.refuse(at, found, format!("at most {MAX_PAYLOAD}"));
        return None;
    }
    Some(Payload::Bytes(bytes))
}
