//! The values of a header's field.

use super::rule::rule;
use super::{At, Decoder};
use crate::profile::model::FieldValue;
use crate::profile::prefix::Prefix;
use crate::profile::problem::shorten;
use crate::profile::units::{parse_field, parse_integer};
use crate::profile::yaml::Data;
use crate::wire::field::{FieldDef, FieldDefault, FieldKind, Names};

/// Values of a list at most.
pub const MAX_LIST: usize = 1 << 16;

/// How an address prefix is walked.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Order {
    Increment,
    Random,
}

/// How the values of a field are written.
#[derive(Clone, Copy)]
pub(super) struct Written {
    /// As what.
    pub kind: FieldKind,
    /// Those that have a name.
    names: Names,
}

impl Written {
    /// One value of it.
    fn parse(self, text: &str) -> Result<u128, String> {
        match self.names.value(text) {
            Some(value) => Ok(value),
            None => parse_field(self.kind, text).map_err(|expected| match self.names.values {
                [] => expected,
                _ => format!("{expected}, or one of {}", self.names.list()),
            }),
        }
    }
}

impl From<FieldKind> for Written {
    fn from(kind: FieldKind) -> Self {
        Self { kind, names: Names::NONE }
    }
}

impl From<&FieldDef> for Written {
    fn from(field: &FieldDef) -> Self {
        Self { kind: field.kind, names: field.names }
    }
}

/// A field's value: a scalar, a prefix, a list, or a rule.
pub(super) fn value(decoder: &mut Decoder, at: &At<'_>, field: &FieldDef) -> Option<FieldValue> {
    if field.default == FieldDefault::Checksum && at.node.scalar() == Some("bad") {
        return Some(FieldValue::Bad);
    }
    of_kind(decoder, at, field.into(), field.max())
}

/// The values of a field of a kind whose largest value is `largest`.
pub(super) fn of_kind(
    decoder: &mut Decoder,
    at: &At<'_>,
    kind: Written,
    largest: u128,
) -> Option<FieldValue> {
    match &at.node.data {
        Data::Scalar { text, .. } if is_address(kind.kind) && text.contains('/') => {
            prefix(decoder, at, kind.kind, Order::Increment)
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
    kind: Written,
    largest: u128,
) -> Option<FieldValue> {
    decoder.record(at, record_name(kind.kind), EXPECTED, |record| rule(record, kind, largest))?
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

pub(super) fn list(decoder: &mut Decoder, at: &At<'_>, kind: Written) -> Option<FieldValue> {
    let values = decoder.list_of(at, "a list of values", |d, item| one(d, item, kind))?;
    if values.len() > MAX_LIST {
        let found = format!("{} values", values.len());
        decoder.refuse(at, found, format!("at most {MAX_LIST}; a counter has no limit"));
        return None;
    }
    Some(FieldValue::List(values))
}

pub(super) fn prefix(
    decoder: &mut Decoder,
    at: &At<'_>,
    kind: FieldKind,
    order: Order,
) -> Option<FieldValue> {
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

pub(super) fn one(decoder: &mut Decoder, at: &At<'_>, kind: Written) -> Option<u128> {
    decoder.scalar(at, EXPECTED, |text| kind.parse(text))
}

pub(super) fn range(decoder: &mut Decoder, at: &At<'_>, kind: Written) -> Option<(u128, u128)> {
    let expected = "a range such as low..high";
    decoder.scalar(at, expected, |text| {
        let (low, high) = text.split_once("..").ok_or(expected)?;
        Ok((kind.parse(low.trim())?, kind.parse(high.trim())?))
    })
}

/// The ends of a range; a value alone is both, and where `ranges` is false nothing else.
pub(super) fn ends_of(
    kind: impl Into<Written>,
    text: &str,
    ranges: bool,
) -> Result<(u128, u128), String> {
    let kind = kind.into();
    match text.split_once("..") {
        Some((low, high)) if ranges => Ok((kind.parse(low.trim())?, kind.parse(high.trim())?)),
        _ => kind.parse(text).map(|value| (value, value)),
    }
}

/// A value, which an address field may also be given as a number: `0xff` as `0.0.0.255`.
pub(super) fn integer_or_address(
    decoder: &mut Decoder,
    at: &At<'_>,
    kind: Written,
) -> Option<u128> {
    decoder.scalar(at, "a value of the field, or a number such as 0xff", |text| {
        parse_integer(text).map_or_else(|| kind.parse(text), Ok)
    })
}

pub(super) fn is_address(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Ipv4 | FieldKind::Ipv6)
}
