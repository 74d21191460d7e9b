//! `memory`: a ring over plain memory, where a value of the test's choice plays the kernel: it takes
//! frames or has no room, gives them back late and out of order, fails them, or takes the port away.
//! So the loop above the rings runs, and can be broken, without privilege and without a clock.

use std::thread;
use std::time::Duration;

use super::frames::FrameRing;
use super::{Capabilities, TxCounters};
use crate::error::{Error, Result};
use crate::sys::clock;

/// What the kernel does with a frame that it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Sends it and gives it back at once.
    Sent,
    /// Gives it back at once, not sent.
    Dropped,
    /// Keeps it until [`Kernel::give_back`] says otherwise.
    Held,
    /// Has no room: the frame is offered again at the next kick, as are those behind it.
    NoRoom,
    /// The port is gone: this and every later kick is an error.
    Gone,
}

/// The kernel's side of a [`MemoryRing`].
pub trait Kernel {
    /// A frame is offered, in the order of the hand-over.
    fn take(&mut self, frame: &[u8]) -> Fate;

    /// Asked over and over until None: which of the `held` frames, by its place in the order of
    /// taking, comes back now, and whether it was sent.
    fn give_back(&mut self, held: usize) -> Option<(usize, bool)>;
}

/// Sends everything at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink;

impl Kernel for Sink {
    #[inline]
    fn take(&mut self, _frame: &[u8]) -> Fate {
        Fate::Sent
    }

    #[inline]
    fn give_back(&mut self, _held: usize) -> Option<(usize, bool)> {
        None
    }
}

/// A ring of frames in plain memory. Allocates only when it is made.
#[derive(Debug)]
pub struct MemoryRing<K> {
    kernel: K,
    capabilities: Capabilities,
    memory: Box<[u8]>,
    max_frame: usize,
    /// Per frame, the bytes that were handed over.
    lens: Box<[u32]>,
    /// Free frames; the topmost are the reserved ones. None of the lists outgrows the ring.
    free: Vec<usize>,
    /// Handed over, not yet taken.
    waiting: Vec<usize>,
    /// Taken, not yet given back.
    held: Vec<usize>,
    gone: bool,
    counters: TxCounters,
}

impl<K: Kernel> MemoryRing<K> {
    /// A ring of `frames` frames of `max_frame` bytes, which hands over `max_batch` at a time. The
    /// memory is filled with 0xa5, so that bytes that nobody wrote show.
    pub fn new(kernel: K, frames: usize, max_frame: usize, max_batch: usize) -> Self {
        Self {
            kernel,
            capabilities: Capabilities {
                name: "memory",
                detail: format!("{frames} frames in memory"),
                max_frame,
                max_batch,
                lookahead: 0,
                zero_copy: false,
            },
            memory: vec![0xa5; frames * max_frame].into(),
            max_frame,
            lens: vec![0; frames].into(),
            free: (0..frames).rev().collect(),
            waiting: Vec::with_capacity(frames),
            held: Vec::with_capacity(frames),
            gone: false,
            counters: TxCounters::default(),
        }
    }

    /// The kernel's side.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// The kernel's side, to tell it what to do next.
    pub fn kernel_mut(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// The kernel's side, after the run.
    pub fn into_kernel(self) -> K {
        self.kernel
    }

    /// Offers what waits to the kernel.
    fn kick(&mut self) -> Result<()> {
        let mut taken = 0;
        for &number in &self.waiting {
            let start = number * self.max_frame;
            let len = self.lens[number];
            let fate = match self.gone {
                true => Fate::Gone,
                false => self.kernel.take(&self.memory[start..start + len as usize]),
            };
            match fate {
                Fate::Sent | Fate::Dropped => {
                    count(&mut self.counters, len, fate == Fate::Sent);
                    self.free.push(number);
                }
                Fate::Held => self.held.push(number),
                Fate::NoRoom => break,
                Fate::Gone => {
                    self.gone = true;
                    break;
                }
            }
            taken += 1;
        }
        self.waiting.drain(..taken);
        if self.gone {
            return Err(Error::new("send on", "memory", "the interface was removed"));
        }
        Ok(())
    }

    /// Takes back what the kernel gives back.
    fn reclaim(&mut self) {
        while !self.held.is_empty() {
            let Some((place, sent)) = self.kernel.give_back(self.held.len()) else { break };
            let number = self.held.remove(place);
            count(&mut self.counters, self.lens[number], sent);
            self.free.push(number);
        }
    }
}

fn count(counters: &mut TxCounters, len: u32, sent: bool) {
    if sent {
        counters.completed += 1;
        counters.completed_bytes += u64::from(len);
    } else {
        counters.failed += 1;
    }
}

impl<K: Kernel> FrameRing for MemoryRing<K> {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn reserve(&mut self, want: usize) -> Result<usize> {
        self.reclaim();
        if (want == 0 || self.free.len() < want) && !self.waiting.is_empty() {
            self.kick()?;
        }
        Ok(want.min(self.free.len()))
    }

    fn frame(&mut self, n: usize) -> (usize, &mut [u8]) {
        let number = self.free[self.free.len() - 1 - n];
        let start = number * self.max_frame;
        (number, &mut self.memory[start..start + self.max_frame])
    }

    fn frame_count(&self) -> usize {
        self.lens.len()
    }

    fn submit(&mut self, lens: &[u32]) -> Result<()> {
        for &len in lens {
            if let Some(number) = self.free.pop() {
                self.lens[number] = len;
                self.waiting.push(number);
            }
        }
        self.counters.accepted += lens.len() as u64;
        self.kick()
    }

    fn drain(&mut self, timeout_ns: u64) -> Result<()> {
        let deadline = clock::now().saturating_add(timeout_ns);
        loop {
            self.kick()?;
            self.reclaim();
            let in_flight = self.waiting.len() + self.held.len();
            if in_flight == 0 || clock::now() >= deadline {
                return Ok(());
            }
            thread::sleep(Duration::from_micros(50));
        }
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }
}
