//! `wirestorm pcap`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use super::profile::{ProfileRequest, TypedProfile};

/// Write a profile's packets to a file, without privilege and without sending any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcap {
    /// Whose packets.
    pub profile: ProfileRequest,
    /// The capture file; `-` is standard output.
    pub output: PathBuf,
    /// At most so many packets. None: all that the profile sends.
    pub count: Option<NonZeroU64>,
}

#[derive(Debug, Args)]
#[command(
    about = "Write the packets of a profile to a capture file: the bytes, without privilege",
    after_help = "\
Examples:
  wirestorm pcap profiles/router.yaml -o packets.pcap --count 1000
  wirestorm pcap my.yaml -o - --count 10 | tshark -r - -V"
)]
pub(super) struct TypedPcap {
    #[command(flatten)]
    profile: TypedProfile,

    /// Capture file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// At most this many packets; without it, all that the profile sends
    #[arg(long, value_name = "N", value_parser = super::at_least_one::<NonZeroU64>)]
    count: Option<NonZeroU64>,
}

impl TypedPcap {
    pub(super) fn meaning(self) -> Pcap {
        Pcap { profile: self.profile.meaning(), output: self.output, count: self.count }
    }
}
