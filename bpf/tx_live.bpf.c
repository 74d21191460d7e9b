// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
/*
 * The transmit engine inside the kernel: every run is one packet of a live-frame batch
 * (BPF_PROG_RUN with BPF_F_TEST_XDP_LIVE_FRAMES). It takes the next slot of the batch, builds packet
 * `index` of the slot's program in the page, stamps the tag, and redirects the page to the port.
 *
 * A page comes to the first run of a call with the image that user space gave, and to later runs as
 * the last packet left it (net/bpf/test_run.c resets the pointers, not the bytes), changed by whoever
 * had it in between: a router behind a veth rewrites addresses and hop limit in this very page. So
 * the headers are written anew each time, and beyond them whatever differs between the templates.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "tx_build.h"

const volatile struct ws_tx_config config;
struct ws_tx_shared shared;

/*
 * The port. A redirect through a map finds its device by a load; bpf_redirect looks its index up in
 * the namespace's hash table for every packet.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_program);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_patch_op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_checksum_op);
} checksums SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_length_op);
} lengths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lists SEC(".maps");

/* Four 16-bit sums in an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} payload_sums SEC(".maps");

/* Per program the first config.copy_len bytes, padded to a multiple of 8. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8);
} templates SEC(".maps");

#include "tx_values.h"

struct frame {
	void *data;
	void *end;
	__u64 sums[WS_MAX_CHECKSUMS];
};

/*
 * The `width` bytes at `offset`. With a constant program the verifier knows the offset and has seen
 * that the image reaches beyond it; else each access is checked.
 */
#define WINDOW(frame, at, width, constant)                                                         \
	({                                                                                         \
		void *window = (frame)->data + ((at) & WS_FRAME_MASK);                             \
		if (!(constant) && window + (width) > (frame)->end)                                \
			return -1;                                                                 \
		window;                                                                            \
	})

/* Checksums at most: fewer sums leave more registers for the rest. */
#define MOST(constant) ((constant) ? WS_INLINE_CHECKSUMS : WS_MAX_CHECKSUMS)

ALWAYS_INLINE __u64 value_of(const volatile struct ws_patch_op *op, __u64 index)
{
	__u64 a = op->a, b = op->b;

	if (config.uses_random && op->kind == WS_RANDOM)
		return a + below(op->key, index, b);
	if (config.uses_list && op->kind == WS_LIST) {
		__u32 at = a + remainder(index, b);
		__u64 *value = bpf_map_lookup_elem(&lists, &at);

		return value ? *value + op->c : 0;
	}
	if (config.uses_rare && op->kind != WS_COUNTER) {
		/*
		 * What is constant may not be handed to a function that the verifier looks at alone.
		 * Volatile words, for the compiler takes constants for the zeros of the object file.
		 */
		const volatile __u64 *words = (const volatile __u64 *)op;
		union {
			struct ws_patch_op op;
			__u64 words[sizeof(struct ws_patch_op) / 8];
		} copy;

#pragma unroll
		for (__u32 i = 0; i < sizeof(copy) / 8; i++)
			copy.words[i] = words[i];
		return rare_value(&copy.op, index);
	}
	__u64 c = op->c;

	return a + b * (c ? remainder(index, c) : index);
}

#define REPLACE(type, swap)                                                                        \
	do {                                                                                       \
		type *window = WINDOW(frame, op->offset, sizeof(type), constant);                  \
		if (constant && (type)mask == (type)~0ull)                                         \
			*window = swap((type)bits);                                                \
		else                                                                               \
			*window = swap((swap(*window) & ~(type)mask) | (type)bits);                \
	} while (0)
#define KEEP(x) (x)

ALWAYS_INLINE int apply_op(struct frame *frame, const volatile struct ws_patch_op *op, __u64 index,
			   int constant)
{
	__u64 mask = op->mask;
	__u64 bits = (value_of(op, index) << (op->shift & 63)) & mask;
	__u8 width = op->width;

	if ((config.widths & 2) && width == 2)
		REPLACE(__u16, __builtin_bswap16);
	else if ((config.widths & 4) && width == 4)
		REPLACE(__u32, __builtin_bswap32);
	else if ((config.widths & 8) && width == 8)
		REPLACE(__u64, __builtin_bswap64);
	else if (width)
		REPLACE(__u8, KEEP);
	contribute(frame->sums, MOST(constant), config.checksums, config.widths, op->sums, op->odd, bits);
	return 0;
}

ALWAYS_INLINE int apply_length(struct frame *frame, const volatile struct ws_length_op *op,
			       __u32 len, int constant)
{
	__u16 field = len + op->addend;

	if (op->write) {
		__u16 *window = WINDOW(frame, op->offset, 2, constant);
		*window = __builtin_bswap16(field);
	}
	contribute(frame->sums, MOST(constant), config.checksums, config.widths, op->sums, op->odd, field);
	return 0;
}

