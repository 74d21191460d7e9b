//! Fragments of a datagram, each a stream of its own.

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

/// The field, among those of a stream, whose random sequence shuffles the pieces.
const SHUFFLE: u32 = u32::MAX - 1;

impl Piece {
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
