//! Spans of time. Upper bounds keep a slip of the unit from running for years.

use super::{bounds, streams};
use crate::plan;
use crate::profile::model::{Pattern, Profile, Rate};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::{FrameSize, Nanos};

const DAY: Nanos = Nanos(86_400_000_000_000);
const HOUR: Nanos = Nanos(3_600_000_000_000);
const TEN_MINUTES: Nanos = Nanos(600_000_000_000);
const MINUTE: Nanos = Nanos(60_000_000_000);
/// Packets of a Poisson process that are walked through to find where they end.
const MAX_WALK: u64 = 100_000_000;

pub(super) fn duration_is_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let mut check = |at: String, duration: Nanos| {
        if duration == Nanos(0) || duration > DAY {
            let expected = "a duration above 0 and at most 24h";
            problems.push(profile.origin.problem(at, duration.text(), expected));
        }
    };
    check("duration".to_owned(), profile.duration);
    for (at, stream) in streams(profile) {
        // A stream without a limit of its own has the profile's, or its pattern's.
        let others = [Some(profile.duration), stream.pattern.length()];
        if let Some(duration) = stream.limit.duration.filter(|span| !others.contains(&Some(*span)))
        {
            check(path::key(&at, "duration"), duration);
        }
    }
}

pub(super) fn start_is_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        if stream.start > DAY {
            let found = stream.start.text();
            problems.push(profile.origin.problem(path::key(&at, "start"), found, "at most 24h"));
        }
    }
}

pub(super) fn count_ends(profile: &Profile, problems: &mut Vec<Problem>) {
    for (number, (path, stream)) in streams(profile).enumerate() {
        let (Some(count), None) = (stream.limit.count, stream.limit.duration) else { continue };
        let too_long = match &stream.pattern {
            Pattern::Poisson(_) if count > MAX_WALK => {
                let found = format!("{count} packets of a Poisson process");
                let expected = format!("at most {MAX_WALK}, or a duration beside it");
                problems.push(profile.origin.problem(path::key(&path, "count"), found, expected));
                continue;
            }
            Pattern::Poisson(rate) | Pattern::Constant(rate) => {
                is_too_long(count, *rate, bounds(&stream.size).1)
            }
            pattern if pattern.needs_line_rate() => count > DAY.0,
            // What is wrong with the pattern itself is told by other rules.
            _ => plan::shape(profile, number, None)
                .is_ok_and(|shape| shape.due(count) > DAY.0 && shape.slots_in(DAY.0) < Some(count)),
        };
        if too_long {
            let at = if stream.pattern.constant().is_some() { " at" } else { "," };
            let found = format!("{count} packets{at} {}", stream.pattern.text());
            let expected = "a count that is sent within 24h, or a duration beside it";
            // The count is the capture's own.
            let key = if stream.replay.is_some() { "replay" } else { "count" };
            problems.push(profile.origin.problem(path::key(&path, key), found, expected));
        }
    }
}

/// Whether so many packets of a size take more than a day.
fn is_too_long(count: u64, rate: Rate, size: FrameSize) -> bool {
    let (count, day) = (u128::from(count), u128::from(DAY.0));
    match rate {
        Rate::Packets(rate) => {
            count.saturating_mul(rate.nanos.into()) > day * u128::from(rate.packets)
        }
        Rate::Bits { bps, layer } => {
            let bits = u128::from(layer.bytes(size)) * 8;
            count.saturating_mul(bits * 1_000_000_000) > day * u128::from(bps)
        }
        // The rate is known only where the link is: at 1 Gpps nothing is faster.
        Rate::Unlimited | Rate::LineShare(_) => count > day,
    }
}

pub(super) fn waits_are_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let waits = [("drain", profile.drain, HOUR), ("settle", profile.settle, TEN_MINUTES)];
    for (at, wait, most) in waits {
        if wait > most {
            let expected = format!("at most {}", most.text());
            problems.push(profile.origin.problem(at, wait.text(), expected));
        }
    }
}

pub(super) fn lag_is_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let lag = profile.validity.max_lag;
    if lag == Nanos(0) || lag > MINUTE {
        let expected = "a lag above 0 and at most 60s: packets that are later are not sent";
        problems.push(profile.origin.problem("validity.max_lag", lag.text(), expected));
    }
}
