//! Neighbour discovery (RFC 4861).

use super::nd_options::{
    MTU, OPTION, PREFIX_INFORMATION, RDNSS, REDIRECTED_HEADER, SOURCE_LINK_LAYER,
    TARGET_LINK_LAYER, options,
};
use super::{ALL_NODES, ALL_ROUTERS, CHECKSUM, CODE, UNROUTED, kind};
use crate::wire::field::{
    FieldDef, FieldDefault, FieldKind, Protocol, ProtocolKind, Space, WITH_PSEUDO_HEADER,
    WantedAddress, field, number,
};

const fn message(protocol: Protocol) -> Protocol {
    protocol
        .numbers(&[(Space::IpProtocol, 58)])
        .checksum(WITH_PSEUDO_HEADER)
        .only_in(ProtocolKind::Ipv6)
        .whole_message()
}

const RESERVED: FieldDef = number("reserved", 32, 32, 0, "Reserved");

/// "Which routers are there?"
pub(super) static ROUTER_SOLICITATION: Protocol = message(Protocol::new(
    "router_solicitation",
    "Router solicitation (RFC 4861 §4.1), to all routers of the link",
    &[kind(133), CODE, CHECKSUM, RESERVED],
))
.options(options(&[&SOURCE_LINK_LAYER, &OPTION]))
.default_options(&[&SOURCE_LINK_LAYER])
.wants(&[UNROUTED, ALL_ROUTERS])
.select(&[("type", &[133])])
.examples(&[
    "[ipv6, router_solicitation]",
    "[ipv6, router_solicitation: {options: [source_link_layer: {mac: '02:00:00:00:00:07'}, \
     option: {type: 14, data: 0102 0304 0506}]}]",
]);

/// "I am one, and this is the link."
pub(super) static ROUTER_ADVERTISEMENT: Protocol = message(Protocol::new(
    "router_advertisement",
    "Router advertisement (RFC 4861 §4.2), to all nodes of the link",
    &[
        kind(134),
        CODE,
        CHECKSUM,
        number("hop_limit", 32, 8, 64, "Hop limit that hosts shall use; 0: not told"),
        number("managed", 40, 1, 0, "Addresses come by DHCPv6"),
        number("other", 41, 1, 0, "Other configuration comes by DHCPv6"),
        number("home_agent", 42, 1, 0, "The router is a home agent (RFC 6275 §7.1)"),
        number("preference", 43, 2, 0, "Preference: 1 high, 0 medium, 3 low (RFC 4191 §2.2)"),
        number("proxy", 45, 1, 0, "Neighbour discovery is proxied (RFC 4389 §4.1.3.3)"),
        number("reserved", 46, 2, 0, "Reserved"),
        number("lifetime", 48, 16, 1800, "Seconds that the router is a default router; 0: not one"),
        number(
            "reachable_time",
            64,
            32,
            0,
            "Milliseconds that a neighbour stays reachable; 0: not told",
        ),
        number("retransmit_timer", 96, 32, 0, "Milliseconds between solicitations; 0: not told"),
    ],
))
.options(options(&[&SOURCE_LINK_LAYER, &MTU, &PREFIX_INFORMATION, &RDNSS, &OPTION]))
.default_options(&[&SOURCE_LINK_LAYER])
.wants(&[UNROUTED, ALL_NODES])
.wants_address(&[WantedAddress::LinkLocalSource])
.select(&[("type", &[134])])
.examples(&[
    "[ipv6, router_advertisement]",
    "[ipv6, router_advertisement: {managed: 1, preference: 3, lifetime: 600, \
     options: [source_link_layer, mtu: {mtu: 1400}, prefix_information: {prefix: '2001:2:0:7::'}, \
     rdnss: {servers: ['2001:2::53', '2001:2::54']}, option: {type: 253, data: c0ffee}]}]",
]);

/// "Who has this address?"
pub(super) static NEIGHBOUR_SOLICITATION: Protocol = message(Protocol::new(
    "neighbour_solicitation",
    "Neighbour solicitation (RFC 4861 §4.3), to the solicited-node group of its target",
    &[
        kind(135),
        CODE,
        CHECKSUM,
        RESERVED,
        field(
            "target",
            64,
            128,
            FieldKind::Ipv6,
            FieldDefault::DestinationAddress,
            "The address asked for; unset, the receiving port's",
        ),
    ],
))
.options(options(&[&SOURCE_LINK_LAYER, &OPTION]))
.default_options(&[&SOURCE_LINK_LAYER])
.wants(&[UNROUTED])
.wants_address(&[WantedAddress::SolicitedNode("target")])
.select(&[("type", &[135])])
.examples(&[
    "[ipv6, neighbour_solicitation]",
    "[ipv6, neighbour_solicitation: {target: {increment: '2001:2::10', count: 100}}]",
    "[ipv6, neighbour_solicitation: {options: [source_link_layer, option: {type: 14, \
     data: 0102 0304 0506}]}]",
]);

/// "I have it."
pub(super) static NEIGHBOUR_ADVERTISEMENT: Protocol = message(Protocol::new(
    "neighbour_advertisement",
    "Neighbour advertisement (RFC 4861 §4.4); unsolicited, to all nodes of the link",
    &[
        kind(136),
        CODE,
        CHECKSUM,
        number("router", 32, 1, 0, "The sender is a router"),
        number("solicited", 33, 1, 0, "It answers a solicitation"),
        number("override", 34, 1, 1, "It replaces what is cached"),
        number("reserved", 35, 29, 0, "Reserved"),
        field(
            "target",
            64,
            128,
            FieldKind::Ipv6,
            FieldDefault::SourceAddress,
            "The address; unset, the sending port's",
        ),
    ],
))
.options(options(&[&TARGET_LINK_LAYER, &OPTION]))
.default_options(&[&TARGET_LINK_LAYER])
.wants(&[UNROUTED, ALL_NODES])
.wants_when("solicited", 0)
.select(&[("type", &[136])])
.examples(&[
    "[ipv6, neighbour_advertisement]",
    "[ipv6: {hop_limit: 255}, neighbour_advertisement: {router: 1, solicited: 1, override: 0, \
     target: '2001:2::1', options: [target_link_layer, option: {data: c0ffee}]}]",
]);

/// "There is a better way."
pub(super) static REDIRECT: Protocol = message(Protocol::new(
    "icmpv6_redirect",
    "Redirect (RFC 4861 §4.5)",
    &[
        kind(137),
        CODE,
        CHECKSUM,
        RESERVED,
        field(
            "target",
            64,
            128,
            FieldKind::Ipv6,
            FieldDefault::DestinationAddress,
            "The better first hop; the destination itself where it is on the link",
        ),
        field(
            "destination",
            192,
            128,
            FieldKind::Ipv6,
            FieldDefault::DestinationAddress,
            "The destination that is redirected",
        ),
    ],
))
.options(options(&[&TARGET_LINK_LAYER, &REDIRECTED_HEADER, &OPTION]))
.wants(&[UNROUTED])
.wants_address(&[WantedAddress::LinkLocalSource])
.select(&[("type", &[137])])
.examples(&[
    "[ipv6, icmpv6_redirect: {target: 'fe80::2', destination: '2001:2:0:1::9', \
     options: [target_link_layer: {mac: '02:00:00:00:00:09'}, option: {data: c0ffee}]}]",
    "[ipv6, icmpv6_redirect: {options: [target_link_layer, redirected_header: {packet: \
     6000000000081140 20010002000000000000000000000001 20010002000000000000000000000002 \
     c000000900080000}]}]",
]);
