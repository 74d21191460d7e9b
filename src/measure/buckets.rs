//! Log-linear buckets of times: what the receiving eBPF program counts into
//! (`bpf/rx_time.h`, `time_bucket`).

/// Bits of a bucket's place inside its octave: 128 buckets to the octave.
const SUB_BITS: u32 = 7;
/// Times from 2^36 ns (68 s) on share the last bucket; the exact maximum stands beside.
const MAX_BITS: u32 = 36;
/// Number of buckets.
pub const BUCKETS: usize = ((MAX_BITS - SUB_BITS + 1) << SUB_BITS) as usize;

/// The bucket of a time in nanoseconds: below 256 exact, above less than 0.8 % wide.
pub fn bucket(nanos: u64) -> usize {
    if nanos >> MAX_BITS != 0 {
        return BUCKETS - 1;
    }
    let shift = (64 - nanos.leading_zeros()).saturating_sub(SUB_BITS + 1);
    ((shift as usize) << SUB_BITS) + (nanos >> shift) as usize
}

/// The middle of a bucket: off by less than 0.4 % from every time that the bucket counts.
pub fn middle(bucket: usize) -> u64 {
    let shift = (bucket >> SUB_BITS).saturating_sub(1);
    lowest(bucket) + ((1u64 << shift) >> 1)
}

/// The first time that a bucket counts.
pub fn lowest(bucket: usize) -> u64 {
    let shift = (bucket >> SUB_BITS).saturating_sub(1);
    ((bucket - (shift << SUB_BITS)) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_middle_is_within_0_4_percent(bits in 0u32..36, random: u64) {
            let nanos = (1 << bits) | (random & ((1 << bits) - 1));
            let middle = middle(bucket(nanos));
            prop_assert!(middle.abs_diff(nanos) as f64 <= nanos as f64 * 0.004);
        }

        #[test]
        fn larger_times_have_no_smaller_bucket(a in 0u64..1 << 40, b in 0u64..1 << 40) {
            prop_assert!(bucket(a.min(b)) <= bucket(a.max(b)));
        }
    }

    #[test]
    fn every_bucket_holds_its_middle() {
        for n in 0..BUCKETS {
            assert_eq!(bucket(middle(n)), n);
            assert_eq!(bucket(lowest(n)), n);
            assert!(n == 0 || bucket(lowest(n) - 1) == n - 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket(0), 0);
    }
}
