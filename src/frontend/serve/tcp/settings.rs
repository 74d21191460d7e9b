//! What a translator is told.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::cut::SEGMENT;
use crate::units::Nanos;
use crate::wire::{ipv4, ipv6, tcp};

/// A port that clients connect to, and the server behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The clients' destination port.
    pub port: u16,
    /// The server.
    pub backend: SocketAddr,
    /// This host's address towards the server, of the server's family.
    pub source: IpAddr,
    /// MTU towards the server.
    pub mtu: usize,
}

/// What a translator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Ports and the servers behind.
    pub listeners: Vec<Listener>,
    /// Addresses that clients connect to.
    pub front: Vec<IpAddr>,
    /// MTU towards the clients.
    pub mtu: usize,
    /// TTL or hop limit towards the clients.
    pub hop_limit: u8,
    /// Data of a segment towards a client at most, bytes.
    pub segment: usize,
    /// Unanswered sendings in fragments before the same bytes go whole; 0: everything goes whole.
    pub whole_after: u8,
    /// Source ports towards each server.
    pub ports: RangeInclusive<u16>,
    /// Connections at most.
    pub max_flows: usize,
    /// Connections a second that are opened at most, in the mean.
    pub syn_rate: u32,
    /// How long a handshake may take.
    pub handshake: Nanos,
    /// How long both sides may be silent.
    pub idle: Nanos,
    /// How long a client may be silent while it owes an acknowledgment.
    pub vanished: Nanos,
    /// How long a connection that has ended is remembered.
    pub linger: Nanos,
}

impl Settings {
    /// Least data of a segment, whatever clients and routers say.
    pub const LEAST_SEGMENT: usize = 64;

    /// The defaults, for these ports and addresses.
    pub fn new(listeners: Vec<Listener>, front: Vec<IpAddr>, mtu: usize) -> Self {
        Self {
            listeners,
            front,
            mtu,
            hop_limit: 64,
            segment: SEGMENT,
            whole_after: 3,
            ports: 10_240..=32_767,
            max_flows: 16_384,
            syn_rate: 10_000,
            handshake: Nanos(10 * Nanos::SECOND.0),
            idle: Nanos(300 * Nanos::SECOND.0),
            vanished: Nanos(60 * Nanos::SECOND.0),
            linger: Nanos(2 * Nanos::SECOND.0),
        }
    }

    /// Which of the listeners serves a destination of clients.
    pub fn listener(&self, front: SocketAddr) -> Option<usize> {
        if !self.front.contains(&front.ip()) {
            return None;
        }
        self.listeners.iter().position(|listener| listener.port == front.port())
    }
}

/// Bytes of an IP header in the family of `address`, without options.
pub fn ip_header(address: IpAddr) -> usize {
    if address.is_ipv4() { ipv4::LEN } else { ipv6::LEN }
}

/// Data of a segment with a TCP header of `header` bytes that a packet of `mtu` bytes holds.
pub fn room(mtu: usize, address: IpAddr, header: usize) -> usize {
    mtu.saturating_sub(ip_header(address) + header).max(Settings::LEAST_SEGMENT)
}

/// The maximum segment size that fits an MTU (RFC 9293 §3.7.1).
pub fn mss_of(mtu: usize, address: IpAddr) -> u16 {
    room(mtu, address, tcp::LEN).min(usize::from(u16::MAX)) as u16
}
