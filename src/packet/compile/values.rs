//! The numbers that a field takes, in parts of at most 64 bits: what the program format computes
//! with.

use super::error::Problem;
use crate::profile::model::FieldValue;

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
    /// `low + below(range)`; range 0: 2^64.
    Random {
        low: u64,
        range: u64,
    },
    /// Never empty.
    List(Vec<u64>),
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
    pub(super) fn random(low: u64, high: u64) -> Result<Self, Problem> {
        match low.cmp(&high) {
            std::cmp::Ordering::Less => {
                Ok(Self::Random { low, range: (high - low).wrapping_add(1) })
            }
            std::cmp::Ordering::Equal => Ok(Self::Constant(low)),
            std::cmp::Ordering::Greater => {
                Err(Problem::EmptyRange { low: low.into(), high: high.into() })
            }
        }
    }

    /// `list` is not empty.
    pub(super) fn list(list: Vec<u64>) -> Self {
        if list.iter().all(|value| *value == list[0]) {
            return Self::Constant(list[0]);
        }
        Self::List(list)
    }
}

/// One part of a field: its first bit, counted from the field's, its width, its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) bit: u16,
    pub(super) bits: u8,
    pub(super) values: Values,
}

/// The values of a field of `bits` bits in one part, or, where it is wider than 64, in two.
pub(super) fn parts(bits: u8, value: &FieldValue) -> Result<Vec<Part>, Problem> {
    check(bits, value)?;
    if bits <= 64 {
        return Ok(vec![Part { bit: 0, bits, values: narrow(value, bits)? }]);
    }
    let high_bits = bits - 64;
    let (high, low) = wide(value, high_bits)?;
    Ok(vec![
        Part { bit: 0, bits: high_bits, values: high },
        Part { bit: high_bits.into(), bits: 64, values: low },
    ])
}

/// Every value fits the field and there is one at all. Steps wrap, so they may be any number.
fn check(bits: u8, value: &FieldValue) -> Result<(), Problem> {
    let most = u128::MAX >> (128 - u32::from(bits));
    let fits = |value: u128| {
        if value > most { Err(Problem::ValueTooWide { value, most }) } else { Ok(()) }
    };
    match value {
        FieldValue::Bad => Err(Problem::NoChecksum),
        FieldValue::Fixed(value) => fits(*value),
        FieldValue::List(list) if list.is_empty() => Err(Problem::EmptyList),
        FieldValue::List(list) => list.iter().try_for_each(|value| fits(*value)),
        FieldValue::Counter { start, .. } => fits(*start),
        FieldValue::Random { low, high } if low > high => {
            Err(Problem::EmptyRange { low: *low, high: *high })
        }
        FieldValue::Random { high, .. } => fits(*high),
    }
}

fn narrow(value: &FieldValue, bits: u8) -> Result<Values, Problem> {
    Ok(match value {
        FieldValue::Bad => return Err(Problem::NoChecksum),
        FieldValue::Fixed(value) => Values::Constant(*value as u64),
        FieldValue::List(list) => Values::list(list.iter().map(|value| *value as u64).collect()),
        FieldValue::Counter { start, step, count } => {
            Values::counter(*start as u64, *step as u64, *count, bits)
        }
        FieldValue::Random { low, high } => Values::random(*low as u64, *high as u64)?,
    })
}

/// The upper (of `high_bits` bits) and the lower half (of 64).
fn wide(value: &FieldValue, high_bits: u8) -> Result<(Values, Values), Problem> {
    let high_half = |value: u128| (value >> 64) as u64;
    Ok(match value {
        FieldValue::Bad => return Err(Problem::NoChecksum),
        FieldValue::Fixed(value) => {
            (Values::Constant(high_half(*value)), Values::Constant(*value as u64))
        }
        FieldValue::List(list) => (
            Values::list(list.iter().map(|value| high_half(*value)).collect()),
            Values::list(list.iter().map(|value| *value as u64).collect()),
        ),
        FieldValue::Counter { start, step, count } => {
            wide_counter(*start, *step, *count, high_bits)?
        }
        FieldValue::Random { low, high } => {
            let blocks = *low as u64 == 0 && *high as u64 == u64::MAX;
            if high_half(*low) != high_half(*high) && !blocks {
                return Err(Problem::RandomAcross64Bits);
            }
            (
                Values::random(high_half(*low), high_half(*high))?,
                Values::random(*low as u64, *high as u64)?,
            )
        }
    })
}

/// Two counters side by side, where the lower never carries into the upper: either it counts up
/// from its start without overflow, or down (borrowing one from the upper step) without going
/// below zero.
fn wide_counter(
    start: u128,
    step: u128,
    count: u64,
    high_bits: u8,
) -> Result<(Values, Values), Problem> {
    let (start_low, step_low) = (start as u64, step as u64);
    let turns = u128::from(count.max(1) - 1);
    let up = u128::from(step_low) * turns + u128::from(start_low) <= u128::from(u64::MAX);
    let down = u128::from(step_low.wrapping_neg()) * turns <= u128::from(start_low);
    let borrowed = match (up, down) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => return Err(Problem::CarriesAcross64Bits),
    };
    let step_high = ((step >> 64) as u64).wrapping_add(borrowed);
    Ok((
        Values::counter((start >> 64) as u64, step_high, count, high_bits),
        Values::counter(start_low, step_low, count, 64),
    ))
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
        fn wide_counters_are_exact_or_refused(
            start: u128, shift in 0u32..128, step: u128, negative: bool, count in 1u64..100_000,
            index: u64,
        ) {
            let step = step >> shift;
            let step = if negative { step.wrapping_neg() } else { step };
            let value = FieldValue::Counter { start, step, count };
            let turn = u128::from(index % count);
            let expected = start.wrapping_add(step.wrapping_mul(turn));
            match wide(&value, 64) {
                Ok((high, low)) => prop_assert_eq!(
                    u128::from(at(&high, index)) << 64 | u128::from(at(&low, index)), expected
                ),
                Err(problem) => {
                    // Refused only where some value does carry: the low half wraps.
                    prop_assert_eq!(problem, Problem::CarriesAcross64Bits);
                    let last = u128::from(step as u64) * u128::from(count - 1);
                    prop_assert!(last + u128::from(start as u64) > u128::from(u64::MAX));
                }
            }
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
        let (high, low) = wide(&value, 64).unwrap();
        assert_eq!(high, Values::Random { low: 0x2001_0002_0000_0000, range: 1 << 16 });
        assert_eq!(low, Values::Random { low: 0, range: 0 });
        let ragged = FieldValue::Random { low: 5, high: 1 << 65 };
        assert_eq!(wide(&ragged, 64), Err(Problem::RandomAcross64Bits));
    }
}
