//! `wirestorm ping`: from what was typed to the statistics.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::signals;
use crate::cli::exit::Status;
use crate::cli::ping::Ping;
use crate::error::{Error, Result};
use crate::frontend::ip::address;
use crate::frontend::ping::histogram;
use crate::frontend::ping::network::Network;
use crate::frontend::ping::report::{self, ErrorMessage};
use crate::frontend::ping::session::{Session, Settings, Step};
use crate::report::file;
use crate::sys::clock;
use crate::sys::errno::words;

/// Error messages that the JSON lists; the count is always complete.
const LISTED_ERRORS: usize = 1_000;

/// Longest sleep: a signal that comes between the look at the flag and the wait is seen after it.
const NAP: u64 = 100_000_000;

/// Pings. The status is ping(8)'s: 0 something answered, 1 nothing did, 2 everything else.
pub fn execute(ping: &Ping) -> Status {
    match run(ping) {
        Ok(true) => Status::Passed,
        Ok(false) => Status::CouldNotRun,
        Err(error) => {
            eprintln!("wirestorm: {error}");
            Status::Usage
        }
    }
}

/// Whether something answered.
fn run(ping: &Ping) -> Result<bool> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    if let Some(json) = &ping.json {
        file::check(json)?;
    }
    let destination = address::resolve(&ping.host, ping.family)?;
    let key = random_key();
    let mut network = Network::open(destination, &ping.from, ping.ttl, key as u16)?;
    let mut session = Session::new(Settings {
        count: ping.count,
        interval: ping.interval.0,
        wait: ping.wait.map(|wait| wait.0),
        size: ping.size,
        destination: destination.ip(),
        id: network.id(),
        key,
    });
    let mut out = Lines::new(ping.json.as_deref());
    out.line(&report::heading(&ping.host, &session, network.socket()));
    let mut errors = Vec::new();
    loop {
        let now = clock::now();
        if stop.load(Relaxed) {
            session.stop(now);
        }
        let until = match session.step(now) {
            Step::Done => break,
            Step::Send(index) => {
                let (at, result) = network.send(index, &session.payload(index));
                session.sent(at, result.is_ok());
                if let Err(error) = result {
                    out.line(&format!("icmp_seq={index} not sent: {}", words(&error)));
                }
                // Looks whether something is there, without waiting.
                0
            }
            Step::Wait(until) => until.min(now + NAP),
        };
        let heard = network
            .hear(until)
            .map_err(|error| Error::new("listen to", ping.host.as_str(), words(&error)))?;
        let Some(event) = heard.and_then(|heard| session.hear(&heard)) else { continue };
        if errors.len() < LISTED_ERRORS {
            errors.extend(ErrorMessage::of(&event));
        }
        if !ping.quiet {
            out.line(&report::line(&event));
        }
    }
    out.line(report::statistics(&ping.host, &session).trim_end_matches('\n'));
    if ping.histogram {
        out.line(histogram::text(&session.rtt().histogram()).trim_end_matches('\n'));
    }
    if let Some(json) = &ping.json {
        let result = report::json(&ping.host, &session, network.socket(), errors);
        file::write(json, |out| {
            serde_json::to_writer_pretty(&mut *out, &result)?;
            out.write_all(b"\n")
        })?;
    }
    Ok(session.counts().received > 0)
}

/// A number that nobody guesses: the identifier of the echoes and what their payload begins with.
pub(super) fn random_key() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is keyed by the kernel's random numbers.
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(clock::now());
    hasher.finish()
}

/// Where lines go: standard error where standard output holds the JSON.
pub(super) struct Lines {
    to_stderr: bool,
}

impl Lines {
    pub(super) fn new(json: Option<&Path>) -> Self {
        Self { to_stderr: json == Some(Path::new("-")) }
    }

    /// Writes a line at once. A reader that has gone is no error.
    pub(super) fn line(&mut self, text: &str) {
        let _ = match self.to_stderr {
            true => writeln!(io::stderr(), "{text}"),
            false => {
                let mut out = io::stdout().lock();
                writeln!(out, "{text}").and_then(|()| out.flush())
            }
        };
    }
}
