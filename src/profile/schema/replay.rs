//! Captures that are sent again.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{headers, record, reference};
use crate::capture::MAX_PACKETS;
use crate::profile::decode::{CHECKSUMS, FOREVER, MAX_REPLAY_ROUNDS};
use crate::profile::replay::Speed;
use crate::units::Nanos;

/// Packets of a capture: by number, by header, by what stands in fields.
fn packets() -> Value {
    let or_list =
        |one: Value| json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] });
    let range = json!({ "type": "string", "pattern": "^[0-9_]+ *\\.\\. *[0-9_]+$" });
    let numbers = json!({ "anyOf": [integer(1, MAX_PACKETS as u64), range] });
    let names = reference("header_name");
    let values = or_list(json!({ "type": ["string", "integer"] }));
    json!({ "anyOf": [
        numbers,
        or_list(names.clone()),
        {
            "type": "object",
            "minProperties": 1,
            "properties": {
                "packets": described(or_list(numbers), "Their numbers in the file, from 1."),
                "has": described(or_list(names), "A header that they have; one of several."),
            },
            "patternProperties": {
                (headers::FIELD_NAME): described(values, "A value, a range, a prefix; or several."),
            },
            "additionalProperties": false,
        },
    ] })
}

pub(super) fn replay() -> Value {
    record(
        &["file"],
        json!({
            "file": described(
                json!({ "type": "string", "minLength": 1 }),
                "The capture, pcap or pcapng, of Ethernet; relative to the profile.",
            ),
            "only": described(packets(), "Which packets are sent: those that are all of this."),
            "except": described(packets(), "Which packets are not sent, of those."),
            "speed": described(
                unit::<Speed>(),
                "As recorded, or 2x, 0.5x as fast. Default: recorded, or the stream's rate.",
            ),
            "repeat": described(
                json!({ "anyOf": [integer(1, MAX_REPLAY_ROUNDS), words(&[FOREVER])] }),
                "How often; forever: until the duration or count of the stream. Default: 1.",
            ),
            "gap": described(
                unit::<Nanos>(),
                "From the last packet of a round to the first of the next, as recorded. Default: \
                 the mean gap of the capture.",
            ),
            "checksums": described(
                words(&CHECKSUMS),
                "As captured, or made right. Default: recompute where something is rewritten or \
                 tagged.",
            ),
            "rewrite": described(
                json!({
                    "type": "object",
                    "propertyNames": headers::field_name(),
                    "additionalProperties": headers::rewritten(),
                }),
                "Fields that get other values: {ipv4.dst: 198.19.0.1, ethernet.dst: next-hop}.",
            ),
        }),
    )
}
