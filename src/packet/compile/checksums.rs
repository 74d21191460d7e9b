//! What each checksum covers, and whether it is computed once or per packet.

use std::ops::Range;

use super::cover::{self, Span};
use super::error::Problem;
use super::layout::Layout;
use super::template::{Draft, Summed};
use crate::packet::ir::ChecksumOp;
use crate::packet::program::Crc32cOp;
use crate::packet::tag::TAG_LEN;
use crate::wire::checksum;
use crate::wire::field::{Algorithm, INTERNET, Space};

/// One checksum of the stack.
struct Sum {
    algorithm: Algorithm,
    /// The field's first byte.
    field_at: usize,
    /// What it stands in, and its pseudo-header's addresses. All begin at an even place of the
    /// sum.
    spans: Vec<Span>,
    /// The pseudo-header's protocol number and fixed length, and what makes it wrong on purpose.
    constant: u64,
    /// The pseudo-header's length is the frame's plus this.
    pseudo_length: Option<i32>,
    zero_as_ffff: bool,
    /// It changes from packet to packet.
    changes: bool,
    /// The slot of an Internet checksum that changes.
    slot: Option<u8>,
}

impl Sum {
    fn new(layout: &Layout<'_>, draft: &Draft, summed: &Summed) -> Result<Self, (String, Problem)> {
        let rule = layout.headers[summed.n].header.protocol.checksum.unwrap_or(INTERNET);
        let mut sum = Self {
            algorithm: rule.algorithm,
            field_at: summed.at,
            spans: vec![cover::of_packet(layout, summed.n, rule)?],
            constant: summed.bad.into(),
            pseudo_length: None,
            zero_as_ffff: rule.zero_as_ffff,
            changes: false,
            slot: None,
        };
        if rule.pseudo_header {
            sum.add_pseudo_header(layout, draft, summed.n);
        }
        Ok(sum)
    }

    /// The pseudo-header is that of the nearest IP header; a header outside of IP has none. Its
    /// length is what is really there, whatever a length field was set to.
    fn add_pseudo_header(&mut self, layout: &Layout<'_>, draft: &Draft, n: usize) {
        let placed = &layout.headers[n];
        let Some(ip) = layout.ip_before(n) else { return };
        self.spans.extend(cover::addresses(layout, n, ip, &draft.bytes));
        self.constant += u64::from(placed.header.protocol.number(Space::IpProtocol).unwrap_or(0));
        match layout.packet_end {
            Some(end) => self.constant += (end - placed.at) as u64,
            None => self.pseudo_length = Some(-(placed.at as i32)),
        }
    }

    fn field(&self) -> Range<usize> {
        self.field_at..self.field_at + self.algorithm.bytes()
    }

    /// Covers any of these bytes, which belong to one field.
    fn covers(&self, bytes: &Range<usize>) -> bool {
        self.spans.iter().any(|span| span.contains(bytes))
    }

    /// The sum of what is covered of `bytes`, without the addends that change; `end` is the end of
    /// what has none of its own.
    fn base(&self, bytes: &[u8], end: usize) -> u64 {
        let spans = self.spans.iter().map(|span| {
            let end = span.end.unwrap_or(end).max(span.start);
            checksum::sum(&bytes[span.start..end])
        });
        spans.sum::<u64>() + self.constant
    }
}

/// All checksums of the stack, innermost first. The masks are right only for as many that change
/// as there are slots.
pub(super) struct Plan {
    sums: Vec<Sum>,
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
        let mut plan = Self { sums: Vec::new() };
        let mut slots = 0;
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
                if !crc {
                    sum.slot = Some(slots);
                    slots += 1;
                }
            }
            plan.sums.push(sum);
        }
        Ok(plan)
    }

    /// How many change.
    pub(super) fn changing(&self) -> usize {
        self.sums.iter().filter(|sum| sum.slot.is_some()).count()
    }

    /// Writes the checksums that never change into the template, and returns the others, both
    /// innermost first, as the outer ones cover the inner.
    pub(super) fn write(&self, draft: &mut Draft, layout: &Layout<'_>) -> Computed {
        let mut computed = Computed { checksums: Vec::new(), crc32c: Vec::new() };
        let frame_end = if layout.size_changes { layout.payload_at } else { layout.end() };
        for sum in &self.sums {
            let field = sum.field();
            let (sums, odd) = self.slots_over(&field, field.end);
            if sum.algorithm == Algorithm::Crc32c {
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
                continue;
            }
            let mut base = sum.base(&draft.bytes, frame_end);
            if let (Some(addend), false) = (sum.pseudo_length, layout.size_changes) {
                base += (layout.end() as i64 + i64::from(addend)) as u64;
            }
            if let Some(slot) = sum.slot {
                computed.checksums.push(ChecksumOp {
                    base,
                    offset: sum.field_at as u16,
                    slot,
                    sums: sums & !(1 << slot),
                    odd: odd & !(1 << slot),
                    zero_as_ffff: sum.zero_as_ffff.into(),
                    reserved: 0,
                });
            } else {
                let value = !checksum::fold(base);
                let value = if sum.zero_as_ffff { checksum::never_zero(value) } else { value };
                draft.bytes[field].copy_from_slice(&value.to_be_bytes());
            }
        }
        computed
    }

    /// The slots that cover the field in `bytes`, and those of them for which a window that ends
    /// at `window_end` ends at an odd place.
    pub(super) fn slots_over(&self, bytes: &Range<usize>, window_end: usize) -> (u8, u8) {
        self.masks(|span| span.contains(bytes).then(|| window_end.abs_diff(span.start) % 2 == 1))
    }

    /// The slots that cover the payload, and those of them in whose sum it begins at an odd place.
    pub(super) fn slots_over_payload(&self, payload_at: usize) -> (u8, u8) {
        self.masks(|span| span.end.is_none().then(|| (payload_at - span.start) % 2 == 1))
    }

    /// The addends of the pseudo-headers' lengths, and the slots that they go to.
    pub(super) fn pseudo_lengths(&self) -> impl Iterator<Item = (i32, u8)> {
        self.sums.iter().filter_map(|sum| Some((sum.pseudo_length?, 1 << sum.slot?)))
    }

    fn masks(&self, odd_place: impl Fn(&Span) -> Option<bool>) -> (u8, u8) {
        let mut masks = (0, 0);
        for sum in &self.sums {
            let Some(slot) = sum.slot else { continue };
            if let Some(odd) = sum.spans.iter().find_map(&odd_place) {
                masks.0 |= 1u8 << slot;
                masks.1 |= u8::from(odd) << slot;
            }
        }
        masks
    }
}
