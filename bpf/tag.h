/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* The probe tag as src/packet/tag.rs defines it, and the ones' complement sums it needs. */
#ifndef WIRESTORM_TAG_H
#define WIRESTORM_TAG_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>

#define TAG_LEN 18
#define TAG_MAGIC 0xD753A9u

/* The wire's own layout. 16-bit alignment is all that a tag has. */
struct tag_wire {
	__be32 magic_epoch;
	__be16 stream;
	__be32 index;
	__be32 time;
	__be16 lag;
	__be16 check;
} __attribute__((packed, aligned(2)));

/* A tag as read, in the host's byte order. */
struct tag {
	__u32 index;
	__u32 time;
	__u16 stream;
	__u16 lag;
	__u8 epoch;
};

enum tag_seen { TAG_ALIEN, TAG_CORRUPT, TAG_PROBE };

/* Folds a ones' complement sum to 16 bits. */
static __always_inline __u16 tag_fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* The lag in nanoseconds: an 11-bit mantissa with a hidden bit, a 5-bit exponent. */
static __always_inline __u64 tag_decode_lag(__u16 lag)
{
	__u32 exponent = lag >> 11;
	__u64 mantissa = lag & 0x7ff;

	return exponent ? (mantissa | 0x800) << (exponent - 1) : mantissa;
}

/* Completes the low 32 bits of a send time: the latest time not after `now` that has them. */
static __always_inline __u64 tag_complete_time(__u64 now, __u32 low)
{
	return now - (__u32)((__u32)now - low);
}

/*
 * Reads what stands at `at`. The sum is taken in the wire's byte order: 0xffff is the same in
 * either. The loads are as wide as the fields though a tag may begin anywhere: taken apart, they
 * would be twice as many. Machines that run XDP in earnest (x86-64, arm64) load unaligned words.
 */
#define TAG_LOAD(type, at, offset) (*(type *)((at) + (offset)))

static __always_inline enum tag_seen tag_read(void *at, void *end, struct tag *tag)
{
	__u32 first, index, time;
	__u64 sum;
	__u16 stream, lag;

	if (at + TAG_LEN > end)
		return TAG_ALIEN;
	first = TAG_LOAD(__u32, at, 0);
	if (bpf_ntohl(first) >> 8 != TAG_MAGIC)
		return TAG_ALIEN;
	stream = TAG_LOAD(__u16, at, 4);
	index = TAG_LOAD(__u32, at, 6);
	time = TAG_LOAD(__u32, at, 10);
	lag = TAG_LOAD(__u16, at, 14);
	sum = (__u64)first + stream + index + time + lag + TAG_LOAD(__u16, at, 16);
	if (tag_fold(sum) != 0xffff)
		return TAG_CORRUPT;
	tag->epoch = bpf_ntohl(first);
	tag->stream = bpf_ntohs(stream);
	tag->index = bpf_ntohl(index);
	tag->time = bpf_ntohl(time);
	tag->lag = bpf_ntohs(lag);
	return TAG_PROBE;
}

#endif
