//! Where packets may go: benchmark, documentation, private, link-local and loopback addresses, the
//! groups of a link (no router forwards them) and those of documentation.
//! RFC 6815 asks for isolated networks; every other destination has to be allowed by name.

mod replay;

use std::net::IpAddr;

use super::model::{FieldSetting, FieldValue, Header, Profile, Stream};
use super::path;
pub use super::prefix::Prefix;
use super::prefix::{address, number};
use super::problem::Problem;
use crate::wire::field::{DataKind, FieldDefault, FieldKind, ProtocolKind, WantedAddress};

/// Prefixes that need no permission.
const SAFE: [&str; 21] = [
    "198.18.0.0/15",   // RFC 2544
    "192.0.2.0/24",    // RFC 5737
    "198.51.100.0/24", // RFC 5737
    "203.0.113.0/24",  // RFC 5737
    "10.0.0.0/8",      // RFC 1918
    "172.16.0.0/12",   // RFC 1918
    "192.168.0.0/16",  // RFC 1918
    "100.64.0.0/10",   // RFC 6598
    "169.254.0.0/16",  // RFC 3927
    "127.0.0.0/8",     // RFC 1122
    "2001:2::/48",     // RFC 5180
    "2001:db8::/32",   // RFC 3849
    "3fff::/20",       // RFC 9637
    "fc00::/7",        // RFC 4193
    "fe80::/10",       // RFC 4291
    // Never forwarded: the groups of a link, and everybody on it.
    "224.0.0.0/24",       // RFC 5771 §4
    "255.255.255.255/32", // RFC 919 §7
    "ff02::/16",          // RFC 4291 §2.7
    // Groups for documentation and tests.
    "233.252.0.0/24",   // RFC 6676 §2
    "ff05::db8:0:0/96", // RFC 6676 §3
    "ff0e::db8:0:0/96", // RFC 6676 §3
];
/// Loopback beside them.
const LOOPBACK: &str = "::1/128";

/// Every destination that a stream of the profile can take outside the safe prefixes and
/// `allowed`: one problem a field. Destinations that the profile leaves to the receiving port are
/// judged by [`is_safe`] once they are known.
pub fn check(profile: &Profile, allowed: &[Prefix]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let ranges = Ranges::new(allowed);
    let own = profile.streams.iter().enumerate().filter(|(_, stream)| stream.has_own_headers());
    for (s, stream) in own {
        if let Some(replay) = &stream.replay
            && let Some(outside) = replay::outside(&ranges, stream, replay)
        {
            let at = path::key(&profile.stream_path(s), "replay");
            let expected = format!("{EXPECTED}; or rewrite: {{{}.dst: …}}", outside.header());
            problems.push(profile.origin.problem(at, outside.to_string(), expected));
        }
        let count = stream.headers.len();
        for (h, header) in stream.headers.iter().enumerate() {
            for FieldSetting { field, value } in &header.fields {
                let ipv4 = match field.kind {
                    FieldKind::Ipv4 => true,
                    FieldKind::Ipv6 => false,
                    FieldKind::Number | FieldKind::Mac => continue,
                };
                if field.name != "dst"
                    && header.protocol.route.is_none()
                    && !becomes_destination(&stream.headers, h, field.name)
                {
                    continue;
                }
                if let Some(outside) = ranges.outside(ipv4, value, stream) {
                    let at = profile.origin.header_path(s, h, count, header.protocol.name);
                    let found = format!("the destination {}", address(outside, ipv4));
                    let at = path::key(&at, field.name);
                    problems.push(profile.origin.problem(at, found, EXPECTED));
                }
            }
            let own = profile.origin.header_path(s, h, count, header.protocol.name);
            let mut routes = vec![(own.clone(), header)];
            if let Some(def) = &header.protocol.options {
                let options = header.options.iter().enumerate();
                routes.extend(options.map(|(n, option)| {
                    let at = path::index(&path::key(&own, def.name), n);
                    (path::key(&at, option.protocol.name), option)
                }));
            }
            for (at, header) in routes {
                if let Some((name, outside)) = ranges.outside_of_route(header, stream) {
                    let found = format!("{outside}, where the packet goes on to");
                    problems.push(profile.origin.problem(path::key(&at, name), found, EXPECTED));
                }
            }
        }
    }
    for port in &profile.ports {
        let given = [("ipv4", port.ipv4.map(IpAddr::V4)), ("ipv6", port.ipv6.map(IpAddr::V6))];
        for (key, given) in given {
            if let Some(given) = given.filter(|given| !ranges.contain_address(*given)) {
                let at = path::key(&path::key("ports", &port.name), key);
                let found = format!("the address {given}, which streams to this port take");
                problems.push(profile.origin.problem(at, found, EXPECTED));
            }
        }
    }
    problems
}

const EXPECTED: &str = "a benchmark, documentation, private, link-local or loopback address, a \
                        group of the link, or --allow-destination with its prefix";

