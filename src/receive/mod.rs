//! What came back: XDP and TPACKET_V3.

pub mod find_tag;
pub mod queues;
pub mod xdp;

use crate::error::{Error, Result};
use crate::measure::received::PortReceived;
use crate::profile::model::ReceiveMode;
use crate::sys::bpf::XdpMode;
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

/// Opens a receiver on an interface, in its network namespace.
///
/// With [`ReceiveMode::Auto`] the first way that works is taken, and [`PortReceived::mode`] tells
/// it and why the ones before it did not.
///
/// # Errors
/// When the interface does not exist, another XDP program holds it, or a privilege is missing.
pub fn open(spec: &ReceiveSpec) -> Result<Box<dyn Receiver>> {
    spec.netns.run(|| open_here(spec)).map_err(|cause| {
        Error::new("enter the network namespace of", &spec.interface, cause)
            .remedy("run as root, or with CAP_SYS_ADMIN")
    })?
}

fn open_here(spec: &ReceiveSpec) -> Result<Box<dyn Receiver>> {
    match spec.mode {
        ReceiveMode::XdpNative => Ok(Box::new(xdp::open(spec, XdpMode::Native)?)),
        ReceiveMode::XdpGeneric => Ok(Box::new(xdp::open(spec, XdpMode::Generic)?)),
        _ => Err(Error::new("receive on", &spec.interface, "not yet")),
    }
}
