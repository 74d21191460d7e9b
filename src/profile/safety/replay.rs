//! Where captured packets go.

use std::collections::HashSet;
use std::fmt;

use super::super::prefix::address;
use super::Ranges;
use crate::packet::captured::{Captured, To};
use crate::profile::model::{FieldValue, Stream};
use crate::profile::replay::Replay;

/// A destination that is not allowed.
pub(super) struct Outside {
    ipv4: bool,
    address: u128,
    /// The packet that goes there, from 1.
    packet: usize,
}

impl Outside {
    /// The header that says so.
    pub fn header(&self) -> &'static str {
        if self.ipv4 { "ipv4" } else { "ipv6" }
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the destination {} of packet {}", address(self.address, self.ipv4), self.packet)
    }
}

/// The first destination of a replayed packet that is not allowed. What the receiving port decides
/// is judged when it is known.
pub(super) fn outside(ranges: &Ranges, stream: &Stream, replay: &Replay) -> Option<Outside> {
    // Addresses and rules that were judged already: captures have few of them.
    let mut seen = HashSet::new();
    replay.frames.iter().enumerate().find_map(|(n, frame)| {
        let found = Captured::of(frame);
        found.destinations(replay).find_map(|destination| {
            let ipv4 = destination.is_ipv4;
            let largest = if ipv4 { u128::from(u32::MAX) } else { u128::MAX };
            let outside = match destination.to {
                To::Port => None,
                To::Address(one) => {
                    let new = seen.insert((ipv4, None, one));
                    new.then(|| ranges.first_outside(ipv4, one & largest, one & largest))?
                }
                To::Rule { rule, value, kept } => {
                    let new = seen.insert((ipv4, Some(rule), kept.unwrap_or(0)));
                    let taken = || match kept {
                        Some(captured) => kept_ranges(value, captured),
                        None => value.ranges(largest, stream),
                    };
                    let outside = |(low, high)| ranges.first_outside(ipv4, low, high);
                    new.then(|| taken().into_iter().find_map(outside))?
                }
            };
            outside.map(|address| Outside { ipv4, address, packet: replay.frames.number(n) })
        })
    })
}

/// Ranges that hold what a rule makes of a captured value whose bits it keeps outside of its mask:
/// with the mask's bits all 0, and all 1.
fn kept_ranges(value: &FieldValue, captured: u128) -> Vec<(u128, u128)> {
    match value {
        FieldValue::Every { value, .. } => kept_ranges(value, captured),
        FieldValue::Masked { mask, .. } => match value.rule() {
            FieldValue::Fixed(value) => {
                let one = captured & !mask | value & mask;
                vec![(one, one)]
            }
            FieldValue::List(values) => {
                let of = |value: &u128| captured & !mask | value & mask;
                values.iter().map(|value| (of(value), of(value))).collect()
            }
            _ => vec![(captured & !mask, captured | mask)],
        },
        _ => vec![(captured, captured)],
    }
}
