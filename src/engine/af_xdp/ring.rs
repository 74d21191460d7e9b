//! The ring: which frames are free, which the kernel's, and what came back.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::ZeroCopy;
use crate::engine::frames::FrameRing;
use crate::engine::port::{LongestFrame, Port};
use crate::engine::{Capabilities, TxCounters};
use crate::error::{Error, Result};
use crate::sys::clock;
use crate::sys::xsk::{Bind, HEADROOM, MAX_CHUNK, OpenError, XskTx};

/// Frames, and places of each ring.
const FRAMES: u32 = 512;
/// Frames of one hand-over at most.
const MAX_BATCH: usize = 32;
/// Kicks without progress of one hand-over at most.
const KICKS: u32 = 8;
/// How long to wait for a queue that is taken. The kernel lets go of a closed socket's queue in its
/// own time: once the last packet is freed, by a work queue (`xp_put_pool`).
const QUEUE_WAIT: Duration = Duration::from_millis(500);
/// Time between tries.
const QUEUE_STEP: Duration = Duration::from_millis(2);
/// Time between looks while draining.
const DRAIN_STEP: Duration = Duration::from_micros(50);

/// An AF_XDP transmit ring with its frames.
///
/// A frame is in one place at a time: on the stack of free frames, of which the topmost are the
/// reserved ones, or in the kernel's hands. The last to come back is the first to be filled again,
/// as it is the likeliest to be in the cache.
#[derive(Debug)]
pub struct AfXdpRing {
    port: Port,
    xsk: XskTx,
    capabilities: Capabilities,
    /// Free frames; it never grows beyond the number of frames.
    free: Vec<u32>,
    /// Per frame: bytes of what the kernel has; 0: it has nothing.
    in_kernel: Box<[u32]>,
    /// Frames that the device dropped, and that are yet to come back as completed.
    dropped: u64,
    invalid: u64,
    counters: TxCounters,
}

impl AfXdpRing {
    pub(super) fn open(
        interface: &str,
        queue: u32,
        longest: LongestFrame,
        zero_copy: ZeroCopy,
    ) -> Result<Self> {
        let port = Port::find(interface, queue, longest)?;
        if longest.bytes > MAX_CHUNK - HEADROOM {
            let (bytes, limit) = (longest.bytes, MAX_CHUNK - HEADROOM);
            return Err(port
                .error("open an AF_XDP socket on", format!("a frame of {bytes} bytes is too long"))
                .remedy(format!("send at most {limit} bytes, or use --engine packet-mmap")));
        }
        let open = |bind| open_patiently(interface, queue, longest.bytes, bind);
        let (xsk, mode, is_zero_copy) = match zero_copy {
            ZeroCopy::Never => (open(Bind::Copy), "copy mode".to_owned(), false),
            ZeroCopy::Require => (open(Bind::ZeroCopy), "zero-copy".to_owned(), true),
            ZeroCopy::Auto => match open(Bind::ZeroCopy) {
                Err((_, error)) if has_no_zero_copy(&error) => {
                    (open(Bind::Copy), "copy mode (the driver has no zero-copy)".to_owned(), false)
                }
                other => (other, "zero-copy".to_owned(), true),
            },
        };
        let xsk = xsk.map_err(|(step, error)| cannot_open(&port, step, &error))?;
        let mut detail = format!("{mode}, need-wakeup, {FRAMES} frames");
        if !is_zero_copy {
            detail.push_str(&format!(", {} packets a call", xsk.budget()));
        }
        let capabilities = Capabilities {
            name: "af-xdp",
            detail,
            max_frame: longest.bytes,
            max_batch: MAX_BATCH,
            lookahead: 0,
            zero_copy: is_zero_copy,
        };
        let frames = xsk.frame_count();
        Ok(Self {
            port,
            xsk,
            capabilities,
            free: (0..frames as u32).rev().collect(),
            in_kernel: vec![0; frames].into(),
            dropped: 0,
            invalid: 0,
            counters: TxCounters::default(),
        })
    }

    /// Takes completed frames back.
    #[inline]
    fn reclaim(&mut self) {
        let Self { xsk, free, in_kernel, counters, dropped, .. } = self;
        xsk.consume(|number| {
            let len = std::mem::take(&mut in_kernel[number as usize]);
            free.push(number);
            if *dropped > 0 {
                *dropped -= 1;
            } else {
                counters.completed += 1;
                counters.completed_bytes += u64::from(len);
            }
        });
    }

    /// Has the kernel take what is in the ring, and tries a few times while it has no room.
    #[inline]
    fn push(&mut self) -> Result<()> {
        let mut left = self.xsk.waiting();
        let mut idle = 0;
        while left > 0 && self.xsk.needs_kick() {
            let kicked = self.xsk.kick();
            if let Err(error) = &kicked {
                self.not_sent(error)?;
            }
            if self.capabilities.zero_copy && kicked.is_ok() {
                // The driver takes them in its own time.
                return Ok(());
            }
            let now_left = self.xsk.waiting();
            if now_left < left {
                idle = 0;
            } else {
                idle += 1;
                if idle == KICKS {
                    return Ok(());
                }
                // The completion ring may be what is full.
                self.reclaim();
                for _ in 0..16 << idle {
                    std::hint::spin_loop();
                }
            }
            left = now_left;
        }
        Ok(())
    }

