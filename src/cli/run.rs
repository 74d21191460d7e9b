//! `wirestorm run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use super::color::ColorChoice;
use super::profile::{ProfileRequest, TypedProfile};
use crate::profile::units::Unit;
use crate::units::Nanos;

/// Run a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What to run.
    pub profile: ProfileRequest,
    /// How to send.
    pub engine: Engine,
    /// Where the result goes beside the terminal.
    pub outputs: Outputs,
    /// Where a benchmark's trials are kept.
    pub trials: Trials,
    /// The profile may run its `test.reset.command`.
    pub allow_command: bool,
    /// The live view instead of progress.
    pub tui: bool,
    /// Where metrics are served in mid-run.
    pub metrics: Option<SocketAddr>,
    /// How long they are served after the end.
    pub metrics_linger: Nanos,
    /// No progress, and of the report the verdict alone.
    pub quiet: bool,
    /// Where the terminal report goes: standard error where standard output holds another output.
    pub report_to: ReportTo,
    /// Colours of the terminal report.
    pub color: ColorChoice,
}

/// Where the result goes beside the terminal. All paths differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// The JSON result; `-` is standard output.
    pub json: Option<PathBuf>,
    /// Directory of the CSV files.
    pub csv: Option<PathBuf>,
    /// The HTML report.
    pub html: Option<PathBuf>,
    /// Directory of the HdrHistogram files.
    pub hgrm: Option<PathBuf>,
    /// The packets, as a capture file.
    pub pcap: Option<PathBuf>,
}

/// Where a benchmark's trials are kept, each when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trials {
    /// Nowhere.
    #[default]
    Nowhere,
    /// In a new file.
    Keep(PathBuf),
    /// In the file of a benchmark that was interrupted, which goes on.
    Resume(PathBuf),
}

/// Where the terminal report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportTo {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The best that works here; the report says which and why
    #[default]
    Auto,
    /// Packets are built in the kernel by an XDP program (live frames)
    XdpLive,
    /// AF_XDP transmit ring
    AfXdp,
    /// TPACKET_V3 transmit ring
    PacketMmap,
    /// Raw IP sockets: IPv4 and IPv6 alone, for hosts that allow nothing else
    Raw,
    /// Builds every packet and sends none
    Null,
    /// Writes the packets to the file of --pcap and sends none
    Pcap,
}

#[derive(Debug, Args)]
#[command(
    about = "Run a profile: send, receive, measure, judge",
    after_help = EXAMPLES
)]
pub(super) struct TypedRun {
    #[command(flatten)]
    profile: TypedProfile,

    /// How to send
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t)]
    engine: Engine,

    /// Write the result as JSON; `-` is standard output, and the report then goes to standard error
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    json: Option<PathBuf>,

    /// Write streams.csv, totals.csv and ledger.csv into this directory; of a benchmark a file a test
    #[arg(long, value_name = "DIR", help_heading = "Outputs")]
    csv: Option<PathBuf>,

    /// Write the report as one HTML file that needs nothing else, with charts
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    html: Option<PathBuf>,

    /// Write an HdrHistogram interval log and percentile spectra into this directory
    #[arg(long, value_name = "DIR", help_heading = "Outputs")]
    hgrm: Option<PathBuf>,

    /// Write the packets that the profile describes to a capture file
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pcap: Option<PathBuf>,

    /// Keep each trial of a benchmark in this file when it ends, so that --resume can go on
    #[arg(long, value_name = "FILE", help_heading = "Benchmarks", conflicts_with = "resume")]
    trials: Option<PathBuf>,

    /// Go on with the benchmark whose trials are in this file, and keep further ones there
    #[arg(long, value_name = "FILE", help_heading = "Benchmarks")]
    resume: Option<PathBuf>,

    /// Let the profile run its test.reset.command, with the rights of this program
    #[arg(long, help_heading = "Benchmarks")]
    allow_command: bool,

    /// Show rates, losses and latencies live while it runs, with keys to change the rate and to stop
    #[arg(long, help_heading = "Display", conflicts_with = "quiet")]
    tui: bool,

    /// Serve metrics for Prometheus at http://ADDR/metrics while it runs; port 0: any that is free
    #[arg(long, value_name = "ADDR", help_heading = "Outputs", value_parser = metrics_address)]
    metrics: Option<SocketAddr>,

    /// Go on serving the last metrics for so long after the end, for scrapers that come rarely
    #[arg(long, value_name = "TIME", help_heading = "Outputs", requires = "metrics", value_parser = linger)]
    metrics_linger: Option<Nanos>,

    /// No progress, and of the report the verdict alone
    #[arg(short, long, help_heading = "Display")]
    quiet: bool,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, help_heading = "Display")]
    color: ColorChoice,
}

