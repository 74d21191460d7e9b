//! Which bytes a checksum covers: a part of the packet, and the addresses of the pseudo-header.

use std::ops::Range;

use super::error::Problem;
use super::layout::{Element, Layout};
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
pub(super) fn addresses(
    layout: &Layout<'_>,
    n: usize,
    ip: usize,
    bytes: &[u8],
) -> Result<[Span; 2], (String, Problem)> {
    let at = layout.headers[ip].at;
    let (source, destination) = match layout.headers[ip].kind() {
        ProtocolKind::Ipv6 => (at + 8..at + 24, at + 24..at + 40),
        _ => (at + 12..at + 16, at + 16..at + 20),
    };
    let destination = final_destination(layout, n, ip, bytes)?.unwrap_or(destination);
    Ok([source, destination].map(|range| Span { start: range.start, end: Some(range.end) }))
}

/// Where a routing header or source route between an IP header and header number `n` holds the
/// final destination; None where none has anything left to visit. Of several routing headers the
/// last counts, as it is worked off last.
fn final_destination(
    layout: &Layout<'_>,
    n: usize,
    ip: usize,
    bytes: &[u8],
) -> Result<Option<Range<usize>>, (String, Problem)> {
    let between = layout.elements.iter().rev().filter(|element| (ip..n).contains(&element.n));
    for element in between {
        let Some((left, address)) = route(layout, element, bytes) else { continue };
        let first = element.at + element.header.protocol.len.min(8);
        if first > address.start || address.end > element.at + element.len {
            continue;
        }
        match left {
            Some(true) => return Ok(Some(address)),
            Some(false) => {}
            None => return Err((element.path.clone(), Problem::DestinationChanges)),
        }
    }
    Ok(None)
}

/// Whether a route has addresses left to visit, and where its last one stands; None of the former:
/// in some packets. None of all: it is no route.
fn route(
    layout: &Layout<'_>,
    element: &Element<'_>,
    bytes: &[u8],
) -> Option<(Option<bool>, Range<usize>)> {
    let protocol = element.header.protocol;
    // The least and the largest value.
    let values = |name: &str| {
        let field = protocol.field(name)?;
        let Some(value) = element.header.setting(name) else {
            let value = field.read(bytes.get(element.at..)?)?;
            return Some((value, value));
        };
        let ranges = value.ranges(field.max(), layout.stream);
        let least = ranges.iter().map(|range| range.0).min()?;
        Some((least, ranges.iter().map(|range| range.1).max()?))
    };
    let in_all_or_none = |in_all: bool, in_none: bool| (in_all || in_none).then_some(in_all);
    let end = element.at + element.len;
    let segments_left =
        || values("segments_left").map(|(least, most)| in_all_or_none(least > 0, most == 0));
    Some(match protocol.route? {
        Route::FirstIpv6 => (segments_left()?, element.at + 8..element.at + 24),
        Route::LastIpv6 => (segments_left()?, end.checked_sub(16)?..end),
        Route::LastIpv4 => {
            let (pointer, length) = (values("pointer")?, values("length")?);
            let left = in_all_or_none(pointer.1 <= length.0, pointer.0 > length.1);
            (left, end.checked_sub(4)?..end)
        }
    })
}
