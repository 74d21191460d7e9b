//! The seam between the worker and the kernel's transmit paths: a batch of slots at a time.

pub mod af_xdp;
pub mod choose;
pub mod frames;
pub mod memory;
pub mod null;
pub mod packet_mmap;
pub mod pcap;
pub mod port;
pub mod raw;
pub mod support;
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

/// Packets of one stream at even distances: the slots that a [`Schedule`](crate::pace::Schedule)
/// would hand out one after the other, in one piece.
///
/// Packet n has index `index + n * stride` and is due at
/// `due + floor((remainder + n * (step * divisor + step_remainder)) / divisor)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Position of the program in the worker's list.
    pub program: u32,
    /// How many packets. At least 1.
    pub count: u64,
    /// Index of the first.
    pub index: u64,
    /// From one index to the next.
    pub stride: u64,
    /// When the first is due: nanoseconds of `CLOCK_MONOTONIC`. 0: all at once, without steps.
    pub due: u64,
    /// What it is due later than that, in parts of a nanosecond: over `divisor`, below it.
    pub remainder: u64,
    /// Whole nanoseconds from one packet to the next.
    pub step: u64,
    /// What is left over of that, over `divisor`, below it.
    pub step_remainder: u64,
    /// At least 1.
    pub divisor: u64,
    /// Packets that would leave later than this after they are due are passed over: their slots
    /// are used up, their indices are the next ones'. In nanoseconds.
    pub max_lag: u64,
}

/// What became of the first slots of a run; the others are still to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTaken {
    /// Packets that the engine took.
    pub sent: u64,
    /// Slots that it passed over, too late.
    pub skipped: u64,
}

impl Run {
    /// The slot of packet `n`.
    pub fn slot(&self, n: u64) -> Slot {
        let due = match self.due {
            0 => 0,
            due => {
                let step = u128::from(self.step) * u128::from(self.divisor)
                    + u128::from(self.step_remainder);
                let after = u128::from(self.remainder) + u128::from(n) * step;
                due + (after / u128::from(self.divisor)) as u64
            }
        };
        Slot { index: self.index + n * self.stride, due, program: self.program, reserved: 0 }
    }
}

/// What an engine can do on the port that it was opened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `af-xdp`, `packet-mmap`, `raw`, `xdp-live`, `pcap`, `null`.
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

    /// Packets that one call of [`Engine::transmit_run`] should be given at most; it may change from
    /// call to call. 0: the engine has no use for runs.
    fn max_run(&self) -> u64 {
        0
    }

    /// As [`Engine::transmit`], for a run of slots.
    ///
    /// # Errors
    /// As [`Engine::transmit`].
    fn transmit_run(&mut self, run: &Run) -> Result<RunTaken> {
        let mut slots = [Slot::default(); 64];
        let count = run.count.min(slots.len() as u64) as usize;
        for (n, slot) in slots[..count].iter_mut().enumerate() {
            *slot = run.slot(n as u64);
        }
        self.transmit(&slots[..count]).map(|taken| RunTaken { sent: taken as u64, skipped: 0 })
    }

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
