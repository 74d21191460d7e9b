//! The loop of the front end: what comes from clients goes to a server, what comes from there goes
//! back, and nothing waits for anything.

mod answers;
mod connections;
mod notes;
mod queries;
mod upstream;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::net::{TcpListener, UdpSocket};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::clients::RateLimit;
use super::exchange::{Exchange, Slot};
use super::record::{Start, Totals, TotalsLine};
use super::tally::{Tallies, Tally};
use super::watch::Watch;
use super::{Settings, sockets};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::ip::address::From as Source;
use crate::frontend::ip::socket::{Kind, Listener};
use crate::frontend::serve::fragment::Pieces;
use crate::frontend::serve::identification::Identifications;
use crate::frontend::serve::log::Log;
use crate::frontend::serve::service::{Service, time_of_day};
use crate::frontend::serve::transmit::{self, Transmitter};
use crate::host::link;
use crate::sys::clock;
use crate::sys::errno::words;
use crate::sys::netns::Netns;
use crate::sys::raw_socket;
use connections::Connection;
use upstream::{Server, Stream};

/// The longest datagram.
const MAX_MESSAGE: usize = 65_535;
/// Datagrams that are taken from one socket before the next has its turn.
const TURN: usize = 64;
/// Between two looks at the clocks.
const TICK: u64 = 100_000_000;
/// Episodes of clients that are watched.
const MAX_EPISODES: usize = 1 << 17;
/// Events that are taken from the kernel at a time.
const EVENTS: usize = 1024;

/// What a token stands for, in its low bits.
mod kind {
    pub const UDP: usize = 0;
    pub const TCP: usize = 1;
    pub const SERVER: usize = 2;
    pub const CONNECTION: usize = 3;
    pub const STREAM: usize = 4;
    pub const ICMP: usize = 5;
    pub const BITS: usize = 3;
}

fn token(kind: usize, n: usize) -> Token {
    Token(n << kind::BITS | kind)
}

struct UdpListener {
    socket: UdpSocket,
    address: SocketAddr,
    ready: bool,
}

/// A front end.
pub struct FrontEnd<'a> {
    settings: &'a Settings,
    poll: Poll,
    log: Log,
    udp: Vec<UdpListener>,
    tcp: Vec<(TcpListener, SocketAddr)>,
    icmp: Vec<(Listener, bool)>,
    servers: Vec<Server>,
    exchange: Exchange,
    watch: Watch,
    limit: Option<RateLimit>,
    connections: HashMap<usize, Connection>,
    /// Connections that may be read on.
    resumed: Vec<usize>,
    streams: HashMap<usize, Stream>,
    waiting_for_stream: VecDeque<Slot>,
    /// Numbers of connections and streams, never used twice.
    numbers: usize,
    link: Option<Transmitter>,
    /// Packets that the link took, and that it did not, when it was looked at.
    link_seen: (u64, u64),
    link_fails: bool,
    ids: Identifications,
    pieces: Pieces,
    packet: Vec<u8>,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    totals: Totals,
    tallies: Tallies,
    listening: Vec<String>,
    interface: String,
    last_tick: u64,
}

impl<'a> FrontEnd<'a> {
    /// Opens all sockets. `link` sends what is cut; without one, answers go as the kernel sends them.
    ///
    /// # Errors
    /// When a port is taken or not allowed, the interface has no address, or there is no route to a
    /// server.
    pub fn open(
        settings: &'a Settings,
        interface: &str,
        link: Option<Transmitter>,
        log: Log,
    ) -> Result<Self> {
        let here = |error: io::Error| Error::new("look at", interface, words(&error));
        let facts = link::facts(&Netns::current().map_err(here)?, interface)?;
        let addresses = sockets::addresses(&facts, &settings.listen, settings.port)?;
        let poll = Poll::new().map_err(|error| Error::new("wait for", "events", words(&error)))?;
        let mut front = Self {
            settings,
            poll,
            log,
            udp: Vec::new(),
            tcp: Vec::new(),
            icmp: Vec::new(),
            servers: Vec::new(),
            exchange: Exchange::new(settings.max_in_flight as usize, settings.timeout.0),
            watch: Watch::new(
                settings.settle.0,
                settings.whole_after,
                settings.follow_up.clone(),
                MAX_EPISODES,
            ),
            limit: settings.rate_limit.map(RateLimit::new),
            connections: HashMap::new(),
            resumed: Vec::new(),
            streams: HashMap::new(),
            waiting_for_stream: VecDeque::new(),
            numbers: 0,
            link,
            link_seen: (0, 0),
            link_fails: false,
            ids: Identifications::default(),
            pieces: Pieces::default(),
            packet: Vec::new(),
            buffer: vec![0; MAX_MESSAGE + 1],
            scratch: Vec::new(),
            totals: Totals::default(),
            tallies: Tallies::default(),
            listening: addresses.iter().map(ToString::to_string).collect(),
            interface: interface.to_owned(),
            last_tick: clock::now(),
        };
        for address in addresses {
            front.listen(address)?;
        }
        for (n, address) in settings.servers.iter().enumerate() {
            front.servers.push(Server::open(*address, n, front.poll.registry())?);
        }
        front.hear_icmp();
        Ok(front)
    }

