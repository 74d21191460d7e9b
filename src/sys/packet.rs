//! A transmit ring of AF_PACKET: TPACKET_V3 slots in memory shared with the kernel
//! (Documentation/networking/packet_mmap.rst, net/packet/af_packet.c).
//!
//! ```text
//! slot: | tpacket3_hdr (48) | virtio_net_hdr (10) | frame ...          | to a power of two |
//!        ^ tp_len, tp_status  ^ hdr_len             ^ 16-byte aligned IP header, without VLAN
//! ```
//!
//! Why the virtio header: without it the kernel copies only the 14 bytes of the Ethernet header
//! and lets the packet point into the slot for the rest, so it must copy that rest into fresh pages
//! as soon as the packet leaves the sender's hands (`skb_orphan_frags` in veth, tap, the bridge,
//! any capture), and a receiving XDP program has it copied once more. `hdr_len` has the whole frame
//! copied at once, into one piece.

use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use super::mmap::SharedMap;

/// Bytes of `struct virtio_net_hdr`; its `hdr_len` is at offset 2.
const VNET_HEADER: usize = 10;
const VNET_HDR_LEN_AT: usize = 2;

/// Offset of the virtio header in a slot: `TPACKET3_HDRLEN - sizeof(struct sockaddr_ll)`.
const DATA_AT: usize = (size_of::<libc::tpacket3_hdr>()).next_multiple_of(16);
const FRAME_AT: usize = DATA_AT + VNET_HEADER;

/// Smallest unit of the ring's memory that the kernel allocates: 64 KiB, or one slot.
const BLOCK: usize = 65_536;

/// Who has a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// We have it.
    Available,
    /// Handed over; the kernel has not looked at it yet.
    Waiting,
    /// The kernel made a packet of it, which is on its way.
    Sending,
    /// The kernel refused it.
    Refused,
}

/// A socket with its ring. It is bound with protocol 0, so it receives nothing.
#[derive(Debug)]
pub struct PacketTxRing {
    socket: OwnedFd,
    map: SharedMap,
    slot_shift: u32,
    slots: usize,
}

