//! The exit status: what a script or a CI job learns without reading anything.

use std::process::ExitCode;

use crate::report::benchmark::BenchmarkResult;
use crate::report::model::{RunResult, Verdict};
use crate::report::study::StudyResult;

/// How the process ends. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The run is valid and meets its criteria; or the command did what it was asked.
    Passed = 0,
    /// It could not run: no privilege, a missing interface, a file that cannot be written.
    CouldNotRun = 1,
    /// The command line or the profile is wrong.
    Usage = 2,
    /// The run says nothing certain about the device: INVALID, or incomplete.
    Invalid = 3,
    /// The run is valid and its criteria are not met.
    Failed = 4,
}

impl Status {
    /// The status of a run that gave a result. A run that a signal ended is
    /// [`Status::Invalid`], whatever was measured until then: a job that was cancelled has neither
    /// passed nor failed the device.
    pub fn of(result: &RunResult) -> Self {
        Self::judged(result.incomplete, &result.verdict)
    }

    /// As [`Status::of`].
    pub fn of_benchmark(result: &BenchmarkResult) -> Self {
        Self::judged(result.incomplete, &result.verdict)
    }

    /// As [`Status::of`].
    pub fn of_study(result: &StudyResult) -> Self {
        Self::judged(result.incomplete, &result.verdict)
    }

    fn judged(incomplete: bool, verdict: &Verdict) -> Self {
        match (incomplete || !verdict.valid, verdict.passed) {
            (true, _) => Self::Invalid,
            (false, false) => Self::Failed,
            (false, true) => Self::Passed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
