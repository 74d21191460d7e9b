//! A stream that sends a capture again, as the profile says it.

use std::sync::Arc;

use super::model::{FieldName, FieldValue};
use super::units::{Unit, decimal};
use crate::capture::Frames;
use crate::wire::field::{FieldDef, Protocol};

/// What a stream replays, and how.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The capture, as the profile names it.
    pub file: String,
    /// Its frames.
    pub frames: Arc<Frames>,
    /// How often it is sent; None: until the stream's duration or count ends it.
    pub rounds: Option<u64>,
    /// Nanoseconds from the last packet of a round to the first of the next, at recorded speed. None:
    /// the mean gap of the capture.
    pub gap: Option<u64>,
    /// What becomes of the checksums.
    pub checksums: Checksums,
    /// Fields that get other values, in the order of the profile.
    pub rewrite: Vec<Rewrite>,
}

/// What becomes of the checksums of captured packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksums {
    /// They stay as they were captured, right or wrong.
    Keep,
    /// They are made right; where the capture does not hold all that one covers, it follows what is
    /// rewritten.
    Recompute,
}

/// A field of captured packets, and what it becomes.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Which field; of several headers of that name the outermost, unless it says which.
    pub name: FieldName,
    /// Its definition.
    pub field: &'static FieldDef,
    /// What it becomes.
    pub to: Rewritten,
}

/// What a captured field becomes.
#[derive(Clone, Debug)]
pub enum Rewritten {
    /// Values by a rule; `keep`: bits outside of the rule's mask stay as they were captured.
    Values {
        /// The rule.
        value: FieldValue,
        /// Whether the other bits stay.
        keep: bool,
    },
    /// The MAC of the next hop towards the packet's destination. Group addresses, and packets that
    /// are not IP, keep theirs.
    NextHop,
    /// The sending port's address, or, in a destination, that of the receiving port.
    Port,
}

impl Rewrite {
    /// Whether the field says where an IP packet goes.
    pub fn is_destination(&self) -> bool {
        self.name.field == "dst" && ["ipv4", "ipv6"].contains(&self.name.header.as_str())
    }
}

/// The header of that name and the field in it; None where it has none, or one that cannot be
/// rewritten: behind bytes of any length.
pub fn find_field(name: &FieldName) -> Option<(&'static Protocol, &'static FieldDef)> {
    let protocol = crate::wire::protocols().iter().find(|p| p.name == name.header)?;
    let field = protocol.field(&name.field)?;
    let behind = protocol.tail.iter().any(|tail| std::ptr::eq(tail, field));
    (!behind).then_some((protocol, field))
}

/// How fast a capture is sent, as a multiple of the speed that it was recorded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// `times / over`, both above 0, in lowest terms.
    times: u64,
    over: u64,
}

impl Speed {
    /// As it was recorded.
    pub const RECORDED: Self = Self { times: 1, over: 1 };

    /// A recorded time at this speed, in nanoseconds, rounded down; saturating.
    pub fn scale(self, nanos: u64) -> u64 {
        let scaled = u128::from(nanos) * u128::from(self.over) / u128::from(self.times);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

impl Unit for Speed {
    const EXPECTED: &'static str =
        "recorded, or a multiple such as 2x or 0.5x; a rate stands beside replay, under rate";
    const PATTERN: &'static str = r"^(recorded|[0-9][0-9_]*(\.[0-9]+)? ?x)$";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "recorded" {
            return Ok(Self::RECORDED);
        }
        let refuse = || Self::EXPECTED.to_owned();
        let (number, unit) = decimal::split(text).ok_or_else(refuse)?;
        let (times, over) = number.fraction();
        let divisor = gcd(times, over).max(1);
        let lowest = |part: u128| u64::try_from(part / divisor).ok().filter(|part| *part > 0);
        match (unit, lowest(times), lowest(over)) {
            ("x", Some(times), Some(over)) if times < 1 << 40 && over < 1 << 40 => {
                Ok(Self { times, over })
            }
            _ => Err(refuse()),
        }
    }

    fn text(&self) -> String {
        if *self == Self::RECORDED {
            return "recorded".to_owned();
        }
        // The divisor came from a decimal number: so many places make it whole again.
        let places = (0..24).map(|n| 10u128.pow(n)).find(|p| p % u128::from(self.over) == 0);
        let places = places.unwrap_or(1);
        let digits = u128::from(self.times) * (places / u128::from(self.over));
        super::units::exact(digits, places) + "x"
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn speeds_are_exact() {
        let at = |text: &str, nanos| Speed::parse(text).map(|speed| speed.scale(nanos));
        assert_eq!(at("recorded", 7), Ok(7));
        assert_eq!(at("2x", 7), Ok(3));
        assert_eq!(at("0.5x", 7), Ok(14));
        assert_eq!(at("1.5 x", 3_000_000_000), Ok(2_000_000_000));
        for text in ["0x", "x", "2", "-1x", "10kpps", "fast", ""] {
            assert!(Speed::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(digits in 1u64..1_000_000, places in 0u32..7) {
            let text = super::super::units::exact(digits.into(), 10u128.pow(places)) + "x";
            let speed = Speed::parse(&text);
            let again = speed.clone().map(|speed| speed.text());
            prop_assert_eq!(again.and_then(|text| Speed::parse(&text)), speed);
        }
    }
}
