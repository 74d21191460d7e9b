//! `wirestorm calibrate`: what the tool alone adds, measured over a cable in a lab.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::run::{self, RunOptions};
use super::{Failure, calibrated, machine, print, signals};
use crate::cli::calibrate::Calibrate;
use crate::cli::exit::Status;
use crate::engine::choose::EngineChoice;
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::profile;
use crate::profile::units::Unit;
use crate::report::calibration::{Calibration, EngineFloor, Floor, Refused, SCHEMA};
use crate::report::model::RunResult;
use crate::report::{file, terminal};
use crate::units::Nanos;

/// The smallest frames with a probe tag, one port that changes. Nothing is unsent for being late:
/// the lag is a part of what is measured. On the lab's cable nothing is left to wait for after
/// 200 ms.
const PROFILE: &str = "\
name: calibrate
lab: b2b
drain: 200ms
validity: {max_lag: 1s}
streams:
  - name: floor
    size: 64B
    rate: 1kpps
    packet:
      - ipv4
      - udp: {src: {increment: 1024..65535}, dst: 9}
";

/// Engines with a floor: those that send.
const ENGINES: [EngineChoice; 4] =
    [EngineChoice::XdpLive, EngineChoice::AfXdp, EngineChoice::PacketMmap, EngineChoice::Raw];

/// Packets per second of the idle trials.
const IDLE_PPS: u64 = 1_000;

/// How long an engine sends without a rate, to find out what half of it is.
const UNLIMITED: Nanos = Nanos(200_000_000);

/// Trials of one engine at one rate.
const REPEATS: usize = 3;

/// An engine under calibration.
struct Subject {
    engine: EngineChoice,
    unlimited: RunResult,
    loaded_pps: u64,
    idle: Vec<RunResult>,
    loaded: Vec<RunResult>,
}

/// Measures, shows and writes the floor of every engine.
///
/// # Errors
/// Without privilege; when no engine works; when it was interrupted; when the file cannot be
/// written.
pub fn execute(calibrate: &Calibrate) -> std::result::Result<Status, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    try_lab()?;
    let path = destination(calibrate.output.as_deref())?;
    let calibration = measure(calibrate.duration, &stop)?;
    let show = |style| terminal::render_calibration(&calibration, style);
    if path == Path::new("-") {
        // A closed standard error leaves nobody to tell.
        let _ = io::stderr().write_all(show(calibrate.color.style(&io::stderr())).as_bytes());
    } else {
        print(show(calibrate.color.style(&io::stdout())).as_bytes())?;
    }
    file::write(&path, |out| calibration.to_writer(out))?;
    if path != Path::new("-") {
        eprintln!("wirestorm: written to {}", path.display());
    }
    Ok(Status::Passed)
}

/// Where the file goes. What keeps it from being written is said before anything is measured.
fn destination(output: Option<&Path>) -> Result<PathBuf> {
    let path = match output {
        Some(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                let cause = "its directory is not there";
                return Err(Error::new("write", path.display().to_string(), cause)
                    .remedy("make its directory first"));
            }
            return Ok(path.to_owned());
        }
        None => calibrated::path().ok_or_else(|| {
            let empty = format!("{} is empty", calibrated::VARIABLE);
            Error::new("choose", "a calibration file", empty).remedy("name one with --output FILE")
        })?,
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        file::create_dir(folder)
            .map_err(|error| error.remedy("name another place with --output FILE"))?;
    }
    Ok(path)
}

/// Builds a lab once, so that what is missing for it is said once and not by every engine.
fn try_lab() -> Result<()> {
    let spec = profile::plain_lab("b2b")
        .ok_or_else(|| Error::new("build", "a lab b2b", "there is no such topology"))?;
    Lab::up(&spec, 1).map(drop)
}

