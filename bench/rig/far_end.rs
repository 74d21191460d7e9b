//! What listens at the far end of the cable.

use wirestorm::profile::model::ReceiveMode;
use wirestorm::receive::{self, ReceiveSpec, Receiver};

use super::cable::{Cable, FAR, Sink};

/// Which program listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarEnd {
    /// Counts and drops.
    Counter,
    /// The measuring receiver, for the one stream of `flood`.
    Receiver {
        /// With histograms of latency and jitter.
        latency: bool,
    },
}

impl FarEnd {
    /// Puts it there, for packets of so many workers.
    pub fn attach(self, cable: &Cable, workers: usize) -> Listening {
        let latency = match self {
            Self::Counter => return Listening::Counter(Sink::attach(cable)),
            Self::Receiver { latency } => latency,
        };
        let spec = ReceiveSpec {
            netns: cable.far.clone(),
            interface: FAR.into(),
            mode: ReceiveMode::XdpNative,
            epoch: 1,
            stream_workers: vec![workers as u32],
            tag_offsets: vec![42],
            unparsed_offsets: 0,
            datagrams: Vec::new(),
            latency,
            wanted_gap_ns: None,
            pass_on: false,
        };
        Listening::Receiver(receive::open(&spec).expect("a receiver"))
    }
}

/// A program that listens, until dropped.
pub enum Listening {
    Counter(Sink),
    Receiver(Box<dyn Receiver>),
}

impl Listening {
    /// Packets so far; of the measuring receiver, the distinct ones.
    pub fn packets(&mut self) -> u64 {
        match self {
            Self::Counter(sink) => sink.packets(),
            Self::Receiver(receiver) => receiver.snapshot().expect("a snapshot").streams[0].unique,
        }
    }
}
