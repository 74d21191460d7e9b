//! One connection: what both sides have said, and how it ended.

use std::net::SocketAddr;

use serde::Serialize;

use super::evidence::{Evidence, before};
use super::record::Counts;
use crate::units::Nanos;

/// Who a connection is: the client's end and the end that it connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The client.
    pub client: SocketAddr,
    /// What it connected to.
    pub front: SocketAddr,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The client's SYN went to the server.
    Asked,
    /// The server's answer went to the client.
    Answered,
    /// The client acknowledged it.
    Established,
    /// It has ended, at that time.
    Ended(End, u64),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Both sides closed it.
    Closed,
    /// The client reset it.
    ClientReset,
    /// The server reset it.
    ServerReset,
    /// The server refused it.
    Refused,
    /// The server did not answer.
    NoAnswer,
    /// The client did not finish the handshake.
    NoHandshake,
    /// The client fell silent and owes an acknowledgment.
    ClientVanished,
    /// Both fell silent.
    Idle,
    /// A newer connection took its place: the table was full of unfinished handshakes.
    Evicted,
    /// The service ended.
    Shutdown,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Who it is.
    pub key: Key,
    /// Which listener it came to.
    pub listener: usize,
    /// Source port towards the server.
    pub port: u16,
    /// How far it is.
    pub stage: Stage,
    /// Number of the connection: every one has its own.
    pub serial: u64,
    /// When it began.
    pub opened: u64,
    /// When the client was last heard.
    pub client_at: u64,
    /// When the server was last heard.
    pub server_at: u64,
    /// The client's first sequence number.
    pub client_first: u32,
    /// Behind the client's last sequence number.
    pub client_next: u32,
    /// Behind the server's last sequence number.
    pub server_next: u32,
    /// The number behind the client's FIN, and whether the server has acknowledged it.
    pub client_fin: Option<(u32, bool)>,
    /// The number behind the server's FIN, and whether the client has acknowledged it.
    pub server_fin: Option<(u32, bool)>,
    /// When the server's answer went to the client; `None` once it was repeated.
    pub answered_at: Option<u64>,
    /// The client's maximum segment size.
    pub client_mss: u16,
    /// Both sides send time stamps.
    pub timestamps: bool,
    /// The client takes selective acknowledgments.
    pub sack: bool,
    /// MTU of the path to the client, as far as it is known.
    pub mtu: usize,
    /// MTU of the path to the server, as far as it is known.
    pub server_mtu: usize,
    /// IPv6's flow label towards the client.
    pub label: u32,
    /// What the client's acknowledgments prove.
    pub evidence: Evidence,
    /// What was counted.
    pub counts: Counts,
}

impl Flow {
    /// Ends it, unless it has ended.
    pub fn end(&mut self, end: End, now: u64) {
        if !matches!(self.stage, Stage::Ended(..)) {
            self.stage = Stage::Ended(end, now);
        }
    }

    /// It has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended(..))
    }

    /// The handshake is not done.
    pub fn is_half_open(&self) -> bool {
        matches!(self.stage, Stage::Asked | Stage::Answered)
    }

    /// Both sides have closed, and each has the other's word.
    pub fn both_closed(&self) -> bool {
        let acknowledged = |fin: Option<(u32, bool)>| fin.is_some_and(|(_, is)| is);
        acknowledged(self.client_fin) && acknowledged(self.server_fin)
    }

    /// What becomes of it by the passing of time; `None`: nothing yet.
    pub fn expired(&self, now: u64, times: &Times) -> Option<End> {
        let since = |at: u64| now.saturating_sub(at);
        let last = self.client_at.max(self.server_at);
        match self.stage {
            Stage::Ended(end, at) => (since(at) >= times.linger.0).then_some(end),
            Stage::Asked if since(self.client_at) >= times.handshake.0 => Some(End::NoAnswer),
            Stage::Answered if since(self.client_at) >= times.handshake.0 => Some(End::NoHandshake),
            Stage::Established if since(last) >= times.idle.0 => Some(End::Idle),
            Stage::Established
                if self.evidence.waits() && since(self.client_at) >= times.vanished.0 =>
            {
                Some(End::ClientVanished)
            }
            _ => None,
        }
    }
}

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// A handshake.
    pub handshake: Nanos,
    /// Silence of both.
    pub idle: Nanos,
    /// Silence of a client that owes an acknowledgment.
    pub vanished: Nanos,
    /// The memory of what has ended.
    pub linger: Nanos,
}

/// The later of two sequence numbers.
pub fn later(a: u32, b: u32) -> u32 {
    if before(a, b) { b } else { a }
}
