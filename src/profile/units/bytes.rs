//! Frame sizes and other numbers of bytes: `64B`, `1.5kB`, `64KiB`.

use super::{Unit, decimal, expected};
use crate::units::FrameSize;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u32);

const UNITS: [(&str, u128); 5] =
    [("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20)];

impl Unit for Bytes {
    const EXPECTED: &'static str = "a number of bytes such as 1600B, 64kB or 64KiB";
    const PATTERN: &'static str = r"^[0-9][0-9_]*(\.[0-9]+)? *(B|kB|KiB|MB|MiB)$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let (_, scale) =
            UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected::<Self>)?;
        let bytes = number.times(*scale).ok_or_else(expected::<Self>)?;
        u32::try_from(bytes).map(Self).map_err(|_| expected::<Self>())
    }

    fn text(&self) -> String {
        format!("{}B", self.0)
    }
}

impl Unit for FrameSize {
    const EXPECTED: &'static str = "a frame size such as 64B, the 4 bytes of FCS included";
    const PATTERN: &'static str = r"^[0-9][0-9_]* *B$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let whole = number.times(1).filter(|_| unit == "B" && !text.contains('.'));
        whole.and_then(|bytes| u32::try_from(bytes).ok()).map(Self).ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        format!("{}B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_need_their_unit() {
        assert_eq!(Bytes::parse("62500B"), Ok(Bytes(62_500)));
        assert_eq!(Bytes::parse("1.5kB"), Ok(Bytes(1_500)));
        assert_eq!(Bytes::parse("64 KiB"), Ok(Bytes(65_536)));
        for text in ["64", "64b", "0.5B", "5GB", "9999999MB"] {
            assert!(Bytes::parse(text).is_err(), "{text}");
        }
        assert_eq!(FrameSize::parse("64B"), Ok(FrameSize(64)));
        for text in ["64", "1.5kB", "64.0B", "-64B"] {
            assert!(FrameSize::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(bytes: u32) {
            prop_assert_eq!(Bytes::parse(&Bytes(bytes).text()), Ok(Bytes(bytes)));
            prop_assert_eq!(FrameSize::parse(&FrameSize(bytes).text()), Ok(FrameSize(bytes)));
        }
    }
}
