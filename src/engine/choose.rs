//! Which engine: the one that was asked for, or the best that works here, and why.

use std::fmt;

use super::frames::FrameEngine;
use super::null::NullRing;
use super::port::{LongestFrame, Port};
use super::{Engine, Programs, af_xdp, packet_mmap, xdp_live};
use crate::error::{Error, Result};
use crate::host::capabilities::Capabilities;
use crate::sys::clock::Monotonic;
use crate::sys::netns::Netns;

/// Frames of the null engine: as many as a ring has at least.
const NULL_FRAMES: usize = 256;

/// An engine as a user names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The best that works.
    #[default]
    Auto,
    /// Live frames: the packets are built in the kernel.
    XdpLive,
    /// AF_XDP transmit ring.
    AfXdp,
    /// TPACKET_V3 transmit ring.
    PacketMmap,
    /// Builds every frame and sends none.
    Null,
}

impl EngineChoice {
    /// The choice that a name stands for.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::XdpLive, Self::AfXdp, Self::PacketMmap, Self::Null]
            .into_iter()
            .find(|choice| choice.to_string() == name)
    }
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::XdpLive => "xdp-live",
            Self::AfXdp => "af-xdp",
            Self::PacketMmap => "packet-mmap",
            Self::Null => "null",
        })
    }
}

/// Opens an engine on a queue. The calling thread is inside `netns`.
///
/// # Errors
/// The engine's own; for [`EngineChoice::Auto`] those of all that were tried.
pub fn open(
    choice: EngineChoice,
    netns: &Netns,
    interface: &str,
    queue: u32,
    programs: &Programs,
) -> Result<Box<dyn Engine>> {
    if choice != EngineChoice::Null {
        // What no engine can do is said once, and not for each engine that was tried.
        Port::find(interface, queue, LongestFrame::of(programs))?;
    }
    if choice != EngineChoice::Auto {
        return open_one(choice, netns, interface, queue, programs);
    }
    let mut refusals = Vec::new();
    for choice in [EngineChoice::XdpLive, EngineChoice::AfXdp, EngineChoice::PacketMmap] {
        match open_one(choice, netns, interface, queue, programs) {
            Ok(engine) => return Ok(engine),
            Err(error) => refusals.push(error),
        }
    }
    if Capabilities::of_this_process().is_ok_and(|has| !has.net_raw) {
        // Without it none can work, so what else each of them misses is not worth reading.
        return Err(Error::new("open any engine on", interface, "CAP_NET_RAW is missing")
            .remedy("run as root (sudo)"));
    }
    let causes: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    Err(Error::new("open any engine on", interface, causes.join(" / "))
        .remedy(format!("see wirestorm doctor {interface}")))
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
        EngineChoice::AfXdp | EngineChoice::Auto => {
            let ring = af_xdp::open(netns, interface, queue, longest)?;
            Box::new(FrameEngine::new(ring, Monotonic, programs.clone()))
        }
    })
}
