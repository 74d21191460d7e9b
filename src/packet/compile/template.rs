//! The template: every field's constant, rule or computation, the tag, the payload.

use super::addresses;
use super::error::Problem;
use super::layout::{Element, Layout};
use super::lists::Lists;
use super::ops::{self, Patch};
use super::resolve::{Field, resolve};
use super::values::{self, Values, low_bits};
use crate::packet::{Addressing, random, tag};
use crate::profile::fragments::is_atomic;
use crate::profile::model::{FieldValue, Header, Payload};
use crate::wire::bits;
use crate::wire::field::{DataKind, FieldDef, FieldDefault, FieldKind, ProtocolKind};

/// A length field that changes with the frame's size: `frame length + addend`.
pub(super) struct LengthField {
    pub(super) at: usize,
    pub(super) addend: i32,
}

/// A checksum to be computed.
pub(super) struct Summed {
    /// The header.
    pub(super) n: usize,
    /// The field's first byte.
    pub(super) at: usize,
    /// Wrong by one, on purpose.
    pub(super) bad: bool,
}

/// A template in the making.
pub(super) struct Draft {
    /// The longest frame. Bits that change are zero; checksums are not in it yet.
    pub(super) bytes: Vec<u8>,
    /// Fields that change.
    pub(super) patches: Vec<Patch>,
    /// Lengths that change.
    pub(super) lengths: Vec<LengthField>,
    /// Checksums to be computed, outermost first.
    pub(super) summed: Vec<Summed>,
}

/// What a field turned out to be.
pub(super) enum Filling {
    Values(FieldValue),
    Length { skip: u8 },
    Checksum { bad: bool },
}

