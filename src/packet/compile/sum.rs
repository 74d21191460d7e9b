//! One checksum: its place, and what it covers.

use std::ops::Range;

use super::cover::{self, Span};
use super::dependence::{EVEN, ODD, Weight};
use super::error::Problem;
use super::layout::Layout;
use super::template::{Draft, Summed};
use crate::wire::checksum;
use crate::wire::field::{Algorithm, INTERNET, Space};

/// One checksum of the stack.
pub(super) struct Sum {
    pub(super) algorithm: Algorithm,
    /// The field's first byte.
    pub(super) field_at: usize,
    /// What it stands in, and its pseudo-header's addresses. All begin at an even place of the
    /// sum.
    pub(super) spans: Vec<Span>,
    /// The pseudo-header's protocol number and fixed length, and what makes it wrong on purpose.
    pub(super) constant: u64,
    /// The pseudo-header's length is the frame's plus this.
    pub(super) pseudo_length: Option<i32>,
    pub(super) zero_as_ffff: bool,
    /// It changes from packet to packet.
    pub(super) changes: bool,
}

impl Sum {
    pub(super) fn new(
        layout: &Layout<'_>,
        draft: &Draft,
        summed: &Summed,
    ) -> Result<Self, (String, Problem)> {
        let rule = layout.headers[summed.n].header.protocol.checksum.unwrap_or(INTERNET);
        let mut sum = Self {
            algorithm: rule.algorithm,
            field_at: summed.at,
            spans: vec![cover::of_packet(layout, summed.n, rule)?],
            constant: summed.bad.into(),
            pseudo_length: None,
            zero_as_ffff: rule.zero_as_ffff,
            changes: false,
        };
        if rule.pseudo_header {
            sum.add_pseudo_header(layout, draft, summed.n)?;
        }
        Ok(sum)
    }

    /// The pseudo-header is that of the nearest IP header; a header outside of IP has none. Its
    /// length is what is really there, whatever a length field was set to.
    fn add_pseudo_header(
        &mut self,
        layout: &Layout<'_>,
        draft: &Draft,
        n: usize,
    ) -> Result<(), (String, Problem)> {
        let placed = &layout.headers[n];
        let Some(ip) = layout.ip_before(n) else { return Ok(()) };
        self.spans.extend(cover::addresses(layout, n, ip, &draft.bytes)?);
        self.constant += u64::from(placed.header.protocol.number(Space::IpProtocol).unwrap_or(0));
        match layout.packet_end {
            Some(end) => self.constant += (end - placed.at) as u64,
            None => self.pseudo_length = Some(-(placed.at as i32)),
        }
        Ok(())
    }

    pub(super) fn field(&self) -> Range<usize> {
        self.field_at..self.field_at + self.algorithm.bytes()
    }

    /// Covers any of these bytes, which belong to one field.
    pub(super) fn covers(&self, bytes: &Range<usize>) -> bool {
        self.spans.iter().any(|span| span.contains(bytes))
    }

    /// The sum of what is covered of `bytes`, without the addends that change; `end` is the end of
    /// what has none of its own.
    pub(super) fn base(&self, bytes: &[u8], end: usize) -> u64 {
        let spans = self.spans.iter().map(|span| {
            let end = span.end.unwrap_or(end).max(span.start);
            checksum::sum(&bytes[span.start..end])
        });
        spans.sum::<u64>() + self.constant
    }

    /// The length in the pseudo-header, where it is the same in every packet.
    pub(super) fn fixed_length(&self, layout: &Layout<'_>) -> u64 {
        let addend = self.pseudo_length.filter(|_| !layout.size_changes);
        addend.map_or(0, |addend| (layout.end() as i64 + i64::from(addend)) as u64)
    }

    /// How a field in `bytes` counts whose window ends at `window_end`.
    pub(super) fn weight(&self, bytes: &Range<usize>, window_end: usize) -> Weight {
        let span = self.spans.iter().find(|span| span.contains(bytes));
        span.map_or(0, |span| at_distance(window_end.abs_diff(span.start)))
    }

    /// How the payload counts, which begins at `payload_at` and goes on to the frame's end.
    pub(super) fn weight_of_payload(&self, payload_at: usize) -> Weight {
        let span = self.spans.iter().find(|span| span.end.is_none());
        span.map_or(0, |span| at_distance(payload_at - span.start))
    }
}

fn at_distance(bytes: usize) -> Weight {
    if bytes.is_multiple_of(2) { EVEN } else { ODD }
}
