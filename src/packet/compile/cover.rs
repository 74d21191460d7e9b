//! Which bytes a checksum covers: a part of the packet, and the addresses of the pseudo-header.

use std::ops::Range;

use super::error::Problem;
use super::layout::Layout;
use crate::profile::model::FieldValue;
use crate::wire::field::{ChecksumRule, Covers, ProtocolKind, Route};

/// Bytes that a checksum covers.
pub(super) struct Span {
    pub(super) start: usize,
    /// None: to the end of the frame.
    pub(super) end: Option<usize>,
}

impl Span {
    pub(super) fn contains(&self, bytes: &Range<usize>) -> bool {
        self.start <= bytes.start && self.end.is_none_or(|end| bytes.end <= end)
    }

    /// Ends inside these bytes.
    pub(super) fn cuts(&self, bytes: &Range<usize>) -> bool {
        self.end.is_some_and(|end| bytes.start < end && end < bytes.end && self.start < bytes.end)
    }
}

/// What the checksum of header number `n` covers of the packet.
pub(super) fn of_packet(
    layout: &Layout<'_>,
    n: usize,
    rule: ChecksumRule,
) -> Result<Span, (String, Problem)> {
    let placed = &layout.headers[n];
    let all = Span { start: placed.at, end: layout.packet_end };
    let name = match rule.covers {
        Covers::Packet => return Ok(all),
        Covers::Header => return Ok(Span { end: Some(placed.end()), ..all }),
        Covers::UpTo(name) => name,
    };
    let refuse =
        |problem| Err((format!("headers[{n}].{}.{name}", placed.header.protocol.name), problem));
    let bytes = match placed.header.setting(name) {
        None => return Ok(all),
        Some(FieldValue::Fixed(bytes)) => usize::try_from(*bytes).unwrap_or(usize::MAX),
        Some(_) => return refuse(Problem::CoverageChanges),
    };
    let end = placed.at.saturating_add(bytes);
    let shortest = layout.packet_end.unwrap_or(layout.min_len);
    if bytes < placed.len {
        Ok(all)
    } else if end <= shortest {
        Ok(Span { end: Some(end), ..all })
    } else if layout.size_changes {
        refuse(Problem::CoverageTooLong { bytes, shortest: shortest - placed.at })
    } else {
        Ok(all)
    }
}

/// The addresses in the pseudo-header of header number `n`, which stands in IP header number `ip`.
/// `bytes` are the template's, headers filled in.
pub(super) fn addresses(layout: &Layout<'_>, n: usize, ip: usize, bytes: &[u8]) -> [Span; 2] {
    let at = layout.headers[ip].at;
    let (source, destination) = match layout.headers[ip].kind() {
        ProtocolKind::Ipv6 => (at + 8..at + 24, at + 24..at + 40),
        _ => (at + 12..at + 16, at + 16..at + 20),
    };
    let destination = final_destination(layout, n, ip, bytes).unwrap_or(destination);
    [source, destination].map(|range| Span { start: range.start, end: Some(range.end) })
}

/// Where a routing header or source route between an IP header and header number `n` holds the
/// final destination; None where none has anything left to visit. Of several routing headers the
/// last counts, as it is worked off last.
fn final_destination(
    layout: &Layout<'_>,
    n: usize,
    ip: usize,
    bytes: &[u8],
) -> Option<Range<usize>> {
    let between = layout.elements.iter().rev().filter(|element| (ip..n).contains(&element.n));
    between.into_iter().find_map(|element| {
        let protocol = element.header.protocol;
        // Of a value that changes, the first decides.
        let value = |name: &str| match element.header.setting(name) {
            Some(value) => Some(value.example()),
            None => protocol.field(name)?.read(bytes.get(element.at..)?),
        };
        let end = element.at + element.len;
        let (left, address) = match protocol.route? {
            Route::FirstIpv6 => (value("segments_left")? > 0, element.at + 8..element.at + 24),
            Route::LastIpv6 => (value("segments_left")? > 0, end - 16..end),
            Route::LastIpv4 => (value("pointer")? <= value("length")?, end - 4..end),
        };
        let first = element.at + protocol.len.min(8);
        (left && first <= address.start && address.end <= end).then_some(address)
    })
}