ALWAYS_INLINE int apply_payload(struct frame *frame, const volatile struct ws_program *program,
				__u32 len, int constant)
{
	__u32 payload = len - program->payload_at;
	__u32 at = program->first_payload_sum + (payload >> 2);
	__u64 *four = bpf_map_lookup_elem(&payload_sums, &at);

	if (!four)
		return -1;
	contribute(frame->sums, MOST(constant), config.checksums, config.widths, program->payload_sums, program->payload_odd,
		   (*four >> ((payload & 3) * 16)) & 0xffff);
	return 0;
}

/* `slot` is a constant: the loops over checksums are unrolled. */
ALWAYS_INLINE int apply_checksum(struct frame *frame, const volatile struct ws_checksum_op *op,
				 __u32 slot, int constant)
{
	__u16 field = ~fold(frame->sums[slot] + op->base);
	__u16 *window;

	if (op->zero_as_ffff && !field)
		field = 0xffff;
	window = WINDOW(frame, op->offset, 2, constant);
	*window = __builtin_bswap16(field);
	contribute(frame->sums, MOST(constant), config.checksums, config.widths, op->sums, op->odd, field);
	return 0;
}

ALWAYS_INLINE int stamp(struct frame *frame, const volatile struct ws_program *program, __u64 index,
			__u64 now, __u64 lag, int constant)
{
	__u32 at = program->tag_at;
	__u16 code = encode_lag(lag);
	__u64 sum = program->tag_sum + (__u32)index + (__u32)now + code;
	__u16 check = ~fold(sum);
	__u8 *tag = WINDOW(frame, at, 18, constant);

	*(__u32 *)(tag + 6) = __builtin_bswap32(index);
	*(__u64 *)(tag + 10) = __builtin_bswap64(now << 32 | (__u32)code << 16 | check);
	return 0;
}

/*
 * Writes the frame of a capture: all of it, as it has little in common with the last one in the page.
 */
ALWAYS_INLINE int copy_frame(struct xdp_md *ctx, struct ws_program *frame, __u32 number)
{
	void *from = bpf_map_lookup_elem(&templates, &number);
	__u32 len = frame->len;

	if (!from || len < 14 || len > config.copy_len)
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, from, len);
}

/*
 * Writes the first config.copy_len bytes of the page anew; the last word overlaps the one before it
 * where the length is no multiple of 8.
 */
ALWAYS_INLINE int copy_template(struct xdp_md *ctx, struct frame *frame, __u32 number)
{
	const __u32 len = config.copy_len, words = len / 8;
	__u64 *from = bpf_map_lookup_elem(&templates, &number);
	__u64 *to = frame->data;

	if (!from)
		return -1;
	if (len > WS_WORD_COPY)
		return bpf_xdp_store_bytes(ctx, 0, from, len);
	if ((void *)to + len > frame->end)
		return -1;
	for (__u32 i = 0; i < WS_WORD_COPY / 8; i++) {
		if (i >= words)
			break;
		to[i] = from[i];
	}
	if (len & 7)
		*(__u64 *)((void *)to + len - 8) = *(__u64 *)((void *)from + len - 8);
	return 0;
}

#define COPY_WORD(n)                                                                               \
	if (len >= 8 * (n) + 8)                                                                    \
		to[n] = config.only_template[n];
#define COPY_FOUR_WORDS(n) COPY_WORD(n) COPY_WORD(n + 1) COPY_WORD(n + 2) COPY_WORD(n + 3)

/* The same with constants: a load and a store for each word. */
ALWAYS_INLINE int copy_only_template(struct xdp_md *ctx, struct frame *frame)
{
	const __u32 len = config.copy_len;
	__u64 *to = frame->data;

	if (len > WS_WORD_COPY)
		return copy_template(ctx, frame, 0);
	COPY_FOUR_WORDS(0)
	COPY_FOUR_WORDS(4)
	COPY_FOUR_WORDS(8)
	COPY_FOUR_WORDS(12)
	COPY_FOUR_WORDS(16)
	COPY_FOUR_WORDS(20)
	COPY_FOUR_WORDS(24)
	COPY_FOUR_WORDS(28)
	if (len & 7)
		*(__u64 *)((void *)to + len - 8) = config.only_template_end;
	return 0;
}

