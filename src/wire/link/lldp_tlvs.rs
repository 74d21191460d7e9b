//! The TLVs of LLDP (IEEE 802.1AB §8): 7 bits of type, 9 of length, the value.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, Protocol, computed, field, number,
};

/// What a profile may list under `tlvs`.
pub(super) const TLVS: &[&Protocol] = &[
    &CHASSIS_MAC,
    &CHASSIS_ID,
    &PORT_MAC,
    &PORT_ID,
    &TTL,
    &PORT_DESCRIPTION,
    &SYSTEM_NAME,
    &SYSTEM_DESCRIPTION,
    &CAPABILITIES,
    &MANAGEMENT_IPV4,
    &MANAGEMENT_IPV6,
    &ORGANISATIONAL,
    &END,
    // Takes what the others do not.
    &TLV,
];

/// The TLVs that every message has (§8.2): where it comes from, how long it holds, its end.
pub(super) const DEFAULTS: &[&Protocol] = &[&CHASSIS_MAC, &PORT_ID, &TTL, &END];

const fn kind(kind: u128) -> FieldDef {
    number("type", 0, 7, kind, "Type")
}
const LENGTH: FieldDef =
    computed("length", 7, 9, FieldDefault::HeaderLength { unit: 1, less: 2 }, "Bytes of the value");

const fn mac(bit: u16) -> FieldDef {
    field("mac", bit, 48, FieldKind::Mac, FieldDefault::SourceMac, "MAC")
}

static CHASSIS_MAC: Protocol = Protocol::new(
    "chassis_mac",
    "Chassis, by MAC (§8.5.2)",
    &[kind(1), LENGTH, number("subtype", 16, 8, 4, "Subtype: 4 MAC"), mac(24)],
)
.select(&[("type", &[1]), ("subtype", &[4]), ("length", &[7])]);
static CHASSIS_ID: Protocol = Protocol::new(
    "chassis_id",
    "Chassis, by name (§8.5.2)",
    &[kind(1), LENGTH, number("subtype", 16, 8, 7, "Subtype: 1 component, 6 interface, 7 local")],
)
.data_or("id", DataKind::Text, b"wirestorm", "Name")
.select(&[("type", &[1])]);
static PORT_MAC: Protocol = Protocol::new(
    "port_mac",
    "Port, by MAC (§8.5.3)",
    &[kind(2), LENGTH, number("subtype", 16, 8, 3, "Subtype: 3 MAC"), mac(24)],
)
.select(&[("type", &[2]), ("subtype", &[3]), ("length", &[7])]);
static PORT_ID: Protocol = Protocol::new(
    "port_id",
    "Port, by name (§8.5.3)",
    &[
        kind(2),
        LENGTH,
        number("subtype", 16, 8, 5, "Subtype: 1 alias, 2 component, 5 interface, 7 local"),
    ],
)
.data_or("id", DataKind::Text, b"port1", "Name")
.select(&[("type", &[2])]);
static TTL: Protocol = Protocol::new(
    "ttl",
    "How long the message holds (§8.5.4)",
    &[kind(3), LENGTH, number("seconds", 16, 16, 121, "Seconds; 0: forget the port")],
)
.select(&[("type", &[3]), ("length", &[2])]);
static PORT_DESCRIPTION: Protocol =
    Protocol::new("port_description", "Port's description (§8.5.5)", &[kind(4), LENGTH])
        .data("text", DataKind::Text, "Text")
        .select(&[("type", &[4])]);
static SYSTEM_NAME: Protocol =
    Protocol::new("system_name", "System's name (§8.5.6)", &[kind(5), LENGTH])
        .data("text", DataKind::Text, "Text")
        .select(&[("type", &[5])]);
static SYSTEM_DESCRIPTION: Protocol =
    Protocol::new("system_description", "System's description (§8.5.7)", &[kind(6), LENGTH])
        .data("text", DataKind::Text, "Text")
        .select(&[("type", &[6])]);
static CAPABILITIES: Protocol = Protocol::new(
    "capabilities",
    "What the system can be (§8.5.8): 0x04 bridge, 0x08 access point, 0x10 router",
    &[
        kind(7),
        LENGTH,
        number("supported", 16, 16, 0, "What it can be"),
        number("enabled", 32, 16, 0, "What of that it is"),
    ],
)
.select(&[("type", &[7]), ("length", &[4])]);

/// Subtypes of the interface's number.
const IF_INDEX: u128 = 2;
/// The data behind the field is the identifier.
const OID_LENGTH: FieldDefault = FieldDefault::AddressCount { less: 0 };

static MANAGEMENT_IPV4: Protocol = Protocol::new(
    "management_ipv4",
    "Where the system is managed, over IPv4 (§8.5.9)",
    &[
        kind(8),
        LENGTH,
        number("address_length", 16, 8, 5, "Bytes of the address and its subtype"),
        number("subtype", 24, 8, 1, "Address family: 1 IPv4"),
        field("address", 32, 32, FieldKind::Ipv4, FieldDefault::SourceAddress, "Address"),
        number("interface_subtype", 64, 8, IF_INDEX, "Interface's numbering: 2 ifIndex, 3 port"),
        number("interface", 72, 32, 1, "Interface"),
        computed("oid_length", 104, 8, OID_LENGTH, "Bytes of the object identifier"),
    ],
)
.data("oid", DataKind::Bytes, "Object identifier (BER)")
.select(&[("type", &[8]), ("subtype", &[1])]);
static MANAGEMENT_IPV6: Protocol = Protocol::new(
    "management_ipv6",
    "Where the system is managed, over IPv6 (§8.5.9)",
    &[
        kind(8),
        LENGTH,
        number("address_length", 16, 8, 17, "Bytes of the address and its subtype"),
        number("subtype", 24, 8, 2, "Address family: 2 IPv6"),
        field("address", 32, 128, FieldKind::Ipv6, FieldDefault::SourceAddress, "Address"),
        number("interface_subtype", 160, 8, IF_INDEX, "Interface's numbering: 2 ifIndex, 3 port"),
        number("interface", 168, 32, 1, "Interface"),
        computed("oid_length", 200, 8, OID_LENGTH, "Bytes of the object identifier"),
    ],
)
.data("oid", DataKind::Bytes, "Object identifier (BER)")
.select(&[("type", &[8]), ("subtype", &[2])]);
static ORGANISATIONAL: Protocol = Protocol::new(
    "organisational",
    "An organisation's own (§8.6)",
    &[
        kind(127),
        LENGTH,
        number("oui", 16, 24, 0, "Organisation"),
        number("subtype", 40, 8, 0, "Its subtype"),
    ],
)
.data("value", DataKind::Bytes, "Value")
.select(&[("type", &[127])]);
static TLV: Protocol =
    Protocol::new("tlv", "Any TLV", &[kind(9), LENGTH]).data("value", DataKind::Bytes, "Value");
static END: Protocol = Protocol::new("end", "End of the message (§8.5.1)", &[kind(0), LENGTH])
    .select(&[("type", &[0]), ("length", &[0])]);
