//! Address prefixes: `198.18.0.0/15`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    first: IpAddr,
    length: u8,
}

impl Prefix {
    /// The prefix of `text`; an address alone is the prefix of that one address.
    ///
    /// # Errors
    /// What would be allowed instead: an address, a slash, a length, and no bit set behind it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "a prefix such as 198.18.0.0/15 or 2001:2::/48";
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| EXPECTED.to_owned())?;
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let length =
            match length {
                None => bits,
                Some(digits) if digits.len() <= 3 && digits.bytes().all(|c| c.is_ascii_digit()) => {
                    digits.parse().ok().filter(|length| *length <= bits).ok_or_else(|| {
                        format!("a prefix length from 0 to {bits} after the slash")
                    })?
                }
                Some(_) => return Err(EXPECTED.to_owned()),
            };
        let prefix = Self { first: address, length }.aligned();
        if prefix.first == address {
            Ok(prefix)
        } else {
            Err(format!("no bit set after the first {length}: {prefix}, or {address} alone"))
        }
    }

    /// Whether the prefix is of IPv4 addresses.
    pub fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// The first and the last address, as numbers of 32 or 128 bits.
    pub fn bounds(self) -> (u128, u128) {
        let first = number(self.first);
        (first, first | self.host_mask())
    }

    /// The first and the last address that a host can have. IPv4 loses the network's and the
    /// broadcast address (RFC 1122 §3.2.1.3) up to /30, IPv6 the subnet-router anycast address
    /// (RFC 4291 §2.6.1) up to /126.
    pub fn hosts(self) -> (u128, u128) {
        let (first, last) = self.bounds();
        match (self.is_ipv4(), last - first) {
            (_, 0..=1) => (first, last),
            (true, _) => (first + 1, last - 1),
            (false, _) => (first + 1, last),
        }
    }

    fn host_mask(self) -> u128 {
        let host_bits = if self.is_ipv4() { 32 } else { 128 } - u32::from(self.length);
        if host_bits == 128 { u128::MAX } else { (1 << host_bits) - 1 }
    }

    fn aligned(self) -> Self {
        let first = number(self.first) & !self.host_mask();
        Self { first: address(first, self.is_ipv4()), length: self.length }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

/// An address as a number.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// A number as an address.
pub fn address(number: u128, ipv4: bool) -> IpAddr {
    if ipv4 {
        IpAddr::V4(Ipv4Addr::from_bits(number as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> (IpAddr, IpAddr) {
        let prefix = Prefix::parse(text).expect("is a prefix");
        let (low, high) = prefix.hosts();
        (address(low, prefix.is_ipv4()), address(high, prefix.is_ipv4()))
    }

    #[test]
    fn hosts_leave_out_what_no_host_has() {
        let pair = |low: &str, high: &str| (low.parse().expect("ip"), high.parse().expect("ip"));
        assert_eq!(hosts("198.19.0.0/24"), pair("198.19.0.1", "198.19.0.254"));
        assert_eq!(hosts("198.19.0.0/31"), pair("198.19.0.0", "198.19.0.1"));
        assert_eq!(hosts("198.19.0.7"), pair("198.19.0.7", "198.19.0.7"));
        assert_eq!(hosts("2001:2::/126"), pair("2001:2::1", "2001:2::3"));
        assert_eq!(hosts("0.0.0.0/0"), pair("0.0.0.1", "255.255.255.254"));
        assert_eq!(hosts("::/0").0, pair("::1", "::").0);
    }

    #[test]
    fn bits_behind_the_length_are_refused() {
        let error = Prefix::parse("198.18.0.1/15").expect_err("a host bit is set");
        assert!(error.contains("198.18.0.0/15"), "{error}");
        for text in ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "x/8", "::/129"] {
            assert!(Prefix::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(bits: u128, ipv4: bool, length in 0u8..=128) {
            let length = if ipv4 { length.min(32) } else { length };
            let prefix = Prefix { first: address(bits, ipv4), length }.aligned();
            prop_assert_eq!(Prefix::parse(&prefix.to_string()), Ok(prefix));
        }
    }
}
