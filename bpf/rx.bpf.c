// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
/*
 * The receiving program: knows probes by their tag, stamps them, counts them before anything can
 * drop them, and passes on everything else. src/measure/ holds the same algorithms in Rust, and the
 * tests hold both to each other.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "rx_abi.h"
#include "tag.h"
#include "rx_find.h"
#include "rx_order.h"
#include "rx_time.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rx_row);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rx_stream);
} streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rx_stream_row);
} stream_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rx_histograms);
} histograms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* Numbers of the streams that are pieces, those of a datagram together. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} pieces SEC(".maps");

struct whole_scan {
	__u64 sequence;
	__u32 first_piece;
	__u32 worker;
	__u32 missing;
};

/* The slot of a datagram's piece number n. */
static __always_inline __u64 *whole_slot(const struct whole_scan *scan, __u32 n)
{
	__u32 key = scan->first_piece + n;
	__u32 *number = bpf_map_lookup_elem(&pieces, &key);
	struct rx_stream *stream = number ? bpf_map_lookup_elem(&streams, number) : 0;

	return stream ? order_slot(stream->first_flow + scan->worker, scan->sequence) : 0;
}

/* Ends the scan at a piece that has not arrived. */
static long whole_step(__u32 n, struct whole_scan *scan)
{
	__u64 *slot = whole_slot(scan, n);

	scan->missing = !slot || ORDER_READ(*slot) >> 32 != order_lap(scan->sequence);
	return scan->missing;
}

/*
 * Whether the piece that has just arrived, for the first time, makes its datagram whole. Of two
 * that arrive on two CPUs at once both may see the other; the one counts that sets the flag in the
 * slot of the first piece of the list.
 */
static __always_inline int whole_datagram(const struct rx_stream *stream, __u32 flow,
					  __u64 sequence)
{
	struct whole_scan scan = {
		.sequence = sequence,
		.first_piece = stream->first_piece,
		.worker = flow - stream->first_flow,
	};
	__u64 *slot, word;
	int attempt;

	bpf_loop(stream->pieces, whole_step, &scan, 0);
	if (scan.missing)
		return 0;
	slot = whole_slot(&scan, 0);
	for (attempt = 0; slot && attempt < ORDER_ATTEMPTS; attempt++) {
		word = ORDER_READ(*slot);
		if (word >> 32 != order_lap(sequence) || word & RX_SLOT_WHOLE)
			return 0;
		if (order_replace(slot, word, word | RX_SLOT_WHOLE))
			return 1;
	}
	return 0;
}

/* Hands the packet with its receive time to the socket of its queue. */
static __always_inline int steer(struct xdp_md *ctx, struct rx_row *row, __u64 now)
{
	__u64 *metadata;
	int action;

	if (bpf_xdp_adjust_meta(ctx, -RX_METADATA_LEN))
		goto lost;
	metadata = (void *)(long)ctx->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)ctx->data)
		goto lost;
	*metadata = now;
	action = bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_ABORTED);
	if (action == XDP_REDIRECT)
		return action;
lost:
	row->unsteered++;
	return XDP_DROP;
}

/* Latency, latency from the intended send time, and IPDV of a packet: its size is RFC 4689's jitter. */
static __always_inline void measure_time(struct rx_stream_row *counts, struct rx_flow *flow,
					 __u32 row_number, const struct tag *tag, __u64 now)
{
	__u32 key = row_number * config.groups + tag->stream % config.groups;
	struct rx_histograms *group = bpf_map_lookup_elem(&histograms, &key);
	__u64 latency = now - tag_complete_time(now, tag->time);
	__u64 previous;

	if (!group)
		return;
	time_record(group->latency, &counts->latency, latency);
	time_record(group->intended, &counts->intended, latency + tag_decode_lag(tag->lag));
	previous = order_exchange(&flow->previous_latency, latency + 1);
	if (!previous--)
		return;
	if (latency >= previous)
		time_record(group->later, &counts->later, latency - previous);
	else
		time_record(group->earlier, &counts->earlier, previous - latency);
}

/*
 * The longest time without a packet. Two CPUs that measure one flow at once may each miss what the
 * other saw of a pause, never invent one.
 */
static __always_inline void measure_pause(struct rx_flow *flow, __u64 now)
{
	__u64 last = order_exchange(&flow->last_arrival, now);

	if (last && now > last && now - last > flow->pause) {
		flow->pause = now - last;
		flow->pause_end = now;
	}
}

/* Counts a good tag of this trial. Returns 0 if its stream is not expected here. */
static __always_inline int count_probe(struct rx_row *row, __u32 row_number,
				       const struct tag *tag, __u64 now, __u64 bytes)
{
	__u32 number = tag->stream, key;
	struct rx_stream_row *counts;
	struct rx_stream *stream;
	struct rx_flow *flow;
	__u64 index, sequence;
	enum arrival arrival;

	stream = bpf_map_lookup_elem(&streams, &number);
	if (!stream || !stream->workers)
		return 0;
	if (config.wanted_gap)
		time_gap(row, now);
	if (!config.order)
		return 1;
	key = row_number * config.streams + number;
	counts = bpf_map_lookup_elem(&stream_rows, &key);
	if (!counts)
		return 0;
	index = order_extend(stream, tag->index);
	key = order_flow(stream, index, &sequence);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return 0;

	counts->received++;
	counts->bytes += bytes;
	if (!counts->first_ns)
		counts->first_ns = now;
	counts->last_ns = now;
	measure_pause(flow, now);
	arrival = order_arrival(flow, key, sequence, counts);
	if (config.datagrams && stream->pieces && arrival == ARRIVAL_FIRST &&
	    whole_datagram(stream, key, sequence))
		counts->whole++;
	if (config.latency && arrival != ARRIVAL_DUPLICATE)
		measure_time(counts, flow, row_number, tag, now);
	return 1;
}

/* One frame. */
static __always_inline int receive_frame(struct xdp_md *ctx)
{
	__u64 now = time_receive(ctx);
	__u32 row_number = config.row_is_queue ? ctx->rx_queue_index : bpf_get_smp_processor_id();
	struct rx_row *row;
	struct tag tag = {};

	if (row_number >= config.rows)
		row_number = config.rows - 1;
	row = bpf_map_lookup_elem(&rows, &row_number);
	if (!row)
		return XDP_PASS;
	row->seen++;

	switch (find_tag(ctx, &tag)) {
	case TAG_ALIEN:
		row->alien++;
		return XDP_PASS;
	case TAG_CORRUPT:
		row->corrupt++;
		break;
	case TAG_PROBE:
		if (tag.epoch != config.epoch) {
			row->stale++;
			break;
		}
		if (!count_probe(row, row_number, &tag, now, bpf_xdp_get_buff_len(ctx))) {
			row->alien++;
			return XDP_PASS;
		}
		if (config.steer)
			return steer(ctx, row, now);
	}
	return config.pass_on ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags")
int receive(struct xdp_md *ctx)
{
	return receive_frame(ctx);
}
