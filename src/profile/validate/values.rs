//! The values of header fields.

use crate::profile::model::{FieldSetting, FieldValue, Profile};
use crate::profile::path;
use crate::profile::prefix::address;
use crate::profile::problem::Problem;
use crate::profile::units::{Mac, Unit};
use crate::wire::field::{FieldDef, FieldKind};

/// All fields that the profile sets, with their paths.
fn settings(profile: &Profile) -> impl Iterator<Item = (String, &FieldSetting)> {
    let streams = profile.streams.iter().enumerate().filter(|(_, stream)| stream.has_own_headers());
    streams.flat_map(move |(s, stream)| {
        let count = stream.headers.len();
        stream.headers.iter().enumerate().flat_map(move |(h, header)| {
            let at = profile.origin.header_path(s, h, count, header.protocol.name);
            header.fields.iter().map(move |setting| (path::key(&at, setting.field.name), setting))
        })
    })
}

/// A value as it is written in a profile.
fn text(field: &FieldDef, value: u128) -> String {
    match field.kind {
        FieldKind::Number => value.to_string(),
        FieldKind::Mac => {
            let bytes = (value as u64).to_be_bytes();
            Mac(std::array::from_fn(|n| bytes[n + 2])).text()
        }
        FieldKind::Ipv4 => address(value, true).to_string(),
        FieldKind::Ipv6 => address(value, false).to_string(),
    }
}

/// The ranges that a rule draws from.
fn ranges(rule: &FieldValue) -> Vec<(u128, u128)> {
    match rule {
        FieldValue::Random { low, high }
        | FieldValue::Unique { low, high }
        | FieldValue::Zipf { low, high, .. }
        | FieldValue::Normal { low, high, .. } => vec![(*low, *high)],
        FieldValue::Weighted(shares) => {
            shares.iter().map(|share| (share.low, share.high)).collect()
        }
        _ => Vec::new(),
    }
}

fn mask_and_base(value: &FieldValue) -> Vec<u128> {
    match value {
        FieldValue::Masked { mask, base, .. } => vec![*mask, *base],
        _ => Vec::new(),
    }
}

pub(super) fn list_is_not_empty(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, setting) in settings(profile) {
        if *setting.value.rule() == FieldValue::List(Vec::new()) {
            problems.push(profile.origin.problem(at, "an empty list", "at least one value"));
        }
    }
}

pub(super) fn value_fits_field(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, FieldSetting { field, value }) in settings(profile) {
        let values = match value.rule() {
            FieldValue::Fixed(value) | FieldValue::Counter { start: value, .. } => vec![*value],
            FieldValue::List(values) => values.clone(),
            rule => ranges(rule).into_iter().flat_map(|(low, high)| [low, high]).collect(),
        };
        let mut values = values.into_iter().chain(mask_and_base(value));
        if let Some(value) = values.find(|value| *value > field.max()) {
            let expected = format!("at most {}: the field has {} bits", field.max(), field.bits);
            problems.push(profile.origin.problem(at, value, expected));
        }
    }
}

pub(super) fn range_is_ordered(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, FieldSetting { field, value }) in settings(profile) {
        if let Some((low, high)) = ranges(value.rule()).into_iter().find(|(low, high)| low > high) {
            let found = format!("{}..{}", text(field, low), text(field, high));
            let expected = "a range from the smaller value to the larger";
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}

pub(super) fn counter_stays_in_field(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, FieldSetting { field, value }) in settings(profile) {
        let FieldValue::Counter { start, step, count } = value.rule() else { continue };
        let down = *step > u128::MAX / 2;
        let room = if down { Some(*start) } else { field.max().checked_sub(*start) };
        // A start that does not fit is another rule's problem.
        let Some(room) = room.filter(|_| *start <= field.max()) else { continue };
        let step = if down { step.wrapping_neg() } else { *step };
        let most = (room / step.max(1)).saturating_add(1);
        if u128::from(*count) > most {
            let end = text(field, if down { 0 } else { field.max() });
            let found = format!("{count} values from {} in steps of {step}", text(field, *start));
            let expected = format!("a count of at most {most}: the field ends at {end}");
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}
