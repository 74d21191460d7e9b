//! Frames in plain memory, and the hand-over: which socket, which address, what came of it.

use std::io;
use std::thread;
use std::time::Duration;

use socket2::SockAddr;

use super::kernel;
use super::programs::ETHERNET;
use crate::engine::frames::FrameRing;
use crate::engine::port::Port;
use crate::engine::{Capabilities, TxCounters};
use crate::error::{Error, Result};
use crate::sys::clock;
use crate::sys::raw_sender::{BATCH, RawSender};

/// Frames: those that the kernel had no room for, and a batch. A power of two.
const FRAMES: usize = 2 * BATCH;
/// Offers of one hand-over at most, while there is no room.
const OFFERS: u32 = 8;
/// Time between looks while draining.
const DRAIN_STEP: Duration = Duration::from_micros(50);

/// Where the packets with one Ethernet header go.
#[derive(Debug)]
pub(super) struct Way {
    /// The header that the kernel will write.
    pub header: [u8; ETHERNET],
    /// By which socket.
    pub ipv6: bool,
    /// The address that has it do so.
    pub address: SockAddr,
}

/// A frame that was handed over.
#[derive(Clone, Copy, Debug, Default)]
struct Handed {
    /// Its bytes.
    len: u32,
    /// Of these, the ones that go into the socket, behind the Ethernet header.
    packet: u32,
    /// Position of its way.
    way: u32,
}

/// Frames that are copied into the kernel when they are handed over, in order:
///
/// ```text
///          tail                    next
///  ... free | no room for them yet  | reserved, free ...
/// ```
#[derive(Debug)]
pub struct RawRing {
    port: Port,
    /// For IPv4 and IPv6; None: no packet needs it.
    senders: [Option<RawSender>; 2],
    ways: Box<[Way]>,
    capabilities: Capabilities,
    memory: Box<[u8]>,
    /// What is known of each frame since it was handed over.
    handed: Box<[Handed]>,
    next: usize,
    waiting: usize,
    counters: TxCounters,
}

impl RawRing {
    pub(super) fn new(
        port: Port,
        senders: [Option<RawSender>; 2],
        ways: Vec<Way>,
        capabilities: Capabilities,
    ) -> Self {
        Self {
            port,
            senders,
            ways: ways.into(),
            memory: vec![0; FRAMES * capabilities.max_frame].into(),
            capabilities,
            handed: vec![Handed::default(); FRAMES].into(),
            next: 0,
            waiting: 0,
            counters: TxCounters::default(),
        }
    }

    /// What a frame is and its way, most likely that of the one before, if the kernel leaves the packet
    /// as it is. The stream was looked at before; this is for what is too rare to be seen there.
    #[inline]
    fn handed(&self, slot: usize, len: usize, before: usize) -> Result<Handed> {
        let frame = &self.memory[slot * self.capabilities.max_frame..][..len];
        let is = |way: &Way| frame[..ETHERNET.min(len)] == way.header;
        let found = match self.ways.get(before) {
            Some(way) if is(way) => Some(before),
            _ => self.ways.iter().position(is),
        };
        let Some(way) = found else {
            return Err(self
                .port
                .error("send by raw sockets on", "an Ethernet header that changes"));
        };
        let packet = kernel::packet(frame);
        match kernel::change(packet, self.ways[way].ipv6) {
            None => Ok(Handed { len: len as u32, packet: packet.len() as u32, way: way as u32 }),
            Some(change) => Err(self
                .port
                .error("send by raw sockets on", change)
                .remedy("use another --engine, or other values")),
        }
    }

