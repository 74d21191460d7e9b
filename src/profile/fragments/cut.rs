//! What each piece has of the datagram, and where its tag stands.

use super::{Cut, Fragments, MAX_PIECES};

/// What is cut. All in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    /// Of the fragmentable part.
    pub len: usize,
    /// Of the headers in the fragmentable part: no tag stands before their end.
    pub headers: usize,
    /// Of an IP packet before its data, in every piece.
    pub ip_header: usize,
}

/// A piece, laid out: a part of the datagram, in bytes of the fragmentable part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// First byte.
    pub offset: usize,
    /// Bytes.
    pub len: usize,
    /// The more-fragments flag.
    pub more: bool,
    /// Other bytes than the datagram's.
    pub other: bool,
}

/// A cut that cannot be made: the key it is about, what was found, what is expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub key: &'static str,
    pub found: String,
    pub expected: String,
}

fn refuse<T>(
    key: &'static str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal { key, found: found.into(), expected: expected.into() })
}

/// The pieces in the order of their offsets, or, where they are spelled out, as they stand.
pub(crate) fn parts(fragments: &Fragments, whole: Whole) -> Result<Vec<Part>, Refusal> {
    let sizes = match &fragments.cut {
        Cut::Pieces(pieces) => {
            if let Some(odd) = pieces.iter().find(|piece| piece.offset % 8 != 0) {
                let found = format!("an offset of {}", odd.offset);
                return refuse("pieces", found, "a multiple of 8: the field counts in eights");
            }
            let part = |piece: &super::PieceSpec| Part {
                offset: piece.offset,
                len: piece.length,
                more: piece.more.unwrap_or(piece.offset + piece.length < whole.len),
                other: piece.other,
            };
            return Ok(pieces.iter().map(part).collect());
        }
        Cut::Count(count) => equal(*count, fragments.first, whole)?,
        Cut::Mtu(mtu) => by_mtu(*mtu, fragments.first, whole)?,
        Cut::Sizes(sizes) => by_list(sizes, whole)?,
    };
    if sizes.len() > MAX_PIECES {
        let found = format!("{} pieces", sizes.len());
        return refuse("", found, format!("at most {MAX_PIECES}"));
    }
    if !fragments.overlap.is_multiple_of(8) {
        let found = fragments.overlap.to_string();
        return refuse("overlap", found, "a multiple of 8: offsets count in eights");
    }
    let mut parts = Vec::with_capacity(sizes.len());
    let mut end = 0usize;
    for size in sizes {
        let offset = if end == 0 { 0 } else { end.saturating_sub(fragments.overlap) };
        end += size;
        let more = end < whole.len;
        parts.push(Part { offset, len: end - offset, more, other: false });
    }
    Ok(parts)
}

/// `first`, as far as it is there and a multiple of 8, before what is left.
fn first_of(first: Option<usize>, whole: Whole) -> Result<(Vec<usize>, usize), Refusal> {
    match first {
        None => Ok((Vec::new(), whole.len)),
        Some(first) if first % 8 != 0 => refuse("first", first.to_string(), MULTIPLE),
        Some(first) if first >= whole.len => {
            let expected = format!("less than the {} bytes that are cut", whole.len);
            refuse("first", first.to_string(), expected)
        }
        Some(first) => Ok((vec![first], whole.len - first)),
    }
}

const MULTIPLE: &str =
    "a multiple of 8, as RFC 8200 §4.5 has it; on purpose otherwise with `pieces`";

fn equal(count: usize, first: Option<usize>, whole: Whole) -> Result<Vec<usize>, Refusal> {
    let (mut sizes, mut left) = first_of(first, whole)?;
    let others = count - sizes.len();
    if others == 0 {
        return refuse("first", "it with one piece", "two pieces or more");
    }
    let each = left.div_ceil(others).next_multiple_of(8);
    for _ in 1..others {
        if left <= each {
            let found = format!("{count} pieces of {} bytes", whole.len);
            let expected =
                "fewer pieces, or a longer datagram: all but the last are multiples of 8";
            return refuse("", found, expected);
        }
        sizes.push(each);
        left -= each;
    }
    sizes.push(left);
    Ok(sizes)
}

fn by_mtu(mtu: usize, first: Option<usize>, whole: Whole) -> Result<Vec<usize>, Refusal> {
    let room = mtu.saturating_sub(whole.ip_header);
    let (mut sizes, mut left) = first_of(first, whole)?;
    let each = room / 8 * 8;
    if each == 0 {
        let expected = format!(
            "at least {}: {} bytes of headers in every piece, and 8 of data",
            whole.ip_header + 8,
            whole.ip_header
        );
        return refuse("mtu", mtu.to_string(), expected);
    }
    while left > room {
        sizes.push(each);
        left -= each;
    }
    sizes.push(left);
    Ok(sizes)
}

