//! The order of headers.

use crate::profile::decode::some_of;
use crate::profile::model::{Header, Profile};
use crate::profile::problem::Problem;
use crate::wire::field::{Protocol, ProtocolKind};

/// Whether `inner` may stand right inside `outer`: because `outer` has a number for it, or because
/// the profile sets by hand what `outer` says of it.
fn may_follow(outer: &Header, inner: &'static Protocol, ip: Option<ProtocolKind>) -> bool {
    let by_hand = outer.protocol.next_field().is_some_and(|f| outer.setting(f.name).is_some());
    let right_family = inner.only_in.is_none_or(|only| ip == Some(only));
    inner.may_follow(outer.protocol) && right_family || by_hand && outer.protocol.open
}

/// The version of IP that header number `n` stands in.
fn ip_around(headers: &[Header], n: usize) -> Option<ProtocolKind> {
    let kinds = headers[..n].iter().rev().map(|header| header.protocol.kind);
    kinds.into_iter().find(|kind| matches!(kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6))
}

pub(super) fn headers_may_follow(profile: &Profile, problems: &mut Vec<Problem>) {
    for (s, stream) in profile.streams.iter().enumerate() {
        let headers = &stream.headers;
        for (h, pair) in headers.windows(2).enumerate() {
            let [outer, inner] = pair else { continue };
            let ip = ip_around(headers, h + 1);
            if may_follow(outer, inner.protocol, ip) {
                continue;
            }
            let protocols = crate::wire::protocols().iter();
            let allowed = protocols.filter(|other| may_follow(outer, other, ip));
            let allowed: Vec<&str> = allowed.map(|other| other.name).collect();
            let (outer, inner) = (outer.protocol, inner.protocol);
            let at = profile.origin.header_path(s, h + 1, headers.len(), inner.name);
            let mut expected = if allowed.is_empty() {
                format!("nothing: {} is a whole message", outer.name)
            } else {
                format!("nothing, {}", some_of(&allowed))
            };
            if let Some(field) = outer.next_field() {
                let own = format!("{}.{}", outer.name, field.name);
                expected.push_str(&format!("; or, on purpose, any header after {own} is set"));
            }
            let found = format!("{} after {}", inner.name, outer.name);
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}

pub(super) fn custom_fields_lie_inside(profile: &Profile, problems: &mut Vec<Problem>) {
    for (s, stream) in profile.streams.iter().enumerate() {
        for (h, header) in stream.headers.iter().enumerate() {
            let bits = header.len() * 8;
            for field in &header.custom {
                let end = usize::from(field.bit_offset) + usize::from(field.bits);
                if end > bits {
                    let name = header.protocol.name;
                    let at = profile.origin.header_path(s, h, stream.headers.len(), name);
                    let at = format!("{at}.fields.{}", field.name);
                    let found = format!("bits {} to {end}", field.bit_offset);
                    let expected = format!("a field inside the header's {bits} bits");
                    problems.push(profile.origin.problem(at, found, expected));
                }
            }
        }
    }
}
