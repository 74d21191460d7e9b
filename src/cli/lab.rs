//! `wirestorm lab`.

use std::num::NonZeroU32;

use clap::error::ErrorKind;
use clap::{Args, Subcommand};

/// The labs' names, as `--lab` and `lab up` take them.
pub const NAMES: [&str; 2] = ["router", "b2b"];

/// The largest process number there can be on Linux (PID_MAX_LIMIT, linux/threads.h): nothing that
/// is typed becomes a negative number, which kill(2) takes for a group or for every process.
const PID_MAX: i64 = 4 * 1024 * 1024;

/// Build, end and list labs. A lab lives as long as the process that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lab {
    /// Build a lab and hold it until interrupted.
    Up {
        /// One of [`NAMES`].
        name: String,
        /// Queues of every device.
        queues: Option<NonZeroU32>,
    },
    /// End labs that other processes hold.
    Down(Which),
    /// List the labs that are up.
    List,
}

/// Which labs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that these processes hold. Never empty.
    Held(Vec<u32>),
}

#[derive(Debug, Args)]
#[command(
    about = "Build, end and list labs of network namespaces",
    after_help = "\
Examples:
  wirestorm lab up router --queues 2
  wirestorm lab list
  wirestorm lab down 4711

A lab has no name in the system: it is held by the process of `lab up`, and gone with it."
)]
pub(super) struct TypedLab {
    #[command(subcommand)]
    command: TypedLabCommand,
}

#[derive(Debug, Subcommand)]
enum TypedLabCommand {
    /// Build a lab and hold it until interrupted (needs root)
    Up {
        /// router: tx – Linux router – rx; b2b: tx – rx
        #[arg(default_value = "router", value_parser = NAMES)]
        name: String,

        /// Queues of every device
        #[arg(long, value_name = "N", value_parser = super::at_least_one::<NonZeroU32>)]
        queues: Option<NonZeroU32>,
    },
    /// End labs, by the process that holds them
    Down {
        /// Process that holds the lab, as `lab list` shows it
        #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(2..=PID_MAX))]
        pids: Vec<u32>,

        /// End all labs
        #[arg(long)]
        all: bool,
    },
    /// List the labs that are up
    List,
}

impl TypedLab {
    pub(super) fn meaning(self) -> Result<Lab, clap::Error> {
        let error = |kind, message| super::usage_error(kind, &["lab", "down"], message);
        Ok(match self.command {
            TypedLabCommand::Up { name, queues } => Lab::Up { name, queues },
            TypedLabCommand::List => Lab::List,
            TypedLabCommand::Down { pids, all } => match (pids.is_empty(), all) {
                (true, true) => Lab::Down(Which::All),
                (false, false) => Lab::Down(Which::Held(pids)),
                (true, false) => {
                    let message = "name the process that holds the lab, or --all";
                    return Err(error(ErrorKind::MissingRequiredArgument, message));
                }
                (false, true) => {
                    let message = "name processes or --all, not both";
                    return Err(error(ErrorKind::ArgumentConflict, message));
                }
            },
        })
    }
}
