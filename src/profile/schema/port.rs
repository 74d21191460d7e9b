//! The schemas of `ports:`.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{record, reference};
use crate::profile::units::{BitRate, Mac};

pub(super) fn port() -> Value {
    let numbers = |high| {
        json!({
            "type": "array", "minItems": 1, "uniqueItems": true, "items": integer(0, high),
        })
    };
    let mut port = record(
        &[],
        json!({
            "interface": {
                "type": "string",
                "pattern": "^[^/:\\s]{1,15}$",
                "description": "Interface of this machine.",
            },
            "lab": described(words(&["tx", "rx"]), "The lab's device of that role."),
            "queues": described(numbers(255), "Transmit queues; one worker each. Default: [0]."),
            "workers": described(integer(1, 256), "Instead of queues: the first so many."),
            "cores": described(numbers(4095), "Cores of the workers, one each."),
            "speed": described(unit::<BitRate>(), "Line rate, where the link tells none."),
            "next_hop": described(
                json!({
                    "anyOf": [
                        unit::<Mac>(), unit::<Ipv4Addr>(), unit::<Ipv6Addr>(), reference("next_hop"),
                    ],
                }),
                "Next hop, resolved by ARP or neighbour discovery, or its MAC.",
            ),
            "ipv4": described(unit::<Ipv4Addr>(), "Source address. Default: the interface's."),
            "ipv6": described(unit::<Ipv6Addr>(), "Source address. Default: the interface's."),
        }),
    );
    port["oneOf"] = json!([{ "required": ["interface"] }, { "required": ["lab"] }]);
    port["not"] = json!({ "required": ["queues", "workers"] });
    port
}

pub(super) fn next_hop() -> Value {
    record(
        &[],
        json!({
            "mac": described(unit::<Mac>(), "Nothing is resolved then."),
            "ipv4": described(unit::<Ipv4Addr>(), "IPv4 next hop. Default: the route's gateway."),
            "ipv6": described(unit::<Ipv6Addr>(), "IPv6 next hop. Default: the route's gateway."),
        }),
    )
}
