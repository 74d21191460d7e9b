/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/*
 * Order, duplicates and reordering of one flow's sequence in bounded memory: RFC 4737 with NextExp.
 * src/measure/window.rs is the same in Rust and says why it is right.
 *
 * Where packets of one flow arrive on several CPUs at once, a slot is taken by compare-and-exchange,
 * so that distinct packets and duplicates are counted exactly. Which of two packets on two CPUs
 * came first has no exact answer; there the extent is as good as the order of the exchanges.
 */
#ifndef WIRESTORM_RX_ORDER_H
#define WIRESTORM_RX_ORDER_H

/* Attempts of an exchange that other CPUs keep spoiling. */
#define ORDER_ATTEMPTS 8
/* How far `highest` may fall behind: far below the 2^31 at which an index becomes ambiguous. */
#define ORDER_HIGHEST_STEP (1u << 24)

enum arrival { ARRIVAL_FIRST, ARRIVAL_DUPLICATE, ARRIVAL_AMBIGUOUS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rx_flow);
} flows SEC(".maps");

/* [flow << window_shift | sequence & mask] */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

#define ORDER_READ(x) (*(volatile typeof(x) *)&(x))

static __always_inline __u64 order_exchange(__u64 *at, __u64 value)
{
	__u64 old;

	if (config.shared_flows)
		return __sync_lock_test_and_set(at, value);
	old = *at;
	*at = value;
	return old;
}

/* True if `at` held `old` and holds `value` now. */
static __always_inline int order_replace(__u64 *at, __u64 old, __u64 value)
{
	if (config.shared_flows)
		return __sync_val_compare_and_swap(at, old, value) == old;
	*at = value;
	return 1;
}

/*
 * The 64-bit index whose low half the tag carries: the one nearest to the highest seen. An index
 * would be negative: then the low half is all of it.
 */
static __always_inline __u64 order_extend(struct rx_stream *stream, __u32 low)
{
	__u64 highest = ORDER_READ(stream->highest);
	__s64 index = (__s64)highest + (__s32)(low - (__u32)highest);

	if (index < 0)
		index = low;
	if ((__u64)index > highest + ORDER_HIGHEST_STEP)
		stream->highest = index;
	return index;
}

/* The flow of packet `index`: worker index mod N. Its sequence there: index / N. */
static __always_inline __u32 order_flow(const struct rx_stream *stream, __u64 index,
					__u64 *sequence)
{
	__u32 workers = stream->workers;

	if (workers == 1) {
		*sequence = index;
		return stream->first_flow;
	}
	if (index >> 32) {
		*sequence = index / workers;
		return stream->first_flow + (__u32)(index - *sequence * workers);
	}
	*sequence = (__u32)index / workers;
	return stream->first_flow + (__u32)index % workers;
}

static __always_inline __u64 *order_slot(__u32 flow, __u64 sequence)
{
	__u32 key = flow << config.window_shift |
		    ((__u32)sequence & ((1u << config.window_shift) - 1));

	return bpf_map_lookup_elem(&slots, &key);
}

static __always_inline __u32 order_lap(__u64 sequence)
{
	return (__u32)(sequence >> config.window_shift) + 1;
}

/* The arrival position of `sequence`, if it was the largest when it arrived; else -1. */
static __always_inline __s64 order_record(__u32 flow, __u64 sequence)
{
	__u64 *slot = order_slot(flow, sequence), word;

	if (!slot)
		return -1;
	word = ORDER_READ(*slot);
	if (word >> 32 != order_lap(sequence) || !(word & RX_SLOT_RECORD))
		return -1;
	return word & RX_SLOT_ARRIVAL;
}

struct order_scan {
	__u64 sequence;
	__s64 arrival;
	__u32 flow;
};

static long order_scan_step(__u32 n, struct order_scan *scan)
{
	scan->arrival = order_record(scan->flow, scan->sequence + 1 + n);
	return scan->arrival >= 0;
}

/*
 * The extent of a packet that came late at position `arrivals`: the distance to the earliest
 * arrival of a larger sequence, which is the smallest record above it. Mostly the packet that
 * jumped over the last gap; else the slots above are searched, a window's worth at most.
 */
static __always_inline void order_extent(struct rx_flow *flow, __u32 number, __u64 sequence,
					 __u64 next, __u64 arrivals, struct rx_stream_row *counts)
{
	struct order_scan scan = { .sequence = sequence, .arrival = -1, .flow = number };
	__u64 gap_end = ORDER_READ(flow->gap_end), extent;

	if (sequence >= ORDER_READ(flow->gap_start) && sequence < gap_end)
		scan.arrival = order_record(number, gap_end);
	if (scan.arrival < 0)
		bpf_loop(next - sequence - 1, order_scan_step, &scan, 0);
	if (scan.arrival < 0)
		return;
	extent = (arrivals - scan.arrival) & RX_SLOT_ARRIVAL;
	if (extent > counts->extent_max)
		counts->extent_max = extent;
}

/* Judges one arrival of `sequence` and counts it. */
static __always_inline enum arrival order_arrival(struct rx_flow *flow, __u32 number,
						  __u64 sequence, struct rx_stream_row *counts)
{
	__u64 *slot = order_slot(number, sequence);
	__u64 next = ORDER_READ(flow->next), arrivals, word, mine;
	__u32 lap = order_lap(sequence), record = 0, held;
	int attempt;

	if (!slot)
		goto ambiguous;
	for (attempt = 0; attempt < ORDER_ATTEMPTS && sequence >= next; attempt++) {
		if (order_replace(&flow->next, next, sequence + 1)) {
			record = RX_SLOT_RECORD;
			break;
		}
		next = ORDER_READ(flow->next);
	}
	if (next > sequence && next - sequence > 1u << config.window_shift)
		goto ambiguous;

	for (attempt = 0; attempt < ORDER_ATTEMPTS; attempt++) {
		word = ORDER_READ(*slot);
		held = word >> 32;
		if (held == lap) {
			counts->duplicated++;
			/* A slot that was taken meanwhile by a later lap must keep its flag clear. */
			if (!(word & RX_SLOT_TWICE) &&
			    order_replace(slot, word, word | RX_SLOT_TWICE))
				counts->replicated++;
			return ARRIVAL_DUPLICATE;
		}
		if (held && (__s32)(held - lap) > 0)
			goto ambiguous;
		arrivals = ORDER_READ(flow->arrivals);
		mine = (__u64)lap << 32 | record | (arrivals & RX_SLOT_ARRIVAL);
		if (order_replace(slot, word, mine))
			goto first;
	}
	goto ambiguous;

first:
	if (config.shared_flows)
		__sync_fetch_and_add(&flow->arrivals, 1);
	else
		flow->arrivals = arrivals + 1;
	counts->unique++;
	if (record) {
		if (sequence > next) {
			flow->gap_start = next;
			flow->gap_end = sequence;
		}
	} else if (sequence < next) {
		counts->reordered++;
		order_extent(flow, number, sequence, next, arrivals, counts);
	}
	return ARRIVAL_FIRST;

ambiguous:
	counts->late_ambiguous++;
	return ARRIVAL_AMBIGUOUS;
}

#endif
