//! The rules by which a field changes from packet to packet.

use super::value::{
    MAX_LIST, Order, Written, ends_of, integer_or_address, is_address, list, one, prefix, range,
};
use super::{At, Decoder, Record};
use crate::profile::deal;
use crate::profile::model::{FieldName, FieldValue, Real, Weighted};
use crate::profile::units::{parse_field, parse_integer};
use crate::profile::yaml::Data;
use crate::wire::field::FieldKind;

/// Values of a weighted list at most: each is weighed anew for every turn of the cycle.
pub(super) const MAX_DEALT: usize = 1024;
/// In place of a number of packets: as many as the capture has.
pub const ROUND: &str = "round";
/// The largest weight.
const MAX_WEIGHT: u64 = 1 << 16;

/// Everything that may stand in a rule.
struct Keys<'n> {
    /// How the random values are distributed.
    unique: Option<At<'n>>,
    zipf: Option<At<'n>>,
    mean: Option<At<'n>>,
    sd: Option<At<'n>>,
    /// What modifies any rule.
    every: Option<At<'n>>,
    mask: Option<At<'n>>,
    base: Option<At<'n>>,
}

pub(super) fn rule(
    record: &mut Record<'_, '_>,
    kind: Written,
    largest: u128,
) -> Option<FieldValue> {
    let (increment, decrement) = (record.get("increment"), record.get("decrement"));
    let (step, count) = (record.get("step"), record.get("count"));
    let (list, random) = (record.get("list"), record.get("random"));
    let (prefix, order) = if is_address(kind.kind) {
        (record.get("prefix"), record.get("order"))
    } else {
        (None, None)
    };
    let (same_as, plus) = (record.get("same_as"), record.get("plus"));
    let keys = Keys {
        unique: record.get("unique"),
        zipf: record.get("zipf"),
        mean: record.get("mean"),
        sd: record.get("sd"),
        every: record.get("every"),
        mask: record.get("mask"),
        base: record.get("base"),
    };
    let mut rules = vec![
        ("increment", &increment),
        ("decrement", &decrement),
        ("list", &list),
        ("random", &random),
        ("same_as", &same_as),
    ];
    if is_address(kind.kind) {
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
    if same_as.is_none() {
        record.only_with(&plus, "plus", "same_as");
    } else {
        record.only_with(&keys.every, "every", "a rule of the field's own");
    }
    if keys.mask.is_none() {
        record.only_with(&keys.base, "base", "mask");
    }
    let is_drawn = random.is_some() || (prefix.is_some() && order.is_some());
    if !is_drawn {
        for (at, key) in keys.distributions() {
            record.only_with(at, key, "random");
        }
    }
    let decoder = &mut *record.decoder;
    let value = if let Some(at) = list {
        self::weighted_list(decoder, &at, kind)?
    } else if let Some(at) = random {
        match &at.node.data {
            Data::Mapping(_) => {
                keys.refuse_distributions(decoder, "weights and");
                weighted_random(decoder, &at, kind)?
            }
            _ => {
                let (low, high) = range(decoder, &at, kind)?;
                keys.distributed(decoder, kind, low, high)?
            }
        }
    } else if let Some(at) = prefix {
        let choices = [("increment", Order::Increment), ("random", Order::Random)];
        let order = match order {
            Some(at) => decoder.choice(&at, &choices)?,
            None => Order::Increment,
        };
        match self::prefix(decoder, &at, kind.kind, order)? {
            FieldValue::Random { low, high } => keys.distributed(decoder, kind, low, high)?,
            value => {
                if order == Order::Increment {
                    keys.refuse_distributions(decoder, "order: increment and");
                }
                value
            }
        }
    } else if let Some(at) = same_as {
        same(decoder, &at, plus.as_ref())?
    } else {
        let down = decrement.is_some();
        let from = increment.or(decrement)?;
        counter(decoder, Counter { from, step, count, down }, kind, largest)?
    };
    keys.modified(decoder, kind, value)
}

impl<'n> Keys<'n> {
    fn distributions(&self) -> [(&Option<At<'n>>, &'static str); 4] {
        [(&self.unique, "unique"), (&self.zipf, "zipf"), (&self.mean, "mean"), (&self.sd, "sd")]
    }

    fn refuse_distributions(&self, decoder: &mut Decoder, beside: &str) {
        for (at, key) in self.distributions() {
            if let Some(at) = at {
                decoder.refuse(at, format!("{beside} {key}"), "one of them");
            }
        }
    }

    /// Random values of `low..=high`, distributed as the rule says.
    fn distributed(
        &self,
        decoder: &mut Decoder,
        kind: Written,
        low: u128,
        high: u128,
    ) -> Option<FieldValue> {
        let unique = match &self.unique {
            Some(at) => decoder.boolean(at)?,
            None => false,
        };
        let normal = self.mean.as_ref().or(self.sd.as_ref());
        let asked = [self.unique.as_ref().filter(|_| unique), self.zipf.as_ref(), normal];
        let asked: Vec<&At<'_>> = asked.into_iter().flatten().collect();
        if let [_, second, ..] = asked.as_slice() {
            decoder.refuse(second, "two distributions", "one of unique, zipf, or mean and sd");
            return None;
        }
        let Some(asked) = asked.first() else { return Some(FieldValue::Random { low, high }) };
        if high.saturating_sub(low) > u128::from(u64::MAX) {
            decoder.refuse(asked, "more than 2^64 values", "a range of at most 2^64 values");
            return None;
        }
        if unique {
            return Some(FieldValue::Unique { low, high });
        }
        if let Some(at) = &self.zipf {
            let exponent =
                real(decoder, at, "a number above 0, at most 10", |s| s > 0.0 && s <= 10.0)?;
            return Some(FieldValue::Zipf { low, high, exponent });
        }
        let (Some(mean), Some(sd)) = (&self.mean, &self.sd) else {
            decoder.refuse(asked, "one of mean and sd", "both: {random: 0..100, mean: 50, sd: 10}");
            return None;
        };
        let deviation =
            real(decoder, sd, "a number above 0, at most 1e18", |sd| sd > 0.0 && sd <= 1e18)?;
        let expected = "a mean inside the range";
        let mean = if kind.kind == FieldKind::Number {
            let inside = |mean: f64| mean >= low as f64 && mean <= high as f64;
            real(decoder, mean, expected, inside)?.get() - low as f64
        } else {
            let text = one(decoder, mean, kind)?;
            if !(low..=high).contains(&text) {
                decoder.unexpected(mean, expected);
                return None;
            }
            (text - low) as f64
        };
        Some(FieldValue::Normal { low, high, mean: Real::new(mean)?, deviation })
    }

    /// A rule with its mask, and the packets of one value.
    fn modified(
        &self,
        decoder: &mut Decoder,
        kind: Written,
        mut value: FieldValue,
    ) -> Option<FieldValue> {
        if let Some(at) = &self.every {
            value.slow_down(every(decoder, at)?);
        }
        let Some(mask) = &self.mask else { return Some(value) };
        let mask = integer_or_address(decoder, mask, kind)?;
        let base = match &self.base {
            Some(base) => integer_or_address(decoder, base, kind)?,
            None => 0,
        };
        Some(FieldValue::Masked { mask, base, value: Box::new(value) })
    }
}

/// Packets of one value; those of a whole capture where one is rewritten.
fn every(decoder: &mut Decoder, at: &At<'_>) -> Option<u64> {
    match (at.node.scalar(), decoder.round) {
        (Some(ROUND), Some(packets)) => Some(packets),
        _ => decoder.integer(at, 1, u64::MAX),
    }
}

/// A decimal number, with an exponent or without, that `sound` accepts.
fn real(
    decoder: &mut Decoder,
    at: &At<'_>,
    expected: &str,
    sound: impl Fn(f64) -> bool,
) -> Option<Real> {
    decoder.scalar(at, expected, |text| {
        // Neither infinity nor what is no number.
        let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        let number = text.parse().ok().filter(|number| decimal && sound(*number));
        number.and_then(Real::new).ok_or_else(|| expected.to_owned())
    })
}

/// `{same_as: udp.src, plus: 1}`.
fn same(decoder: &mut Decoder, at: &At<'_>, plus: Option<&At<'_>>) -> Option<FieldValue> {
    let expected = FieldName::EXPECTED;
    let of = decoder
        .scalar(at, expected, |text| FieldName::parse(text).ok_or_else(|| expected.to_owned()))?;
    let plus = match plus {
        Some(at) => decoder.scalar(at, PLUS, parse_plus)?,
        None => 0,
    };
    Some(FieldValue::Same { of, plus })
}

const PLUS: &str = "a whole number such as 1 or -1";

fn parse_plus(text: &str) -> Result<u128, String> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let plus = parse_integer(digits).filter(|plus| *plus <= u128::MAX / 2);
    let plus = plus.ok_or_else(|| PLUS.to_owned())?;
    Ok(if negative { plus.wrapping_neg() } else { plus })
}

