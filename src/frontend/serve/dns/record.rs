//! The lines of the log: one object each, `event` says which.

use std::time::SystemTime;

use serde::Serialize;

use super::Settings;
use super::clients::ClientPrefix;
use super::watch::{Counts as EpisodeCounts, Outcome, Settled};
use crate::frontend::serve::service::time_of_day;
use crate::frontend::serve::transmit;
use crate::profile::FRAGMENT_ORDERS;

/// The JSON Schema of a line.
pub const JSON_SCHEMA: &str = include_str!("../../../../docs/serve-dns.schema.json");

/// The service begins.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "start")]
pub struct Start<'a> {
    time: String,
    version: &'static str,
    interface: &'a str,
    listen: &'a [String],
    servers: Vec<String>,
    fragment: String,
    order: &'static str,
    gap_ns: u64,
    settle_ns: u64,
}

impl<'a> Start<'a> {
    /// With the addresses that it listens on.
    pub fn new(settings: &Settings, interface: &'a str, listen: &'a [String]) -> Self {
        let order = FRAGMENT_ORDERS.iter().find(|(_, order)| *order == settings.shape.order);
        Self {
            time: time_of_day(),
            version: env!("CARGO_PKG_VERSION"),
            interface,
            listen,
            servers: settings.servers.iter().map(ToString::to_string).collect(),
            fragment: settings.shape.cutting.to_string(),
            order: order.map_or("list", |(name, _)| name),
            gap_ns: settings.shape.gap.0,
            settle_ns: settings.settle.0,
        }
    }
}

/// What became of one client's question.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "outcome")]
pub struct OutcomeLine<'a> {
    time: String,
    client: String,
    address: String,
    port: u16,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    id: u16,
    buffer_size: Option<u16>,
    size: Option<usize>,
    fragments: Option<&'a [usize]>,
    atomic: bool,
    outcome: Outcome,
    statement: &'static str,
    #[serde(flatten)]
    counts: &'a EpisodeCounts,
}

impl<'a> OutcomeLine<'a> {
    /// Of an episode that is over.
    pub fn new(settled: &'a Settled, prefix: ClientPrefix) -> Self {
        let question = &settled.asked.question;
        Self {
            time: time(settled.began),
            client: prefix.text(settled.asked.client),
            address: settled.address.ip().to_string(),
            port: settled.address.port(),
            name: question.name.to_string(),
            kind: question.kind_text(),
            id: settled.id,
            buffer_size: settled.buffer_size,
            size: settled.size,
            fragments: Some(&settled.fragments[..]).filter(|sizes| !sizes.is_empty()),
            atomic: settled.atomic,
            outcome: settled.outcome,
            statement: settled.statement,
            counts: &settled.counts,
        }
    }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// A server behind does not answer any more, or does again.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "server")]
pub struct ServerLine {
    /// When.
    pub time: String,
    /// Its address.
    pub server: String,
    /// `silent` or `answers`.
    pub state: &'static str,
}

/// The link does not take packets any more, or does again.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "link")]
pub struct LinkLine {
    /// When.
    pub time: String,
    /// The interface.
    pub interface: String,
    /// `fails` or `sends`.
    pub state: &'static str,
    /// What went wrong.
    pub error: Option<String>,
}

/// What happened how often since the service began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Messages by UDP.
    pub udp_queries: u64,
    /// Messages by UDP that the kernel dropped before they were taken: they came faster, or their
    /// checksum was wrong.
    pub missed: u64,
    /// Messages by TCP.
    pub tcp_queries: u64,
    /// Of all messages: no query at all, and not answered.
    pub dropped: u64,
    /// Answered FORMERR.
    pub formerr: u64,
    /// Answered NOTIMP.
    pub notimp: u64,
    /// Answered REFUSED: transfers.
    pub refused: u64,
    /// Sent again by the client before there was an answer; not passed on.
    pub repeated: u64,
    /// Not answered for the client's rate.
    pub limited: u64,
    /// Answered empty, to come by TCP, for the client's rate.
    pub limited_truncated: u64,
    /// Answers by UDP in fragments.
    pub fragmented: u64,
    /// Answers by UDP in one packet.
    pub whole: u64,
    /// Answers by UDP that did not fit the client's room and ask for TCP.
    pub truncated: u64,
    /// Answers by TCP.
    pub tcp_answers: u64,
    /// Answered SERVFAIL: no server answered, or too many queries waited.
    pub servfail: u64,
    /// Of these, the ones for which there was no room to wait.
    pub overload: u64,
    /// Answers that the kernel did not take.
    pub send_errors: u64,
    /// Queries sent to servers.
    pub server_queries: u64,
    /// Of these, sent again.
    pub server_retries: u64,
    /// Of these, by TCP.
    pub server_tcp: u64,
    /// Messages of servers that the kernel dropped before they were taken.
    pub server_missed: u64,
    /// Messages of servers that answer nothing that waits.
    pub stray: u64,
    /// TCP connections of clients.
    pub connections: u64,
    /// Of these, closed at once: there were too many.
    pub connections_refused: u64,
    /// ICMP errors about answers.
    pub icmp: u64,
    /// Lines of the log that are lost.
    pub log_lost: u64,
}

/// The service ends.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "totals")]
pub struct TotalsLine<'a> {
    /// When.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub totals: &'a Totals,
    /// What became of the packets; none when answers are not cut.
    pub link: Option<transmit::Counts>,
}
