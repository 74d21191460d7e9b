//! What was typed, and what it means: two types a command. `Typed…` is clap's; the other is checked
//! and is all that the rest of the house sees. One file a command.

pub mod calibrate;
pub mod check;
pub mod color;
pub mod completions;
pub mod doctor;
pub mod exit;
pub mod explain;
pub mod headers;
pub mod lab;
pub mod man;
pub mod pcap;
pub mod ping;
pub mod profile;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod trace;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a profile.
    Run(run::Run),
    /// Show results again, or compare them.
    Report(report::Report),
    /// Is a profile valid, and what is its plan?
    Check(check::Check),
    /// Write a profile's packets to a file.
    Pcap(pcap::Pcap),
    /// Turn a capture into a profile.
    Explain(explain::Explain),
    /// List the headers of the profile language.
    Headers(headers::Headers),
    /// Print a JSON Schema.
    Schema(schema::Schema),
    /// Build and end labs.
    Lab(lab::Lab),
    /// What is this machine able to do?
    Doctor(doctor::Doctor),
    /// Measure the latency floor of the tool itself.
    Calibrate(calibrate::Calibrate),
    /// Send echo requests to a host.
    Ping(ping::Ping),
    /// Find the way to a host.
    Trace(trace::Trace),
    /// Serve in fragments.
    Serve(serve::Serve),
    /// Print a completion script.
    Completions(completions::Completions),
    /// Print manual pages.
    Man(man::Man),
}

#[derive(Debug, Parser)]
#[command(
    name = "wirestorm",
    version,
    about = "Turns any Linux machine into a router tester",
    long_about = "Turns any Linux machine into a router tester: a YAML profile says which packets \
                  are sent and what is measured; the report says what is true of the device under \
                  test, or why it cannot be known.",
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Typed {
    #[command(subcommand)]
    command: TypedCommand,
}

const EXAMPLES: &str = "\
Examples:
  wirestorm run profiles/router.yaml --lab router   test a Linux router in namespaces
  wirestorm check profiles/router.yaml              is it valid, and what is its plan?
  wirestorm doctor eth1                             what stands in the way on eth1?

Exit status: 0 valid and passed; 1 could not run; 2 usage or profile error; 3 INVALID or
incomplete; 4 valid, criteria not met.";

#[derive(Debug, Subcommand)]
enum TypedCommand {
    Run(run::TypedRun),
    Report(report::TypedReport),
    Check(check::TypedCheck),
    Pcap(pcap::TypedPcap),
    Explain(explain::TypedExplain),
    Headers(headers::TypedHeaders),
    Schema(schema::TypedSchema),
    Lab(lab::TypedLab),
    Doctor(doctor::TypedDoctor),
    Calibrate(calibrate::TypedCalibrate),
    Ping(ping::TypedPing),
    Trace(trace::TypedTrace),
    Serve(serve::TypedServe),
    Completions(completions::TypedCompletions),
    Man(man::TypedMan),
}

/// Reads this process's arguments. Prints help or the version where they ask for it, and what is
/// wrong with them where something is; the process then ends, with status 0 or 2.
pub fn parse() -> Command {
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Reads arguments, the program's name first.
///
/// # Errors
/// What is wrong with them; help and version are errors too, as clap has it.
pub fn parse_from(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Command, clap::Error> {
    let command = match Typed::try_parse_from(arguments)?.command {
        TypedCommand::Run(typed) => Command::Run(typed.meaning()?),
        TypedCommand::Report(typed) => Command::Report(typed.meaning()?),
        TypedCommand::Check(typed) => Command::Check(typed.meaning()),
        TypedCommand::Pcap(typed) => Command::Pcap(typed.meaning()),
        TypedCommand::Explain(typed) => Command::Explain(typed.meaning()),
        TypedCommand::Headers(typed) => Command::Headers(typed.meaning()),
        TypedCommand::Schema(typed) => Command::Schema(typed.meaning()),
        TypedCommand::Lab(typed) => Command::Lab(typed.meaning()?),
        TypedCommand::Doctor(typed) => Command::Doctor(typed.meaning()),
        TypedCommand::Calibrate(typed) => Command::Calibrate(typed.meaning()),
        TypedCommand::Ping(typed) => Command::Ping(typed.meaning()),
        TypedCommand::Trace(typed) => Command::Trace(typed.meaning()?),
        TypedCommand::Serve(typed) => Command::Serve(typed.meaning()?),
        TypedCommand::Completions(typed) => Command::Completions(typed.meaning()),
        TypedCommand::Man(typed) => Command::Man(typed.meaning()?),
    };
    Ok(command)
}

/// The command line as clap describes it: for completions, manual pages and tests.
pub fn definition() -> clap::Command {
    Typed::command()
}

/// A usage error of `subcommand`, shown with its usage.
fn usage_error(kind: clap::error::ErrorKind, subcommand: &[&str], message: &str) -> clap::Error {
    let mut root = definition();
    root.build();
    let mut command = &mut root;
    for name in subcommand {
        match command.find_subcommand_mut(name) {
            Some(found) => command = found,
            None => return clap::Error::raw(kind, message),
        }
    }
    command.error(kind, message)
}

/// A number of at least 1, for clap.
fn at_least_one<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "expected a whole number, at least 1".to_owned())
}
