//! The JSON Schema of the profile (draft 2020-12), so that editors complete and check profiles.
//!
//! Records stand under `$defs` by the names that the decoder gives them; a test holds the keys of
//! both to each other. What only a rule can see (a tag that has no room) is not in it.

mod benchmark;
mod fragments;
mod headers;
mod lab;
mod measure;
mod modifier;
mod pattern;
mod payload;
mod port;
mod replay;
mod size;
mod stream;
mod study;
mod units;

use serde_json::{Map, Value, json};

use super::benchmark::Kind;
use super::decode::{STUDY, TOPOLOGIES};
use crate::units::Nanos;
use units::{described, integer, unit, words};

/// The schema.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wirestorm profile",
        "description": "What to send, how fast, through what, and what the result is held to.",
    });
    let mut defs = Map::new();
    for (name, record) in records() {
        defs.insert(name.to_owned(), record);
    }
    headers::add(&mut defs);
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, profile()) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(defs));
    }
    schema
}

/// A mapping with these keys and no other.
fn record(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn reference(record: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{record}") })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn profile() -> Value {
    let mut profile = record(
        &[],
        json!({
            "name": described(reference("name"), "Name in reports. Default: the file's stem."),
            "test": described(
                json!({ "anyOf": [
                    words(&test_kinds()), reference("benchmark"), reference("study"),
                ] }),
                "Kind of test. Default: traffic, one trial of the streams as they stand.",
            ),
            "seed": described(
                integer(0, u64::MAX),
                "Seed of every random value: the same seed gives the same packets. Default: 1.",
            ),
            "duration": described(
                unit::<Nanos>(),
                "How long streams send that set neither count nor duration. Default: 10s.",
            ),
            "drain": described(
                unit::<Nanos>(),
                "How long the receiver waits for residual frames (RFC 2544 §23 d). Default: 2s.",
            ),
            "settle": described(
                unit::<Nanos>(),
                "How long links and neighbours settle before the first frame. Default: 100ms.",
            ),
            "lab": described(
                json!({ "anyOf": [words(&TOPOLOGIES.map(|(name, _)| name)), reference("lab")] }),
                "The lab of network namespaces that the profile runs in.",
            ),
            "ports": described(
                json!({
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": reference("name"),
                    "additionalProperties": reference("port"),
                }),
                "Where packets leave and arrive. Default: the lab's tx and rx.",
            ),
            "streams": described(
                json!({ "type": "array", "minItems": 1, "items": reference("stream") }),
                "Flows of packets.",
            ),
            "measure": described(reference("measure"), "What is measured, and how."),
            "pass": described(reference("pass"), "When a valid run has passed."),
            "validity": described(
                reference("validity"),
                "When a run says something about the device and not about this machine.",
            ),
        }),
    );
    // A study makes its packets itself; everything else sends streams.
    profile["if"] = json!({
        "properties": { "test": { "anyOf": [
            { "const": STUDY },
            { "type": "object", "properties": { "kind": { "const": STUDY } }, "required": ["kind"] },
        ] } },
        "required": ["test"],
    });
    profile["then"] = json!({ "not": { "required": ["streams"] } });
    profile["else"] = json!({ "required": ["streams"] });
    profile
}

/// The words that `test:` can be.
fn test_kinds() -> Vec<&'static str> {
    ["traffic", STUDY].into_iter().chain(Kind::NAMES.map(|(name, _)| name)).collect()
}

fn records() -> Vec<(&'static str, Value)> {
    vec![
        (
            "name",
            json!({ "type": ["string", "integer"], "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
        ),
        ("port", port::port()),
        ("next_hop", port::next_hop()),
        ("stream", stream::stream()),
        ("pattern", pattern::pattern()),
        ("step", pattern::step()),
        ("fragments", fragments::fragments()),
        ("piece", fragments::piece()),
        ("fragment_id", fragments::fragment_id()),
        ("replay", replay::replay()),
        ("size", size::size()),
        ("payload", payload::payload()),
        ("lab", lab::lab()),
        ("tbf", lab::tbf()),
        ("benchmark", benchmark::benchmark()),
        ("goal", benchmark::goal()),
        ("modifier", modifier::modifier()),
        ("mix", modifier::mix()),
        ("learning", modifier::learning()),
        ("reset", modifier::reset()),
        ("frame_loss", benchmark::frame_loss()),
        ("latency_test", benchmark::latency()),
        ("back_to_back", benchmark::back_to_back()),
        ("system_recovery", benchmark::recovery()),
        ("study", study::study()),
        ("cell", study::cell()),
        ("effect", study::effect()),
        ("target", study::target()),
        ("arm_criterion", study::criterion()),
        ("measure", measure::measure()),
        ("pass", measure::pass()),
        ("validity", measure::validity()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn keys(record: &Value) -> BTreeSet<String> {
        record["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn schema_and_decoder_know_the_same_keys() {
        let schema = schema();
        let mut known = BTreeMap::from([("profile".to_owned(), keys(&schema))]);
        for (name, record) in schema["$defs"].as_object().expect("records") {
            if record.get("properties").is_some() && name != "header" {
                known.insert(name.clone(), keys(record));
            }
        }
        assert_eq!(known, crate::profile::decode::asked_keys());
    }

    #[test]
    fn every_key_is_described() {
        let schema = schema();
        let records = schema["$defs"].as_object().expect("records");
        for (name, record) in records.iter().map(|(n, r)| (n.as_str(), r)).chain([("", &schema)]) {
            for (key, property) in record["properties"].as_object().into_iter().flatten() {
                let described = property["description"].as_str().is_some_and(|d| !d.is_empty());
                assert!(described || name == "header", "{name}.{key}");
            }
        }
    }
}
