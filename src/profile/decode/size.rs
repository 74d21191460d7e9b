//! Frame sizes of a stream.

use super::{At, Decoder, Record};
use crate::profile::model::Size;
use crate::profile::problem::shorten;
use crate::profile::units::Unit;
use crate::units::FrameSize;

/// Sizes in a list at most.
pub const MAX_SIZES: usize = 1 << 16;

const EXPECTED: &str = "a size such as 64B, a list of sizes, {imix: {64B: 7, 594B: 4, 1518B: 1}}, \
                        {start: 64B, step: 2B, count: 8} or {random: 64B..1518B}";

pub(super) fn size(decoder: &mut Decoder, at: &At<'_>) -> Option<Size> {
    use crate::profile::yaml::Data;
    match &at.node.data {
        Data::List(items) => {
            if items.is_empty() || items.len() > MAX_SIZES {
                let found = format!("{} sizes", items.len());
                decoder.refuse(at, found, format!("1 to {MAX_SIZES}"));
                return None;
            }
            decoder.list_of(at, EXPECTED, Decoder::unit).map(Size::List)
        }
        Data::Mapping(_) => decoder.record(at, "size", EXPECTED, varying)?,
        Data::Null => {
            decoder.unexpected(at, EXPECTED);
            None
        }
        Data::Scalar { .. } => decoder.unit(at).map(Size::Fixed),
    }
}

fn varying(record: &mut Record<'_, '_>) -> Option<Size> {
    let (imix, start) = (record.get("imix"), record.get("start"));
    let (step, count) = (record.get("step"), record.get("count"));
    let random = record.get("random");
    if !record.one_of(&[("imix", &imix), ("start", &start), ("random", &random)]) {
        return None;
    }
    if start.is_none() {
        record.only_with(&step, "step", "start");
        record.only_with(&count, "count", "start");
    }
    if let Some(at) = imix {
        return self::imix(record.decoder, &at);
    }
    if let Some(at) = random {
        let (low, high) = record.decoder.range(&at)?;
        return Some(Size::Random { low, high });
    }
    let start: Option<FrameSize> = record.decoder.unit(&start?);
    let step: Option<FrameSize> = match step {
        Some(at) => record.decoder.unit(&at),
        None => Some(FrameSize(1)),
    };
    let count = match count {
        Some(at) => record.decoder.integer(&at, 1, MAX_SIZES as u64),
        None => {
            let at = record.at().clone();
            record.decoder.refuse(&at, "no count", "the number of sizes: {start: 64B, count: 8}");
            None
        }
    };
    Some(Size::Counter { start: start?, step: step?.0, count: count? })
}

/// Sizes and how often each comes (RFC 6985).
fn imix(decoder: &mut Decoder, at: &At<'_>) -> Option<Size> {
    let expected = "sizes with their weights: {64B: 7, 594B: 4, 1518B: 1}";
    let entries = decoder.names(at, expected)?;
    if entries.is_empty() || entries.len() > MAX_SIZES {
        decoder.unexpected(at, expected);
        return None;
    }
    let mut sizes = Vec::new();
    for (entry, key) in &entries {
        let weight = decoder.integer(entry, 1, MAX_SIZES as u64);
        match FrameSize::parse(key) {
            Ok(size) => sizes.extend(weight.map(|weight| (size, weight as u32))),
            Err(expected) => {
                decoder.refuse(entry, format!("the size \"{}\"", shorten(key)), expected)
            }
        }
    }
    (sizes.len() == entries.len()).then_some(Size::Imix(sizes))
}
