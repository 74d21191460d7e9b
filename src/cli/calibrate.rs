//! `wirestorm calibrate`.

use std::path::PathBuf;

use clap::Args;

use super::color::ColorChoice;
use crate::profile::units::Unit;
use crate::units::Nanos;

/// Measure the latency floor of the tool itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibrate {
    /// The calibration file; `-` is standard output. None: where runs look for it.
    pub output: Option<PathBuf>,
    /// How long every trial sends.
    pub duration: Nanos,
    /// Colours of the table.
    pub color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(
    about = "Measure the latency of the tool itself, back to back, for later reports to show \
             (needs root)",
    after_help = "\
Examples:
  wirestorm calibrate
  wirestorm calibrate --duration 5s -o floor.json
  WIRESTORM_CALIBRATION=floor.json wirestorm run profiles/router.yaml

Every engine that works sends from one end of a cable in a lab of its own to the other: idle
(1,000 packets per second) and loaded (half of what it reached in 0.2 s without a rate), three
times each, in turns. Of each value the median is kept.

The file: $WIRESTORM_CALIBRATION, else $XDG_STATE_HOME/wirestorm/calibration.json, else
~/.local/state/wirestorm/calibration.json, else /var/lib/wirestorm/calibration.json. Runs read it
and print it beside their results; one of another kernel, CPU or version of wirestorm is not used.
With WIRESTORM_CALIBRATION empty, runs use none."
)]
pub(super) struct TypedCalibrate {
    /// Calibration file to write; `-` is standard output; without it, where runs look for it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How long every trial sends; from 1ms to 60s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    duration: Nanos,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: ColorChoice,
}

impl TypedCalibrate {
    pub(super) fn meaning(self) -> Calibrate {
        Calibrate { output: self.output, duration: self.duration, color: self.color }
    }
}

fn duration(text: &str) -> Result<Nanos, String> {
    let duration = Nanos::parse(text).map_err(|allowed| format!("expected {allowed}"))?;
    if (Nanos::MILLISECOND..=Nanos(60 * Nanos::SECOND.0)).contains(&duration) {
        Ok(duration)
    } else {
        Err("expected a time from 1ms to 60s".into())
    }
}
