/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* Where a frame's tag is: at the places that the profile's streams have, else right after L4. */
#ifndef WIRESTORM_RX_FIND_H
#define WIRESTORM_RX_FIND_H

/* Constants of the loaded program. The only read-only data of the object. */
const volatile struct rx_config config = {};

#define FIND_VLANS 2
#define FIND_EXTENSIONS 8
/* Above every offset that a header can have in a frame's first page. */
#define FIND_MAX_OFFSET 4096

/* What stands behind the headers of a fragment that is not the first is data (RFC 8200 §4.7). */
#define FIND_NO_NEXT_HEADER 59

static __always_inline __u16 find_u16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static __always_inline int find_is_extension(__u8 protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 ||
	       protocol == 60;
}

/*
 * One IPv6 extension header. Returns what stands behind it: its offset, shifted by 8, and its
 * protocol; 0 where nothing does.
 *
 * Functions that are not static are verified once, on their own, and the caller goes on with an
 * unknown result: otherwise the verifier walks every chain of headers.
 */
__noinline __u32 find_step(struct xdp_md *ctx, __u32 at, __u32 protocol)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *header;

	if (at > FIND_MAX_OFFSET)
		return 0;
	header = data + at;
	if ((void *)(header + 8) > end)
		return 0;
	if (protocol == 44) {
		at += 8;
		/* The first fragment alone holds the L4 header (RFC 8200 §4.5): the others' data follow. */
		if (find_u16(header + 2) & 0xfff8)
			return at << 8 | FIND_NO_NEXT_HEADER;
	} else if (protocol == 51) {
		at += ((__u32)header[1] + 2) * 4; /* RFC 4302 §2.2 */
	} else {
		at += ((__u32)header[1] + 1) * 8;
	}
	return at << 8 | header[0];
}

/*
 * The offset behind the L4 header, or, of a fragment that is not the first, of its data; 0 where
 * there is none that a tag could follow.
 */
__noinline __u32 find_behind_l4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 at = 14, length, step;
	__u8 *header = data, protocol;
	__u16 type;
	int n;

	if ((void *)(header + 14) > end)
		return 0;
	type = find_u16(header + 12);
#pragma unroll
	for (n = 0; n < FIND_VLANS; n++) {
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			break;
		header = data + at;
		if ((void *)(header + 4) > end)
			return 0;
		type = find_u16(header + 2);
		at += 4;
	}
	header = data + at;
	if (type == 0x0800) {
		if ((void *)(header + 20) > end)
			return 0;
		length = (header[0] & 0xf) * 4;
		if (length < 20)
			return 0;
		at += length;
		/* Fragments but the first hold no L4 header: theirs begin with the tag. */
		if (find_u16(header + 6) & 0x1fff)
			return at;
		protocol = header[9];
	} else if (type == 0x86dd) {
		if ((void *)(header + 40) > end)
			return 0;
		protocol = header[6];
		at += 40;
		for (n = 0; n < FIND_EXTENSIONS && find_is_extension(protocol); n++) {
			step = find_step(ctx, at, protocol);
			if (!step)
				return 0;
			at = step >> 8;
			protocol = step;
		}
		if (at > FIND_MAX_OFFSET)
			return 0;
	} else {
		return 0;
	}
	if (protocol == FIND_NO_NEXT_HEADER)
		return at;
	header = data + at;
	if (protocol == 17)
		return at + 8;
	if (protocol == 6) {
		if ((void *)(header + 13) > end)
			return 0;
		length = (header[12] >> 4) * 4;
		return length < 20 ? 0 : at + length;
	}
	if ((void *)(header + 1) > end)
		return 0;
	if (type == 0x0800 && protocol == 1 && (header[0] == 8 || header[0] == 0))
		return at + 8;
	if (type == 0x86dd && protocol == 58 && (header[0] == 128 || header[0] == 129))
		return at + 8;
	return 0;
}

__noinline int find_tag(struct xdp_md *ctx, struct tag *tag)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	enum tag_seen seen, worst = TAG_ALIEN;
	__u32 at;
	int n;

	if (!tag)
		return TAG_ALIEN;
#pragma unroll
	for (n = 0; n < RX_TAG_OFFSETS; n++) {
		if (n >= config.tag_offset_count)
			break;
		seen = tag_read(data + config.tag_offsets[n], end, tag);
		if (seen == TAG_PROBE)
			return seen;
		if (seen > worst)
			worst = seen;
	}
	at = find_behind_l4(ctx);
	if (!at)
		return worst;
	/* Keeps the compiler from checking a copy: the verifier has to see `at` itself bounded. */
	barrier_var(at);
	if (at > FIND_MAX_OFFSET)
		return worst;
	seen = tag_read(data + at, end, tag);
	if (seen > worst)
		worst = seen;
	return worst;
}

#endif
