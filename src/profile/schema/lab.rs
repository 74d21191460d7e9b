//! The schemas of `lab:`.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{record, reference};
use crate::profile::decode::TOPOLOGIES;
use crate::profile::units::{BitRate, Bytes};

pub(super) fn lab() -> Value {
    record(
        &["topology"],
        json!({
            "topology": described(
                words(&TOPOLOGIES.map(|(name, _)| name)),
                "router: tx – Linux router – rx. b2b: tx – rx.",
            ),
            "neighbours": described(
                words(&["permanent", "resolved"]),
                "Entered by hand, or found by ARP and neighbour discovery. Default: permanent.",
            ),
            "queues": described(
                integer(1, 64),
                "Queues of every device. Default: as many as a port has workers.",
            ),
            "mtu": described(integer(1280, 65_535), "MTU of every device. Default: 1500."),
            "egress_mtu": described(
                integer(1280, 65_535),
                "MTU of the router's device towards rx, at most that of the others: what is longer \
                 is fragmented or answered with an ICMP error. Default: mtu.",
            ),
            "nft": { "type": "string", "description": "nftables ruleset of the router, as for nft -f." },
            "tbf": {
                "type": "array",
                "items": reference("tbf"),
                "description": "Token bucket filters on the router's devices (tc-tbf(8)).",
            },
            "sysctl": {
                "type": "object",
                "propertyNames": { "pattern": "^net\\.[A-Za-z0-9_./-]+$" },
                "additionalProperties": { "type": ["string", "integer", "boolean", "number"] },
                "description": "Settings below /proc/sys/net in the lab's namespaces.",
            },
        }),
    )
}

pub(super) fn tbf() -> Value {
    record(
        &["towards", "rate", "burst", "limit"],
        json!({
            "towards": described(words(&["tx", "rx"]), "Which of the router's devices."),
            "rate": described(unit::<BitRate>(), "Rate. Frames count without their FCS."),
            "burst": described(unit::<Bytes>(), "Bucket; at least the longest frame."),
            "limit": described(unit::<Bytes>(), "Bytes that wait at most."),
        }),
    )
}