impl Draft {
    /// Fills in the headers and the tag of (stream number, epoch).
    pub(super) fn new(
        layout: &Layout<'_>,
        addressing: &Addressing,
        key: impl Fn(u32) -> u64,
        lists: &mut Lists,
        (stream, epoch): (u16, u8),
    ) -> Result<Self, (String, Problem)> {
        let mut draft = Self {
            bytes: vec![0; layout.max_len],
            patches: Vec::new(),
            lengths: Vec::new(),
            summed: Vec::new(),
        };
        for (at, bytes) in &layout.constants {
            draft.bytes[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
        for element in &layout.elements {
            for (ordinal, field) in element.fields.iter().enumerate() {
                let ordinal = element.ordinal + ordinal as u32;
                let at = Field::new(element.n, ordinal, field.bits);
                let bit = element.at * 8 + usize::from(field.bit_offset);
                let done = match filling(layout, element, field, addressing) {
                    Ok(Filling::Values(value)) => {
                        draft.set((layout, addressing), bit, at, &value, &key, lists)
                    }
                    Ok(Filling::Length { skip }) => draft.set_length(layout, element, field, skip),
                    Ok(Filling::Checksum { bad }) => {
                        draft.summed.push(Summed { n: element.n, at: bit / 8, bad });
                        Ok(())
                    }
                    Err(problem) => Err(problem),
                };
                done.map_err(|problem| (format!("{}.{}", element.path, field.name), problem))?;
            }
        }
        for custom in &layout.customs {
            for (ordinal, field) in custom.fields.iter().enumerate() {
                let at = Field::new(custom.n, custom.ordinal + ordinal as u32, field.bits);
                let bit = custom.at * 8 + usize::from(field.bit_offset);
                let set = draft.set((layout, addressing), bit, at, &field.value, &key, lists);
                set.map_err(|problem| (format!("{}.{}", custom.path, field.name), problem))?;
            }
        }
        if let Some(bytes) = layout.tag_at.and_then(|at| draft.bytes[at..].first_chunk_mut()) {
            tag::write_constant(bytes, epoch, stream);
            tag::stamp(bytes, 0, 0, 0);
        }
        Ok(draft)
    }

    /// Fills everything after headers and tag; `key` is that of a random payload.
    pub(super) fn fill_payload(&mut self, payload: &Payload, layout: &Layout<'_>, key: u64) {
        let (at, headers_len) = (layout.payload_at, layout.headers_len);
        let bytes = self.bytes[at..].iter_mut();
        match payload {
            Payload::Fill(byte) => bytes.for_each(|to| *to = *byte),
            Payload::Increment => {
                bytes.zip(at - headers_len..).for_each(|(to, n)| *to = n as u8);
            }
            Payload::Bytes(pattern) => {
                bytes.zip(pattern.iter().cycle()).for_each(|(to, from)| *to = *from);
            }
            Payload::Prbs(order) => {
                bytes.zip(order.bytes()).for_each(|(to, from)| *to = from);
            }
            Payload::Random => {
                bytes.zip(0u64..).for_each(|(to, n)| *to = (random::bits(key, n) >> 56) as u8);
            }
        }
    }

    /// Gives the bits of a field, which begins at bit `at` of the frame, their values.
    fn set(
        &mut self,
        (layout, addressing): (&Layout<'_>, &Addressing),
        at: usize,
        field: Field,
        value: &FieldValue,
        key: &impl Fn(u32) -> u64,
        lists: &mut Lists,
    ) -> Result<(), Problem> {
        let bits = field.bits;
        let resolved = resolve(layout, addressing, field, value)?;
        let (mask, base) = resolved.mask.unwrap_or((u128::MAX, 0));
        for part in values::parts(bits, &resolved.rule, resolved.context)? {
            let at = at + usize::from(part.bit);
            // What the mask and the base say of this part.
            let behind = u32::from(bits) - u32::from(part.bit) - u32::from(part.bits);
            let of_part = |value: u128| (value >> behind) as u64 & low_bits(part.bits);
            let (mask, base) = (of_part(mask), of_part(base & !mask));
            bits::set(&mut self.bytes, at, part.bits, base.into());
            if let Values::Constant(value) = part.values {
                let value = base | value & mask;
                bits::set(&mut self.bytes, at, part.bits, value.into());
            } else if mask != 0
                && let Some(mut op) = ops::rule(&part.values, key(resolved.key | part.half), lists)
            {
                op.advance_every(resolved.every);
                let mut patch = ops::place(op, at, part.bits, layout.min_len)
                    .ok_or(Problem::FieldTooWide { bits })?;
                patch.op.mask &= mask << patch.op.shift;
                self.patches.push(patch);
            }
        }
        Ok(())
    }

    fn set_length(
        &mut self,
        layout: &Layout<'_>,
        element: &Element<'_>,
        field: &FieldDef,
        skip: u8,
    ) -> Result<(), Problem> {
        let start = layout.headers[element.n].at + usize::from(skip);
        let length = layout.end_for(element.n) as i64 - start as i64;
        let most = field.max().min(u128::from(u32::MAX)) as i64;
        if length > most {
            return Err(Problem::LengthTooLong { length, bits: field.bits });
        }
        let bit = element.at * 8 + usize::from(field.bit_offset);
        if !layout.size_changes {
            bits::set(&mut self.bytes, bit, field.bits, length as u128);
            return Ok(());
        }
        // The operation writes 16 bits: of a wider field the lower ones, as no frame is longer.
        let end = bit + usize::from(field.bits);
        if field.bits < 16 || !end.is_multiple_of(8) {
            return Err(Problem::LengthOfOddWidth { bits: field.bits });
        }
        self.lengths.push(LengthField { at: end / 8 - 2, addend: -(start as i32) });
        Ok(())
    }
}

/// The largest length that stands where an EtherType else does (IEEE 802.3 §3.2.6).
const MAX_LENGTH_IN_ETHERNET: usize = 1500;

/// Whether header number `n` tells a length where it else names what follows: LLC in an Ethernet
/// frame, tagged or not. Anything else names LLC by its EtherType.
fn framed_by_length(layout: &Layout<'_>, n: usize) -> bool {
    matches!(layout.headers[n].kind(), ProtocolKind::Ethernet | ProtocolKind::Vlan)
        && layout.headers.get(n + 1).is_some_and(|next| next.header.protocol.framed_by_length)
}

/// What a field is filled with: the profile's word, else what a header behind it asks for, else its
/// default.
pub(super) fn filling(
    layout: &Layout<'_>,
    element: &Element<'_>,
    field: &FieldDef,
    addressing: &Addressing,
) -> Result<Filling, Problem> {
    let (n, header) = (element.n, element.header);
    match header.setting(field.name) {
        Some(FieldValue::Bad) => return Ok(Filling::Checksum { bad: true }),
        Some(value) => return Ok(Filling::Values(value.clone())),
        None => {}
    }
    let of_the_stack = std::ptr::eq(header, layout.headers[n].header);
    let asked = addresses::wanted(layout, n, field.name, addressing);
    if let Some(value) = asked.filter(|_| of_the_stack) {
        return Ok(Filling::Values(value));
    }
    if let Some(value) = layout.wanted(n, field.name).filter(|_| of_the_stack) {
        return Ok(Filling::Values(FieldValue::Fixed(value)));
    }
    let count = |count: usize, less: u8| (count as u128).saturating_sub(less.into());
    let value = match field.default {
        FieldDefault::Length { skip } => return Ok(Filling::Length { skip }),
        FieldDefault::Checksum => return Ok(Filling::Checksum { bad: false }),
        FieldDefault::Constant(value) => value,
        FieldDefault::SourceMac => mac(addressing.source_mac),
        FieldDefault::NextHopMac => {
            return Ok(Filling::Values(next_hop_mac(layout, n, addressing)));
        }
        FieldDefault::SourceAddress | FieldDefault::DestinationAddress => {
            address(field, addressing)?
        }
        FieldDefault::NextProtocol => {
            if framed_by_length(layout, n) {
                let skip = layout.headers[n].len;
                let length = layout.end() - layout.headers[n].end();
                if length > MAX_LENGTH_IN_ETHERNET {
                    let most = MAX_LENGTH_IN_ETHERNET;
                    return Err(Problem::LengthIsEtherType { length, most });
                }
                return Ok(Filling::Length { skip: skip as u8 });
            }
            layout.number_after(n).into()
        }
        FieldDefault::NextPort(otherwise) => match layout.number_after(n) {
            0 => otherwise.into(),
            port => port.into(),
        },
        FieldDefault::HeaderLength { unit, less } => {
            let value = count(element.len.div_ceil(usize::from(unit.max(1))), less);
            if value > field.max() {
                let most = (field.max() + u128::from(less)) * u128::from(unit);
                return Err(Problem::HeaderTooLong { bytes: element.len, most });
            }
            value
        }
        FieldDefault::OptionCount { less } => count(header.options.len(), less),
        FieldDefault::OptionsNamed(names) => {
            let named = header.options.iter().filter(|o| names.contains(&o.protocol.name));
            count(named.count(), 0)
        }
        FieldDefault::AddressCount { less } | FieldDefault::AddressesLeft { less } => {
            let each = match header.protocol.data.map(|data| data.kind) {
                Some(DataKind::Ipv4List) => 4,
                Some(DataKind::Ipv4Slots) => 8,
                Some(DataKind::Ipv6List) => 16,
                _ => 1,
            };
            count(header.data().len() / each, less)
        }
        FieldDefault::Present => header.parts().any(|part| part.flag == field.name).into(),
        FieldDefault::IsSet(name) => {
            header.protocol.field(name).is_some_and(|field| header.is_told(field)).into()
        }
        FieldDefault::NextOption(space) => {
            let next = element.options.first().and_then(|next| next.protocol.number(space));
            next.unwrap_or(0).into()
        }
        FieldDefault::LastOfKind => {
            let next = layout.headers.get(n + 1).map(|next| next.header.protocol.name);
            (next != Some(header.protocol.name)).into()
        }
        FieldDefault::Identification => {
            return Ok(Filling::Values(identification(header)));
        }
    };
    if value > field.max() {
        return Err(Problem::ValueTooWide { value, most: field.max() });
    }
    Ok(Filling::Values(FieldValue::Fixed(value)))
}

fn address(field: &FieldDef, addressing: &Addressing) -> Result<u128, Problem> {
    let source = field.default == FieldDefault::SourceAddress;
    let (address, which) = match (field.kind == FieldKind::Ipv6, source) {
        (true, true) => (addressing.source_ipv6.map(|a| a.to_bits()), "IPv6 source address"),
        (true, false) => {
            (addressing.destination_ipv6.map(|a| a.to_bits()), "IPv6 destination address")
        }
        (false, true) => {
            (addressing.source_ipv4.map(|a| a.to_bits().into()), "IPv4 source address")
        }
        (false, false) => {
            (addressing.destination_ipv4.map(|a| a.to_bits().into()), "IPv4 destination address")
        }
    };
    address.ok_or(Problem::NoAddress { which })
}

/// The group's MAC where the packet goes to one (RFC 1112 §6.4, RFC 2464 §7), else the next hop's.
fn next_hop_mac(layout: &Layout<'_>, n: usize, addressing: &Addressing) -> FieldValue {
    let next_hop = |mac| FieldValue::Fixed(self::mac(mac));
    let Some(ip) = layout.ip_after(n) else { return next_hop(addressing.next_hop_mac_ipv4) };
    let kind = layout.headers[ip].kind();
    let destination = match layout.headers[ip].header.setting("dst") {
        Some(value) => Some(value.clone()),
        None => addresses::wanted(layout, ip, "dst", addressing)
            .or_else(|| layout.wanted(ip, "dst").map(FieldValue::Fixed)),
    };
    let group = destination.as_ref().and_then(|values| addresses::group_mac(kind, values));
    group.unwrap_or_else(|| match (kind, destination) {
        (ProtocolKind::Ipv6, _) => next_hop(addressing.next_hop_mac_ipv6),
        (_, Some(FieldValue::Fixed(0xffff_ffff))) => next_hop([0xff; 6]),
        _ => next_hop(addressing.next_hop_mac_ipv4),
    })
}

/// 0 for an atomic datagram (RFC 6864 §4: DF set, no fragment), else counted from 1: a raw socket
/// replaces a 0 that may be fragmented (ip_select_ident in include/net/ip.h).
fn identification(header: &Header) -> FieldValue {
    if is_atomic(header) {
        return FieldValue::Fixed(0);
    }
    FieldValue::Counter { start: 1, step: 1, count: u16::MAX.into() }
}

fn mac(mac: [u8; 6]) -> u128 {
    mac.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}
