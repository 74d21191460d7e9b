//! Which packets of a capture are sent: `only: dns`, `except: [arp, lldp]`,
//! `only: {packets: 1..100, ipv4.dst: 198.19.0.0/24}`.

use super::value::{ends_of, is_address};
use super::{At, Decoder};
use crate::capture::MAX_PACKETS;
use crate::profile::model::FieldName;
use crate::profile::only::{Field, Only};
use crate::profile::prefix::Prefix;
use crate::profile::problem::{Problem, nearest};
use crate::profile::replay::find_field;
use crate::profile::yaml::Data;
use crate::wire::field::FieldKind;

const EXPECTED: &str = "a header such as dns, packets by their numbers such as 1..100, or {udp.dst: 53, \
                        ipv4.dst: 198.19.0.0/24}";
/// Ranges of one condition at most.
const MAX_RANGES: usize = 1024;

pub(super) fn only(decoder: &mut Decoder, at: &At<'_>) -> Option<Only> {
    match &at.node.data {
        Data::Scalar { text, .. } if text.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(Only { packets: packets(decoder, at)?, ..Only::default() })
        }
        Data::Scalar { .. } | Data::List(_) => {
            Some(Only { has: headers(decoder, at)?, ..Only::default() })
        }
        Data::Mapping(_) => conditions(decoder, at),
        Data::Null => {
            decoder.unexpected(at, EXPECTED);
            None
        }
    }
}

fn conditions(decoder: &mut Decoder, at: &At<'_>) -> Option<Only> {
    let entries = decoder.names(at, EXPECTED)?;
    if entries.is_empty() {
        decoder.unexpected(at, EXPECTED);
        return None;
    }
    let mut only = Only::default();
    let mut sound = true;
    for (at, key) in &entries {
        match *key {
            "packets" => match packets(decoder, at) {
                Some(ranges) => only.packets = ranges,
                None => sound = false,
            },
            "has" => match headers(decoder, at) {
                Some(names) => only.has = names,
                None => sound = false,
            },
            name => match field(decoder, at, name) {
                Some(field) => only.fields.push(field),
                None => sound = false,
            },
        }
    }
    sound.then_some(only)
}

/// Numbers of packets in the file, from 1.
fn packets(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<(u128, u128)>> {
    let expected =
        format!("numbers of packets from 1 to {MAX_PACKETS}: 7, 1..100, or a list of them");
    some(decoder, at, |decoder, at| {
        let (low, high) =
            decoder.scalar(at, &expected, |text| ends_of(FieldKind::Number, text, true))?;
        if low == 0 || low > high || high > MAX_PACKETS as u128 {
            decoder.unexpected(at, &expected);
            return None;
        }
        Some((low, high))
    })
}

/// Names of headers.
fn headers(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<&'static str>> {
    some(decoder, at, |decoder, at| {
        let expected = "a header that `wirestorm headers` lists";
        let Some(text) = at.node.scalar() else {
            decoder.unexpected(at, expected);
            return None;
        };
        let names = || crate::wire::protocols().iter().map(|protocol| protocol.name);
        let known = names().find(|name| *name == text);
        if known.is_none() {
            let found =
                format!("the unknown header \"{}\"", crate::profile::problem::shorten(text));
            let problem = Problem::found(at.node.place, at.path.clone(), found, expected);
            decoder.problems.push(problem.hint(nearest(text, names())));
        }
        known
    })
}

fn field(decoder: &mut Decoder, at: &At<'_>, name: &str) -> Option<Field> {
    let found = FieldName::parse(name).and_then(|name| Some((find_field(&name)?.1, name)));
    let Some((def, name)) = found else {
        let found = format!("\"{}\"", crate::profile::problem::shorten(name));
        let expected =
            "packets, has, or a field such as udp.dst that `wirestorm headers udp` lists";
        let fields = crate::wire::protocols().iter().flat_map(|protocol| {
            protocol.all_fields().map(|field| format!("{}.{}", protocol.name, field.name))
        });
        let known: Vec<String> = fields.chain(["packets".to_owned(), "has".to_owned()]).collect();
        let problem = Problem::found(at.node.place, at.path.clone(), found, expected);
        decoder.problems.push(problem.hint(nearest(name, known.iter().map(String::as_str))));
        return None;
    };
    let ranges = some(decoder, at, |decoder, at| {
        let (low, high) =
            decoder.scalar(at, "a value, a range low..high, or a prefix", |text| {
                if is_address(def.kind) && text.contains('/') {
                    let prefix = Prefix::parse(text)?;
                    let fits = prefix.is_ipv4() == (def.kind == FieldKind::Ipv4);
                    return fits
                        .then(|| prefix.bounds())
                        .ok_or_else(|| "a prefix of the field's kind".to_owned());
                }
                ends_of(def, text, true)
            })?;
        if low > high || high > def.max() {
            decoder.unexpected(at, format!("values of {} bits, the smaller first", def.bits));
            return None;
        }
        Some((low, high))
    })?;
    Some(Field { name, field: def, ranges })
}

/// One, or a list of them.
fn some<'n, T>(
    decoder: &mut Decoder,
    at: &At<'n>,
    mut read: impl FnMut(&mut Decoder, &At<'n>) -> Option<T>,
) -> Option<Vec<T>> {
    let Data::List(items) = &at.node.data else {
        return read(decoder, at).map(|one| vec![one]);
    };
    if items.is_empty() || items.len() > MAX_RANGES {
        decoder.refuse(at, format!("{} entries", items.len()), format!("1 to {MAX_RANGES}"));
        return None;
    }
    decoder.list_of(at, EXPECTED, read)
}
