//! What a profile asks of a study's arms.

use super::super::{At, Decoder, Record};
use crate::profile::study::{ARMS, Criterion};
use crate::profile::units::{Unit, parse_range};
use crate::units::Ratio;

/// `pass.arms`: what arms are held to.
pub(in crate::profile::decode) fn criterion(record: &mut Record<'_, '_>) -> Criterion {
    let mut criterion = Criterion::default();
    let arm = record.require("arm", "the arm that is held to it: fragments");
    criterion.arm = arm.and_then(|at| record.decoder.choice(&at, &ARMS));
    criterion.cell = record.get("cell").and_then(|at| record.decoder.text(&at));
    criterion.delivered = shares(record, "delivered");
    criterion.arrived = shares(record, "arrived");
    criterion.covers_loss = record.unit("covers_loss");
    if let Some(at) = record.get("stage") {
        criterion.stage = record.decoder.choice(&at, &STAGES).map(str::to_owned);
    }
    criterion.largest_fragment = record.integer("largest_fragment", 0, 65_535);
    if let Some(at) = record.get("counters") {
        criterion.counters = numbers(record.decoder, &at, "counters: {rx Ip6.ReasmReqds: 60}");
    }
    if let Some(at) = record.get("icmp") {
        criterion.icmp = numbers(record.decoder, &at, "errors that come back: {3/1: 20}");
    }
    criterion
}

/// The stages by their names.
pub const STAGES: [(&str, &str); 9] = [
    ("none", "none"),
    ("tester", "tester"),
    ("device", "device"),
    ("path", "path"),
    ("router", "router"),
    ("link", "link"),
    ("reassembly", "reassembly"),
    ("receiver", "receiver"),
    ("reply", "reply"),
];

fn numbers(decoder: &mut Decoder, at: &At<'_>, expected: &str) -> Vec<(String, u64)> {
    let entries = decoder.names(at, expected).unwrap_or_default();
    let read = |(entry, key): &(At<'_>, &str)| {
        Some(((*key).to_owned(), decoder.integer(entry, 0, u64::MAX)?))
    };
    entries.iter().filter_map(read).collect()
}

/// One share, or a range of them.
fn shares(record: &mut Record<'_, '_>, key: &'static str) -> Option<(Ratio, Ratio)> {
    let at = record.get(key)?;
    let expected = "a share such as 100%, or a range such as 85%..95%";
    let (low, high) = record.decoder.scalar(&at, expected, |text| {
        let range = match text.contains("..") {
            true => parse_range(text),
            false => Ratio::parse(text).map(|share| (share, share)),
        };
        range.map_err(|_| expected.to_owned())
    })?;
    if low > high {
        record.decoder.refuse(&at, format!("{}..{}", low.text(), high.text()), expected);
        return None;
    }
    Some((low, high))
}
