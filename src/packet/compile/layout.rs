//! Where each header, the tag and the payload begin, and what follows what.

use super::error::{Problem, with_fcs};
use super::sizes::Sizes;
use crate::packet::tag::TAG_LEN;
use crate::profile::model::{FieldValue, Header, Stream};
use crate::wire::field::ProtocolKind;
use crate::wire::{ethertype, ip_protocol};

/// A header and its first byte in the frame.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) header: &'a Header,
    pub(super) at: usize,
}

impl Placed<'_> {
    pub(super) fn kind(&self) -> ProtocolKind {
        self.header.protocol.kind
    }

    pub(super) fn end(&self) -> usize {
        self.at + self.header.protocol.len
    }

    /// What the profile says of a field; the last word where it says it twice.
    pub(super) fn setting(&self, field: &str) -> Option<&FieldValue> {
        let set = self.header.fields.iter().rev().find(|setting| setting.field.name == field);
        set.map(|setting| &setting.value)
    }
}

/// A stream's header stack, laid out.
pub(super) struct Layout<'a> {
    pub(super) headers: Vec<Placed<'a>>,
    /// Length of the shortest frame.
    pub(super) min_len: usize,
    /// Length of the longest frame.
    pub(super) max_len: usize,
    /// Frame lengths differ.
    pub(super) size_changes: bool,
    /// First byte after the last header.
    pub(super) headers_len: usize,
    /// First byte of the probe tag.
    pub(super) tag_at: Option<usize>,
    /// First byte after headers and tag.
    pub(super) payload_at: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(stream: &'a Stream, sizes: &Sizes) -> Result<Self, (String, Problem)> {
        let mut at = 0;
        let headers: Vec<_> = stream
            .headers
            .iter()
            .map(|header| {
                let placed = Placed { header, at };
                at = placed.end();
                placed
            })
            .collect();
        if headers.is_empty() {
            return Err(("headers".to_owned(), Problem::NoHeaders));
        }
        if sizes.min < at {
            let problem = Problem::FrameTooShort { size: with_fcs(sizes.min), need: with_fcs(at) };
            return Err(("size".to_owned(), problem));
        }
        let tag_at = (stream.tag && at + TAG_LEN <= sizes.min).then_some(at);
        Ok(Self {
            headers,
            min_len: sizes.min,
            max_len: sizes.max,
            size_changes: sizes.rule.is_some(),
            headers_len: at,
            tag_at,
            payload_at: if tag_at.is_some() { at + TAG_LEN } else { at },
        })
    }

    /// The path of a field, for messages: `headers[1].ipv4.src`.
    pub(super) fn path(&self, header: usize, field: &str) -> String {
        format!("headers[{header}].{}.{field}", self.headers[header].header.protocol.name)
    }

    /// The IP header that header number `n` stands in: the nearest before it.
    pub(super) fn ip_before(&self, n: usize) -> Option<Placed<'a>> {
        use ProtocolKind::{Ipv4, Ipv6};
        self.headers[..n].iter().rev().copied().find(|header| matches!(header.kind(), Ipv4 | Ipv6))
    }

    /// The first IP header of the stack: what the next hop routes.
    pub(super) fn first_ip(&self) -> Option<ProtocolKind> {
        use ProtocolKind::{Ipv4, Ipv6};
        self.headers.iter().map(Placed::kind).find(|kind| matches!(kind, Ipv4 | Ipv6))
    }

    /// The EtherType that header number `n` announces. A tag before another tag is a service tag
    /// (802.1ad); what has no EtherType is payload.
    pub(super) fn ethertype_after(&self, n: usize) -> u16 {
        let kind = |n: usize| self.headers.get(n).map(Placed::kind);
        match kind(n + 1) {
            Some(ProtocolKind::Vlan) if kind(n + 2) == Some(ProtocolKind::Vlan) => {
                ethertype::SERVICE_VLAN
            }
            Some(ProtocolKind::Vlan) => ethertype::VLAN,
            Some(ProtocolKind::Ipv4) => ethertype::IPV4,
            Some(ProtocolKind::Ipv6) => ethertype::IPV6,
            Some(ProtocolKind::Ethernet) => ethertype::ETHERNET,
            _ => ethertype::EXPERIMENTAL,
        }
    }

    /// The IP protocol number that header number `n` announces.
    pub(super) fn ip_protocol_after(&self, n: usize) -> u8 {
        let next = self.headers.get(n + 1).map(Placed::kind);
        next.and_then(ip_protocol_of).unwrap_or(ip_protocol::EXPERIMENTAL)
    }
}

/// The protocol number of a header.
pub(super) fn ip_protocol_of(kind: ProtocolKind) -> Option<u8> {
    match kind {
        ProtocolKind::Ethernet => Some(ip_protocol::ETHERNET),
        ProtocolKind::Vlan => None,
        ProtocolKind::Ipv4 => Some(ip_protocol::IPV4),
        ProtocolKind::Ipv6 => Some(ip_protocol::IPV6),
        ProtocolKind::Udp => Some(ip_protocol::UDP),
        ProtocolKind::Tcp => Some(ip_protocol::TCP),
        ProtocolKind::IcmpEcho => Some(ip_protocol::ICMP),
        ProtocolKind::Icmpv6Echo => Some(ip_protocol::ICMPV6),
    }
}
