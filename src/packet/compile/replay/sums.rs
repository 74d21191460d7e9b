//! The checksums of a captured frame, made right for what the frame has become.
//!
//! Where the frame holds all that a checksum covers, it is computed anew. Of a first fragment, and of
//! a frame that the capture cut, it follows what was rewritten (RFC 1624 eqn 3): right if it was
//! right.

use std::ops::Range;

use crate::packet::captured::Captured;
use crate::packet::compile::error::Problem;
use crate::packet::compile::ops::Patch;
use crate::packet::ir::ChecksumOp;
use crate::packet::program::Crc32cOp;
use crate::wire::checksum;
use crate::wire::field::{Algorithm, Covers, FieldDefault, Route, Space};

/// One checksum that changes from packet to packet.
struct Changing {
    spans: Vec<Range<usize>>,
    field: Range<usize>,
    zero_as_ffff: bool,
}

/// The checksums of a frame that change, innermost first.
pub(super) struct Plan {
    changing: Vec<Changing>,
    /// Their operations, without a base.
    pub(super) checksums: Vec<ChecksumOp>,
    /// The base of each.
    pub(super) bases: Vec<u16>,
}

impl Plan {
    /// Writes every checksum into `frame`, whose constants are rewritten and whose changing bits are
    /// zero; of those that change the field becomes zero. `captured` is the frame as it was.
    pub(super) fn new(
        found: &Captured<'_>,
        captured: &[u8],
        frame: &mut [u8],
        patches: &[Patch],
    ) -> Result<Self, Problem> {
        let mut plan = Self { changing: Vec::new(), checksums: Vec::new(), bases: Vec::new() };
        for n in (0..found.headers().len()).rev() {
            plan.add(found, n, (captured, &mut *frame), patches)?;
        }
        for (slot, one) in plan.changing.iter().enumerate() {
            let (sums, odd) = plan.slots_over(&one.field, one.field.end);
            plan.checksums.push(ChecksumOp {
                base: 0,
                offset: one.field.start as u16,
                slot: slot as u8,
                sums: sums & !(1 << slot),
                odd: odd & !(1 << slot),
                zero_as_ffff: one.zero_as_ffff.into(),
                reserved: 0,
            });
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        found: &Captured<'_>,
        n: usize,
        (captured, frame): (&[u8], &mut [u8]),
        patches: &[Patch],
    ) -> Result<(), Problem> {
        let header = &found.headers()[n];
        let Some(rule) = header.protocol.checksum else { return Ok(()) };
        let mut fields = header.protocol.all_fields();
        let field = fields.find(|field| field.default == FieldDefault::Checksum);
        let Some(bit) = field.and_then(|field| found.bit_of(n, field)) else { return Ok(()) };
        let field = bit / 8..bit / 8 + rule.algorithm.bytes();
        let (packet, whole) = covered(found, n, rule.covers);
        if field.end > frame.len() || field.start < packet.start {
            return Ok(());
        }
        let mut spans = vec![packet.clone()];
        let mut constant = 0;
        if rule.pseudo_header
            && let Some(ip) = found.ip_before(n)
        {
            spans.extend(addresses(found, n, ip));
            constant += u64::from(header.protocol.number(Space::IpProtocol).unwrap_or(0));
            // The packet's length, however much of it is covered (RFC 3828 §3.1).
            constant += self::packet(found, n, rule.covers).0.len() as u64;
        }
        let covers = |bytes: &Range<usize>| {
            spans.iter().any(|s| s.start <= bytes.start && bytes.end <= s.end)
        };
        let changes = patches.iter().any(|patch| covers(&patch.bytes))
            || self.changing.iter().any(|inner| covers(&inner.field));
        if rule.algorithm == Algorithm::Crc32c {
            if changes {
                return Err(Problem::CapturedCrc32c);
            }
            if whole {
                let (start, end) = (packet.start as u16, Some(packet.end as u16));
                let offset = field.start as u16;
                Crc32cOp { start, end, offset, sums: 0, odd: 0, wrong_by: 0 }
                    .write(frame, captured.len());
            }
            return Ok(());
        }
        let old = u16::from_be_bytes([captured[field.start], captured[field.start + 1]]);
        // Its sender computed none.
        if rule.zero_as_ffff && old == 0 {
            return Ok(());
        }
        let touched = changes || spans.iter().any(|s| frame[s.clone()] != captured[s.clone()]);
        if !whole && !touched {
            return Ok(());
        }
        frame[field.clone()].fill(0);
        let sum =
            |bytes: &[u8]| spans.iter().map(|s| checksum::sum(&bytes[s.clone()])).sum::<u64>();
        let mut base = sum(frame);
        if whole {
            base += constant;
        } else {
            // What it was, less all that was there.
            let before = checksum::fold(sum(captured) + u64::from(!old));
            base += u64::from(!old) + u64::from(!before);
        }
        let base = checksum::fold(base);
        if changes {
            self.bases.push(base);
            self.changing.push(Changing { spans, field, zero_as_ffff: rule.zero_as_ffff });
        } else {
            let value = if rule.zero_as_ffff { checksum::never_zero(!base) } else { !base };
            frame[field].copy_from_slice(&value.to_be_bytes());
        }
        Ok(())
    }

    /// The checksums that cover a field in `bytes`, a bit each, and those of them for which a window
    /// that ends at `window_end` ends at an odd place.
    pub(super) fn slots_over(&self, bytes: &Range<usize>, window_end: usize) -> (u8, u8) {
        let mut masks = (0, 0);
        for (slot, one) in self.changing.iter().enumerate().take(u8::BITS as usize) {
            let over = |s: &&Range<usize>| s.start <= bytes.start && bytes.end <= s.end;
            if let Some(span) = one.spans.iter().find(over) {
                masks.0 |= 1u8 << slot;
                masks.1 |= u8::from(window_end.abs_diff(span.start) % 2 == 1) << slot;
            }
        }
        masks
    }
}

/// What the checksum of header number `n` covers of the frame, and whether that is all it covers.
fn covered(found: &Captured<'_>, n: usize, covers: Covers) -> (Range<usize>, bool) {
    let place = found.place(n);
    let all = self::packet(found, n, covers);
    match covers {
        Covers::Packet => all,
        Covers::Header => (place.at..place.at + place.len, true),
        Covers::UpTo(name) => {
            let field = found.headers()[n].protocol.field(name);
            let bytes = field.and_then(|field| found.read(n, field)).unwrap_or(0);
            let end = place.at.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
            if end < place.at + place.len || end > all.0.end {
                return all;
            }
            (place.at..end, all.1 || end <= place.end)
        }
    }
}

/// The packet that header number `n` begins, and whether the frame holds all of it. Where the header's
/// own length is that of the coverage, it ends with the header's around it.
fn packet(found: &Captured<'_>, n: usize, covers: Covers) -> (Range<usize>, bool) {
    let place = found.place(n);
    let told = match covers {
        Covers::UpTo(_) => found.place(n.saturating_sub(1)),
        Covers::Packet | Covers::Header => place,
    };
    let end = told.end.max(place.at + place.len);
    (place.at..end, told.whole && !is_fragment(found, n))
}

/// Whether header number `n` stands in a fragment with more to come.
fn is_fragment(found: &Captured<'_>, n: usize) -> bool {
    let from = found.ip_before(n).unwrap_or(n);
    (from..n).any(|outer| {
        let field = found.headers()[outer].protocol.field("mf");
        field.and_then(|field| found.read(outer, field)) == Some(1)
    })
}

/// The addresses in the pseudo-header of header number `n`: those of IP header number `ip`, and the
/// final destination where a routing header or source route has more to visit.
fn addresses(found: &Captured<'_>, n: usize, ip: usize) -> [Range<usize>; 2] {
    let at = found.place(ip).at;
    let (source, destination) = match found.headers()[ip].protocol.name {
        "ipv6" => (at + 8..at + 24, at + 24..at + 40),
        _ => (at + 12..at + 16, at + 16..at + 20),
    };
    [source, final_destination(found, n, ip).unwrap_or(destination)]
}

fn final_destination(found: &Captured<'_>, n: usize, ip: usize) -> Option<Range<usize>> {
    (ip..n).rev().find_map(|outer| {
        let (header, place) = (&found.headers()[outer], found.place(outer));
        let set = |header: &crate::profile::model::Header, name: &str| match header.setting(name) {
            Some(crate::profile::model::FieldValue::Fixed(value)) => Some(*value),
            _ => None,
        };
        let end = place.at + place.len;
        let left = || set(header, "segments_left").is_some_and(|left| left > 0);
        match header.protocol.route {
            Some(Route::FirstIpv6) if left() && place.len >= 24 => {
                return Some(place.at + 8..place.at + 24);
            }
            Some(Route::LastIpv6) if left() && place.len >= 24 => return Some(end - 16..end),
            _ => {}
        }
        let align = header.protocol.options.as_ref().map_or(1, |options| options.align_each);
        let mut at = place.at + header.len_without_options();
        for option in &header.options {
            let end = at + option.len();
            let route = option.protocol.route == Some(Route::LastIpv4);
            if route && set(option, "pointer")? <= set(option, "length")? && option.len() >= 7 {
                return Some(end - 4..end);
            }
            at += option.len().next_multiple_of(align);
        }
        None
    })
}
