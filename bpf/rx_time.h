/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* Receive times, histograms and gaps. src/measure/buckets.rs has the twin of the bucket rule. */
#ifndef WIRESTORM_RX_TIME_H
#define WIRESTORM_RX_TIME_H

/*
 * When the packet was received, CLOCK_MONOTONIC. The one place where a device's own receive time
 * (bpf_xdp_metadata_rx_timestamp, for a program bound to the device) would come in: it needs the
 * device's clock tied to CLOCK_MONOTONIC first.
 */
static __always_inline __u64 time_receive(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_ktime_get_ns();
}

/*
 * The bucket of a value: exact below 256, from there 128 buckets to the octave. The steps halve the
 * search for the highest bit; (limit - high) >> 63 is 1 iff high > limit, without a branch of which
 * the verifier would have to walk both ways.
 */
static __always_inline __u32 time_bucket(__u64 value)
{
	__u64 high;
	__u32 shift, step;

	if (value >> RX_MAX_BITS)
		return RX_BUCKETS - 1;
	high = value >> (RX_SUB_BITS + 1);
	shift = step = (0xffff - high) >> 63 << 4;
	high >>= step;
	step = (0xff - high) >> 63 << 3;
	shift += step;
	high >>= step;
	step = (0xf - high) >> 63 << 2;
	shift += step;
	high >>= step;
	step = (3 - high) >> 63 << 1;
	shift += step;
	high >>= step;
	/* What is left is 0 (below 256), 1, 2 or 3: its bits. */
	shift += high - (high >> 1 & high);
	return (shift << RX_SUB_BITS) + (__u32)(value >> shift);
}

static __always_inline void time_record(__u64 *buckets, struct rx_moments *moments, __u64 value)
{
	__u32 bucket = time_bucket(value);

	if (bucket < RX_BUCKETS)
		buckets[bucket]++;
	moments->count++;
	moments->sum += value;
	if (value > moments->max)
		moments->max = value;
	if (~value > moments->min_inverted)
		moments->min_inverted = ~value;
}

/* When the last probe of all rows was received, for gaps; 0: none was. */
__u64 last_probe;

/*
 * The gap since the last probe against the wanted one. Two CPUs that receive at once may take their
 * turns here in another order than they read the clock.
 */
static __always_inline void time_gap(struct rx_row *row, __u64 now)
{
	__u64 last = order_exchange(&last_probe, now), gap, off;

	if (!last)
		return;
	gap = now > last ? now - last : 0;
	off = gap > config.wanted_gap ? gap - config.wanted_gap : config.wanted_gap - gap;
	row->gaps++;
	if (off <= 512) {
		row->within[3]++;
		if (off <= 256)
			row->within[2]++;
		if (off <= 128)
			row->within[1]++;
		if (off <= 64)
			row->within[0]++;
	}
	if (gap < config.wanted_gap / 4)
		row->bursts++;
}

#endif
