//! The TPACKET_V3 receive ring of an AF_PACKET socket
//! (Documentation/networking/packet_mmap.rst).
//!
//! ```text
//! ring:  | block 0 | block 1 | ...           block: | descriptor | frame | frame | ... |
//!        owned by the kernel until its status says TP_STATUS_USER, then by us until we write
//!        TP_STATUS_KERNEL
//! ```

use std::io;
use std::mem::{self, offset_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a block: holds the largest frame, and enough small ones that the wake-up is cheap.
const BLOCK_LEN: usize = 1 << 19;
/// Blocks: 16 MiB, 0.1 s of small packets at 1 Mpps.
const BLOCKS: usize = 32;
/// After this time a block that is not full is handed over, in milliseconds.
const RETIRE_MS: u32 = 10;
/// <linux/if_packet.h>, since Linux 4.20.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// A frame as the ring holds it.
#[derive(Clone, Copy, Debug)]
pub struct RingFrame<'a> {
    /// The captured bytes, from the Ethernet header on.
    pub bytes: &'a [u8],
    /// Length of the whole frame without FCS, and without the VLAN tag if it was stripped.
    pub len: u32,
    /// TPID and TCI of a VLAN tag that the kernel or the device took out of the frame.
    pub stripped_vlan: Option<(u16, u16)>,
    /// Receive time, nanoseconds of `CLOCK_REALTIME`.
    pub realtime_ns: u64,
}

/// A receive ring, bound to an interface.
pub struct RxRing {
    socket: OwnedFd,
    memory: NonNull<u8>,
    block: usize,
}

// SAFETY: the mapping belongs to this value alone; moving it to another thread moves all access.
unsafe impl Send for RxRing {}

impl RxRing {
    /// Opens a ring that receives every frame that arrives on an interface of the calling thread's
    /// network namespace, and none that leaves.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW, `ENOMEM`, `ENODEV`, `ENETDOWN`.
    pub fn open(ifindex: u32) -> io::Result<Self> {
        // SAFETY: no pointers; protocol 0 receives nothing until bind() names one.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let version: libc::c_int = libc::tpacket_versions::TPACKET_V3 as _;
        set_option(&socket, libc::PACKET_VERSION, &version)?;
        set_option(&socket, PACKET_IGNORE_OUTGOING, &1)?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK_LEN as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: 2048,
            tp_frame_nr: (BLOCK_LEN / 2048 * BLOCKS) as u32,
            tp_retire_blk_tov: RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set_option(&socket, libc::PACKET_RX_RING, &request)?;
        // SAFETY: a new shared mapping of the ring that was just made, with its length; no address
        // is asked for.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                BLOCK_LEN * BLOCKS,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        let memory = match NonNull::new(memory.cast::<u8>()) {
            Some(memory) if memory.as_ptr().cast() != libc::MAP_FAILED => memory,
            _ => return Err(io::Error::last_os_error()),
        };
        let ring = Self { socket, memory, block: 0 };
        bind(&ring.socket, ifindex)?;
        Ok(ring)
    }

    /// Calls `visit` for the frames of the next block, if the kernel has handed one over, and gives
    /// the block back. Returns whether there was one.
    #[inline]
    pub fn next_block(&mut self, mut visit: impl FnMut(RingFrame<'_>)) -> bool {
        let status_at = offset_of!(libc::tpacket_block_desc, hdr)
            + offset_of!(libc::tpacket_hdr_v1, block_status);
        // SAFETY: block `self.block` lies inside the mapping, which is page-aligned, and the status
        // word in it is aligned to 4; kernel and user space access it as one word.
        let (block, status) = unsafe {
            let block = self.memory.add(self.block * BLOCK_LEN);
            (block, AtomicU32::from_ptr(block.add(status_at).cast().as_ptr()))
        };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: the status says that the kernel leaves the block to us until we give it back,
        // which is after the last use of the slice.
        let bytes = unsafe { slice::from_raw_parts(block.as_ptr(), BLOCK_LEN) };
        visit_frames(bytes, &mut visit);
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.block = (self.block + 1) % BLOCKS;
        true
    }

    /// Frames that the kernel dropped for want of room since the last call.
    ///
    /// # Errors
    /// Never, on a socket that is open.
    pub fn take_drops(&self) -> io::Result<u32> {
        let mut stats = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        let mut len = size_of_val(&stats) as libc::socklen_t;
        // SAFETY: `stats` is writable and `len` tells its size.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut stats).cast(),
                &mut len,
            )
        };
        if result != 0 { Err(io::Error::last_os_error()) } else { Ok(stats.tp_drops) }
    }
}

impl AsFd for RxRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for RxRing {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by open() with this length, and no slice of it is left.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), BLOCK_LEN * BLOCKS) };
    }
}

/// Walks the frames of a block. The kernel wrote the offsets; a walk that would leave the block
/// ends there all the same.
fn visit_frames(block: &[u8], visit: &mut impl FnMut(RingFrame<'_>)) {
    let Some(descriptor) = read::<libc::tpacket_block_desc>(block, 0) else {
        return;
    };
    // SAFETY: bh1 is the only member of the union.
    let header = unsafe { descriptor.hdr.bh1 };
    let mut at = header.offset_to_first_pkt as usize;
    for _ in 0..header.num_pkts {
        let Some(frame) = read::<libc::tpacket3_hdr>(block, at) else {
            return;
        };
        let start = at + usize::from(frame.tp_mac);
        let Some(bytes) = block.get(start..start + frame.tp_snaplen as usize) else {
            return;
        };
        let has = |bit| frame.tp_status & bit != 0;
        let stripped_vlan = has(libc::TP_STATUS_VLAN_VALID).then(|| {
            let known = has(libc::TP_STATUS_VLAN_TPID_VALID);
            (if known { frame.hv1.tp_vlan_tpid } else { 0x8100 }, frame.hv1.tp_vlan_tci as u16)
        });
        visit(RingFrame {
            bytes,
            len: frame.tp_len,
            stripped_vlan,
            realtime_ns: u64::from(frame.tp_sec) * 1_000_000_000 + u64::from(frame.tp_nsec),
        });
        at += frame.tp_next_offset as usize;
    }
}

/// Reads one of the ring's structures: integers only, so that any bytes are a value of it.
fn read<T: Copy>(block: &[u8], at: usize) -> Option<T> {
    let bytes = block.get(at..at.checked_add(size_of::<T>())?)?;
    // SAFETY: the slice is as long as T, the read needs no alignment, and T is one of the kernel's
    // structures of integers (the function is private; see its two callers).
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

fn set_option<T>(socket: &OwnedFd, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is readable and its size is told.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn bind(socket: &OwnedFd, ifindex: u32) -> io::Result<()> {
    // SAFETY: all-zero is a valid sockaddr_ll.
    let mut address = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = ifindex as i32;
    // SAFETY: the address is readable and its size is told.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of_val(&address) as libc::socklen_t,
        )
    };
    if result != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
