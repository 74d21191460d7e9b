//! The schemas of `test:`.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{boolean, record, reference};
use crate::profile::benchmark::Kind;
use crate::profile::decode::{GOALS, METHODS, OWN_SIZES, SHARES};
use crate::profile::model::Rate;
use crate::units::{FrameSize, Nanos, Ratio};

fn repeats(low: u64) -> Value {
    integer(low, 10_000)
}

pub(super) fn benchmark() -> Value {
    record(
        &["kind"],
        json!({
            "kind": described(
                words(&Kind::NAMES.map(|(name, _)| name)),
                "What is looked for; rfc2544 is all of them.",
            ),
            "sizes": described(
                json!({
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 64,
                    "uniqueItems": true,
                    "items": {
                        "anyOf": [unit::<FrameSize>(), { "const": OWN_SIZES }, reference("size")],
                    },
                }),
                "Frame sizes, each tested on its own; a mix such as {imix: csit}; streams: the sizes \
                 that the streams have. Default: [streams].",
            ),
            "bidirectional": described(
                boolean(),
                "Every stream is sent back too, its addresses and ports exchanged. Default: false.",
            ),
            "modifiers": described(
                json!({
                    "type": "array", "minItems": 1, "maxItems": 64, "items": reference("modifier"),
                }),
                "Every test is made without, and with each of these. Default: none.",
            ),
            "learning": described(reference("learning"), "RFC 2544 §23 b."),
            "share": described(
                words(&SHARES.map(|(name, _)| name)),
                "How the streams of a port share its load: as their rates are to each other, or \
                 equally. Default: rates.",
            ),
            "max_rate": described(
                unit::<Rate>(),
                "The highest load of each sending port. Default: 100%, the line rate.",
            ),
            "min_rate": described(
                unit::<Rate>(),
                "The smallest load worth knowing. Default: a thousandth of the highest.",
            ),
            "min_throughput": described(
                unit::<Rate>(),
                "The criterion: every frame size reaches it.",
            ),
            "duration": described(unit::<Nanos>(), "Duration of a full trial. Default: 60s."),
            "wait": described(
                unit::<Nanos>(),
                "From one trial to the next (RFC 2544 §23 e). Default: 5s.",
            ),
            "retries": described(repeats(0), "Repeats of an invalid trial. Default: 3."),
            "max_time": described(
                unit::<Nanos>(),
                "When one search gives up. Default: it takes as long as it needs.",
            ),
            "search": described(
                words(&METHODS.map(|(name, _)| name)),
                "How the throughput is searched. Default: binary.",
            ),
            "width": described(
                unit::<Ratio>(),
                "How near the bounds have to come, of the upper one. Default: 0.5%.",
            ),
            "loss_ratio": described(unit::<Ratio>(), "Loss that still passes. Default: 0."),
            "verifications": described(
                repeats(0),
                "Repeats of a lossy trial before its load fails. Default: 1.",
            ),
            "search_duration": described(
                unit::<Nanos>(),
                "Duration of a binary search's trials but the last. Default: duration.",
            ),
            "goals": described(
                json!({
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 16,
                    "items": {
                        "anyOf": [words(&GOALS.map(|(name, _)| name)), reference("goal")],
                    },
                }),
                "Goals of an MLRsearch, by name or in full. Default: one, that of the binary search.",
            ),
            "frame_loss": described(reference("frame_loss"), "RFC 2544 §26.3."),
            "latency": described(reference("latency_test"), "RFC 2544 §26.2."),
            "back_to_back": described(reference("back_to_back"), "RFC 2544 §26.4, RFC 9004."),
            "system_recovery": described(reference("system_recovery"), "RFC 2544 §26.5."),
            "reset": described(reference("reset"), "RFC 6201."),
        }),
    )
}

pub(super) fn goal() -> Value {
    record(
        &[],
        json!({
            "name": described(
                words(&GOALS.map(|(name, _)| name)),
                "A known goal; what is said beside it is changed.",
            ),
            "loss_ratio": described(
                unit::<Ratio>(),
                "A trial that loses more is a high-loss trial. Default: the test's.",
            ),
            "exceed_ratio": described(
                unit::<Ratio>(),
                "The share of the duration sum that high-loss trials may have. Default: 0.",
            ),
            "width": described(unit::<Ratio>(), "Default: the test's."),
            "initial_duration": described(
                unit::<Nanos>(),
                "Duration of the first trials. Default: 1s, at most the final duration.",
            ),
            "final_duration": described(
                unit::<Nanos>(),
                "Duration of the trials that count in full. Default: the test's duration.",
            ),
            "duration_sum": described(
                unit::<Nanos>(),
                "Sum of durations that decides a load. Default: the final duration.",
            ),
        }),
    )
}

pub(super) fn frame_loss() -> Value {
    record(
        &[],
        json!({
            "step": described(
                unit::<Ratio>(),
                "How far the load falls from trial to trial. Default: 10%.",
            ),
        }),
    )
}

pub(super) fn latency() -> Value {
    record(
        &[],
        json!({
            "duration": described(unit::<Nanos>(), "Duration of a trial. Default: 120s."),
            "repeats": described(repeats(1), "Trials at each load. Default: 20."),
            "loads": described(
                json!({
                    "type": "array", "minItems": 1, "maxItems": 16, "items": unit::<Ratio>(),
                }),
                "Loads, as shares of the throughput. Default: [100%].",
            ),
        }),
    )
}

pub(super) fn back_to_back() -> Value {
    record(
        &[],
        json!({
            "limit": described(unit::<Nanos>(), "The longest burst, at most 30s. Default: 2s."),
            "step": described(
                integer(1, 1 << 32),
                "How near the bounds of a burst have to come, in frames. Default: 1.",
            ),
            "repeats": described(repeats(1), "Searches, each from the start. Default: 50."),
            "verifications": described(
                repeats(0),
                "Repeats of a lossy burst before its length fails. Default: 1.",
            ),
        }),
    )
}

pub(super) fn recovery() -> Value {
    record(
        &[],
        json!({
            "duration": described(unit::<Nanos>(), "How long the overload lasts. Default: 60s."),
            "watch": described(
                unit::<Nanos>(),
                "How long the halved load is watched for losses. Default: 60s.",
            ),
            "resolution": described(
                unit::<Nanos>(),
                "Spans of the watch: the recovery time is known to one of them. Default: 100ms.",
            ),
            "repeats": described(repeats(1), "Trials. Default: 1."),
        }),
    )
}
