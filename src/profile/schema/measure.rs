//! The schemas of what is measured, and of what the result is held to.

use serde_json::{Value, json};

use super::boolean;
use super::units::{described, integer, unit, words};
use super::{record, reference};
use crate::profile::decode::{PERCENTILES, RECEIVE_MODES};
use crate::profile::units::PacketsPerSecond;
use crate::units::{Nanos, Ratio};

pub(super) fn measure() -> Value {
    record(
        &[],
        json!({
            "latency": described(boolean(), "Latency histograms. Default: true."),
            "receive": described(
                words(&RECEIVE_MODES.map(|(name, _)| name)),
                "How packets are received. Default: auto, and the report says which it was.",
            ),
            "pass_on": described(
                boolean(),
                "Probes go on to the kernel after they were counted. Default: false.",
            ),
        }),
    )
}

pub(super) fn pass() -> Value {
    let mut pass = record(
        &[],
        json!({
            "max_loss": described(unit::<Ratio>(), "Largest lost / sent, in all and of each stream."),
            "max_duplicated": described(unit::<Ratio>(), "Largest duplicated / unique (RFC 5560)."),
            "max_reordered": described(unit::<Ratio>(), "Largest reordered / unique (RFC 4737)."),
            "max_latency": described(unit::<Nanos>(), "Largest latency of any packet."),
            "min_rx_rate": described(unit::<PacketsPerSecond>(), "Smallest rate received."),
            "arms": described(
                json!({ "type": "array", "items": reference("arm_criterion") }),
                "What the arms of a fragmentation study are held to.",
            ),
        }),
    );
    for (key, percentile) in PERCENTILES {
        let share = f64::from(percentile) / 10_000.0;
        let description = format!("Largest latency that {share} % of the packets stay within.");
        pass["properties"][key] = described(unit::<Nanos>(), &description);
    }
    pass
}

pub(super) fn validity() -> Value {
    record(
        &[],
        json!({
            "max_unsent": described(unit::<Ratio>(), "Largest unsent / intended. Default: 0.1%."),
            "max_lag": described(
                unit::<Nanos>(),
                "A packet that is later than this is not sent any more. Default: 1ms.",
            ),
            "max_receiver_overload": described(
                integer(0, u64::MAX),
                "Packets that this machine's own receive side may drop. Default: 0.",
            ),
        }),
    )
}
