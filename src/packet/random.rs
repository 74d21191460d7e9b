//! Random values without state: a counter-based generator of (seed, stream, field, index).
//!
//! The output function is SplitMix64's (Steele, Lea, Flood 2014): the counter times the golden
//! gamma, then Stafford's mix 13. The eBPF engine computes the same in `bpf/tx_build.h`.

/// SplitMix64's increment: 2^64 / golden ratio, odd.
pub const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The factors of [`mix`].
pub const MIX_FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
/// The second of them.
pub const MIX_SECOND: u64 = 0x94D0_49BB_1331_11EB;

/// Stafford's mix 13: a bijection of 64 bits whose every output bit depends on every input bit.
#[inline(always)]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(MIX_FIRST);
    z = (z ^ (z >> 27)).wrapping_mul(MIX_SECOND);
    z ^ (z >> 31)
}

/// The key of one field's sequence.
pub fn key(seed: u64, stream: u32, field: u32) -> u64 {
    mix(mix(seed ^ GOLDEN_GAMMA) ^ (u64::from(stream) << 32 | u64::from(field)))
}

/// 64 random bits for packet `index` of the sequence `key`.
#[inline(always)]
pub fn bits(key: u64, index: u64) -> u64 {
    mix(key.wrapping_add(index.wrapping_mul(GOLDEN_GAMMA)))
}

/// Uniform over `0..range`; a `range` of 0 stands for 2^64. The bias is below `range / 2^64`.
#[inline(always)]
pub fn below(key: u64, index: u64, range: u64) -> u64 {
    scale(bits(key, index), range)
}

/// 64 random bits brought to `0..range`; a `range` of 0 stands for 2^64.
#[inline(always)]
pub fn scale(bits: u64, range: u64) -> u64 {
    if range == 0 { bits } else { ((u128::from(bits) * u128::from(range)) >> 64) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_of_splitmix64_seeded_with_0() {
        // SplitMix64 adds the gamma before it mixes: its n-th output is index n of ours.
        assert_eq!(bits(0, 1), 0xE220_A839_7B1D_CDAF);
        assert_eq!(bits(0, 2), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(bits(0, 3), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn stays_below_the_range() {
        for index in 0..10_000 {
            assert!(below(7, index, 3) < 3);
        }
        assert_eq!(below(7, 1, 0), bits(7, 1));
    }
}
