//! LLDP (IEEE 802.1AB): a list of TLVs.

use super::lldp_tlvs::{DEFAULTS, TLVS};
use crate::wire::field::{OptionsDef, Padding, Protocol, Space, Want};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol =
    Protocol::new("lldp", "LLDP (IEEE 802.1AB); unset, the four TLVs that every message has", &[])
        .options(OptionsDef {
            name: "tlvs",
            kinds: TLVS,
            align: 1,
            padding: Padding::Zeros,
            align_each: 1,
        })
        .default_options(DEFAULTS)
        .numbers(&[(Space::EtherType, 0x88cc)])
        .wants(&[Want { header: "ethernet", field: "dst", value: 0x0180_c200_000e }])
        .whole_message()
        .examples(&[
            "[lldp]",
            "[lldp: {tlvs: [chassis_id: {id: rack1}, port_mac, ttl: {seconds: 20}, \
     port_description: {text: uplink}, system_name: {text: leaf1}, \
     system_description: {text: a switch}, \
     capabilities: {supported: 0x14, enabled: 0x10}, management_ipv4: {interface: 2}, \
     management_ipv6: {interface: 2}, \
     organisational: {oui: 0x0080c2, subtype: 1, value: 0007}, \
     tlv: {type: 9, value: c0ffee}, end]}]",
        ]);
