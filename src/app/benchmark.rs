//! `wirestorm run` of a benchmark: all its trials in one lab, and one report.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::run::{Bed, Ran, RunOptions};
use super::watching::Watching;
use super::{Failure, machine, print};
use crate::benchmark::store::Store;
use crate::benchmark::suite::{self, Benchmarked, Shown};
use crate::benchmark::{Measured, Tester};
use crate::cli::exit::Status;
use crate::cli::run::{ReportTo, Run, Trials};
use crate::error::{Error, Result};
use crate::profile::benchmark::Benchmark;
use crate::profile::model::Profile;
use crate::report::suite_progress::SuiteProgress;
use crate::report::{self, html, terminal};
use crate::trial::Snapshot;
use crate::units::Nanos;

/// How often a wait looks for a stop.
const TICK: Duration = Duration::from_millis(50);

/// Runs a benchmark and writes every output that was asked for.
///
/// # Errors
/// What hinders the start; an output that a benchmark does not have, or that cannot be written.
pub fn execute(
    run: &Run,
    profile: &Profile,
    test: &Benchmark,
    options: &RunOptions,
    watching: &mut Watching,
) -> std::result::Result<Status, Failure> {
    let single = [("--csv", &run.outputs.csv), ("--hgrm", &run.outputs.hgrm)];
    if let Some((option, _)) = single.iter().find(|(_, path)| path.is_some()) {
        return Err(Failure::Input(
            Error::new("write", *option, "a benchmark has many trials, and no such output")
                .remedy("use --json, --html and --trials"),
        ));
    }
    let started = machine::now_rfc3339();
    let mut bed = BedTester::up(profile, options)?;
    let store = match &run.trials {
        Trials::Nowhere => Store::default(),
        Trials::Keep(path) => Store::create(path, profile, &bed.line_rates)?,
        Trials::Resume(path) => Store::resume(path, profile, &bed.line_rates)?,
    };
    let mut progress = SuiteProgress::new(watching.mode);
    let suite = watching.suite.clone();
    let mut show = |shown: &Shown<'_>| {
        progress.update(shown);
        if let Some(suite) = &suite {
            suite.update(shown);
        }
    };
    let benchmarked = suite::run(profile, test, &mut bed, store, &mut show);
    progress.finish();
    watching.close_view();
    let Benchmarked { mut result, error } = benchmarked?;
    result.environment.started = started;
    result.environment.command.clone_from(&options.command);
    if let Some(error) = &error {
        eprintln!("wirestorm: {error}");
    }
    let json =
        run.outputs.json.as_ref().map(|path| {
            report::file::write(path, |out| report::benchmark::to_writer(&result, out))
        });
    let page = run
        .outputs
        .html
        .as_ref()
        .map(|path| super::report::write_html(path, &html::benchmark::page(&result)));
    let render = |style| match run.quiet {
        true => terminal::render_benchmark_verdict(&result, style),
        false => terminal::render_benchmark(&result, style),
    };
    match run.report_to {
        ReportTo::Stdout => print(render(run.color.style(&io::stdout())).as_bytes())?,
        ReportTo::Stderr => {
            // A closed standard error leaves nobody to tell.
            let mut err = BufWriter::new(io::stderr().lock());
            let _ = err.write_all(render(run.color.style(&io::stderr())).as_bytes());
        }
    }
    [json, page].into_iter().flatten().collect::<Result<()>>()?;
    Ok(match error {
        Some(_) => Status::CouldNotRun,
        None => Status::of_benchmark(&result),
    })
}

/// Trials in the lab or on the machine's interfaces.
struct BedTester<'a> {
    bed: Bed<'a>,
    line_rates: Vec<Option<u64>>,
}

impl<'a> BedTester<'a> {
    fn up(profile: &Profile, options: &'a RunOptions) -> Result<Self> {
        let bed = Bed::up(profile, options)?;
        let found = bed.ports(profile)?;
        let line_rates = profile
            .ports
            .iter()
            .zip(&found)
            .map(|(port, at)| at.plan_facts(port).line_rate_bps)
            .collect();
        Ok(Self { bed, line_rates })
    }
}

impl Tester for BedTester<'_> {
    fn run(
        &mut self,
        profile: &Profile,
        epoch: u8,
        show: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured> {
        let Ran { result, error, .. } = self.bed.run(profile, epoch, show)?;
        Ok(Measured { result, error })
    }

    fn wait(&mut self, span: Nanos) {
        let begin = Instant::now();
        let span = Duration::from(span);
        while let Some(left) = span.checked_sub(begin.elapsed())
            && !left.is_zero()
            && !self.is_stopped()
        {
            std::thread::sleep(left.min(TICK));
        }
    }

    fn is_stopped(&self) -> bool {
        self.bed.stop.load(Relaxed)
    }

    fn line_rate(&self, port: usize) -> Option<u64> {
        self.line_rates.get(port).copied().flatten()
    }
}
