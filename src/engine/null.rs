//! The ring that leads nowhere: frames are built in memory and forgotten. For tests and benches of
//! everything before the kernel.

use super::frames::FrameRing;
use super::{Capabilities, TxCounters};
use crate::error::Result;

/// A ring in plain memory whose frames are completed as soon as they are handed over.
#[derive(Debug)]
pub struct NullRing {
    capabilities: Capabilities,
    memory: Box<[u8]>,
    frames: usize,
    /// The first frame of the next batch.
    next: usize,
    counters: TxCounters,
}

impl NullRing {
    /// A ring of `frames` frames (at least 1) of `max_frame` bytes.
    pub fn new(frames: usize, max_frame: usize) -> Self {
        let frames = frames.max(1);
        Self {
            capabilities: Capabilities {
                name: "null",
                detail: "nothing is sent".to_owned(),
                max_frame,
                max_batch: frames.min(256),
                lookahead: 0,
                zero_copy: false,
            },
            memory: vec![0; frames * max_frame].into(),
            frames,
            next: 0,
            counters: TxCounters::default(),
        }
    }
}

impl FrameRing for NullRing {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn reserve(&mut self, want: usize) -> Result<usize> {
        Ok(want.min(self.frames))
    }

    fn frame(&mut self, n: usize) -> (usize, &mut [u8]) {
        let number = (self.next + n) % self.frames;
        let len = self.capabilities.max_frame;
        (number, &mut self.memory[number * len..][..len])
    }

    fn frame_count(&self) -> usize {
        self.frames
    }

    fn submit(&mut self, lens: &[u32]) -> Result<()> {
        self.next = (self.next + lens.len()) % self.frames;
        self.counters.accepted += lens.len() as u64;
        self.counters.completed += lens.len() as u64;
        self.counters.completed_bytes += lens.iter().map(|len| u64::from(*len)).sum::<u64>();
        Ok(())
    }

    fn drain(&mut self, _timeout_ns: u64) -> Result<()> {
        Ok(())
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }
}