fn measure(duration: Nanos, stop: &AtomicBool) -> std::result::Result<Calibration, Failure> {
    let made = machine::now_rfc3339();
    let mut subjects = Vec::new();
    let mut refused = Vec::new();
    for engine in ENGINES {
        eprintln!("wirestorm: {engine}: as fast as it goes for {}", UNLIMITED.text());
        match trial(engine, None, UNLIMITED, stop) {
            Ok(unlimited) if unlimited.totals.unique.unwrap_or(0) == 0 => {
                let said = unlimited.warnings.into_iter().chain(unlimited.verdict.reasons);
                let reason = said.map(|reason| reason.message).collect::<Vec<_>>().join("; ");
                refused.push(Refused { engine: engine.to_string(), reason });
            }
            Ok(unlimited) => {
                // Half a packet per second is no rate.
                let loaded_pps = (unlimited.totals.tx_pps / 2.0).max(1.0) as u64;
                let (idle, loaded) = (Vec::new(), Vec::new());
                subjects.push(Subject { engine, unlimited, loaded_pps, idle, loaded });
            }
            Err(Failure::Error(error)) if !stop.load(Relaxed) => {
                refused.push(Refused { engine: engine.to_string(), reason: error.to_string() });
            }
            Err(failure) => return Err(failure),
        }
    }
    if subjects.is_empty() {
        let reasons: Vec<&str> = refused.iter().map(|refused| refused.reason.as_str()).collect();
        return Err(Error::new("calibrate", "any engine", reasons.join(" / "))
            .remedy("see wirestorm doctor")
            .into());
    }
    // In turns, so that what disturbs the machine for a while does not disturb one engine alone.
    for repeat in 1..=REPEATS {
        for subject in &mut subjects {
            let (engine, loaded_pps) = (subject.engine, subject.loaded_pps);
            eprintln!("wirestorm: {engine}: idle and loaded, {repeat} of {REPEATS}");
            subject.idle.push(trial(engine, Some(IDLE_PPS), duration, stop)?);
            subject.loaded.push(trial(engine, Some(loaded_pps), duration, stop)?);
        }
    }
    Ok(Calibration {
        schema: SCHEMA.into(),
        made,
        machine: calibrated::machine(),
        duration_s: duration.as_secs_f64(),
        profile_yaml: PROFILE.into(),
        engines: subjects.into_iter().map(Subject::floor).collect(),
        refused,
    })
}

impl Subject {
    fn floor(self) -> EngineFloor {
        EngineFloor {
            engine: self.unlimited.engine,
            engine_detail: self.unlimited.engine_detail,
            receive_detail: self.unlimited.receive_detail,
            unlimited_pps: self.unlimited.totals.tx_pps,
            idle: Floor::of(IDLE_PPS, &self.idle),
            loaded: Floor::of(self.loaded_pps, &self.loaded),
        }
    }
}

/// One run of [`PROFILE`] at `pps`, or without a rate.
fn trial(
    engine: EngineChoice,
    pps: Option<u64>,
    duration: Nanos,
    stop: &AtomicBool,
) -> std::result::Result<RunResult, Failure> {
    let interrupted = || Error::new("calibrate", engine.to_string(), "it was interrupted");
    if stop.load(Relaxed) {
        return Err(interrupted().into());
    }
    let rate = pps.map_or("unlimited".to_owned(), |pps| format!("{pps}pps"));
    let settings = [format!("duration={}", duration.text()), format!("streams[0].rate={rate}")];
    let profile = profile::parse("calibrate", PROFILE, &settings)?;
    let options = RunOptions { engine, ..RunOptions::default() };
    let ran = run::run(&profile, &options, &mut |_| ())?;
    match ran.error {
        Some(error) => Err(error.into()),
        None if ran.result.incomplete => Err(interrupted().into()),
        None => Ok(ran.result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_a_profile() {
        for rate in ["unlimited", "1000pps", "1pps", "123456789pps"] {
            let settings = ["duration=1ms".to_owned(), format!("streams[0].rate={rate}")];
            if let Err(errors) = profile::parse("calibrate", PROFILE, &settings) {
                panic!("{rate}: {errors}");
            }
        }
    }
}
