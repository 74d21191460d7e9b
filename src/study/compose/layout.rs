//! Where an arm's fragments begin and end, lawful ones and bent ones.

use super::super::tag;
use crate::frontend::ip::Family;
use crate::profile::fragments::{Cut, Fragments, Layout, Order, Part, PieceSpec};
use crate::profile::study::{Anomaly, ArmKind, Cell, Extension, ExtensionKind, Protocol, lawful};
use crate::units::Nanos;
use crate::wire::{ipv4, ipv6, udp};

/// Bytes of the destination options of arm 4.
const DO8: usize = 8;

/// How an arm's datagrams are laid out; None: the arm is whole packets.
///
/// # Errors
/// Why they cannot be.
pub(super) fn layout(cell: &Cell, arm: ArmKind) -> Result<Option<Layout>, String> {
    let after = extension_of(cell, arm).filter(|extension| extension.after).map_or(0, |e| e.len);
    let headers = after + header_len(cell);
    // A DNS query has no place for a tag.
    let headers = if cell.protocol == Protocol::Dns { cell.len + after } else { headers };
    let len = cell.len + after;
    let ip = match cell.family {
        Family::V4 => ipv4::LEN,
        Family::V6 => ipv6::LEN + 8,
    };
    let of = |fragments: &Fragments| fragments.layout(len, headers, ip, tag::LEN);
    match arm {
        ArmKind::Small | ArmKind::Whole | ArmKind::DestinationOptions | ArmKind::Extension => {
            Ok(None)
        }
        ArmKind::Atomic => {
            let whole = Cut::Count(1);
            of(&lawful(whole, Order::In, Nanos(0))).map(Some)
        }
        ArmKind::Burst | ArmKind::Fragments => of(&cell.fragments).map(Some),
        ArmKind::Anomaly => anomalous(cell, &of, len).map(Some),
    }
}

/// Bends lawful fragments.
fn anomalous(
    cell: &Cell,
    of: &dyn Fn(&Fragments) -> Result<Layout, String>,
    len: usize,
) -> Result<Layout, String> {
    let lawful = of(&cell.fragments)?;
    let count = lawful.parts.len();
    let Layout { mut parts, mut steps, .. } = lawful;
    let last = count - 1;
    match cell.anomaly {
        Anomaly::None | Anomaly::EcnMix | Anomaly::Nested | Anomaly::IdReuse => {}
        Anomaly::MissingFirst => steps.retain(|step| *step != 0),
        Anomaly::MissingMiddle => {
            let middle = if count == 2 { 1 } else { count / 2 };
            steps.retain(|step| *step != middle);
        }
        Anomaly::MissingLast => steps.retain(|step| *step != last),
        Anomaly::Duplicate => {
            let at = steps.iter().position(|step| *step == 0).unwrap_or(0);
            // Before what completes the datagram, whatever the order.
            let at = if at == steps.len() - 1 { 0 } else { at };
            let twice = steps[at];
            steps.insert(at, twice);
        }
        Anomaly::DuplicateAfter => steps.push(0),
        Anomaly::OverlapHead => {
            parts[1].offset -= 8;
            parts[1].len += 8;
        }
        Anomaly::OverlapTail => {
            parts[0].len += 8;
            let (first, second) = (at_step(&steps, 0), at_step(&steps, 1));
            if first < second {
                steps.swap(first, second);
            }
        }
        Anomaly::OverlapContained => {
            let inside = parts[0].len / 2 / 8 * 8;
            parts.push(Part {
                offset: inside,
                len: (parts[0].len - inside).min(64),
                more: true,
                other: true,
            });
            steps.insert(at_step(&steps, 0) + 1, parts.len() - 1);
        }
        Anomaly::OverlapSuperset => {
            let longer = Part { len: (parts[0].len + 8).min(len), ..parts[0] };
            parts.push(longer);
            steps.insert(at_step(&steps, 0) + 1, parts.len() - 1);
        }
        Anomaly::OddLength => parts[0].len -= 3,
        Anomaly::TooLong => {
            parts.push(Part { offset: 65_528, len: 64, more: false, other: false });
            steps.push(parts.len() - 1);
        }
    }
    // Places for tags have to be looked for again: a bent fragment may cover another's.
    let pieces = parts
        .iter()
        .map(|part| PieceSpec {
            offset: part.offset,
            length: part.len,
            more: Some(part.more),
            other: part.other,
        })
        .collect();
    let bent = Fragments { order: Order::In, ..Fragments::new(Cut::Pieces(pieces)) };
    Ok(Layout { steps, ..of(&bent)? })
}

fn at_step(steps: &[usize], part: usize) -> usize {
    steps.iter().position(|step| *step == part).unwrap_or(0)
}

/// The extension header of an arm, if it has one.
pub(super) fn extension_of(cell: &Cell, arm: ArmKind) -> Option<Extension> {
    match arm {
        ArmKind::DestinationOptions => {
            Some(Extension { kind: ExtensionKind::DestinationOptions, len: DO8, after: false })
        }
        ArmKind::Extension | ArmKind::Fragments | ArmKind::Anomaly => cell.extension,
        ArmKind::Small | ArmKind::Whole | ArmKind::Burst | ArmKind::Atomic => None,
    }
}

/// Bytes of the transport header.
pub(super) fn header_len(cell: &Cell) -> usize {
    match cell.protocol {
        Protocol::Udp | Protocol::Icmp | Protocol::Dns => udp::LEN,
        Protocol::Tcp => cell.tcp_header,
    }
}

/// How many fragments or packets an arm has, distinct ones.
///
/// # Errors
/// Why it cannot be made.
pub fn count(cell: &Cell, arm: ArmKind) -> Result<usize, String> {
    Ok(layout(cell, arm)?.map_or(1, |layout| layout.parts.len()))
}

/// How many frames a try of an arm has, duplicates included.
///
/// # Errors
/// As [`count`].
pub fn frames_of(cell: &Cell, arm: ArmKind) -> Result<usize, String> {
    Ok(match layout(cell, arm)? {
        None => 1,
        Some(layout) if arm == ArmKind::Burst => layout.parts.len(),
        Some(layout) => layout.steps.len(),
    })
}

/// The fragments or packets of an arm that are sent, a bit each: an anomaly may leave some out.
///
/// # Errors
/// As [`count`].
pub fn sent(cell: &Cell, arm: ArmKind) -> Result<u64, String> {
    let bit = |index: usize| 1_u64.checked_shl(index as u32).unwrap_or(0);
    Ok(match layout(cell, arm)? {
        None => 1,
        Some(layout) if arm == ArmKind::Burst => (0..layout.parts.len()).fold(0, |m, n| m | bit(n)),
        Some(layout) => layout.steps.iter().fold(0, |mask, step| mask | bit(*step)),
    })
}

/// Offsets of an arm's fragments, by their index.
///
/// # Errors
/// As [`count`].
pub fn offsets(cell: &Cell, arm: ArmKind) -> Result<Vec<u16>, String> {
    let layout = layout(cell, arm)?.filter(|_| arm.is_fragmented());
    Ok(layout.map_or_else(Vec::new, |layout| {
        layout.parts.iter().map(|part| part.offset as u16).collect()
    }))
}
