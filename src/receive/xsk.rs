//! Receiving through AF_XDP: the XDP program recognises and stamps the probes and hands them to
//! the socket of their queue; one thread judges them in user space.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use xsk_rs::config::{
    BindFlags, FrameSize, Interface as InterfaceName, LibxdpFlags, QueueSize, SocketConfig,
    UmemConfig,
};
use xsk_rs::umem::frame::FrameDesc;
use xsk_rs::{CompQueue, FillQueue, RxQueue, Socket, TxQueue, Umem};

use super::find_tag::find_tag;
use super::xdp::program::Duty;
use super::xdp::{self, Attached};
use super::{ReceiveSpec, Receiver, rules};
use crate::error::{Error, Result};
use crate::measure::classify::Classifier;
use crate::measure::glance::PortGlance;
use crate::measure::received::PortReceived;
use crate::sys::bpf::XdpMode;
use crate::sys::poll;

/// Frames per queue.
const FRAMES: u32 = 4096;
/// Frames taken out of a ring at once.
const BATCH: usize = 64;
/// Bytes that the kernel keeps free before a packet (XDP_PACKET_HEADROOM).
const HEADROOM: u32 = 256;
/// How long the thread sleeps at most before it looks whether it shall end, in milliseconds.
const POLL_MS: i32 = 20;

/// One receive queue's socket and memory.
struct Queue {
    umem: Umem,
    rx: RxQueue,
    fill: FillQueue,
    descs: Vec<FrameDesc>,
    /// Frames that were judged and wait to be handed back.
    back: Vec<FrameDesc>,
    // The socket lives as long as all four rings; these two are not used.
    _tx: TxQueue,
    _comp: CompQueue,
}

struct Shared {
    /// Locked once a batch, not once a packet.
    counted: Mutex<Counted>,
    stop: AtomicBool,
}

struct Counted {
    classifier: Classifier,
    overload: [u64; 4],
}

/// Names of [`Counted::overload`]: struct xdp_statistics (<linux/if_xdp.h>).
const OVERLOAD: [&str; 4] =
    ["xsk_rx_dropped", "xsk_rx_ring_full", "xsk_rx_fill_ring_empty", "xsk_rx_invalid_descs"];

/// A receiver on AF_XDP sockets.
pub(super) struct XskReceiver {
    attached: Attached,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    interface: String,
    mode: String,
}

/// Attaches the program, opens a socket on every queue and starts the thread. Must run in the
/// interface's network namespace.
pub(super) fn open(spec: &ReceiveSpec, mode: XdpMode) -> Result<XskReceiver> {
    let attached = xdp::attach(spec, mode, Duty::Steer)?;
    let mut queues = Vec::new();
    for number in 0..attached.interface.rx_queues {
        match open_queue(spec, attached.interface.mtu, number) {
            Ok(queue) => {
                // SAFETY: the socket is open for as long as `queue` lives.
                let fd = unsafe { BorrowedFd::borrow_raw(queue.rx.fd().as_raw_fd()) };
                attached.loaded.set_socket(number, fd).map_err(|cause| {
                    Error::new("steer to", format!("{} queue {number}", spec.interface), cause)
                })?;
                queues.push(queue);
            }
            // The device was made for more queues than it uses now.
            Err(cause) if number > 0 && cause.raw_os_error() == Some(libc::EINVAL) => break,
            Err(cause) => return Err(socket_error(&spec.interface, number, &cause)),
        }
    }
    let told = match mode {
        XdpMode::Native => "native XDP",
        XdpMode::Generic => "generic XDP",
    };
    let mut told = format!("{told} steering to AF_XDP on {} queues", queues.len());
    if spec.pass_on {
        told.push_str("; probes end here, since a steered packet cannot go on to the kernel");
    }
    let shared = Arc::new(Shared {
        counted: Mutex::new(Counted { classifier: Classifier::new(rules(spec)), overload: [0; 4] }),
        stop: AtomicBool::new(false),
    });
    let theirs = Arc::clone(&shared);
    let offsets = spec.tag_offsets.clone();
    let thread = thread::Builder::new()
        .name(format!("xsk-{}", spec.interface))
        .spawn(move || receive(queues, &offsets, &theirs))
        .map_err(|cause| Error::new("start the receive thread of", &spec.interface, cause))?;
    Ok(XskReceiver {
        attached,
        shared,
        thread: Some(thread),
        interface: spec.interface.clone(),
        mode: told,
    })
}

fn open_queue(spec: &ReceiveSpec, mtu: u32, number: u32) -> io::Result<Queue> {
    let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    // Ethernet header and two VLAN tags beside the MTU.
    let frame_size = if mtu + 22 + HEADROOM <= 2048 { 2048 } else { 4096 };
    let size = |size| QueueSize::new(size).map_err(|error| other(&error));
    let config = UmemConfig::builder()
        .frame_size(FrameSize::new(frame_size).map_err(|error| other(&error))?)
        .fill_queue_size(size(FRAMES)?)
        .comp_queue_size(size(64)?)
        .build()
        .map_err(|error| other(&error))?;
    let frames = NonZeroU32::new(FRAMES).unwrap_or(NonZeroU32::MIN);
    let (umem, descs) = Umem::new(config, frames, false).map_err(|error| cause_of(&error))?;
    let name = CString::new(spec.interface.as_str()).map_err(|error| other(&error))?;
    let config = SocketConfig::builder()
        .rx_queue_size(size(FRAMES)?)
        .tx_queue_size(size(64)?)
        .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
        .bind_flags(BindFlags::XDP_USE_NEED_WAKEUP)
        .build();
    // SAFETY: the UMEM is new, so no socket shares it.
    let socket = unsafe { Socket::new(config, &umem, &InterfaceName::new(name), number) };
    let (tx, rx, rings) = socket.map_err(|error| cause_of(&error))?;
    let (mut fill, comp) = rings.ok_or_else(|| io::Error::other("the socket has no fill ring"))?;
    // SAFETY: the frames belong to the UMEM of this ring, and nothing else uses them yet.
    unsafe { fill.produce(&descs) };
    Ok(Queue {
        umem,
        rx,
        fill,
        descs: vec![FrameDesc::default(); BATCH],
        back: Vec::with_capacity(2 * BATCH),
        _tx: tx,
        _comp: comp,
    })
}

