//! `af-xdp`: an AF_XDP transmit ring through xsk-rs. Needs CAP_NET_RAW, and CAP_IPC_LOCK or a
//! memory-lock limit of a mebibyte or two a worker.
//!
//! * One socket with frame memory of its own (UMEM) a worker, bound to one queue. No XDP program is
//!   put on the interface.
//! * Zero-copy is tried first; where the driver has none, copy mode. [`Capabilities::detail`] tells
//!   which, and why.
//! * Copy mode: a call sends at most 32 packets (`TX_BATCH_SIZE`; since kernel 6.17 as many as
//!   `XDP_MAX_TX_SKB_BUDGET` allows), so kicks are repeated until the ring is empty. A packet that
//!   the device drops (`NET_XMIT_DROP`) ends the call with `EBUSY`; its frame completes all the
//!   same, and is counted as failed instead.
//! * A frame completes when the device has sent it (zero-copy), or when the packet that was made of
//!   it is freed (copy): over veth, by whoever receives it.
//!
//! [`Capabilities::detail`]: crate::engine::Capabilities::detail

mod ring;

pub use ring::AfXdpRing;

use crate::engine::port::LongestFrame;
use crate::error::{Error, Result};
use crate::sys::netns::Netns;

/// Whether frames may, must or must not go to the device without being copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroCopy {
    /// Where the driver can.
    #[default]
    Auto,
    /// Fail where it cannot.
    Require,
    /// Copy.
    Never,
}

/// Opens a ring on `queue` of `interface`, which lies in `netns`.
///
/// # Errors
/// The interface is missing, down, without carrier, of too small an MTU or too few queues; the
/// queue is taken; no privilege; the memory-lock limit; frames that do not fit a page.
pub fn open(
    netns: &Netns,
    interface: &str,
    queue: u32,
    longest: impl Into<LongestFrame>,
) -> Result<AfXdpRing> {
    open_with(netns, interface, queue, longest, ZeroCopy::Auto)
}

/// As [`open`], with a say about zero-copy.
///
/// # Errors
/// As [`open`]; and where zero-copy is required but the driver has none.
pub fn open_with(
    netns: &Netns,
    interface: &str,
    queue: u32,
    longest: impl Into<LongestFrame>,
    zero_copy: ZeroCopy,
) -> Result<AfXdpRing> {
    let longest = longest.into();
    netns
        .run(|| AfXdpRing::open(interface, queue, longest, zero_copy))
        .map_err(|error| Error::new("enter the network namespace of", interface, error))?
}

/// Tells whether the engine works on queue 0 of `interface`. Zero-copy is not tried: a driver that
/// has it resets the queue, or the link, to give the socket its rings.
///
/// # Errors
/// Why it does not.
pub fn probe(netns: &Netns, interface: &str) -> Result<String> {
    use crate::engine::frames::FrameRing;
    open_with(netns, interface, 0, 60, ZeroCopy::Never).map(|ring| {
        format!(
            "{}; zero-copy is not tried here, for that can reset the link",
            ring.capabilities().detail
        )
    })
}
