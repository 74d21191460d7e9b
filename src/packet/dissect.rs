//! From bytes to a header stack: the inverse of [`super::compile`], by the same tables.
//!
//! Goes as far as it understands the bytes and takes the rest for payload; never fails, and every
//! header that it names has all of its fields set, so that a stack compiled from them is the bytes
//! again, whatever the bytes hold.

mod sections;

use std::ops::Range;

use sections::{may_come, option_count};

use crate::profile::model::{FieldSetting, FieldValue, Header};
use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, OptionalPart, Padding, Protocol, ProtocolKind, Space,
};
use crate::wire::{ethernet, ethertype, protocols};

/// Headers of one frame at most; what is deeper counts as payload.
const MAX_HEADERS: usize = 32;
/// Options of one header at most.
const MAX_OPTIONS: usize = 256;

/// A frame, taken apart.
#[derive(Clone, Debug)]
pub struct Dissection {
    /// The headers, outermost first, all fields set.
    pub headers: Vec<Header>,
    /// First byte after the last header.
    pub payload_at: usize,
    /// Where the headers say that the packet ends, at most the frame's length.
    pub packet_end: usize,
    /// Where each header lies.
    pub places: Vec<Place>,
}

/// Where a header lies, and the packet that it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub at: usize,
    /// Its bytes.
    pub len: usize,
    /// Where it and those around it say that the packet ends, at most the frame's length.
    pub end: usize,
    /// Nothing says that the packet goes on beyond that.
    pub whole: bool,
}

/// Takes a frame apart that begins with an Ethernet header.
pub fn dissect(frame: &[u8]) -> Dissection {
    let (headers, places) = (Vec::new(), Vec::new());
    let mut found = Dissection { headers, payload_at: 0, packet_end: frame.len(), places };
    let mut whole = true;
    let mut candidates = vec![&ethernet::PROTOCOL];
    while found.headers.len() < MAX_HEADERS && !candidates.is_empty() {
        let Some(rest) = frame.get(found.payload_at..found.packet_end) else { break };
        let ip = found.headers.iter().rev().map(|header| header.protocol.kind);
        let ip = ip.into_iter().find(|k| matches!(k, ProtocolKind::Ipv4 | ProtocolKind::Ipv6));
        candidates.retain(|protocol| protocol.only_in.is_none_or(|only| ip == Some(only)));
        let Some((header, len)) = candidates.iter().find_map(|p| header(p, rest)) else { break };
        let at = found.payload_at;
        if let Some(packet) = packet_end(&header) {
            let told = at + packet.max(len);
            whole &= told <= found.packet_end;
            found.packet_end = found.packet_end.min(told);
        }
        found.places.push(Place { at, len, end: found.packet_end, whole });
        found.payload_at += len;
        let next = frame.get(found.payload_at..found.packet_end).unwrap_or(&[]);
        candidates = following(&header, next);
        found.headers.push(header);
    }
    found
}

/// The protocols that may follow a header, by what it says and, where nothing on the wire says it,
/// by the first bytes.
fn following(header: &Header, rest: &[u8]) -> Vec<&'static Protocol> {
    let protocol = header.protocol;
    let Some(space) = protocol.next.filter(|_| !later_fragment(header)) else { return Vec::new() };
    let named = protocol.next_field().and_then(|field| fixed(header, field.name));
    let first = rest.first().map_or(0, |byte| u32::from(byte >> 4));
    let number = match (space, named) {
        (Space::EtherType, Some(length)) if length < 1536 => {
            return protocols().iter().copied().filter(|next| next.framed_by_length).collect();
        }
        (Space::EtherType, Some(0x88a8 | 0x9100)) => u32::from(ethertype::VLAN),
        (_, Some(number)) => number as u32,
        (Space::Mpls, None) if bottom_of_stack(header) == Some(false) => {
            return vec![protocol];
        }
        // IP says its version in its first four bits; a pseudowire's control word begins with 0.
        (Space::Mpls | Space::Quoted | Space::IpPacket, None) => first,
        (Space::SctpChunk, None) => rest.first().map_or(0, |byte| u32::from(*byte)),
        (_, None) => 0,
    };
    let mut named = numbered(space, number);
    if let (Space::UdpPort | Space::TcpPort, Some(port)) = (space, fixed(header, "src")) {
        // A client's port says nothing, the server's then is the source.
        named.extend(numbered(space, port as u32));
    }
    // Who can tell its own comes before who takes all.
    named.sort_by_key(|next| next.select.is_empty());
    named
}

/// The protocols that have a number.
fn numbered(space: Space, number: u32) -> Vec<&'static Protocol> {
    // No well-known port names payload.
    let none = number == 0 && matches!(space, Space::UdpPort | Space::TcpPort);
    let all = protocols().iter().copied().filter(|_| !none);
    all.filter(|next| next.numbers.contains(&(space, number))).collect()
}

