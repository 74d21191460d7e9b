//! What all engines share whose frames are filled in user space: build, stamp, hand over.
//!
//! A ring knows nothing of packets, and [`FrameEngine`] nothing of rings, so the same loop runs over
//! AF_XDP, PACKET_MMAP, raw sockets, or plain memory in tests.

use super::{Capabilities, Engine, Programs, Slot, TxCounters};
use crate::error::Result;
use crate::sys::clock::Clock;

/// A ring of frames that is filled in order.
pub trait FrameRing {
    /// What it can do here.
    fn capabilities(&self) -> &Capabilities;

    /// Frames, out of `want`, that can be filled now. Takes back what the kernel has completed. A
    /// `want` of 0 only offers again what the kernel had no room for.
    ///
    /// # Errors
    /// When the port is gone.
    fn reserve(&mut self, want: usize) -> Result<usize>;

    /// The `n`-th reserved frame: its memory, and a number below [`FrameRing::frame_count`] that
    /// names that memory for as long as the ring lives.
    fn frame(&mut self, n: usize) -> (usize, &mut [u8]);

    /// Number of distinct frames.
    fn frame_count(&self) -> usize;

    /// Hands over the first `lens.len()` reserved frames, with their lengths, and kicks the kernel.
    ///
    /// # Errors
    /// When the port is gone or down.
    fn submit(&mut self, lens: &[u32]) -> Result<()>;

    /// Waits until all frames are given back, at most `timeout_ns`.
    ///
    /// # Errors
    /// When the port is gone.
    fn drain(&mut self, timeout_ns: u64) -> Result<()>;

    /// Frames handed over, completed, failed, and bytes completed.
    fn counters(&self) -> TxCounters;
}

/// An [`Engine`] over a [`FrameRing`].
pub struct FrameEngine<R, C> {
    ring: R,
    clock: C,
    programs: Programs,
    /// Per frame, one more than the program whose packet it holds; 0: none.
    holds: Box<[u32]>,
    lens: Box<[u32]>,
    by_program: Box<[u64]>,
    built: u64,
}

impl<R: FrameRing, C: Clock> FrameEngine<R, C> {
    /// Joins a ring with the programs of a worker.
    pub fn new(ring: R, clock: C, programs: Programs) -> Self {
        let max_batch = ring.capabilities().max_batch;
        Self {
            holds: vec![0; ring.frame_count()].into(),
            lens: vec![0; max_batch].into(),
            by_program: vec![0; programs.len()].into(),
            built: 0,
            ring,
            clock,
            programs,
        }
    }

    /// The ring.
    pub fn ring(&self) -> &R {
        &self.ring
    }

    /// The ring, to reach what plays the kernel in it.
    pub fn ring_mut(&mut self) -> &mut R {
        &mut self.ring
    }

    /// The ring, to give it back.
    pub fn into_ring(self) -> R {
        self.ring
    }
}

impl<R: FrameRing, C: Clock> Engine for FrameEngine<R, C> {
    fn capabilities(&self) -> &Capabilities {
        self.ring.capabilities()
    }

    #[inline]
    fn transmit(&mut self, slots: &[Slot]) -> Result<usize> {
        let want = slots.len().min(self.lens.len());
        let room = self.ring.reserve(want)?;
        if room == 0 {
            return Ok(0);
        }
        let slots = &slots[..room];
        for (n, slot) in slots.iter().enumerate() {
            let program = &*self.programs[slot.program as usize];
            let (number, frame) = self.ring.frame(n);
            let holds = &mut self.holds[number];
            let len = program.build(slot.index, frame, *holds == slot.program + 1);
            *holds = slot.program + 1;
            self.lens[n] = len as u32;
            self.by_program[slot.program as usize] += 1;
        }
        // The frames of a batch are handed over at one moment, so one look at the clock is as true
        // as one for each, and it would cost more than a frame's building.
        let now = self.clock.now();
        for (n, slot) in slots.iter().enumerate() {
            let program = &*self.programs[slot.program as usize];
            let lag = if slot.due == 0 { 0 } else { now.saturating_sub(slot.due) };
            let (_, frame) = self.ring.frame(n);
            program.stamp(slot.index, frame, now, lag);
        }
        self.built += room as u64;
        self.ring.submit(&self.lens[..room])?;
        Ok(room)
    }

    fn drain(&mut self, timeout_ns: u64) -> Result<()> {
        self.ring.drain(timeout_ns)
    }

    fn counters(&self) -> TxCounters {
        TxCounters { built: self.built, ..self.ring.counters() }
    }

    fn accepted_by_program(&self) -> &[u64] {
        &self.by_program
    }
}
