//! Where and how the run was made, in one block.

use super::Style;
use super::calibration;
use super::paint::clean;
use super::section::{self, known};
use crate::report::format::{NOT_MEASURED, nanos};
use crate::report::model::RunResult;

/// A line a subject; what is not known is `–`.
pub fn render(result: &RunResult, style: Style) -> String {
    let environment = &result.environment;
    let engine = match result.engine_detail.trim() {
        "" => known(&result.engine),
        detail => format!("{} ({})", known(&result.engine), clean(detail)),
    };
    let host = format!("kernel {}; {}", known(&environment.kernel), known(&environment.cpu));
    let started = format!(
        "{}; wirestorm {}; seed {}",
        known(&environment.started),
        known(&environment.wirestorm),
        result.seed
    );
    let lag = match result.schedule_lag_max_ns {
        Some(lag) => format!("{} at most behind the schedule", nanos(lag as f64)),
        None => NOT_MEASURED.to_owned(),
    };
    let floor = match &result.calibration {
        Some(calibrated) => calibration::floor(calibrated),
        None => known(&result.calibration_detail),
    };
    let lines = [
        ("command", known(&environment.command)),
        ("started", started),
        ("engine", engine),
        ("lag", lag),
        ("receive", known(&result.receive_detail)),
        ("host", host),
        ("drivers", known(&environment.driver)),
        ("offloads", known(&environment.offloads)),
        ("clock", known(&environment.clock)),
        ("latency", known(&environment.latency_definition)),
        ("floor", floor),
        ("rates", "L2: frame with FCS; L1: also 20 bytes of preamble and gap a frame".to_owned()),
    ];
    section::environment(lines, style)
}
