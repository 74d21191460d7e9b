//! The numbers that a field takes, in parts of at most 64 bits: what the program format computes
//! with.

use super::distributions;
use super::error::Problem;
use crate::packet::shares::Share;
use crate::profile::model::{FieldValue, Weighted};

/// The values of a field of at most 64 bits, or of one half of a wider one. Whatever turns out to
/// be always the same is a constant, so it costs nothing per packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    Constant(u64),
    /// `start + step * (i % count)`, wrapping; count 0: `start + step * i`.
    Counter {
        start: u64,
        step: u64,
        count: u64,
    },
    /// The upper half of a counter whose lower half is `low_start + low_step * (i % count)`.
    CounterHigh {
        start: u64,
        step: u64,
        count: u64,
        low_start: u64,
        low_step: u64,
    },
    /// `low + below(range)`; range 0: 2^64.
    Random {
        low: u64,
        range: u64,
    },
    /// Entry i mod length, plus a number. Never empty.
    List {
        values: Vec<u64>,
        plus: u64,
    },
    /// `low + permute(i % values)`; values 0: 2^64.
    Unique {
        low: u64,
        values: u64,
    },
    /// Drawn from shares, plus a number.
    Shares {
        shares: Vec<Share>,
        plus: u64,
    },
}

impl Values {
    /// A counter in a field of `bits` bits.
    pub(super) fn counter(start: u64, step: u64, count: u64, bits: u8) -> Self {
        let mask = low_bits(bits);
        if count <= 1 || step & mask == 0 {
            return Self::Constant(start & mask);
        }
        // Where the field itself wraps at the end of the count, nothing has to be divided.
        let wraps = (u128::from(step) * u128::from(count)) & u128::from(mask) == 0;
        Self::Counter { start, step, count: if wraps { 0 } else { count } }
    }

    /// Uniform over both ends and all between.
    pub(super) fn random(low: u64, high: u64) -> Self {
        if low == high {
            return Self::Constant(low);
        }
        Self::Random { low, range: high.wrapping_sub(low).wrapping_add(1) }
    }

    /// Every value of both ends and all between once in a cycle.
    fn unique(low: u64, high: u64) -> Self {
        if low == high {
            return Self::Constant(low);
        }
        Self::Unique { low, values: high.wrapping_sub(low).wrapping_add(1) }
    }

    /// `values` is not empty.
    pub(super) fn list(values: Vec<u64>, plus: u64) -> Self {
        if values.iter().all(|value| *value == values[0]) {
            return Self::Constant(values[0].wrapping_add(plus));
        }
        Self::List { values, plus }
    }

    pub(super) fn shares(shares: Vec<Share>, plus: u64) -> Self {
        match shares.as_slice() {
            [only] if only.values == 1 => Self::Constant(only.low.wrapping_add(plus)),
            [only] => Self::Random { low: only.low.wrapping_add(plus), range: only.values },
            _ => Self::Shares { shares, plus },
        }
    }
}

/// One part of a field: its first bit, counted from the field's, its width, its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) bit: u16,
    pub(super) bits: u8,
    /// Which half of the rule it is, for its key: 0 the upper one, or all of it.
    pub(super) half: u32,
    pub(super) values: Values,
}

/// What a rule adds to what it says: the field that it belongs to, and a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Bits of the field whose rule it is.
    pub(super) source_bits: u8,
    /// Added to every value, modulo the width of the field that takes it.
    pub(super) plus: u128,
}

/// The values that a bare rule gives a field of `bits` bits, in one part, or, where that is wider
/// than 64, in two.
pub(super) fn parts(bits: u8, rule: &FieldValue, context: Context) -> Result<Vec<Part>, Problem> {
    let Context { source_bits, plus } = context;
    check(source_bits, rule)?;
    // The halves of a rule are numbered by the field that it belongs to; a draw is one for both.
    let low_half = |values: &Values| match values {
        Values::Shares { .. } => 0,
        _ => u32::from(source_bits > 64),
    };
    if bits <= 64 {
        let values = narrow(rule, bits, plus as u64)?;
        return Ok(vec![Part { bit: 0, bits, half: low_half(&values), values }]);
    }
    let (high, low) = wide(rule, plus, bits - 64)?;
    Ok(vec![
        Part { bit: 0, bits: bits - 64, half: 0, values: high },
        Part { bit: u16::from(bits) - 64, bits: 64, half: low_half(&low), values: low },
    ])
}

