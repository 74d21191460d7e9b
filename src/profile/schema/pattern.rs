//! The schemas of rates and traffic patterns.

use serde_json::{Value, json};

use super::units::{described, integer, range, unit};
use super::{record, reference};
use crate::profile::decode::{MAX_BURST, MAX_STEPS};
use crate::profile::model::Rate;
use crate::units::Nanos;

/// A rate, or a pattern.
pub(super) fn rate() -> Value {
    json!({ "anyOf": [unit::<Rate>(), reference("pattern")] })
}

pub(super) fn pattern() -> Value {
    let mut pattern = record(
        &[],
        json!({
            "burst": described(
                integer(1, MAX_BURST),
                "So many packets, then a gap: {burst: 64, at: 1Mpps, every: 10ms}.",
            ),
            "every": described(unit::<Nanos>(), "From the start of one burst to the next."),
            "gap": described(unit::<Nanos>(), "From the end of one burst to the next."),
            "on": described(
                unit::<Nanos>(),
                "Time with packets: {on: 10ms, off: 90ms, at: 100kpps}.",
            ),
            "off": described(unit::<Nanos>(), "Time without packets."),
            "at": described(
                unit::<Rate>(),
                "Rate within bursts (default: unlimited), or while it is on.",
            ),
            "ramp": described(
                range::<Rate>(),
                "From one rate to another: {ramp: 1kpps..100kpps, over: 10s}.",
            ),
            "over": described(unit::<Nanos>(), "How long the ramp takes."),
            "steps": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_STEPS,
                "items": reference("step"),
                "description": "One after another: [{rate: 1kpps, for: 1s}, {rate: 5kpps, for: 2s}].",
            },
            "poisson": described(
                unit::<Rate>(),
                "Packets at random, independent of one another (RFC 2330): the mean rate.",
            ),
        }),
    );
    pattern["oneOf"] = json!([
        {
            "required": ["burst"],
            "oneOf": [{ "required": ["every"] }, { "required": ["gap"] }],
        },
        { "required": ["on", "off", "at"] },
        { "required": ["ramp", "over"] },
        { "required": ["steps"] },
        { "required": ["poisson"] },
    ]);
    pattern["dependentRequired"] =
        json!({ "every": ["burst"], "gap": ["burst"], "off": ["on"], "over": ["ramp"] });
    pattern
}

pub(super) fn step() -> Value {
    record(
        &["rate", "for"],
        json!({
            "rate": described(rate(), "A rate, 0pps included, or burst, on or ramp."),
            "for": described(unit::<Nanos>(), "How long."),
        }),
    )
}
