//! What came back: XDP and TPACKET_V3.

use crate::error::Result;
use crate::measure::received::PortReceived;
use crate::profile::model::ReceiveMode;
use crate::sys::netns::Netns;

/// What a receiver has to know.
#[derive(Clone, Debug)]
pub struct ReceiveSpec {
    /// Where the interface is.
    pub netns: Netns,
    /// Its name.
    pub interface: String,
    /// How to receive.
    pub mode: ReceiveMode,
    /// Trial; tags of another one are stale.
    pub epoch: u8,
    /// Per stream of the profile, by its number: on how many workers it is sent (0: not expected
    /// here). Packet i of a stream is sent by worker i mod N, and order is judged per worker.
    pub stream_workers: Vec<u32>,
    /// Offsets from the start of the frame where tags are expected, most likely first; others are
    /// found by parsing.
    pub tag_offsets: Vec<u16>,
    /// Keep latency and jitter histograms.
    pub latency: bool,
    /// The gap between packets that the schedule wants, where it is one constant.
    pub wanted_gap_ns: Option<u64>,
    /// Probes go on to the kernel after they were counted.
    pub pass_on: bool,
}

/// A receiving port. Opened before the first packet is sent; dropped, it leaves nothing behind.
pub trait Receiver: Send {
    /// What has been counted so far. Cheap enough to be called once a second during a run; exact
    /// once the traffic has stopped.
    ///
    /// # Errors
    /// When the interface is gone.
    fn snapshot(&mut self) -> Result<PortReceived>;
}
