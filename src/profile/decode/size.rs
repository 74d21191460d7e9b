//! Frame sizes of a stream.

use super::imix::{self, Genome};
use super::rule::weights;
use super::{At, Decoder, Record};
use crate::profile::model::Size;
use crate::profile::units::{Unit, parse_range};
use crate::profile::yaml::Data;
use crate::units::FrameSize;

/// Sizes in a list at most.
pub const MAX_SIZES: usize = 1 << 16;

const EXPECTED: &str = "a size such as 64B, a list of sizes, {imix: {64B: 7, 594B: 4, 1518B: 1}}, \
                        {genome: aaafg}, {start: 64B, step: 2B, count: 8} or \
                        {random: 64B..1518B}";

pub(super) fn size(decoder: &mut Decoder, at: &At<'_>) -> Option<Size> {
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
    let (random, genome) = (record.get("random"), record.get("genome"));
    let (custom, mtu) = (record.get("custom"), record.get("mtu"));
    let rules = [("imix", &imix), ("genome", &genome), ("start", &start), ("random", &random)];
    if !record.one_of(&rules) {
        return None;
    }
    if start.is_none() {
        record.only_with(&step, "step", "start");
        record.only_with(&count, "count", "start");
    }
    if genome.is_none() {
        record.only_with(&custom, "custom", "genome");
        record.only_with(&mtu, "mtu", "genome");
    }
    if let Some(at) = imix {
        return imix::imix(record.decoder, &at);
    }
    if let Some(genome) = genome {
        return imix::genome(record, &Genome { genome, custom, mtu });
    }
    if let Some(at) = random {
        if let Data::Mapping(_) = at.node.data {
            return weights(record.decoder, &at, MAX_SIZES, ends_of).map(Size::Weighted);
        }
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

/// `64B..128B`, or one size.
fn ends_of(text: &str) -> Result<(FrameSize, FrameSize), String> {
    match text.contains("..") {
        true => parse_range(text),
        false => FrameSize::parse(text).map(|size| (size, size)),
    }
}
