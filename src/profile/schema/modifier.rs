//! The schemas of what a benchmark has beside its searches: modifiers, learning frames, resets.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{record, reference};
use crate::profile::benchmark::ExtensionHeader;
use crate::profile::decode::{MAX_FILTERS, NETWORKS};
use crate::units::{Nanos, Ratio};

pub(super) fn modifier() -> Value {
    let networks: Vec<u32> = NETWORKS.iter().map(|(_, count)| *count).collect();
    let mut modifier = record(
        &[],
        json!({
            "broadcast": described(
                unit::<Ratio>(),
                "The share of a port's frames that go to the hardware broadcast address (RFC 2544 \
                 §11.1: 1%).",
            ),
            "management": described(
                unit::<Nanos>(),
                "How often the device is asked for its sysUpTime by SNMP (RFC 2544 §11.2: 1s).",
            ),
            "routing_updates": described(
                unit::<Nanos>(),
                "How often a RIPv2 response with 25 routes is sent (RFC 2544 §11.3: 30s).",
            ),
            "filters": described(
                integer(1, MAX_FILTERS),
                "Filters in the lab's router, of which the last lets the streams pass (RFC 2544 \
                 §11.4: 1 and 25).",
            ),
            "networks": described(
                json!({ "enum": networks }),
                "Networks of the destinations, with pseudo-random addresses, ports and source MACs \
                 (RFC 2544 §12: 256; RFC 4814).",
            ),
            "mix": described(reference("mix"), "Shares of the load (RFC 5180 §7)."),
            "extension_headers": described(
                json!({
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 16,
                    "items": words(&ExtensionHeader::NAMES.map(|(name, _, _)| name)),
                }),
                "Extension headers of every IPv6 frame, in this order (RFC 5180 §5.3).",
            ),
            "hop_by_hop": described(
                unit::<Ratio>(),
                "The share of the IPv6 frames that have a hop-by-hop options header (RFC 5180 \
                 §5.3: 1%, 10%, 50%).",
            ),
        }),
    );
    modifier["minProperties"] = json!(1);
    modifier
}

pub(super) fn mix() -> Value {
    record(
        &["ipv4", "ipv6"],
        json!({
            "ipv4": described(unit::<Ratio>(), "The share of the streams over IPv4."),
            "ipv6": described(unit::<Ratio>(), "The share of the streams over IPv6: the rest."),
        }),
    )
}

pub(super) fn learning() -> Value {
    record(
        &[],
        json!({
            "frames": described(
                integer(0, 10_000),
                "Frames of each stream before a trial; 0: none, and no wait. Default: 10.",
            ),
            "wait": described(unit::<Nanos>(), "From the last of them to the trial. Default: 2s."),
        }),
    )
}

pub(super) fn reset() -> Value {
    record(
        &["by"],
        json!({
            "by": described(
                words(&["hand", "command", "lab"]),
                "Who resets the device: whoever reads the terminal, a program, or the lab, whose \
                 router stops forwarding.",
            ),
            "command": described(
                json!({
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 100,
                    "items": { "type": ["string", "number", "boolean"] },
                }),
                "The program and its arguments; it runs with --allow-command alone.",
            ),
            "down": described(
                unit::<Nanos>(),
                "How long the lab's router does not forward. Default: 1s.",
            ),
            "after": described(
                unit::<Nanos>(),
                "From the first frame to the reset. Default: 10s.",
            ),
            "watch": described(
                unit::<Nanos>(),
                "From the reset to the last frame: longer than the outage. Default: 5min.",
            ),
            "load": described(
                unit::<Ratio>(),
                "The load as a share of the throughput. Default: 100%.",
            ),
            "repeats": described(integer(1, 10_000), "Trials. Default: 3."),
        }),
    )
}
