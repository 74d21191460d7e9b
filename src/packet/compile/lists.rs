//! The values of all lists of a stream in one array.

use std::ops::Range;
use std::sync::Arc;

/// Lists, one behind the other; equal lists are kept once.
#[derive(Default)]
pub(super) struct Lists {
    values: Vec<u64>,
    ranges: Vec<Range<usize>>,
}

impl Lists {
    /// Position of the first value of `list`.
    pub(super) fn add(&mut self, list: &[u64]) -> u64 {
        let same = self.ranges.iter().find(|range| &self.values[(*range).clone()] == list);
        let start = same.map_or(self.values.len(), |range| range.start);
        if same.is_none() {
            self.values.extend(list);
            self.ranges.push(start..self.values.len());
        }
        start as u64
    }

    /// The `len` values from `start` on.
    pub(super) fn values(&self, start: u64, len: u64) -> &[u64] {
        self.values.get(start as usize..(start + len) as usize).unwrap_or(&[])
    }
}

impl From<Lists> for Arc<[u64]> {
    fn from(lists: Lists) -> Self {
        lists.values.into()
    }
}
