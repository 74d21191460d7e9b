//! `wirestorm run`: run, show, write, judge.

use std::io::{self, Write};
use std::path::Path;

use super::outputs::{self, Reported};
use super::profile::Requested;
use super::run::{self, Ran, RunOptions};
use super::watching::Watching;
use super::{Failure, benchmark, pcap, profile, study};
use crate::cli::exit::Status;
use crate::cli::run::{Engine, Run, Trials};
use crate::engine::choose::EngineChoice;
use crate::error::{Error, Result};
use crate::profile::model::{Profile, TestKind};
use crate::report::html::page::Page;
use crate::report::progress::{Mode, Progress, Snapshot};
use crate::report::terminal::Style;
use crate::report::{self, terminal};

/// Runs the profile and writes every output that was asked for.
///
/// # Errors
/// The profile's problems; what hinders the start; an output that cannot be written (after all
/// others were).
pub fn execute(run: &Run) -> std::result::Result<Status, Failure> {
    let Requested { profile, allowed } = profile::load(&run.profile)?;
    check_outputs(run)?;
    let sends_nothing = matches!(run.engine, Engine::Null | Engine::Pcap);
    if matches!(profile.test, TestKind::Benchmark(_)) && sends_nothing {
        // It counts its packets as sent: a search would blame the device for all of them.
        return Err(Failure::Input(
            Error::new("measure", &profile.name, "with this engine it sends nothing")
                .remedy("name another engine, or none; wirestorm pcap writes the packets"),
        ));
    }
    if let Some(path) = &run.outputs.pcap {
        pcap::write(&profile, path, None)?;
    }
    let engine = match run.engine {
        Engine::Pcap => return Ok(Status::Passed),
        Engine::Auto => EngineChoice::Auto,
        Engine::XdpLive => EngineChoice::XdpLive,
        Engine::AfXdp => EngineChoice::AfXdp,
        Engine::PacketMmap => EngineChoice::PacketMmap,
        Engine::Raw => EngineChoice::Raw,
        Engine::Null => EngineChoice::Null,
    };
    if let TestKind::Study(test) = &profile.test {
        if run.engine != Engine::Auto {
            return Err(Failure::Input(
                Error::new("measure", &profile.name, "a study sends by a packet socket alone")
                    .remedy("leave --engine out; wirestorm pcap writes the packets"),
            ));
        }
        return study::execute(run, &profile, test, &command_line(), &allowed);
    }
    let is_benchmark = matches!(profile.test, TestKind::Benchmark(_));
    if !is_benchmark && run.trials != Trials::Nowhere {
        return Err(Failure::Input(
            Error::new("keep trials of", &profile.name, "it is no benchmark")
                .remedy("leave --trials and --resume out, or set test: throughput"),
        ));
    }
    let mut watching = Watching::start(run, is_benchmark)?;
    let options = RunOptions {
        engine,
        workers: run.profile.workers.map(Into::into),
        command: command_line(),
        allowed,
        allow_command: run.allow_command,
        watch: watching.trial.clone(),
        stop: watching.stop.clone(),
    };
    if let TestKind::Benchmark(test) = &profile.test {
        let status = benchmark::execute(run, &profile, test, &options, &mut watching)?;
        watching.linger();
        return Ok(status);
    }
    let ran = with_progress(&profile, &options, watching.mode);
    watching.close_view();
    let ran = ran?;
    let status = outputs::give(run, &ran, ran.error.as_ref())?;
    watching.linger();
    Ok(status)
}

fn with_progress(profile: &Profile, options: &RunOptions, mode: Mode) -> Result<Ran> {
    let mut progress: Option<Progress> = None;
    let mut last = Snapshot::default();
    // The receivers are read less often than the senders: their rate is over their own interval.
    let mut counted = (0, 0);
    let ran = run::run(profile, options, &mut |now| {
        let progress =
            progress.get_or_insert_with(|| Progress::new(now.expected.unwrap_or(0), mode));
        let since = now.elapsed.saturating_sub(last.elapsed_ns).max(1) as f64 / 1e9;
        let rx_pps = match now.received {
            Some(received) if now.received != last.received => {
                let (then, before) = std::mem::replace(&mut counted, (now.elapsed, received));
                let span = now.elapsed.saturating_sub(then).max(1) as f64 / 1e9;
                Some(received.saturating_sub(before) as f64 / span)
            }
            _ => last.rx_pps,
        };
        last = Snapshot {
            elapsed_ns: now.elapsed,
            sent: now.sent,
            received: now.received,
            tx_pps: now.sent.saturating_sub(last.sent) as f64 / since,
            rx_pps,
            lag_ns: (now.max_lag > 0).then_some(now.max_lag),
        };
        progress.update(&last);
    });
    if let Some(progress) = &mut progress {
        progress.finish();
    }
    ran
}

/// Before the run: have all outputs a place to go?
fn check_outputs(run: &Run) -> Result<()> {
    let outputs = &run.outputs;
    for file in [&outputs.json, &outputs.html, &outputs.pcap].into_iter().flatten() {
        report::file::check(file)?;
    }
    for dir in [&outputs.csv, &outputs.hgrm].into_iter().flatten() {
        report::file::check_dir(dir)?;
    }
    Ok(())
}

impl Reported for Ran {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        report::json::to_writer(&self.result, out)
    }

    fn csv(&self, dir: &Path) -> Result<()> {
        report::csv::write(&self.result, dir)
    }

    fn hgrm(&self, dir: &Path) -> Result<()> {
        let named = self.histograms.iter().map(|(name, distribution)| (name.clone(), distribution));
        report::hgrm::write(&self.result, &named.collect::<Vec<_>>(), dir)
    }

    fn page(&self) -> Page {
        report::html::run::page(&self.result)
    }

    fn terminal(&self, style: Style) -> String {
        terminal::render(&self.result, style)
    }

    fn verdict(&self, style: Style) -> String {
        terminal::render_verdict(&self.result, style)
    }

    fn status(&self) -> Status {
        Status::of(&self.result)
    }
}

fn command_line() -> String {
    let quoted =
        |argument: String| match argument.contains(|c: char| c.is_whitespace() || c == '\'') {
            true => format!("'{}'", argument.replace('\'', r"'\''")),
            false => argument,
        };
    std::env::args().map(quoted).collect::<Vec<_>>().join(" ")
}
