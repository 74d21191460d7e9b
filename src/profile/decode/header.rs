//! Headers of a stack. Their names and fields are the wire module's tables.

use super::{At, Decoder, Record, data, value};
use crate::profile::model::{CustomField, FieldSetting, Header};
use crate::profile::path;
use crate::profile::problem::{Problem, nearest, shorten};
use crate::profile::yaml::Data;
use crate::wire::field::{FieldKind, Protocol};

/// One entry of a stack: `udp`, `udp:` or `udp: {dst: 7}`.
pub(super) fn header(decoder: &mut Decoder, at: &At<'_>) -> Option<Header> {
    entry(decoder, at, &Kinds { what: "header", outer: None, known: crate::wire::protocols() })
}

/// What an entry may name.
struct Kinds {
    /// `header` or `option`, for messages.
    what: &'static str,
    /// The header that an option stands in.
    outer: Option<&'static Protocol>,
    known: &'static [&'static Protocol],
}

fn entry(decoder: &mut Decoder, at: &At<'_>, kinds: &Kinds) -> Option<Header> {
    match &at.node.data {
        Data::Scalar { text, .. } => protocol(decoder, at, text, kinds).map(Header::new),
        Data::Mapping(entries) => {
            let [entry] = entries.as_slice() else {
                several(decoder, at, kinds.what);
                return None;
            };
            let key = At { node: at.node, path: at.path.clone() };
            let protocol = protocol(decoder, &key, &entry.key, kinds)?;
            let value = At { node: &entry.value, path: path::key(&at.path, &entry.key) };
            if value.is_null() {
                return Some(Header::new(protocol));
            }
            let outer = kinds.outer.map(|outer| outer.name);
            let header = fields(decoder, &value, protocol, outer);
            Some(header.unwrap_or_else(|| Header::new(protocol)))
        }
        Data::Null | Data::List(_) => {
            let example = match kinds.known.first() {
                Some(_) if kinds.outer.is_none() => "a header: udp, or udp: {dst: 7}".to_owned(),
                Some(first) => format!("an option such as {}", first.name),
                None => "nothing".to_owned(),
            };
            decoder.unexpected(at, example);
            None
        }
    }
}

/// The name of a header's record in the schema; that of an option begins with its header's.
pub(in crate::profile) fn record_name(protocol: &Protocol, outer: Option<&str>) -> String {
    outer.map_or(protocol.name.to_owned(), |outer| format!("{outer}_{}", protocol.name))
}

/// What a header's mapping sets.
pub(super) fn fields(
    decoder: &mut Decoder,
    at: &At<'_>,
    protocol: &'static Protocol,
    outer: Option<&str>,
) -> Option<Header> {
    let expected = format!("the fields of {}: a mapping", protocol.name);
    decoder.record(at, &record_name(protocol, outer), &expected, |record| {
        let mut header = Header::new(protocol);
        for field in protocol.all_fields() {
            if let Some(at) = record.get(field.name)
                && let Some(value) = value::value(record.decoder, &at, field)
            {
                header.fields.push(FieldSetting { field, value });
            }
        }
        if let Some(def) = protocol.data
            && let Some(at) = record.get(def.name)
        {
            let read = data::data(record.decoder, &at, def.kind);
            if let Some(read) = read {
                header.data = Some(read.bytes);
                header.custom = entries(record.decoder, &at, &header, def.name, read.changing);
            }
        }
        if let Some(def) = &protocol.options
            && let Some(at) = record.get(def.name)
        {
            let kinds = Kinds { what: "option", outer: Some(protocol), known: def.kinds };
            let names: Vec<&str> = def.kinds.iter().map(|kind| kind.name).collect();
            let expected = format!("a list of {}", some_of(&names));
            let options = record.decoder.list_of(&at, &expected, |d, item| entry(d, item, &kinds));
            header.options = options.unwrap_or_default();
        }
        if protocol.custom_fields
            && let Some(at) = record.get("fields")
        {
            header.custom = custom(record.decoder, &at).unwrap_or_default();
        }
        header
    })
}

