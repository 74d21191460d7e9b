//! Addresses, and the values of header fields by kind.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Unit, decimal, expected};
use crate::wire::field::FieldKind;

/// A MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl Unit for Mac {
    const EXPECTED: &'static str = "a MAC such as 02:00:00:00:00:01";
    const PATTERN: &'static str = r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$";

    fn parse(text: &str) -> Result<Self, String> {
        let mut mac = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut mac {
            let part = parts.next().filter(|part| part.len() == 2);
            let digits = part.filter(|part| part.bytes().all(|c| c.is_ascii_hexdigit()));
            *byte = digits
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or_else(expected::<Self>)?;
        }
        parts.next().is_none().then_some(Self(mac)).ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        self.0.map(|byte| format!("{byte:02x}")).join(":")
    }
}

impl Unit for Ipv4Addr {
    const EXPECTED: &'static str = "an IPv4 address such as 198.18.0.1";
    const PATTERN: &'static str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| expected::<Self>())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Unit for Ipv6Addr {
    const EXPECTED: &'static str = "an IPv6 address such as 2001:2::1";
    const PATTERN: &'static str = r"^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| expected::<Self>())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// One value of a field of that kind, as a number.
///
/// # Errors
/// What would be allowed instead.
pub fn parse_field(kind: FieldKind, text: &str) -> Result<u128, String> {
    match kind {
        FieldKind::Number => decimal::parse_integer(text)
            .ok_or_else(|| "a whole number such as 5000, 0x1388 or 0b101".to_owned()),
        FieldKind::Mac => Mac::parse(text)
            .map(|Mac(mac)| mac.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))),
        FieldKind::Ipv4 => Ipv4Addr::parse(text).map(|address| u128::from(address.to_bits())),
        FieldKind::Ipv6 => Ipv6Addr::parse(text).map(Ipv6Addr::to_bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mac_has_six_bytes_of_two_digits() {
        assert_eq!(Mac::parse("02-00-00-00-00-fF"), Ok(Mac([2, 0, 0, 0, 0, 255])));
        for text in ["", "02:00", "2:0:0:0:0:1", "02:00:00:00:00:01:02", "02:00:00:00:00:0g"] {
            assert!(Mac::parse(text).is_err(), "{text}");
        }
        assert!(Mac::parse("+2:00:00:00:00:01").is_err());
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(mac: [u8; 6], v4: u32, v6: u128) {
            prop_assert_eq!(Mac::parse(&Mac(mac).text()), Ok(Mac(mac)));
            let v4 = Ipv4Addr::from_bits(v4);
            prop_assert_eq!(Ipv4Addr::parse(&v4.text()), Ok(v4));
            let v6 = Ipv6Addr::from_bits(v6);
            prop_assert_eq!(Ipv6Addr::parse(&v6.text()), Ok(v6));
        }
    }
}
