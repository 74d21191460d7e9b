//! What each checksum covers, and whether it is computed once or per packet.

use std::ops::Range;

use super::layout::Layout;
use super::template::{Draft, Summed};
use crate::packet::ir::ChecksumOp;
use crate::wire::checksum;
use crate::wire::field::{Covers, INTERNET, ProtocolKind, Space};

/// Bytes that a checksum covers.
struct Span {
    start: usize,
    /// None: to the end of the frame.
    end: Option<usize>,
}

impl Span {
    fn contains(&self, bytes: &Range<usize>) -> bool {
        self.start <= bytes.start && self.end.is_none_or(|end| bytes.end <= end)
    }
}

/// One checksum of the stack.
struct Sum {
    /// The field's first byte.
    field_at: usize,
    /// Its pseudo-header's addresses, and what it stands in. All begin at an even place of the
    /// sum.
    spans: Vec<Span>,
    /// The pseudo-header's protocol number and fixed length, and what makes it wrong on purpose.
    constant: u64,
    /// The pseudo-header's length is the frame's plus this.
    pseudo_length: Option<i32>,
    zero_as_ffff: bool,
    /// Its slot, where it changes from packet to packet.
    slot: Option<u8>,
}

impl Sum {
    fn new(layout: &Layout<'_>, summed: &Summed) -> Self {
        let placed = &layout.headers[summed.n];
        let rule = placed.header.protocol.checksum.unwrap_or(INTERNET);
        let end = match rule.covers {
            Covers::Header => Some(placed.end()),
            Covers::Packet => layout.packet_end,
        };
        let mut sum = Self {
            field_at: summed.at,
            spans: vec![Span { start: placed.at, end }],
            constant: summed.bad.into(),
            pseudo_length: None,
            zero_as_ffff: rule.zero_as_ffff,
            slot: None,
        };
        if rule.pseudo_header {
            sum.add_pseudo_header(layout, summed.n);
        }
        sum
    }

    /// The pseudo-header is that of the nearest IP header; a header outside of IP has none. Its
    /// length is what is really there, whatever a length field was set to.
    fn add_pseudo_header(&mut self, layout: &Layout<'_>, n: usize) {
        let placed = &layout.headers[n];
        let Some(ip) = layout.ip_before(n).map(|ip| layout.headers[ip]) else { return };
        let addresses = match ip.kind() {
            ProtocolKind::Ipv6 => ip.at + 8..ip.at + 40,
            _ => ip.at + 12..ip.at + 20,
        };
        self.spans.push(Span { start: addresses.start, end: Some(addresses.end) });
        self.constant += u64::from(placed.header.protocol.number(Space::IpProtocol).unwrap_or(0));
        match layout.packet_end {
            Some(end) => self.constant += (end - placed.at) as u64,
            None => self.pseudo_length = Some(-(placed.at as i32)),
        }
    }

    fn field(&self) -> Range<usize> {
        self.field_at..self.field_at + 2
    }

    /// Covers any of these bytes, which belong to one field.
    fn covers(&self, bytes: &Range<usize>) -> bool {
        self.spans.iter().any(|span| span.contains(bytes))
    }

    /// The sum of what is covered of `bytes` up to `end`, without the addends that change.
    fn base(&self, bytes: &[u8], end: usize) -> u64 {
        let spans = self.spans.iter().map(|span| {
            let end = span.end.unwrap_or(end).min(end).max(span.start);
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

impl Plan {
    /// Finds the checksums to compute, and which of them change.
    pub(super) fn new(layout: &Layout<'_>, draft: &Draft) -> Self {
        let mut plan = Self { sums: Vec::new() };
        let mut slots = 0;
        for summed in draft.summed.iter().rev() {
            let mut sum = Sum::new(layout, summed);
            let patched = draft.patches.iter().any(|patch| sum.covers(&patch.bytes));
            let resized = layout.size_changes
                && (sum.spans.iter().any(|span| span.end.is_none())
                    || draft.lengths.iter().any(|length| sum.covers(&(length.at..length.at + 2))));
            let nested =
                plan.sums.iter().any(|inner| inner.slot.is_some() && sum.covers(&inner.field()));
            if patched || resized || nested {
                sum.slot = Some(slots);
                slots += 1;
            }
            plan.sums.push(sum);
        }
        plan
    }

    /// How many change.
    pub(super) fn changing(&self) -> usize {
        self.sums.iter().filter(|sum| sum.slot.is_some()).count()
    }

    /// Writes the checksums that never change into the template, and returns the others, both
    /// innermost first, as the outer ones cover the inner.
    pub(super) fn write(&self, draft: &mut Draft, layout: &Layout<'_>) -> Vec<ChecksumOp> {
        let mut ops = Vec::new();
        let frame_end = if layout.size_changes { layout.payload_at } else { layout.end() };
        for sum in &self.sums {
            let mut base = sum.base(&draft.bytes, frame_end);
            if let (Some(addend), false) = (sum.pseudo_length, layout.size_changes) {
                base += (layout.end() as i64 + i64::from(addend)) as u64;
            }
            if let Some(slot) = sum.slot {
                let field = sum.field();
                let (sums, odd) = self.slots_over(&field, field.end);
                ops.push(ChecksumOp {
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
                draft.bytes[sum.field()].copy_from_slice(&value.to_be_bytes());
            }
        }
        ops
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
