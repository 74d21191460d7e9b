//! Rates.

use super::streams;
use crate::profile::model::{Profile, Rate};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::Ratio;

/// Faster than any port: 400 Gbit/s of the smallest frames are 0.6 Gpps.
const MAX_PPS: u128 = 1_000_000_000;
/// Slower than any test.
const SECONDS_PER_PACKET: u128 = 3_600;
const MAX_BPS: u64 = 1_000_000_000_000;
const NANOS: u128 = 1_000_000_000;

pub(super) fn rate_is_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        for (key, rate) in stream.pattern.rates() {
            // Ramps and steps may be silent for a while.
            let may_be_silent = key.starts_with(".ramp") || key.starts_with(".steps");
            if rate.is_silent() && may_be_silent {
                continue;
            }
            if let Some(expected) = outside(rate) {
                let at = format!("{}{key}", path::key(&at, "rate"));
                problems.push(profile.origin.problem(at, rate.text(), expected));
            }
        }
    }
}

/// What would be allowed instead of a rate that is out of range.
fn outside(rate: Rate) -> Option<&'static str> {
    match rate {
        Rate::Unlimited => None,
        Rate::Packets(rate) => {
            let (packets, nanos) = (u128::from(rate.packets), u128::from(rate.nanos));
            let fast = packets * NANOS > MAX_PPS * nanos;
            let slow = packets * NANOS * SECONDS_PER_PACKET < nanos;
            (fast || slow).then_some("a rate from one packet an hour to 1Gpps")
        }
        Rate::Bits { bps, .. } => {
            (bps == 0 || bps > MAX_BPS).then_some("a rate above 0 and at most 1Tbps")
        }
        Rate::LineShare(share) => {
            (share == Ratio(0)).then_some("a share of the line rate above 0% and at most 100%")
        }
    }
}
