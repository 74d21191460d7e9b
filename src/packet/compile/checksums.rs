//! Whether each checksum is computed once or per packet, and out of what.

use std::ops::Range;

use super::dependence::{self, Dependence, EVEN, ODD, Weight};
use super::error::Problem;
use super::layout::Layout;
use super::sum::Sum;
use super::template::Draft;
use crate::packet::ir::ChecksumOp;
use crate::packet::program::Crc32cOp;
use crate::packet::tag::TAG_LEN;
use crate::wire::checksum;
use crate::wire::field::Algorithm;

/// Slots of checksums that something is added to, and those of them where it ends at an odd place.
pub(super) type Slots = (u8, u8);

/// All checksums of the stack, innermost first. The slots are right only for as many that change as
/// there are.
pub(super) struct Plan {
    sums: Vec<Placed>,
    /// Everything that changes from packet to packet but checksums, with its slots.
    numbers: Vec<(Number, Slots)>,
}

/// A checksum and what it has to do with the others.
struct Placed {
    sum: Sum,
    /// How the checksum fields further in count.
    inner: Vec<Weight>,
    /// How those count that are added to it per packet.
    added: Vec<Weight>,
    /// The slot of one that changes.
    slot: Option<u8>,
}

/// Something that changes from packet to packet and that checksums cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// The draft's patch of that number.
    Patch(usize),
    /// The draft's length of that number.
    Length(usize),
    /// A pseudo-header's length: the frame's plus this.
    PseudoLength(i32),
    Payload,
    /// The checksum of that number, a CRC32c.
    Crc32c(usize),
}

/// The checksums that are computed per packet.
pub(super) struct Computed {
    pub(super) checksums: Vec<ChecksumOp>,
    pub(super) crc32c: Vec<Crc32cOp>,
}

impl Plan {
    /// Finds the checksums to compute, and which of them change.
    /// `tags` are the first bytes of the probe tags.
    pub(super) fn new(
        layout: &Layout<'_>,
        draft: &Draft,
        tags: &[usize],
    ) -> Result<Self, (String, Problem)> {
        let sums = sums(layout, draft, tags)?;
        let (numbers, covered) = covered(&sums, layout, draft);
        let end = fixed_end(layout);
        let may_be_nothing = |n: usize| sums[n].base(&draft.bytes, end) == 0;
        let least = dependence::least(&covered, may_be_nothing);
        let mut plan = Self {
            sums: Vec::with_capacity(sums.len()),
            numbers: numbers.into_iter().map(|number| (number, (0, 0))).collect(),
        };
        let mut slots = 0u8;
        for ((sum, covered), least) in sums.into_iter().zip(covered).zip(least) {
            let changes = sum.algorithm == Algorithm::Internet && !least.is_constant();
            let slot = changes.then_some(slots);
            if let Some(slot) = slot {
                for ((_, masks), weight) in plan.numbers.iter_mut().zip(&least.numbers) {
                    add_slot(masks, slot, *weight);
                }
                slots += 1;
            }
            plan.sums.push(Placed { sum, inner: covered.inner, added: least.inner, slot });
        }
        Ok(plan)
    }

    /// How many change.
    pub(super) fn changing(&self) -> usize {
        self.sums.iter().filter(|placed| placed.slot.is_some()).count()
    }

    /// The slots of the draft's patch number `n`.
    pub(super) fn slots_of_patch(&self, n: usize) -> Slots {
        self.slots_of(Number::Patch(n))
    }

    /// The slots of the draft's length number `n`.
    pub(super) fn slots_of_length(&self, n: usize) -> Slots {
        self.slots_of(Number::Length(n))
    }

    /// The slots of the payload.
    pub(super) fn slots_of_payload(&self) -> Slots {
        self.slots_of(Number::Payload)
    }

    /// The addends of the pseudo-headers' lengths, and the slots that they go to.
    pub(super) fn pseudo_lengths(&self) -> impl Iterator<Item = (i32, Slots)> {
        self.numbers.iter().filter_map(|(number, slots)| match number {
            Number::PseudoLength(addend) if slots.0 != 0 => Some((*addend, *slots)),
            _ => None,
        })
    }

    fn slots_of(&self, number: Number) -> Slots {
        let found = self.numbers.iter().find(|(own, _)| *own == number);
        found.map_or((0, 0), |(_, slots)| *slots)
    }

    /// Writes the checksums that never change into the template, and returns the others, both
    /// innermost first, as the outer ones cover the inner.
    pub(super) fn write(&self, draft: &mut Draft, layout: &Layout<'_>) -> Computed {
        let mut computed = Computed { checksums: Vec::new(), crc32c: Vec::new() };
        // The fields of those that change, where all that changes is 0. The draft has 0 there.
        let mut at_zero: Vec<u16> = Vec::with_capacity(self.sums.len());
        for (n, placed) in self.sums.iter().enumerate() {
            let sum = &placed.sum;
            if sum.algorithm == Algorithm::Crc32c {
                self.write_crc32c(n, draft, layout, &mut computed);
                at_zero.push(0);
                continue;
            }
            let mut base = sum.base(&draft.bytes, fixed_end(layout)) + sum.fixed_length(layout);
            let (mut added, mut left_out) = (0, 0);
            for (m, field) in at_zero.iter().enumerate() {
                let counts = u64::from(placed.inner[m]) * u64::from(*field);
                *(if placed.added[m] == 0 { &mut left_out } else { &mut added }) += counts;
            }
            // What is not added per packet is added now.
            base += left_out;
            let value = !checksum::fold(base + added);
            let value = if sum.zero_as_ffff { checksum::never_zero(value) } else { value };
            let Some(slot) = placed.slot else {
                draft.bytes[sum.field()].copy_from_slice(&value.to_be_bytes());
                at_zero.push(0);
                continue;
            };
            at_zero.push(value);
            let (sums, odd) = self.slots_of_field(n);
            computed.checksums.push(ChecksumOp {
                base,
                offset: sum.field_at as u16,
                slot,
                sums,
                odd,
                zero_as_ffff: sum.zero_as_ffff.into(),
                reserved: 0,
            });
        }
        computed
    }

