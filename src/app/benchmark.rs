//! `wirestorm run` of a benchmark: all its trials in one lab, and one report.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::outputs::{self, Reported};
use super::reset::{Means, Resetting};
use super::run::{Bed, Ran, RunOptions};
use super::watching::Watching;
use super::{Failure, machine};
use crate::benchmark::store::Store;
use crate::benchmark::suite::{self, Benchmarked, Shown};
use crate::benchmark::{Measured, Tester};
use crate::cli::exit::Status;
use crate::cli::run::{Run, Trials};
use crate::error::{Error, Result};
use crate::profile::benchmark::{Benchmark, Kind, Reset};
use crate::profile::model::Profile;
use crate::report::benchmark::BenchmarkResult;
use crate::report::html::page::Page;
use crate::report::suite_progress::SuiteProgress;
use crate::report::terminal::Style;
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
    if run.outputs.hgrm.is_some() && !test.tests().contains(&Kind::Latency) {
        return Err(Failure::Input(
            Error::new(
                "write",
                "--hgrm",
                "this benchmark keeps no distributions: it has no latency test",
            )
            .remedy("set test.kind to latency or rfc2544, or leave --hgrm out"),
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
    outputs::give(run, &result, error.as_ref())
}

impl Reported for BenchmarkResult {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        report::benchmark::to_writer(self, out)
    }

    fn csv(&self, dir: &Path) -> Result<()> {
        report::benchmark_csv::write(self, dir)
    }

    fn hgrm(&self, dir: &Path) -> Result<()> {
        report::benchmark_hgrm::write(self, dir)
    }

    fn page(&self) -> Page {
        html::benchmark::page(self)
    }

    fn terminal(&self, style: Style) -> String {
        terminal::render_benchmark(self, style)
    }

    fn verdict(&self, style: Style) -> String {
        terminal::render_benchmark_verdict(self, style)
    }

    fn status(&self) -> Status {
        Status::of_benchmark(self)
    }
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
