//! The JSON Schema of the profile (draft 2020-12), so that editors complete and check profiles.
//!
//! Records stand under `$defs` by the names that the decoder gives them; a test holds the keys of
//! both to each other. What only a rule can see (a tag that has no room) is not in it.

mod benchmark;
mod headers;
mod modifier;
mod units;

use serde_json::{Map, Value, json};

use super::benchmark::Kind;
use super::decode::{MIXES, ORDERS, PAYLOAD_WORDS, PERCENTILES, RECEIVE_MODES, TOPOLOGIES};
use super::fragments::{MAX_PIECES, MAX_STEPS};
use super::units::{BitRate, Bytes, Mac, PacketsPerSecond};
use crate::units::{FrameSize, Nanos, Ratio};
use std::net::{Ipv4Addr, Ipv6Addr};
use units::{described, integer, unit, words};

/// The schema.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wirestorm profile",
        "description": "What to send, how fast, through what, and what the result is held to.",
    });
    let mut defs = Map::new();
    for (name, record) in records() {
        defs.insert(name.to_owned(), record);
    }
    headers::add(&mut defs);
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, profile()) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(defs));
    }
    schema
}

/// A mapping with these keys and no other.
fn record(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn reference(record: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{record}") })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn profile() -> Value {
    record(
        &["streams"],
        json!({
            "name": described(reference("name"), "Name in reports. Default: the file's stem."),
            "test": described(
                json!({ "anyOf": [words(&test_kinds()), reference("benchmark")] }),
                "Kind of test. Default: traffic, one trial of the streams as they stand.",
            ),
            "seed": described(
                integer(0, u64::MAX),
                "Seed of every random value: the same seed gives the same packets. Default: 1.",
            ),
            "duration": described(
                unit::<Nanos>(),
                "How long streams send that set neither count nor duration. Default: 10s.",
            ),
            "drain": described(
                unit::<Nanos>(),
                "How long the receiver waits for residual frames (RFC 2544 §23 d). Default: 2s.",
            ),
            "settle": described(
                unit::<Nanos>(),
                "How long links and neighbours settle before the first frame. Default: 100ms.",
            ),
            "lab": described(
                json!({ "anyOf": [words(&TOPOLOGIES.map(|(name, _)| name)), reference("lab")] }),
                "The lab of network namespaces that the profile runs in.",
            ),
            "ports": described(
                json!({
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": reference("name"),
                    "additionalProperties": reference("port"),
                }),
                "Where packets leave and arrive. Default: the lab's tx and rx.",
            ),
            "streams": described(
                json!({ "type": "array", "minItems": 1, "items": reference("stream") }),
                "Flows of packets.",
            ),
            "measure": described(reference("measure"), "What is measured, and how."),
            "pass": described(reference("pass"), "When a valid run has passed."),
            "validity": described(
                reference("validity"),
                "When a run says something about the device and not about this machine.",
            ),
        }),
    )
}

/// The words that `test:` can be.
fn test_kinds() -> Vec<&'static str> {
    std::iter::once("traffic").chain(Kind::NAMES.map(|(name, _)| name)).collect()
}

