//! The schema of `payload:`.

use serde_json::{Value, json};

use super::record;
use super::units::{described, integer};

pub(super) fn payload() -> Value {
    let mut payload = record(
        &[],
        json!({
            "text": {
                "type": ["string", "number", "boolean"],
                "description": "This text, repeated to fill the frame.",
            },
            "hex": {
                "type": ["string", "integer"],
                "pattern": "^[0-9a-fA-F:\\s]+$",
                "description": "These bytes, repeated to fill the frame.",
            },
            "fill": described(integer(0, 255), "Every byte the same."),
            "file": {
                "type": "string",
                "minLength": 1,
                "description": "The bytes of a file, its name relative to the profile's folder, \
                                repeated to fill the frame.",
            },
            "prbs": {
                "enum": crate::packet::prbs::ORDERS.map(|order| order.stages),
                "description": "A pseudorandom bit sequence of 2^n - 1 bits (ITU-T O.150).",
            },
        }),
    );
    payload["minProperties"] = json!(1);
    payload["maxProperties"] = json!(1);
    payload
}
