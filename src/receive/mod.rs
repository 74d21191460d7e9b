//! What came back: XDP and TPACKET_V3.

pub mod find_tag;
mod packet_mmap;
pub mod queues;
pub mod xdp;
mod xsk;

use crate::error::{Error, Result};
use crate::measure::classify::Rules;
use crate::measure::glance::PortGlance;
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
    /// Offsets from the start of the frame where tags are expected: first those that would not be
    /// found by parsing.
    pub tag_offsets: Vec<u16>,
    /// How many of them, the first ones, would not be found by parsing.
    pub unparsed_offsets: usize,
    /// Streams whose packets of one index make a datagram whole together: of each such datagram the
    /// streams of the pieces that it needs, two at least. The one that is sent last comes first.
    pub datagrams: Vec<Vec<u16>>,
    /// Keep latency and jitter histograms.
    pub latency: bool,
    /// The gap between packets that the schedule wants, where it is one constant.
    pub wanted_gap_ns: Option<u64>,
    /// Probes go on to the kernel after they were counted.
    pub pass_on: bool,
}

/// A receiving port. Opened before the first packet is sent; dropped, it leaves nothing behind.
pub trait Receiver: Send {
    /// All that was counted. Exact once the traffic has stopped; in mid-run it is dear where there
    /// are many streams, for it reads every histogram.
    ///
    /// # Errors
    /// When the interface is gone.
    fn snapshot(&mut self) -> Result<PortReceived>;

    /// What has been counted so far, for a display in mid-run; the latencies where `latency`.
    ///
    /// # Errors
    /// When the interface is gone.
    fn glance(&mut self, latency: bool) -> Result<PortGlance>;
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
        ReceiveMode::Auto => open_best(spec),
        ReceiveMode::XdpNative => Ok(Box::new(xdp::open(spec, XdpMode::Native)?)),
        ReceiveMode::XdpGeneric => Ok(Box::new(xdp::open(spec, XdpMode::Generic)?)),
        ReceiveMode::XdpSteer => match xsk::open(spec, XdpMode::Native) {
            Ok(receiver) => Ok(Box::new(receiver)),
            Err(native) => xsk::open(spec, XdpMode::Generic)
                .map(|receiver| Box::new(receiver) as Box<dyn Receiver>)
                // The first error is the one that tells what is wrong.
                .map_err(|_| native),
        },
        ReceiveMode::PacketMmap => Ok(Box::new(packet_mmap::open(spec)?)),
    }
}

fn open_best(spec: &ReceiveSpec) -> Result<Box<dyn Receiver>> {
    let native = match xdp::open(spec, XdpMode::Native) {
        Ok(receiver) => return Ok(Box::new(receiver)),
        Err(error) => error,
    };
    let generic = match xdp::open(spec, XdpMode::Generic) {
        Ok(mut receiver) => {
            receiver.mode.push_str(&format!("; native: {}", native.cause));
            return Ok(Box::new(receiver));
        }
        Err(error) => error,
    };
    let mut receiver = packet_mmap::open(spec)?;
    receiver.mode.push_str(&format!("; XDP: {}", native.cause));
    if generic.cause != native.cause {
        receiver.mode.push_str(&format!("; generic XDP: {}", generic.cause));
    }
    Ok(Box::new(receiver))
}

/// What the user-space receivers judge frames by.
fn rules(spec: &ReceiveSpec) -> Rules {
    let flows = spec.stream_workers.iter().map(|&workers| u64::from(workers)).sum();
    Rules {
        epoch: spec.epoch,
        stream_workers: spec.stream_workers.clone(),
        datagrams: spec.datagrams.clone(),
        window_shift: xdp::layout::window_shift(flows),
        latency: spec.latency,
        wanted_gap_ns: spec.wanted_gap_ns,
    }
}
