//! The order of headers.

use crate::profile::model::Profile;
use crate::profile::problem::Problem;
use crate::wire::field::ProtocolKind::{self, *};

/// What may stand inside what.
fn may_follow(outer: ProtocolKind, inner: ProtocolKind) -> bool {
    match inner {
        Vlan | Ipv4 | Ipv6 => matches!(outer, Ethernet | Vlan),
        Udp | Tcp => matches!(outer, Ipv4 | Ipv6),
        IcmpEcho => outer == Ipv4,
        Icmpv6Echo => outer == Ipv6,
        Ethernet => false,
    }
}

pub(super) fn headers_may_follow(profile: &Profile, problems: &mut Vec<Problem>) {
    for (s, stream) in profile.streams.iter().enumerate() {
        let headers = &stream.headers;
        for (h, pair) in headers.windows(2).enumerate() {
            let (outer, inner) = (pair[0].protocol, pair[1].protocol);
            if may_follow(outer.kind, inner.kind) {
                continue;
            }
            let at = profile.origin.header_path(s, h + 1, headers.len(), inner.name);
            let protocols = crate::wire::protocols().iter();
            let mut allowed =
                protocols.filter(|other| may_follow(outer.kind, other.kind)).peekable();
            let expected = if allowed.peek().is_none() {
                "nothing: the payload follows".to_owned()
            } else {
                allowed.map(|other| other.name).collect::<Vec<_>>().join(", ") + " or nothing"
            };
            let found = format!("{} after {}", inner.name, outer.name);
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}
