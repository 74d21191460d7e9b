//! Which addresses are one client, and how many answers a client gets.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Lengths of the prefixes that stand for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPrefix {
    /// Of IPv4.
    pub v4: u8,
    /// Of IPv6.
    pub v6: u8,
}

impl ClientPrefix {
    /// The prefix that an address belongs to; the bits behind it are 0.
    pub fn of(self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.v4.min(32))).unwrap_or(0);
                IpAddr::V4((address.to_bits() & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.v6.min(128))).unwrap_or(0);
                IpAddr::V6((address.to_bits() & mask).into())
            }
        }
    }

    /// A prefix as it is written.
    pub fn text(self, prefix: IpAddr) -> String {
        let len = if prefix.is_ipv4() { self.v4 } else { self.v6 };
        format!("{prefix}/{len}")
    }
}

/// What a client gets for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// The answer.
    Answer,
    /// An empty answer that asks for TCP, which nobody does who does not exist.
    Truncated,
    /// Nothing.
    Nothing,
}

/// Clients that are told apart; those that share a place share its past.
const PLACES: usize = 1 << 16;
/// A client may save up answers of that many seconds.
const BURST: u64 = 2;

/// Answers a second to each client, in a table that never grows.
#[derive(Debug)]
pub struct RateLimit {
    per_second: u64,
    hasher: RandomState,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    tag: u64,
    /// Billionths of answers.
    tokens: u64,
    at: u64,
    refused: u32,
}

const ONE: u64 = 1_000_000_000;

impl RateLimit {
    /// So many answers a second.
    pub fn new(per_second: NonZeroU32) -> Self {
        let per_second = u64::from(per_second.get());
        Self { per_second, hasher: RandomState::new(), places: vec![Place::default(); PLACES] }
    }

    /// What a client gets for a query at `now` (nanoseconds).
    pub fn ask(&mut self, client: IpAddr, now: u64) -> Allowance {
        let tag = self.hasher.hash_one(client);
        let most = self.per_second * BURST * ONE;
        let place = &mut self.places[tag as usize % PLACES];
        if place.tag != tag {
            *place = Place { tag, tokens: most, at: now, refused: 0 };
        }
        let passed = now.saturating_sub(place.at).min(BURST * ONE);
        place.tokens = place.tokens.saturating_add(passed * self.per_second).min(most);
        place.at = now;
        if place.tokens >= ONE {
            place.tokens -= ONE;
            return Allowance::Answer;
        }
        place.refused = place.refused.wrapping_add(1);
        if place.refused.is_multiple_of(2) { Allowance::Truncated } else { Allowance::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_prefix_are_one_client() {
        let prefix = ClientPrefix { v4: 24, v6: 64 };
        let of = |text: &str| prefix.text(prefix.of(text.parse().unwrap()));
        assert_eq!(of("198.51.100.77"), "198.51.100.0/24");
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        let all = ClientPrefix { v4: 0, v6: 0 };
        assert_eq!(all.text(all.of([1, 2, 3, 4].into())), "0.0.0.0/0");
        let one = ClientPrefix { v4: 32, v6: 128 };
        assert_eq!(one.of("2001:db8::1".parse().unwrap()).to_string(), "2001:db8::1");
    }

    #[test]
    fn a_client_gets_its_rate_and_no_more() {
        let mut limit = RateLimit::new(NonZeroU32::new(10).unwrap());
        let (one, other) = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        let mut answers = |client, seconds: u64| {
            // 100 queries a second.
            let at = (0..seconds * 100).map(|n| n * ONE / 100);
            let got: Vec<_> = at.map(|at| limit.ask(client, at)).collect();
            let count = |what| got.iter().filter(|got| **got == what).count() as u64;
            (count(Allowance::Answer), count(Allowance::Truncated), count(Allowance::Nothing))
        };
        let (given, truncated, nothing) = answers(one, 10);
        assert!((118..=121).contains(&given), "burst of 20 and 10 a second: {given}");
        assert!(truncated.abs_diff(nothing) <= 1);
        assert_eq!(answers(other, 1).0, 29, "another client has its own");
    }
}
