//! The values of a header's field.

use super::{At, Decoder, Record};
use crate::profile::model::FieldValue;
use crate::profile::prefix::Prefix;
use crate::profile::problem::shorten;
use crate::profile::units::{parse_field, parse_integer};
use crate::profile::yaml::Data;
use crate::wire::field::{FieldDef, FieldDefault, FieldKind};

/// Values of a list at most.
pub const MAX_LIST: usize = 1 << 16;

/// How an address prefix is walked.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Increment,
    Random,
}

/// A field's value: a scalar, a prefix, a list, or a rule.
pub(super) fn value(decoder: &mut Decoder, at: &At<'_>, field: &FieldDef) -> Option<FieldValue> {
    if field.default == FieldDefault::Checksum && at.node.scalar() == Some("bad") {
        return Some(FieldValue::Bad);
    }
    of_kind(decoder, at, field.kind, field.max())
}

/// The values of a field of a kind whose largest value is `largest`.
pub(super) fn of_kind(
    decoder: &mut Decoder,
    at: &At<'_>,
    kind: FieldKind,
    largest: u128,
) -> Option<FieldValue> {
    match &at.node.data {
        Data::Scalar { text, .. } if is_address(kind) && text.contains('/') => {
            prefix(decoder, at, kind, Order::Increment)
        }
        Data::Scalar { text, .. } if text.contains("..") => {
            let range = shorten(text);
            let example = format!("{{random: {range}}} or {{increment: {range}}} for a range");
            decoder.unexpected(at, example);
            None
        }
        Data::Scalar { .. } => one(decoder, at, kind).map(FieldValue::Fixed),
        Data::List(_) => list(decoder, at, kind),
        Data::Mapping(_) => record(decoder, at, kind, largest),
        Data::Null => {
            decoder.unexpected(at, EXPECTED);
            None
        }
    }
}

const EXPECTED: &str = "a value, a list, {increment: ..}, {decrement: ..} or {random: low..high}";

/// The rules by which a field changes from packet to packet.
pub(super) fn record(
    decoder: &mut Decoder,
    at: &At<'_>,
    kind: FieldKind,
    largest: u128,
) -> Option<FieldValue> {
    decoder.record(at, record_name(kind), EXPECTED, |record| rule(record, kind, largest))?
}

/// The name of the record in the schema: address fields also know prefixes.
pub(in crate::profile) fn record_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Number => "number_rule",
        FieldKind::Mac => "mac_rule",
        FieldKind::Ipv4 => "ipv4_rule",
        FieldKind::Ipv6 => "ipv6_rule",
    }
}

fn rule(record: &mut Record<'_, '_>, kind: FieldKind, largest: u128) -> Option<FieldValue> {
    let (increment, decrement) = (record.get("increment"), record.get("decrement"));
    let (step, count) = (record.get("step"), record.get("count"));
    let (list, random) = (record.get("list"), record.get("random"));
    let (prefix, order) =
        if is_address(kind) { (record.get("prefix"), record.get("order")) } else { (None, None) };
    let mut rules = vec![
        ("increment", &increment),
        ("decrement", &decrement),
        ("list", &list),
        ("random", &random),
    ];
    if is_address(kind) {
        rules.push(("prefix", &prefix));
    }
    if !record.one_of(&rules) {
        return None;
    }
    if increment.is_none() && decrement.is_none() {
        record.only_with(&step, "step", "increment or decrement");
        record.only_with(&count, "count", "increment or decrement");
    }
    if prefix.is_none() {
        record.only_with(&order, "order", "prefix");
    }
    if let Some(at) = list {
        return self::list(record.decoder, &at, kind);
    }
    if let Some(at) = random {
        let (low, high) = range(record.decoder, &at, kind)?;
        return Some(FieldValue::Random { low, high });
    }
    if let Some(at) = prefix {
        let choices = [("increment", Order::Increment), ("random", Order::Random)];
        let order = match order {
            Some(at) => record.decoder.choice(&at, &choices),
            None => Some(Order::Increment),
        };
        return self::prefix(record.decoder, &at, kind, order?);
    }
    let down = decrement.is_some();
    let from = increment.or(decrement)?;
    counter(record.decoder, Counter { from, step, count, down }, kind, largest)
}

