//! PPP over Ethernet (RFC 2516): sessions and discovery.

use super::pppoe_tags::{SERVICE_NAME, TAGS};
use crate::wire::field::{
    FieldDef, FieldDefault, OptionsDef, Padding, Protocol, Space, Want, computed, number,
};

const VERSION: FieldDef = number("version", 0, 4, 1, "Version");
const TYPE: FieldDef = number("type", 4, 4, 1, "Type");
const LENGTH: FieldDef = computed(
    "length",
    32,
    16,
    FieldDefault::Length { skip: 6 },
    "Bytes behind this field, to the packet's end",
);

/// A frame of a session as a profile sees it, the PPP protocol included.
pub static SESSION: Protocol = Protocol::new(
    "pppoe",
    "PPPoE session (RFC 2516 §6) with PPP's protocol field (RFC 1661 §2)",
    &[
        VERSION,
        TYPE,
        number("code", 8, 8, 0, "Code: 0 session"),
        number("session_id", 16, 16, 1, "Session"),
        LENGTH,
        computed("protocol", 48, 16, FieldDefault::NextProtocol, "PPP protocol of what follows"),
    ],
)
.numbers(&[(Space::EtherType, 0x8864)])
.next(Space::Ppp)
.examples(&[
    "[pppoe: {session_id: 0x11}, ipv4, udp]",
    "[vlan: {id: 7}, pppoe, ipv6, udp]",
    "[pppoe, mpls: {label: 100}, ipv4, udp]",
]);

/// A discovery message as a profile sees it.
pub static DISCOVERY: Protocol = Protocol::new(
    "pppoe_discovery",
    "PPPoE discovery (RFC 2516 §5); an initiation (PADI) goes to everybody",
    &[
        VERSION,
        TYPE,
        number("code", 8, 8, PADI, "Code: 0x09 PADI, 0x07 PADO, 0x19 PADR, 0x65 PADS, 0xa7 PADT"),
        number("session_id", 16, 16, 0, "Session: 0 until a PADS gives one"),
        LENGTH,
    ],
)
.options(OptionsDef { name: "tags", kinds: TAGS, align: 1, padding: Padding::Zeros, align_each: 1 })
.default_options(&[&SERVICE_NAME])
.numbers(&[(Space::EtherType, 0x8863)])
.wants(&[Want { header: "ethernet", field: "dst", value: 0xffff_ffff_ffff }])
.wants_when("code", PADI)
.whole_message()
.examples(&[
    "[pppoe_discovery]",
    "[pppoe_discovery: {tags: [service_name: {name: internet}, host_uniq: {value: 0a0b0c0d}]}]",
    "[pppoe_discovery: {code: 7, tags: [ac_name: {name: bras1}, service_name, \
     ac_cookie: {value: 00112233}, relay_session_id: {value: 01}, \
     tag: {type: 0x0120, value: 05dc}, end_of_list]}]",
    "[pppoe_discovery: {code: 0x19, tags: [service_name, \
     vendor_specific: {vendor: 0x0de9, value: 0101 61}]}]",
]);

/// Code of an active discovery initiation.
const PADI: u128 = 9;
