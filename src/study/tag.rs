//! The tag of a study's packets. Every fragment that has room carries its own, so that the receiver
//! knows what it was although nothing was put together.
//!
//! | byte | what |
//! |---|---|
//! | 0 | `WSFT` |
//! | 4 | the study |
//! | 8 | the try |
//! | 12 | which fragment or packet of the try, from 0 |
//! | 13 | how many there are |
//! | 14 | flags: 1, the packets of a burst, each whole |
//! | 15 | 0 |
//! | 16 | offset in the datagram, in bytes |
//! | 18 | bytes of the fragment |
//! | 20 | identification |
//! | 24 | 0 |
//! | 28 | CRC32C of all that |

/// Bytes of a tag.
pub const LEN: usize = 32;

const MAGIC: [u8; 4] = *b"WSFT";
const BURST: u8 = 1;

/// What a tag says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// Tells studies apart.
    pub study: u32,
    /// The try.
    pub seq: u32,
    /// Which fragment or packet of the try.
    pub index: u8,
    /// How many there are.
    pub count: u8,
    /// Each packet of the try is whole.
    pub burst: bool,
    /// First byte in the datagram.
    pub offset: u16,
    /// Bytes of the fragment.
    pub len: u16,
    /// Identification of the datagram.
    pub id: u32,
}

impl Tag {
    /// Its bytes.
    pub fn bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.study.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.seq.to_be_bytes());
        bytes[12] = self.index;
        bytes[13] = self.count;
        bytes[14] = if self.burst { BURST } else { 0 };
        bytes[16..18].copy_from_slice(&self.offset.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.len.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.id.to_be_bytes());
        let check = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&check.to_be_bytes());
        bytes
    }

    /// The tag at the start of `bytes`; None where there is none, or a broken one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.first_chunk()?;
        let word = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|n| bytes[at + n]));
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        if bytes[..4] != MAGIC || word(28) != crc32c::crc32c(&bytes[..28]) {
            return None;
        }
        Some(Self {
            study: word(4),
            seq: word(8),
            index: bytes[12],
            count: bytes[13],
            burst: bytes[14] & BURST != 0,
            offset: half(16),
            len: half(18),
            id: word(20),
        })
    }

    /// The first tag in `bytes`, wherever it stands: a header of unknown length may come first, or a
    /// fragment without room for one.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let last = bytes.len().checked_sub(LEN)?;
        (0..=last).find_map(
            |at| {
                if bytes[at] == MAGIC[0] { Self::parse(&bytes[at..]) } else { None }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_tag()(
            study: u32, seq: u32, index: u8, count: u8, burst: bool, offset: u16, len: u16, id: u32,
        ) -> Tag {
            Tag { study, seq, index, count, burst, offset, len, id }
        }
    }

    proptest! {
        #[test]
        fn found_where_it_stands(tag in any_tag(), before: Vec<u8>, after: Vec<u8>) {
            let bytes = [&before[..], &tag.bytes(), &after].concat();
            prop_assert_eq!(Tag::find(&bytes), Some(tag));
        }

        #[test]
        fn a_broken_one_is_none(tag in any_tag(), bit in 0usize..LEN * 8) {
            let mut bytes = tag.bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Tag::parse(&bytes), None);
            prop_assert_eq!(Tag::parse(&tag.bytes()[1..]), None);
        }
    }
}
