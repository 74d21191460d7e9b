//! The schemas of a fragmentation study.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{boolean, record, reference};
use crate::profile::decode::{MAX_CELLS, MAX_INTERLEAVE, MAX_TRIES, ORDERS, STAGES, STUDY};
use crate::profile::study::{
    ANOMALIES, ARMS, DESIGNS, FAMILIES, MAX_FRAGMENTS, PROTOCOLS, RECEIVERS,
};
use crate::units::{Nanos, Ratio};

/// One value or a list of them.
fn some(value: Value) -> Value {
    json!({ "anyOf": [
        value,
        { "type": "array", "minItems": 1, "maxItems": 64, "items": value },
    ] })
}

fn names<T>(table: &[(&str, T)]) -> Value {
    words(&table.iter().map(|(name, _)| *name).collect::<Vec<_>>())
}

fn first() -> Value {
    json!({ "anyOf": [{ "const": "auto" }, integer(8, 65_528)] })
}

fn count() -> Value {
    integer(2, MAX_FRAGMENTS as u64)
}

fn gap() -> Value {
    json!({ "anyOf": [
        unit::<Nanos>(),
        { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *T$" },
    ] })
}

fn extension() -> Value {
    json!({
        "type": "string",
        "pattern": r"^(none|(hop-by-hop|destination-options|routing|authentication) [0-9]+( after)?)$",
    })
}

fn size() -> Value {
    integer(64, 65_000)
}

fn tcp_header() -> Value {
    let mut header = integer(20, 60);
    header["multipleOf"] = 4.into();
    header
}

pub(super) fn study() -> Value {
    let extension = json!({ "anyOf": [{ "const": "all" }, some(extension())] });
    record(
        &["kind"],
        json!({
            "kind": described(json!({ "const": STUDY }), "A fragmentation study."),
            "families": described(some(names(&FAMILIES)), "Default: [ipv6, ipv4]."),
            "protocols": described(
                some(names(&PROTOCOLS)),
                "What carries the datagrams: UDP, a TCP SYN with data, ICMP echo, a DNS query. \
                 Default: [udp].",
            ),
            "size": described(
                size(),
                "Bytes of the transport message, header and data; longer where the fragments need \
                 it. Default: 1232.",
            ),
            "tcp_header": described(tcp_header(), "Bytes of TCP's header. Default: 20."),
            "first": described(
                some(first()),
                "Bytes of the first fragment; auto: as the others. Default: [auto].",
            ),
            "count": described(some(count()), "Fragments of a datagram. Default: [2]."),
            "order": described(some(names(&ORDERS)), "In which order they are sent. Default: [in]."),
            "gap": described(
                some(gap()),
                "Time between two fragments; 0.9T: a share of the reassembly time. Default: [0ms].",
            ),
            "anomaly": described(
                some(names(&ANOMALIES)),
                "How the anomalous arm differs from lawful fragments. Default: [none].",
            ),
            "extension": described(
                extension,
                "Extension headers: hop-by-hop 8, destination-options 64 after (the fragment \
                 header); all: every kind at 8 to 512 bytes. Default: [none].",
            ),
            "df": described(some(boolean()), "Don't fragment, over IPv4. Default: [false]."),
            "interleave": described(
                some(integer(1, MAX_INTERLEAVE)),
                "Datagrams whose fragments are sent interleaved. Default: [1].",
            ),
            "design": described(
                names(&DESIGNS),
                "How the lists become cells: one change at a time from the first entries; every \
                 pair of entries in some cell; every combination. Default: main.",
            ),
            "cells": described(
                json!({
                    "type": "array", "minItems": 1, "maxItems": MAX_CELLS,
                    "items": reference("cell"),
                }),
                "Cells spelled out; the first entries of the lists are their defaults.",
            ),
            "arms": described(
                json!({ "type": "array", "minItems": 1, "items": names(&ARMS) }),
                "What is sent in each block. Default: every arm that applies.",
            ),
            "tries": described(
                integer(1, MAX_TRIES),
                "Blocks of each cell. Default: what the effect needs, else 20.",
            ),
            "effect": described(reference("effect"), "Losses to tell apart: proposes the tries."),
            "spacing": described(
                unit::<Nanos>(),
                "From one try to the next. Default: 2ms in a lab, else 1s.",
            ),
            "wait": described(
                unit::<Nanos>(),
                "How long answers may take. Default: 250ms in a lab, else 3s.",
            ),
            "receiver": described(
                names(&RECEIVERS),
                "Who receives: wirestorm serve sink, or any host, whose answers are all that is \
                 known. Default: sink; in a lab it is started.",
            ),
            "port": described(
                integer(1, 65_535),
                "Destination port of UDP, TCP and DNS. Default: 8900; of DNS alone 53.",
            ),
            "target": described(reference("target"), "Where the packets go. Default: the lab's rx."),
            "mtu": described(
                integer(576, 65_535),
                "The longest packet that the path takes: none of the study is longer. Default: 1500.",
            ),
            "attribution": described(
                integer(0, MAX_TRIES),
                "Datagrams of each arm that are sent alone, between two readings of every counter, \
                 to name the stage that loses them. Default: 20 in a lab, else 0.",
            ),
            "reassembly_time": described(
                unit::<Nanos>(),
                "T: how long the receiver waits for fragments. Default: as lab.sysctl sets it; 1s in \
                 a lab, else 30s over IPv4 and 60s over IPv6.",
            ),
        }),
    )
}

pub(super) fn cell() -> Value {
    let as_list = |value: Value| {
        described(
            value,
            "As the list of the study; its default is the \
                                                   first entry there.",
        )
    };
    record(
        &[],
        json!({
            "name": described(json!({ "type": "string" }), "Default: what tells it from others."),
            "family": as_list(names(&FAMILIES)),
            "protocol": as_list(names(&PROTOCOLS)),
            "size": described(size(), "Bytes of the transport message. Default: the study's."),
            "tcp_header": described(tcp_header(), "Bytes of TCP's header. Default: the study's."),
            "first": as_list(first()),
            "count": as_list(count()),
            "order": as_list(names(&ORDERS)),
            "gap": as_list(gap()),
            "fragments": described(
                json!({ "anyOf": [integer(1, 256), reference("fragments")] }),
                "How the datagram is cut, as in a stream; instead of first, count, order and gap.",
            ),
            "anomaly": as_list(names(&ANOMALIES)),
            "extension": as_list(extension()),
            "df": as_list(boolean()),
            "interleave": as_list(integer(1, MAX_INTERLEAVE)),
        }),
    )
}

pub(super) fn effect() -> Value {
    record(
        &["from", "to"],
        json!({
            "from": described(unit::<Ratio>(), "Loss of the control."),
            "to": described(unit::<Ratio>(), "Loss of the arm."),
            "power": described(unit::<Ratio>(), "Probability that it is found. Default: 90%."),
        }),
    )
}

pub(super) fn target() -> Value {
    record(
        &[],
        json!({
            "ipv4": described(unit::<Ipv4Addr>(), "IPv4 address. Default: the lab's."),
            "ipv6": described(unit::<Ipv6Addr>(), "IPv6 address. Default: the lab's."),
            "name": described(
                json!({ "type": "string" }),
                "The name that DNS queries ask for, below a label of their own. Default: example.com.",
            ),
        }),
    )
}

pub(super) fn criterion() -> Value {
    let share = json!({ "anyOf": [
        unit::<Ratio>(),
        { "type": "string", "pattern": r"^[0-9][0-9_.]* *%?\.\.[0-9][0-9_.]* *%?$" },
    ] });
    let counts = |what: &str| {
        described(json!({ "type": "object", "additionalProperties": integer(0, u64::MAX) }), what)
    };
    record(
        &["arm"],
        json!({
            "arm": described(names(&ARMS), "The arm that is held to it."),
            "cell": described(
                json!({ "type": "string" }),
                "The cell's name. Default: every cell that has the arm.",
            ),
            "delivered": described(share.clone(), "Datagrams that have to arrive."),
            "arrived": described(share, "Fragments that have to reach the receiver's tap."),
            "covers_loss": described(
                unit::<Ratio>(),
                "The 95 % interval of the datagram loss has to cover this.",
            ),
            "stage": described(names(&STAGES), "The stage that has to be named as the culprit."),
            "largest_fragment": described(
                integer(0, 65_535),
                "The longest fragment that datagrams were put together from; 0: all came whole.",
            ),
            "counters": counts("What counters have to rise by in the attribution of the arm."),
            "icmp": counts("ICMP errors that have to come back, by type and code: 3/1."),
        }),
    )
}