fn bottom_of_stack(header: &Header) -> Option<bool> {
    let last = header.protocol.fields.iter().find(|f| f.default == FieldDefault::LastOfKind)?;
    fixed(header, last.name).map(|value| value == 1)
}

/// A fragment but the first holds no header of the next protocol.
fn later_fragment(header: &Header) -> bool {
    fixed(header, "fragment_offset").is_some_and(|offset| offset != 0)
}

/// Bytes of the packet from the header's first, as its length field says.
fn packet_end(header: &Header) -> Option<usize> {
    if matches!(header.protocol.kind, ProtocolKind::Ethernet | ProtocolKind::Vlan) {
        let length = header.protocol.next_field().and_then(|field| fixed(header, field.name))?;
        return (length < 1536).then(|| header.len() + length as usize);
    }
    let mut fields = header.protocol.all_fields();
    let (field, skip) = fields.find_map(|field| match field.default {
        FieldDefault::Length { skip } => Some((field, skip)),
        _ => None,
    })?;
    let length = fixed(header, field.name)?;
    // 0 stands for a length that is told elsewhere (jumbograms, segmentation offload) where it
    // counts the header itself, and in IPv6; else nothing follows (PPPoE discovery without tags).
    let told = length > 0 || skip > 0 && header.protocol.kind != ProtocolKind::Ipv6;
    told.then_some(usize::from(skip) + length as usize)
}

fn fixed(header: &Header, field: &str) -> Option<u128> {
    match header.setting(field) {
        Some(FieldValue::Fixed(value)) => Some(*value),
        _ => None,
    }
}

/// The header that `bytes` begin with, if they can be one of `protocol`'s, and its length.
fn header(protocol: &'static Protocol, bytes: &[u8]) -> Option<(Header, usize)> {
    if protocol.custom_fields {
        return None;
    }
    let mut header = Header { options: Vec::new(), ..Header::new(protocol) };
    read(&mut header, protocol.fields, bytes)?;
    let selected = protocol
        .select
        .iter()
        .all(|(field, values)| fixed(&header, field).is_some_and(|value| values.contains(&value)));
    if !selected {
        return None;
    }
    let mut at = protocol.len;
    for part in protocol.optional {
        if is_there(&header, part) {
            read(&mut header, part.fields, bytes.get(at..)?)?;
            at += part.len;
        }
    }
    let end = end(&header, at, bytes)?;
    let variable = data_range(&header, at, end, bytes)?;
    if let Some(def) = protocol.data
        && bytes[variable.clone()] != *def.default
    {
        let data = bytes[variable.clone()].to_vec();
        if !can_be_written(protocol, &data) {
            return None;
        }
        header.data = Some(data);
    }
    at = variable.end;
    read(&mut header, protocol.tail, bytes.get(at..end)?)?;
    at += protocol.tail_len();
    if let Some(def) = &protocol.options {
        let count = option_count(&header);
        while at < end && header.options.len() < count {
            // Nothing but the padding that the compiler makes by itself is left.
            if count == usize::MAX && is_padding(&header, &bytes[at..end], def.padding) {
                break;
            }
            if next_option(&header) == Some(0) {
                break;
            }
            let rest = &bytes[at..end];
            let kinds = def.kinds.iter().filter(|kind| may_come(&header, kind));
            let (option, len) = kinds.into_iter().find_map(|kind| self::header(kind, rest))?;
            // Behind an option of zeros, the end of the list, a whole message has only padding.
            let last = !protocol.open && bytes[at..end].iter().all(|byte| *byte == 0);
            at += len.next_multiple_of(def.align_each);
            header.options.push(option);
            if last {
                break;
            }
        }
    }
    // Without a byte of a header that has only options (LLDP) nothing says that it is there.
    let len = header.len();
    let there = len > 0 && at <= bytes.len() && len <= bytes.len();
    (there && (!bounded(protocol) || len == end)).then_some((header, len))
}

/// Whether the flags that were read say that the part is there.
fn is_there(header: &Header, part: &OptionalPart) -> bool {
    // One flag of the part itself, or one of each of its fields (GTP-U).
    let says = |flag: &FieldDef| match flag.default {
        FieldDefault::IsSet(name) => part.fields.iter().any(|field| field.name == name),
        _ => flag.name == part.flag,
    };
    let mut flags = header.protocol.fields.iter().filter(|flag| says(flag));
    part.flag == OptionalPart::ALWAYS || flags.any(|flag| fixed(header, flag.name) == Some(1))
}

