//! `wirestorm schema`.

use clap::{Args, ValueEnum};

/// Print a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Of what.
    pub of: Of,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// The profile, so that editors complete it
    #[default]
    Profile,
    /// The JSON result
    Result,
    /// The JSON result of a benchmark
    Benchmark,
    /// A comparison as JSON
    Comparison,
    /// The JSON result of a fragmentation study
    Fragments,
    /// The JSON result of ping
    Ping,
    /// The JSON result of trace
    Trace,
    /// A line of the log of serve dns
    ServeDns,
    /// A line of the log of serve tcp
    ServeTcp,
    /// A line of the log of serve sink
    ServeSink,
}

#[derive(Debug, Args)]
#[command(
    about = "Print the JSON Schema of profiles, of results, or of the logs of services",
    after_help = "\
Examples:
  wirestorm schema > profile.schema.json
  wirestorm schema result > result.schema.json
  wirestorm schema serve-dns > serve-dns.schema.json"
)]
pub(super) struct TypedSchema {
    /// What it describes
    #[arg(value_enum, default_value_t)]
    of: Of,
}

impl TypedSchema {
    pub(super) fn meaning(self) -> Schema {
        Schema { of: self.of }
    }
}