/// `[80, 443]`, or `{80: 7, 443: 1}`, dealt out evenly by weight.
fn weighted_list(decoder: &mut Decoder, at: &At<'_>, kind: Written) -> Option<FieldValue> {
    if !matches!(at.node.data, Data::Mapping(_)) {
        return list(decoder, at, kind);
    }
    let shares = weights(decoder, at, MAX_DEALT, |text| ends_of(kind, text, false))?;
    let entries: Vec<(u128, u32)> = shares.iter().map(|share| (share.low, share.weight)).collect();
    let turns = deal::cycle(&entries);
    if turns <= deal::MAX_CYCLE && !decoder.may_deal(at, entries.len(), turns) {
        return None;
    }
    match deal::deal(&entries) {
        Ok(list) => Some(FieldValue::List(list)),
        Err(cycle) => {
            let expected = format!("at most {}: the list is dealt in full cycles", deal::MAX_CYCLE);
            decoder.refuse(at, format!("weights of {cycle} in all"), expected);
            None
        }
    }
}

/// `{80: 7, 1024..2047: 1}`, drawn by weight.
fn weighted_random(decoder: &mut Decoder, at: &At<'_>, kind: Written) -> Option<FieldValue> {
    let shares = weights(decoder, at, MAX_LIST, |text| ends_of(kind, text, true))?;
    Some(FieldValue::Weighted(shares))
}

