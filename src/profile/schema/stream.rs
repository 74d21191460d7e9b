//! The schema of a stream.

use serde_json::{Value, json};

use super::pattern::rate;
use super::units::{described, integer, unit, words};
use super::{boolean, headers, record, reference};
use crate::profile::decode::{MAX_ORDER, MAX_REPEAT, PAYLOAD_WORDS};
use crate::profile::fragments::MAX_PIECES;
use crate::units::{FrameSize, Nanos};

pub(super) fn stream() -> Value {
    let mut stream = record(
        &[],
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
                integer(1, MAX_REPEAT),
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
                "items": integer(0, MAX_ORDER as u64 - 1),
                "description":
                    "Order in which the packets of each block are sent, duplicates and omissions on \
                     purpose included: [0, 1, 2, 5, 3, 4].",
            },
            "replay": described(
                json!({ "anyOf": [{ "type": "string", "minLength": 1 }, reference("replay")] }),
                "A capture whose packets are sent again, in place of size and packet: its file, pcap \
                 or pcapng, relative to the profile. Without a rate it is sent as it was recorded.",
            ),
        }),
    );
    stream["oneOf"] =
        json!([{ "required": ["size", "rate", "packet"] }, { "required": ["replay"] }]);
    stream
}
