//! Checksums and lengths of a finished packet, computed anew from its bytes and from where its
//! headers lie: slow and plain, so that nothing is shared with what is checked.

use proptest::prelude::*;
use wirestorm::profile::model::{FieldValue, Header};
use wirestorm::wire::field::{Algorithm, Covers, FieldDef, FieldDefault, ProtocolKind, Space};

use super::packets::plain_sum;

/// Checks every length and every checksum that was left to the compiler, or to be wrong by one.
pub fn check(stack: &[Header], frame: &[u8]) -> Result<(), TestCaseError> {
    let headers: usize = stack.iter().map(Header::len).sum();
    let open = stack.last().is_some_and(|last| last.protocol.open);
    let end = if open { frame.len() } else { headers };
    prop_assert!(open || frame[end..].iter().all(|byte| *byte == 0), "padding is zeros");
    let mut at = 0;
    for (n, header) in stack.iter().enumerate() {
        fields(header, &frame[at..], |field, element, found| {
            let name = format!("{}.{}", header.protocol.name, field.name);
            let right = match field.default {
                FieldDefault::Length { skip } => end - at - usize::from(skip),
                FieldDefault::HeaderLength { unit, less } => {
                    element.div_ceil(usize::from(unit)) - usize::from(less)
                }
                FieldDefault::NextProtocol if framed(stack, n) => end - at - header.len(),
                FieldDefault::Checksum => {
                    return checksum(stack, n, at, &frame[..end], &name);
                }
                _ => return Ok(()),
            };
            prop_assert_eq!(found, right as u128, "{}", name);
            Ok(())
        })?;
        at += header.len();
    }
    Ok(())
}

/// An Ethernet header or VLAN tag that tells a length, since LLC follows.
fn framed(stack: &[Header], n: usize) -> bool {
    let llc = stack.get(n + 1).is_some_and(|next| next.protocol.framed_by_length);
    llc && matches!(stack[n].protocol.kind, ProtocolKind::Ethernet | ProtocolKind::Vlan)
}

/// Calls `judge` with every field that the profile leaves open, the length of what it stands in (a
/// header or an option, filled up), and its value.
fn fields(
    header: &Header,
    bytes: &[u8],
    mut judge: impl FnMut(&FieldDef, usize, u128) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut elements = vec![(header, 0, header.len())];
    let mut next = header.len_without_options();
    let each = header.protocol.options.as_ref().map_or(1, |def| def.align_each);
    for option in &header.options {
        let len = option.len().next_multiple_of(each);
        elements.push((option, next, len));
        next += len;
    }
    for (element, from, len) in elements {
        let parts = element.parts().map(|part| (part.fields, part.len));
        let mut from = from;
        for (fields, part) in
            std::iter::once((element.protocol.fields, element.protocol.len)).chain(parts)
        {
            for field in fields {
                let found = field.read(&bytes[from..]).expect("the frame holds its headers");
                if matches!(element.setting(field.name), None | Some(FieldValue::Bad)) {
                    judge(field, len, found)?;
                }
            }
            from += part;
        }
    }
    Ok(())
}

fn checksum(
    stack: &[Header],
    n: usize,
    at: usize,
    packet: &[u8],
    name: &str,
) -> Result<(), TestCaseError> {
    let header = &stack[n];
    let rule = header.protocol.checksum.expect("a rule");
    let bad = header.setting("checksum") == Some(&FieldValue::Bad);
    let covered = match rule.covers {
        Covers::Header => &packet[at..at + header.len()],
        Covers::Packet | Covers::UpTo(_) => &packet[at..],
    };
    if rule.algorithm == Algorithm::Crc32c {
        let field = header.protocol.field("checksum").expect("a checksum").bytes();
        let mut zeroed = covered.to_vec();
        zeroed[field.clone()].fill(0);
        let right = crc32c(&zeroed).wrapping_add(bad.into());
        prop_assert_eq!(&covered[field], &right.to_le_bytes()[..], "{}", name);
        return Ok(());
    }
    let mut parts = Vec::new();
    let length = (covered.len() as u32).to_be_bytes();
    let number = header.protocol.number(Space::IpProtocol).unwrap_or(0) as u8;
    if rule.pseudo_header
        && let Some(addresses) = addresses(stack, n, packet)
    {
        parts.push(addresses);
        parts.push(length.to_vec());
        parts.push(vec![0, number]);
    }
    parts.push(covered.to_vec());
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let sum = plain_sum(&parts);
    if bad {
        prop_assert_eq!(sum, 0xfffe, "{} is wrong by one", name);
    } else {
        // Nothing but zeros sums to the other zero.
        prop_assert!(sum == 0xffff || sum == 0 && !rule.zero_as_ffff, "{}: {:#06x}", name, sum);
    }
    if rule.zero_as_ffff {
        let field = header.protocol.field("checksum").expect("a checksum").bytes();
        prop_assert_ne!(&covered[field], &[0, 0][..], "{}", name);
    }
    Ok(())
}

/// The addresses of the pseudo-header: those of the nearest IP header, the destination being the
/// last one of a route that is not yet worked off (RFC 8200 §8.1, RFC 791 §3.1).
fn addresses(stack: &[Header], n: usize, packet: &[u8]) -> Option<Vec<u8>> {
    let is_ip =
        |m: &usize| matches!(stack[*m].protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6);
    let ip = (0..n).rev().find(is_ip)?;
    let start = |m: usize| stack[..m].iter().map(Header::len).sum::<usize>();
    let at = start(ip);
    let (source, mut destination) = if stack[ip].protocol.kind == ProtocolKind::Ipv6 {
        (packet[at + 8..at + 24].to_vec(), packet[at + 24..at + 40].to_vec())
    } else {
        (packet[at + 12..at + 16].to_vec(), packet[at + 16..at + 20].to_vec())
    };
    // Options of IPv4: type, length, pointer, addresses.
    let mut option_at = at + stack[ip].len_without_options();
    for option in &stack[ip].options {
        let bytes = &packet[option_at..option_at + option.len()];
        let route = matches!(option.protocol.name, "loose_source_route" | "strict_source_route");
        if route && bytes.len() > 3 && bytes[2] <= bytes[1] {
            destination = bytes[bytes.len() - 4..].to_vec();
        }
        option_at += option.len();
    }
    // Routing headers: next header, length, type, segments left, four bytes, addresses.
    for m in ip + 1..n {
        let bytes = &packet[start(m)..start(m + 1)];
        destination = match stack[m].protocol.name {
            "routing_type0" if bytes[3] > 0 && bytes.len() > 8 => {
                bytes[bytes.len() - 16..].to_vec()
            }
            "routing_type2" | "srh" if bytes[3] > 0 && bytes.len() > 8 => bytes[8..24].to_vec(),
            _ => destination,
        };
    }
    Some([source, destination].concat())
}

/// Bit by bit, as RFC 9260 appendix A defines it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}