/// Whether the packet goes where this field of header number `h` says: the IP header before it does
/// not say.
fn becomes_destination(headers: &[Header], h: usize, field: &str) -> bool {
    let mut outer = headers[..h].iter().rev();
    let ip = outer.find(|one| matches!(one.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6));
    let wants = headers[h].protocol.wants_address;
    wants.iter().any(|want| matches!(want, WantedAddress::DestinationFrom(from) if *from == field))
        && ip.is_none_or(|ip| ip.setting("dst").is_none())
}

/// Whether packets may be sent to `address` without asking, or because `allowed` says so.
pub fn is_safe(address: IpAddr, allowed: &[Prefix]) -> bool {
    Ranges::new(allowed).contain_address(address)
}

/// The addresses that are allowed, as ranges that neither touch nor overlap.
struct Ranges {
    ipv4: Vec<(u128, u128)>,
    ipv6: Vec<(u128, u128)>,
}

impl Ranges {
    fn new(allowed: &[Prefix]) -> Self {
        let safe = SAFE.iter().chain([&LOOPBACK]).filter_map(|text| Prefix::parse(text).ok());
        let (ipv4, ipv6): (Vec<Prefix>, Vec<Prefix>) =
            safe.chain(allowed.iter().copied()).partition(|prefix| prefix.is_ipv4());
        Self { ipv4: merge(ipv4), ipv6: merge(ipv6) }
    }

    fn contain_address(&self, address: IpAddr) -> bool {
        let number = number(address);
        self.contain(address.is_ipv4(), number, number)
    }

    fn contain(&self, ipv4: bool, low: u128, high: u128) -> bool {
        self.first_outside(ipv4, low, high).is_none()
    }

    /// The smallest address of `low..=high` that is not allowed.
    fn first_outside(&self, ipv4: bool, low: u128, high: u128) -> Option<u128> {
        let ranges = if ipv4 { &self.ipv4 } else { &self.ipv6 };
        let around = ranges.iter().find(|(first, last)| (*first..=*last).contains(&low));
        match around {
            None => Some(low),
            // Ranges do not touch, so what follows the last address is outside.
            Some((_, last)) => (high > *last).then(|| last + 1),
        }
    }

    /// An address of a source route that is not allowed, and the list's name: whoever holds to the
    /// route makes each of its addresses the destination.
    fn outside_of_route(&self, header: &Header, stream: &Stream) -> Option<(&'static str, IpAddr)> {
        let data = header.protocol.data.filter(|_| header.protocol.route.is_some())?;
        let (ipv4, len) = match data.kind {
            DataKind::Ipv4List => (true, 4),
            DataKind::Ipv6List => (false, 16),
            _ => return None,
        };
        let of = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte));
        let mut fixed = header.data().chunks_exact(len).map(of);
        let outside = fixed.find_map(|one| self.first_outside(ipv4, one, one));
        let mut changing = header.custom.iter();
        let outside =
            outside.or_else(|| changing.find_map(|entry| self.outside(ipv4, &entry.value, stream)));
        outside.map(|one| (data.name, address(one, ipv4)))
    }

    /// An address that the field can take and that is not allowed.
    fn outside(&self, ipv4: bool, value: &FieldValue, stream: &Stream) -> Option<u128> {
        if follows_the_receiver(value, ipv4, stream) {
            return None;
        }
        let largest = if ipv4 { u128::from(u32::MAX) } else { u128::MAX };
        let taken = value.ranges(largest, stream);
        taken.into_iter().find_map(|(low, high)| self.first_outside(ipv4, low, high))
    }
}

/// Whether a destination is what another header leaves to the receiving port, whose address is
/// judged by itself.
fn follows_the_receiver(value: &FieldValue, ipv4: bool, stream: &Stream) -> bool {
    let FieldValue::Same { of, plus: 0 } = value else { return false };
    let Ok(n) = of.position(&stream.headers) else { return false };
    let header = &stream.headers[n];
    let kind = if ipv4 { FieldKind::Ipv4 } else { FieldKind::Ipv6 };
    of.setting(header).is_none()
        && header.protocol.all_fields().any(|field| {
            field.name == of.field
                && field.kind == kind
                && field.default == FieldDefault::DestinationAddress
        })
}