    /// Offers the oldest frames that wait, as many as one socket takes in one call.
    #[inline]
    fn offer(&mut self) -> (usize, Option<io::Error>) {
        let mask = FRAMES - 1;
        let tail = self.next.wrapping_sub(self.waiting) & mask;
        let way = |slot: usize| &self.ways[self.handed[slot].way as usize];
        let ipv6 = way(tail).ipv6;
        let Some(sender) = &self.senders[usize::from(ipv6)] else {
            return (0, Some(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)));
        };
        let slots = (0..self.waiting).map(|n| (tail + n) & mask);
        let packets = slots.take_while(|&slot| way(slot).ipv6 == ipv6).map(|slot| {
            let start = slot * self.capabilities.max_frame + ETHERNET;
            let len = self.handed[slot].packet as usize;
            (&self.memory[start..start + len], &way(slot).address)
        });
        sender.send(packets)
    }

    /// Has the kernel take what waits, and tries a few times while it has no room.
    #[inline]
    fn push(&mut self) -> Result<()> {
        let mut idle = 0;
        while self.waiting > 0 {
            let (taken, error) = self.offer();
            for _ in 0..taken {
                self.counters.completed += 1;
                self.counters.completed_bytes += u64::from(self.take());
            }
            let Some(error) = error else { continue };
            self.not_sent(&error)?;
            idle += 1;
            if idle == OFFERS {
                break;
            }
            for _ in 0..16 << idle {
                std::hint::spin_loop();
            }
        }
        Ok(())
    }

    /// Takes the oldest waiting frame out; its length.
    #[inline(always)]
    fn take(&mut self) -> u32 {
        let tail = self.next.wrapping_sub(self.waiting) & (FRAMES - 1);
        self.waiting -= 1;
        self.handed[tail].len
    }

    /// After an offer that failed: nothing, where the same frame goes with a later one. `ENOBUFS`: the
    /// device or its queueing discipline dropped the packet, of which we still have the bytes.
    #[cold]
    fn not_sent(&mut self, error: &io::Error) -> Result<()> {
        match error.raw_os_error() {
            Some(libc::EAGAIN) => Ok(()),
            Some(libc::ENOBUFS) => self.port.check_carrier(),
            _ => {
                self.take();
                self.counters.failed += 1;
                Err(self.refused(error))
            }
        }
    }

    /// What an error of the kernel means.
    fn refused(&self, error: &io::Error) -> Error {
        if let Some(lost) = self.port.lost() {
            return lost;
        }
        match error.raw_os_error() {
            Some(libc::EPERM) => self
                .port
                .error(
                    "send by raw sockets on",
                    "a rule of this machine's packet filter dropped a packet",
                )
                .remedy("see nft list ruleset (output), or use another --engine: they pass it by"),
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENODEV | libc::ENXIO) => self
                .port
                .error("send by raw sockets on", "the route to the next hop is gone")
                .remedy("keep addresses and routes as they are until the run is over"),
            _ => self.port.refused(error),
        }
    }

    fn in_kernel(&self) -> bool {
        self.senders.iter().flatten().any(|sender| sender.in_kernel().is_ok_and(|bytes| bytes > 0))
    }
}

impl FrameRing for RawRing {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    #[inline]
    fn reserve(&mut self, want: usize) -> Result<usize> {
        if self.waiting > 0 {
            self.push()?;
        }
        Ok(want.min(FRAMES - self.waiting))
    }

    #[inline(always)]
    fn frame(&mut self, n: usize) -> (usize, &mut [u8]) {
        let slot = (self.next + n) & (FRAMES - 1);
        let len = self.capabilities.max_frame;
        (slot, &mut self.memory[slot * len..][..len])
    }

    fn frame_count(&self) -> usize {
        FRAMES
    }

    #[inline]
    fn submit(&mut self, lens: &[u32]) -> Result<()> {
        let mut way = 0;
        let mut refused = Ok(());
        for &len in lens {
            let slot = self.next & (FRAMES - 1);
            match self.handed(slot, len as usize, way) {
                Ok(handed) => {
                    way = handed.way as usize;
                    self.handed[slot] = handed;
                }
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
            self.next = (slot + 1) & (FRAMES - 1);
            self.waiting += 1;
            self.counters.accepted += 1;
        }
        self.push()?;
        refused
    }

    fn drain(&mut self, timeout_ns: u64) -> Result<()> {
        let deadline = clock::now().saturating_add(timeout_ns);
        loop {
            self.push()?;
            if self.waiting == 0 && !self.in_kernel() || clock::now() >= deadline {
                break;
            }
            thread::sleep(DRAIN_STEP);
        }
        // Without a carrier the queueing discipline drops everything, and says that it did not.
        self.port.lost().map_or(Ok(()), Err)
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }
}