impl PacketTxRing {
    /// Opens a socket on the device with that index, in the namespace of the calling thread.
    /// `slots` is a power of two; frames are of `max_frame` bytes at most.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW, `ENODEV`, `ENOMEM`; with the name of the step that failed.
    pub fn open(
        index: u32,
        slots: usize,
        max_frame: usize,
    ) -> Result<Self, (&'static str, io::Error)> {
        // SAFETY: socket() takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(("open a packet socket on", io::Error::last_os_error()));
        }
        // SAFETY: the descriptor is new and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let set = |name: &'static str, option: libc::c_int, value: libc::c_int| {
            set_option(&socket, libc::SOL_PACKET, option, &value).map_err(|error| (name, error))
        };
        set("choose TPACKET_V3 on", libc::PACKET_VERSION, libc::tpacket_versions::TPACKET_V3 as _)?;
        set("switch the virtio header on for", libc::PACKET_VNET_HDR, 1)?;
        set("bypass the qdisc of", libc::PACKET_QDISC_BYPASS, 1)?;
        let slot = (FRAME_AT + max_frame).next_power_of_two();
        let block = BLOCK.max(slot);
        let size = slots * slot;
        let request = libc::tpacket_req3 {
            tp_block_size: block.min(size.next_multiple_of(4096)) as u32,
            tp_block_nr: size.div_ceil(block) as u32,
            tp_frame_size: slot as u32,
            tp_frame_nr: (size.next_multiple_of(4096) / slot) as u32,
            tp_retire_blk_tov: 0,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set_option(&socket, libc::SOL_PACKET, libc::PACKET_TX_RING, &request)
            .map_err(|error| ("allocate a transmit ring for", error))?;
        let len = request.tp_block_size as usize * request.tp_block_nr as usize;
        let map = SharedMap::new(socket.as_fd(), len)
            .map_err(|error| ("map the transmit ring of", error))?;
        bind(&socket, index).map_err(|error| ("bind a packet socket to", error))?;
        Ok(Self { socket, map, slot_shift: slot.trailing_zeros(), slots: len / slot })
    }

    /// Lets `bytes` of packets wait in the kernel, more than the system's limit where the process
    /// has CAP_NET_ADMIN.
    pub fn set_send_buffer(&self, bytes: i32) {
        // Both may fail: the default holds about 270 small packets, and that works too.
        if set_option(&self.socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &bytes).is_err() {
            let _ = set_option(&self.socket, libc::SOL_SOCKET, libc::SO_SNDBUF, &bytes);
        }
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Who has slot `n`.
    #[inline(always)]
    pub fn state(&self, n: usize) -> SlotState {
        let status = self.status(n).load(Ordering::Acquire);
        // Higher bits say that a time stamp was left in the slot.
        match status & (libc::TP_STATUS_SEND_REQUEST | libc::TP_STATUS_SENDING | 4) {
            libc::TP_STATUS_AVAILABLE => SlotState::Available,
            libc::TP_STATUS_SEND_REQUEST => SlotState::Waiting,
            libc::TP_STATUS_WRONG_FORMAT => SlotState::Refused,
            _ => SlotState::Sending,
        }
    }

    /// The frame memory of slot `n`. To be written only while it is available: the kernel reads it
    /// from [`PacketTxRing::hand_over`] until it is available again.
    #[inline(always)]
    pub fn frame(&mut self, n: usize) -> &mut [u8] {
        let len = (1 << self.slot_shift) - FRAME_AT;
        // SAFETY: the slot lies in the mapping (`slot` checks), is not written by the kernel past
        // its header, and is borrowed from `self` exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.slot(n).add(FRAME_AT), len) }
    }

    /// Hands slot `n` with a frame of `len` bytes to the kernel, which looks at it at the next kick.
    #[inline(always)]
    pub fn hand_over(&mut self, n: usize, len: u32) {
        let slot = self.slot(n);
        // SAFETY: both fields lie in the slot's header, which is ours until the status is stored;
        // the virtio field is little-endian on every machine that wirestorm runs on and may be
        // unaligned.
        unsafe {
            let header = slot.cast::<libc::tpacket3_hdr>();
            (&raw mut (*header).tp_len).write(len + VNET_HEADER as u32);
            slot.add(DATA_AT + VNET_HDR_LEN_AT).cast::<[u8; 2]>().write((len as u16).to_le_bytes());
        }
        self.status(n).store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
    }

    /// Has the kernel send what was handed over, without waiting.
    ///
    /// # Errors
    /// `EAGAIN`: no room in the send buffer, nothing sent. `ENOBUFS`: the device would not take a
    /// packet; its slot still waits, those before it may have been sent. `EMSGSIZE`, `EINVAL`: a
    /// slot was refused. `ENETDOWN`, `ENXIO`: the device is down, or gone.
    #[inline]
    pub fn kick(&self) -> io::Result<()> {
        // SAFETY: an empty message; no pointer is followed.
        let sent =
            unsafe { libc::send(self.socket.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    #[inline(always)]
    fn slot(&self, n: usize) -> *mut u8 {
        assert!(n < self.slots);
        // SAFETY: the mapping holds `slots` slots of this size.
        unsafe { self.map.start().add(n << self.slot_shift) }
    }

    #[inline(always)]
    fn status(&self, n: usize) -> &AtomicU32 {
        let at = offset_of!(libc::tpacket3_hdr, tp_status);
        // SAFETY: an aligned word in the mapping, which lives as long as `self`, and which both
        // sides access atomically.
        unsafe { &*self.slot(n).add(at).cast::<AtomicU32>() }
    }
}

fn set_option<T>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    let value = std::ptr::from_ref(value).cast();
    // SAFETY: `value` is valid for `len` bytes.
    if unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, len) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn bind(socket: &OwnedFd, index: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: index as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    let address = std::ptr::from_ref(&address).cast();
    // SAFETY: `address` is valid for `len` bytes.
    if unsafe { libc::bind(socket.as_raw_fd(), address, len) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
