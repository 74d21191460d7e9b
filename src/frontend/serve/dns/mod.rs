//! A DNS front end: takes queries, passes them to a server behind, sends the answers in fragments,
//! and learns from what each client does next whether they arrived.
//!
//! | file | what it knows |
//! |---|---|
//! | [`message`] | DNS messages, as far as they are read |
//! | [`stream`] | messages on TCP |
//! | [`exchange`] | queries that wait for a server; without I/O |
//! | [`watch`] | what a client's next step says of the answer before; without I/O |
//! | `episode` | one client's dealings with one question, and what they say |
//! | [`clients`] | which addresses are one client, and how many answers it gets |
//! | [`datagram`] | the IP packet of an answer |
//! | [`record`] | the lines of the log |
//! | [`tally`] | what is known of each client in the end |
//! | [`sockets`] | the sockets of a front end |
//! | [`server`] | the loop that ties them together |

pub mod clients;
pub mod datagram;
mod episode;
pub mod exchange;
pub mod message;
pub mod record;
pub mod server;
pub mod sockets;
pub mod stream;
pub mod tally;
pub mod watch;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use super::fragment::Shape;
use crate::units::Nanos;

/// What a front end is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How answers are cut.
    pub shape: Shape,
    /// TTL or hop limit of answers that are cut.
    pub hop_limit: u8,
    /// Addresses that queries are taken on; empty: those of the interface.
    pub listen: Vec<IpAddr>,
    /// Their port.
    pub port: u16,
    /// Servers behind, tried in turn. Never empty.
    pub servers: Vec<SocketAddr>,
    /// How long a server is waited for.
    pub timeout: Nanos,
    /// How often a query is sent again.
    pub retries: u32,
    /// Queries that wait for a server at most.
    pub max_in_flight: u32,
    /// TCP connections of clients at most.
    pub max_connections: u32,
    /// Answers a second to a client at most; `None`: no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// Which addresses are one client.
    pub client_prefix: clients::ClientPrefix,
    /// Answers are sent however little the client has room for.
    pub ignore_buffer_size: bool,
    /// Questions asked again so often are answered whole.
    pub whole_after: Option<NonZeroU32>,
    /// A query for this label before an answered name tells that the answer arrived.
    pub follow_up: Option<String>,
    /// How long a client's next step is waited for.
    pub settle: Nanos,
}
