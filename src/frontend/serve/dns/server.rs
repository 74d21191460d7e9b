//! The loop of the front end: what comes from clients goes to a server, what comes from there goes
//! back, and nothing waits for anything.

mod answers;
mod connections;
mod upstream;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::net::{TcpListener, UdpSocket};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::clients::{Allowance, RateLimit};
use super::exchange::{Asker, Exchange, Slot};
use super::message::{self, Query, Rcode, Refused};
use super::record::{LinkLine, OutcomeLine, ServerLine, Start, Totals, TotalsLine};
use super::tally::{Tallies, Tally};
use super::watch::{Advice, Answer, Settled, Watch};
use super::{Settings, sockets};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::ip::address::From as Source;
use crate::frontend::ip::heard::Says;
use crate::frontend::ip::quote::Transport;
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

    fn take_queries(&mut self, now: u64) {
        for n in 0..self.udp.len() {
            if !self.udp[n].ready {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            for _ in 0..TURN {
                match self.udp[n].socket.recv_from(&mut buffer) {
                    Ok((len, from)) => {
                        self.totals.udp_queries += 1;
                        self.query(Asker::Udp(n, from), &buffer[..len], now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.udp[n].ready = false;
                        break;
                    }
                    // Of a datagram sent before: it is the client's.
                    Err(_) => {}
                }
            }
            self.buffer = buffer;
        }
    }

    /// A message of a client.
    fn query(&mut self, asker: Asker, message: &[u8], now: u64) {
        let address = asker.address();
        let client = self.settings.client_prefix.of(address.ip());
        let tcp = matches!(asker, Asker::Tcp(..));
        let query = match Query::parse(message) {
            Ok(query) => query,
            Err(Refused::Dropped) => {
                self.totals.dropped += 1;
                if tcp {
                    self.forget(asker);
                }
                return;
            }
            Err(Refused::Answered(rcode)) => {
                *match rcode {
                    Rcode::NotImp => &mut self.totals.notimp,
                    Rcode::Refused => &mut self.totals.refused,
                    _ => &mut self.totals.formerr,
                } += 1;
                if tcp || self.allowance(client, now) == Allowance::Answer {
                    self.reply(asker, &message::header_of_answer(message, rcode, false), now);
                }
                return;
            }
        };
        if !tcp && self.exchange.waits(asker, &query) {
            self.totals.repeated += 1;
            return;
        }
        let advice = self.watch.asked(client, address, &query, tcp, now);
        if !tcp {
            match self.allowance(client, now) {
                Allowance::Answer => {}
                Allowance::Truncated => {
                    self.totals.limited_truncated += 1;
                    let answer = query.empty_answer(message, Rcode::NoError, true);
                    self.reply(asker, &answer, now);
                    self.watch.answered(client, address, &query.question, Answer::Truncated, now);
                    return;
                }
                Allowance::Nothing => {
                    self.totals.limited += 1;
                    return;
                }
            }
        }
        let whole = advice == Advice::Whole;
        let pending = self.exchange.new_query(asker, message, query, whole, now);
        self.pass_on(pending, now);
    }

    fn allowance(&mut self, client: std::net::IpAddr, now: u64) -> Allowance {
        self.limit.as_mut().map_or(Allowance::Answer, |limit| limit.ask(client, now))
    }

    fn take_icmp(&mut self) {
        for n in 0..self.icmp.len() {
            if !self.icmp[n].1 {
                continue;
            }
            self.icmp[n].1 = false;
            let mut buffer = std::mem::take(&mut self.buffer);
            for turn in 0.. {
                if turn == TURN {
                    self.icmp[n].1 = true;
                    break;
                }
                let Ok(Some(heard)) = self.icmp[n].0.hear(&mut buffer) else { break };
                let Says::Error(error, quote) = heard.says else { continue };
                let ours = |listener: &UdpListener| listener.address.ip() == quote.src;
                let Some(Transport::Udp { src, dst, .. }) = quote.transport else { continue };
                if src == self.settings.port && self.udp.iter().any(ours) {
                    self.totals.icmp += 1;
                    let address = SocketAddr::new(quote.dst, dst);
                    self.watch.icmp(address, error.meaning(), heard.from == quote.dst);
                }
            }
            self.buffer = buffer;
        }
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
        self.totals.log_lost = self.log.lost();
        self.log.flush();
    }

    fn note(&mut self, settled: &[Settled]) {
        for settled in settled {
            self.tallies.add(settled);
            self.log.line(&OutcomeLine::new(settled, self.settings.client_prefix));
        }
    }

    /// Says when the link stops taking packets, and when it takes them again.
    fn look_at_link(&mut self) {
        let Some(link) = &self.link else { return };
        let counts = link.counts();
        let failed = counts.refused + counts.unresolved + counts.overflowed;
        let (sent_before, failed_before) = self.link_seen;
        let fails = failed > failed_before;
        // Where nothing was sent in between, nothing is known.
        let sends = !fails && self.link_fails && counts.sent > sent_before;
        if fails && !self.link_fails || sends {
            self.link_fails = fails;
            let line = LinkLine {
                time: time_of_day(),
                interface: self.interface.clone(),
                state: if fails { "fails" } else { "sends" },
                error: counts.last_error.filter(|_| fails),
            };
            if let Some(error) = &line.error {
                eprintln!("wirestorm: {error}");
            }
            self.log.line(&line);
        }
        self.link_seen = (counts.sent, failed);
    }

    fn server_state(&mut self, server: usize, state: &'static str) {
        let server = self.servers[server].address.to_string();
        eprintln!(
            "wirestorm: server {server} {}",
            match state {
                "silent" => "does not answer",
                _ => "answers again",
            }
        );
        self.log.line(&ServerLine { time: time_of_day(), server, state });
    }

    /// Ends: what is left is logged, and the totals.
    pub fn end(mut self) -> End {
        if let Some(link) = &self.link {
            link.drain(Duration::from_secs(1));
            link.end();
        }
        let settled = self.watch.all();
        self.note(&settled);
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
