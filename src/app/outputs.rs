//! What a command leaves of its result: every output that was asked for, and the report.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Failure, print, report};
use crate::cli::exit::Status;
use crate::cli::run::{ReportTo, Run};
use crate::error::{Error, Result};
use crate::report::file;
use crate::report::html::page::Page;
use crate::report::terminal::Style;

/// A result, and how each output is made of it.
pub trait Reported {
    /// The JSON result.
    ///
    /// # Errors
    /// When it cannot be written.
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The CSV files.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn csv(&self, dir: &Path) -> Result<()>;

    /// The HdrHistogram files. A result that has none was refused before it was made.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn hgrm(&self, dir: &Path) -> Result<()>;

    /// The HTML report.
    fn page(&self) -> Page;

    /// The terminal report.
    fn terminal(&self, style: Style) -> String;

    /// Of the terminal report the verdict alone.
    fn verdict(&self, style: Style) -> String;

    /// The exit status.
    fn status(&self) -> Status;
}

/// Writes every output that was asked for, shows the report, and gives the exit status. `error`: what
/// ended the measurement before its time; the outputs say what was measured until then.
///
/// # Errors
/// The first output that could not be written, after all others were.
pub fn give(
    run: &Run,
    result: &impl Reported,
    error: Option<&Error>,
) -> std::result::Result<Status, Failure> {
    if let Some(error) = error {
        eprintln!("wirestorm: {error}");
    }
    let outputs = &run.outputs;
    let json = outputs.json.as_ref().map(|path| file::write(path, |out| result.json(out)));
    let csv = outputs.csv.as_ref().map(|dir| result.csv(dir));
    let html = outputs.html.as_ref().map(|path| report::write_html(path, &result.page()));
    let hgrm = outputs.hgrm.as_ref().map(|dir| result.hgrm(dir));
    let render = |style| match run.quiet {
        true => result.verdict(style),
        false => result.terminal(style),
    };
    match run.report_to {
        ReportTo::Stdout => print(render(run.color.style(&io::stdout())).as_bytes())?,
        ReportTo::Stderr => {
            // A closed standard error leaves nobody to tell.
            let mut err = BufWriter::new(io::stderr().lock());
            let _ = err.write_all(render(run.color.style(&io::stderr())).as_bytes());
        }
    }
    [json, csv, html, hgrm].into_iter().flatten().collect::<Result<()>>()?;
    Ok(if error.is_some() { Status::CouldNotRun } else { result.status() })
}
