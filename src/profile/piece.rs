//! Fragments of a datagram, each a stream of its own.

use std::ops::Range;
use std::sync::Arc;

use crate::pace::Sequence;
use crate::packet::random;

/// A fragment: what it has of its datagram, and where it stands among the others.
///
/// The pieces of a datagram are consecutive streams of the profile, which differ in nothing else
/// (but for the fields that make a fragment, and the frame size). Packet i of each is a piece of
/// datagram i.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Position of the group's first stream in the profile.
    pub group: usize,
    /// Position among the group's streams.
    pub position: usize,
    /// First byte of the fragmentable part that it has; a multiple of 8.
    pub offset: usize,
    /// Bytes of data. What lies behind the datagram's end is zeros.
    pub len: usize,
    /// The more-fragments flag.
    pub more: bool,
    /// Its data is the datagram's, every bit inverted: an overlap with other bytes.
    pub other: bool,
    /// Where in its data its probe tag stands; None: it has no room for one.
    pub tag_at: Option<usize>,
    /// The datagram.
    pub datagram: Arc<Datagram>,
}

/// What the pieces of a datagram share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Bytes of the frame before it is cut, without FCS; the fragment header is part of it.
    pub frame_len: usize,
    /// Headers that every piece repeats: up to IPv4's, or up to the fragment header.
    pub repeated: usize,
    /// First bytes of probe tags in the fragmentable part, the ones of all pieces. Each lies in one
    /// piece alone.
    pub tags: Vec<usize>,
    /// The pieces, by their positions in the group, in the order in which they are sent; some may
    /// come several times.
    pub steps: Box<[u16]>,
    /// Nanoseconds between two pieces.
    pub gap: u64,
    /// Each datagram has an order of its own.
    pub shuffled: bool,
}

/// Which pieces of a datagram a receiver needs before it has all of it: every byte up to the end of
/// a piece without the more-fragments flag (RFC 791 §3.2, RFC 8200 §4.5). What a receiver refuses
/// all the same, as overlaps (RFC 5722), is its own matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// All pieces together are not enough.
    Never,
    /// These, by their positions: with them it has all, without one of them it has not.
    These(Vec<usize>),
    /// One of several, as some pieces can stand in for others.
    Unclear,
}

impl Needed {
    /// Of the pieces that are sent of a datagram.
    pub fn of(pieces: &[&Piece]) -> Self {
        let last = |piece: &&&Piece| !piece.more;
        let Some(end) = pieces.iter().filter(last).map(|piece| piece.offset + piece.len).max()
        else {
            return Self::Never;
        };
        let range = |n: usize| {
            let Piece { offset, len, .. } = pieces[n];
            (*offset).min(end)..(offset + len).min(end)
        };
        let all = || 0..pieces.len();
        if !covers(all().map(range), &(0..end)) {
            return Self::Never;
        }
        let lasts = pieces.iter().filter(last).count();
        let needed = all().filter(|&n| {
            let others = all().filter(|&other| other != n).map(range);
            lasts == 1 && !pieces[n].more || !covers(others, &range(n))
        });
        let needed: Vec<usize> = needed.collect();
        let enough = needed.iter().any(|&n| !pieces[n].more)
            && covers(needed.iter().map(|&n| range(n)), &(0..end));
        if enough { Self::These(needed) } else { Self::Unclear }
    }
}

/// Whether `parts` together have all of `whole`.
fn covers(parts: impl Iterator<Item = Range<usize>>, whole: &Range<usize>) -> bool {
    let mut parts: Vec<Range<usize>> = parts.collect();
    parts.sort_unstable_by_key(|part| part.start);
    let mut reached = whole.start;
    for part in parts {
        if part.start <= reached {
            reached = reached.max(part.end);
        }
    }
    reached >= whole.end
}

/// The field, among those of a stream, whose random sequence shuffles the pieces.
const SHUFFLE: u32 = u32::MAX - 1;

impl Piece {
    /// Whether it stands for its group, where all pieces are the same.
    pub fn is_first(&self) -> bool {
        self.position == 0
    }

    /// When the pieces of the datagram are sent, by the profile's seed.
    pub fn sequence(&self, seed: u64) -> Sequence {
        let datagram = &self.datagram;
        let key = || random::key(seed, self.group as u32, SHUFFLE);
        Sequence {
            steps: datagram.steps.clone(),
            gap: datagram.gap,
            shuffle: datagram.shuffled.then(key),
        }
    }

    /// How often it is sent with each datagram.
    pub fn copies(&self) -> u64 {
        let own = |step: &&u16| usize::from(**step) == self.position;
        self.datagram.steps.iter().filter(own).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(pieces: &[(usize, usize, bool)]) -> Needed {
        let datagram = Arc::new(Datagram {
            frame_len: 0,
            repeated: 0,
            tags: Vec::new(),
            steps: Box::default(),
            gap: 0,
            shuffled: false,
        });
        let piece = |(position, &(offset, len, more)): (usize, &(usize, usize, bool))| Piece {
            group: 0,
            position,
            offset,
            len,
            more,
            other: false,
            tag_at: None,
            datagram: datagram.clone(),
        };
        let pieces: Vec<Piece> = pieces.iter().enumerate().map(piece).collect();
        Needed::of(&pieces.iter().collect::<Vec<_>>())
    }

    #[test]
    fn every_piece_is_needed_that_has_bytes_of_its_own() {
        let these = |needed: &[usize]| Needed::These(needed.to_vec());
        assert_eq!(needed(&[(0, 512, true), (512, 500, false)]), these(&[0, 1]));
        // Overlaps, at one end and at both.
        assert_eq!(needed(&[(0, 512, true), (504, 508, false)]), these(&[0, 1]));
        assert_eq!(
            needed(&[(0, 512, true), (504, 520, true), (1016, 8, false)]),
            these(&[0, 1, 2])
        );
        // One that another holds.
        assert_eq!(needed(&[(0, 512, true), (256, 64, true), (512, 8, false)]), these(&[0, 2]));
        // An atomic one.
        assert_eq!(needed(&[(0, 100, false)]), these(&[0]));
        // A last one without bytes of its own still says where the datagram ends.
        assert_eq!(needed(&[(0, 16, true), (8, 8, false)]), these(&[0, 1]));
    }

    #[test]
    fn some_are_never_whole_and_some_in_two_ways() {
        assert_eq!(needed(&[(0, 512, true), (520, 8, false)]), Needed::Never);
        assert_eq!(needed(&[(0, 512, true)]), Needed::Never);
        assert_eq!(needed(&[]), Needed::Never);
        assert_eq!(needed(&[(0, 16, true), (0, 16, true), (16, 8, false)]), Needed::Unclear);
        // The middle one is held by the others together.
        let three = needed(&[(0, 16, true), (8, 16, true), (16, 16, false)]);
        assert_eq!(three, Needed::These(vec![0, 2]));
    }
}
