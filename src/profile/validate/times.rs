//! Spans of time. Upper bounds keep a slip of the unit from running for years.

use super::{bounds, streams};
use crate::profile::model::{Profile, Rate};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::Nanos;

const DAY: Nanos = Nanos(86_400_000_000_000);
const HOUR: Nanos = Nanos(3_600_000_000_000);
const TEN_MINUTES: Nanos = Nanos(600_000_000_000);
const MINUTE: Nanos = Nanos(60_000_000_000);

pub(super) fn duration_is_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let mut check = |at: String, duration: Nanos| {
        if duration == Nanos(0) || duration > DAY {
            let expected = "a duration above 0 and at most 24h";
            problems.push(profile.origin.problem(at, duration.text(), expected));
        }
    };
    check("duration".to_owned(), profile.duration);
    for (at, stream) in streams(profile) {
        // A stream without a limit of its own has the profile's.
        if let Some(duration) = stream.limit.duration.filter(|span| *span != profile.duration) {
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
    for (at, stream) in streams(profile) {
        let (Some(count), None) = (stream.limit.count, stream.limit.duration) else { continue };
        let (count, day) = (u128::from(count), u128::from(DAY.0));
        let too_long = match stream.rate {
            Rate::Packets(rate) => {
                count.saturating_mul(rate.nanos.into()) > day * u128::from(rate.packets)
            }
            Rate::Bits { bps, layer } => {
                let bits = u128::from(layer.bytes(bounds(&stream.size).1)) * 8;
                count.saturating_mul(bits * 1_000_000_000) > day * u128::from(bps)
            }
            // The rate is known only where the link is: at 1 Gpps nothing is faster.
            Rate::Unlimited | Rate::LineShare(_) => count > day,
        };
        if too_long {
            let found = format!("{count} packets at {}", stream.rate.text());
            let expected = "a count that is sent within 24h, or a duration beside it";
            problems.push(profile.origin.problem(path::key(&at, "count"), found, expected));
        }
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
