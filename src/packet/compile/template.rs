//! The template: every field's constant, rule or computation, the tag, the payload.

use super::error::Problem;
use super::layout::Layout;
use super::lists::Lists;
use super::ops::{self, Patch};
use super::values::{self, Values};
use crate::packet::{Addressing, tag};
use crate::profile::model::{FieldValue, Payload};
use crate::wire::field::{FieldDef, FieldDefault, ProtocolKind};
use crate::wire::{bits, ipv6};

/// A length field that changes with the frame's size: `frame length + addend`.
pub(super) struct LengthField {
    pub(super) at: usize,
    pub(super) addend: i32,
}

/// A template in the making.
pub(super) struct Draft {
    /// The longest frame. Bits that change are zero; checksums are not in it yet.
    pub(super) bytes: Vec<u8>,
    /// Fields that change.
    pub(super) patches: Vec<Patch>,
    /// Lengths that change.
    pub(super) lengths: Vec<LengthField>,
    /// Headers whose checksum is to be computed.
    pub(super) summed: Vec<usize>,
}

/// What a field turned out to be.
enum Filling {
    Values(FieldValue),
    Length,
    Checksum,
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
        for (n, placed) in layout.headers.iter().enumerate() {
            for (ordinal, field) in placed.header.protocol.fields.iter().enumerate() {
                // The key is the field's place, so that a value does not depend on what else the
                // profile sets.
                let key = |half: usize| key((n << 16 | ordinal << 1 | half) as u32);
                let done = match filling(layout, n, field, addressing) {
                    Ok(Filling::Values(value)) => {
                        draft.set(layout, placed.at, field, &value, key, lists)
                    }
                    Ok(Filling::Length) => draft.set_length(layout, n, field),
                    Ok(Filling::Checksum) => {
                        draft.summed.push(n);
                        Ok(())
                    }
                    Err(problem) => Err(problem),
                };
                done.map_err(|problem| (layout.path(n, field.name), problem))?;
            }
        }
        if let Some(bytes) = layout.tag_at.and_then(|at| draft.bytes[at..].first_chunk_mut()) {
            tag::write_constant(bytes, epoch, stream);
            tag::stamp(bytes, 0, 0, 0);
        }
        Ok(draft)
    }

    /// Fills everything from `at`.
    pub(super) fn fill_payload(&mut self, payload: &Payload, at: usize, headers_len: usize) {
        let bytes = self.bytes[at..].iter_mut();
        match payload {
            Payload::Fill(byte) => bytes.for_each(|to| *to = *byte),
            Payload::Increment => {
                bytes.zip(at - headers_len..).for_each(|(to, n)| *to = n as u8);
            }
            Payload::Bytes(pattern) => {
                bytes.zip(pattern.iter().cycle()).for_each(|(to, from)| *to = *from);
            }
        }
    }

    fn set(
        &mut self,
        layout: &Layout<'_>,
        header_at: usize,
        field: &FieldDef,
        value: &FieldValue,
        key: impl Fn(usize) -> u64,
        lists: &mut Lists,
    ) -> Result<(), Problem> {
        for (half, part) in values::parts(field, value)?.into_iter().enumerate() {
            let at = header_at * 8 + usize::from(field.bit_offset + part.bit);
            if let Values::Constant(value) = part.values {
                bits::set(&mut self.bytes, at, part.bits, value.into());
            } else if let Some(op) = ops::rule(&part.values, key(half), lists) {
                let patch = ops::place(op, at, part.bits, layout.min_len)
                    .ok_or(Problem::FieldTooWide { bits: field.bits })?;
                self.patches.push(patch);
            }
        }
        Ok(())
    }

    fn set_length(
        &mut self,
        layout: &Layout<'_>,
        n: usize,
        field: &FieldDef,
    ) -> Result<(), Problem> {
        let placed = &layout.headers[n];
        // IPv6 alone counts what follows it; IPv4 and UDP count themselves too.
        let start = match placed.kind() {
            ProtocolKind::Ipv6 => placed.at + ipv6::LEN,
            _ => placed.at,
        };
        let length = layout.max_len as i64 - start as i64;
        if length > i64::from(u16::MAX) {
            return Err(Problem::LengthTooLong { length });
        }
        let at = placed.at * 8 + usize::from(field.bit_offset);
        if layout.size_changes {
            self.lengths.push(LengthField { at: at / 8, addend: -(start as i32) });
        } else {
            bits::set(&mut self.bytes, at, field.bits, length as u128);
        }
        Ok(())
    }
}

/// What a field is filled with: the profile's word, else its default.
fn filling(
    layout: &Layout<'_>,
    n: usize,
    field: &FieldDef,
    addressing: &Addressing,
) -> Result<Filling, Problem> {
    let placed = &layout.headers[n];
    if let Some(value) = placed.setting(field.name) {
        return Ok(Filling::Values(value.clone()));
    }
    let kind = placed.kind();
    let v6 = kind == ProtocolKind::Ipv6;
    let value = match field.default {
        FieldDefault::Length => return Ok(Filling::Length),
        FieldDefault::Checksum => return Ok(Filling::Checksum),
        FieldDefault::Constant(value) => value,
        FieldDefault::SourceMac => mac(addressing.source_mac),
        FieldDefault::NextHopMac if layout.first_ip() == Some(ProtocolKind::Ipv6) => {
            mac(addressing.next_hop_mac_ipv6)
        }
        FieldDefault::NextHopMac => mac(addressing.next_hop_mac_ipv4),
        FieldDefault::SourceAddress if v6 => {
            let which = "IPv6 source address";
            addressing.source_ipv6.ok_or(Problem::NoAddress { which })?.to_bits()
        }
        FieldDefault::SourceAddress => {
            let which = "IPv4 source address";
            addressing.source_ipv4.ok_or(Problem::NoAddress { which })?.to_bits().into()
        }
        FieldDefault::DestinationAddress if v6 => {
            let which = "IPv6 destination address";
            addressing.destination_ipv6.ok_or(Problem::NoAddress { which })?.to_bits()
        }
        FieldDefault::DestinationAddress => {
            let which = "IPv4 destination address";
            addressing.destination_ipv4.ok_or(Problem::NoAddress { which })?.to_bits().into()
        }
        FieldDefault::NextProtocol => match kind {
            ProtocolKind::Ethernet | ProtocolKind::Vlan => layout.ethertype_after(n).into(),
            _ => layout.ip_protocol_after(n).into(),
        },
        FieldDefault::Identification => {
            return Ok(Filling::Values(identification(layout, n)));
        }
    };
    Ok(Filling::Values(FieldValue::Fixed(value)))
}

/// 0 for an atomic datagram (RFC 6864 §4: DF set, no fragment), else the packet's index.
fn identification(layout: &Layout<'_>, n: usize) -> FieldValue {
    let always = |field: &str, default, wanted| {
        let setting = layout.headers[n].setting(field);
        *setting.unwrap_or(&FieldValue::Fixed(default)) == FieldValue::Fixed(wanted)
    };
    if always("df", 1, 1) && always("mf", 0, 0) && always("fragment_offset", 0, 0) {
        return FieldValue::Fixed(0);
    }
    FieldValue::Counter { start: 0, step: 1, count: 1 << 16 }
}

fn mac(mac: [u8; 6]) -> u128 {
    mac.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}