/// The number of the option that comes next, where each names its successor (GTP-U); 0: none does.
fn next_option(header: &Header) -> Option<u128> {
    let from = header.options.last().unwrap_or(header);
    let mut fields = from.protocol.all_fields();
    let field = fields.find(|field| matches!(field.default, FieldDefault::NextOption(_)))?;
    Some(fixed(from, field.name).unwrap_or(0))
}

/// Reads fields into settings.
fn read(header: &mut Header, fields: &'static [FieldDef], bytes: &[u8]) -> Option<()> {
    for field in fields {
        let value = FieldValue::Fixed(field.read(bytes)?);
        header.fields.push(FieldSetting { field, value });
    }
    Some(())
}

/// Whether a field says how long the header is.
fn bounded(protocol: &Protocol) -> bool {
    let lengths = |f: &&FieldDef| matches!(f.default, FieldDefault::HeaderLength { .. });
    protocol.fields.iter().find(lengths).is_some()
}

/// Where the header ends: as it says, else with the packet where it is a whole message, else where
/// its fields do.
fn end(header: &Header, fields_end: usize, bytes: &[u8]) -> Option<usize> {
    for field in header.protocol.all_fields() {
        if let FieldDefault::HeaderLength { unit, less } = field.default {
            let told = fixed(header, field.name)? + u128::from(less);
            let end = usize::try_from(told * u128::from(unit)).ok()?;
            return (fields_end..=bytes.len()).contains(&end).then_some(end);
        }
    }
    let told = packet_end(header).map_or(bytes.len(), |end| end.clamp(fields_end, bytes.len()));
    if next_option(header).is_some_and(|next| next != 0) {
        return Some(told);
    }
    Some(if header.protocol.open && option_count(header) == usize::MAX {
        match header.protocol.data.map(|data| data.kind) {
            Some(DataKind::DomainName | DataKind::Ipv4List | DataKind::Ipv6List) => bytes.len(),
            Some(DataKind::Bytes) => {
                let end = fields_end.checked_add(byte_count(header).unwrap_or(0))?;
                return (end <= bytes.len()).then_some(end);
            }
            _ => fields_end,
        }
    } else {
        told
    })
}

/// How many bytes of data a field that is there tells of.
fn byte_count(header: &Header) -> Option<usize> {
    header.protocol.all_fields().find_map(|field| match field.default {
        FieldDefault::AddressCount { less } => {
            usize::try_from(fixed(header, field.name)? + u128::from(less)).ok()
        }
        _ => None,
    })
}

/// The bytes of the data, which begin at `at`.
fn data_range(header: &Header, at: usize, end: usize, bytes: &[u8]) -> Option<Range<usize>> {
    let Some(data) = header.protocol.data else { return Some(at..at) };
    let count = header.protocol.fields.iter().find_map(|field| match field.default {
        FieldDefault::AddressCount { less } => {
            Some(fixed(header, field.name)? as usize + usize::from(less))
        }
        _ => None,
    });
    let len = match (data.kind, count) {
        (DataKind::DomainName, _) => domain_name_len(bytes.get(at..end)?)?,
        (DataKind::Ipv4List, Some(count)) => count * 4,
        (DataKind::Ipv6List, Some(count)) => count * 16,
        _ if header.protocol.options.is_some() => data.default.len(),
        _ => end - at,
    };
    (at + len <= end).then_some(at..at + len)
}

/// Whether a profile can say these bytes: texts and names are written as such.
fn can_be_written(protocol: &Protocol, data: &[u8]) -> bool {
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    match protocol.data.map(|data| data.kind) {
        Some(DataKind::Text) => !data.is_empty() && data.iter().all(printable),
        Some(DataKind::DomainName) => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
            let mut at = 0;
            while let Some(&len @ 1..) = data.get(at) {
                let end = at + 1 + usize::from(len);
                if !data.get(at + 1..end).is_some_and(|label| label.iter().all(plain)) {
                    return false;
                }
                at = end;
            }
            true
        }
        // No bytes are said by saying nothing, which stands for the default.
        Some(DataKind::Bytes) => {
            !data.is_empty() || protocol.data.is_some_and(|data| data.default.is_empty())
        }
        // Half an address is none.
        Some(DataKind::Ipv4List) => data.len().is_multiple_of(4),
        Some(DataKind::Ipv6List) => data.len().is_multiple_of(16),
        Some(DataKind::Ipv4Slots) => {
            let (slots, rest) = data.as_chunks::<8>();
            rest.is_empty() && slots.iter().all(|slot| slot[4..] == [0; 4])
        }
        _ => true,
    }
}

/// Bytes of a name of labels that ends with a zero; None for compressed and endless ones.
fn domain_name_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            label @ 1..=63 => at += 1 + usize::from(label),
            _ => return None,
        }
    }
}

