//! Headers, from the wire module's tables.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value, json};

use super::units::{INTEGER, described, integer, unit, words};
use super::{record, reference};
use crate::profile::decode::{REWRITE_WORDS, ROUND, header_record, rule_name};
use crate::profile::units::{Mac, Unit};
use crate::wire::field::{DataKind, FieldDef, FieldDefault, FieldKind, Protocol};

/// Adds `header`, one record a protocol, and one a kind of value.
pub(super) fn add(defs: &mut Map<String, Value>) {
    let protocols = crate::wire::protocols();
    let names: Vec<&str> = protocols.iter().map(|protocol| protocol.name).collect();
    let mut properties = Map::new();
    for protocol in protocols {
        let value = json!({ "anyOf": [{ "type": "null" }, reference(protocol.name)] });
        properties.insert(protocol.name.to_owned(), described(value, protocol.summary));
    }
    let mut stacked = record(&[], Value::Object(properties));
    stacked["minProperties"] = json!(1);
    stacked["maxProperties"] = json!(1);
    defs.insert("header_name".to_owned(), words(&names));
    let word = described(words(&names), "A header with its defaults.");
    // The keys stand at the top, so that editors complete them.
    defs.insert("header".to_owned(), json!({ "anyOf": [word, stacked] }));
    for protocol in protocols {
        defs.insert(protocol.name.to_owned(), header(protocol));
        for option in protocol.options.iter().flat_map(|options| options.kinds) {
            defs.insert(header_record(option, Some(protocol.name)), header(option));
        }
    }
    defs.insert("custom_field".to_owned(), custom_field());
    for kind in [FieldKind::Number, FieldKind::Mac, FieldKind::Ipv4, FieldKind::Ipv6] {
        defs.insert(rule_name(kind).to_owned(), rule(kind));
    }
}

fn header(protocol: &Protocol) -> Value {
    let mut properties = Map::new();
    for field in protocol.all_fields() {
        properties.insert(field.name.to_owned(), described(values(field), field.summary));
    }
    if let Some(def) = protocol.data {
        properties.insert(def.name.to_owned(), described(data(def.kind), def.summary));
    }
    if let Some(def) = &protocol.options {
        let list = json!({ "type": "array", "items": options(protocol.name, def.kinds) });
        properties.insert(def.name.to_owned(), described(list, "In order."));
    }
    if protocol.custom_fields {
        let fields = json!({ "type": "object", "additionalProperties": reference("custom_field") });
        let fields = described(fields, "Fields of your own, by name.");
        properties.insert("fields".to_owned(), fields);
    }
    described(record(&[], Value::Object(properties)), protocol.summary)
}

/// One option of a header, as a word or with its fields.
fn options(outer: &str, kinds: &[&Protocol]) -> Value {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let mut properties = Map::new();
    for kind in kinds {
        let record = reference(&header_record(kind, Some(outer)));
        let value = json!({ "anyOf": [{ "type": "null" }, record] });
        properties.insert(kind.name.to_owned(), described(value, kind.summary));
    }
    let mut one = record(&[], Value::Object(properties));
    one["minProperties"] = json!(1);
    one["maxProperties"] = json!(1);
    json!({ "anyOf": [words(&names), one] })
}

fn data(kind: DataKind) -> Value {
    let list = |item: Value| json!({ "type": "array", "items": item });
    match kind {
        DataKind::Bytes => json!({
            "type": ["string", "integer"],
            "pattern": "^[ :]*([0-9a-fA-F][ :]*[0-9a-fA-F][ :]*)+$",
        }),
        DataKind::Text => json!({ "type": "string", "minLength": 1 }),
        DataKind::DomainName => json!({ "type": "string", "minLength": 1, "maxLength": 254 }),
        DataKind::Ipv4List | DataKind::Ipv4Slots => list(entry(FieldKind::Ipv4)),
        DataKind::Ipv6List => list(entry(FieldKind::Ipv6)),
    }
}

