//! What a tester and a sink say to each other, over the sink's UDP port.
//!
//! - **Reply**: to each datagram with a tag that reached the sink's socket: what the tap and the socket
//!   saw of its try so far. No longer than the tag, so never longer than what it answers.
//! - **Query** and **answer**: what was seen of some tries, also of those that never reached a socket.
//!   A query is padded to the length of its answer: whoever sends one in another's name gains nothing.
//!
//! All numbers are in network byte order.

use super::table::Record;

/// Bytes of a reply.
pub const REPLY_LEN: usize = 32;
/// Tries of a query at most.
pub const MAX_ENTRIES: usize = 16;
/// Offsets of a query at most.
pub const MAX_OFFSETS: usize = 64;

const REPLY: [u8; 4] = *b"WSFR";
const QUERY: [u8; 4] = *b"WSFQ";
const ANSWER: [u8; 4] = *b"WSFA";
/// Bytes of a query or an answer before its entries.
const HEAD: usize = 24;
/// Bytes of a query's entry: try, identification.
const ASKED: usize = 8;
/// Bytes of an answer's entry.
const TOLD: usize = 28;
/// The sink has a tap.
const TAP: u8 = 1;

/// What a sink says at once of a datagram that reached its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The study.
    pub study: u32,
    /// The try.
    pub seq: u32,
    /// Which packet of a burst it was; else 0.
    pub index: u8,
    /// What was seen of the try so far.
    pub record: Record,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The study.
    pub study: u32,
    /// Comes back in the answer.
    pub nonce: u32,
    /// First bytes of the fragments of these tries, in the order of their bits: fragments without
    /// room for a tag are known by them.
    pub offsets: Vec<u16>,
    /// Try and identification.
    pub entries: Vec<(u32, u32)>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The study.
    pub study: u32,
    /// The question's.
    pub nonce: u32,
    /// The sink sees raw packets.
    pub tap: bool,
    /// Packets that the sink's own sockets had no room for, since it began.
    pub dropped: u32,
    /// The tries that were asked for.
    pub entries: Vec<(u32, Record)>,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

impl Reply {
    /// Its bytes.
    pub fn bytes(&self) -> [u8; REPLY_LEN] {
        let mut bytes = [0; REPLY_LEN];
        bytes[..4].copy_from_slice(&REPLY);
        bytes[4..8].copy_from_slice(&self.study.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.seq.to_be_bytes());
        bytes[12] = self.index;
        bytes[14..16].copy_from_slice(&self.record.largest.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.record.tap.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.record.socket.to_be_bytes());
        bytes
    }

    /// Reads one; None where it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REPLY_LEN] = bytes.first_chunk().filter(|b| b[..4] == REPLY)?;
        let record = Record {
            tap: long(bytes, 16)?,
            socket: long(bytes, 24)?,
            largest: half(bytes, 14)?,
            copies: 0,
        };
        Some(Self { study: word(bytes, 4)?, seq: word(bytes, 8)?, index: bytes[12], record })
    }
}

impl Query {
    /// Its bytes, as long as the answer at least.
    ///
    /// # Panics
    /// With more than [`MAX_OFFSETS`] or [`MAX_ENTRIES`].
    pub fn bytes(&self) -> Vec<u8> {
        assert!(self.offsets.len() <= MAX_OFFSETS && self.entries.len() <= MAX_ENTRIES);
        let mut bytes = head(QUERY, self.study, self.nonce, self.entries.len(), 0);
        bytes[13] = self.offsets.len() as u8;
        for offset in &self.offsets {
            bytes.extend(offset.to_be_bytes());
        }
        for (seq, id) in &self.entries {
            bytes.extend(seq.to_be_bytes());
            bytes.extend(id.to_be_bytes());
        }
        bytes.resize(bytes.len().max(answer_len(self.entries.len())), 0);
        bytes
    }

