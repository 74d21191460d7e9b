//! `wirestorm report`: results read back, shown again or compared.

use std::io;
use std::path::{Path, PathBuf};

use super::{Failure, print};
use crate::cli::color::ColorChoice;
use crate::cli::exit::Status;
use crate::cli::report::{Of, Report};
use crate::error::{Error, Result};
use crate::report::compare::benchmarks::BenchmarkRun;
use crate::report::compare::{Comparison, Run, json};
use crate::report::html::page::Page;
use crate::report::read::Any;
use crate::report::terminal::Style;
use crate::report::{file, html, read, terminal};

/// Shows the results, and writes the HTML that was asked for.
///
/// # Errors
/// A file that is no result; an HTML file that cannot be written.
pub fn execute(report: &Report) -> std::result::Result<Status, Failure> {
    for path in [&report.html, &report.json].into_iter().flatten() {
        file::check(path)?;
    }
    match &report.of {
        Of::One(path) => match read::read_any(path).map_err(Failure::Input)? {
            Any::Run(result) => {
                let render = |style| terminal::render(&result, style);
                output(report, || html::run::page(&result), render)?;
                Ok(Status::of(&result))
            }
            Any::Benchmark(result) => {
                let render = |style| terminal::render_benchmark(&result, style);
                output(report, || html::benchmark::page(&result), render)?;
                Ok(Status::of_benchmark(&result))
            }
            Any::Study(result) => {
                let render = |style| terminal::render_study(&result, style);
                output(report, || html::study::page(&result), render)?;
                Ok(Status::of_study(&result))
            }
        },
        Of::Comparison { baseline, candidate } => {
            let comparison = compare(baseline, candidate)?;
            let json = report
                .json
                .as_ref()
                .map(|path| file::write(path, |out| json::to_writer(&comparison, out)));
            output(
                report,
                || html::comparison::page(&comparison),
                |style| terminal::render_comparison(&comparison, style),
            )?;
            json.unwrap_or(Ok(()))?;
            Ok(if comparison.valid { Status::Passed } else { Status::Invalid })
        }
    }
}

/// Runs with runs, or benchmarks with benchmarks.
fn compare(
    baseline: &[PathBuf],
    candidate: &[PathBuf],
) -> std::result::Result<Comparison, Failure> {
    let (mut runs, mut benchmarks) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for (side, paths) in [baseline, candidate].into_iter().enumerate() {
        for path in paths {
            let file = path.display().to_string();
            match read::read_any(path).map_err(Failure::Input)? {
                Any::Run(result) => runs[side].push(Run { file, result: *result }),
                Any::Benchmark(result) => {
                    benchmarks[side].push(BenchmarkRun { file, result: *result });
                }
                Any::Study(_) => {
                    let what = "a fragmentation study; runs and benchmarks are compared";
                    return Err(Failure::Input(
                        Error::new("compare", file, format!("it is of {what}"))
                            .remedy("show it by itself: wirestorm report FILE"),
                    ));
                }
            }
        }
    }
    let nothing = || Error::new("compare", "the results", "a side has none");
    let [run_baseline, run_candidate] = runs;
    let [benchmark_baseline, benchmark_candidate] = benchmarks;
    let of_runs = run_baseline.len() + run_candidate.len();
    let of_benchmarks = benchmark_baseline.len() + benchmark_candidate.len();
    match (of_runs > 0, of_benchmarks > 0) {
        (true, true) => Err(Failure::Input(
            Error::new("compare", "the results", "some are of runs and some of benchmarks")
                .remedy("compare runs with runs, and benchmarks with benchmarks"),
        )),
        (_, true) => Comparison::of_benchmarks(benchmark_baseline, benchmark_candidate)
            .ok_or_else(nothing)
            .map_err(Failure::Input),
        _ => {
            Comparison::of(run_baseline, run_candidate).ok_or_else(nothing).map_err(Failure::Input)
        }
    }
}

fn output(
    report: &Report,
    page: impl Fn() -> Page,
    render: impl Fn(Style) -> String,
) -> Result<()> {
    let html = report.html.as_deref().map(|path| write_html(path, &page()));
    let color: ColorChoice = report.color;
    let to_stdout = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if to_stdout(&report.html) || to_stdout(&report.json) {
        eprint!("{}", render(color.style(&io::stderr())));
    } else {
        print(render(color.style(&io::stdout())).as_bytes())?;
    }
    html.unwrap_or(Ok(()))
}

/// Writes a page.
///
/// # Errors
/// When the file cannot be written; it is named.
pub fn write_html(path: &Path, page: &Page) -> Result<()> {
    file::write(path, |out| out.write_all(html::render(page).as_bytes()))
}
