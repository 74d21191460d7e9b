//! The values that a field takes over the packets of a stream, and what can be said of them
//! without knowing which packet it is.

use std::fmt;

use super::{Header, Stream};
use crate::wire::field::{FieldDef, FieldDefault};

/// The values of a field over the packets of a stream: a pure function of the packet's index i.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// The same in every packet.
    Fixed(u128),
    /// Packet i has `list[i % len]`. Never empty.
    List(Vec<u128>),
    /// Packet i has `start + step * (i % count)`, modulo the field's width. `count` ≥ 1; a
    /// decrement is a step in two's complement.
    Counter {
        /// First value.
        start: u128,
        /// Added per packet, wrapping.
        step: u128,
        /// Values before the counter begins again.
        count: u64,
    },
    /// The wrong value of a checksum, on purpose: the right one, off by one.
    Bad,
    /// Uniform over `low..=high`, drawn by [`crate::packet::random`] of (seed, stream, field, i).
    Random {
        /// Smallest value.
        low: u128,
        /// Largest value.
        high: u128,
    },
    /// Every value of `low..=high` once in each cycle of as many packets, in an order that each
    /// cycle draws anew ([`crate::packet::permutation`]).
    Unique {
        /// Smallest value.
        low: u128,
        /// Largest value.
        high: u128,
    },
    /// Drawn by weights ([`crate::packet::shares`]); the values of a share are equally likely.
    Weighted(Vec<Weighted<u128>>),
    /// `low + k - 1` with a probability in proportion to `k^-exponent`, k from 1 to
    /// `high - low + 1`.
    Zipf {
        /// Smallest value, and the most frequent.
        low: u128,
        /// Largest value.
        high: u128,
        /// Above 0.
        exponent: Real,
    },
    /// The whole numbers of a normal distribution that lie in `low..=high`; what lies outside is
    /// not drawn.
    Normal {
        /// Smallest value.
        low: u128,
        /// Largest value.
        high: u128,
        /// The mean less `low`; not below 0 and not above `high - low`.
        mean: Real,
        /// Standard deviation, above 0.
        deviation: Real,
    },
    /// What another field of the same packet has, plus a number, modulo the field's width.
    Same {
        /// The other field.
        of: FieldName,
        /// Added, wrapping; a subtraction is a number in two's complement.
        plus: u128,
    },
    /// A rule that advances with every `packets`-th packet: it sees `i / packets`.
    Every {
        /// Packets of one value.
        packets: u64,
        /// The rule.
        value: Box<FieldValue>,
    },
    /// Only the bits of `mask` follow the rule, all others are those of `base`.
    Masked {
        /// The bits that follow the rule.
        mask: u128,
        /// The others.
        base: u128,
        /// The rule.
        value: Box<FieldValue>,
    },
}

/// Values that are equally likely, and how often they are drawn together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted<T> {
    /// Smallest value.
    pub low: T,
    /// Largest value.
    pub high: T,
    /// How often, of the sum of all weights.
    pub weight: u32,
}

/// A finite number that is not whole.
#[derive(Clone, Copy, Debug)]
pub struct Real(f64);

impl Real {
    /// The number; None where it is infinite or none.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

// Finite numbers equal themselves.
impl Eq for Real {}

/// A field of a stream's headers by name: `udp.src`, or `ipv4[1].src` where a header occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName {
    /// The header's name.
    pub header: String,
    /// Which of several headers of that name, from 0.
    pub nth: Option<usize>,
    /// The field's name.
    pub field: String,
}

impl FieldName {
    /// How the name of a field is written.
    pub const EXPECTED: &'static str = "a field such as udp.src, or ipv4[1].src of the second ipv4";

    /// The field that a text names; None where it cannot be a name.
    pub fn parse(text: &str) -> Option<Self> {
        let (header, field) = text.split_once('.')?;
        let (header, nth) = match header.split_once('[') {
            Some((header, nth)) => (header, Some(nth.strip_suffix(']')?.parse().ok()?)),
            None => (header, None),
        };
        let sound = !header.is_empty() && !field.is_empty();
        sound.then(|| Self { header: header.to_owned(), nth, field: field.to_owned() })
    }

