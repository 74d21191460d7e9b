//! `wirestorm report`: results read back, shown again or compared.

use std::io;
use std::path::{Path, PathBuf};

use super::{Failure, print};
use crate::cli::color::ColorChoice;
use crate::cli::exit::Status;
use crate::cli::report::{Of, Report};
use crate::error::{Error, Result};
use crate::report::compare::{Comparison, Run};
use crate::report::html::page::Page;
use crate::report::read::Any;
use crate::report::terminal::Style;
use crate::report::{file, html, read, terminal};

/// Shows the results, and writes the HTML that was asked for.
///
/// # Errors
/// A file that is no result; an HTML file that cannot be written.
pub fn execute(report: &Report) -> std::result::Result<Status, Failure> {
    if let Some(path) = &report.html {
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
            let (baseline, candidate) = (runs(baseline)?, runs(candidate)?);
            let nothing = || Error::new("compare", "the results", "a side has none");
            let comparison = Comparison::of(baseline, candidate).ok_or_else(nothing)?;
            output(
                report,
                || html::comparison::page(&comparison),
                |style| terminal::render_comparison(&comparison, style),
            )?;
            Ok(if comparison.valid { Status::Passed } else { Status::Invalid })
        }
    }
}

fn runs(paths: &[PathBuf]) -> std::result::Result<Vec<Run>, Failure> {
    paths
        .iter()
        .map(|path| {
            let result = read::read(path).map_err(Failure::Input)?;
            Ok(Run { file: path.display().to_string(), result })
        })
        .collect()
}

fn output(
    report: &Report,
    page: impl Fn() -> Page,
    render: impl Fn(Style) -> String,
) -> Result<()> {
    let html = report.html.as_deref().map(|path| write_html(path, &page()));
    let color: ColorChoice = report.color;
    if report.html.as_deref() == Some(Path::new("-")) {
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
