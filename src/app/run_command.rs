//! `wirestorm run`: run, show, write, judge.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::profile::Requested;
use super::run::{self, Ran, RunOptions};
use super::watching::Watching;
use super::{Failure, benchmark, pcap, print, profile, study};
use crate::cli::exit::Status;
use crate::cli::run::{Engine, ReportTo, Run, Trials};
use crate::engine::choose::EngineChoice;
use crate::error::{Error, Result};
use crate::measure::distribution::Distribution;
use crate::profile::model::{Profile, TestKind};
use crate::report::progress::{Mode, Progress, Snapshot};
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
    if let Some(error) = &ran.error {
        eprintln!("wirestorm: {error}");
    }
    let written = write_outputs(run, &ran);
    show(run, &ran)?;
    written?;
    watching.linger();
    // An error in mid-run is the run's own: the report says what was measured until then.
    Ok(if ran.error.is_some() { Status::CouldNotRun } else { Status::of(&ran.result) })
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

/// Writes all outputs; a failure of one does not keep the others from being written.
fn write_outputs(run: &Run, ran: &Ran) -> Result<()> {
    let outputs = &run.outputs;
    let histograms: Vec<(String, &Distribution)> =
        ran.histograms.iter().map(|(name, distribution)| (name.clone(), distribution)).collect();
    let json = outputs.json.as_ref().map(|path| write_json(path, ran));
    let csv = outputs.csv.as_ref().map(|dir| report::csv::write(&ran.result, dir));
    let html = outputs
        .html
        .as_ref()
        .map(|path| super::report::write_html(path, &report::html::run::page(&ran.result)));
    let hgrm = outputs.hgrm.as_ref().map(|dir| report::hgrm::write(&ran.result, &histograms, dir));
    [json, csv, html, hgrm].into_iter().flatten().collect()
}

fn write_json(path: &Path, ran: &Ran) -> Result<()> {
    report::file::write(path, |out| report::json::to_writer(&ran.result, out))
}

fn show(run: &Run, ran: &Ran) -> Result<()> {
    let render = |style| match run.quiet {
        true => terminal::render_verdict(&ran.result, style),
        false => terminal::render(&ran.result, style),
    };
    match run.report_to {
        ReportTo::Stdout => print(render(run.color.style(&io::stdout())).as_bytes()),
        ReportTo::Stderr => {
            // A closed standard error leaves nobody to tell.
            let mut err = BufWriter::new(io::stderr().lock());
            let _ = err.write_all(render(run.color.style(&io::stderr())).as_bytes());
            Ok(())
        }
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
