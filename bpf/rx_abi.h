/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/*
 * What the receiving program and user space share. libbpf-cargo makes the Rust twins from the
 * object's type information, so that they cannot differ.
 *
 * A "row" is what one CPU, or one receive queue, writes alone: no counter in it needs an atomic.
 */
#ifndef WIRESTORM_RX_ABI_H
#define WIRESTORM_RX_ABI_H

#include <linux/types.h>

/* Places where tags are looked for before the frame is parsed. */
#define RX_TAG_OFFSETS 8

/* Log-linear buckets: 128 to the octave, 0.8 % wide at most, up to 2^36 ns (68 s). */
#define RX_SUB_BITS 7
#define RX_MAX_BITS 36
#define RX_BUCKETS ((RX_MAX_BITS - RX_SUB_BITS + 1) << RX_SUB_BITS)

/* Bytes in front of a steered packet: its receive time, a __u64. */
#define RX_METADATA_LEN 8

/* Constants of a loaded program: the verifier removes what they switch off. */
struct rx_config {
	__u64 wanted_gap; /* ns; 0: gaps are not measured */
	__u32 streams;
	__u32 rows;
	__u32 groups; /* streams s, s + groups, ... share one set of histograms */
	__u32 window_shift; /* slots of a flow: 1 << window_shift */
	__u16 tag_offsets[RX_TAG_OFFSETS];
	__u8 tag_offset_count;
	__u8 epoch;
	__u8 row_is_queue; /* 1: a row is a receive queue; 0: a CPU */
	__u8 shared_flows; /* packets of one flow may arrive on several CPUs at once */
	__u8 latency;
	__u8 order;
	__u8 pass_on;
	__u8 steer;
	__u8 datagrams; /* 1: some streams are pieces of datagrams, which are counted too */
	__u8 reserved[7];
};

/* One row. A multiple of the cache line. */
struct rx_row {
	__u64 seen;
	__u64 corrupt;
	__u64 stale;
	__u64 alien;
	__u64 unsteered; /* no socket on the queue, or no room for the metadata */
	__u64 gaps;
	__u64 within[4]; /* +-64, 128, 256, 512 ns */
	__u64 bursts; /* shorter than a quarter of the wanted gap */
	__u64 padding[5];
};

/* Exact companions of a histogram. The minimum is kept inverted, so that zero is "none". */
struct rx_moments {
	__u64 count;
	__u64 sum;
	__u64 max;
	__u64 min_inverted;
};

/* One stream in one row: [row * streams + stream]. */
struct rx_stream_row {
	__u64 received;
	__u64 unique;
	__u64 duplicated;
	__u64 replicated;
	__u64 reordered;
	__u64 extent_max;
	__u64 late_ambiguous;
	__u64 bytes;
	__u64 first_ns;
	__u64 last_ns;
	struct rx_moments latency;
	struct rx_moments intended;
	struct rx_moments later; /* IPDV of packets that took longer than the one before */
	struct rx_moments earlier; /* its size where they took less; both together are the jitter */
	__u64 whole; /* datagrams that the arrival of this piece made whole */
	__u64 padding[5];
};

/* One group of streams in one row: [row * groups + stream % groups]. */
struct rx_histograms {
	__u64 latency[RX_BUCKETS];
	__u64 intended[RX_BUCKETS];
	__u64 later[RX_BUCKETS];
	__u64 earlier[RX_BUCKETS];
};

/* One stream. */
struct rx_stream {
	__u64 highest; /* an index near the highest seen; behind it by RX_HIGHEST_STEP at most */
	__u32 workers; /* 0: not expected here */
	__u32 first_flow; /* flow of worker 0 */
	__u32 first_piece; /* the streams of the pieces that make a datagram whole, this one among */
	__u32 pieces; /* them: so many entries from there; 0: it is none of several */
};

/* One (stream, worker). */
struct rx_flow {
	__u64 next; /* RFC 4737's NextExp: one above the largest sequence seen */
	__u64 arrivals; /* distinct packets so far: the position of the next one in arrival order */
	__u64 gap_start; /* the last gap: sequences from here ... */
	__u64 gap_end; /* ... to before here were jumped over by the packet of this one */
	__u64 previous_latency; /* plus 1; 0: none */
	__u64 last_arrival; /* receive time of the last packet; 0: none */
	__u64 pause; /* the longest time without a packet ... */
	__u64 pause_end; /* ... and the receive time of the packet that ended it */
};

/*
 * A slot of a flow's window: lap + 1 of the sequence in the upper half, so that a slot of an
 * earlier lap needs no clearing; below it the three flags and 29 bits of the arrival position.
 */
#define RX_SLOT_RECORD (1u << 31) /* was the largest sequence when it arrived */
#define RX_SLOT_TWICE (1u << 30) /* has arrived more than once */
#define RX_SLOT_WHOLE (1u << 29) /* its datagram is whole, and counted */
#define RX_SLOT_ARRIVAL (RX_SLOT_WHOLE - 1)

#endif
