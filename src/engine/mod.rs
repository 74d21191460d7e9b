//! The seam between the worker and the kernel's transmit paths: a batch of slots at a time.

pub mod af_xdp;
pub mod choose;
pub mod frames;
pub mod memory;
pub mod null;
pub mod packet_mmap;
pub mod pcap;
pub mod port;
pub mod xdp_live;

use std::sync::Arc;

use crate::error::Result;
use crate::packet::program::StreamProgram;

/// One packet to send: the bytes follow from `stream` and `index` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// Index of the packet in its stream.
    pub index: u64,
    /// When it is due: nanoseconds of `CLOCK_MONOTONIC`. 0: at once (unlimited rate).
    pub due: u64,
    /// Position of the program in the worker's list.
    pub program: u32,
    /// Always 0.
    pub reserved: u32,
}

/// What an engine can do on the port that it was opened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `af-xdp`, `packet-mmap`, `xdp-live`, `pcap`, `null`.
    pub name: &'static str,
    /// What was chosen inside the engine and why, for the report: `copy mode, need-wakeup`.
    pub detail: String,
    /// Longest frame in bytes, without FCS.
    pub max_frame: usize,
    /// Slots that one call of [`Engine::transmit`] takes at most.
    pub max_batch: usize,
    /// How long before they are due slots may be handed over, in nanoseconds. 0: the engine sends
    /// at once and the worker waits. Above 0: the engine keeps the time itself.
    pub lookahead: u64,
    /// Frames reach the device without being copied.
    pub zero_copy: bool,
}

/// What an engine counted. Each is a stage of the ledger; the next never exceeds the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxCounters {
    /// Frames built.
    pub built: u64,
    /// Frames that the ring (or the live-frame call) accepted.
    pub accepted: u64,
    /// Frames that the kernel gave back as sent.
    pub completed: u64,
    /// Bytes of the completed frames, without FCS.
    pub completed_bytes: u64,
    /// Accepted frames that the kernel gave back as not sent.
    pub failed: u64,
}

/// A kernel transmit path, opened on one queue of one port, used by one worker.
pub trait Engine {
    /// What it can do here.
    fn capabilities(&self) -> &Capabilities;

    /// Builds, stamps and hands over packets in order, and returns how many of `slots` it took;
    /// 0 when the ring is full. Without slots it only offers again what the kernel had no room for.
    /// Never blocks for longer than the kernel's transmit call.
    ///
    /// # Errors
    /// When the port is gone or down, or the kernel refuses the frames for good.
    fn transmit(&mut self, slots: &[Slot]) -> Result<usize>;

    /// Waits until the kernel has given back all frames, at most `timeout_ns`.
    ///
    /// # Errors
    /// As [`Engine::transmit`]. Frames that were not given back in time are no error: the counters
    /// show them.
    fn drain(&mut self, timeout_ns: u64) -> Result<()>;

    /// The counters so far.
    fn counters(&self) -> TxCounters;

    /// Packets accepted per program so far.
    fn accepted_by_program(&self) -> &[u64];
}

/// The programs of one worker, in the order that [`Slot::program`] refers to.
pub type Programs = Arc<[Arc<StreamProgram>]>;