    /// The position of the header in a stack.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn position(&self, headers: &[Header]) -> Result<usize, String> {
        self.position_in(headers.iter().map(|header| header.protocol.name))
    }

    /// As [`position`](Self::position), among the names of headers.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn position_in<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<usize, String> {
        let mut all = names.enumerate().filter(|(_, name)| *name == self.header);
        let count = all.clone().count();
        match (self.nth, count) {
            (None, 1) => Ok(all.next().map_or(0, |(n, _)| n)),
            (None, 2..) => {
                let Self { header, field, .. } = self;
                Err(format!("{header} occurs {count} times: {header}[0].{field} is of the first"))
            }
            (nth, _) => all
                .nth(nth.unwrap_or(0))
                .map(|(n, _)| n)
                .ok_or_else(|| format!("the packet has no {}", self.without_field())),
        }
    }

    fn without_field(&self) -> String {
        self.nth.map_or(self.header.clone(), |nth| format!("{}[{nth}]", self.header))
    }

    /// What a header's profile says of the field, that of the profile's own fields included.
    pub fn setting<'h>(&self, header: &'h Header) -> Option<&'h FieldValue> {
        let own = header.custom.iter().find(|field| field.name == self.field);
        own.map(|field| &field.value).or_else(|| header.setting(&self.field))
    }

    /// As [`setting`](Self::setting), to be changed.
    pub fn setting_mut<'h>(&self, header: &'h mut Header) -> Option<&'h mut FieldValue> {
        if let Some(own) = header.custom.iter_mut().find(|field| field.name == self.field) {
            return Some(&mut own.value);
        }
        let set = header.fields.iter_mut().rev().find(|set| set.field.name == self.field);
        set.map(|set| &mut set.value)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.without_field(), self.field)
    }
}

/// A counter of at most so many values is judged value by value, a longer one by its two ends.
const MAX_ENUMERATED: u64 = 1 << 12;
/// Fields that follow each other at most.
const MAX_CHAIN: usize = 64;

impl FieldValue {
    /// One value that the field takes; of counters and lists the first. 0 where none is known.
    pub fn example(&self) -> u128 {
        match self {
            Self::Fixed(value) => *value,
            Self::List(values) => values.first().copied().unwrap_or(0),
            Self::Counter { start, .. } => *start,
            Self::Random { low, .. }
            | Self::Unique { low, .. }
            | Self::Zipf { low, .. }
            | Self::Normal { low, .. } => *low,
            Self::Weighted(shares) => shares.first().map_or(0, |share| share.low),
            Self::Bad | Self::Same { .. } => 0,
            Self::Every { value, .. } => value.example(),
            Self::Masked { mask, base, value } => base & !mask | value.example() & mask,
        }
    }

    /// As [`example`](Self::example), where the field may follow another one of `stream`; None where
    /// only the run knows that one.
    pub fn example_in(&self, stream: &Stream) -> Option<u128> {
        self.example_at(stream, 0)
    }

    fn example_at(&self, stream: &Stream, depth: usize) -> Option<u128> {
        let Self::Same { of, plus } = self.rule() else { return Some(self.example()) };
        let header = stream.headers.get(of.position(&stream.headers).ok()?)?;
        let source = match of.setting(header) {
            Some(value) if depth < MAX_CHAIN => value.example_at(stream, depth + 1)?,
            Some(_) => return None,
            None => default_of(header, &of.field)?,
        };
        let value = source.wrapping_add(*plus);
        Some(match self {
            Self::Masked { mask, base, .. } => base & !mask | value & mask,
            _ => value,
        })
    }

    /// The rule without what modifies it.
    pub fn rule(&self) -> &Self {
        match self {
            Self::Every { value, .. } | Self::Masked { value, .. } => value.rule(),
            rule => rule,
        }
    }

    /// Packets until the values come again, saturating; None where they never do.
    pub fn period(&self) -> Option<u64> {
        match self {
            Self::Fixed(_) | Self::Bad => Some(1),
            Self::List(values) => Some(values.len() as u64),
            Self::Counter { count, .. } => Some(*count),
            Self::Unique { low, high } => {
                let values = high.saturating_sub(*low).saturating_add(1);
                Some(u64::try_from(values).unwrap_or(u64::MAX))
            }
            Self::Random { .. }
            | Self::Weighted(_)
            | Self::Zipf { .. }
            | Self::Normal { .. }
            | Self::Same { .. } => None,
            Self::Every { packets, value } => {
                value.period().map(|period| period.saturating_mul(*packets))
            }
            Self::Masked { value, .. } => value.period(),
        }
    }