/// The kernel's error inside one of xsk-rs.
fn cause_of(error: &dyn std::error::Error) -> io::Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other(error.to_string()),
    }
}

fn socket_error(interface: &str, queue: u32, cause: &io::Error) -> Error {
    let error = Error::new("open an AF_XDP socket on", format!("{interface} queue {queue}"), cause);
    match cause.raw_os_error() {
        Some(libc::EBUSY) => {
            error.remedy("another AF_XDP socket holds the queue: end its program, or use another")
        }
        Some(libc::EPERM | libc::EACCES) => error.remedy("run as root, or with CAP_NET_RAW"),
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            error.remedy("raise the memory lock limit (ulimit -l), or grant CAP_IPC_LOCK")
        }
        _ => error.remedy("use `receive: auto`, which needs no AF_XDP socket"),
    }
}

impl Receiver for XskReceiver {
    fn snapshot(&mut self) -> Result<PortReceived> {
        let rows = xdp::read_frames(&self.attached)
            .map_err(|cause| Error::new("read the receive counters of", &self.interface, cause))?;
        let counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let overload = named(&counted.overload, rows.unsteered);
        Ok(PortReceived {
            mode: self.mode.clone(),
            seen: rows.seen,
            corrupt: rows.corrupt,
            stale: rows.stale,
            alien: rows.alien,
            overload,
            gaps: counted.classifier.gaps(),
            streams: counted.classifier.streams(),
        })
    }

    fn glance(&mut self, latency: bool) -> Result<PortGlance> {
        let rows = xdp::read_frames(&self.attached)
            .map_err(|cause| Error::new("read the receive counters of", &self.interface, cause))?;
        let counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(PortGlance {
            mode: self.mode.clone(),
            seen: rows.seen,
            corrupt: rows.corrupt,
            stale: rows.stale,
            alien: rows.alien,
            overload: named(&counted.overload, rows.unsteered),
            ..counted.classifier.glance(latency)
        })
    }
}

fn named(overload: &[u64; 4], unsteered: u64) -> Vec<(String, u64)> {
    let mut named: Vec<_> =
        OVERLOAD.iter().map(ToString::to_string).zip(overload.iter().copied()).collect();
    named.push(("xdp_unsteered".into(), unsteered));
    named
}

impl Drop for XskReceiver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn receive(mut queues: Vec<Queue>, offsets: &[u16], shared: &Shared) {
    while !shared.stop.load(Ordering::Relaxed) {
        let mut counted = shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = 0;
        for queue in &mut queues {
            found += drain(queue, offsets, &mut counted.classifier);
        }
        counted.overload = overload(&queues);
        drop(counted);
        if found == 0 {
            // SAFETY: the sockets are open for as long as `queues` lives.
            let fds: Vec<_> = queues
                .iter()
                .map(|queue| unsafe { BorrowedFd::borrow_raw(queue.rx.fd().as_raw_fd()) })
                .collect();
            if poll::readable(&fds, POLL_MS).is_err() {
                thread::sleep(Duration::from_millis(POLL_MS as u64));
            }
        }
    }
}

/// Judges the packets of a queue that are there, a batch at most, and gives their frames back.
fn drain(queue: &mut Queue, offsets: &[u16], classifier: &mut Classifier) -> usize {
    // SAFETY: the ring belongs to the UMEM that its frames are read from.
    let found = unsafe { queue.rx.consume(&mut queue.descs) };
    for desc in &queue.descs[..found] {
        // SAFETY: the frame is ours from the receive ring on until it goes to the fill ring.
        let data = unsafe { queue.umem.data(desc) };
        let bytes = data.contents();
        let now = metadata(bytes);
        classifier.count(find_tag(bytes, offsets), bytes.len() as u64, now);
    }
    queue.back.extend_from_slice(&queue.descs[..found]);
    if !queue.back.is_empty() {
        // SAFETY: the frames were taken from this UMEM's receive ring and are not used any more.
        let taken = unsafe { queue.fill.produce(&queue.back) };
        queue.back.drain(..taken);
    }
    found
}

/// The receive time that the XDP program wrote in front of the packet.
fn metadata(packet: &[u8]) -> u64 {
    // SAFETY: the program steers a packet only after it has written 8 bytes of metadata, which the
    // kernel keeps right in front of the packet, in the headroom of the same UMEM frame.
    unsafe { packet.as_ptr().sub(8).cast::<u64>().read_unaligned() }
}

fn overload(queues: &[Queue]) -> [u64; 4] {
    let mut sums = [0; 4];
    for queue in queues {
        if let Ok(statistics) = queue.rx.fd().xdp_statistics() {
            sums[0] += statistics.rx_dropped();
            sums[1] += statistics.rx_ring_full();
            sums[2] += statistics.rx_fill_ring_empty_descs();
            sums[3] += statistics.rx_invalid_descs();
        }
    }
    sums
}
