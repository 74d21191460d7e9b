//! Spans of time: `500ms`, `1.5s`.

use super::{Unit, decimal, exact, expected};
use crate::units::Nanos;

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl Unit for Nanos {
    const EXPECTED: &'static str = "a time such as 3s, 500ms, 20us or 1.5min, in whole nanoseconds";
    const PATTERN: &'static str = r"^(0|[0-9][0-9_]*(\.[0-9]+)? *(ns|us|µs|ms|s|min|h))$";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(0));
        }
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let (_, scale) =
            UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected::<Self>)?;
        let nanos = number.times(u128::from(*scale)).ok_or_else(expected::<Self>)?;
        u64::try_from(nanos).map(Self).map_err(|_| expected::<Self>())
    }

    fn text(&self) -> String {
        let (unit, scale) = match self.0 {
            0 => return "0".to_owned(),
            1..1_000 => ("ns", 1),
            1_000..1_000_000 => ("us", 1_000),
            1_000_000..1_000_000_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000),
        };
        exact(u128::from(self.0), scale) + unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_exactly() {
        let nanos = |text| Nanos::parse(text).ok().map(|span| span.0);
        assert_eq!(nanos("3s"), Some(3_000_000_000));
        assert_eq!(nanos("500 ms"), Some(500_000_000));
        assert_eq!(nanos("1.5us"), Some(1_500));
        assert_eq!(nanos("0.5ns"), None);
        assert_eq!(nanos("3"), None);
        assert_eq!(nanos("9999999999h"), None);
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(nanos: u64) {
            prop_assert_eq!(Nanos::parse(&Nanos(nanos).text()), Ok(Nanos(nanos)));
        }
    }
}
