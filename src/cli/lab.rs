//! `wirestorm lab`: labs that stay, to look at and to play in.

use std::num::NonZeroU32;

use clap::error::ErrorKind;
use clap::{Args, Subcommand};

/// The labs' names, as `--lab` and `lab up` take them.
pub const NAMES: [&str; 2] = ["router", "b2b"];

/// What to do with labs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lab {
    /// Build a lab that stays.
    Up {
        /// One of [`NAMES`].
        topology: String,
        /// What it is called; its namespaces are `NAME-tx`, `NAME-router`, `NAME-rx`.
        name: String,
        /// Queues of every device.
        queues: Option<NonZeroU32>,
    },
    /// Take labs down.
    Down(Which),
    /// List the labs that are up.
    List,
}

/// Which labs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that wirestorm made.
    All,
    /// Those of these names. Never empty.
    Named(Vec<String>),
}

#[derive(Debug, Args)]
#[command(
    about = "Build, take down and list labs of network namespaces",
    after_help = "\
Examples:
  wirestorm lab up router --queues 2
  ip netns exec router-tx ping 198.19.0.2
  wirestorm lab list
  wirestorm lab down router

A run makes a lab of its own, without a name, and leaves nothing behind; these labs are for you."
)]
pub(super) struct TypedLab {
    #[command(subcommand)]
    command: TypedLabCommand,
}

#[derive(Debug, Subcommand)]
enum TypedLabCommand {
    /// Build a lab that stays until it is taken down (needs root)
    Up {
        /// router: tx – Linux router – rx; b2b: tx – rx
        #[arg(default_value = "router", value_parser = NAMES)]
        topology: String,

        /// What it is called; without it, its topology
        #[arg(long, value_name = "NAME")]
        name: Option<String>,

        /// Queues of every device
        #[arg(long, value_name = "N", value_parser = super::at_least_one::<NonZeroU32>)]
        queues: Option<NonZeroU32>,
    },
    /// Take labs down; only what wirestorm made is removed
    Down {
        /// Labs, as `lab list` shows them
        #[arg(value_name = "NAME")]
        names: Vec<String>,

        /// All labs
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
            TypedLabCommand::Up { topology, name, queues } => {
                Lab::Up { name: name.unwrap_or_else(|| topology.clone()), topology, queues }
            }
            TypedLabCommand::List => Lab::List,
            TypedLabCommand::Down { names, all } => match (names.is_empty(), all) {
                (true, true) => Lab::Down(Which::All),
                (false, false) => Lab::Down(Which::Named(names)),
                (true, false) => {
                    let message = "name the lab, or --all";
                    return Err(error(ErrorKind::MissingRequiredArgument, message));
                }
                (false, true) => {
                    let message = "name labs or --all, not both";
                    return Err(error(ErrorKind::ArgumentConflict, message));
                }
            },
        })
    }
}