    /// Reads one; None where it is none, or shorter than its answer would be.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (count, offsets) = (usize::from(*bytes.get(12)?), usize::from(*bytes.get(13)?));
        let sound = bytes[..4] == QUERY
            && count <= MAX_ENTRIES
            && offsets <= MAX_OFFSETS
            && bytes.len() >= answer_len(count)
            && bytes.len() >= HEAD + 2 * offsets + ASKED * count;
        if !sound {
            return None;
        }
        let entries = HEAD + 2 * offsets;
        Some(Self {
            study: word(bytes, 4)?,
            nonce: word(bytes, 8)?,
            offsets: (0..offsets).map(|n| half(bytes, HEAD + 2 * n)).collect::<Option<_>>()?,
            entries: (0..count)
                .map(|n| entries + ASKED * n)
                .map(|at| Some((word(bytes, at)?, word(bytes, at + 4)?)))
                .collect::<Option<_>>()?,
        })
    }
}

fn head(magic: [u8; 4], study: u32, nonce: u32, count: usize, flags: u8) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(study.to_be_bytes());
    bytes.extend(nonce.to_be_bytes());
    bytes.extend([count as u8, flags]);
    bytes.resize(HEAD, 0);
    bytes
}

fn answer_len(count: usize) -> usize {
    HEAD + TOLD * count
}

impl Answer {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let flags = if self.tap { TAP } else { 0 };
        let mut bytes = head(ANSWER, self.study, self.nonce, self.entries.len(), flags);
        bytes[16..20].copy_from_slice(&self.dropped.to_be_bytes());
        for (seq, record) in &self.entries {
            bytes.extend(seq.to_be_bytes());
            bytes.extend(record.tap.to_be_bytes());
            bytes.extend(record.socket.to_be_bytes());
            bytes.extend(record.largest.to_be_bytes());
            bytes.extend(record.copies.to_be_bytes());
            bytes.extend([0; 4]);
        }
        bytes
    }

    /// Reads one; None where it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let count = usize::from(*bytes.get(12)?);
        if bytes[..4] != ANSWER || bytes.len() < answer_len(count) {
            return None;
        }
        let entry = |n: usize| {
            let at = HEAD + TOLD * n;
            let record = Record {
                tap: long(bytes, at + 4)?,
                socket: long(bytes, at + 12)?,
                largest: half(bytes, at + 20)?,
                copies: half(bytes, at + 22)?,
            };
            Some((word(bytes, at)?, record))
        };
        Some(Self {
            study: word(bytes, 4)?,
            nonce: word(bytes, 8)?,
            tap: bytes[13] & TAP != 0,
            dropped: word(bytes, 16)?,
            entries: (0..count).map(entry).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_record()(tap: u64, socket: u64, largest: u16, copies: u16) -> Record {
            Record { tap, socket, largest, copies }
        }
    }

    proptest! {
        #[test]
        fn all_read_what_they_write(
            study: u32, nonce: u32, index: u8, dropped: u32, tap: bool,
            offsets in proptest::collection::vec(any::<u16>(), 0..=MAX_OFFSETS),
            asked in proptest::collection::vec(any::<(u32, u32)>(), 0..=MAX_ENTRIES),
            told in proptest::collection::vec((any::<u32>(), any_record()), 0..=MAX_ENTRIES),
        ) {
            let query = Query { study, nonce, offsets, entries: asked };
            prop_assert_eq!(Query::parse(&query.bytes()), Some(query));
            let answer = Answer { study, nonce, tap, dropped, entries: told };
            prop_assert_eq!(Answer::parse(&answer.bytes()), Some(answer.clone()));
            if let Some((seq, record)) = answer.entries.first() {
                let record = Record { copies: 0, ..*record };
                let reply = Reply { study, seq: *seq, index, record };
                prop_assert_eq!(Reply::parse(&reply.bytes()), Some(reply));
            }
        }

        #[test]
        fn no_answer_is_longer_than_its_query(bytes: Vec<u8>, count in 0u8..20, offsets in 0u8..70) {
            let mut query = [&QUERY[..], &[0; 8], &[count, offsets], &bytes].concat();
            query.resize(query.len() + 200, 0);
            if let Some(query_read) = Query::parse(&query) {
                prop_assert!(answer_len(query_read.entries.len()) <= query.len());
            }
            let _ = (Query::parse(&bytes), Answer::parse(&bytes), Reply::parse(&bytes));
        }
    }

    #[test]
    fn a_reply_is_no_longer_than_a_tag() {
        const { assert!(REPLY_LEN <= crate::study::tag::LEN) };
    }
}