    fn write_crc32c(
        &self,
        n: usize,
        draft: &mut Draft,
        layout: &Layout<'_>,
        computed: &mut Computed,
    ) {
        let sum = &self.sums[n].sum;
        let (sums, odd) = self.slots_of(Number::Crc32c(n));
        let op = Crc32cOp {
            start: sum.spans[0].start as u16,
            end: sum.spans[0].end.map(|end| end as u16),
            offset: sum.field_at as u16,
            sums,
            odd,
            wrong_by: sum.constant as u32,
        };
        if sum.changes {
            computed.crc32c.push(op);
        } else {
            op.write(&mut draft.bytes, layout.end());
        }
    }

    /// The slots of the checksums that the field of number `n` is added to.
    fn slots_of_field(&self, n: usize) -> Slots {
        let mut slots = (0, 0);
        for outer in &self.sums[n + 1..] {
            if let Some(slot) = outer.slot {
                add_slot(&mut slots, slot, outer.added[n]);
            }
        }
        slots
    }
}

/// The checksums of the stack, innermost first, and whether they cover anything that changes.
fn sums(layout: &Layout<'_>, draft: &Draft, tags: &[usize]) -> Result<Vec<Sum>, (String, Problem)> {
    let mut sums = Vec::with_capacity(draft.summed.len());
    let tags: Vec<Range<usize>> = tags.iter().map(|&at| at..at + TAG_LEN).collect();
    let mut changing: Vec<Range<usize>> =
        draft.patches.iter().map(|patch| patch.bytes.clone()).collect();
    changing.extend(draft.lengths.iter().map(|length| length.at..length.at + 2));
    for summed in draft.summed.iter().rev() {
        let mut sum = Sum::new(layout, draft, summed)?;
        if changing.iter().chain(&tags).any(|bytes| sum.spans.iter().any(|s| s.cuts(bytes))) {
            let name = layout.headers[summed.n].header.protocol.name;
            return Err((format!("headers[{}].{name}", summed.n), Problem::CoverageCuts));
        }
        let patched = changing.iter().any(|bytes| sum.covers(bytes));
        let resized = layout.size_changes
            && (sum.pseudo_length.is_some() || sum.spans.iter().any(|span| span.end.is_none()));
        // The tag is neutral to an Internet checksum alone.
        let crc = sum.algorithm == Algorithm::Crc32c;
        let tagged = crc && tags.iter().any(|tag| sum.covers(tag));
        sum.changes = patched || resized || tagged;
        if sum.changes {
            changing.push(sum.field());
        }
        sums.push(sum);
    }
    Ok(sums)
}

/// What changes, and how it counts in each Internet checksum.
fn covered(sums: &[Sum], layout: &Layout<'_>, draft: &Draft) -> (Vec<Number>, Vec<Dependence>) {
    let mut numbers = Vec::new();
    let mut covered = vec![Dependence { numbers: vec![], inner: vec![] }; sums.len()];
    let internet = |sum: &Sum| sum.algorithm == Algorithm::Internet;
    let mut add = |number: Number, weight: &dyn Fn(usize, &Sum) -> Weight| {
        numbers.push(number);
        for (n, (sum, covered)) in sums.iter().zip(&mut covered).enumerate() {
            covered.numbers.push(if internet(sum) { weight(n, sum) } else { 0 });
        }
    };
    for (n, patch) in draft.patches.iter().enumerate() {
        add(Number::Patch(n), &|_, sum| sum.weight(&patch.bytes, patch.window_end()));
    }
    for (n, length) in draft.lengths.iter().enumerate() {
        let bytes = length.at..length.at + 2;
        add(Number::Length(n), &|_, sum| sum.weight(&bytes, bytes.end));
    }
    if layout.size_changes {
        for (own, sum) in sums.iter().enumerate() {
            if let Some(addend) = sum.pseudo_length {
                add(Number::PseudoLength(addend), &|n, _| if n == own { EVEN } else { 0 });
            }
        }
        add(Number::Payload, &|_, sum| sum.weight_of_payload(layout.payload_at));
    }
    for (own, crc) in sums.iter().enumerate().filter(|(_, sum)| !internet(sum) && sum.changes) {
        let field = crc.field();
        add(Number::Crc32c(own), &|_, sum| sum.weight(&field, field.end));
    }
    for (n, sum) in sums.iter().enumerate().filter(|(_, sum)| internet(sum)) {
        let weight = |inner: &Sum| {
            let field = inner.field();
            if internet(inner) { sum.weight(&field, field.end) } else { 0 }
        };
        covered[n].inner = sums[..n].iter().map(weight).collect();
    }
    (numbers, covered)
}

/// Where the bytes end that every packet of the stream has.
fn fixed_end(layout: &Layout<'_>) -> usize {
    if layout.size_changes { layout.payload_at } else { layout.end() }
}

fn add_slot(slots: &mut Slots, slot: u8, weight: Weight) {
    let bit = 1u8.checked_shl(slot.into()).unwrap_or(0);
    slots.0 |= if weight == 0 { 0 } else { bit };
    slots.1 |= if weight == ODD { bit } else { 0 };
}
