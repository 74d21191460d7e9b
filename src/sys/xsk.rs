//! An AF_XDP socket that only sends, over xsk-rs. The unsafe part of xsk-rs' interface ends here:
//! frames are named by numbers below [`XskTx::frame_count`], and who holds which is the business of
//! the caller ([`crate::engine::af_xdp`]).

use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;

use xsk_rs::config::{
    BindFlags, FrameSize, Interface, LibxdpFlags, QueueSize, SocketConfig, UmemConfig,
};
use xsk_rs::{CompQueue, FillQueue, FrameDesc, RxQueue, Socket, TxQueue, Umem};

/// `XDP_MAX_TX_SKB_BUDGET` (linux/if_xdp.h, kernel 6.17): packets that one call sends in copy mode.
const XDP_MAX_TX_SKB_BUDGET: libc::c_int = 9;
/// `TX_BATCH_SIZE` (net/xdp/xsk.c): what that is otherwise.
const TX_BATCH_SIZE: u32 = 32;
/// A frame begins this far into its chunk: room that an XDP program may grow a packet into. xsk-rs
/// leaves it free in every chunk.
pub const HEADROOM: usize = 256;
/// The largest chunk that the kernel takes: a page.
pub const MAX_CHUNK: usize = 4096;

/// How frames reach the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// The device reads the frames themselves.
    ZeroCopy,
    /// The kernel copies each frame into a packet.
    Copy,
}

