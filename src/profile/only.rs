//! Which packets of a capture are meant: by their numbers, the headers that they have, and what
//! stands in their fields.

use super::model::FieldName;
use crate::packet::captured::Captured;
use crate::wire::field::FieldDef;

/// What a packet has to be: all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Its number in the file, from 1, lies in one of these ranges. Empty: any.
    pub packets: Vec<(u128, u128)>,
    /// It has a header of one of these names. Empty: any.
    pub has: Vec<&'static str>,
    /// What stands in its fields.
    pub fields: Vec<Field>,
}

/// What a field of a packet has to have.
#[derive(Clone, Debug)]
pub struct Field {
    /// Which field; of several headers of that name the outermost, unless it says which.
    pub name: FieldName,
    /// Its definition.
    pub field: &'static FieldDef,
    /// It lies in one of these ranges.
    pub ranges: Vec<(u128, u128)>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.ranges == other.ranges
    }
}

impl Eq for Field {}

impl Only {
    /// Whether the packet of that number in the file is all of this.
    pub fn takes(&self, number: usize, frame: &[u8]) -> bool {
        let number = number as u128;
        let numbered = self.packets.is_empty() || lies_in(&self.packets, number);
        if !numbered || self.has.is_empty() && self.fields.is_empty() {
            return numbered;
        }
        let found = Captured::of(frame);
        let mut names = found.headers().iter().map(|header| header.protocol.name);
        if !self.has.is_empty() && !names.any(|name| self.has.contains(&name)) {
            return false;
        }
        self.fields.iter().all(|field| {
            let value = found.find(&field.name).and_then(|n| found.read(n, field.field));
            value.is_some_and(|value| lies_in(&field.ranges, value))
        })
    }
}

fn lies_in(ranges: &[(u128, u128)], value: u128) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&value))
}
