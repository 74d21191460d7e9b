//! TCP options that the translator looks at; it changes one of them, the MSS (RFC 9293 §3.7.1).

use std::ops::Range;

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

/// Blocks of a SACK option at most: 40 bytes of options hold 4.
const MAX_BLOCKS: usize = 4;

/// What the options of a segment say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum segment size, and where its two bytes are in the options.
    pub mss: Option<(u16, usize)>,
    /// SACK permitted (RFC 2018).
    pub sack_permitted: bool,
    /// Time stamp value and echo reply (RFC 7323).
    pub timestamps: Option<(u32, u32)>,
    blocks: [(u32, u32); MAX_BLOCKS],
    block_count: usize,
}

impl Options {
    /// Reads options; what is malformed ends them.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut options = Self::default();
        let mut at = 0;
        while let Some(&kind) = bytes.get(at) {
            match kind {
                END => break,
                NOP => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some(len) = bytes.get(at + 1).map(|len| usize::from(*len)) else { break };
            let Some(value) = bytes.get(at + 2..at + len) else { break };
            options.take(kind, value, at + 2..at + len);
            at += len;
        }
        options
    }

    fn take(&mut self, kind: u8, value: &[u8], place: Range<usize>) {
        match (kind, value) {
            (MSS, &[high, low]) => self.mss = Some((u16::from_be_bytes([high, low]), place.start)),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (TIMESTAMPS, value) if value.len() == 8 => {
                self.timestamps = Some((word(value), word(&value[4..])));
            }
            (SACK, value) if value.len().is_multiple_of(8) => {
                self.block_count = 0;
                for block in value.chunks_exact(8).take(MAX_BLOCKS) {
                    self.blocks[self.block_count] = (word(block), word(&block[4..]));
                    self.block_count += 1;
                }
            }
            _ => {}
        }
    }

    /// Blocks of a SACK option: left and right edge.
    pub fn sack(&self) -> &[(u32, u32)] {
        &self.blocks[..self.block_count]
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syn_of_linux() {
        let bytes = [2, 4, 0x05, 0xa0, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7];
        let options = Options::parse(&bytes);
        assert_eq!(options.mss, Some((1440, 2)));
        assert!(options.sack_permitted);
        assert_eq!(options.timestamps, Some((7, 0)));
        assert!(options.sack().is_empty());
    }

    #[test]
    fn blocks_of_a_selective_acknowledgment() {
        let mut bytes = vec![1, 1, 5, 18];
        for edge in [10u32, 20, 40, 50] {
            bytes.extend(edge.to_be_bytes());
        }
        assert_eq!(Options::parse(&bytes).sack(), [(10, 20), (40, 50)]);
    }

    #[test]
    fn what_is_malformed_ends_them() {
        for bytes in [&[2, 0][..], &[2], &[2, 1, 4, 2], &[8, 10, 1, 2], &[2, 4, 5], &[5, 7, 0, 0]] {
            assert_eq!(Options::parse(bytes), Options::default(), "{bytes:?}");
        }
        assert!(!Options::parse(&[0, 4, 2]).sack_permitted, "behind the end of the list");
    }
}
