//! What is told of a connection when it is over, and of all of them together.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::evidence::Acknowledged;
use super::flow::{End, Flow, Stage};
use super::segment::Refusal;

/// The JSON Schema of a line of the log.
pub const JSON_SCHEMA: &str = include_str!("../../../../docs/serve-tcp.schema.json");

/// Packets and bytes of data of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Segments.
    pub segments: u64,
    /// Bytes of data.
    pub bytes: u64,
}

impl Sent {
    /// One more segment.
    pub fn add(&mut self, bytes: usize) {
        self.segments += 1;
        self.bytes += bytes as u64;
    }
}

/// What was counted of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Segments with data that went to the client in fragments.
    pub fragmented: Sent,
    /// Segments with data that went to the client whole.
    pub whole: Sent,
    /// Segments with data that went to the server.
    pub to_server: Sent,
    /// "Packet too big", "fragmentation needed" about this connection.
    pub too_big: u64,
    /// "Fragment reassembly time exceeded" about this connection: the first fragment arrived, a
    /// later one did not.
    pub reassembly_timeouts: u64,
    /// Other ICMP errors about this connection.
    pub icmp_errors: u64,
}

impl Counts {
    /// Adds those of another connection.
    pub fn add(&mut self, other: &Self) {
        let add = |to: &mut Sent, from: &Sent| {
            to.segments += from.segments;
            to.bytes += from.bytes;
        };
        add(&mut self.fragmented, &other.fragmented);
        add(&mut self.whole, &other.whole);
        add(&mut self.to_server, &other.to_server);
        self.too_big += other.too_big;
        self.reassembly_timeouts += other.reassembly_timeouts;
        self.icmp_errors += other.icmp_errors;
    }
}

/// What a connection says of the way to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Outcome {
    /// What went out in fragments was acknowledged.
    #[serde(rename = "fragments arrive")]
    Arrive,
    /// Nothing that went out in fragments was acknowledged, and the same bytes whole were.
    #[serde(rename = "fragments lost, whole packets arrive")]
    Lost,
    /// Of what went out in fragments some was acknowledged, and some only once it went whole.
    #[serde(rename = "fragments sometimes lost, whole packets arrive")]
    SometimesLost,
    /// Neither was acknowledged.
    #[serde(rename = "neither fragments nor whole packets arrive")]
    Neither,
    /// What went out in fragments was not acknowledged, and the connection ended before it went out
    /// whole.
    #[serde(rename = "fragments unanswered")]
    Unanswered,
    /// The same bytes went out both ways, and which one was acknowledged is not known; or nothing was,
    /// and this host was too slow to hear it in time.
    #[serde(rename = "not known")]
    Unknown,
    /// The server sent nothing that was to be fragmented.
    #[serde(rename = "nothing was fragmented")]
    Nothing,
    /// There was no connection.
    #[serde(rename = "no connection")]
    NoConnection,
}

impl Outcome {
    fn of(flow: &Flow, end: End, lagged: bool) -> Self {
        if matches!(end, End::Refused | End::NoAnswer | End::NoHandshake | End::Evicted) {
            return Self::NoConnection;
        }
        let Acknowledged { fragmented, unknown, .. } = flow.evidence.acknowledged;
        match (flow.evidence.proved, fragmented) {
            _ if flow.counts.fragmented.segments == 0 => Self::Nothing,
            (0, 1..) => Self::Arrive,
            (1.., 0) => Self::Lost,
            (1.., 1..) => Self::SometimesLost,
            (0, 0) if unknown > 0 || lagged => Self::Unknown,
            (0, 0) if flow.evidence.went_both_ways() => Self::Neither,
            (0, 0) => Self::Unanswered,
        }
    }
}

/// A connection that is over: a line of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Always `flow`.
    pub event: &'static str,
    /// When it was over: RFC 3339, UTC.
    pub time: String,
    /// The client.
    pub client: SocketAddr,
    /// What it connected to.
    pub front: SocketAddr,
    /// The server behind.
    pub backend: SocketAddr,
    /// The source port towards the server.
    pub port: u16,
    /// What it says of the way to the client.
    pub outcome: Outcome,
    /// How it ended.
    pub end: End,
    /// This host was too slow while the connection was open: packets waited longer than 100 ms.
    pub lagged: bool,
    /// From the client's SYN to the end, seconds.
    pub duration_s: f64,
    /// From the server's answer to the client's acknowledgment, seconds.
    pub round_trip_s: Option<f64>,
    /// Stretches that the fragments did not bring and a whole packet did.
    pub proofs: u32,
    /// Proofs that a duplicate took back: the fragments came late.
    pub proofs_withdrawn: u32,
    /// Bytes of data that the client acknowledged, by what brought them.
    pub acknowledged_bytes: Acknowledged,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// The client's maximum segment size.
    pub client_mss: u16,
    /// MTU of the path to the client, as far as it is known.
    pub path_mtu: usize,
    /// Both sides send time stamps.
    pub timestamps: bool,
    /// The client takes selective acknowledgments.
    pub sack: bool,
}

impl Record {
    /// What is told of `flow`, which ended so; whether this host was too slow meanwhile.
    pub fn new(
        flow: &Flow,
        backend: SocketAddr,
        end: End,
        lagged: bool,
        time: String,
        now: u64,
    ) -> Self {
        let ended_at = match flow.stage {
            Stage::Ended(_, at) => at,
            _ => now,
        };
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        Self {
            event: "flow",
            time,
            client: flow.key.client,
            front: flow.key.front,
            backend,
            port: flow.port,
            outcome: Outcome::of(flow, end, lagged),
            end,
            lagged,
            duration_s: seconds(ended_at.saturating_sub(flow.opened)),
            round_trip_s: flow.evidence.round_trip().map(seconds),
            proofs: flow.evidence.proved,
            proofs_withdrawn: flow.evidence.withdrawn,
            acknowledged_bytes: flow.evidence.acknowledged,
            counts: flow.counts,
            client_mss: flow.client_mss,
            path_mtu: flow.mtu,
            timestamps: flow.timestamps,
            sack: flow.sack,
        }
    }
}

/// Packets that were not translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Malformed, or control bits that contradict each other.
    pub malformed: u64,
    /// A wrong checksum.
    pub checksum: u64,
    /// Fragments, which are not reassembled.
    pub fragments: u64,
    /// Of no connection.
    pub unmatched: u64,
}

impl Refused {
    /// One more.
    pub fn add(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Malformed => self.malformed += 1,
            Refusal::Checksum => self.checksum += 1,
            Refusal::Fragment => self.fragments += 1,
            Refusal::NotTcp => self.unmatched += 1,
        }
    }
}

/// What is told of all connections together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Connections that clients began.
    pub opened: u64,
    /// Connections that are open now.
    pub open: u64,
    /// The most that were open at once.
    pub open_most: u64,
    /// SYNs above the rate.
    pub syns_above_rate: u64,
    /// SYNs for which there was no room.
    pub syns_without_room: u64,
    /// Connections that are over, by what they say of the way to the client.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Connections that are over, by how they ended.
    pub ends: BTreeMap<End, u64>,
    /// Segments from clients.
    pub from_clients: u64,
    /// Segments from servers.
    pub from_servers: u64,
    /// What was counted of all connections.
    #[serde(flatten)]
    pub counts: Counts,
    /// Packets of clients that were not translated.
    pub refused_from_clients: Refused,
    /// Packets of servers that were not translated.
    pub refused_from_servers: Refused,
    /// ICMP errors about no connection.
    pub icmp_unmatched: u64,
}
