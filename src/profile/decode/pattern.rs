//! Traffic patterns: what stands under `rate`.

use super::{At, Decoder, Record};
use crate::profile::model::{Pattern, Rate, Spacing, Step};
use crate::profile::units::Unit;
use crate::profile::yaml::Data;
use crate::units::Nanos;

/// Steps at most.
pub const MAX_STEPS: usize = 1_000;
/// Packets of a burst at most.
pub const MAX_BURST: u64 = 1 << 32;

/// A rate, or a pattern. None: it was no good, and the decoder says why.
pub(super) fn pattern(decoder: &mut Decoder, at: &At<'_>) -> Option<Pattern> {
    any(decoder, at, false)
}

fn any(decoder: &mut Decoder, at: &At<'_>, is_step: bool) -> Option<Pattern> {
    if !matches!(at.node.data, Data::Mapping(_)) {
        return decoder.unit(at).map(Pattern::Constant);
    }
    decoder.record(at, "pattern", "a rate, or a pattern", |record| read(record, is_step))?
}

fn read(record: &mut Record<'_, '_>, is_step: bool) -> Option<Pattern> {
    let (burst, on, ramp) = (record.get("burst"), record.get("on"), record.get("ramp"));
    let (steps, poisson) = (record.get("steps"), record.get("poisson"));
    let (at, every, gap) = (record.get("at"), record.get("every"), record.get("gap"));
    let (off, over) = (record.get("off"), record.get("over"));
    let kinds =
        [("burst", &burst), ("on", &on), ("ramp", &ramp), ("steps", &steps), ("poisson", &poisson)];
    if !record.one_of(&kinds) {
        return None;
    }
    let allowed: &[&str] = match () {
        () if burst.is_some() => &["at", "every", "gap"],
        () if on.is_some() => &["off", "at"],
        () if ramp.is_some() => &["over"],
        () => &[],
    };
    let beside = [
        ("at", &at, "burst or on"),
        ("every", &every, "burst"),
        ("gap", &gap, "burst"),
        ("off", &off, "on"),
        ("over", &over, "ramp"),
    ];
    for (key, value, needs) in beside {
        if !allowed.contains(&key) {
            record.only_with(value, key, needs);
        }
    }
    if let Some(found) = steps.as_ref().or(poisson.as_ref()).filter(|_| is_step) {
        record.decoder.refuse(found, "such a pattern in a step", "a rate, burst, on or ramp");
        return None;
    }
    if let Some(packets) = &burst {
        let packets = record.decoder.integer(packets, 1, MAX_BURST);
        let rate = match &at {
            Some(at) => record.decoder.unit(at),
            None => Some(Rate::Unlimited),
        };
        if !record.one_of(&[("every", &every), ("gap", &gap)]) {
            return None;
        }
        let spacing = match (&every, &gap) {
            (Some(every), _) => record.decoder.unit(every).map(Spacing::Every),
            (None, gap) => record.decoder.unit(gap.as_ref()?).map(Spacing::Gap),
        };
        return Some(Pattern::Burst { packets: packets?, at: rate?, spacing: spacing? });
    }
    if let Some(on) = &on {
        let on = record.decoder.unit(on);
        let off = needed(record, "off", &off, Nanos::EXPECTED);
        let rate = needed(record, "at", &at, Rate::EXPECTED);
        return Some(Pattern::OnOff { on: on?, off: off?, at: rate? });
    }
    if let Some(ramp) = &ramp {
        let rates = record.decoder.range(ramp);
        let over = needed(record, "over", &over, Nanos::EXPECTED);
        let (from, to) = rates?;
        return Some(Pattern::Ramp { from, to, over: over? });
    }
    match (&steps, &poisson) {
        (Some(at), _) => list(record.decoder, at).map(Pattern::Steps),
        (None, poisson) => record.decoder.unit(poisson.as_ref()?).map(Pattern::Poisson),
    }
}

/// The value under a key that the pattern cannot do without.
fn needed<T: Unit>(
    record: &mut Record<'_, '_>,
    key: &str,
    value: &Option<At<'_>>,
    expected: &str,
) -> Option<T> {
    match value {
        Some(at) => record.decoder.unit(at),
        None => {
            record.missing(key, expected);
            None
        }
    }
}

fn list(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<Step>> {
    const EXPECTED: &str = "a list of steps: [{rate: 1kpps, for: 1s}]";
    let steps = decoder.list_of(at, EXPECTED, |decoder, item| {
        decoder.record(item, "step", "a step: {rate: 1kpps, for: 1s}", |record| {
            let rate = record.require("rate", Rate::EXPECTED);
            let span = record.require("for", Nanos::EXPECTED);
            let pattern = rate.and_then(|at| any(record.decoder, &at, true));
            let span = span.and_then(|at| record.decoder.unit(&at));
            Some(Step { pattern: pattern?, span: span? })
        })?
    })?;
    if steps.is_empty() || steps.len() > MAX_STEPS {
        let found = format!("{} steps", steps.len());
        decoder.refuse(at, found, format!("1 to {MAX_STEPS}"));
        return None;
    }
    Some(steps)
}
