//! Schemas of single values.

use serde_json::{Value, json};

use crate::profile::units::Unit;

/// A value that is written as a unit. A number without a unit is a number to YAML.
pub(super) fn unit<T: Unit>() -> Value {
    let pattern = json!({ "type": "string", "pattern": T::PATTERN });
    // A unit that a bare number can be: `0`, `0.001`.
    let number = ["0", "0.5", "1"].map(|text| T::parse(text).is_ok());
    match number {
        [true, true, true] => json!({
            "anyOf": [pattern, { "type": "number", "minimum": 0, "maximum": 1 }],
        }),
        [true, ..] => json!({ "anyOf": [pattern, { "const": 0 }] }),
        _ => pattern,
    }
}

/// `low..high`.
pub(super) fn range<T: Unit>() -> Value {
    let inner = T::PATTERN.trim_start_matches('^').trim_end_matches('$');
    json!({ "type": "string", "pattern": format!("^({inner}) *\\.\\. *({inner})$") })
}

/// Whole numbers, which may also be written as `0x1f`, `0b101` or `10_000`.
pub(super) fn integer(low: u64, high: u64) -> Value {
    let mut number = json!({ "type": "integer", "minimum": low });
    if high < u64::MAX {
        number["maximum"] = json!(high);
    }
    json!({ "anyOf": [number, { "type": "string", "pattern": INTEGER }] })
}

/// A whole number as text.
pub(super) const INTEGER: &str = "^([0-9][0-9_]*|0[xX][0-9a-fA-F][0-9a-fA-F_]*|0b[01][01_]*)$";

/// One of a few words.
pub(super) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// A schema with its description first.
pub(super) fn described(schema: Value, description: &str) -> Value {
    let mut described = json!({ "description": description });
    if let (Value::Object(described), Value::Object(schema)) = (&mut described, schema) {
        described.extend(schema);
    }
    described
}
