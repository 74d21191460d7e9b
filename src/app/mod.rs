//! From the command line to the exit status: one file a command.

mod benchmark;
mod calibrate;
mod calibrated;
mod check;
mod diagnose;
mod doctor;
mod explain;
mod headers;
mod lab;
mod machine;
mod outputs;
mod pcap;
mod ping;
mod prepare;
mod profile;
mod report;
mod reset;
mod run;
mod run_command;
mod schema;
mod serve;
mod signals;
mod study;
mod trace;
mod watching;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::exit::Status;
use crate::cli::{self, Command};
use crate::error::{Error, Result};
use crate::profile::ProfileErrors;

/// Why a command ended without doing what it was asked.
enum Failure {
    /// The profile is wrong.
    Profile(ProfileErrors),
    /// A file that was named is not what it has to be.
    Input(Error),
    /// It could not run.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<ProfileErrors> for Failure {
    fn from(errors: ProfileErrors) -> Self {
        Self::Profile(errors)
    }
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let status = match execute(cli::parse()) {
        Ok(status) => status,
        Err(Failure::Profile(errors)) => {
            eprintln!("{errors}");
            Status::Usage
        }
        Err(Failure::Input(error)) => {
            eprintln!("wirestorm: {error}");
            Status::Usage
        }
        Err(Failure::Error(error)) => {
            eprintln!("wirestorm: {error}");
            Status::CouldNotRun
        }
    };
    status.into()
}

fn execute(command: Command) -> std::result::Result<Status, Failure> {
    match command {
        Command::Run(run) => run_command::execute(&run),
        Command::Report(report) => report::execute(&report),
        Command::Check(check) => check::execute(&check),
        Command::Pcap(pcap) => pcap::execute(&pcap),
        Command::Explain(typed) => explain::execute(&typed),
        Command::Headers(typed) => headers::execute(&typed),
        Command::Doctor(doctor) => Ok(doctor::execute(&doctor)?),
        Command::Lab(lab) => Ok(lab::execute(&lab)?),
        Command::Calibrate(typed) => calibrate::execute(&typed),
        Command::Ping(typed) => Ok(ping::execute(&typed)),
        Command::Trace(typed) => Ok(trace::execute(&typed)?),
        Command::Serve(typed) => Ok(serve::execute(&typed)?),
        Command::Schema(schema) => {
            print(schema::text(schema.of).as_bytes())?;
            Ok(Status::Passed)
        }
        Command::Completions(completions) => {
            print(&completions.script())?;
            Ok(Status::Passed)
        }
        Command::Man(man) => {
            man.execute()?;
            Ok(Status::Passed)
        }
    }
}

/// Writes to standard output. A reader that has gone is no error.
fn print(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new("write to", "standard output", error))
        }
        _ => Ok(()),
    }
}
