//! ICMP errors, neighbour discovery, group management.

mod icmp_errors;
mod icmp_timestamp;
mod icmpv6_errors;
mod igmp;
mod igmpv3;
mod mld;
mod mldv2;
mod nd_options;
mod neighbour_discovery;

use super::field::{FieldDef, FieldDefault, Protocol, Want, computed, number};

/// The headers of this area, in the order of the documentation. Where two have the same type, the
/// longer stands first: its length tells them apart (RFC 3376 §7.1, RFC 3810 §8.1).
pub(super) static PROTOCOLS: &[&Protocol] = &[
    &icmp_errors::UNREACHABLE,
    &icmp_errors::TIME_EXCEEDED,
    &icmp_errors::REDIRECT,
    &icmp_errors::PARAMETER_PROBLEM,
    &icmp_timestamp::PROTOCOL,
    &icmpv6_errors::UNREACHABLE,
    &icmpv6_errors::PACKET_TOO_BIG,
    &icmpv6_errors::TIME_EXCEEDED,
    &icmpv6_errors::PARAMETER_PROBLEM,
    &neighbour_discovery::ROUTER_SOLICITATION,
    &neighbour_discovery::ROUTER_ADVERTISEMENT,
    &neighbour_discovery::NEIGHBOUR_SOLICITATION,
    &neighbour_discovery::NEIGHBOUR_ADVERTISEMENT,
    &neighbour_discovery::REDIRECT,
    &igmpv3::QUERY,
    &igmpv3::REPORT,
    &igmp::QUERY,
    &igmp::V1_REPORT,
    &igmp::V2_REPORT,
    &igmp::LEAVE,
    &mldv2::QUERY,
    &mldv2::REPORT,
    &mld::QUERY,
    &mld::REPORT,
    &mld::DONE,
];

/// What neighbour discovery asks for, so that receivers know that no router passed it on
/// (RFC 4861 §3.1).
const UNROUTED: Want = Want { header: "ipv6", field: "hop_limit", value: 255 };
/// What group management asks for, so that no router passes it on (RFC 2236 §2).
const TTL: Want = Want { header: "ipv4", field: "ttl", value: 1 };
/// The same over IPv6 (RFC 2710 §3).
const HOP_LIMIT: Want = Want { header: "ipv6", field: "hop_limit", value: 1 };

/// A want for the group that an IPv4 message goes to.
const fn to_ipv4(group: [u8; 4]) -> Want {
    Want { header: "ipv4", field: "dst", value: u32::from_be_bytes(group) as u128 }
}

/// A want for a group of the link that an IPv6 message goes to: `ff02::` and the group's number.
const fn to_ipv6(group: u128) -> Want {
    Want { header: "ipv6", field: "dst", value: 0xff02 << 112 | group }
}

/// All nodes of the link (RFC 4291 §2.7.1).
const ALL_NODES: Want = to_ipv6(1);
/// All routers of the link (RFC 4291 §2.7.1).
const ALL_ROUTERS: Want = to_ipv6(2);

/// The first fields of a message of ICMP, ICMPv6 and IGMP.
const fn kind(kind: u128) -> FieldDef {
    number("type", 0, 8, kind, "Type")
}
/// A code that says nothing.
const CODE: FieldDef = number("code", 8, 8, 0, "Code");
/// The checksum of such a message.
const CHECKSUM: FieldDef = computed("checksum", 16, 16, FieldDefault::Checksum, "Checksum");