/// An entry of a list of addresses takes what a field takes.
fn entry(kind: FieldKind) -> Value {
    let mut any = vec![scalar(kind), reference(rule_name(kind))];
    any.extend(prefix(kind));
    json!({ "anyOf": any })
}

fn custom_field() -> Value {
    let value = json!({ "anyOf": [
        integer(0, u64::MAX),
        { "type": "array", "minItems": 1, "items": integer(0, u64::MAX) },
        reference(rule_name(FieldKind::Number)),
    ] });
    record(
        &["bit", "bits", "value"],
        json!({
            "bit": described(integer(0, 65_535), "First bit, counted from the header's first."),
            "bits": described(integer(1, 64), "Width in bits."),
            "value": described(value, "Its values."),
        }),
    )
}

/// What a field may be: a value, a list, a rule.
fn values(field: &FieldDef) -> Value {
    let one = match field.kind {
        FieldKind::Number if field.names.values.is_empty() => number(field),
        FieldKind::Number => json!({ "anyOf": [number(field), names(field)] }),
        kind => scalar(kind),
    };
    let mut any = vec![
        one.clone(),
        json!({ "type": "array", "minItems": 1, "items": one }),
        reference(rule_name(field.kind)),
    ];
    if let Some(prefix) = prefix(field.kind) {
        any.push(prefix);
    }
    if field.default == FieldDefault::Checksum {
        any.push(described(words(&["bad"]), "The right one, off by one."));
    }
    json!({ "anyOf": any })
}

/// What a captured field becomes: of any kind, since the key names it.
pub(super) fn rewritten() -> Value {
    let kinds = [FieldKind::Number, FieldKind::Mac, FieldKind::Ipv4, FieldKind::Ipv6];
    let scalars = kinds.map(scalar);
    let mut any = vec![
        described(words(&REWRITE_WORDS), "The next hop's MAC; the port's own address."),
        json!({ "type": "array", "minItems": 1, "items": { "anyOf": scalars } }),
    ];
    any.extend(scalars);
    any.extend(kinds.iter().filter_map(|kind| prefix(*kind)));
    any.extend(kinds.map(|kind| reference(rule_name(kind))));
    json!({ "anyOf": any })
}

/// The names of a field's values, as people write them.
fn names(field: &FieldDef) -> Value {
    let names: Vec<&str> = field.names.values.iter().map(|(name, _)| *name).collect();
    if !field.names.are_bits {
        return words(&names);
    }
    json!({ "type": "string", "pattern": format!("^{}$", field.names.pattern()) })
}

fn number(field: &FieldDef) -> Value {
    match u64::try_from(field.max()) {
        Ok(most) => integer(0, most),
        Err(_) => integer(0, u64::MAX),
    }
}

/// One value of a kind, of any width.
fn scalar(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Number => integer(0, u64::MAX),
        FieldKind::Mac => unit::<Mac>(),
        FieldKind::Ipv4 => unit::<Ipv4Addr>(),
        FieldKind::Ipv6 => unit::<Ipv6Addr>(),
    }
}

fn pattern(kind: FieldKind) -> &'static str {
    let whole = match kind {
        FieldKind::Number => INTEGER,
        FieldKind::Mac => Mac::PATTERN,
        FieldKind::Ipv4 => Ipv4Addr::PATTERN,
        FieldKind::Ipv6 => Ipv6Addr::PATTERN,
    };
    whole.trim_start_matches('^').trim_end_matches('$')
}

fn prefix(kind: FieldKind) -> Option<Value> {
    if !matches!(kind, FieldKind::Ipv4 | FieldKind::Ipv6) {
        return None;
    }
    let prefix =
        json!({ "type": "string", "pattern": format!("^{}/[0-9]{{1,3}}$", pattern(kind)) });
    Some(described(prefix, "All host addresses of the prefix, one after the other."))
}

