//! Where data is cut: a server's segment into segments that fit, a segment into fragments that
//! every receiver may reassemble.
//!
//! ```text
//! what the server sent   | TCP header | ................ data ................ |
//! segments               | TCP header | <= segment |   | TCP header | <= segment |
//! fragments of each      | TCP header | <= 944 |  | rest |
//!                        '-- a multiple of 8 --'
//! ```
//!
//! Every fragment but the last is a multiple of 8 bytes, or the receiver discards the datagram (RFC
//! 8200 §4.5, RFC 791), and the first holds the whole TCP header and data behind it (RFC 7112, RFC
//! 1858). Headers are of 20 to 60 bytes, so what the first fragment has of the data depends on the
//! header.

use std::ops::Range;

use crate::frontend::serve::fragment::{Cutting, Shape};
use crate::profile::fragments::Order;
use crate::units::Nanos;

/// Data of a segment at most, bytes: the seed's. With the longest header that is usual, 32 bytes, an
/// IPv6 packet of it fits 1280, the least MTU of IPv6.
pub const SEGMENT: usize = 1200;

/// Data in the first fragment at most, bytes: the seed's.
const FIRST: usize = 944;

/// Data of up to so many bytes goes out whole, as the seed has it.
pub const WHOLE_UP_TO: usize = 16;

/// Lengths of TCP headers, in words of 4 bytes.
const HEADER_WORDS: usize = 16;

/// How segments are cut into fragments: a shape for each length of the header.
#[derive(Clone, Debug)]
pub struct Fragmenting {
    shapes: Vec<Shape>,
}

impl Fragmenting {
    /// As `cutting` says, whatever the header; `None`: the seed's sizes, made legal.
    pub fn new(cutting: Option<Cutting>, order: Order, gap: Nanos) -> Self {
        let of_words = |words: usize| {
            let legal = || Cutting::sizes([first_piece(words * 4)]);
            Shape { cutting: cutting.clone().unwrap_or_else(legal), order: order.clone(), gap }
        };
        Self { shapes: (0..HEADER_WORDS).map(of_words).collect() }
    }

    /// The shape of what goes out whole.
    pub fn none() -> &'static Shape {
        static NONE: Shape = Shape { cutting: Cutting::None, order: Order::In, gap: Nanos(0) };
        &NONE
    }

    /// The shape for segments with a TCP header of `header` bytes.
    pub fn shape(&self, header: usize) -> &Shape {
        &self.shapes[(header / 4).min(HEADER_WORDS - 1)]
    }
}

/// Header and data in the first fragment: at most [`FIRST`] bytes of data, and a multiple of 8. The
/// seed sends 944 whatever the header, which receivers must discard when it is of 20 or 28 bytes.
pub fn first_piece(header: usize) -> usize {
    (header + FIRST) / 8 * 8
}

/// The parts that `data` bytes are sent in, of at most `most` bytes each; one where there is no
/// data.
pub fn segments(data: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let most = most.max(1);
    (0..data.div_ceil(most).max(1)).map(move |n| n * most..data.min((n + 1) * most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_sizes_are_made_legal() {
        for (header, first) in [(20, 940), (24, 944), (28, 940), (32, 944), (60, 940)] {
            assert_eq!(first_piece(header) - header, first);
            assert_eq!(first_piece(header) % 8, 0);
            let fragmenting = Fragmenting::new(None, Order::In, Nanos(0));
            assert_eq!(fragmenting.shape(header).cutting, Cutting::sizes([header + first]));
        }
    }

    #[test]
    fn no_data_is_one_part() {
        assert!(segments(0, 1200).eq(std::iter::once(0..0)));
        assert_eq!(segments(2500, 1200).collect::<Vec<_>>(), [0..1200, 1200..2400, 2400..2500]);
    }

    proptest! {
        #[test]
        fn segments_cover_the_data(data in 1usize..70_000, most in 0usize..2000) {
            let mut at = 0;
            for range in segments(data, most) {
                prop_assert!(range.start == at && range.len() <= most.max(1));
                prop_assert!(!range.is_empty());
                at = range.end;
            }
            prop_assert_eq!(at, data);
        }
    }
}
