//! What the transmit engine in the kernel and user space tell each other: the twins of
//! `bpf/tx_abi.h`.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

use super::bpf_map::SharedMemory;
use super::pod::Pod;
use crate::packet::ir::{ChecksumOp, MAX_LENGTHS, PatchOp};

/// Slots of one batch at most (`WS_SLOTS`).
pub const MAX_SLOTS: usize = 4096;
/// Operations of a program that is compiled into the eBPF program (`WS_INLINE_OPS`).
pub const INLINE_OPS: usize = 16;
/// Checksums of such a program (`WS_INLINE_CHECKSUMS`).
pub const INLINE_CHECKSUMS: usize = 4;
/// Templates up to this many bytes are copied word by word (`WS_WORD_COPY`).
pub const WORD_COPY: usize = 256;
/// Frames that leave together (`WS_BULK`).
pub const BULK: u32 = 16;
/// `tag_at` of a stream without a tag (`WS_NO_TAG`).
pub const NO_TAG: u16 = 0xffff;

/// A length operation (`struct ws_length_op`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "the fields are packet::ir::LengthOp's")]
pub struct LiveLength {
    pub addend: i32,
    pub offset: u16,
    pub sums: u8,
    pub odd: u8,
    pub write: u8,
    pub reserved: [u8; 7],
}

/// A stream: where its parts lie in the maps (`struct ws_program`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct LiveProgram {
    /// Its first operation.
    pub first_op: u32,
    /// Its first checksum.
    pub first_checksum: u32,
    /// Its first length field.
    pub first_length: u32,
    /// Its payload sums, in units of four.
    pub first_payload_sum: u32,
    /// Number of operations.
    pub ops: u8,
    /// Number of checksums.
    pub checksums: u8,
    /// Number of length fields.
    pub lengths: u8,
    /// 1: the operation after the last one computes the frame length.
    pub sized: u8,
    /// Bytes of the template.
    pub len: u16,
    /// Offset of the tag, or [`NO_TAG`].
    pub tag_at: u16,
    /// Ones' complement sum of the tag's constant part.
    pub tag_sum: u64,
    /// First byte after headers and tag.
    pub payload_at: u16,
    /// Checksum slots that cover the payload.
    pub payload_sums: u8,
    /// Of those, the ones at an odd distance.
    pub payload_odd: u8,
    /// Of a stream that sends the frames of a capture: the program of the first.
    pub first_frame: u32,
    /// How many they are; 0: the program itself makes every packet.
    pub frames: u32,
    /// Always 0.
    pub reserved: [u32; 5],
}

/// What is constant while the eBPF program is loaded (`struct ws_tx_config`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "bpf/tx_abi.h says what the fields mean")]
pub struct TxConfig {
    pub bare: u32,
    pub single: u32,
    pub uses_random: u32,
    pub uses_list: u32,
    pub uses_size: u32,
    pub uses_tag: u32,
    pub lens_differ: u32,
    pub max_len: u32,
    pub checksums: u32,
    pub widths: u32,
    pub copy_len: u32,
    pub spin_ns: u32,
    pub uses_rare: u32,
    pub uses_frames: u32,
    pub only: LiveProgram,
    pub only_template: [u64; WORD_COPY / 8],
    pub only_template_end: u64,
    pub only_ops: [PatchOp; INLINE_OPS + 1],
    pub only_checksums: [ChecksumOp; INLINE_CHECKSUMS],
    pub only_lengths: [LiveLength; MAX_LENGTHS],
}

/// A slot of the call (`struct ws_slot`, twin of `engine::Slot`).
#[derive(Debug)]
#[repr(C)]
pub struct SharedSlot {
    /// Index of the packet in its stream.
    pub index: AtomicU64,
    /// When it is due; 0: at once.
    pub due: AtomicU64,
    /// Position of the program.
    pub program: AtomicU32,
    /// Unused.
    pub reserved: AtomicU32,
}

