//! The ring: which slots are ours, which the kernel's.

use std::io;
use std::thread;
use std::time::Duration;

use crate::engine::frames::FrameRing;
use crate::engine::port::{LongestFrame, Port};
use crate::engine::{Capabilities, TxCounters};
use crate::error::{Error, Result};
use crate::sys::clock;
use crate::sys::packet::{PacketTxRing, SlotState};

/// Slots of a ring: enough that the kernel always has work, few enough to stay in the cache.
const SLOTS: usize = 512;
/// Frames of one hand-over at most.
const MAX_BATCH: usize = 32;
/// Bytes that may wait in the kernel: more than all slots' packets take, so that the ring is the
/// limit.
const SEND_BUFFER: i32 = 16 << 20;
/// Kicks of one hand-over at most, while the device has no room.
const KICKS: u32 = 8;
/// Time between looks while draining.
const DRAIN_STEP: Duration = Duration::from_micros(50);

/// A TPACKET_V3 transmit ring. Slots are filled, sent and given back in order:
///
/// ```text
///          tail                     next
///  ... free | in the kernel's hands  | reserved, free ...
/// ```
#[derive(Debug)]
pub struct PacketMmapRing {
    port: Port,
    ring: PacketTxRing,
    capabilities: Capabilities,
    /// Per slot: bytes of the frame that the kernel has; 0: none, or already counted.
    in_kernel: Box<[u32]>,
    next: usize,
    in_flight: usize,
    counters: TxCounters,
}

impl PacketMmapRing {
    pub(super) fn open(interface: &str, queue: u32, longest: LongestFrame) -> Result<Self> {
        let port = Port::find(interface, queue, longest)?;
        if longest.bytes > usize::from(u16::MAX) {
            return Err(port
                .error("send on", format!("a frame of {} bytes is too long", longest.bytes))
                .remedy("send frames of at most 65535 bytes"));
        }
        let ring = PacketTxRing::open(port.index(), SLOTS, longest.bytes)
            .map_err(|(step, error)| cannot_open(&port, step, &error))?;
        ring.set_send_buffer(SEND_BUFFER);
        let slots = ring.slots();
        let capabilities = Capabilities {
            name: "packet-mmap",
            detail: format!("TPACKET_V3, qdisc bypassed, {slots} slots, queue by CPU"),
            max_frame: longest.bytes,
            max_batch: MAX_BATCH,
            lookahead: 0,
            zero_copy: false,
        };
        Ok(Self {
            port,
            ring,
            capabilities,
            in_kernel: vec![0; slots].into(),
            next: 0,
            in_flight: 0,
            counters: TxCounters::default(),
        })
    }

    /// Takes slots back that the kernel gave back, in order.
    #[inline]
    fn reclaim(&mut self) {
        let mask = self.in_kernel.len() - 1;
        while self.in_flight > 0 {
            let slot = self.next.wrapping_sub(self.in_flight) & mask;
            if self.ring.state(slot) != SlotState::Available {
                break;
            }
            self.complete(slot);
            self.in_flight -= 1;
        }
    }

    #[inline(always)]
    fn complete(&mut self, slot: usize) {
        let len = std::mem::take(&mut self.in_kernel[slot]);
        self.counters.completed += u64::from(len != 0);
        self.counters.completed_bytes += u64::from(len);
    }

    /// Whether the kernel has not yet looked at the last slot that was handed over.
    #[inline]
    fn waiting(&self) -> bool {
        let last = self.next.wrapping_sub(1) & (self.in_kernel.len() - 1);
        self.in_flight > 0 && self.ring.state(last) == SlotState::Waiting
    }

    /// Has the kernel send what waits, and tries a few times while it has no room.
    #[inline]
    fn push(&mut self) -> Result<()> {
        for attempt in 0..KICKS {
            if let Err(error) = self.ring.kick() {
                self.not_sent(&error)?;
            }
            if !self.waiting() {
                return Ok(());
            }
            for _ in 0..16 << attempt {
                std::hint::spin_loop();
            }
        }
        Ok(())
    }

    /// After a kick that failed: nothing, where the same frames go with a later one.
    #[cold]
    fn not_sent(&mut self, error: &io::Error) -> Result<()> {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => Ok(()),
            Some(libc::ENOBUFS) => self.port.check_carrier(),
            _ => {
                self.count_refused();
                Err(self.port.refused(error))
            }
        }
    }

    /// Counts slots that the kernel refused.
    fn count_refused(&mut self) {
        for slot in 0..self.in_kernel.len() {
            if self.in_kernel[slot] != 0 && self.ring.state(slot) == SlotState::Refused {
                self.in_kernel[slot] = 0;
                self.counters.failed += 1;
            }
        }
    }

    /// Counts what came back behind a slot that did not.
    fn count_out_of_order(&mut self) {
        for slot in 0..self.in_kernel.len() {
            if self.in_kernel[slot] != 0 && self.ring.state(slot) == SlotState::Available {
                self.complete(slot);
            }
        }
    }
}

impl FrameRing for PacketMmapRing {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    #[inline]
    fn reserve(&mut self, want: usize) -> Result<usize> {
        self.reclaim();
        let slots = self.in_kernel.len();
        if (want == 0 || self.in_flight + want > slots) && self.waiting() {
            self.push()?;
            self.reclaim();
        }
        Ok(want.min(slots - self.in_flight))
    }

    #[inline(always)]
    fn frame(&mut self, n: usize) -> (usize, &mut [u8]) {
        let slot = (self.next + n) & (self.in_kernel.len() - 1);
        (slot, self.ring.frame(slot))
    }

    fn frame_count(&self) -> usize {
        self.in_kernel.len()
    }

    #[inline]
    fn submit(&mut self, lens: &[u32]) -> Result<()> {
        let mask = self.in_kernel.len() - 1;
        for (n, &len) in lens.iter().enumerate() {
            let slot = (self.next + n) & mask;
            self.in_kernel[slot] = len;
            self.ring.hand_over(slot, len);
        }
        self.next = (self.next + lens.len()) & mask;
        self.in_flight += lens.len();
        self.counters.accepted += lens.len() as u64;
        self.push()
    }

    fn drain(&mut self, timeout_ns: u64) -> Result<()> {
        let deadline = clock::now().saturating_add(timeout_ns);
        loop {
            if self.waiting() {
                self.push()?;
            }
            self.reclaim();
            if self.in_flight == 0 || clock::now() >= deadline {
                self.count_out_of_order();
                return Ok(());
            }
            thread::sleep(DRAIN_STEP);
        }
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }
}

fn cannot_open(port: &Port, step: &'static str, error: &io::Error) -> Error {
    let told = Error::new(step, port.interface(), error);
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            told.remedy("run as root, or with CAP_NET_RAW in the interface's network namespace")
        }
        Some(libc::ENOMEM | libc::ENOBUFS) => told.remedy("free memory, or use fewer workers"),
        _ => told,
    }
}
