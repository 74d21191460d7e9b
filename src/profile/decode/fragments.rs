//! How a stream's datagrams are cut.

use super::{At, Decoder, Record};
use crate::profile::fragments::{
    Cut, Fragments, Identification, MAX_PIECES, MAX_STEPS, Meant, Order, PieceSpec,
};
use crate::profile::yaml::Data;
use crate::units::Nanos;
use crate::wire::field::ProtocolKind;

const EXPECTED: &str = "into how many pieces, or how: 3, {mtu: 1280}, {sizes: [24, 1000, 500]}";
/// Bytes that an offset and a length can name: beyond the end of any datagram.
const MAX_BYTES: u64 = 65_535;

pub(super) fn fragments(decoder: &mut Decoder, at: &At<'_>) -> Option<Fragments> {
    if matches!(at.node.data, Data::Scalar { .. }) {
        let count = decoder.integer(at, 1, MAX_PIECES as u64)?;
        return Some(Fragments::new(Cut::Count(count as usize)));
    }
    decoder.record(at, "fragments", EXPECTED, record)?
}

fn record(record: &mut Record<'_, '_>) -> Option<Fragments> {
    let (count, mtu) = (record.get("count"), record.get("mtu"));
    let (sizes, pieces) = (record.get("sizes"), record.get("pieces"));
    let (atomic, header) = (record.get("atomic"), record.get("header"));
    let (order, id) = (record.get("order"), record.get("id"));
    let (duplicate, omit) = (record.get("duplicate"), record.get("omit"));
    let (first, overlap) = (record.get("first"), record.get("overlap"));
    let gap = record.unit::<Nanos>("gap");
    let one = record.one_of(&[
        ("count", &count),
        ("mtu", &mtu),
        ("sizes", &sizes),
        ("pieces", &pieces),
        ("atomic", &atomic),
    ]);
    if !one {
        return None;
    }
    if count.is_none() && mtu.is_none() {
        record.only_with(&first, "first", "count or mtu");
    }
    if pieces.is_some() || atomic.is_some() {
        record.only_with(&overlap, "overlap", "count, mtu or sizes");
    }
    let decoder = &mut *record.decoder;
    let cut = if let Some(at) = count {
        Cut::Count(decoder.integer(&at, 1, MAX_PIECES as u64)? as usize)
    } else if let Some(at) = mtu {
        Cut::Mtu(decoder.integer(&at, 28, MAX_BYTES)? as usize)
    } else if let Some(at) = sizes {
        let sizes =
            decoder.list_of(&at, "bytes of the pieces: [24, 1000, 500]", |decoder, item| {
                decoder.integer(item, 1, MAX_BYTES).map(|size| size as usize)
            })?;
        if sizes.is_empty() || sizes.len() > MAX_PIECES {
            let found = format!("{} sizes", sizes.len());
            decoder.refuse(&at, found, format!("1 to {MAX_PIECES}"));
            return None;
        }
        Cut::Sizes(sizes)
    } else if let Some(at) = pieces {
        let expected = "pieces: [{offset: 0, length: 24}, {offset: 24, length: 32}]";
        let pieces = decoder.list_of(&at, expected, |decoder, item| {
            decoder.record(item, "piece", "a piece: {offset: 0, length: 24}", piece)?
        })?;
        if pieces.is_empty() || pieces.len() > MAX_PIECES {
            let found = format!("{} pieces", pieces.len());
            decoder.refuse(&at, found, format!("1 to {MAX_PIECES}"));
            return None;
        }
        Cut::Pieces(pieces)
    } else {
        decoder.choice(&atomic?, &[("true", Cut::Count(1))])?
    };
    let mut fragments = Fragments::new(cut);
    if let Some(at) = header {
        let meant = |text: &str| meant(text).ok_or_else(|| HEADER.to_owned());
        fragments.header = Some(decoder.scalar(&at, HEADER, meant)?);
    }
    if let Some(at) = first {
        fragments.first = Some(decoder.integer(&at, 1, MAX_BYTES)? as usize);
    }
    if let Some(at) = overlap {
        fragments.overlap = decoder.integer(&at, 0, MAX_BYTES)? as usize;
    }
    fragments.gap = gap.unwrap_or_default();
    if let Some(at) = order {
        fragments.order = self::order(decoder, &at)?;
    }
    if let Some(at) = duplicate {
        fragments.duplicate = numbers(decoder, &at)?;
    }
    if let Some(at) = omit {
        fragments.omit = numbers(decoder, &at)?;
    }
    if let Some(at) = id {
        fragments.id = Some(identification(decoder, &at)?);
    }
    Some(fragments)
}

