//! `wirestorm serve dns`.

use crate::cli::exit::Status;
use crate::cli::serve::dns::Dns;
use crate::error::Result;
use crate::frontend::serve::dns::server::{End, FrontEnd};
use crate::frontend::serve::fragment::Cutting;
use crate::frontend::serve::log::Log;
use crate::frontend::serve::service::Service;
use crate::frontend::serve::transmit::Transmitter;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin.
pub fn execute(dns: &Dns, service: &Service) -> Result<Status> {
    let settings = &dns.settings;
    let interface = &dns.link.interface;
    // What is not cut goes out as of any server, which needs no right.
    let link = match settings.shape.cutting {
        Cutting::None => None,
        Cutting::Cut(_) => Some(Transmitter::open(interface, dns.link.gateways)?),
    };
    let log = Log::open(&dns.log)?;
    let mut front = FrontEnd::open(settings, interface, link, log)?;
    let servers: Vec<String> = settings.servers.iter().map(ToString::to_string).collect();
    eprintln!(
        "wirestorm: serving DNS on {} before {}, fragments: {}",
        front.listening().join(", "),
        servers.join(", "),
        settings.shape.cutting
    );
    let served = front.serve(service);
    service.stopping();
    say(&front.end());
    served.map(|()| Status::Passed)
}

/// The totals, in words.
fn say(end: &End) {
    let totals = &end.totals;
    eprintln!(
        "wirestorm: {} queries by UDP, {} by TCP; answers: {} in fragments, {} whole, {} truncated, \
         {} by TCP, {} SERVFAIL",
        totals.udp_queries,
        totals.tcp_queries,
        totals.fragmented,
        totals.whole,
        totals.truncated + totals.limited_truncated,
        totals.tcp_answers,
        totals.servfail
    );
    let missed = totals.missed + totals.server_missed;
    if missed > 0 {
        eprintln!(
            "wirestorm: the kernel dropped {missed} messages, {} of them queries: they came faster \
             than they were taken, or with a wrong checksum",
            totals.missed
        );
    }
    let malformed = totals.dropped + totals.formerr + totals.notimp + totals.refused;
    if malformed + totals.limited + totals.limited_truncated > 0 {
        eprintln!(
            "wirestorm: {malformed} messages malformed or of other kinds; {} over the rate limit",
            totals.limited + totals.limited_truncated
        );
    }
    let outcomes = &end.outcomes;
    eprintln!(
        "wirestorm: fragments arrived {}, lost {}, sometimes {}, asked again {}, silent {}, \
         unknown {}",
        outcomes.arrived,
        outcomes.lost,
        outcomes.sometimes,
        outcomes.asked_again,
        outcomes.silent,
        outcomes.unknown
    );
    let clients: Vec<String> =
        end.clients.iter().map(|(word, count)| format!("{word} {count}")).collect();
    let more = if end.forgotten { ", and more than are remembered" } else { "" };
    eprintln!("wirestorm: clients that receive fragments: {}{more}", clients.join(", "));
    if let Some(link) = &end.link {
        let lost = link.refused + link.unresolved + link.overflowed;
        if lost > 0 {
            let why = link.last_error.as_deref().unwrap_or("no room to wait");
            eprintln!("wirestorm: {lost} packets were not sent; the last error: {why}");
        }
    }
    if totals.log_lost > 0 {
        eprintln!("wirestorm: {} lines of the log are lost", totals.log_lost);
    }
}
