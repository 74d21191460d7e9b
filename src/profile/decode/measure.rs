//! What is measured, and what the result is held to.

use super::{At, Decoder};
use crate::profile::model::{Measure, PassCriteria, ReceiveMode, Validity};
use crate::profile::units::PacketsPerSecond;

/// Keys of latency criteria and their percentile in parts per million.
pub const PERCENTILES: [(&str, u32); 6] = [
    ("p50_latency", 500_000),
    ("p90_latency", 900_000),
    ("p95_latency", 950_000),
    ("p99_latency", 990_000),
    ("p99_9_latency", 999_000),
    ("p99_99_latency", 999_900),
];

/// Ways to receive by their names.
pub const RECEIVE_MODES: [(&str, ReceiveMode); 5] = [
    ("auto", ReceiveMode::Auto),
    ("xdp-native", ReceiveMode::XdpNative),
    ("xdp-generic", ReceiveMode::XdpGeneric),
    ("xdp-steer", ReceiveMode::XdpSteer),
    ("packet-mmap", ReceiveMode::PacketMmap),
];

pub(super) fn measure(decoder: &mut Decoder, at: &At<'_>, measure: &mut Measure) {
    decoder.record(at, "measure", "what is measured: a mapping", |record| {
        measure.latency = record.boolean("latency").unwrap_or(measure.latency);
        if let Some(at) = record.get("receive")
            && let Some(mode) = record.decoder.choice(&at, &RECEIVE_MODES)
        {
            measure.receive = mode;
        }
        measure.pass_on = record.boolean("pass_on").unwrap_or(measure.pass_on);
    });
}

pub(super) fn pass(decoder: &mut Decoder, at: &At<'_>, pass: &mut PassCriteria) {
    decoder.record(at, "pass", "pass criteria: a mapping", |record| {
        pass.max_loss = record.unit("max_loss");
        pass.max_duplicated = record.unit("max_duplicated");
        pass.max_reordered = record.unit("max_reordered");
        for (key, percentile) in PERCENTILES {
            pass.latency.extend(record.unit(key).map(|latency| (percentile, latency)));
        }
        pass.max_latency = record.unit("max_latency");
        if let Some(at) = record.get("arms") {
            let expected = "what arms are held to: [{arm: fragments, delivered: 100%}]";
            let read = record.decoder.list_of(&at, expected, |decoder, item| {
                decoder.record(item, "arm_criterion", expected, super::study::criterion)
            });
            pass.arms = read.unwrap_or_default();
        }
        pass.min_rx_pps = record.unit("min_rx_rate").map(|PacketsPerSecond(pps)| pps);
    });
}

pub(super) fn validity(decoder: &mut Decoder, at: &At<'_>, validity: &mut Validity) {
    decoder.record(at, "validity", "what makes a run invalid: a mapping", |record| {
        validity.max_unsent = record.unit("max_unsent").unwrap_or(validity.max_unsent);
        validity.max_lag = record.unit("max_lag").unwrap_or(validity.max_lag);
        let overload = record.integer("max_receiver_overload", 0, u64::MAX);
        validity.max_receiver_overload = overload.unwrap_or(validity.max_receiver_overload);
    });
}
