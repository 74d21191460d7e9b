//! Big-endian numbers of any width at any bit.

/// The `bits` (0 to 128) bits of `bytes` from bit `at`, most significant first.
///
/// # Panics
/// If `bytes` end before the last of those bits.
pub fn get(bytes: &[u8], at: usize, bits: u8) -> u128 {
    let end = at + usize::from(bits);
    (at / 8..end.div_ceil(8)).fold(0, |value, n| {
        let first = at.max(n * 8) - n * 8;
        let last = end.min(n * 8 + 8) - n * 8;
        let part = (u16::from(bytes[n]) >> (8 - last)) & ((1 << (last - first)) - 1);
        value << (last - first) | u128::from(part)
    })
}

/// Replaces the `bits` bits of `bytes` from bit `at` by the low bits of `value`.
///
/// # Panics
/// If `bytes` end before the last of those bits.
pub fn set(bytes: &mut [u8], at: usize, bits: u8, value: u128) {
    let end = at + usize::from(bits);
    let mut left = value;
    for n in (at / 8..end.div_ceil(8)).rev() {
        let first = at.max(n * 8) - n * 8;
        let last = end.min(n * 8 + 8) - n * 8;
        let mask = (((1u16 << (last - first)) - 1) << (8 - last)) as u8;
        let part = ((left as u16) << (8 - last)) as u8;
        bytes[n] = bytes[n] & !mask | part & mask;
        left = left.checked_shr((last - first) as u32).unwrap_or(0);
    }
}

/// The two bytes at `at`.
#[inline(always)]
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The four bytes at `at`.
#[inline(always)]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The `N` bytes at `at`.
#[inline(always)]
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[at + n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_flow_label() {
        assert_eq!(get(&[0x6a, 0xbc, 0xde, 0xf1], 12, 20), 0xc_def1);
        assert_eq!(get(&[0x6a, 0xbc, 0xde, 0xf1], 4, 8), 0xab);
    }

    proptest! {
        #[test]
        fn reads_what_was_set_and_leaves_the_rest(
            bytes: [u8; 20], at in 0usize..32, bits in 0u8..=128, value: u128,
        ) {
            let mut changed = bytes;
            set(&mut changed, at, bits, value);
            let mask = u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0);
            prop_assert_eq!(get(&changed, at, bits), value & mask);
            for bit in (0..160).filter(|&bit| bit < at || bit >= at + usize::from(bits)) {
                prop_assert_eq!(get(&changed, bit, 1), get(&bytes, bit, 1));
            }
        }
    }
}