/// Whether `rest` is what the compiler puts behind the options of `header` by itself.
fn is_padding(header: &Header, rest: &[u8], padding: Padding) -> bool {
    let Some(def) = &header.protocol.options else { return false };
    if rest.len() >= def.align {
        return false;
    }
    match (padding, rest) {
        (Padding::Zeros, rest) => rest.iter().all(|byte| *byte == 0),
        (Padding::PadN { .. }, [0]) => true,
        (Padding::PadN { kind }, [first, len, zeros @ ..]) => {
            *first == kind
                && usize::from(*len) == zeros.len()
                && zeros.iter().all(|byte| *byte == 0)
        }
        (Padding::PadN { .. }, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(frame: &[u8]) -> Vec<&'static str> {
        dissect(frame).headers.iter().map(|header| header.protocol.name).collect()
    }

    #[test]
    fn an_echo_in_two_tags_is_taken_apart() {
        let mut frame = vec![0; 12];
        frame.extend([0x88, 0xa8, 0, 7, 0x81, 0, 0, 100, 0x08, 0]);
        frame.extend([0x45, 0, 0, 30, 0, 0, 0x40, 0, 64, 1, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
        frame.extend([8, 0, 0, 0, 0, 1, 0, 2, 0xaa, 0xbb, 0, 0, 0]);
        assert_eq!(names(&frame), ["ethernet", "vlan", "vlan", "ipv4", "icmp"]);
        let found = dissect(&frame);
        assert_eq!((found.payload_at, found.packet_end), (50, 52));
    }

    #[test]
    fn a_message_of_length_0_ends_before_its_padding() {
        let mut frame = vec![0; 12];
        frame.extend([0x88, 0x63, 0x11, 9, 0, 0, 0, 0, 0]);
        assert_eq!(names(&frame), ["ethernet", "pppoe_discovery"]);
    }

    #[test]
    fn an_option_whose_list_ends_in_half_an_address_is_raw() {
        let ipv4 = |route: &[u8]| {
            let mut frame = vec![0; 12];
            frame.extend([0x08, 0, 0x47, 0, 0, 28, 0, 0, 0, 0, 64, 253, 0, 0]);
            frame.extend([198, 18, 0, 1, 198, 18, 0, 2, 7, 3 + route.len() as u8, 4]);
            frame.extend(route);
            frame.resize(14 + 28, 0);
            let options = dissect(&frame).headers.remove(1).options;
            options.iter().map(|option| option.protocol.name).collect::<Vec<_>>()
        };
        assert_eq!(ipv4(&[198, 18, 9, 1]), ["record_route"]);
        assert_eq!(ipv4(&[198, 18, 9, 1, 9]), ["raw"]);
        assert_eq!(ipv4(&[198, 18]), ["raw"]);
    }

    #[test]
    fn a_route_is_as_long_as_its_header_whatever_is_left_of_it() {
        for (kind, name, last_entry) in [(0, "routing_type0", 0), (4, "srh", 1)] {
            for left in [0, 1, 2, 9] {
                let mut frame = vec![0; 12];
                frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 48, 43, 64]);
                frame.extend([0x20; 32]);
                frame.extend([17, 4, kind, left, last_entry, 0, 0, 0]);
                frame.extend([0x20; 32]);
                frame.extend([0, 1, 0, 9, 0, 8, 0, 0]);
                assert_eq!(names(&frame), ["ethernet", "ipv6", name, "udp"], "{left} left");
                let route = &dissect(&frame).headers[2];
                assert_eq!((route.data().len(), route.options.len()), (32, 0), "{left} left");
            }
        }
    }

    #[test]
    fn a_header_without_a_byte_is_none() {
        let mut frame = vec![0; 12];
        frame.extend([0x88, 0xcc]);
        assert_eq!(names(&frame), ["ethernet"]);
        frame.extend([0, 0]);
        assert_eq!(names(&frame), ["ethernet", "lldp"]);
    }

    #[test]
    fn a_later_fragment_holds_payload_only() {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0]);
        frame.extend([0x45, 0, 0, 28, 0, 0, 0, 1, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
        frame.extend([0; 8]);
        assert_eq!(names(&frame), ["ethernet", "ipv4"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart(bytes: Vec<u8>, number in 0usize..64) {
            // An EtherType that leads somewhere, so that more than Ethernet is tried.
            let mut frame = vec![0; 12];
            let numbers: Vec<u32> =
                protocols().iter().filter_map(|p| p.number(Space::EtherType)).collect();
            frame.extend((numbers[number % numbers.len()] as u16).to_be_bytes());
            frame.extend(bytes);
            let found = dissect(&frame);
            prop_assert!(found.payload_at <= frame.len());
            prop_assert!(found.packet_end <= frame.len());
            let len: usize = found.headers.iter().map(Header::len).sum();
            prop_assert_eq!(len, found.payload_at);
        }
    }
}