/// Every value fits the field and there is one at all. Steps wrap, so they may be any number.
fn check(bits: u8, value: &FieldValue) -> Result<(), Problem> {
    let most = u128::MAX >> (128 - u32::from(bits));
    let fits = |value: u128| {
        if value > most { Err(Problem::ValueTooWide { value, most }) } else { Ok(()) }
    };
    let range = |low: u128, high: u128| {
        if low > high { Err(Problem::EmptyRange { low, high }) } else { fits(high) }
    };
    match value {
        FieldValue::Bad => Err(Problem::NoChecksum),
        FieldValue::Fixed(value) => fits(*value),
        FieldValue::List(list) if list.is_empty() => Err(Problem::EmptyList),
        FieldValue::List(list) => list.iter().try_for_each(|value| fits(*value)),
        FieldValue::Counter { start, .. } => fits(*start),
        FieldValue::Random { low, high }
        | FieldValue::Unique { low, high }
        | FieldValue::Zipf { low, high, .. }
        | FieldValue::Normal { low, high, .. } => range(*low, *high),
        FieldValue::Weighted(shares) if shares.iter().all(|share| share.weight == 0) => {
            Err(Problem::EmptyList)
        }
        FieldValue::Weighted(shares) => {
            shares.iter().try_for_each(|share| range(share.low, share.high))
        }
        FieldValue::Every { value, .. } | FieldValue::Masked { value, .. } => check(bits, value),
        FieldValue::Same { .. } => Ok(()),
    }
}

fn narrow(rule: &FieldValue, bits: u8, plus: u64) -> Result<Values, Problem> {
    let moved = |value: &u128| (*value as u64).wrapping_add(plus);
    Ok(match rule {
        FieldValue::Fixed(value) => Values::Constant(moved(value) & low_bits(bits)),
        FieldValue::List(list) => {
            Values::list(list.iter().map(|value| *value as u64).collect(), plus)
        }
        FieldValue::Counter { start, step, count } => {
            Values::counter(moved(start), *step as u64, *count, bits)
        }
        FieldValue::Random { low, high } => Values::random(moved(low), moved(high)),
        FieldValue::Unique { low, high } => Values::unique(moved(low), moved(high)),
        FieldValue::Weighted(shares) => {
            Values::shares(weighted(shares, |low, high| (low as u64, (high - low) as u64)), plus)
        }
        FieldValue::Zipf { low, high, exponent } => {
            Values::shares(distributions::zipf((high - low) as u64, exponent.get()), moved(low))
        }
        FieldValue::Normal { low, high, mean, deviation } => {
            let range = (high - low) as u64;
            let shares = distributions::normal(range, mean.get(), deviation.get());
            Values::shares(shares, moved(low))
        }
        // Modifiers are taken off before.
        FieldValue::Bad
        | FieldValue::Same { .. }
        | FieldValue::Every { .. }
        | FieldValue::Masked { .. } => return Err(Problem::NoChecksum),
    })
}

/// The shares that are ever drawn; `of` tells the first value and the distance to the last.
fn weighted(shares: &[Weighted<u128>], of: impl Fn(u128, u128) -> (u64, u64)) -> Vec<Share> {
    let drawn = shares.iter().filter(|share| share.weight > 0);
    drawn
        .map(|share| {
            let (low, distance) = of(share.low, share.high);
            Share { low, values: distance.wrapping_add(1), weight: share.weight.into() }
        })
        .collect()
}

