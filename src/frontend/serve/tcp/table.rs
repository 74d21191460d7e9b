//! All connections, in bounded memory: found by their client and by their port towards the server.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::flow::{Flow, Key};
use super::settings::Settings;

/// A place in the table.
pub type Place = u32;

/// No connection has this port.
const NOBODY: Place = Place::MAX;

/// The source ports towards one server. Those that are free wait in the order in which they became
/// so, as the server may remember the connection that was last on one (TIME-WAIT).
#[derive(Debug)]
struct Ports {
    backend: SocketAddr,
    source: IpAddr,
    first: u16,
    used: Vec<Place>,
    free: VecDeque<u16>,
}

/// The connections.
#[derive(Debug)]
pub struct Table {
    flows: Vec<Option<Flow>>,
    vacant: Vec<Place>,
    by_client: HashMap<Key, Place>,
    ports: Vec<Ports>,
    /// Which ports a listener's server has.
    of_listener: Vec<usize>,
    max: usize,
    open: usize,
    next_sweep: usize,
}

/// Why there is no room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many connections as there may be.
    Flows,
    /// No port towards that server is left.
    Ports,
}

impl Table {
    /// An empty table.
    pub fn new(settings: &Settings) -> Self {
        let mut ports: Vec<Ports> = Vec::new();
        let mut of_listener = Vec::new();
        for listener in &settings.listeners {
            let known = ports
                .iter()
                .position(|of| (of.backend, of.source) == (listener.backend, listener.source));
            of_listener.push(known.unwrap_or(ports.len()));
            if known.is_none() {
                ports.push(Ports {
                    backend: listener.backend,
                    source: listener.source,
                    first: *settings.ports.start(),
                    used: vec![NOBODY; settings.ports.len()],
                    free: settings.ports.clone().collect(),
                });
            }
        }
        Self {
            flows: Vec::new(),
            vacant: Vec::new(),
            by_client: HashMap::new(),
            ports,
            of_listener,
            max: settings.max_flows,
            open: 0,
            next_sweep: 0,
        }
    }

    /// Connections in it.
    pub fn len(&self) -> usize {
        self.open
    }

    /// It holds none.
    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// The place of a client's connection.
    pub fn by_client(&self, key: &Key) -> Option<Place> {
        self.by_client.get(key).copied()
    }

    /// The place of the connection that a server's packet is of.
    pub fn by_server(&self, backend: SocketAddr, own: SocketAddr) -> Option<Place> {
        let ports = self.ports.iter().find(|of| of.backend == backend && of.source == own.ip())?;
        let n = usize::from(own.port().checked_sub(ports.first)?);
        ports.used.get(n).copied().filter(|place| *place != NOBODY)
    }

    /// The connection at a place.
    pub fn get(&mut self, place: Place) -> Option<&mut Flow> {
        self.flows.get_mut(place as usize)?.as_mut()
    }

    /// All connections.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.iter().flatten()
    }

    /// Puts a connection in; `make` is told its port.
    ///
    /// # Errors
    /// When there is no room.
    pub fn insert(
        &mut self,
        listener: usize,
        make: impl FnOnce(u16) -> Flow,
    ) -> Result<Place, Full> {
        if self.open >= self.max {
            return Err(Full::Flows);
        }
        let ports = &mut self.ports[self.of_listener[listener]];
        let port = ports.free.pop_front().ok_or(Full::Ports)?;
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.flows.push(None);
            self.flows.len() as Place - 1
        });
        let flow = make(port);
        ports.used[usize::from(port - ports.first)] = place;
        self.by_client.insert(flow.key, place);
        self.flows[place as usize] = Some(flow);
        self.open += 1;
        Ok(place)
    }

    /// Takes a connection out.
    pub fn remove(&mut self, place: Place) -> Option<Flow> {
        let flow = self.flows.get_mut(place as usize)?.take()?;
        self.vacant.push(place);
        self.by_client.remove(&flow.key);
        let ports = &mut self.ports[self.of_listener[flow.listener]];
        ports.used[usize::from(flow.port - ports.first)] = NOBODY;
        ports.free.push_back(flow.port);
        self.open -= 1;
        Some(flow)
    }

    /// The next `count` places in turn, so that all are looked at sooner or later.
    pub fn sweep(&mut self, count: usize) -> impl Iterator<Item = Place> + use<> {
        let all = self.flows.len();
        let start = self.next_sweep;
        let count = count.min(all);
        self.next_sweep = if all == 0 { 0 } else { (start + count) % all };
        (0..count).map(move |n| ((start + n) % all) as Place)
    }

    /// All places.
    pub fn places(&self) -> std::ops::Range<Place> {
        0..self.flows.len() as Place
    }
}