    /// Lets the rule advance `packets` times more slowly.
    pub fn slow_down(&mut self, by: u64) {
        match self {
            Self::Masked { value, .. } => value.slow_down(by),
            Self::Every { packets, .. } => *packets = packets.saturating_mul(by),
            _ if by == 1 => {}
            rule => {
                let value = Box::new(std::mem::replace(rule, Self::Fixed(0)));
                *rule = Self::Every { packets: by, value };
            }
        }
    }

    /// Ranges that together hold every value that the field takes, perhaps more, in a field whose
    /// largest value is `largest`. `stream` knows the fields that this one may follow.
    pub fn ranges(&self, largest: u128, stream: &Stream) -> Vec<(u128, u128)> {
        self.ranges_at(largest, stream, 0)
    }

    fn ranges_at(&self, largest: u128, stream: &Stream, depth: usize) -> Vec<(u128, u128)> {
        match self {
            Self::Bad => Vec::new(),
            Self::Fixed(value) => vec![(*value, *value)],
            Self::List(values) => values.iter().map(|value| (*value, *value)).collect(),
            Self::Random { low, high }
            | Self::Unique { low, high }
            | Self::Zipf { low, high, .. }
            | Self::Normal { low, high, .. } => vec![(*low, *high)],
            Self::Weighted(shares) => shares.iter().map(|share| (share.low, share.high)).collect(),
            Self::Counter { start, step, count } => counter_ranges(*start, *step, *count, largest),
            Self::Every { value, .. } => value.ranges_at(largest, stream, depth),
            // With the mask's bits all 0, and all 1.
            Self::Masked { mask, base, .. } => vec![(base & !mask, (base | mask) & largest)],
            Self::Same { of, plus } => {
                let source = same_ranges(of, stream, depth);
                let moved = |(low, high): (u128, u128)| {
                    let (low, high) = (low.checked_add(*plus)?, high.checked_add(*plus)?);
                    (high <= largest).then_some((low, high))
                };
                let moved: Option<Vec<_>> = source.into_iter().flatten().map(moved).collect();
                // What is not known, or wraps, may be anything.
                moved.filter(|ranges| !ranges.is_empty()).unwrap_or_else(|| vec![(0, largest)])
            }
        }
    }
}

/// The ranges of the field that another one follows; None where only the run knows them.
fn same_ranges(of: &FieldName, stream: &Stream, depth: usize) -> Option<Vec<(u128, u128)>> {
    let header = stream.headers.get(of.position(&stream.headers).ok()?)?;
    let def = header.protocol.all_fields().find(|field| field.name == of.field);
    let custom = header.custom.iter().find(|field| field.name == of.field);
    let bits = custom.map(|field| field.bits).or(def.map(|field| field.bits))?;
    let largest = u128::MAX >> (128 - u32::from(bits.clamp(1, 128)));
    match of.setting(header) {
        Some(_) if depth >= MAX_CHAIN => None,
        Some(value) => Some(value.ranges_at(largest, stream, depth + 1)),
        None => default_of(header, &of.field).map(|value| vec![(value, value)]),
    }
}

/// The default of a field that the profile does not set, where it is always the same.
fn default_of(header: &Header, field: &str) -> Option<u128> {
    let def: &FieldDef = header.protocol.all_fields().find(|def| def.name == field)?;
    match def.default {
        FieldDefault::Constant(value) => Some(value),
        _ => None,
    }
}

fn counter_ranges(start: u128, step: u128, count: u64, largest: u128) -> Vec<(u128, u128)> {
    let down = step > u128::MAX / 2;
    let distance = if down { step.wrapping_neg() } else { step };
    let span = distance.checked_mul(u128::from(count - 1));
    let end =
        span.and_then(|span| if down { start.checked_sub(span) } else { start.checked_add(span) });
    match end.filter(|end| *end <= largest) {
        // In steps of one nothing lies between.
        Some(end) if step == 1 || count > MAX_ENUMERATED => vec![(end.min(start), end.max(start))],
        _ if count <= MAX_ENUMERATED => {
            let at = |n: u64| start.wrapping_add(step.wrapping_mul(n.into())) & largest;
            (0..count).map(at).map(|value| (value, value)).collect()
        }
        // It wraps: every value can come.
        _ => vec![(0, largest)],
    }
}