/// The upper (of `high_bits` bits) and the lower half (of 64).
fn wide(rule: &FieldValue, plus: u128, high_bits: u8) -> Result<(Values, Values), Problem> {
    let high_half = |value: u128| (value >> 64) as u64;
    let moved = |value: &u128| value.wrapping_add(plus);
    let halves = |value: u128| (Values::Constant(high_half(value)), value as u64);
    // The first value and the distance to the last, where both have one upper half.
    let in_one_block = |low: &u128, high: &u128| {
        let (first, last) = (moved(low), moved(high));
        if high_half(first) != high_half(last) || first > last {
            return Err(Problem::RandomAcross64Bits);
        }
        Ok((halves(first), (last - first) as u64))
    };
    Ok(match rule {
        FieldValue::Fixed(value) => {
            let (high, low) = halves(moved(value));
            (high, Values::Constant(low))
        }
        FieldValue::List(list) => {
            let values = || list.iter().map(moved);
            (
                Values::list(values().map(high_half).collect(), 0),
                Values::list(values().map(|value| value as u64).collect(), 0),
            )
        }
        FieldValue::Counter { start, step, count } => {
            wide_counter(moved(start), *step, *count, high_bits)
        }
        FieldValue::Random { low, high } => {
            let blocks = *low as u64 == 0 && *high as u64 == u64::MAX;
            if blocks && plus as u64 == 0 && moved(low) <= moved(high) {
                let (low, high) = (high_half(moved(low)), high_half(moved(high)));
                return Ok((Values::random(low, high), Values::random(0, u64::MAX)));
            }
            let ((upper, first), distance) = in_one_block(low, high)?;
            (upper, Values::random(first, first + distance))
        }
        FieldValue::Unique { low, high } => {
            let ((upper, first), distance) = in_one_block(low, high)?;
            (upper, Values::unique(first, first + distance))
        }
        FieldValue::Zipf { low, high, exponent } => {
            let ((upper, first), distance) = in_one_block(low, high)?;
            (upper, Values::shares(distributions::zipf(distance, exponent.get()), first))
        }
        FieldValue::Normal { low, high, mean, deviation } => {
            let ((upper, first), distance) = in_one_block(low, high)?;
            let shares = distributions::normal(distance, mean.get(), deviation.get());
            (upper, Values::shares(shares, first))
        }
        FieldValue::Weighted(shares) => {
            for share in shares {
                in_one_block(&share.low, &share.high)?;
            }
            let upper = weighted(shares, |low, _| (high_half(moved(&low)), 0));
            let lower = weighted(shares, |low, high| (moved(&low) as u64, (high - low) as u64));
            let constant = upper.iter().all(|share| share.low == upper[0].low);
            let upper = match upper.first() {
                Some(first) if constant => Values::Constant(first.low),
                _ => Values::Shares { shares: upper, plus: 0 },
            };
            (upper, Values::Shares { shares: lower, plus: 0 })
        }
        FieldValue::Bad
        | FieldValue::Same { .. }
        | FieldValue::Every { .. }
        | FieldValue::Masked { .. } => return Err(Problem::NoChecksum),
    })
}

/// Two counters side by side. Mostly the lower never carries into the upper: either it counts up
/// from its start without overflow, or down (borrowing one from the upper step) without going below
/// zero. Else the upper half computes the carry.
fn wide_counter(start: u128, step: u128, count: u64, high_bits: u8) -> (Values, Values) {
    let (start_low, step_low) = (start as u64, step as u64);
    let (start_high, step_high) = ((start >> 64) as u64, (step >> 64) as u64);
    let low = Values::counter(start_low, step_low, count, 64);
    let turns = u128::from(count.max(1) - 1);
    let up = u128::from(step_low) * turns + u128::from(start_low) <= u128::from(u64::MAX);
    let down = u128::from(step_low.wrapping_neg()) * turns <= u128::from(start_low);
    let high = match (up, down) {
        (true, _) => Values::counter(start_high, step_high, count, high_bits),
        (false, true) => Values::counter(start_high, step_high.wrapping_add(1), count, high_bits),
        (false, false) => Values::CounterHigh {
            start: start_high,
            step: step_high,
            count,
            low_start: start_low,
            low_step: step_low,
        },
    };
    (high, low)
}