/// `increment` or `decrement` with what stands beside it.
struct Counter<'n> {
    from: At<'n>,
    step: Option<At<'n>>,
    count: Option<At<'n>>,
    down: bool,
}

fn counter(
    decoder: &mut Decoder,
    counter: Counter<'_>,
    kind: FieldKind,
    largest: u128,
) -> Option<FieldValue> {
    let step = match &counter.step {
        Some(at) => decoder.scalar(at, STEP, parse_step),
        None => Some(1),
    };
    let count = counter.count.as_ref().map(|at| decoder.integer(at, 1, u64::MAX));
    let is_range = counter.from.node.scalar().is_some_and(|text| text.contains(".."));
    let (start, distance) = if is_range {
        if let Some(at) = &counter.count {
            decoder.refuse(at, "a range and a count", "one of them: the range has its own end");
        }
        let (low, high) = range(decoder, &counter.from, kind)?;
        let Some(distance) = high.checked_sub(low) else {
            decoder.unexpected(&counter.from, "a range from the smaller value to the larger");
            return None;
        };
        (if counter.down { high } else { low }, distance)
    } else {
        let start = one(decoder, &counter.from, kind)?;
        // A start that does not fit is the rule's business, with a count that does no harm.
        (start, if counter.down { start } else { largest.saturating_sub(start) })
    };
    let step = step?;
    let count = match count {
        Some(count) => count?,
        None => u64::try_from(distance / step).unwrap_or(u64::MAX).saturating_add(1),
    };
    let step = if counter.down { step.wrapping_neg() } else { step };
    Some(FieldValue::Counter { start, step, count })
}

const STEP: &str = "a whole number from 1, decimal or 0x";

fn parse_step(text: &str) -> Result<u128, String> {
    // Half of all 128-bit numbers are decrements.
    let sound = |step: &u128| (1..=u128::MAX / 2).contains(step);
    parse_integer(text).filter(sound).ok_or_else(|| STEP.to_owned())
}

fn list(decoder: &mut Decoder, at: &At<'_>, kind: FieldKind) -> Option<FieldValue> {
    let values = decoder.list_of(at, "a list of values", |d, item| one(d, item, kind))?;
    if values.len() > MAX_LIST {
        let found = format!("{} values", values.len());
        decoder.refuse(at, found, format!("at most {MAX_LIST}; a counter has no limit"));
        return None;
    }
    Some(FieldValue::List(values))
}

fn prefix(decoder: &mut Decoder, at: &At<'_>, kind: FieldKind, order: Order) -> Option<FieldValue> {
    let ipv4 = kind == FieldKind::Ipv4;
    let expected = if ipv4 {
        "an IPv4 prefix such as 198.19.0.0/24"
    } else {
        "an IPv6 prefix such as 2001:2::/64"
    };
    let prefix = decoder.scalar(at, expected, |text| {
        let prefix = Prefix::parse(text)?;
        if prefix.is_ipv4() == ipv4 { Ok(prefix) } else { Err(expected.to_owned()) }
    })?;
    let (low, high) = prefix.hosts();
    Some(match order {
        _ if low == high => FieldValue::Fixed(low),
        // Wider than 64 bits, whole blocks of 2^64 are drawn; the one address that no host has
        // comes once in a lifetime.
        Order::Random if high - low > u128::from(u64::MAX) => {
            let (low, high) = prefix.bounds();
            FieldValue::Random { low, high }
        }
        Order::Random => FieldValue::Random { low, high },
        Order::Increment => {
            let count = u64::try_from(high - low).unwrap_or(u64::MAX).saturating_add(1);
            FieldValue::Counter { start: low, step: 1, count }
        }
    })
}

fn one(decoder: &mut Decoder, at: &At<'_>, kind: FieldKind) -> Option<u128> {
    decoder.scalar(at, EXPECTED, |text| parse_field(kind, text))
}

fn range(decoder: &mut Decoder, at: &At<'_>, kind: FieldKind) -> Option<(u128, u128)> {
    let expected = "a range such as low..high";
    decoder.scalar(at, expected, |text| {
        let (low, high) = text.split_once("..").ok_or(expected)?;
        Ok((parse_field(kind, low.trim())?, parse_field(kind, high.trim())?))
    })
}

fn is_address(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Ipv4 | FieldKind::Ipv6)
}
