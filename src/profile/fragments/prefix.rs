//! What every piece repeats.

use crate::profile::model::Header;
use crate::wire::field::{Protocol, ProtocolKind, Space};
use crate::wire::ip_protocol;

/// Which IP header of a stack is fragmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meant {
    /// IPv4 or IPv6.
    pub kind: ProtocolKind,
    /// Which of these, from 0.
    pub nth: usize,
}

/// The headers before the fragmentable part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// The IP header that is fragmented.
    pub ip: usize,
    /// Headers that every piece repeats, a fragment header that is to be put in not counted.
    pub count: usize,
    /// A fragment header is to be put in at `count`.
    pub insert: bool,
}

impl Prefix {
    /// The prefix that ends with the first IP header, or with the one that is meant; None where
    /// there is none.
    ///
    /// A fragment header that the stack has ends the prefix wherever it stands among the extension
    /// headers. Else one goes where RFC 8200 §4.5 has it: behind a routing header, else behind
    /// hop-by-hop options, else behind the IPv6 header.
    pub fn find(headers: &[Header], meant: Option<Meant>) -> Option<Self> {
        let kind = |n: usize| headers[n].protocol.kind;
        let mut all = (0..headers.len())
            .filter(|&n| matches!(kind(n), ProtocolKind::Ipv4 | ProtocolKind::Ipv6));
        let ip = match meant {
            None => all.next()?,
            Some(Meant { kind: own, nth }) => all.filter(|&n| kind(n) == own).nth(nth)?,
        };
        if kind(ip) == ProtocolKind::Ipv4 {
            return Some(Self { ip, count: ip + 1, insert: false });
        }
        let chain = (ip + 1..headers.len()).take_while(|&n| kind(n) == ProtocolKind::Extension);
        let last_of =
            |number: u8| chain.clone().filter(|&n| is(headers[n].protocol, number)).last();
        if let Some(own) = chain.clone().find(|&n| is(headers[n].protocol, ip_protocol::FRAGMENT)) {
            return Some(Self { ip, count: own + 1, insert: false });
        }
        let last = last_of(ip_protocol::ROUTING).or_else(|| last_of(ip_protocol::HOP_BY_HOP));
        Some(Self { ip, count: last.unwrap_or(ip) + 1, insert: true })
    }
}

/// Whether a header has that protocol number.
fn is(protocol: &Protocol, number: u8) -> bool {
    protocol.number(Space::IpProtocol) == Some(number.into())
}