const HEADER: &str = "an IP header of the packet: ipv6, or ipv4[1] for the second ipv4";

/// `ipv6`, `ipv4[1]`.
fn meant(text: &str) -> Option<Meant> {
    let (name, nth) = match text.split_once('[') {
        Some((name, nth)) => (name, nth.strip_suffix(']')?.parse().ok()?),
        None => (text, 0),
    };
    let kinds = [("ipv4", ProtocolKind::Ipv4), ("ipv6", ProtocolKind::Ipv6)];
    let kind = kinds.into_iter().find(|(own, _)| *own == name);
    kind.map(|(_, kind)| Meant { kind, nth })
}

fn piece(record: &mut Record<'_, '_>) -> Option<PieceSpec> {
    let offset = record.require("offset", "the first byte of the fragmentable part");
    let length = record.require("length", "the bytes of the piece");
    let more = record.boolean("more");
    let data = record.get("data");
    let offset = record.decoder.integer(&offset?, 0, MAX_BYTES)? as usize;
    let length = record.decoder.integer(&length?, 0, MAX_BYTES)? as usize;
    let other = match data {
        Some(at) => record.decoder.choice(&at, &[("same", false), ("other", true)])?,
        None => false,
    };
    Some(PieceSpec { offset, length, more, other })
}

/// The orders by their names.
pub const ORDERS: [(&str, Order); 4] = [
    ("in", Order::In),
    ("reversed", Order::Reversed),
    ("shuffled", Order::Shuffled),
    ("last-first", Order::LastFirst),
];

fn order(decoder: &mut Decoder, at: &At<'_>) -> Option<Order> {
    match at.node.data {
        Data::List(_) => numbers(decoder, at).map(Order::List),
        _ => decoder.choice(at, &ORDERS),
    }
}

/// Numbers of pieces, from 1.
fn numbers(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<usize>> {
    let numbers = decoder.list_of(at, "numbers of pieces: [1, 3]", |decoder, item| {
        decoder.integer(item, 1, MAX_PIECES as u64).map(|number| number as usize)
    })?;
    if numbers.is_empty() || numbers.len() > MAX_STEPS {
        let found = format!("{} numbers", numbers.len());
        decoder.refuse(at, found, format!("1 to {MAX_STEPS}"));
        return None;
    }
    Some(numbers)
}

fn identification(decoder: &mut Decoder, at: &At<'_>) -> Option<Identification> {
    match &at.node.data {
        Data::Mapping(_) => decoder.record(at, "fragment_id", ID, |record| {
            let (start, reuse) = (record.get("start"), record.get("reuse"));
            if !record.one_of(&[("start", &start), ("reuse", &reuse)]) {
                return None;
            }
            if let Some(at) = start {
                let first = record.decoder.integer(&at, 0, u32::MAX.into())?;
                return Some(Identification::From(first as u32));
            }
            let reuse = record.decoder.integer(&reuse?, 1, 1 << 32)?;
            Some(Identification::Reuse(reuse))
        })?,
        Data::Scalar { text, .. } if text.starts_with(|c: char| c.is_ascii_digit()) => {
            decoder.integer(at, 0, u32::MAX.into()).map(|id| Identification::Fixed(id as u32))
        }
        _ => {
            let words = [("counter", Identification::Counter), ("random", Identification::Random)];
            decoder.choice(at, &words)
        }
    }
}

const ID: &str = "counter, random, a number, {start: 1000} or {reuse: 16}";
