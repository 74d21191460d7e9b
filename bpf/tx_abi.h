/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/*
 * What user space, tx_live.bpf.c and tx_watch.bpf.c tell each other. Twins: src/packet/ir.rs (operations),
 * src/engine/mod.rs (slot), src/sys/tx_abi.rs (all of it).
 */
#ifndef WIRESTORM_TX_ABI_H
#define WIRESTORM_TX_ABI_H

#include <linux/types.h>

/* Slots of one batch at most; a power of two. */
#define WS_SLOTS 4096
#define WS_MAX_OPS 32
#define WS_MAX_CHECKSUMS 8
#define WS_MAX_LENGTHS 8
/* Operations of a program that is compiled into the eBPF program (one-stream runs). */
#define WS_INLINE_OPS 16
/* Checksums of such a program. */
#define WS_INLINE_CHECKSUMS 4
/* Frame bytes at most: what a page leaves, rounded up so that a mask bounds an offset. */
#define WS_FRAME_MASK 0xfff
/* Templates up to this many bytes are copied word by word, longer ones by the kernel's memcpy. */
#define WS_WORD_COPY 256
/* Frames that leave together (DEV_MAP_BULK_SIZE of include/net/xdp.h). */
#define WS_BULK 16
/* ws_program.tag_at of a stream without a tag. */
#define WS_NO_TAG 0xffff

enum ws_value_kind {
	WS_COUNTER = 0,
	WS_RANDOM = 1,
	WS_LIST = 2,
	WS_COUNTER_HIGH = 3,
	WS_UNIQUE = 4,
	WS_SHARES = 5,
};
/* In a kind: packet::ir::EVERY. */
#define WS_EVERY 0x80

/* Twin of engine::Slot. */
struct ws_slot {
	__u64 index;
	__u64 due;
	__u32 program;
	__u32 reserved;
};

/*
 * Twin of engine::Run: packets of one program at even distances. `index`, `due` and `remainder` are
 * those of the next packet: the program moves them on.
 */
struct ws_run {
	__u64 index;
	__u64 stride;
	__u64 due; /* 0: all at once */
	__u64 remainder;
	__u64 step;
	__u64 step_remainder;
	__u64 divisor;
	__u64 max_lag; /* slots that are later are passed over, */
	__u64 skipped; /* so many were */
	__u32 program;
	__u32 active; /* 1: the batch is this run; 0: the slots */
};

/* Twin of packet::ir::PatchOp; slot n of `sums` is the n-th checksum of the stream. */
struct ws_patch_op {
	__u8 kind;
	__u8 width;
	__u8 shift;
	__u8 sums;
	__u8 odd;
	__u8 every_shift;
	__u16 offset;
	__u64 mask;
	__u64 a;
	__u64 b;
	__u64 c;
	__u64 key;
	__u64 every;
	__u64 extra;
};

/* Twin of packet::ir::ChecksumOp. */
struct ws_checksum_op {
	__u64 base;
	__u16 offset;
	__u8 slot;
	__u8 sums;
	__u8 odd;
	__u8 zero_as_ffff;
	__u16 reserved;
};

/* packet::ir::LengthOp, padded to the stride of an array map. */
struct ws_length_op {
	__s32 addend;
	__u16 offset;
	__u8 sums;
	__u8 odd;
	__u8 write;
	__u8 reserved[7];
};

/* A stream: where its parts lie in the other maps. One cache line. */
struct ws_program {
	__u32 first_op;
	__u32 first_checksum;
	__u32 first_length;
	__u32 first_payload_sum; /* in units of four sums */
	__u8 ops;
	__u8 checksums;
	__u8 lengths;
	__u8 sized; /* 1: operation first_op + ops computes the frame length */
	__u16 len;  /* of the template */
	__u16 tag_at;
	__u64 tag_sum; /* ones' complement sum of the tag's constant part */
	__u16 payload_at;
	__u8 payload_sums;
	__u8 payload_odd;
	__u32 first_frame; /* of a capture: packet i is program first_frame + i % frames */
	__u32 frames;	   /* 0: the program itself makes every packet */
	__u32 reserved[5];
};

/*
 * Constant while the program is loaded (.rodata): the verifier removes what the streams don't use.
 */
struct ws_tx_config {
	__u32 bare;	     /* 1: nothing but the redirect, the ceiling of a measurement */
	__u32 single;	     /* 1: one program, `only`; 0: the maps */
	__u32 uses_random;
	__u32 uses_list;
	__u32 uses_size;     /* some stream's size changes from packet to packet */
	__u32 uses_tag;
	__u32 lens_differ;   /* frames are not all as long as the page's image */
	__u32 max_len;	     /* bytes of the image that every page starts with */
	__u32 checksums;     /* of one stream at most */
	__u32 widths;	     /* which window widths occur: their bitwise or */
	__u32 copy_len;	     /* bytes that are written to every page again; 8 at least */
	__u32 spin_ns;	     /* how long one run waits for a packet that is not yet due */
	__u32 uses_rare;     /* values that tx_values.h computes */
	__u32 uses_frames;   /* some stream sends the frames of a capture */
	struct ws_program only;
	__u64 only_template[WS_WORD_COPY / 8];
	__u64 only_template_end; /* its last 8 bytes that are copied */
	struct ws_patch_op only_ops[WS_INLINE_OPS + 1];
	struct ws_checksum_op only_checksums[WS_INLINE_CHECKSUMS];
	struct ws_length_op only_lengths[WS_MAX_LENGTHS];
};

/* The call and what became of it (.bss). Written by one thread at a time. */
struct ws_tx_shared {
	__u32 count;	/* slots of the call, packets of the run: set by user space */
	__u32 cursor;	/* the next one */
	__u32 left;	/* runs until the kernel's batch is over; 0: a new one begins */
	__u32 stale_at; /* `now` is not the time of a run with so few left */
	__u64 now;	/* the last reading of the clock */
	__u32 batch;	/* runs of a batch: set by user space */
	__u32 begun;	/* bulks that were begun for packets that have times */
	__u64 bytes;	/* of the frames redirected, where config.lens_differ */
	__u64 broken;	/* frames that could not be built: a fault of ours */
	__u64 refused;	/* frames for a device that is gone */
	struct ws_run run;
	struct ws_slot slots[WS_SLOTS];
};

/* Workers of a process that are watched, at most. */
#define WS_WATCHED 256

/* Constants of tx_watch.bpf.c. */
struct ws_watch_config {
	__u64 pidns_device; /* of the senders' pid namespace */
	__u64 pidns;
};

/* A worker, and what became of its redirects. Counted by its own thread only. */
struct ws_watched {
	__u32 used;    /* 1: it is somebody's */
	__u32 thread;  /* id of the thread that sends, in its pid namespace */
	__u32 ifindex; /* where to */
	__u32 netns;   /* inode number of its network namespace */
	__u64 refused; /* redirects that failed before they reached the device */
	__u64 dropped; /* frames that the device did not take */
	__s64 error;   /* of the last such failure, -errno */
};

#endif
