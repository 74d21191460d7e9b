//! `wirestorm doctor`.

use clap::Args;

use super::color::ColorChoice;

/// What is this machine able to do, and what stands in the way?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doctor {
    /// The interface to look at. None: the machine, and every interface in short.
    pub interface: Option<String>,
    /// Colours of the findings.
    pub color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(
    about = "Look for what stands in the way of a true measurement, each finding with its remedy",
    after_help = "\
Examples:
  wirestorm doctor
  wirestorm doctor eth1"
)]
pub(super) struct TypedDoctor {
    /// Interface to look at; without it, the machine and every interface in short
    #[arg(value_name = "IFACE")]
    interface: Option<String>,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: ColorChoice,
}

impl TypedDoctor {
    pub(super) fn meaning(self) -> Doctor {
        Doctor { interface: self.interface, color: self.color }
    }
}
