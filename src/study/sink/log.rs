//! The lines of a sink's log: one object each, `event` says which.

use std::net::IpAddr;

use serde::Serialize;

use super::{Delivered, Options, Totals};

/// The JSON Schema of a line.
pub const JSON_SCHEMA: &str = include_str!("../../../docs/serve-sink.schema.json");

/// The sink listens.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "start")]
pub struct Start<'a> {
    time: String,
    version: &'static str,
    address: Option<IpAddr>,
    port: u16,
    blind: Option<&'a str>,
}

impl<'a> Start<'a> {
    /// `blind`: why it does not see raw packets, if it does not.
    pub fn new(time: String, options: &Options, blind: Option<&'a str>) -> Self {
        let (address, port) = (options.address, options.port);
        Self { time, version: env!("CARGO_PKG_VERSION"), address, port, blind }
    }
}

/// A datagram reached a socket.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "datagram")]
pub struct DatagramLine<'a> {
    /// When it was read.
    pub time: String,
    /// The datagram.
    #[serde(flatten)]
    pub delivered: &'a Delivered,
}

/// The sink ends.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "totals")]
pub struct TotalsLine<'a> {
    /// When.
    pub time: String,
    /// What was counted.
    #[serde(flatten)]
    pub totals: &'a Totals,
    /// Lines that were not written.
    pub log_lost: u64,
}