/// Sorts ranges and joins those that touch or overlap.
fn merge(prefixes: Vec<Prefix>) -> Vec<(u128, u128)> {
    let mut ranges: Vec<(u128, u128)> = prefixes.iter().map(|prefix| prefix.bounds()).collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::new();
    for (low, high) in ranges {
        match merged.last_mut() {
            Some((_, last)) if low <= last.saturating_add(1) => *last = (*last).max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(allowed: &[&str]) -> Ranges {
        let allowed: Vec<Prefix> =
            allowed.iter().map(|text| Prefix::parse(text).expect("is a prefix")).collect();
        Ranges::new(&allowed)
    }

    #[test]
    fn all_that_is_safe_is_written_correctly() {
        for text in SAFE.iter().chain([&LOOPBACK]) {
            assert!(Prefix::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn addresses_of_others_are_refused() {
        let safe = |text: &str| is_safe(text.parse().expect("is an address"), &[]);
        for text in ["198.18.0.1", "198.19.255.255", "172.31.0.1", "100.127.0.1", "127.0.0.1"] {
            assert!(safe(text), "{text}");
        }
        for text in ["2001:2::1", "2001:db8::1", "fd00::1", "fe80::1", "::1", "3fff:fff::"] {
            assert!(safe(text), "{text}");
        }
        for text in
            ["198.17.255.255", "198.20.0.0", "8.8.8.8", "172.32.0.0", "224.0.1.1", "239.1.1.1"]
        {
            assert!(!safe(text), "{text}");
        }
        for text in ["2001:2:1::", "2001:4860:4860::8888", "::", "ff0e::1", "::ffff:8.8.8.8"] {
            assert!(!safe(text), "{text}");
        }
        assert!(ranges(&["8.8.8.0/24"]).contain_address("8.8.8.8".parse().expect("is one")));
    }

    /// A stream whose IPv4 header has these fields, behind another one that sets its source.
    fn stream(ipv4: &str) -> Stream {
        let text = format!(
            "streams: [{{rate: 1kpps, size: 128B, packet: [{{ipv4: {{src: 8.8.8.8}}}}, {{ipv4: {ipv4}}}, \
             {{udp: {{src: 5}}}}]}}]"
        );
        let profile = crate::profile::parse("p.yaml", &text, &[]).expect("is a profile");
        profile.streams.into_iter().next().expect("has a stream")
    }

    fn outside(destination: &str) -> Option<String> {
        let stream = stream(&format!("{{dst: {destination}}}"));
        let value = stream.headers[2].setting("dst").expect("is set");
        ranges(&[]).outside(true, value, &stream).map(|outside| address(outside, true).to_string())
    }

    #[test]
    fn every_rule_is_judged() {
        for safe in [
            "{random: 198.18.0.1..198.19.0.9, unique: true}",
            "{random: 198.18.0.1..198.19.0.9, zipf: 1.1, every: 3}",
            "{random: {198.18.0.1: 1, 10.0.0.0..10.0.0.9: 2}}",
            "{list: {198.18.0.1: 1, 10.0.0.0: 2}}",
            "{random: 0.0.0.0..255.255.255.255, mask: 0.0.255.255, base: 198.18.0.0}",
            // What the receiving port decides is judged with the port.
            "{same_as: 'ipv4[0].dst'}",
        ] {
            assert_eq!(outside(safe), None, "{safe}");
        }
        for (unsafe_, expected) in [
            ("{random: 198.18.0.1..198.20.0.9, unique: true}", "198.20.0.0"),
            ("{random: 8.8.8.8..198.20.0.9, mean: 10.0.0.1, sd: 3}", "8.8.8.8"),
            ("{random: {198.18.0.1: 1, 1.1.1.1: 2}}", "1.1.1.1"),
            ("{list: {198.18.0.1: 1, 1.1.1.1: 2}}", "1.1.1.1"),
            ("{increment: 198.19.255.255, count: 4, every: 2}", "198.20.0.0"),
            ("{random: 198.18.0.1..198.18.0.9, mask: 0.1.255.255, base: 8.0.0.0}", "8.0.0.0"),
            ("{same_as: 'ipv4[0].src'}", "8.8.8.8"),
            ("{same_as: udp.src}", "0.0.0.5"),
            // Of the sending port's own address nothing is known here, nor of what lies beyond.
            ("{same_as: 'ipv4[1].src'}", "0.0.0.0"),
            ("{same_as: 'ipv4[0].dst', plus: 1}", "0.0.0.0"),
        ] {
            assert_eq!(outside(unsafe_).as_deref(), Some(expected), "{unsafe_}");
        }
    }

    #[test]
    fn a_range_may_span_prefixes_that_touch() {
        let ranges = ranges(&["198.20.0.0/16"]);
        let number = |text: &str| number(text.parse().expect("is an address"));
        let (low, high) = (number("198.18.0.0"), number("198.20.255.255"));
        assert_eq!(ranges.first_outside(true, low, high), None);
        assert_eq!(ranges.first_outside(true, low, high + 1), Some(high + 1));
        assert_eq!(ranges.first_outside(true, low - 1, high), Some(low - 1));
    }

    proptest! {
        /// No address that a counter takes is outside unless one is reported, and what is reported
        /// is outside.
        #[test]
        fn counters_are_judged_as_they_run(
            start in 0xc612_0000u128..=0xc613_ffff, step in -3000i128..3000, count in 1u64..200
        ) {
            let ranges = ranges(&[]);
            let value = FieldValue::Counter { start, step: step as u128, count };
            let outside = ranges.outside(true, &value, &stream("{}"));
            let run = |n: u64| (start as i128 + step * i128::from(n)) as u128 & 0xffff_ffff;
            let first = (0..count).map(run).find(|v| !(0xc612_0000..=0xc613_ffff).contains(v));
            prop_assert_eq!(outside, first);
        }
    }
}
