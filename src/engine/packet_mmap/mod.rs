//! `packet-mmap`: a TPACKET_V3 transmit ring of AF_PACKET. Works on every device, also in a user
//! namespace; needs CAP_NET_RAW there.
//!
//! * One socket a worker, bound with protocol 0: it receives nothing.
//! * `PACKET_QDISC_BYPASS`: packets go straight to the driver (`packet_direct_xmit`). A packet that
//!   the driver drops or has no room for stays in its slot and is tried again by the next kick, so
//!   nothing is lost here; but such a driver (veth, when its peer is full) counts each try as
//!   `tx_dropped`.
//! * `PACKET_LOSS` stays off: with it the kernel gives a frame that it refuses back as if it had
//!   been sent. Without it the slot says `TP_STATUS_WRONG_FORMAT`; the frame counts as failed and
//!   the ring ends with an error, as the kernel goes no further than that slot.
//! * A slot comes back (`TP_STATUS_AVAILABLE`) when the kernel no longer accounts the packet to the
//!   socket: when the device, or the next network namespace's stack, is done with it.
//!
//! # Worker → queue
//! The queue follows from the CPU that sends: `packet_pick_tx_queue` asks the driver's
//! `ndo_select_queue`, else `netdev_pick_tx`, which takes XPS' map if there is one
//! (`/sys/class/net/IF/queues/tx-N/xps_cpus`), and otherwise the CPU's number modulo the number of
//! transmit queues (`skb_tx_hash` of the recorded queue). So a worker for queue q of n without XPS is
//! pinned to a CPU c with c mod n = q, see [`queue_of_cpu`]; drivers with a selection of their own
//! are not bound by it. AF_XDP binds to a queue instead.

mod ring;

pub use ring::PacketMmapRing;

use crate::engine::port::LongestFrame;
use crate::error::{Error, Result};
use crate::sys::netns::Netns;

/// The transmit queue that a packet sent on `cpu` takes, on a device without XPS and without a
/// selection of its own.
pub fn queue_of_cpu(cpu: u32, tx_queues: u32) -> u32 {
    cpu % tx_queues.max(1)
}

/// Opens a ring on `interface`, which lies in `netns`; `queue` is what messages name, and what the
/// caller achieves by pinning (see the module).
///
/// # Errors
/// The interface is missing, down, without carrier, of too small an MTU or too few queues; no
/// privilege; no memory.
pub fn open(
    netns: &Netns,
    interface: &str,
    queue: u32,
    longest: impl Into<LongestFrame>,
) -> Result<PacketMmapRing> {
    let longest = longest.into();
    netns
        .run(|| PacketMmapRing::open(interface, queue, longest))
        .map_err(|error| Error::new("enter the network namespace of", interface, error))?
}

/// Tells whether the engine works on `interface`, and in which mode.
///
/// # Errors
/// Why it does not.
pub fn probe(netns: &Netns, interface: &str) -> Result<String> {
    use crate::engine::frames::FrameRing;
    open(netns, interface, 0, 60).map(|ring| ring.capabilities().detail.clone())
}
