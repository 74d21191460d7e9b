//! Fields that advance like the wheels of an odometer: `nested: [ipv4.src, udp.src]`.

use super::{At, Decoder};
use crate::profile::model::{FieldName, FieldValue, Header};

/// Fields in one chain at most.
const MAX_NESTED: usize = 32;

/// Lets each field advance when the ones before it have come round.
pub(super) fn nested(decoder: &mut Decoder, at: &At<'_>, headers: &mut [Header]) {
    const EXPECTED: &str = "a list of fields, the fastest first: [ipv4.src, udp.src]";
    let expected = FieldName::EXPECTED;
    let names = decoder.list_of(at, EXPECTED, |decoder, item| {
        let name = decoder.scalar(item, expected, |text| {
            FieldName::parse(text).ok_or_else(|| expected.to_owned())
        })?;
        Some((item.clone(), name))
    });
    let Some(names) = names else { return };
    if !(2..=MAX_NESTED).contains(&names.len()) {
        let found = format!("{} fields", names.len());
        decoder.refuse(at, found, format!("2 to {MAX_NESTED} fields"));
        return;
    }
    let mut turns = 1u64;
    let mut seen: Vec<(usize, String)> = Vec::new();
    for (n, (at, name)) in names.iter().enumerate() {
        let place = match name.position(headers) {
            Ok(place) => place,
            Err(cause) => {
                decoder.refuse(at, cause, "a header of the packet");
                return;
            }
        };
        let own = (place, name.field.clone());
        if seen.contains(&own) {
            decoder.refuse(at, format!("{name} a second time"), "each field once");
            return;
        }
        seen.push(own);
        let Some(value) = name.setting_mut(&mut headers[place]) else {
            decoder.refuse(
                at,
                format!("{name}, which the packet does not set"),
                "a field that changes",
            );
            return;
        };
        let period = match value.period() {
            _ if matches!(value.rule(), FieldValue::Same { .. } | FieldValue::Bad) => {
                decoder.refuse(
                    at,
                    format!("{name}, which has no rule of its own"),
                    "a rule of its own",
                );
                return;
            }
            None if n + 1 < names.len() => {
                let found = format!("{name}, whose values never come round");
                let expected = "a counter, a list or unique values before the last field";
                decoder.refuse(at, found, expected);
                return;
            }
            period => period.unwrap_or(1),
        };
        value.slow_down(turns);
        turns = turns.saturating_mul(period);
    }
}
