//! `wirestorm serve sink`.

use crate::cli::exit::Status;
use crate::cli::serve::sink::Sink as Typed;
use crate::error::Result;
use crate::frontend::serve::log::Log;
use crate::frontend::serve::service::{Service, time_of_day};
use crate::report::format::count;
use crate::study::sink::log::{DatagramLine, Start, TotalsLine};
use crate::study::sink::{Delivered, Sink, Totals};
use crate::sys::clock;
use crate::units::Nanos;

/// Lines wait no longer than this for the file.
const TICK: u64 = 100 * Nanos::MILLISECOND.0;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin; a socket that broke.
pub fn execute(typed: &Typed, service: &Service) -> Result<Status> {
    let mut log = typed.log.as_deref().map(Log::open).transpose()?;
    let mut sink = Sink::open(&typed.options)?;
    let address = match typed.options.address {
        Some(address) => format!("{address} port {}", typed.options.port),
        None => format!("port {}", typed.options.port),
    };
    if let Some(log) = &mut log {
        log.line(&Start::new(time_of_day(), &typed.options, sink.blind()));
        log.flush();
    }
    eprintln!("wirestorm: a sink for UDP and TCP on {address}");
    if let Some(why) = sink.blind() {
        eprintln!(
            "wirestorm: no tap ({why}): fragments and what TCP and ICMP carry are not seen; give it \
             CAP_NET_RAW"
        );
    }
    service.ready();
    let served = serve(&mut sink, service, &mut log);
    service.stopping();
    let totals = sink.totals();
    let unwritten = log.map_or(0, |mut log| {
        let (time, log_lost) = (time_of_day(), log.lost());
        log.line(&TotalsLine { time, totals: &totals, log_lost });
        log.close()
    });
    say(&totals, unwritten);
    served.map(|()| Status::Passed)
}

fn serve(sink: &mut Sink, service: &Service, log: &mut Option<Log>) -> Result<()> {
    let mut next_tick = clock::now() + TICK;
    while !service.stopped() {
        sink.work(&mut |delivered: &Delivered| {
            if let Some(log) = log {
                log.line(&DatagramLine { time: time_of_day(), delivered });
            }
        })?;
        let now = clock::now();
        if now >= next_tick {
            next_tick = now + TICK;
            let reopen = service.reopen_wished();
            if let Some(log) = log {
                log.flush();
                log.lost();
                if reopen {
                    log.reopen();
                }
            }
        }
    }
    Ok(())
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
