/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* The arithmetic of src/packet/program.rs, random.rs and tag.rs. */
#ifndef WIRESTORM_TX_BUILD_H
#define WIRESTORM_TX_BUILD_H

#include "tx_abi.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define GOLDEN_GAMMA 0x9E3779B97F4A7C15ull

/* Stafford's mix 13. */
ALWAYS_INLINE __u64 mix(__u64 z)
{
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

/* The high half of a 128-bit product: eBPF has no instruction for it. */
ALWAYS_INLINE __u64 multiply_high(__u64 x, __u64 y)
{
	__u64 x_low = (__u32)x, x_high = x >> 32, y_low = (__u32)y, y_high = y >> 32;
	__u64 low = x_low * y_low, middle = x_high * y_low + (low >> 32);
	__u64 other = x_low * y_high + (__u32)middle;

	return x_high * y_high + (middle >> 32) + (other >> 32);
}

ALWAYS_INLINE __u64 below(__u64 key, __u64 index, __u64 range)
{
	__u64 bits = mix(key + index * GOLDEN_GAMMA);

	if (!range)
		return bits;
	if (!(range >> 32))
		return ((bits >> 32) * range + ((__u32)bits * range >> 32)) >> 32;
	return multiply_high(bits, range);
}

/* `index % modulus`; the 32-bit division takes a third of the cycles. */
ALWAYS_INLINE __u64 remainder(__u64 index, __u64 modulus)
{
	if (!(modulus & (modulus - 1)))
		return index & (modulus - 1);
	if (!((index | modulus) >> 32))
		return (__u32)index % (__u32)modulus;
	return index % modulus;
}

/*
 * Ones' complement: a number plus itself with its halves exchanged has their sum, the carry from the
 * end included, in its upper half.
 */
ALWAYS_INLINE __u16 fold(__u64 sum)
{
	__u32 half;

	sum += sum << 32 | sum >> 32;
	half = sum >> 32;
	half += half << 16 | half >> 16;
	return half >> 16;
}

/*
 * Adds a window's bits to the sums of the slots in `mask`, below `slots` and the constant `most`. `widths`: those of all
 * windows; 32 of them at most are summed up, so only one of 8 bytes could overflow.
 */
ALWAYS_INLINE void contribute(__u64 *sums, __u32 most, __u32 slots, __u32 widths, __u8 mask,
			      __u8 odd, __u64 bits)
{
	__u64 rotated = bits;

	if (odd)
		rotated = bits << 8 | bits >> 56;
	if (widths & 8) {
		bits = (bits >> 32) + (__u32)bits;
		rotated = (rotated >> 32) + (__u32)rotated;
	}
#pragma unroll
	for (__u32 slot = 0; slot < WS_MAX_CHECKSUMS; slot++) {
		if (slot >= most || slot >= slots)
			break;
		if (mask & (1u << slot))
			sums[slot] += odd & (1u << slot) ? rotated : bits;
	}
}

/* packet::tag::encode_lag. */
ALWAYS_INLINE __u16 encode_lag(__u64 nanos)
{
	__u32 exponent = 0;
	__u64 left = nanos >> 12;

	if (nanos < 2048)
		return nanos;
	if (nanos >> 42)
		return 0xffff;
	/* The bits above the twelve of the mantissa, counted by halving. */
	if (left >> 16) { left >>= 16; exponent += 16; }
	if (left >> 8) { left >>= 8; exponent += 8; }
	if (left >> 4) { left >>= 4; exponent += 4; }
	if (left >> 2) { left >>= 2; exponent += 2; }
	if (left >> 1) { left >>= 1; exponent += 1; }
	exponent += left;
	return (exponent + 1) << 11 | ((nanos >> exponent) & 0x7ff);
}

#endif
