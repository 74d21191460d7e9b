//! How a stream's datagrams are cut into fragments, each of which becomes a stream of its own.
//!
//! | file | what it decides |
//! |---|---|
//! | `prefix` | which headers every piece repeats, and where a fragment header goes |
//! | `cut` | what each piece has of the datagram, and where its tag stands |
//! | `identify` | which identifications each stream's datagrams have |
//! | `options` | what later pieces have of an IPv4 header's options |
//! | `expand` | the streams that a stream becomes |

pub(crate) mod cut;
mod expand;
mod identify;
mod options;
mod prefix;

pub use cut::Part;
pub(in crate::profile) use expand::expand;
pub(crate) use identify::is_atomic;
pub use prefix::Meant;

use crate::profile::model::Header;
use crate::units::{FCS_BYTES, FrameSize, Nanos};
use prefix::Prefix;

/// Pieces of a datagram at most.
pub const MAX_PIECES: usize = 256;
/// Pieces sent of a datagram at most, duplicates included.
pub const MAX_STEPS: usize = 1024;

/// How a stream's datagrams are cut and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragments {
    /// Where the cuts are.
    pub cut: Cut,
    /// The IP header that is fragmented; None: the first.
    pub header: Option<Meant>,
    /// Bytes of the first piece, where it is not as long as the others.
    pub first: Option<usize>,
    /// Bytes by which every piece but the first begins earlier.
    pub overlap: usize,
    /// In which order the pieces are sent.
    pub order: Order,
    /// Time between two pieces.
    pub gap: Nanos,
    /// Pieces, from 1, that are sent twice.
    pub duplicate: Vec<usize>,
    /// Pieces, from 1, that are not sent.
    pub omit: Vec<usize>,
    /// The identification; None: the header's own, else a counter.
    pub id: Option<Identification>,
}

/// Where the cuts are. Sizes are bytes of the fragmentable part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// So many pieces, as equal as multiples of 8 allow. One is an atomic fragment.
    Count(usize),
    /// Pieces whose IP packets are at most so long.
    Mtu(usize),
    /// Pieces of these sizes; the last repeats until the datagram ends.
    Sizes(Vec<usize>),
    /// These pieces.
    Pieces(Vec<PieceSpec>),
}

/// A piece, spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceSpec {
    /// First byte of the fragmentable part.
    pub offset: usize,
    /// Bytes.
    pub length: usize,
    /// More fragments; None: unless it reaches the datagram's end.
    pub more: Option<bool>,
    /// Other bytes than the datagram's.
    pub other: bool,
}

/// In which order the pieces of a datagram are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they stand in it.
    In,
    /// From the last to the first.
    Reversed,
    /// Another one for each datagram.
    Shuffled,
    /// The last, then the others as they stand.
    LastFirst,
    /// These, from 1; a piece may come several times, or not at all.
    List(Vec<usize>),
}

impl Order {
    /// The pieces, from 0, as they are sent of a datagram in so many pieces. Those that are shuffled
    /// are so by who sends them.
    pub(crate) fn sequence(&self, pieces: usize) -> Vec<usize> {
        let all = 0..pieces;
        match self {
            Self::In | Self::Shuffled => all.collect(),
            Self::Reversed => all.rev().collect(),
            Self::LastFirst => {
                let last = pieces.saturating_sub(1);
                (last..pieces).chain(0..last).collect()
            }
            Self::List(list) => list.iter().map(|n| n - 1).collect(),
        }
    }
}

/// The identification of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identification {
    /// The datagram's number, in steps that keep streams between the same addresses apart.
    Counter,
    /// The datagram's number plus this, whatever other streams have.
    From(u32),
    /// Unpredictable (RFC 7739 §5.3).
    Random,
    /// The same for all.
    Fixed(u32),
    /// So many values in turn.
    Reuse(u64),
}

/// A datagram laid out in its fragments, apart from any stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The fragments.
    pub parts: Vec<Part>,
    /// Where in each its tag stands, in a place that no other has; None: there is no room.
    pub tags: Vec<Option<usize>>,
    /// Positions in `parts`, in the order in which they are sent.
    pub steps: Vec<usize>,
}

impl Fragments {
    /// Lays out `len` bytes, the first `headers` of them headers, with tags of `tag_len` bytes;
    /// `ip_header` bytes stand before each fragment's data.
    ///
    /// # Errors
    /// Why they cannot be cut so.
    pub fn layout(
        &self,
        len: usize,
        headers: usize,
        ip_header: usize,
        tag_len: usize,
    ) -> Result<Layout, String> {
        let whole = cut::Whole { len, headers, ip_header };
        let told = |refusal: cut::Refusal| {
            format!("fragments.{}: {}; expected {}", refusal.key, refusal.found, refusal.expected)
        };
        let parts = cut::parts(self, whole).map_err(told)?;
        let tags = cut::tags(&parts, whole, tag_len);
        let steps = expand::steps(self, parts.len()).map_err(told)?;
        Ok(Layout { parts, tags, steps })
    }

    /// Whether every stream counts its datagrams apart from the others between its addresses.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.id, None | Some(Identification::Counter))
    }

    /// A cut, and defaults.
    pub fn new(cut: Cut) -> Self {
        Self {
            cut,
            header: None,
            first: None,
            overlap: 0,
            order: Order::In,
            gap: Nanos(0),
            duplicate: Vec::new(),
            omit: Vec::new(),
            id: None,
        }
    }

    /// The frame of a stream that sets none, where the pieces tell how long the datagram is.
    pub fn size_of(&self, headers: &[Header]) -> Option<FrameSize> {
        let bytes = match &self.cut {
            Cut::Sizes(sizes) => sizes.iter().sum(),
            Cut::Pieces(pieces) => pieces.iter().map(|piece| piece.offset + piece.length).max()?,
            Cut::Count(_) | Cut::Mtu(_) => return None,
        };
        let prefix = Prefix::find(headers, self.header)?;
        let len = headers[..prefix.count].iter().map(Header::len).sum::<usize>() + bytes;
        u32::try_from(len).ok().map(|len| FrameSize(len + FCS_BYTES))
    }
}
