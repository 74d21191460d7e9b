// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
/*
 * The receiving program under BPF_PROG_TEST_RUN, which gives every run the same frame: here each run
 * first makes it the next packet. What that costs is measured too, to be taken off.
 */
#include "rx.bpf.c"

/* Makes the frame the next packet: index + 1, sent 1 µs ago, and the check that belongs to it. */
static __always_inline int next_packet(struct xdp_md *ctx, __u64 now)
{
	struct tag_wire *wire = (void *)(long)ctx->data + config.tag_offsets[0];
	__u64 sum;

	if ((void *)(wire + 1) > (void *)(long)ctx->data_end)
		return 0;
	wire->index = bpf_htonl(bpf_ntohl(wire->index) + 1);
	wire->time = bpf_htonl((__u32)now - 1000);
	sum = (__u64)wire->magic_epoch + wire->stream + wire->index + wire->time + wire->lag;
	wire->check = ~tag_fold(sum);
	return 1;
}

/* A sink that counts nothing. */
SEC("xdp.frags")
int bench_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

/* The clock alone. */
SEC("xdp.frags")
int bench_clock(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_ktime_get_ns() ? XDP_DROP : XDP_PASS;
}

/* The next packet, not received. */
SEC("xdp.frags")
int bench_next(struct xdp_md *ctx)
{
	return next_packet(ctx, bpf_ktime_get_ns()) ? XDP_DROP : XDP_ABORTED;
}

/* The next packet, received. */
SEC("xdp.frags")
int bench_receive(struct xdp_md *ctx)
{
	if (!next_packet(ctx, bpf_ktime_get_ns()))
		return XDP_ABORTED;
	return receive_frame(ctx);
}
