//! Units as people write them, each a type with one way in and one way out.

mod address;
mod bytes;
pub(super) mod decimal;
mod rate;
mod ratio;
mod time;

pub use address::{Mac, parse_field};
pub use bytes::Bytes;
pub use decimal::parse_integer;
pub use rate::{BitRate, PacketsPerSecond};

/// A value that is written as one scalar.
pub trait Unit: Sized {
    /// What is allowed, for `expected …`.
    const EXPECTED: &'static str;
    /// A regular expression (ECMA 262) that every accepted text matches, for the JSON Schema.
    const PATTERN: &'static str;

    /// The value of `text`.
    ///
    /// # Errors
    /// What would be allowed instead: mostly [`Unit::EXPECTED`].
    fn parse(text: &str) -> Result<Self, String>;

    /// The shortest exact text; [`Unit::parse`] gives the same value back.
    fn text(&self) -> String;
}

/// [`Unit::EXPECTED`] as an error.
fn expected<T: Unit>() -> String {
    T::EXPECTED.to_owned()
}

/// `low..high` of any unit, both ends included.
///
/// # Errors
/// What would be allowed instead.
pub fn parse_range<T: Unit>(text: &str) -> Result<(T, T), String> {
    let Some((low, high)) = text.split_once("..") else {
        return Err(format!("a range such as low..high, each {}", T::EXPECTED));
    };
    Ok((T::parse(low.trim())?, T::parse(high.trim())?))
}

/// The number `value / divisor` in its shortest exact decimal form; `divisor` is a power of ten.
pub(super) fn exact(value: u128, divisor: u128) -> String {
    let (whole, mut rest) = (value / divisor, value % divisor);
    let mut text = whole.to_string();
    if rest > 0 {
        text.push('.');
    }
    let mut place = divisor;
    while rest > 0 {
        place /= 10;
        text.push(char::from(b'0' + (rest / place) as u8));
        rest %= place;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::profile::model::Rate;
    use crate::units::{FrameSize, Nanos, Ratio};

    /// What a unit accepts, its pattern accepts: an editor never objects to a good profile.
    fn judge<T: Unit>(texts: &[String]) -> usize {
        let schema = json!({ "pattern": T::PATTERN });
        let pattern = jsonschema::validator_for(&schema).expect("is a pattern");
        let accepted = texts.iter().filter(|text| T::parse(text).is_ok());
        let judged = accepted.inspect(|text| {
            assert!(pattern.is_valid(&json!(text)), "{text:?} does not match {}", T::PATTERN);
        });
        judged.count()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn patterns_accept_what_units_accept(
            texts in prop::collection::vec(
                "[0-9]{1,3}(_[0-9]{1,3})?(\\.[0-9]{1,3})? ?(%|[TGMk]?(pps|bps|bit/s|packets/s)( L[12])?|B|kB|KiB|ns|us|ms|s|min|h)?",
                2000,
            ),
            addresses in prop::collection::vec(any::<(u32, u128, [u8; 6])>(), 100),
        ) {
            let accepted = [
                judge::<Nanos>(&texts),
                judge::<Rate>(&texts),
                judge::<Ratio>(&texts),
                judge::<Bytes>(&texts),
                judge::<FrameSize>(&texts),
                judge::<BitRate>(&texts),
                judge::<PacketsPerSecond>(&texts),
            ];
            prop_assert!(accepted.iter().all(|count| *count > 0), "{:?}", accepted);
            let text = |text: fn(&(u32, u128, [u8; 6])) -> String| {
                addresses.iter().map(text).collect::<Vec<_>>()
            };
            let v4 = text(|(bits, ..)| Ipv4Addr::from_bits(*bits).text());
            let v6 = text(|(_, bits, _)| Ipv6Addr::from_bits(*bits).text());
            let macs = text(|(.., mac)| Mac(*mac).text());
            prop_assert_eq!(judge::<Ipv4Addr>(&v4), v4.len());
            prop_assert_eq!(judge::<Ipv6Addr>(&v6), v6.len());
            prop_assert_eq!(judge::<Mac>(&macs), macs.len());
        }
    }
}
