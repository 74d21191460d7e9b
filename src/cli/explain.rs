//! `wirestorm explain`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

/// Turn a capture into a profile that makes its packets again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// The capture.
    pub capture: PathBuf,
    /// Where the profile goes; `-` is standard output.
    pub output: PathBuf,
    /// At most so many packets. None: all.
    pub count: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
#[command(
    about = "Turn the packets of a capture into a profile that makes them again, byte for byte",
    after_help = "\
Examples:
  wirestorm explain capture.pcapng -o again.yaml
  wirestorm explain capture.pcap --count 10
  wirestorm pcap again.yaml -o again.pcap    the same bytes at the same times"
)]
pub(super) struct TypedExplain {
    /// The capture: pcap or pcapng, of Ethernet frames
    #[arg(value_name = "FILE")]
    capture: PathBuf,

    /// Profile to write; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    /// At most this many packets
    #[arg(long, value_name = "N", value_parser = super::at_least_one::<NonZeroUsize>)]
    count: Option<NonZeroUsize>,
}

impl TypedExplain {
    pub(super) fn meaning(self) -> Explain {
        Explain { capture: self.capture, output: self.output, count: self.count }
    }
}
