//! Frame sizes.

use super::{stack_len, stack_names, streams};
use crate::profile::model::{Profile, Size};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::units::{FCS_BYTES, FrameSize};

/// The smallest Ethernet frame (IEEE 802.3 §4A.4.2), FCS included.
const MIN_FRAME: u64 = 64;
/// The smallest that has an Ethernet header.
const MIN_RUNT: u64 = 18;
/// The longest: RFC 6985's `j` is the largest size that the benchmarks name.
const MAX_FRAME: u64 = 16_000;
/// Packets until a mix of sizes begins again.
const MAX_CYCLE: u64 = 1 << 16;

/// The smallest and the largest size.
pub fn bounds(size: &Size) -> (FrameSize, FrameSize) {
    let (low, high) = wide_bounds(size);
    let narrow = |bytes: u64| FrameSize(u32::try_from(bytes).unwrap_or(u32::MAX));
    (narrow(low), narrow(high))
}

fn wide_bounds(size: &Size) -> (u64, u64) {
    let of = |sizes: &mut dyn Iterator<Item = u32>| {
        let (mut low, mut high) = (u32::MAX, 0);
        sizes.for_each(|size| (low, high) = (low.min(size), high.max(size)));
        (u64::from(low), u64::from(high))
    };
    match size {
        Size::Fixed(size) => (u64::from(size.0), u64::from(size.0)),
        Size::List(sizes) => of(&mut sizes.iter().map(|size| size.0)),
        Size::Imix(sizes) => of(&mut sizes.iter().map(|(size, _)| size.0)),
        Size::Counter { start, step, count } => {
            let start = u64::from(start.0);
            (start, count.saturating_sub(1).saturating_mul(u64::from(*step)).saturating_add(start))
        }
        Size::Random { low, high } => (u64::from(low.0), u64::from(high.0)),
        Size::Weighted(shares) => of(&mut shares.iter().flat_map(|s| [s.low.0, s.high.0])),
    }
}

pub(super) fn size_is_a_frame(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        let (low, high) = wide_bounds(&stream.size);
        let least = if stream.runts { MIN_RUNT } else { MIN_FRAME };
        let allowed = least..=MAX_FRAME;
        if let Some(bad) = [low, high].iter().find(|bytes| !allowed.contains(bytes)) {
            let runts = if stream.runts { "" } else { " (less, on purpose, with runts: true)" };
            let expected = format!("{least}B to {MAX_FRAME}B, the 4 bytes of FCS included{runts}");
            if stream.replay.is_some() {
                let found = format!("a frame of {bad}B");
                let expected = format!(
                    "at most {MAX_FRAME}B: what was captured behind segmentation offloads never was \
                     on a wire; capture with ethtool -K … gro off gso off tso off"
                );
                problems.push(profile.origin.problem(path::key(&at, "replay"), found, expected));
                continue;
            }
            let (key, found) = match &stream.piece {
                None => ("size", format!("{bad}B")),
                Some(_) => ("fragments", format!("a piece in a frame of {bad}B")),
            };
            problems.push(profile.origin.problem(path::key(&at, key), found, expected));
        }
    }
}

pub(super) fn range_is_ordered(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        let ranges = match &stream.size {
            Size::Random { low, high } => vec![(*low, *high)],
            Size::Weighted(shares) => shares.iter().map(|share| (share.low, share.high)).collect(),
            _ => Vec::new(),
        };
        if let Some((low, high)) = ranges.into_iter().find(|(low, high)| low > high) {
            let found = format!("{}B..{}B", low.0, high.0);
            let expected = "a range from the smaller size to the larger";
            problems.push(profile.origin.problem(path::key(&at, "size"), found, expected));
        }
    }
}

pub(super) fn imix_cycle_is_short(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        let Size::Imix(sizes) = &stream.size else { continue };
        let cycle: u64 = sizes.iter().map(|(_, weight)| u64::from(*weight)).sum();
        if cycle > MAX_CYCLE {
            let found = format!("weights of {cycle} in all");
            let expected = format!("at most {MAX_CYCLE}: the mix is dealt out in full cycles");
            problems.push(profile.origin.problem(path::key(&at, "size"), found, expected));
        }
    }
}

pub(super) fn headers_fit(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        let (smallest, need) = (bounds(&stream.size).0, stack_len(&stream.headers));
        // Too small for a frame at all is another rule's problem; pieces have only a part of the
        // headers.
        let is_a_frame = stream.runts || u64::from(smallest.0) >= MIN_FRAME;
        if stream.piece.is_none() && smallest.buffer_len() < need && is_a_frame {
            let found = format!("{}B", smallest.0);
            let expected = format!(
                "at least {}B: {} take {need} bytes, the FCS {FCS_BYTES}",
                need + FCS_BYTES,
                stack_names(&stream.headers)
            );
            problems.push(profile.origin.problem(path::key(&at, "size"), found, expected));
        }
    }
}
