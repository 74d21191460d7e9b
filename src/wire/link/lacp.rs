//! LACP (IEEE 802.1AX §6.4.2.3), a slow protocol (IEEE 802.3 annex 57A).

use crate::wire::field::{FieldDef, FieldDefault, FieldKind, Protocol, Space, Want, field, number};

/// The PDU is of one shape: its TLVs stand in one order and have one length each.
static FIELDS: &[FieldDef] = &[
    number("subtype", 0, 8, LACP, "Slow protocol: 1 LACP"),
    number("version", 8, 8, 1, "Version"),
    number("actor_type", 16, 8, 1, "TLV of the actor"),
    number("actor_length", 24, 8, 20, "Bytes of the TLV"),
    number("actor_system_priority", 32, 16, 0x8000, "Actor's system priority"),
    field("actor_system", 48, 48, FieldKind::Mac, FieldDefault::SourceMac, "Actor's system MAC"),
    number("actor_key", 96, 16, 1, "Actor's key"),
    number("actor_port_priority", 112, 16, 0x8000, "Actor's port priority"),
    number("actor_port", 128, 16, 1, "Actor's port"),
    number("actor_expired", 144, 1, 0, "Actor's receive machine has expired"),
    number("actor_defaulted", 145, 1, 0, "Actor has no word of a partner"),
    number("actor_distributing", 146, 1, 0, "Actor sends frames"),
    number("actor_collecting", 147, 1, 0, "Actor takes frames"),
    number("actor_synchronization", 148, 1, 0, "Actor's link is in the right aggregate"),
    number("actor_aggregation", 149, 1, 1, "Actor's link may be aggregated"),
    number("actor_timeout", 150, 1, 0, "Actor wants: 1 short, 0 long time-outs"),
    number("actor_activity", 151, 1, 1, "Actor: 1 active, 0 passive"),
    number("actor_reserved", 152, 24, 0, "Reserved"),
    number("partner_type", 176, 8, 2, "TLV of the partner"),
    number("partner_length", 184, 8, 20, "Bytes of the TLV"),
    number("partner_system_priority", 192, 16, 0, "Partner's system priority"),
    field(
        "partner_system",
        208,
        48,
        FieldKind::Mac,
        FieldDefault::Constant(0),
        "Partner's system MAC; 0: none is known",
    ),
    number("partner_key", 256, 16, 0, "Partner's key"),
    number("partner_port_priority", 272, 16, 0, "Partner's port priority"),
    number("partner_port", 288, 16, 0, "Partner's port"),
    number("partner_expired", 304, 1, 0, "Partner's receive machine has expired"),
    number("partner_defaulted", 305, 1, 0, "Partner has no word of a partner"),
    number("partner_distributing", 306, 1, 0, "Partner sends frames"),
    number("partner_collecting", 307, 1, 0, "Partner takes frames"),
    number("partner_synchronization", 308, 1, 0, "Partner's link is in the right aggregate"),
    number("partner_aggregation", 309, 1, 0, "Partner's link may be aggregated"),
    number("partner_timeout", 310, 1, 0, "Partner wants: 1 short, 0 long time-outs"),
    number("partner_activity", 311, 1, 0, "Partner: 1 active, 0 passive"),
    number("partner_reserved", 312, 24, 0, "Reserved"),
    number("collector_type", 336, 8, 3, "TLV of the collector"),
    number("collector_length", 344, 8, 16, "Bytes of the TLV"),
    number("collector_max_delay", 352, 16, 0, "Longest delay of the collector in units of 10 µs"),
    number("collector_reserved1", 368, 64, 0, "Reserved"),
    number("collector_reserved2", 432, 32, 0, "Reserved"),
    number("terminator_type", 464, 8, 0, "TLV that ends the list"),
    number("terminator_length", 472, 8, 0, "Bytes of the TLV"),
    // 50 bytes: a field has 128 bits at most.
    number("reserved1", 480, 128, 0, "Reserved"),
    number("reserved2", 608, 128, 0, "Reserved"),
    number("reserved3", 736, 128, 0, "Reserved"),
    number("reserved4", 864, 16, 0, "Reserved"),
];

/// A LACPDU as a profile sees it.
pub static PROTOCOL: Protocol =
    Protocol::new("lacp", "Link aggregation control (IEEE 802.1AX), version 1", FIELDS)
        .numbers(&[(Space::EtherType, 0x8809)])
        .select(&[("subtype", &[LACP])])
        .wants(&[Want { header: "ethernet", field: "dst", value: 0x0180_c200_0002 }])
        .whole_message()
        .examples(&[
            "[lacp]",
            "[lacp: {actor_key: 7, actor_port: 3, actor_synchronization: 1, \
             partner_system: '02:00:00:00:00:09', partner_key: 9, partner_activity: 1, \
             collector_max_delay: 100}]",
        ]);

/// The subtype.
const LACP: u128 = 1;