    fn listen(&mut self, address: SocketAddr) -> Result<()> {
        let failed = |error: io::Error| Error::new("watch", address.to_string(), words(&error));
        let mut socket = sockets::listen_udp(address)?;
        let mut listener = sockets::listen_tcp(address)?;
        let registry = self.poll.registry();
        registry
            .register(&mut socket, token(kind::UDP, self.udp.len()), Interest::READABLE)
            .and_then(|()| {
                registry.register(
                    &mut listener,
                    token(kind::TCP, self.tcp.len()),
                    Interest::READABLE,
                )
            })
            .map_err(failed)?;
        self.udp.push(UdpListener { socket, address, ready: false });
        self.tcp.push((listener, address));
        Ok(())
    }

    /// ICMP errors tell of fragments that were lost. Who may not hear them does without.
    fn hear_icmp(&mut self) {
        for (family, v6) in [(Family::V4, false), (Family::V6, true)] {
            if !self.udp.iter().any(|listener| listener.address.is_ipv6() == v6) {
                continue;
            }
            let Ok(listener) = Listener::open(family, Kind::RawIcmp, &Source::Any) else {
                continue;
            };
            let fd = listener.socket().as_raw_fd();
            let token = token(kind::ICMP, self.icmp.len());
            if self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE).is_ok()
            {
                self.icmp.push((listener, false));
            }
        }
    }

    /// The addresses that queries are taken on.
    pub fn listening(&self) -> &[String] {
        &self.listening
    }

    /// Serves until the service is stopped.
    ///
    /// # Errors
    /// When the kernel does not tell of events any more.
    pub fn serve(&mut self, service: &Service) -> Result<()> {
        let start = Start::new(self.settings, &self.interface, &self.listening);
        self.log.line(&start);
        self.log.flush();
        service.ready();
        let mut events = Events::with_capacity(EVENTS);
        while !service.stopped() {
            if service.reopen_wished() {
                self.log.reopen();
            }
            match self.poll.poll(&mut events, Some(self.wait())) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::new("wait for", "events", words(&error))),
            }
            let now = clock::now();
            for event in &events {
                let (kind, n) = (event.token().0 & 7, event.token().0 >> kind::BITS);
                match kind {
                    kind::UDP => self.udp[n].ready = true,
                    kind::TCP => self.accept(n, now),
                    kind::SERVER => self.server_ready(n),
                    kind::CONNECTION => self.connection_ready(n, now),
                    kind::STREAM => self.stream_ready(n, now),
                    _ => self.icmp[n].1 = true,
                }
            }
            // Answers first: they make room.
            self.take_answers(now);
            self.resume(now);
            self.take_queries(now);
            self.take_icmp();
            self.expire(now);
            if now.saturating_sub(self.last_tick) >= TICK {
                self.last_tick = now;
                self.tick(now);
            }
        }
        Ok(())
    }

    /// How long the kernel may be waited for.
    fn wait(&self) -> Duration {
        let busy = self.udp.iter().any(|listener| listener.ready)
            || self.icmp.iter().any(|(_, ready)| *ready)
            || !self.resumed.is_empty()
            || self.servers.iter().any(Server::is_ready);
        if busy {
            return Duration::ZERO;
        }
        let now = clock::now();
        let due = self.exchange.next_deadline().unwrap_or(u64::MAX);
        let until = due.min(self.last_tick + TICK);
        Duration::from_nanos(until.saturating_sub(now).min(TICK))
    }

    /// What is done from time to time.
    fn tick(&mut self, now: u64) {
        let settled = self.watch.settled(now);
        self.note(&settled);
        self.close_idle(now);
        for n in 0..self.tcp.len() {
            self.accept(n, now);
        }
        self.look_at_link();
        self.look_at_sockets();
        self.totals.log_lost = self.log.lost();
        self.log.flush();
    }

    /// What the kernel dropped for want of room, of which nothing else would tell.
    fn look_at_sockets(&mut self) {
        let dropped = |socket: BorrowedFd<'_>| raw_socket::dropped(socket).map_or(0, u64::from);
        self.totals.missed = self.udp.iter().map(|listener| dropped(listener.socket.as_fd())).sum();
        let sockets = self.servers.iter().flat_map(Server::sockets);
        self.totals.server_missed = sockets.map(|socket| dropped(socket.as_fd())).sum();
    }

    /// Ends: what is left is logged, and the totals.
    pub fn end(mut self) -> End {
        if let Some(link) = &self.link {
            link.drain(Duration::from_secs(1));
            link.end();
        }
        let settled = self.watch.all();
        self.note(&settled);
        self.look_at_sockets();
        let time = time_of_day();
        for line in self.tallies.lines(self.settings.client_prefix, &time) {
            self.log.line(&line);
        }
        self.totals.log_lost = self.log.lost();
        let link = self.link.as_ref().map(Transmitter::counts);
        self.log.line(&TotalsLine { time, totals: &self.totals, link: link.clone() });
        let log_lost = self.log.close();
        let totals = Totals { log_lost, ..self.totals };
        End {
            totals,
            link,
            outcomes: self.tallies.all,
            clients: self.tallies.clients(),
            forgotten: self.tallies.forgotten(),
        }
    }
}

/// What a front end did.
#[derive(Debug)]
pub struct End {
    /// Counts.
    pub totals: Totals,
    /// What became of the packets; none when answers were not cut.
    pub link: Option<transmit::Counts>,
    /// Questions that were answered in fragments, by outcome.
    pub outcomes: Tally,
    /// Clients by whether they receive fragments.
    pub clients: [(&'static str, u64); 4],
    /// There were more clients than could be remembered.
    pub forgotten: bool,
}
