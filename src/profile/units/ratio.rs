//! Shares of a whole: `0.1%`, `0.001`, `0`.

use super::{Unit, decimal, exact, expected};
use crate::units::Ratio;

impl Unit for Ratio {
    const EXPECTED: &'static str =
        "a share such as 0.1% or 0.001, at most 100%, with at most 9 decimals as a fraction";
    const PATTERN: &'static str = r"^[0-9][0-9_]*(\.[0-9]+)?( *%)?$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let parts = match unit {
            "%" => number.times(u128::from(Self::ONE.0 / 100)),
            "" => number.times(u128::from(Self::ONE.0)),
            _ => None,
        };
        parts
            .and_then(|parts| u64::try_from(parts).ok())
            .map(Self)
            .filter(|ratio| *ratio <= Self::ONE)
            .ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        exact(u128::from(self.0), u128::from(Self::ONE.0 / 100)) + "%"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percent_and_fraction_are_the_same() {
        assert_eq!(Ratio::parse("0.1%"), Ok(Ratio(1_000_000)));
        assert_eq!(Ratio::parse("0.001"), Ok(Ratio(1_000_000)));
        assert_eq!(Ratio::parse("0"), Ok(Ratio(0)));
        assert_eq!(Ratio::parse("100%"), Ok(Ratio::ONE));
        for text in ["101%", "1.1", "0.0000000001", "%", "half"] {
            assert!(Ratio::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(parts in 0..=Ratio::ONE.0) {
            prop_assert_eq!(Ratio::parse(&Ratio(parts).text()), Ok(Ratio(parts)));
        }
    }
}
