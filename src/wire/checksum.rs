//! The Internet checksum (RFC 1071), its incremental update (RFC 1624) and pseudo-headers.
//!
//! Ones' complement addition of 16-bit words is addition modulo 65535 in which 0xffff and 0 are the
//! same number, and a sum is 0 only where every word is. So words may be added in any order and
//! width, and the carries folded in at the end; and a byte at an odd place counts 256 times what
//! it counts at an even one, so a part that begins at an odd place is rotated by a byte.

use std::net::{Ipv4Addr, Ipv6Addr};

pub use crate::packet::program::fold;

/// The ones' complement sum of `bytes`, not folded; a last odd byte is padded with zero. Add sums
/// with `+`, fold them with [`fold`], and the checksum is the complement.
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum + u64::from(u32::from_be_bytes(last))
}

/// [`sum`] of bytes that begin at distance `at` from the start of what the checksum covers.
pub fn sum_at(bytes: &[u8], at: usize) -> u64 {
    let sum = fold(sum(bytes));
    u64::from(if at % 2 == 1 { sum.rotate_left(8) } else { sum })
}

/// The checksum of `bytes`: 0 over bytes that hold a right checksum at an even place.
pub fn checksum(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// The checksum after a covered word changed from `old` to `new`: RFC 1624 eqn 3,
/// HC' = ~(~HC + ~m + m').
pub fn update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

/// The sum of IPv4's pseudo-header (RFC 768, RFC 9293 §3.1).
pub fn pseudo_ipv4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, len: u32) -> u64 {
    sum(&src.octets()) + sum(&dst.octets()) + u64::from(protocol) + u64::from(len)
}

/// The sum of IPv6's pseudo-header (RFC 8200 §8.1). With a routing header `dst` is the final
/// destination; `len` leaves extension headers out.
pub fn pseudo_ipv6(src: Ipv6Addr, dst: Ipv6Addr, next_header: u8, len: u32) -> u64 {
    sum(&src.octets()) + sum(&dst.octets()) + u64::from(next_header) + u64::from(len)
}

/// UDP's rule: a checksum that computes to 0 is sent as 0xffff, as 0 means none (RFC 768).
pub fn never_zero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_1071_example() {
        assert_eq!(fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xddf2);
    }

    #[test]
    fn rfc_1624_example_is_0_and_not_ffff() {
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn zero_is_sent_as_ffff() {
        assert_eq!(never_zero(0), 0xffff);
        assert_eq!(never_zero(0x1234), 0x1234);
    }

    #[test]
    fn an_ipv4_header_from_the_wire() {
        // The worked example of Wikipedia on this checksum.
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0,
            1, 0xc0, 0xa8, 0, 0xc7,
        ];
        assert_eq!(checksum(&header), 0);
    }

    /// Word by word, as RFC 1071 §4.1 does it.
    fn by_words(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn only_zero_folds_to_zero() {
        assert_eq!(fold(0), 0);
        for bits in 0..64 {
            assert_ne!(fold(1 << bits), 0);
            assert_ne!(fold(u64::MAX << bits), 0);
        }
        assert_eq!([0xffff, 0x1_fffe, 0xffff_ffff, u64::MAX].map(fold), [0xffff; 4]);
    }

    proptest! {
        #[test]
        fn folding_is_the_remainder_by_65535(sum in 1u64..) {
            prop_assert_eq!(u64::from(fold(sum)) % 65_535, sum % 65_535);
            prop_assert_ne!(fold(sum), 0);
        }

        #[test]
        fn wide_words_make_the_same_sum(bytes: Vec<u8>) {
            prop_assert_eq!(fold(sum(&bytes)), by_words(&bytes));
        }

        #[test]
        fn parts_add_up_wherever_they_are_cut(bytes: Vec<u8>, cut: prop::sample::Index) {
            let cut = cut.index(bytes.len() + 1);
            let parts = sum(&bytes[..cut]) + sum_at(&bytes[cut..], cut);
            prop_assert_eq!(fold(parts), by_words(&bytes));
        }

        #[test]
        fn an_update_equals_the_sum_anew(mut words: [u16; 10], at in 0usize..10, new: u16) {
            // A header is never all zero, which is the one case in which the two zeros differ.
            words[(at + 1) % 10] |= 0x4000;
            let bytes = |words: &[u16; 10]| words.iter().flat_map(|w| w.to_be_bytes()).collect();
            let before: Vec<u8> = bytes(&words);
            let updated = update(checksum(&before), words[at], new);
            words[at] = new;
            let after: Vec<u8> = bytes(&words);
            prop_assert_eq!(updated, checksum(&after));
        }

        #[test]
        fn pseudo_headers_are_sums_of_their_bytes(src: u128, dst: u128, next: u8, len: u32) {
            let (src, dst) = (Ipv6Addr::from(src), Ipv6Addr::from(dst));
            let mut bytes = [src.octets(), dst.octets()].concat();
            bytes.extend(len.to_be_bytes());
            bytes.extend([0, 0, 0, next]);
            prop_assert_eq!(fold(pseudo_ipv6(src, dst, next, len)), by_words(&bytes));
        }
    }
}