/// Values, each with its weight.
fn weights() -> Value {
    json!({ "type": "object", "minProperties": 1, "additionalProperties": integer(1, 1 << 16) })
}

/// How the name of a field of the packet is written.
pub(super) const FIELD_NAME: &str = r"^[a-z0-9_]+(\[[0-9]+\])?\.[A-Za-z0-9._-]+(\[[0-9]+\])?$";

/// The name of a field of the packet.
pub(super) fn field_name() -> Value {
    json!({ "type": "string", "pattern": FIELD_NAME })
}

/// How a field changes from packet to packet.
fn rule(kind: FieldKind) -> Value {
    let one = pattern(kind);
    // Of which field the values are, and so which names they have, a rule does not tell.
    let scalar = |kind| match kind {
        FieldKind::Number => json!({ "anyOf": [
            scalar(kind), { "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+ -]*$" },
        ] }),
        kind => scalar(kind),
    };
    let range = json!({ "type": "string", "pattern": format!("^({one}) *\\.\\. *({one})$") });
    let start = json!({ "anyOf": [scalar(kind), range] });
    let mut rule = record(
        &[],
        json!({
            "increment": described(start.clone(), "First value, or low..high, counting up."),
            "decrement": described(start, "First value, or low..high (from high), counting down."),
            "step": described(
                json!({ "anyOf": [integer(1, u64::MAX), scalar(kind)] }),
                "From packet to packet; of addresses as an address too. Default: 1.",
            ),
            "count": described(
                integer(1, u64::MAX),
                "Values before the counter begins again. Default: up to the field's end.",
            ),
            "list": described(
                json!({ "anyOf": [
                    { "type": "array", "minItems": 1, "items": scalar(kind) }, weights(),
                ] }),
                "These values in turn; with weights, each dealt as evenly as it allows.",
            ),
            "random": described(
                json!({ "anyOf": [range, weights()] }),
                "Uniform over low..high, the same for the same seed; or values and ranges by weight.",
            ),
            "unique": described(
                json!({ "type": "boolean" }),
                "Each value once in a cycle, every cycle in an order of its own.",
            ),
            "zipf": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 10,
                "description": "Zipf's distribution: the n-th value in proportion to n^-zipf.",
            },
            "mean": described(
                json!({ "anyOf": [{ "type": "number" }, scalar(kind)] }),
                "Normal distribution: its mean, inside the range.",
            ),
            "sd": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "Normal distribution: its standard deviation.",
            },
            "same_as": described(field_name(), "What another field of the packet has."),
            "plus": {
                "type": "integer",
                "description": "Added to the other field, modulo the width.",
            },
            "every": described(
                json!({ "anyOf": [integer(1, u64::MAX), words(&[ROUND])] }),
                "Packets of one value: the rule advances with every so many; round: with every \
                 round of a replayed capture. Default: 1.",
            ),
            "mask": described(
                json!({ "anyOf": [integer(0, u64::MAX), scalar(kind)] }),
                "The bits that follow the rule; all others are those of base.",
            ),
            "base": described(
                json!({ "anyOf": [integer(0, u64::MAX), scalar(kind)] }),
                "The bits outside the mask. Default: 0.",
            ),
        }),
    );
    let mut one_of = vec!["increment", "decrement", "list", "random", "same_as"];
    rule["dependentRequired"] = json!({ "plus": ["same_as"], "base": ["mask"] });
    if let Some(prefix) = prefix(kind) {
        rule["properties"]["prefix"] = prefix;
        rule["properties"]["order"] = described(
            words(&["increment", "random"]),
            "How the prefix is walked. Default: increment.",
        );
        rule["dependentRequired"]["order"] = json!(["prefix"]);
        one_of.push("prefix");
    }
    let required: Vec<Value> = one_of.iter().map(|key| json!({ "required": [key] })).collect();
    rule["oneOf"] = Value::Array(required);
    rule
}
