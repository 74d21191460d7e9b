//! `wirestorm run` of a benchmark: all its trials in one lab, and one report.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::reset::{Means, Resetting};
use super::run::{Bed, Ran, RunOptions};
use super::watching::Watching;
use super::{Failure, machine, print};
use crate::benchmark::store::Store;
use crate::benchmark::suite::{self, Benchmarked, Shown};
use crate::benchmark::{Measured, Tester};
use crate::cli::exit::Status;
use crate::cli::run::{ReportTo, Run, Trials};
use crate::error::{Error, Result};
use crate::profile::benchmark::{Benchmark, Kind, Reset};
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
    if run.outputs.hgrm.is_some() {
        return Err(Failure::Input(
            Error::new("write", "--hgrm", "a benchmark has many trials, and no such output")
                .remedy("use --json, --csv, --html and --trials"),
        ));
    }
    let started = machine::now_rfc3339();
    let mut bed = BedTester::up(profile, options)?;
    if let Some(reset) = test.reset.as_ref().filter(|_| test.tests().contains(&Kind::Reset)) {
        bed.means(reset).map_err(Failure::Input)?;
    }
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
    let csv = run.outputs.csv.as_ref().map(|dir| report::benchmark_csv::write(&result, dir));
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
    [json, csv, page].into_iter().flatten().collect::<Result<()>>()?;
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

    fn means(&self, reset: &Reset) -> Result<Means> {
        Means::new(reset, || self.bed.router(), self.bed.allows_command())
    }
}

impl Tester for BedTester<'_> {
    fn run(
        &mut self,
        profile: &Profile,
        epoch: u8,
        reset: Option<&Reset>,
        show: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured> {
        let Some(reset) = reset else {
            let Ran { result, error, .. } = self.bed.run(profile, epoch, show)?;
            return Ok(Measured { result, error, down: None });
        };
        let means = self.means(reset)?;
        let mut begun = None;
        let ran = self.bed.run(profile, epoch, &mut |snapshot| {
            if begun.is_none() && snapshot.elapsed >= reset.after.0 {
                begun = Some(Resetting::begin(means.clone(), self.bed.stop.clone()));
            }
            show(snapshot);
        });
        // The device is as it was before anything else is said.
        let ended = begun.transpose().and_then(|begun| begun.map(Resetting::end).transpose());
        let Ran { result, error, .. } = ran?;
        let (down, failed) = match ended {
            Ok(down) => (down.flatten(), None),
            Err(failed) => (None, Some(failed)),
        };
        Ok(Measured { result, error: failed.or(error), down })
    }

    fn filter(&mut self, filters: u32) -> Result<()> {
        self.bed.router()?.filter(filters)
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
