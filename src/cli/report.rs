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
    /// The comparison as JSON; `-` as for `html`. None of a single result.
    pub json: Option<PathBuf>,
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
  wirestorm report before.json after.json --json - | jq .metrics
  wirestorm report --baseline before-*.json --candidate after-*.json --html compared.html

Exit status of one result: as its run had. Of a comparison: 0; 3 where a side has no valid run.
2 where a file is no result."
)]
pub(super) struct TypedReport {
    /// A JSON result; with a second one, the baseline and the candidate of a comparison
    #[arg(value_name = "FILE", num_args = 1.., conflicts_with_all = ["baseline", "candidate"],
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

    /// Write a comparison as JSON; `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    json: Option<PathBuf>,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, help_heading = "Display")]
    color: ColorChoice,
}

impl TypedReport {
    pub(super) fn meaning(self) -> Result<Report, clap::Error> {
        let error =
            |message: &str| super::usage_error(ErrorKind::ArgumentConflict, &["report"], message);
        let mut files = self.files.into_iter();
        let of = match (files.next(), files.next(), files.next()) {
            (Some(file), None, _) => Of::One(file),
            (Some(baseline), Some(candidate), None) => {
                Of::Comparison { baseline: vec![baseline], candidate: vec![candidate] }
            }
            (None, ..) => Of::Comparison { baseline: self.baseline, candidate: self.candidate },
            (Some(_), Some(_), Some(_)) => {
                return Err(error(
                    "with more than two results say which are repeats of what: \
                     --baseline FILE... --candidate FILE...",
                ));
            }
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
            return Err(error(&format!("{} is named twice", file.display())));
        }
        if self.json.is_some() && matches!(of, Of::One(_)) {
            return Err(error("a single result is JSON already: --json is for comparisons"));
        }
        if self.json.is_some() && self.json == self.html {
            return Err(error("--html and --json both write to one file"));
        }
        Ok(Report { of, html: self.html, json: self.json, color: self.color })
    }
}
