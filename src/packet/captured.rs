//! A captured frame, taken apart as far as its fields can be rewritten: down to the packet that an
//! ICMP error quotes, which is somebody else's.

use super::dissect::{Place, dissect};
use crate::profile::model::{FieldName, FieldValue, Header};
use crate::profile::replay::{Replay, Rewritten};
use crate::wire::bits;
use crate::wire::field::{FieldDef, ProtocolKind, Space};

/// The headers of a frame, and where they lie.
pub struct Captured<'f> {
    frame: &'f [u8],
    headers: Vec<Header>,
    places: Vec<Place>,
}

impl<'f> Captured<'f> {
    /// Takes a frame apart.
    pub fn of(frame: &'f [u8]) -> Self {
        let found = dissect(frame);
        let quotes = |header: &Header| header.protocol.next == Some(Space::Quoted);
        let own = found.headers.iter().position(quotes).map_or(found.headers.len(), |n| n + 1);
        let (mut headers, mut places) = (found.headers, found.places);
        headers.truncate(own);
        places.truncate(own);
        Self { frame, headers, places }
    }

    /// The headers, outermost first.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Where header number `n` lies.
    pub fn place(&self, n: usize) -> Place {
        self.places[n]
    }

    /// The header of a name: of several the outermost, unless the name says which.
    pub fn find(&self, name: &FieldName) -> Option<usize> {
        let named = |n: &usize| self.headers[*n].protocol.name == name.header;
        (0..self.headers.len()).filter(named).nth(name.nth.unwrap_or(0))
    }

    /// The first bit of a field of header number `n`, counted from the frame's first; None where
    /// it is in an optional part that is not there.
    pub fn bit_of(&self, n: usize, field: &FieldDef) -> Option<usize> {
        let (header, at) = (&self.headers[n], self.places[n].at);
        let is = |one: &FieldDef| one.name == field.name;
        let bit = |at: usize, one: &FieldDef| at * 8 + usize::from(one.bit_offset);
        if let Some(own) = header.protocol.fields.iter().find(|one| is(one)) {
            return Some(bit(at, own));
        }
        let mut at = at + header.protocol.len;
        for part in header.parts() {
            if let Some(own) = part.fields.iter().find(|one| is(one)) {
                return Some(bit(at, own));
            }
            at += part.len;
        }
        None
    }

    /// What a field of header number `n` was captured with.
    pub fn read(&self, n: usize, field: &FieldDef) -> Option<u128> {
        let bit = self.bit_of(n, field)?;
        let end = (bit + usize::from(field.bits)).div_ceil(8);
        (end <= self.frame.len()).then(|| bits::get(self.frame, bit, field.bits))
    }

    /// What the field of a name was captured with, and its width.
    pub fn value(&self, name: &FieldName) -> Option<(u128, u8)> {
        let n = self.find(name)?;
        let field = self.headers[n].protocol.field(&name.field)?;
        Some((self.read(n, field)?, field.bits))
    }

    /// The outermost IP header.
    pub fn outer_ip(&self) -> Option<usize> {
        (0..self.headers.len()).find(|&n| is_ip(&self.headers[n]))
    }

    /// The nearest IP header before header number `n`.
    pub fn ip_before(&self, n: usize) -> Option<usize> {
        (0..n).rev().find(|&n| is_ip(&self.headers[n]))
    }

    /// The IP headers with their destinations, as the replay makes them.
    pub fn destinations<'a>(
        &'a self,
        replay: &'a Replay,
    ) -> impl Iterator<Item = Destination<'a>> + 'a {
        let ip = (0..self.headers.len()).filter(|&n| is_ip(&self.headers[n]));
        ip.filter_map(|n| {
            let header = &self.headers[n];
            let captured = self.read(n, header.protocol.field("dst")?)?;
            let mut rules = replay.rewrite.iter().enumerate();
            let rule =
                rules.find(|(_, rule)| rule.is_destination() && self.find(&rule.name) == Some(n));
            let to = match rule.map(|(number, rule)| (number, &rule.to)) {
                None => To::Address(captured),
                Some((_, Rewritten::Port | Rewritten::NextHop)) => To::Port,
                Some((rule, Rewritten::Values { value, keep })) => match value.rule() {
                    FieldValue::Same { of, plus } => {
                        let other = self.value(of).map_or(captured, |(other, _)| other);
                        let same = other.wrapping_add(*plus);
                        To::Address(masked(value, *keep, captured, same))
                    }
                    _ => To::Rule { rule, value, kept: keep.then_some(captured) },
                },
            };
            Some(Destination { is_ipv4: header.protocol.kind == ProtocolKind::Ipv4, to })
        })
    }
}

/// Where an IP header of a replayed packet sends it.
pub struct Destination<'a> {
    /// An IPv4 address, else an IPv6 address.
    pub is_ipv4: bool,
    /// Which.
    pub to: To<'a>,
}

/// A destination.
pub enum To<'a> {
    /// This one.
    Address(u128),
    /// That of the receiving port.
    Port,
    /// Those of rewriting rule number `rule`.
    Rule {
        /// Its position.
        rule: usize,
        /// The rule.
        value: &'a FieldValue,
        /// The captured address, where bits of it are kept.
        kept: Option<u128>,
    },
}

/// What a rule's masks make of `value` in the place of `captured`.
pub(crate) fn masked(rule: &FieldValue, keep: bool, captured: u128, value: u128) -> u128 {
    match rule {
        FieldValue::Every { value: inner, .. } => masked(inner, keep, captured, value),
        FieldValue::Masked { mask, base, .. } => {
            let others = if keep { captured } else { *base };
            others & !mask | value & mask
        }
        _ => value,
    }
}

fn is_ip(header: &Header) -> bool {
    matches!(header.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6)
}
