//! A field's rule, with all that modifies it taken off: the rule of another field, a number added,
//! a mask, packets of one value.

use super::error::Problem;
use super::layout::{FIRST_CUSTOM, Layout};
use super::template::{Filling, filling};
use super::values::Context;
use crate::packet::Addressing;
use crate::profile::model::{FieldName, FieldValue};

/// A field of the stack: what its random values are keyed by, and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its place, so that a value does not depend on what else the profile sets. The lowest bit is
    /// left for the halves of a wide field.
    pub(super) key: u32,
    /// Its width.
    pub(super) bits: u8,
}

impl Field {
    /// Field number `ordinal` of header number `n`.
    pub(super) fn new(n: usize, ordinal: u32, bits: u8) -> Self {
        Self { key: (n as u32) << 16 | ordinal << 1, bits }
    }
}

/// What a field takes.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// The bare rule.
    pub(super) rule: FieldValue,
    /// Whose it is, and what is added.
    pub(super) context: Context,
    /// The key of the field whose rule it is.
    pub(super) key: u32,
    /// Packets of one value.
    pub(super) every: u64,
    /// Bits that follow the rule, and what the others are.
    pub(super) mask: Option<(u128, u128)>,
}

/// Resolves a value of `field`.
pub(super) fn resolve(
    layout: &Layout<'_>,
    addressing: &Addressing,
    field: Field,
    value: &FieldValue,
) -> Result<Resolved, Problem> {
    Resolver { layout, addressing, seen: Vec::new() }.resolve(field, value)
}

struct Resolver<'a> {
    layout: &'a Layout<'a>,
    addressing: &'a Addressing,
    /// The fields that follow this one, for circles.
    seen: Vec<Field>,
}

impl Resolver<'_> {
    fn resolve(&mut self, field: Field, value: &FieldValue) -> Result<Resolved, Problem> {
        match value {
            FieldValue::Every { packets, value } => {
                let mut resolved = self.resolve(field, value)?;
                resolved.every = resolved.every.saturating_mul((*packets).max(1));
                Ok(resolved)
            }
            FieldValue::Masked { mask, base, value } => {
                let most = u128::MAX >> (128 - u32::from(field.bits));
                if let Some(value) = [*mask, *base].into_iter().find(|value| *value > most) {
                    return Err(Problem::ValueTooWide { value, most });
                }
                let mut resolved = self.resolve(field, value)?;
                let (inner, others) = resolved.mask.unwrap_or((most, 0));
                resolved.mask = Some((mask & inner, base & !mask | others & mask));
                Ok(resolved)
            }
            FieldValue::Same { of, plus } => self.follow(field, of, *plus),
            rule => Ok(Resolved {
                rule: rule.clone(),
                context: Context { source_bits: field.bits, plus: 0 },
                key: field.key,
                every: 1,
                mask: None,
            }),
        }
    }

    fn follow(&mut self, field: Field, of: &FieldName, plus: u128) -> Result<Resolved, Problem> {
        self.seen.push(field);
        let (source, value) = self.find(of)?;
        if self.seen.contains(&source) {
            return Err(Problem::Circle { name: of.to_string() });
        }
        let mut resolved = self.resolve(source, &value)?;
        if field.bits > source.bits && resolved.context.plus != 0 && resolved.mask.is_none() {
            // The source wraps at its own width.
            resolved.mask = Some((u128::MAX >> (128 - u32::from(source.bits)), 0));
        }
        if plus != 0 && resolved.mask.is_some() {
            return Err(Problem::PlusMasked { name: of.to_string() });
        }
        resolved.context.plus = resolved.context.plus.wrapping_add(plus);
        Ok(resolved)
    }

    /// The field of a name, and its value.
    fn find(&self, name: &FieldName) -> Result<(Field, FieldValue), Problem> {
        let layout = self.layout;
        let no_field = |cause| Problem::NoSuchField { name: name.to_string(), cause };
        let stack = layout.headers.iter().map(|placed| placed.header.protocol.name);
        let n = name.position_in(stack).map_err(no_field)?;
        let header = layout.headers[n].header;
        if let Some(k) = header.custom.iter().position(|field| field.name == name.field) {
            let own = &header.custom[k];
            let field = Field::new(n, FIRST_CUSTOM + k as u32, own.bits);
            return Ok((field, own.value.clone()));
        }
        let own = layout.elements.iter().filter(|e| e.n == n && std::ptr::eq(e.header, header));
        for element in own {
            let Some(k) = element.fields.iter().position(|field| field.name == name.field) else {
                continue;
            };
            let def = &element.fields[k];
            let field = Field::new(n, element.ordinal + k as u32, def.bits);
            return match filling(layout, element, def, self.addressing)? {
                Filling::Values(value) => Ok((field, value)),
                Filling::Length { .. } | Filling::Checksum { .. } => {
                    Err(Problem::FollowsComputed { name: name.to_string() })
                }
            };
        }
        Err(no_field(format!("{} has no field {} here", name.header, name.field)))
    }
}
