//! Which engine: the one that was asked for, or the best that works here, and why.

use std::fmt;

use super::af_xdp::ZeroCopy;
use super::frames::FrameEngine;
use super::null::NullRing;
use super::port::{LongestFrame, Port};
use super::{Engine, Programs, af_xdp, packet_mmap, raw, xdp_live};
use crate::error::{Error, Result};
use crate::host::capabilities::Capabilities;
use crate::host::{link, xdp};
use crate::sys::clock::Monotonic;
use crate::sys::netns::Netns;

/// Frames of the null engine: as many as a ring has at least.
const NULL_FRAMES: usize = 256;

/// What `auto` tries in turn, where there is no zero-copy. Raw sockets send what is IP alone, through the
/// machine's filter and queues: they are for hosts that allow nothing else.
const BY_RANK: [EngineChoice; 4] =
    [EngineChoice::XdpLive, EngineChoice::AfXdp, EngineChoice::PacketMmap, EngineChoice::Raw];

/// An engine as a user names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The best that works: zero-copy AF_XDP, live frames, AF_XDP with a copy, PACKET_MMAP, raw sockets.
    #[default]
    Auto,
    /// Live frames: the packets are built in the kernel.
    XdpLive,
    /// AF_XDP transmit ring.
    AfXdp,
    /// TPACKET_V3 transmit ring.
    PacketMmap,
    /// Raw IP sockets.
    Raw,
    /// Builds every frame and sends none.
    Null,
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::XdpLive => "xdp-live",
            Self::AfXdp => "af-xdp",
            Self::PacketMmap => "packet-mmap",
            Self::Raw => "raw",
            Self::Null => "null",
        })
    }
}

/// Opens an engine on a queue, and says why that one: what was better and did not work here; empty
/// where nothing was. The calling thread is inside `netns`.
///
/// # Errors
/// The engine's own; for [`EngineChoice::Auto`] those of all that were tried.
pub fn open(
    choice: EngineChoice,
    netns: &Netns,
    interface: &str,
    queue: u32,
    programs: &Programs,
) -> Result<(Box<dyn Engine>, String)> {
    if choice != EngineChoice::Null {
        // What no engine can do is said once, and not for each engine that was tried.
        Port::find(interface, queue, LongestFrame::of(programs))?;
    }
    if choice != EngineChoice::Auto {
        let engine = open_one(choice, netns, interface, queue, programs)?;
        return Ok((engine, String::new()));
    }
    let mut refusals = Vec::new();
    if has_zero_copy(netns, interface) {
        match open_zero_copy(netns, interface, queue, programs) {
            Ok(engine) => return Ok((engine, causes_of(&refusals))),
            Err(error) => refusals.push(error),
        }
    }
    for choice in BY_RANK {
        match open_one(choice, netns, interface, queue, programs) {
            Ok(engine) => return Ok((engine, causes_of(&refusals))),
            Err(error) => refusals.push(error),
        }
    }
    if Capabilities::of_this_process().is_ok_and(|has| !has.net_raw) {
        // Without it none can work, so what else each of them misses is not worth reading.
        return Err(Error::new("open any engine on", interface, "CAP_NET_RAW is missing")
            .remedy("run as root (sudo)"));
    }
    Err(Error::new("open any engine on", interface, causes_of(&refusals))
        .remedy(format!("see wirestorm doctor {interface}")))
}

fn causes_of(refusals: &[Error]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" / ")
}

/// Whether the driver says that it can send AF_XDP frames without copying them.
fn has_zero_copy(netns: &Netns, interface: &str) -> bool {
    link::facts(netns, interface)
        .ok()
        .and_then(|facts| xdp::features(netns, facts.index).ok().flatten())
        .is_some_and(|features| features.zero_copy())
}

fn open_zero_copy(
    netns: &Netns,
    interface: &str,
    queue: u32,
    programs: &Programs,
) -> Result<Box<dyn Engine>> {
    let longest = LongestFrame::of(programs);
    let ring = af_xdp::open_with(netns, interface, queue, longest, ZeroCopy::Require)?;
    Ok(Box::new(FrameEngine::new(ring, Monotonic, programs.clone())))
}

fn open_one(
    choice: EngineChoice,
    netns: &Netns,
    interface: &str,
    queue: u32,
    programs: &Programs,
) -> Result<Box<dyn Engine>> {
    let longest = LongestFrame::of(programs);
    Ok(match choice {
        EngineChoice::Null => {
            let ring = NullRing::new(NULL_FRAMES, longest.bytes);
            Box::new(FrameEngine::new(ring, Monotonic, programs.clone()))
        }
        EngineChoice::XdpLive => {
            Box::new(xdp_live::open(netns, interface, queue, programs.clone())?)
        }
        EngineChoice::PacketMmap => {
            let ring = packet_mmap::open(netns, interface, queue, longest)?;
            Box::new(FrameEngine::new(ring, Monotonic, programs.clone()))
        }
        EngineChoice::Raw => {
            let ring = raw::open(netns, interface, queue, programs)?;
            Box::new(FrameEngine::new(ring, Monotonic, programs.clone()))
        }
        EngineChoice::AfXdp | EngineChoice::Auto => {
            let ring = af_xdp::open(netns, interface, queue, longest)?;
            Box::new(FrameEngine::new(ring, Monotonic, programs.clone()))
        }
    })
}
