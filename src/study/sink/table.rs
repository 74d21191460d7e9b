//! What a sink remembers: a bounded number of tries, the oldest forgotten first.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;

use super::wire::Query;
use crate::study::tag::Tag;

/// Tries, and datagrams whose fragments have no tag, that are remembered at most, of each.
pub const CAPACITY: usize = 1 << 16;
/// Fragments of a datagram without tags that are remembered at most.
const MAX_UNTAGGED: usize = 64;

/// What was seen of a try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Fragments or packets that the tap saw: a bit each.
    pub tap: u64,
    /// Packets that reached a socket: a bit each; of a datagram in fragments the first bit.
    pub socket: u64,
    /// The longest fragment, as an IP packet, that a datagram was put together from; 0: it came whole.
    pub largest: u16,
    /// Frames that the tap saw, duplicates included.
    pub copies: u16,
}

/// The memory.
#[derive(Debug)]
pub struct Table {
    tries: Bounded<(IpAddr, u32, u32), Record>,
    untagged: Bounded<(IpAddr, u32), Vec<u16>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Table {
    /// A memory of so many tries.
    pub fn new(capacity: usize) -> Self {
        Self { tries: Bounded::new(capacity), untagged: Bounded::new(capacity) }
    }

    /// The tap saw a packet with a tag.
    pub fn tapped(&mut self, from: IpAddr, tag: &Tag) {
        let record = self.tries.entry((from, tag.study, tag.seq));
        record.tap |= bit(tag.index);
        record.copies = record.copies.saturating_add(1);
    }

    /// The tap saw a fragment without a tag.
    pub fn tapped_untagged(&mut self, from: IpAddr, id: u32, offset: u16) {
        let offsets = self.untagged.entry((from, id));
        if offsets.len() < MAX_UNTAGGED {
            offsets.push(offset);
        }
    }

    /// A socket was given a datagram, whose longest fragment was so long. What is known of its try
    /// now.
    pub fn delivered(&mut self, from: IpAddr, tag: &Tag, largest: u16) -> Record {
        let untagged = self.untagged.get(&(from, tag.id)).map_or(0, Vec::len);
        let record = self.tries.entry((from, tag.study, tag.seq));
        record.socket |= if tag.burst { bit(tag.index) } else { 1 };
        record.largest = record.largest.max(largest);
        let copies = record.copies.saturating_add(untagged as u16);
        Record { copies, ..*record }
    }

    /// What is known of the tries of a question.
    pub fn look_up(&self, from: IpAddr, query: &Query) -> Vec<(u32, Record)> {
        let one = |&(seq, id): &(u32, u32)| {
            let tried = self.tries.get(&(from, query.study, seq));
            let mut record = tried.copied().unwrap_or_default();
            for offset in self.untagged.get(&(from, id)).into_iter().flatten() {
                if let Some(index) = query.offsets.iter().position(|known| known == offset) {
                    record.tap |= bit(index as u8);
                    record.copies = record.copies.saturating_add(1);
                }
            }
            (seq, record)
        };
        query.entries.iter().map(one).collect()
    }

    /// How many tries are remembered.
    pub fn len(&self) -> usize {
        self.tries.values.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.tries.values.is_empty() && self.untagged.values.is_empty()
    }
}

fn bit(index: u8) -> u64 {
    1_u64.checked_shl(index.into()).unwrap_or(0)
}

/// A map that forgets its oldest entry for a new one.
#[derive(Debug)]
struct Bounded<K, V> {
    capacity: usize,
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Copy, V: Default> Bounded<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, values: HashMap::new(), order: VecDeque::new() }
    }

    fn entry(&mut self, key: K) -> &mut V {
        if !self.values.contains_key(&key) {
            if self.order.len() >= self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
            self.order.push_back(key);
        }
        self.values.entry(key).or_default()
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 18, 0, 2));

    fn tag(seq: u32, index: u8) -> Tag {
        Tag { study: 7, seq, index, count: 3, id: seq + 100, ..Tag::default() }
    }

    #[test]
    fn both_views_of_a_try() {
        let mut table = Table::default();
        table.tapped(FROM, &tag(1, 0));
        table.tapped(FROM, &tag(1, 2));
        table.tapped(FROM, &tag(1, 2));
        // The second has no room for a tag.
        table.tapped_untagged(FROM, 101, 8);
        let query = Query {
            study: 7,
            nonce: 0,
            offsets: vec![0, 8, 16],
            entries: vec![(1, 101), (2, 102)],
        };
        let seen = table.look_up(FROM, &query);
        assert_eq!(seen[0], (1, Record { tap: 7, socket: 0, largest: 0, copies: 4 }));
        assert_eq!(seen[1], (2, Record::default()));
        let told = table.delivered(FROM, &tag(1, 2), 500);
        assert_eq!((told.socket, told.largest, told.copies), (1, 500, 4));
        let burst = Tag { burst: true, ..tag(3, 2) };
        assert_eq!(table.delivered(FROM, &burst, 0).socket, 4);
        let elsewhere = IpAddr::from([198, 18, 0, 9]);
        assert_eq!(table.look_up(elsewhere, &query)[0].1, Record::default());
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut table = Table::new(10);
        for seq in 0..1_000 {
            table.tapped(FROM, &tag(seq, 0));
            for _ in 0..200 {
                table.tapped_untagged(FROM, seq, 8);
            }
        }
        assert_eq!(table.len(), 10);
        assert_eq!(table.untagged.values.len(), 10);
        assert!(table.untagged.values.values().all(|offsets| offsets.len() <= MAX_UNTAGGED));
        // An index that has no bit is no panic.
        table.tapped(FROM, &tag(1, 200));
    }
}