/// Entries of a header's list that change at most; their random values have keys of their own.
const MAX_ENTRIES: usize = 32;

/// Fields that lie over the entries of a header's list that change: `segments[0]`.
fn entries(
    decoder: &mut Decoder,
    at: &At<'_>,
    header: &Header,
    list: &str,
    changing: Vec<data::Changing>,
) -> Vec<CustomField> {
    if changing.len() > MAX_ENTRIES {
        let found = format!("{} entries that change", changing.len());
        decoder.refuse(at, found, format!("at most {MAX_ENTRIES}"));
        return Vec::new();
    }
    let parts: usize = header.parts().map(|part| part.len).sum();
    let field = |entry: data::Changing| {
        let bit = (header.protocol.len + parts + entry.at) * 8;
        Some(CustomField {
            name: format!("{list}[{}]", entry.entry),
            bit_offset: u16::try_from(bit).ok()?,
            bits: entry.bits,
            value: entry.value,
        })
    };
    changing.into_iter().filter_map(field).collect()
}

/// Fields that the profile lays over bytes: `{seq: {bit: 16, bits: 16, value: {increment: 0}}}`.
fn custom(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<CustomField>> {
    let names = decoder.names(at, "fields by name: {seq: {bit: 16, bits: 16, value: 7}}")?;
    let count = names.len();
    let fields: Vec<CustomField> = names
        .into_iter()
        .filter_map(|(at, name)| {
            let expected = "a field: {bit: 16, bits: 16, value: 7}";
            decoder.record(&at, "custom_field", expected, |record| custom_field(record, name))?
        })
        .collect();
    (fields.len() == count).then_some(fields)
}

/// One field laid over bytes.
pub(super) fn custom_field(record: &mut Record<'_, '_>, name: &str) -> Option<CustomField> {
    let bit = record.require("bit", "the field's first bit, counted from the header's first");
    let bits = record.require("bits", "the field's width in bits, 1 to 64");
    let value = record.require("value", "the field's values");
    let bit_offset = record.decoder.integer(&bit?, 0, u64::from(u16::MAX))? as u16;
    let bits = record.decoder.integer(&bits?, 1, 64)? as u8;
    let value = value::of_kind(
        record.decoder,
        &value?,
        FieldKind::Number.into(),
        u128::MAX >> (128 - bits),
    )?;
    Some(CustomField { name: name.to_owned(), bit_offset, bits, value })
}

/// The first few of many names, and where the others are told.
pub(in crate::profile) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN => {
            format!("{} or another that `wirestorm headers` lists", first.join(", "))
        }
        _ => names.join(", "),
    }
}

fn protocol(
    decoder: &mut Decoder,
    at: &At<'_>,
    name: &str,
    kinds: &Kinds,
) -> Option<&'static Protocol> {
    let found = kinds.known.iter().copied().find(|protocol| protocol.name == name);
    if found.is_none() {
        let names: Vec<&str> = kinds.known.iter().map(|protocol| protocol.name).collect();
        let problem = Problem::found(
            at.node.place,
            at.path.clone(),
            format!("the unknown {} \"{}\"", kinds.what, shorten(name)),
            format!("one of {}", some_of(&names)),
        );
        decoder.problems.push(problem.hint(nearest(name, names.iter().copied())));
    }
    found
}

/// Two keys in one entry: mostly fields that are not indented below their header.
fn several(decoder: &mut Decoder, at: &At<'_>, what: &str) {
    let Data::Mapping(entries) = &at.node.data else { return };
    let keys: Vec<&str> = entries.iter().take(4).map(|entry| entry.key.as_str()).collect();
    let found = match keys.as_slice() {
        [] => "an empty mapping".to_owned(),
        keys => format!("the keys {}", shorten(&keys.join(", "))),
    };
    decoder.refuse(
        at,
        found,
        format!("one {what} an entry, its fields indented below it or in braces: udp: {{dst: 7}}"),
    );
}
