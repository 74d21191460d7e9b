//! `wirestorm serve sink`.

use std::fs::OpenOptions;
use std::io::{self, LineWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::cli::exit::Status;
use crate::cli::serve::sink::Sink as Typed;
use crate::error::{Error, Result};
use crate::report::format::count;
use crate::study::sink::{Delivered, Sink, Totals};
use crate::sys::errno::words;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin; a socket that broke.
pub fn execute(typed: &Typed, stop: &AtomicBool) -> Result<Status> {
    let mut log = typed.log.as_deref().map(open).transpose()?;
    let mut sink = Sink::open(&typed.options)?;
    let address = match typed.options.address {
        Some(address) => format!("{address} port {}", typed.options.port),
        None => format!("port {}", typed.options.port),
    };
    eprintln!("wirestorm: a sink for UDP and TCP on {address}");
    if let Some(why) = sink.blind() {
        eprintln!(
            "wirestorm: no tap ({why}): fragments and what TCP and ICMP carry are not seen; give it \
             CAP_NET_RAW"
        );
    }
    let mut unwritten = 0_u64;
    let served = sink.serve(stop, &mut |delivered: &Delivered| {
        if let Some(log) = &mut log
            && write(log, delivered).is_err()
        {
            unwritten += 1;
        }
    });
    say(&sink.totals(), unwritten);
    served.map(|_| Status::Passed)
}

fn open(path: &Path) -> Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(LineWriter::new(io::stdout())));
    }
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file
        .map_err(|error| Error::new("write the log", path.display().to_string(), words(&error)))?;
    Ok(Box::new(LineWriter::new(file)))
}

fn write(log: &mut dyn Write, delivered: &Delivered) -> io::Result<()> {
    let mut line = serde_json::to_vec(delivered)?;
    line.push(b'\n');
    log.write_all(&line)
}

/// The totals, in words.
fn say(totals: &Totals, unwritten: u64) {
    eprintln!(
        "wirestorm: {} frames, {} of them fragments; {} datagrams of studies, {} put together from \
         fragments; {} replies, {} answers, {} connections",
        count(totals.frames),
        count(totals.fragments),
        count(totals.datagrams),
        count(totals.reassembled),
        count(totals.replies),
        count(totals.answers),
        count(totals.connections),
    );
    if totals.limited + totals.dropped + totals.ignored + unwritten > 0 {
        eprintln!(
            "wirestorm: {} answers over the rate limit, {} packets without room, {} datagrams of no \
             study, {} lines not written",
            count(totals.limited),
            count(totals.dropped),
            count(totals.ignored),
            count(unwritten),
        );
    }
}
