//! Captures that are sent again.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{headers, record};
use crate::profile::decode::{CHECKSUMS, FOREVER, MAX_REPLAY_ROUNDS};
use crate::profile::replay::Speed;
use crate::units::Nanos;

pub(super) fn replay() -> Value {
    record(
        &["file"],
        json!({
            "file": described(
                json!({ "type": "string", "minLength": 1 }),
                "The capture, pcap or pcapng, of Ethernet; relative to the profile.",
            ),
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