    /// After a kick that failed: nothing, where the remaining frames go with a later one.
    #[cold]
    fn not_sent(&mut self, error: &io::Error) -> Result<()> {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR) => Ok(()),
            Some(libc::EBUSY) => {
                // The frame was freed within the call, so of the frames that came back it is the
                // last but for those that another CPU gave back since.
                self.counters.failed += 1;
                self.reclaim_with_dropped();
                self.port.check_carrier()
            }
            _ => Err(self.port.refused(error)),
        }
    }

    /// Takes completed frames back, of which the last one was dropped.
    fn reclaim_with_dropped(&mut self) {
        let Self { xsk, free, in_kernel, counters, dropped, .. } = self;
        let mut last = None;
        xsk.consume(|number| {
            let len = std::mem::take(&mut in_kernel[number as usize]);
            free.push(number);
            counters.completed += 1;
            counters.completed_bytes += u64::from(len);
            last = Some(len);
        });
        match last {
            Some(len) => {
                counters.completed -= 1;
                counters.completed_bytes -= u64::from(len);
            }
            None => *dropped += 1,
        }
    }

    fn in_flight(&self) -> usize {
        self.in_kernel.len() - self.free.len() - self.invalid as usize
    }

    /// Counts descriptors that the kernel threw away: those frames never come back.
    fn count_invalid(&mut self) {
        if let Ok(invalid) = self.xsk.invalid_descriptors() {
            self.counters.failed += invalid - self.invalid;
            self.invalid = invalid;
        }
    }
}

impl FrameRing for AfXdpRing {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    #[inline]
    fn reserve(&mut self, want: usize) -> Result<usize> {
        self.reclaim();
        if want == 0 || self.free.len() < want {
            self.push()?;
            self.reclaim();
        }
        Ok(want.min(self.free.len()))
    }

    #[inline(always)]
    fn frame(&mut self, n: usize) -> (usize, &mut [u8]) {
        let number = self.free[self.free.len() - 1 - n] as usize;
        (number, self.xsk.frame(number))
    }

    fn frame_count(&self) -> usize {
        self.in_kernel.len()
    }

    #[inline]
    fn submit(&mut self, lens: &[u32]) -> Result<()> {
        let left = self.free.len() - lens.len();
        let taken = &self.free[left..];
        for (&number, &len) in taken.iter().rev().zip(lens) {
            self.in_kernel[number as usize] = len;
        }
        self.xsk.produce(taken.iter().rev().copied(), lens);
        self.free.truncate(left);
        self.counters.accepted += lens.len() as u64;
        self.push()
    }

    fn drain(&mut self, timeout_ns: u64) -> Result<()> {
        let deadline = clock::now().saturating_add(timeout_ns);
        loop {
            self.push()?;
            self.reclaim();
            self.count_invalid();
            if self.in_flight() == 0 || clock::now() >= deadline {
                return Ok(());
            }
            thread::sleep(DRAIN_STEP);
        }
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }
}

/// Opens a socket, and waits a little where the queue is taken.
fn open_patiently(
    interface: &str,
    queue: u32,
    max_frame: usize,
    bind: Bind,
) -> std::result::Result<XskTx, OpenError> {
    let deadline = Instant::now() + QUEUE_WAIT;
    loop {
        match XskTx::open(interface, queue, FRAMES, max_frame, bind) {
            Err((_, error))
                if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < deadline =>
            {
                thread::sleep(QUEUE_STEP);
            }
            other => return other,
        }
    }
}

/// Errors by which drivers and the kernel say that they have no zero-copy for this queue
/// (`xp_assign_dev` in net/xdp/xsk_buff_pool.c).
fn has_no_zero_copy(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOSYS))
}

fn cannot_open(port: &Port, step: &'static str, error: &io::Error) -> Error {
    let told = Error::new(step, port.subject(), error);
    match error.raw_os_error() {
        Some(libc::EBUSY) => told.remedy(
            "another AF_XDP socket has this queue: stop its program, use another queue, or \
             use --engine packet-mmap",
        ),
        Some(libc::EPERM | libc::EACCES) => {
            told.remedy("run as root, or with CAP_NET_RAW in the interface's network namespace")
        }
        Some(libc::ENOBUFS | libc::ENOMEM) => told.remedy(
            "the memory-lock limit is too small: raise `ulimit -l`, run with CAP_IPC_LOCK, or use \
             fewer workers",
        ),
        Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EAFNOSUPPORT | libc::EINVAL) => {
            told.remedy("use --engine packet-mmap, which works on every device")
        }
        _ => told,
    }
}
