//! `wirestorm report`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::error::ErrorKind;

use super::color::ColorChoice;

/// Show results again, or compare them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which results.
    pub of: Of,
    /// The HTML report; `-` is standard output, and the terminal report then goes to standard error.
    pub html: Option<PathBuf>,
    /// Colours of the terminal report.
    pub color: ColorChoice,
}

/// Which results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// One, as `run` showed it.
    One(PathBuf),
    /// Repeats against repeats; no side is empty.
    Comparison {
        /// What the candidate is compared with.
        baseline: Vec<PathBuf>,
        /// What is compared.
        candidate: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(
    about = "Show a result again, or compare results",
    after_help = "\
Examples:
  wirestorm report result.json
  wirestorm report result.json --html report.html
  wirestorm report before.json after.json
  wirestorm report --baseline before-*.json --candidate after-*.json --html compared.html

Exit status of one result: as its run had. Of a comparison: 0; 3 where a side has no valid run.
2 where a file is no result."
)]
pub(super) struct TypedReport {
    /// A JSON result; with a second one, the baseline and the candidate of a comparison
    #[arg(value_name = "FILE", num_args = 1..=2, conflicts_with_all = ["baseline", "candidate"],
          required_unless_present = "baseline")]
    files: Vec<PathBuf>,

    /// Repeats of what is compared with
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "candidate")]
    baseline: Vec<PathBuf>,

    /// Repeats of what is compared
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "baseline")]
    candidate: Vec<PathBuf>,

    /// Write the report as one HTML file that needs nothing else; `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    html: Option<PathBuf>,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, help_heading = "Display")]
    color: ColorChoice,
}

impl TypedReport {
    pub(super) fn meaning(self) -> Result<Report, clap::Error> {
        let of = match <[PathBuf; 1]>::try_from(self.files) {
            Ok([file]) => Of::One(file),
            Err(mut files) => match (files.pop(), files.pop()) {
                (Some(candidate), Some(baseline)) => {
                    Of::Comparison { baseline: vec![baseline], candidate: vec![candidate] }
                }
                _ => Of::Comparison { baseline: self.baseline, candidate: self.candidate },
            },
        };
        let mut files: Vec<&Path> = match &of {
            Of::One(file) => vec![file],
            Of::Comparison { baseline, candidate } => {
                baseline.iter().chain(candidate).map(PathBuf::as_path).collect()
            }
        };
        files.sort();
        // Twice the same run would look like repeats that agree.
        if let Some([file, _]) = files.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("{} is named twice", file.display());
            return Err(super::usage_error(ErrorKind::ArgumentConflict, &["report"], &message));
        }
        Ok(Report { of, html: self.html, color: self.color })
    }
}
