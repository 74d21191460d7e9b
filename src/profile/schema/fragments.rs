//! The schemas of `fragments:`.

use serde_json::{Value, json};

use super::units::{described, integer, unit, words};
use super::{boolean, record, reference};
use crate::profile::decode::ORDERS;
use crate::profile::fragments::{MAX_PIECES, MAX_STEPS};
use crate::units::Nanos;

pub(super) fn fragments() -> Value {
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
            "header": described(
                json!({ "type": "string", "pattern": "^ipv[46](\\[[0-9]+\\])?$" }),
                "The IP header that is fragmented, ipv4[1] for the second ipv4. Default: the first.",
            ),
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
                "Identification: the datagram's number (default), apart from those of streams \
                 between the same addresses; random (RFC 7739); one number; a counter from a \
                 start; few in turn.",
            ),
        }),
    );
    let one = ["count", "mtu", "sizes", "pieces", "atomic"];
    fragments["oneOf"] = one.map(|key| json!({ "required": [key] })).to_vec().into();
    fragments
}

pub(super) fn piece() -> Value {
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

pub(super) fn fragment_id() -> Value {
    let mut id = record(
        &[],
        json!({
            "start": described(
                integer(0, u32::MAX.into()),
                "The first; it counts on to the field's end, and again.",
            ),
            "reuse": described(integer(1, 1 << 32), "So many values in turn."),
        }),
    );
    id["oneOf"] = ["start", "reuse"].map(|key| json!({ "required": [key] })).to_vec().into();
    id
}