/// A mask of the low `bits` (1 to 64) bits.
pub(super) fn low_bits(bits: u8) -> u64 {
    u64::MAX >> (64 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(values: &Values, index: u64) -> u64 {
        match values {
            Values::Constant(value) => *value,
            Values::Counter { start, step, count } => {
                let turn = if *count == 0 { index } else { index % count };
                start.wrapping_add(step.wrapping_mul(turn))
            }
            Values::CounterHigh { start, step, count, low_start, low_step } => {
                let turn = index % count;
                let low = u128::from(*low_step) * u128::from(turn) + u128::from(*low_start);
                start.wrapping_add(step.wrapping_mul(turn)).wrapping_add((low >> 64) as u64)
            }
            _ => unreachable!("only counters are asked"),
        }
    }

    proptest! {
        #[test]
        fn a_counter_stays_what_it_is_in_a_narrow_field(
            start: u64, step: u64, count in 1u64..5000, bits in 1u8..=64, index: u64,
        ) {
            let expected = start.wrapping_add(step.wrapping_mul(index % count)) & low_bits(bits);
            let values = Values::counter(start, step, count, bits);
            prop_assert_eq!(at(&values, index) & low_bits(bits), expected);
        }

        #[test]
        fn wide_counters_are_exact(
            start: u128, shift in 0u32..128, step: u128, negative: bool, count in 1u64..100_000,
            plus: u128, index: u64,
        ) {
            let step = step >> shift;
            let step = if negative { step.wrapping_neg() } else { step };
            let value = FieldValue::Counter { start, step, count };
            let turn = u128::from(index % count);
            let expected = start.wrapping_add(plus).wrapping_add(step.wrapping_mul(turn));
            let (high, low) = wide(&value, plus, 64).unwrap();
            prop_assert_eq!(
                u128::from(at(&high, index)) << 64 | u128::from(at(&low, index)), expected
            );
        }
    }

    #[test]
    fn a_power_of_two_needs_no_division() {
        assert_eq!(
            Values::counter(7, 1, 65_536, 16),
            Values::Counter { start: 7, step: 1, count: 0 }
        );
        assert_eq!(
            Values::counter(7, 1, 65_535, 16),
            Values::Counter { start: 7, step: 1, count: 65_535 }
        );
        assert_eq!(Values::counter(7, 0x1_0000, 9, 16), Values::Constant(7));
    }

    #[test]
    fn a_random_prefix_of_48_bits_is_two_halves() {
        let low = 0x2001_0002_0000_0000_0000_0000_0000_0000;
        let value = FieldValue::Random { low, high: low | u128::MAX >> 48 };
        let (high, low) = wide(&value, 0, 64).unwrap();
        assert_eq!(high, Values::Random { low: 0x2001_0002_0000_0000, range: 1 << 16 });
        assert_eq!(low, Values::Random { low: 0, range: 0 });
        let ragged = FieldValue::Random { low: 5, high: 1 << 65 };
        assert_eq!(wide(&ragged, 0, 64), Err(Problem::RandomAcross64Bits));
        // One more than the block's last address lies in the next one.
        let last = FieldValue::Random { low: 9, high: u64::MAX.into() };
        assert_eq!(wide(&last, 1, 64), Err(Problem::RandomAcross64Bits));
    }

    #[test]
    fn the_halves_of_a_draw_are_drawn_together() {
        let of = |low: u128, weight| Weighted { low, high: low + 5, weight };
        let rule = FieldValue::Weighted(vec![of(1 << 64, 3), of(7 << 64, 1)]);
        let parts = parts(128, &rule, Context { source_bits: 128, plus: 0 }).unwrap();
        assert!(parts.iter().all(|part| part.half == 0));
        assert!(parts.iter().all(|part| matches!(part.values, Values::Shares { .. })));
    }
}