/* Packet `index` of the one program of the run, all of it constants. Returns its length. */
ALWAYS_INLINE int build_only(struct xdp_md *ctx, __u64 index, __u64 now, __u64 lag)
{
	struct frame frame = { .data = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	__u32 len = config.max_len;

	if (frame.data + len > frame.end || copy_only_template(ctx, &frame))
		return -1;
#pragma unroll
	for (int i = 0; i < WS_INLINE_OPS; i++) {
		if (i >= config.only.ops)
			break;
		if (apply_op(&frame, &config.only_ops[i], index, 1))
			return -1;
	}
	if (config.uses_size) {
		len = value_of(&config.only_ops[WS_INLINE_OPS], index);
		if (len > config.max_len)
			return -1;
#pragma unroll
		for (int i = 0; i < WS_MAX_LENGTHS; i++) {
			if (i >= config.only.lengths)
				break;
			if (apply_length(&frame, &config.only_lengths[i], len, 1))
				return -1;
		}
		if (config.checksums && apply_payload(&frame, &config.only, len, 1))
			return -1;
	}
#pragma unroll
	for (int i = 0; i < WS_INLINE_CHECKSUMS; i++) {
		if (i >= config.only.checksums)
			break;
		if (apply_checksum(&frame, &config.only_checksums[i], i, 1))
			return -1;
	}
	if (config.uses_tag && stamp(&frame, &config.only, index, now, lag, 1))
		return -1;
	return len;
}

/* Packet `index` of any program, out of the maps. Returns its length. */
ALWAYS_INLINE int build_any(struct xdp_md *ctx, __u32 number, __u64 index, __u64 now, __u64 lag)
{
	struct frame frame = { .data = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	struct ws_program *program = bpf_map_lookup_elem(&programs, &number);
	__u32 len, first, count;

	if (!program)
		return -1;
	if (config.uses_frames && program->frames) {
		number = program->first_frame + (__u32)remainder(index, program->frames);
		program = bpf_map_lookup_elem(&programs, &number);
		if (!program)
			return -1;
	}
	if (config.uses_frames) {
		if (copy_frame(ctx, program, number))
			return -1;
	} else if (copy_template(ctx, &frame, number)) {
		return -1;
	}
	len = program->len;
	first = program->first_op;
	count = program->ops;
	for (__u32 i = 0; i < WS_MAX_OPS; i++) {
		__u32 at = first + i;
		struct ws_patch_op *op;

		if (i >= count)
			break;
		op = bpf_map_lookup_elem(&ops, &at);
		if (!op || apply_op(&frame, op, index, 0))
			return -1;
	}
	if (config.uses_size && program->sized) {
		__u32 at = first + count;
		struct ws_patch_op *op = bpf_map_lookup_elem(&ops, &at);

		if (!op)
			return -1;
		len = value_of(op, index);
		if (len > config.max_len)
			return -1;
		for (__u32 i = 0; i < WS_MAX_LENGTHS; i++) {
			__u32 at = program->first_length + i;
			struct ws_length_op *length;

			if (i >= program->lengths)
				break;
			length = bpf_map_lookup_elem(&lengths, &at);
			if (!length || apply_length(&frame, length, len, 0))
				return -1;
		}
		if (config.checksums && apply_payload(&frame, program, len, 0))
			return -1;
	}
#pragma unroll
	for (__u32 i = 0; i < WS_MAX_CHECKSUMS; i++) {
		__u32 at = program->first_checksum + i;
		struct ws_checksum_op *checksum;

		if (i >= config.checksums || i >= program->checksums)
			break;
		checksum = bpf_map_lookup_elem(&checksums, &at);
		if (!checksum || apply_checksum(&frame, checksum, i, 0))
			return -1;
	}
	if (config.uses_tag && program->tag_at != WS_NO_TAG &&
	    stamp(&frame, program, index, now, lag, 0))
		return -1;
	return len;
}

/*
 * Counts a run of the program. Whether the last reading of the clock is its own too: the packets of
 * one bulk share one, for they leave together, and no reading lasts beyond its batch, at whose end
 * the receiver may work for long.
 */
ALWAYS_INLINE int shares_reading(void)
{
	__u32 left = shared.left;

	if (!left) {
		left = shared.batch;
		shared.stale_at = left;
	}
	shared.left = left - 1;
	return left > shared.stale_at;
}

/* `now` is the time of this run, and of the others of its bulk. */
ALWAYS_INLINE void keep_reading(__u64 now)
{
	__u32 left = shared.left;

	shared.now = now;
	shared.stale_at = left >= WS_BULK ? left + 1 - WS_BULK : 0;
}

/*
 * The time to go by for a packet that is due at `due`; below `due` if that did not come while we
 * waited. Only the first run of a bulk reads the clock and waits: the others send what is late by
 * then, so that a path which has fallen behind shares the cost of a batch among several packets.
 *
 * A long wait is given up at multiples of spin_ns before `due`, the last of them two away, so that
 * user space can tell how many runs a wait takes (src/engine/xdp_live/pacing.rs), and `due` never
 * falls between two runs.
 */
ALWAYS_INLINE __u64 wait_until(__u64 due)
{
	__u64 now, deadline;

	if (shares_reading())
		return shared.now;
	shared.begun++;
	now = bpf_ktime_get_ns();
	deadline = due;
	if (now + 2 * config.spin_ns < due)
		deadline = due - (due - now - 1) / config.spin_ns * config.spin_ns;
	for (int i = 0; i < 1024; i++) {
		if (now >= deadline)
			break;
		now = bpf_ktime_get_ns();
	}
	keep_reading(now);
	return now;
}

/* The clock for packets that are due at once, if anybody wants to know. */
ALWAYS_INLINE __u64 time_of_bulk(void)
{
	if (!config.uses_tag)
		return 0;
	if (!shares_reading())
		keep_reading(bpf_ktime_get_ns());
	return shared.now;
}

/* Goes on to the run's next slot. */
ALWAYS_INLINE void advance(struct ws_run *run)
{
	__u64 due = run->due + run->step;
	__u64 remainder = run->remainder + run->step_remainder;

	if (remainder >= run->divisor) {
		remainder -= run->divisor;
		due++;
	}
	run->due = due;
	run->remainder = remainder;
}

/* Passes over slots of the run that are too late, 64 at most. Returns how many. */
static __attribute__((noinline)) __u32 pass_over(__u64 now, __u32 left)
{
	__u64 too_late = now - shared.run.max_lag;
	__u32 skipped = 0;

	if (shared.run.max_lag > now)
		return 0;
	for (; skipped < 64; skipped++) {
		if (skipped >= left || shared.run.due >= too_late)
			break;
		advance(&shared.run);
	}
	shared.run.skipped += skipped;
	return skipped;
}

struct turn {
	__u64 index;
	__u64 now;
	__u64 lag;
	__u32 program;
};

/* Waits for a packet that is due at `due`, if it is. 0: its time has not come. */
ALWAYS_INLINE int its_time(struct turn *turn, __u64 due)
{
	turn->lag = 0;
	if (!due) {
		turn->now = time_of_bulk();
		return 1;
	}
	turn->now = wait_until(due);
	if (turn->now < due)
		return 0;
	turn->lag = turn->now - due;
	return 1;
}

/* The next packet of the run. 0: none is due, or the run is over. */
ALWAYS_INLINE int next_of_run(struct turn *turn, __u32 cursor)
{
	turn->program = shared.run.program;
	turn->index = shared.run.index;
	if (!its_time(turn, shared.run.due))
		return 0;
	if (shared.run.due) {
		if (turn->lag > shared.run.max_lag) {
			cursor += pass_over(turn->now, shared.count - cursor);
			shared.cursor = cursor;
			if (cursor >= shared.count || shared.run.due > turn->now)
				return 0;
			turn->lag = turn->now - shared.run.due;
			/* More are late than one run of the program passes over: the next goes on. */
			if (turn->lag > shared.run.max_lag)
				return 0;
		}
		advance(&shared.run);
	}
	shared.run.index = turn->index + shared.run.stride;
	shared.cursor = cursor + 1;
	return 1;
}

/* The same, of the slots. */
ALWAYS_INLINE int next_slot(struct turn *turn, __u32 cursor)
{
	struct ws_slot *slot = &shared.slots[cursor & (WS_SLOTS - 1)];

	turn->program = slot->program;
	turn->index = slot->index;
	if (!its_time(turn, slot->due))
		return 0;
	shared.cursor = cursor + 1;
	return 1;
}

ALWAYS_INLINE int next(struct turn *turn)
{
	__u32 cursor = shared.cursor;

	if (cursor >= shared.count)
		return 0;
	if (shared.run.active)
		return next_of_run(turn, cursor);
	return next_slot(turn, cursor);
}

SEC("xdp")
int tx_live(struct xdp_md *ctx)
{
	struct turn turn;
	int len;

	if (config.bare)
		return bpf_redirect_map(&port, 0, XDP_DROP);
	if (!next(&turn))
		return XDP_DROP;
	if (config.single)
		len = build_only(ctx, turn.index, turn.now, turn.lag);
	else
		len = build_any(ctx, turn.program, turn.index, turn.now, turn.lag);
	if (len < 0)
		goto broken;
	if (config.lens_differ) {
		if ((__u32)len != config.max_len &&
		    bpf_xdp_adjust_tail(ctx, len - (int)config.max_len))
			goto broken;
		shared.bytes += len;
	}
	if (bpf_redirect_map(&port, 0, XDP_DROP) == XDP_REDIRECT)
		return XDP_REDIRECT;
	/* The device is gone, and with it the map's entry. */
	shared.refused++;
	return XDP_DROP;
broken:
	shared.broken++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