fn records() -> Vec<(&'static str, Value)> {
    vec![
        (
            "name",
            json!({ "type": ["string", "integer"], "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
        ),
        ("port", port()),
        ("next_hop", next_hop()),
        ("stream", stream()),
        ("pattern", pattern()),
        ("step", step()),
        ("fragments", fragments()),
        ("piece", piece()),
        ("fragment_id", fragment_id()),
        ("size", size()),
        ("payload", payload()),
        ("lab", lab()),
        ("tbf", tbf()),
        ("benchmark", benchmark::benchmark()),
        ("goal", benchmark::goal()),
        ("modifier", modifier::modifier()),
        ("mix", modifier::mix()),
        ("learning", modifier::learning()),
        ("reset", modifier::reset()),
        ("frame_loss", benchmark::frame_loss()),
        ("latency_test", benchmark::latency()),
        ("back_to_back", benchmark::back_to_back()),
        ("system_recovery", benchmark::recovery()),
        ("measure", measure()),
        ("pass", pass()),
        ("validity", validity()),
    ]
}

fn port() -> Value {
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

fn next_hop() -> Value {
    record(
        &[],
        json!({
            "mac": described(unit::<Mac>(), "Nothing is resolved then."),
            "ipv4": described(unit::<Ipv4Addr>(), "IPv4 next hop. Default: the route's gateway."),
            "ipv6": described(unit::<Ipv6Addr>(), "IPv6 next hop. Default: the route's gateway."),
        }),
    )
}

fn stream() -> Value {
    record(
        &["size", "rate", "packet"],
        json!({
            "name": described(reference("name"), "Unique in the profile. Default: stream0, stream1 …"),
            "from": { "type": ["string", "integer"], "description": "Sending port. Default: the first." },
            "to": {
                "type": ["string", "integer", "null"],
                "description":
                    "Receiving port. Default: the other one of two. null: sent and not measured.",
            },
            "size": described(
                json!({
                    "anyOf": [
                        unit::<FrameSize>(),
                        { "type": "array", "minItems": 1, "items": unit::<FrameSize>() },
                        reference("size"),
                    ],
                }),
                "Frame size, the 4 bytes of FCS included; or several sizes.",
            ),
            "rate": described(
                rate(),
                "1Mpps; 10Gbps L1 (with preamble and gap) or L2 (frame and FCS); 50% of the line \
                 rate (L1); unlimited; or a pattern.",
            ),
            "count": described(integer(1, u64::MAX), "Ends after so many packets."),
            "duration": described(
                unit::<Nanos>(),
                "Ends after that time. Default, without count: a ramp's or steps' own, else the \
                 profile's.",
            ),
            "start": described(
                unit::<Nanos>(),
                "Delay of the first packet, after the stream that it follows has ended too. \
                 Default: 0.",
            ),
            "after": described(
                reference("name"),
                "The stream that it follows: it begins when that one has ended.",
            ),
            "repeat": described(
                integer(1, super::decode::MAX_REPEAT),
                "How often it is sent, together with all streams that follow it. Default: 1.",
            ),
            "packet": described(
                json!({ "type": "array", "minItems": 1, "items": reference("header") }),
                "Header stack, outermost first. Ethernet may be left out.",
            ),
            "nested": described(
                json!({ "type": "array", "minItems": 2, "items": headers::field_name() }),
                "Fields that advance like the wheels of an odometer, the fastest first: each when \
                 those before it have come round.",
            ),
            "payload": described(
                json!({ "anyOf": [words(&PAYLOAD_WORDS), reference("payload")] }),
                "Bytes after the headers and the probe tag. Default: zeros.",
            ),
            "fragments": described(
                json!({ "anyOf": [integer(1, MAX_PIECES as u64), reference("fragments")] }),
                "Every datagram is sent in pieces: into how many, or how it is cut. The rate and \
                 the count are of datagrams, the size is the unfragmented frame's.",
            ),
            "tag": described(
                boolean(),
                "Packets carry the probe tag. Default: where the smallest frame has room.",
            ),
            "runts": described(
                boolean(),
                "Frames may be shorter than 64B, on purpose: devices pad or drop them. Default: \
                 false.",
            ),
            "order": {
                "type": "array",
                "minItems": 1,
                "items": integer(0, super::decode::MAX_ORDER as u64 - 1),
                "description":
                    "Order in which the packets of each block are sent, duplicates and omissions on \
                     purpose included: [0, 1, 2, 5, 3, 4].",
            },
        }),
    )
}

/// A rate, or a pattern.
fn rate() -> Value {
    json!({ "anyOf": [unit::<super::model::Rate>(), reference("pattern")] })
}

fn pattern() -> Value {
    let mut pattern = record(
        &[],
        json!({
            "burst": described(
                integer(1, super::decode::MAX_BURST),
                "So many packets, then a gap: {burst: 64, at: 1Mpps, every: 10ms}.",
            ),
            "every": described(unit::<Nanos>(), "From the start of one burst to the next."),
            "gap": described(unit::<Nanos>(), "From the end of one burst to the next."),
            "on": described(
                unit::<Nanos>(),
                "Time with packets: {on: 10ms, off: 90ms, at: 100kpps}.",
            ),
            "off": described(unit::<Nanos>(), "Time without packets."),
            "at": described(
                unit::<super::model::Rate>(),
                "Rate within bursts (default: unlimited), or while it is on.",
            ),
            "ramp": described(
                units::range::<super::model::Rate>(),
                "From one rate to another: {ramp: 1kpps..100kpps, over: 10s}.",
            ),
            "over": described(unit::<Nanos>(), "How long the ramp takes."),
            "steps": {
                "type": "array",
                "minItems": 1,
                "maxItems": super::decode::MAX_STEPS,
                "items": reference("step"),
                "description": "One after another: [{rate: 1kpps, for: 1s}, {rate: 5kpps, for: 2s}].",
            },
            "poisson": described(
                unit::<super::model::Rate>(),
                "Packets at random, independent of one another (RFC 2330): the mean rate.",
            ),
        }),
    );
    pattern["oneOf"] = json!([
        {
            "required": ["burst"],
            "oneOf": [{ "required": ["every"] }, { "required": ["gap"] }],
        },
        { "required": ["on", "off", "at"] },
        { "required": ["ramp", "over"] },
        { "required": ["steps"] },
        { "required": ["poisson"] },
    ]);
    pattern["dependentRequired"] =
        json!({ "every": ["burst"], "gap": ["burst"], "off": ["on"], "over": ["ramp"] });
    pattern
}

fn step() -> Value {
    record(
        &["rate", "for"],
        json!({
            "rate": described(rate(), "A rate, 0pps included, or burst, on or ramp."),
            "for": described(unit::<Nanos>(), "How long."),
        }),
    )
}

fn fragments() -> Value {
    let bytes = |low| integer(low, 65_535);
    let numbers = || {
        let number = integer(1, MAX_PIECES as u64);
        json!({ "type": "array", "minItems": 1, "maxItems": MAX_STEPS, "items": number })
    };
    let list = |items: Value| json!({ "type": "array", "minItems": 1, "maxItems": MAX_PIECES, "items": items });
    let orders = words(&ORDERS.map(|(name, _)| name));
    let mut fragments = record(
        &[],
        json!({
            "count": described(integer(1, MAX_PIECES as u64), "Pieces, as equal as can be."),
            "mtu": described(integer(28, 65_535), "Longest IP packet of a piece."),
            "sizes": described(
                list(bytes(1)),
                "Bytes of the pieces, multiples of 8 but for the last; it repeats until the \
                 datagram ends.",
            ),
            "pieces": described(list(reference("piece")), "The pieces, spelled out."),
            "atomic": described(json!({ "const": true }), "One piece that is all (RFC 6946)."),
            "first": described(bytes(1), "Bytes of the first piece, beside count or mtu."),
            "overlap": described(bytes(0), "Bytes by which each later piece begins earlier."),
            "order": described(
                json!({ "anyOf": [orders, numbers()] }),
                "In which order the pieces are sent; or their numbers, from 1: [1, 2, 1].",
            ),
            "gap": described(unit::<Nanos>(), "Time between two pieces. Default: 0."),
            "duplicate": described(numbers(), "Numbers of pieces that are sent twice."),
            "omit": described(numbers(), "Numbers of pieces that are not sent."),
            "id": described(
                json!({ "anyOf": [
                    words(&["counter", "random"]), integer(0, u32::MAX.into()),
                    reference("fragment_id"),
                ] }),
                "Identification: the datagram's number (default), random (RFC 7739), one number, \
                 or few in turn.",
            ),
        }),
    );
    let one = ["count", "mtu", "sizes", "pieces", "atomic"];
    fragments["oneOf"] = one.map(|key| json!({ "required": [key] })).to_vec().into();
    fragments
}

fn piece() -> Value {
    record(
        &["offset", "length"],
        json!({
            "offset": described(integer(0, 65_535), "First byte that it has; a multiple of 8."),
            "length": described(integer(0, 65_535), "Bytes."),
            "more": described(
                boolean(),
                "More-fragments flag. Default: unless it reaches the datagram's end.",
            ),
            "data": described(
                words(&["same", "other"]),
                "The datagram's bytes, or every bit inverted. Default: same.",
            ),
        }),
    )
}

fn fragment_id() -> Value {
    record(
        &["reuse"],
        json!({ "reuse": described(integer(1, 1 << 32), "So many values in turn.") }),
    )
}

fn size() -> Value {
    let mut size = record(
        &[],
        json!({
            "imix": described(
                json!({ "anyOf": [words(&MIXES.map(|(name, _)| name)), {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": unit::<FrameSize>(),
                    "additionalProperties": integer(1, 1 << 16),
                }] }),
                "Sizes with weights, dealt evenly, or the name of a well-known mix.",
            ),
            "genome": {
                "type": "string",
                "pattern": "^[a-jzA-Z]+$",
                "description":
                    "Sizes in the order of RFC 6985's letters: a=64 b=128 c=256 d=512 e=1024 f=1280 \
                     g=1518 h=2112 i=9000 j=16000, z=mtu+18, A to Z from custom.",
            },
            "custom": {
                "type": "object",
                "propertyNames": { "pattern": "^[A-Z]$" },
                "additionalProperties": unit::<FrameSize>(),
                "description": "Sizes of the genome's upper-case letters.",
            },
            "mtu": described(integer(46, 65_535), "The MTU, for the genome's z."),
            "start": described(unit::<FrameSize>(), "First of count sizes."),
            "step": described(unit::<FrameSize>(), "From one size to the next. Default: 1B."),
            "count": described(integer(1, 1 << 16), "Sizes before it begins again."),
            "random": described(
                json!({ "anyOf": [units::range::<FrameSize>(), {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": integer(1, 1 << 16),
                }] }),
                "Uniform over 64B..1518B, or sizes and ranges with weights.",
            ),
        }),
    );
    size["oneOf"] = json!([
        { "required": ["imix"] }, { "required": ["genome"] }, { "required": ["start", "count"] },
        { "required": ["random"] },
    ]);
    size["dependentRequired"] = json!({
        "step": ["start"], "count": ["start"], "custom": ["genome"], "mtu": ["genome"],
    });
    size
}

fn payload() -> Value {
    let mut payload = record(
        &[],
        json!({
            "text": {
                "type": ["string", "number", "boolean"],
                "description": "This text, repeated to fill the frame.",
            },
            "hex": {
                "type": ["string", "integer"],
                "pattern": "^[0-9a-fA-F:\\s]+$",
                "description": "These bytes, repeated to fill the frame.",
            },
            "fill": described(integer(0, 255), "Every byte the same."),
            "file": {
                "type": "string",
                "minLength": 1,
                "description": "The bytes of a file, its name relative to the profile's folder, \
                                repeated to fill the frame.",
            },
            "prbs": {
                "enum": crate::packet::prbs::ORDERS.map(|order| order.stages),
                "description": "A pseudorandom bit sequence of 2^n - 1 bits (ITU-T O.150).",
            },
        }),
    );
    payload["minProperties"] = json!(1);
    payload["maxProperties"] = json!(1);
    payload
}

fn lab() -> Value {
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

fn tbf() -> Value {
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

fn measure() -> Value {
    record(
        &[],
        json!({
            "latency": described(boolean(), "Latency histograms. Default: true."),
            "receive": described(
                words(&RECEIVE_MODES.map(|(name, _)| name)),
                "How packets are received. Default: auto, and the report says which it was.",
            ),
            "pass_on": described(
                boolean(),
                "Probes go on to the kernel after they were counted. Default: false.",
            ),
        }),
    )
}

fn pass() -> Value {
    let mut pass = record(
        &[],
        json!({
            "max_loss": described(unit::<Ratio>(), "Largest lost / sent, in all and of each stream."),
            "max_duplicated": described(unit::<Ratio>(), "Largest duplicated / unique (RFC 5560)."),
            "max_reordered": described(unit::<Ratio>(), "Largest reordered / unique (RFC 4737)."),
            "max_latency": described(unit::<Nanos>(), "Largest latency of any packet."),
            "min_rx_rate": described(unit::<PacketsPerSecond>(), "Smallest rate received."),
        }),
    );
    for (key, percentile) in PERCENTILES {
        let share = f64::from(percentile) / 10_000.0;
        let description = format!("Largest latency that {share} % of the packets stay within.");
        pass["properties"][key] = described(unit::<Nanos>(), &description);
    }
    pass
}

fn validity() -> Value {
    record(
        &[],
        json!({
            "max_unsent": described(unit::<Ratio>(), "Largest unsent / intended. Default: 0.1%."),
            "max_lag": described(
                unit::<Nanos>(),
                "A packet that is later than this is not sent any more. Default: 1ms.",
            ),
            "max_receiver_overload": described(
                integer(0, u64::MAX),
                "Packets that this machine's own receive side may drop. Default: 0.",
            ),
        }),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn keys(record: &Value) -> BTreeSet<String> {
        record["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn schema_and_decoder_know_the_same_keys() {
        let schema = schema();
        let mut known = BTreeMap::from([("profile".to_owned(), keys(&schema))]);
        for (name, record) in schema["$defs"].as_object().expect("records") {
            if record.get("properties").is_some() && name != "header" {
                known.insert(name.clone(), keys(record));
            }
        }
        assert_eq!(known, crate::profile::decode::asked_keys());
    }

    #[test]
    fn every_key_is_described() {
        let schema = schema();
        let records = schema["$defs"].as_object().expect("records");
        for (name, record) in records.iter().map(|(n, r)| (n.as_str(), r)).chain([("", &schema)]) {
            for (key, property) in record["properties"].as_object().into_iter().flatten() {
                let described = property["description"].as_str().is_some_and(|d| !d.is_empty());
                assert!(described || name == "header", "{name}.{key}");
            }
        }
    }
}