/// Values, or ranges of them, with their weights.
pub(super) fn weights<T>(
    decoder: &mut Decoder,
    at: &At<'_>,
    most: usize,
    ends: impl Fn(&str) -> Result<(T, T), String>,
) -> Option<Vec<Weighted<T>>> {
    let entries = decoder.names(at, "values with their weights: {80: 7, 443: 1}")?;
    if entries.is_empty() || entries.len() > most {
        let found = format!("{} values", entries.len());
        decoder.refuse(at, found, format!("1 to {most} values with their weights"));
        return None;
    }
    let mut shares = Vec::with_capacity(entries.len());
    for (entry, key) in &entries {
        let weight = decoder.integer(entry, 1, MAX_WEIGHT);
        match ends(key) {
            Ok((low, high)) => {
                shares.extend(weight.map(|weight| Weighted { low, high, weight: weight as u32 }));
            }
            Err(expected) => decoder.refuse(
                entry,
                format!("\"{}\"", crate::profile::problem::shorten(key)),
                expected,
            ),
        }
    }
    (shares.len() == entries.len()).then_some(shares)
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
    kind: Written,
    largest: u128,
) -> Option<FieldValue> {
    let step = match &counter.step {
        Some(at) => decoder.scalar(at, STEP, |text| parse_step(kind.kind, text)),
        None => Some(1),
    };
    let count = counter.count.as_ref().map(|at| decoder.integer(at, 1, u64::MAX));
    let is_range = counter.from.node.scalar().is_some_and(|text| text.contains(".."));
    let (start, distance) = if is_range {
        if let Some(at) = &counter.count {
            decoder.refuse(at, "a range and a count", "one of them: the range has its own end");
        }
        let (one, other) = range(decoder, &counter.from, kind)?;
        // Down from the larger one, whichever is written first.
        let (low, high) =
            if counter.down { (one.min(other), one.max(other)) } else { (one, other) };
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

const STEP: &str = "a whole number from 1, decimal or 0x; of addresses as an address too: 0.0.1.0";

fn parse_step(kind: FieldKind, text: &str) -> Result<u128, String> {
    // Half of all 128-bit numbers are decrements.
    let sound = |step: &u128| (1..=u128::MAX / 2).contains(step);
    let step = parse_integer(text).or_else(|| parse_field(kind, text).ok());
    step.filter(sound).ok_or_else(|| STEP.to_owned())
}
