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
use crate::profile::model::{FieldValue, Header};
use crate::wire::field::{Algorithm, ChecksumRule, Covers, FieldDefault, Route, Space};
use crate::wire::{bits, checksum};

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
        if field.end > frame.len() || field.start < found.place(n).at {
            return Ok(());
        }
        let old = u16::from_be_bytes([captured[field.start], captured[field.start + 1]]);
        // Its sender computed none.
        if rule.zero_as_ffff && old == 0 {
            return Ok(());
        }
        let now = Now { found, frame: &*frame, patches };
        let Summed { spans, whole, constant } = summed(&now, n, rule)?;
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
                let (start, end) = (spans[0].start as u16, Some(spans[0].end as u16));
                let offset = field.start as u16;
                Crc32cOp { start, end, offset, sums: 0, odd: 0, wrong_by: 0 }
                    .write(frame, captured.len());
            }
            return Ok(());
        }
        // What it covered when it was captured, where it follows from that.
        let mut before = Vec::new();
        if !whole {
            before = summed(&Now { found, frame: captured, patches: &[] }, n, rule)?.spans;
            let same = |s: &Range<usize>| frame[s.clone()] == captured[s.clone()];
            if !changes && before == spans && spans.iter().all(same) {
                return Ok(());
            }
        }
        frame[field.clone()].fill(0);
        let sum = |bytes: &[u8], spans: &[Range<usize>]| -> u64 {
            spans.iter().map(|s| checksum::sum(&bytes[s.clone()])).sum()
        };
        let mut base = sum(frame, &spans);
        if whole {
            base += constant;
        } else {
            // What it was, less all that was there.
            let before = checksum::fold(sum(captured, &before) + u64::from(!old));
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

/// What the frame has become.
struct Now<'a> {
    found: &'a Captured<'a>,
    frame: &'a [u8],
    patches: &'a [Patch],
}

impl Now<'_> {
    /// The value of a field of header number `n`; None: it has no such field.
    ///
    /// # Errors
    /// `changes`, where it differs from packet to packet.
    fn value(&self, n: usize, name: &str, changes: Problem) -> Result<Option<u128>, Problem> {
        let field = self.found.headers()[n].protocol.field(name);
        let Some((field, bit)) =
            field.and_then(|field| Some((field, self.found.bit_of(n, field)?)))
        else {
            return Ok(None);
        };
        let bytes = bit / 8..(bit + usize::from(field.bits)).div_ceil(8);
        let over = |patch: &Patch| patch.bytes.start < bytes.end && bytes.start < patch.bytes.end;
        if self.patches.iter().any(over) {
            return Err(changes);
        }
        Ok(Some(bits::get(self.frame, bit, field.bits)))
    }
}

/// What a checksum sums.
struct Summed {
    /// What is covered of the packet, and the addresses of the pseudo-header.
    spans: Vec<Range<usize>>,
    /// The frame holds all of it.
    whole: bool,
    /// The pseudo-header's other parts.
    constant: u64,
}

fn summed(now: &Now<'_>, n: usize, rule: ChecksumRule) -> Result<Summed, Problem> {
    let (packet, whole) = covered(now, n, rule.covers)?;
    let mut summed = Summed { spans: vec![packet], whole, constant: 0 };
    if rule.pseudo_header
        && let Some(ip) = now.found.ip_before(n)
    {
        summed.spans.extend(addresses(now, n, ip)?);
        let protocol = &now.found.headers()[n].protocol;
        summed.constant += u64::from(protocol.number(Space::IpProtocol).unwrap_or(0));
        // The packet's length, however much of it is covered (RFC 3828 §3.1).
        summed.constant += packet_of(now.found, n, rule.covers).0.len() as u64;
    }
    Ok(summed)
}

/// What the checksum of header number `n` covers of the frame, and whether that is all it covers.
fn covered(now: &Now<'_>, n: usize, covers: Covers) -> Result<(Range<usize>, bool), Problem> {
    let place = now.found.place(n);
    let all = packet_of(now.found, n, covers);
    Ok(match covers {
        Covers::Packet => all,
        Covers::Header => (place.at..place.at + place.len, true),
        Covers::UpTo(name) => {
            let bytes = now.value(n, name, Problem::CoverageChanges)?.unwrap_or(0);
            let end = place.at.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
            if end < place.at + place.len || end > all.0.end {
                return Ok(all);
            }
            (place.at..end, all.1 || end <= place.end)
        }
    })
}

/// The packet that header number `n` begins, and whether the frame holds all of it. Where the header's
/// own length is that of the coverage, it ends with the header's around it.
fn packet_of(found: &Captured<'_>, n: usize, covers: Covers) -> (Range<usize>, bool) {
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
fn addresses(now: &Now<'_>, n: usize, ip: usize) -> Result<[Range<usize>; 2], Problem> {
    let at = now.found.place(ip).at;
    let (source, destination) = match now.found.headers()[ip].protocol.name {
        "ipv6" => (at + 8..at + 24, at + 24..at + 40),
        _ => (at + 12..at + 16, at + 16..at + 20),
    };
    for outer in (ip..n).rev() {
        if let Some(last) = last_of_route(now, outer)? {
            return Ok([source, last]);
        }
    }
    Ok([source, destination])
}

/// Where the route in header number `outer` holds the final destination, if there is one with more
/// to visit.
fn last_of_route(now: &Now<'_>, outer: usize) -> Result<Option<Range<usize>>, Problem> {
    let (header, place) = (&now.found.headers()[outer], now.found.place(outer));
    let end = place.at + place.len;
    let address = match header.protocol.route {
        Some(Route::FirstIpv6) => place.at + 8..place.at + 24,
        Some(Route::LastIpv6) => end.saturating_sub(16)..end,
        _ => return Ok(last_of_options(header, place.at)),
    };
    if place.len < 24 {
        return Ok(None);
    }
    let left = now.value(outer, "segments_left", Problem::DestinationChanges)?;
    Ok(left.is_some_and(|left| left > 0).then_some(address))
}

/// The same of the options of an IPv4 header that begins at byte `at`; no value is written over them.
fn last_of_options(header: &Header, at: usize) -> Option<Range<usize>> {
    let set = |option: &Header, name: &str| match option.setting(name) {
        Some(FieldValue::Fixed(value)) => Some(*value),
        _ => None,
    };
    let align = header.protocol.options.as_ref().map_or(1, |options| options.align_each);
    let mut at = at + header.len_without_options();
    for option in &header.options {
        let end = at + option.len();
        let route = option.protocol.route == Some(Route::LastIpv4);
        if route && set(option, "pointer")? <= set(option, "length")? && option.len() >= 7 {
            return Some(end - 4..end);
        }
        at += option.len().next_multiple_of(align);
    }
    None
}
