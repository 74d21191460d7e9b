//! Headers of a stack. Their names and fields are the wire module's tables.

use super::{At, Decoder, value};
use crate::profile::model::{FieldSetting, Header};
use crate::profile::path;
use crate::profile::problem::{Problem, nearest, shorten};
use crate::profile::yaml::Data;
use crate::wire::field::Protocol;

/// One entry of a stack: `udp`, `udp:` or `udp: {dst: 7}`.
pub(super) fn header(decoder: &mut Decoder, at: &At<'_>) -> Option<Header> {
    match &at.node.data {
        Data::Scalar { text, .. } => {
            let protocol = protocol(decoder, at, text)?;
            Some(Header { protocol, fields: Vec::new() })
        }
        Data::Mapping(entries) => {
            let [entry] = entries.as_slice() else {
                several(decoder, at);
                return None;
            };
            let key = At { node: at.node, path: at.path.clone() };
            let protocol = protocol(decoder, &key, &entry.key)?;
            let value = At { node: &entry.value, path: path::key(&at.path, &entry.key) };
            if value.is_null() {
                return Some(Header { protocol, fields: Vec::new() });
            }
            let fields = fields(decoder, &value, protocol).unwrap_or_default();
            Some(Header { protocol, fields })
        }
        Data::Null | Data::List(_) => {
            decoder.unexpected(at, "a header: udp, or udp: {dst: 7}");
            None
        }
    }
}

/// The fields that a header's mapping sets.
pub(super) fn fields(
    decoder: &mut Decoder,
    at: &At<'_>,
    protocol: &'static Protocol,
) -> Option<Vec<FieldSetting>> {
    let expected = format!("the fields of {}: a mapping", protocol.name);
    decoder.record(at, protocol.name, &expected, |record| {
        let mut fields = Vec::new();
        for field in protocol.fields {
            if let Some(at) = record.get(field.name)
                && let Some(value) = value::value(record.decoder, &at, field)
            {
                fields.push(FieldSetting { field, value });
            }
        }
        fields
    })
}

fn protocol(decoder: &mut Decoder, at: &At<'_>, name: &str) -> Option<&'static Protocol> {
    let known = || crate::wire::protocols().iter().copied();
    let found = known().find(|protocol| protocol.name == name);
    if found.is_none() {
        let names: Vec<&str> = known().map(|protocol| protocol.name).collect();
        let problem = Problem::found(
            at.node.place,
            at.path.clone(),
            format!("the unknown header \"{}\"", shorten(name)),
            format!("one of {}", names.join(", ")),
        );
        decoder.problems.push(problem.hint(nearest(name, names.iter().copied())));
    }
    found
}

/// Two keys in one entry: mostly fields that are not indented below their header.
fn several(decoder: &mut Decoder, at: &At<'_>) {
    let Data::Mapping(entries) = &at.node.data else { return };
    let keys: Vec<&str> = entries.iter().take(4).map(|entry| entry.key.as_str()).collect();
    let found = match keys.as_slice() {
        [] => "an empty mapping".to_owned(),
        keys => format!("the keys {}", shorten(&keys.join(", "))),
    };
    decoder.refuse(
        at,
        found,
        "one header an entry, its fields indented below it or in braces: udp: {dst: 7}",
    );
}
