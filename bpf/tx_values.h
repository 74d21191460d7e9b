/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/*
 * The values that cost more than a counter: the arithmetic of `rare` in src/packet/program.rs, of
 * permutation.rs and shares.rs. One function, not a copy for every operation.
 */
#ifndef WIRESTORM_TX_VALUES_H
#define WIRESTORM_TX_VALUES_H

#include "tx_build.h"

/* permutation::SWAPS, PASSES and ROUNDS. */
#define SWAPS 32
#define PASSES 2
#define ROUNDS 4
/* shares::WORDS. */
#define SHARE_WORDS 4

ALWAYS_INLINE __u64 list_entry(__u32 at)
{
	__u64 *value = bpf_map_lookup_elem(&lists, &at);

	return value ? *value : 0;
}

/* 64 random bits brought to 0..range; a range of 0 stands for 2^64. */
ALWAYS_INLINE __u64 scale(__u64 bits, __u64 range)
{
	return range ? multiply_high(bits, range) : bits;
}

ALWAYS_INLINE __u64 swap_or_not(__u64 key, __u64 values, __u64 x)
{
	__u64 sums = 0;

	for (int round = 0; round < SWAPS; round++) {
		__u64 word = mix(key + round), sum, other, larger;

		if (!(round & 3))
			sums = mix(key + SWAPS + (round >> 2));
		sum = (sums & 0xffff) * values >> 16;
		sums >>= 16;
		other = sum >= x ? sum - x : sum + values - x;
		larger = x > other ? x : other;
		if (word >> (larger & 63) & 1)
			x = other;
	}
	return x;
}

ALWAYS_INLINE __u64 random_of(__u64 key, __u64 half)
{
	return mix(key + half * GOLDEN_GAMMA);
}

ALWAYS_INLINE __u64 feistel(__u64 key, __u64 columns, __u32 split, __u64 x)
{
	__u64 rows = (1ull << split) - 1, left = x >> split, right = x & rows;

	for (int round = 0; round < ROUNDS; round += 2) {
		left += (random_of(key + round, right) >> 32) * columns >> 32;
		if (left >= columns)
			left -= columns;
		right ^= random_of(key + round + 1, left) & rows;
	}
	return left << split | right;
}

ALWAYS_INLINE __u64 rotated(__u64 key, __u64 values, __u64 columns, __u32 split, __u64 x)
{
	__u64 last = (columns << split) - 1;

	for (int pass = 0; pass < PASSES; pass++) {
		__u64 own = key + pass * (ROUNDS + 1), by, until_end;

		if (x <= last)
			x = feistel(own, columns, split, x);
		by = scale(mix(own + ROUNDS), values);
		until_end = values - by;
		x = x >= until_end ? x - until_end : x + by;
	}
	return x;
}

ALWAYS_INLINE __u64 permuted(const struct ws_patch_op *op, __u64 turn)
{
	__u64 values = op->b, columns = op->c, cycle = values ? turn / values : 0;
	__u64 key = mix(op->key + cycle * GOLDEN_GAMMA), place = turn - cycle * values;

	if (!columns)
		return swap_or_not(key, values, place);
	return rotated(key, values, columns, op->extra & 63, place);
}

ALWAYS_INLINE __u64 drawn(const struct ws_patch_op *op, __u64 turn)
{
	__u64 bits = mix(op->key + turn * GOLDEN_GAMMA), count = op->b, low, values;
	__u32 table = op->a, at = table + multiply_high(bits, count) * SHARE_WORDS;

	if (bits * count >= list_entry(at))
		at = table + list_entry(at + 1) * SHARE_WORDS;
	low = list_entry(at + 2);
	values = list_entry(at + 3);
	if (values == 1)
		return low;
	return low + scale(mix(bits + GOLDEN_GAMMA), values);
}

/*
 * Not inlined: a program with many operations has one of it. Not static: the verifier looks at it
 * once, and not again wherever it is called, which took seconds.
 */
__attribute__((noinline)) __u64 rare_value(const struct ws_patch_op *op, __u64 index)
{
	if (!op)
		return 0;
	__u64 a = op->a, b = op->b, c = op->c, turn = index, every = op->every, counted, low;
	__u8 kind = op->kind;

	if (kind & WS_EVERY)
		turn = every ? index / every : index >> (op->every_shift & 63);
	kind &= ~WS_EVERY;
	if (kind == WS_RANDOM)
		return a + below(op->key, turn, b);
	if (kind == WS_LIST)
		return c + list_entry(a + remainder(turn, b));
	if (kind == WS_UNIQUE)
		return a + permuted(op, turn);
	if (kind == WS_SHARES)
		return c + drawn(op, turn);
	counted = c ? remainder(turn, c) : turn;
	if (kind == WS_COUNTER)
		return a + b * counted;
	low = op->key * counted;
	return a + b * counted + multiply_high(op->key, counted) + (low + op->extra < low);
}

#endif