/// The step of opening that failed, and why.
pub type OpenError = (&'static str, io::Error);

/// An AF_XDP socket on one queue of one device, with frames of its own.
#[derive(Debug)]
pub struct XskTx {
    /// Per frame its descriptor.
    descs: Box<[FrameDesc]>,
    /// Per frame its first byte.
    starts: Box<[NonNull<u8>]>,
    /// Room for a batch of descriptors, to or from a ring.
    batch: Box<[FrameDesc]>,
    chunk: usize,
    max_frame: usize,
    budget: u32,
    tx: TxQueue,
    comp: CompQueue,
    // Never used, but the kernel's rings live as long as these; they go before the memory.
    _rx: RxQueue,
    _fill: FillQueue,
    umem: Umem,
}

// SAFETY: the pointers are into `umem`, which goes with them and may change threads itself.
unsafe impl Send for XskTx {}

impl XskTx {
    /// Opens a socket in the namespace of the calling thread. No XDP program is put on the device.
    /// `frames` is a power of two.
    ///
    /// # Errors
    /// `EBUSY`: another socket has the queue; `EOPNOTSUPP`: no zero-copy; `ENOBUFS`: the memory-lock
    /// limit; `EPERM` without CAP_NET_RAW; `EINVAL`: no such queue.
    pub fn open(
        interface: &str,
        queue: u32,
        frames: u32,
        max_frame: usize,
        bind: Bind,
    ) -> Result<Self, OpenError> {
        let chunk = (HEADROOM + max_frame).next_power_of_two().max(2048);
        let invalid = |error: &dyn std::fmt::Display| {
            ("configure an AF_XDP socket on", io::Error::other(error.to_string()))
        };
        let ring = QueueSize::new(frames).map_err(|error| invalid(&error))?;
        let unused_ring = QueueSize::new(64).map_err(|error| invalid(&error))?;
        let memory = UmemConfig::builder()
            .frame_size(FrameSize::new(chunk as u32).map_err(|error| invalid(&error))?)
            .comp_queue_size(ring)
            .fill_queue_size(unused_ring)
            .build()
            .map_err(|error| invalid(&error))?;
        let mode = match bind {
            Bind::ZeroCopy => BindFlags::XDP_ZEROCOPY,
            Bind::Copy => BindFlags::XDP_COPY,
        };
        let socket = SocketConfig::builder()
            .tx_queue_size(ring)
            .rx_queue_size(unused_ring)
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(mode | BindFlags::XDP_USE_NEED_WAKEUP)
            .build();
        let count = NonZeroU32::new(frames).ok_or_else(|| invalid(&"no frames"))?;
        let (umem, mut descs) = Umem::new(memory, count, false)
            .map_err(|error| ("register frame memory for", os_error(&error)))?;
        let starts = descs
            .iter_mut()
            .map(|desc| {
                // SAFETY: the descriptor is of this memory, and no other reference to it exists.
                let mut data = unsafe { umem.data_mut(desc) };
                data.cursor().set_pos(chunk - HEADROOM);
                NonNull::from(data.contents_mut()).cast()
            })
            .collect();
        let name: Interface = interface.parse().map_err(|error| invalid(&error))?;
        // SAFETY: the memory is not shared, so no other socket uses it; loading of a program is
        // inhibited.
        let queues = unsafe { Socket::new(socket, &umem, &name, queue) };
        let (tx, rx, rings) =
            queues.map_err(|error| ("open an AF_XDP socket on", os_error(&error)))?;
        let (fill, comp) = rings.ok_or_else(|| invalid(&"no completion ring"))?;
        let budget = raise_budget(tx.fd().as_raw_fd(), frames);
        Ok(Self {
            starts,
            batch: descs.clone().into(),
            descs: descs.into(),
            chunk,
            max_frame: chunk - HEADROOM,
            budget,
            tx,
            comp,
            _rx: rx,
            _fill: fill,
            umem,
        })
    }

    /// Number of frames.
    pub fn frame_count(&self) -> usize {
        self.descs.len()
    }

    /// Longest frame in bytes.
    pub fn max_frame(&self) -> usize {
        self.max_frame
    }

    /// Packets that one kick sends at most in copy mode.
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// The memory of a frame. To be written only while neither ring nor kernel has it: from its
    /// completion until it is produced.
    #[inline(always)]
    pub fn frame(&mut self, number: usize) -> &mut [u8] {
        // SAFETY: the frame's bytes from its data to the end of its chunk, in memory that lives as
        // long as `self`, which is borrowed exclusively; the kernel only reads frames that were
        // produced.
        unsafe { std::slice::from_raw_parts_mut(self.starts[number].as_ptr(), self.max_frame) }
    }

    /// Puts frames with their lengths into the transmit ring; all of them, as the ring has as many
    /// places as there are frames.
    ///
    /// # Panics
    /// If there are more than frames.
    #[inline]
    pub fn produce(&mut self, numbers: impl Iterator<Item = u32>, lens: &[u32]) -> usize {
        let mut filled = 0;
        for ((place, number), &len) in self.batch.iter_mut().zip(numbers).zip(lens) {
            let desc = &mut self.descs[number as usize];
            // Only the cursor sets a length, and it costs two divisions: kept where it holds.
            if desc.lengths().data() != len as usize {
                // SAFETY: as in `frame`; only the descriptor's length is written.
                unsafe { self.umem.data_mut(desc) }.cursor().set_pos(len as usize);
            }
            *place = *desc;
            filled += 1;
        }
        // SAFETY: the descriptors are of this memory; the caller hands each over once.
        unsafe { self.tx.produce(&self.batch[..filled]) }
    }

    /// Takes completed frames back, and calls `each` with their numbers in the order of completion.
    #[inline]
    pub fn consume(&mut self, mut each: impl FnMut(u32)) -> usize {
        // SAFETY: what completes was produced from this memory.
        let count = unsafe { self.comp.consume(&mut self.batch) };
        let shift = self.chunk.trailing_zeros();
        for desc in &self.batch[..count] {
            each((desc.addr() >> shift) as u32);
        }
        count
    }

    /// Produced frames that the kernel has not taken yet.
    #[inline]
    pub fn waiting(&mut self) -> usize {
        self.descs.len() - self.tx.nb_free_exact() as usize
    }

    /// Whether the kernel wants a kick.
    #[inline]
    pub fn needs_kick(&self) -> bool {
        self.tx.needs_wakeup()
    }

    /// Has the kernel take frames from the ring.
    ///
    /// # Errors
    /// `EAGAIN`: more to do, or no room for now. `EBUSY`: in copy mode, one packet was taken and
    /// not sent (`NET_XMIT_DROP`); it is completed all the same. `ENETDOWN`, `ENXIO`: the device is
    /// down, or gone. (`xsk_sendmsg`, `__xsk_generic_xmit` in net/xdp/xsk.c.)
    #[inline]
    pub fn kick(&self) -> io::Result<()> {
        let fd = self.tx.fd().as_raw_fd();
        let (none, flags) = (std::ptr::null(), libc::MSG_DONTWAIT);
        // SAFETY: an empty message without an address; no pointer is followed.
        let sent = unsafe { libc::sendto(fd, none, 0, flags, std::ptr::null(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Descriptors that the kernel threw away as invalid; their frames never complete.
    ///
    /// # Errors
    /// The kernel's.
    pub fn invalid_descriptors(&self) -> io::Result<u64> {
        Ok(self.tx.fd().xdp_statistics()?.tx_invalid_descs())
    }
}

/// Lets one call send the whole ring, where the kernel can.
fn raise_budget(fd: RawFd, budget: u32) -> u32 {
    let len = size_of::<u32>() as libc::socklen_t;
    let value = std::ptr::from_ref(&budget).cast();
    // SAFETY: `value` is valid for `len` bytes.
    let set = unsafe { libc::setsockopt(fd, libc::SOL_XDP, XDP_MAX_TX_SKB_BUDGET, value, len) };
    if set == 0 { budget } else { TX_BATCH_SIZE }
}

/// The system's error behind one of xsk-rs'.
fn os_error(error: &dyn std::error::Error) -> io::Error {
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(source) => match source.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::other(source.to_string()),
        },
        None => io::Error::other(error.to_string()),
    }
}
