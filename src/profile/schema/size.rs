//! The schema of `size:`.

use serde_json::{Value, json};

use super::record;
use super::units::{described, integer, range, unit, words};
use crate::profile::decode::MIXES;
use crate::units::FrameSize;

pub(super) fn size() -> Value {
    let mut size = record(
        &[],
        json!({
            "imix": described(
                json!({ "anyOf": [words(&MIXES.map(|(name, _)| name)), {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": unit::<FrameSize>(),
                    "additionalProperties": integer(1, 1 << 16),
                }] }),
                "Sizes with weights, dealt evenly, or the name of a well-known mix.",
            ),
            "genome": {
                "type": "string",
                "pattern": "^[a-jzA-Z]+$",
                "description":
                    "Sizes in the order of RFC 6985's letters: a=64 b=128 c=256 d=512 e=1024 f=1280 \
                     g=1518 h=2112 i=9000 j=16000, z=mtu+18, A to Z from custom.",
            },
            "custom": {
                "type": "object",
                "propertyNames": { "pattern": "^[A-Z]$" },
                "additionalProperties": unit::<FrameSize>(),
                "description": "Sizes of the genome's upper-case letters.",
            },
            "mtu": described(integer(46, 65_535), "The MTU, for the genome's z."),
            "start": described(unit::<FrameSize>(), "First of count sizes."),
            "step": described(unit::<FrameSize>(), "From one size to the next. Default: 1B."),
            "count": described(integer(1, 1 << 16), "Sizes before it begins again."),
            "random": described(
                json!({ "anyOf": [range::<FrameSize>(), {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": integer(1, 1 << 16),
                }] }),
                "Uniform over 64B..1518B, or sizes and ranges with weights.",
            ),
        }),
    );
    size["oneOf"] = json!([
        { "required": ["imix"] }, { "required": ["genome"] }, { "required": ["start", "count"] },
        { "required": ["random"] },
    ]);
    size["dependentRequired"] = json!({
        "step": ["start"], "count": ["start"], "custom": ["genome"], "mtu": ["genome"],
    });
    size
}