fn by_list(list: &[usize], whole: Whole) -> Result<Vec<usize>, Refusal> {
    let mut sizes = Vec::new();
    let mut left = whole.len;
    let repeated = list.iter().chain(list.last().into_iter().cycle());
    for (n, &size) in repeated.enumerate() {
        if left <= size {
            break;
        }
        if size % 8 != 0 {
            return refuse("sizes", size.to_string(), MULTIPLE);
        }
        if n > MAX_PIECES {
            break;
        }
        sizes.push(size);
        left -= size;
    }
    sizes.push(left);
    if sizes.len() < list.len() {
        let found = format!("{} bytes in {} sizes", list.iter().sum::<usize>(), list.len());
        let expected = format!("at most the {} bytes that are cut", whole.len);
        return refuse("sizes", found, expected);
    }
    Ok(sizes)
}

/// Where in each piece its tag stands: behind all headers, and in no other piece, so that whatever a
/// receiver keeps of an overlap, the datagram's checksum is right. Other bytes on purpose are right
/// nowhere: their tag stands first.
pub(super) fn tags(parts: &[Part], whole: Whole, tag_len: usize) -> Vec<Option<usize>> {
    let place = |n: usize, part: &Part| {
        if part.other {
            return (part.len >= tag_len).then_some(0);
        }
        let end = part.offset + part.len;
        let mut at = part.offset.max(whole.headers);
        loop {
            if at + tag_len > end.min(whole.len) {
                return None;
            }
            let touches =
                |other: &&Part| other.offset < at + tag_len && at < other.offset + other.len;
            let others = parts.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, part)| part);
            match others.clone().find(touches) {
                None => return Some(at - part.offset),
                // Offsets are even, and so is the next place behind an odd end.
                Some(other) => at = (other.offset + other.len).next_multiple_of(2),
            }
        }
    };
    parts.iter().enumerate().map(|(n, part)| place(n, part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fragments::PieceSpec;
    use proptest::prelude::*;

    const WHOLE: Whole = Whole { len: 1508, headers: 8, ip_header: 48 };

    fn lens(cut: Cut) -> Vec<usize> {
        let parts = parts(&Fragments::new(cut), WHOLE).unwrap();
        parts.iter().map(|part| part.len).collect()
    }

    #[test]
    fn pieces_are_multiples_of_8_but_the_last() {
        assert_eq!(lens(Cut::Count(3)), [504, 504, 500]);
        assert_eq!(lens(Cut::Count(1)), [1508]);
        assert_eq!(lens(Cut::Mtu(1280)), [1232, 276]);
        assert_eq!(lens(Cut::Sizes(vec![136, 512])), [136, 512, 512, 348]);
        let first = Fragments { first: Some(8), ..Fragments::new(Cut::Count(2)) };
        let parts = parts(&first, WHOLE).unwrap();
        assert_eq!(parts.iter().map(|part| part.len).collect::<Vec<_>>(), [8, 1500]);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let refused = |fragments: &Fragments| parts(fragments, WHOLE).unwrap_err().key;
        assert_eq!(refused(&Fragments::new(Cut::Count(200))), "");
        assert_eq!(refused(&Fragments::new(Cut::Mtu(55))), "mtu");
        assert_eq!(refused(&Fragments::new(Cut::Sizes(vec![12, 1000]))), "sizes");
        assert_eq!(refused(&Fragments::new(Cut::Sizes(vec![1000, 1000, 8]))), "sizes");
        let odd = PieceSpec { offset: 4, length: 8, more: None, other: false };
        assert_eq!(refused(&Fragments::new(Cut::Pieces(vec![odd]))), "pieces");
        let overlap = Fragments { overlap: 4, ..Fragments::new(Cut::Count(2)) };
        assert_eq!(refused(&overlap), "overlap");
    }

    #[test]
    fn overlapping_tags_keep_to_themselves() {
        let overlap = Fragments { overlap: 8, ..Fragments::new(Cut::Sizes(vec![512])) };
        let parts = parts(&overlap, WHOLE).unwrap();
        assert_eq!((parts[1].offset, parts[1].len, parts[2].more), (504, 520, false));
        assert_eq!(tags(&parts, WHOLE, 18), [Some(8), Some(8), Some(8)]);
    }

    proptest! {
        #[test]
        fn every_cut_covers_the_datagram_once(
            len in 1usize..20_000, mtu in 56usize..9000, count in 1usize..20, size in 1usize..200,
        ) {
            let whole = Whole { len, ..WHOLE };
            for cut in [Cut::Count(count), Cut::Mtu(mtu), Cut::Sizes(vec![size * 8])] {
                let Ok(parts) = parts(&Fragments::new(cut), whole) else { continue };
                let mut end = 0;
                for (n, part) in parts.iter().enumerate() {
                    prop_assert_eq!(part.offset, end);
                    prop_assert!(part.offset % 8 == 0 && part.len > 0);
                    prop_assert_eq!(part.more, n + 1 < parts.len());
                    end += part.len;
                }
                prop_assert_eq!(end, len);
            }
        }
    }
}