/// The run that the call is for (`struct ws_run`, twin of `engine::Run`).
#[derive(Debug)]
#[repr(C)]
#[allow(missing_docs, reason = "engine::Run says what the fields mean")]
pub struct SharedRun {
    /// Of the next packet.
    pub index: AtomicU64,
    pub stride: AtomicU64,
    /// Of the next packet; 0: at once.
    pub due: AtomicU64,
    /// Of the next packet.
    pub remainder: AtomicU64,
    pub step: AtomicU64,
    pub step_remainder: AtomicU64,
    pub divisor: AtomicU64,
    pub max_lag: AtomicU64,
    /// Slots that were passed over.
    pub skipped: AtomicU64,
    pub program: AtomicU32,
    /// 1: the call is for this run; 0: for the slots.
    pub active: AtomicU32,
}

/// The call and what became of it (`struct ws_tx_shared`).
#[derive(Debug)]
#[repr(C)]
pub struct TxShared {
    /// Slots of the call, or packets of the run.
    pub count: AtomicU32,
    /// The next of them.
    pub cursor: AtomicU32,
    /// Runs of the program until the kernel's batch is over; 0: a new one begins.
    pub left: AtomicU32,
    /// `now` is not the time of a run that has so few left.
    pub stale_at: AtomicU32,
    /// The clock, as last read.
    pub now: AtomicU64,
    /// Runs of a batch.
    pub batch: AtomicU32,
    /// Bulks that were begun for packets that have times.
    pub begun: AtomicU32,
    /// Bytes of the frames that were redirected, where frames differ in length.
    pub bytes: AtomicU64,
    /// Frames that could not be built.
    pub broken: AtomicU64,
    /// Frames for a device that is gone.
    pub refused: AtomicU64,
    /// The call, where it is for a run;
    pub run: SharedRun,
    /// where it is not.
    pub slots: [SharedSlot; MAX_SLOTS],
}

/// Workers of a process that are watched, at most (`WS_WATCHED`).
pub const WATCHED: usize = 256;

/// Constants of the programs that watch (`struct ws_watch_config`).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct WatchConfig {
    /// Device of the process's pid namespace.
    pub pidns_device: u64,
    /// Its inode number.
    pub pidns: u64,
}

/// A worker, and what became of its redirects (`struct ws_watched`).
#[derive(Debug)]
#[repr(C)]
pub struct Watched {
    /// 1: it is somebody's.
    pub used: AtomicU32,
    /// Id of the thread that sends.
    pub thread: AtomicU32,
    /// The interface that it sends to.
    pub ifindex: AtomicU32,
    /// Inode number of its network namespace.
    pub netns: AtomicU32,
    /// Redirects that failed before they reached the device.
    pub refused: AtomicU64,
    /// Frames that the device did not take.
    pub dropped: AtomicU64,
    /// The last such failure: -errno.
    pub error: AtomicI64,
}

// SAFETY: atomics only, without padding: sizes are asserted below.
unsafe impl SharedMemory for TxShared {}
// SAFETY: as above.
unsafe impl SharedMemory for [Watched; WATCHED] {}
// SAFETY: integers only.
unsafe impl Pod for WatchConfig {}
// SAFETY: integers only, without padding: sizes are asserted below.
unsafe impl Pod for PatchOp {}
// SAFETY: as above.
unsafe impl Pod for ChecksumOp {}
// SAFETY: as above.
unsafe impl Pod for LiveLength {}
// SAFETY: as above.
unsafe impl Pod for LiveProgram {}
// SAFETY: as above.
unsafe impl Pod for TxConfig {}

const _: () = {
    assert!(size_of::<LiveLength>() == 16);
    assert!(size_of::<LiveProgram>() == 64);
    assert!(
        size_of::<TxConfig>() == 56 + 64 + WORD_COPY + 8 + (INLINE_OPS + 1) * 64 + 4 * 16 + 8 * 16
    );
    assert!(size_of::<SharedSlot>() == 24);
    assert!(size_of::<SharedRun>() == 80);
    assert!(size_of::<Watched>() == 40);
    assert!(size_of::<TxShared>() == 56 + 80 + MAX_SLOTS * 24);
};
