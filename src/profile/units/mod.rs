//! Units as people write them, each a type with one way in and one way out.

mod address;
mod bytes;
mod decimal;
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
fn exact(value: u128, divisor: u128) -> String {
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