const EXAMPLES: &str = "\
Examples:
  wirestorm run profiles/router.yaml --lab router
  wirestorm run my.yaml --engine af-xdp --workers 2 --json result.json --csv results/
  wirestorm run profiles/router.yaml --html report.html
  wirestorm run profiles/rfc2544-lab.yaml --trials trials.jsonl
  wirestorm run profiles/rfc2544-lab.yaml --resume trials.jsonl
  wirestorm run my.yaml --tui --metrics 127.0.0.1:9100
  wirestorm run my.yaml --set 'streams[0].rate=1Mpps' --set duration=60s --json - | jq .verdict

Exit status: 0 valid and passed; 1 could not run; 2 usage or profile error; 3 INVALID or
incomplete; 4 valid, criteria not met.
Interrupted (Ctrl-C), it reports what was measured until then, marked INCOMPLETE.";

impl TypedRun {
    pub(super) fn meaning(self) -> Result<Run, clap::Error> {
        let error = |kind, message: &str| super::usage_error(kind, &["run"], message);
        if self.engine == Engine::Pcap && self.pcap.is_none() {
            return Err(error(
                ErrorKind::MissingRequiredArgument,
                "--engine pcap writes packets to a file: name it with --pcap FILE",
            ));
        }
        let files = [("--json", &self.json), ("--html", &self.html), ("--pcap", &self.pcap)];
        let directories = [("--csv", &self.csv), ("--hgrm", &self.hgrm)];
        if let Some((option, _)) = directories.iter().find(|(_, path)| is_stdout(path.as_deref())) {
            return Err(error(
                ErrorKind::ValueValidation,
                &format!("{option} writes several files: name a directory"),
            ));
        }
        let same = files.iter().enumerate().find_map(|(number, (one, path))| {
            let path = path.as_ref()?;
            let (other, _) =
                files[..number].iter().find(|(_, other)| other.as_ref() == Some(path))?;
            Some((other, one, path))
        });
        if let Some((one, other, path)) = same {
            let place = match is_stdout(Some(path)) {
                true => "standard output".to_owned(),
                false => path.display().to_string(),
            };
            return Err(error(
                ErrorKind::ArgumentConflict,
                &format!("{one} and {other} both write to {place}"),
            ));
        }
        let report_to = if files.iter().any(|(_, path)| is_stdout(path.as_deref())) {
            ReportTo::Stderr
        } else {
            ReportTo::Stdout
        };
        Ok(Run {
            profile: self.profile.meaning(),
            engine: self.engine,
            outputs: Outputs {
                json: self.json,
                csv: self.csv,
                html: self.html,
                hgrm: self.hgrm,
                pcap: self.pcap,
            },
            trials: match (self.trials, self.resume) {
                (_, Some(file)) => Trials::Resume(file),
                (Some(file), None) => Trials::Keep(file),
                (None, None) => Trials::Nowhere,
            },
            allow_command: self.allow_command,
            tui: self.tui,
            metrics: self.metrics,
            metrics_linger: self.metrics_linger.unwrap_or(Nanos(0)),
            quiet: self.quiet,
            report_to,
            color: self.color,
        })
    }
}

fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, as in 127.0.0.1:9100, [::1]:9100 or 127.0.0.1:0"
            .to_owned()
    })
}

fn linger(text: &str) -> Result<Nanos, String> {
    Nanos::parse(text).map_err(|allowed| format!("expected {allowed}"))
}

fn is_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}
