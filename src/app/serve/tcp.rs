//! `wirestorm serve tcp`: from what was typed to the totals.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::cli::exit::Status;
use crate::cli::serve::tcp::{Listen, Tcp};
use crate::error::{Error, Result};
use crate::frontend::ip::address::{self, From};
use crate::frontend::serve::log::Log;
use crate::frontend::serve::service::{Service, time_of_day};
use crate::frontend::serve::tcp::cut::Fragmenting;
use crate::frontend::serve::tcp::flow::End;
use crate::frontend::serve::tcp::network::{Losses, Network, Way};
use crate::frontend::serve::tcp::record::{Outcome, Record, Totals};
use crate::frontend::serve::tcp::settings::{Listener, Settings};
use crate::frontend::serve::tcp::translator::Translator;
use crate::frontend::serve::transmit::{Counts, Transmitter};
use crate::host::facts::LinkFacts;
use crate::host::{link, neighbour, offloads};
use crate::sys::clock;
use crate::sys::errno::words;
use crate::sys::netns::Netns;
use crate::units::Nanos;

/// Between two looks at what has expired.
const TICK: u64 = 100 * Nanos::MILLISECOND.0;

/// Longest wait for packets: a signal that comes between the look at the flag and the wait is seen
/// after it.
const NAP_MS: i32 = 50;

/// Between two complaints about the same.
const COMPLAINTS: u64 = 5 * Nanos::SECOND.0;

/// Handshakes that came to nothing and are logged one by one, a second; a flood would fill the disk.
const UNFINISHED_LOGGED: u32 = 20;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin, or the interface is gone.
pub fn execute(tcp: &Tcp, service: &Service) -> Result<Status> {
    let interface = tcp.link.interface.as_str();
    let netns =
        Netns::current().map_err(|error| Error::new("look at", interface, words(&error)))?;
    let facts = link::facts(&netns, interface)?;
    let front = front_addresses(tcp, &facts)?;
    let (listeners, ways) = backends(tcp, &netns)?;
    let settings = settings(tcp, listeners, front, &facts)?;
    let fragmenting = Fragmenting::new(tcp.cutting.clone(), tcp.shape.order.clone(), tcp.shape.gap);

    // Before the first thread begins: another process has to survive this one.
    let mut merging = offloads::Guard::off(&netns, interface, offloads::TCP_SEGMENTS)?;
    merging.survive()?;
    let mut log = Log::open(&tcp.log)?;
    let clients = Transmitter::open(interface, tcp.link.gateways)?;
    let network = Network::open(&settings, facts.index, &ways, clients)?;
    log.line(&Started::new(tcp, &settings, interface));
    log.flush();
    greet(&settings, interface);
    service.ready();
    let translator = Translator::new(settings, fragmenting);
    let mut serving = Serving {
        interface,
        netns,
        network,
        translator,
        log,
        complaints: BTreeMap::new(),
        quiet: 0,
        unfinished: (0, 0),
        not_logged: 0,
        was_up: true,
    };
    let served = serving.serve(service);
    service.stopping();
    serving.finish();
    let restored = merging.restore();
    served.and(restored).map(|()| Status::Passed)
}

/// The addresses that clients connect to.
fn front_addresses(tcp: &Tcp, facts: &LinkFacts) -> Result<Vec<IpAddr>> {
    let failed = |cause: &str| Error::new("serve on", &facts.name, cause);
    if facts.name == "lo" {
        return Err(failed("it is the loopback interface")
            .remedy("name the interface that faces the clients"));
    }
    let of_interface: Vec<IpAddr> = facts
        .ipv4
        .iter()
        .map(|(address, _)| IpAddr::V4(*address))
        .chain(facts.ipv6.iter().map(|(address, _)| IpAddr::V6(*address)))
        .collect();
    if tcp.addresses.is_empty() {
        let global = |address: &IpAddr| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        };
        let all: Vec<IpAddr> = of_interface.into_iter().filter(global).collect();
        if all.is_empty() {
            return Err(failed("it has no address")
                .remedy(format!("ip address add ADDRESS/LENGTH dev {}", facts.name)));
        }
        return Ok(all);
    }
    for address in tcp.addresses.iter().filter(|address| !of_interface.contains(address)) {
        eprintln!(
            "wirestorm: {address} is no address of {}: clients reach it only if this host answers \
             for it otherwise",
            facts.name
        );
    }
    Ok(tcp.addresses.clone())
}

/// How the servers behind are reached.
fn backends(tcp: &Tcp, netns: &Netns) -> Result<(Vec<Listener>, Vec<Way>)> {
    let (mut listeners, mut ways) = (Vec::new(), Vec::new());
    for &Listen { port, backend } in &tcp.listen {
        let source = address::source(backend, &From::Any)?;
        let mtu = address::route_mtu(backend, &From::Any)?;
        listeners.push(Listener { port, backend, source, mtu });
        let interface = neighbour::interface_towards(netns, backend.ip())?;
        ways.push(Way { interface, backend, source });
    }
    Ok((listeners, ways))
}

fn settings(
    tcp: &Tcp,
    listeners: Vec<Listener>,
    front: Vec<IpAddr>,
    facts: &LinkFacts,
) -> Result<Settings> {
    if let Some(kernel) = kernel_ports()
        .filter(|kernel| kernel.start() <= tcp.ports.end() && tcp.ports.start() <= kernel.end())
    {
        let subject = format!("{}-{}", tcp.ports.start(), tcp.ports.end());
        let cause = format!(
            "the kernel gives its own connections ports {}-{}",
            kernel.start(),
            kernel.end()
        );
        return Err(Error::new("take the source ports", subject, cause)
            .remedy("name others with --ports, or change net.ipv4.ip_local_port_range"));
    }
    Ok(Settings {
        hop_limit: tcp.link.hop_limit,
        segment: tcp.segment,
        whole_after: tcp.whole_after,
        ports: tcp.ports.clone(),
        max_flows: tcp.max_flows,
        syn_rate: tcp.syn_rate,
        handshake: tcp.handshake,
        idle: tcp.idle,
        vanished: tcp.vanished,
        ..Settings::new(listeners, front, facts.mtu as usize)
    })
}

/// The ports that the kernel gives its own connections.
fn kernel_ports() -> Option<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    Some(numbers.next()?.ok()?..=numbers.next()?.ok()?)
}

fn greet(settings: &Settings, interface: &str) {
    for listener in &settings.listeners {
        for address in &settings.front {
            let front = SocketAddr::new(*address, listener.port);
            eprintln!("wirestorm: {front} on {interface} is served by {}", listener.backend);
        }
    }
}

/// The first line of a log.
#[derive(Serialize)]
struct Started<'a> {
    event: &'static str,
    time: String,
    version: &'static str,
    interface: &'a str,
    fragment: String,
    segment: usize,
    whole_after: u8,
    listen: Vec<Served>,
    front: &'a [IpAddr],
}

#[derive(Serialize)]
struct Served {
    port: u16,
    backend: SocketAddr,
}

impl<'a> Started<'a> {
    fn new(tcp: &Tcp, settings: &'a Settings, interface: &'a str) -> Self {
        let cutting = tcp.cutting.as_ref();
        Self {
            event: "start",
            time: time_of_day(),
            version: env!("CARGO_PKG_VERSION"),
            interface,
            fragment: cutting.map_or_else(|| "header+944".into(), ToString::to_string),
            segment: settings.segment,
            whole_after: settings.whole_after,
            listen: tcp
                .listen
                .iter()
                .map(|&Listen { port, backend }| Served { port, backend })
                .collect(),
            front: &settings.front,
        }
    }
}

/// The last line of a log.
#[derive(Serialize)]
struct Ended {
    event: &'static str,
    time: String,
    #[serde(flatten)]
    totals: Totals,
    to_clients: Counts,
    #[serde(flatten)]
    losses: Losses,
    /// Handshakes that came to nothing and have no line of their own.
    unfinished_not_logged: u64,
    /// Lines that could not be written.
    log_lost: u64,
}

struct Serving<'a> {
    interface: &'a str,
    netns: Netns,
    network: Network,
    translator: Translator,
    log: Log,
    /// Connections that a server did not take, by what it did and who it is, since the last
    /// complaint.
    complaints: BTreeMap<(&'static str, SocketAddr), u64>,
    /// No complaint before this time.
    quiet: u64,
    /// Handshakes that came to nothing and were logged in this second.
    unfinished: (u64, u32),
    not_logged: u64,
    was_up: bool,
}

impl Serving<'_> {
    fn serve(&mut self, service: &Service) -> Result<()> {
        let mut next_tick = clock::now() + TICK;
        while !service.stopped() {
            let mut down = None;
            self.network.work(&mut self.translator, NAP_MS, |error| down = Some(error))?;
            if let Some(error) = down {
                self.look_at_interface(&error)?;
            }
            let now = clock::now();
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now)?;
                if service.reopen_wished() {
                    self.log.reopen();
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: u64) -> Result<()> {
        self.network.tick(&mut self.translator, now);
        self.tell(now);
        self.log.flush();
        self.log.lost();
        if !self.was_up && link::is_up(&self.netns, self.interface)? {
            eprintln!("wirestorm: {} is up again", self.interface);
            self.was_up = true;
        }
        if now >= self.quiet {
            self.complain(now);
        }
        Ok(())
    }

    /// An interface that is down may come back; one that is gone does not.
    fn look_at_interface(&mut self, error: &io::Error) -> Result<()> {
        let up = link::is_up(&self.netns, self.interface)?;
        if !up && self.was_up {
            eprintln!("wirestorm: {}: {}; it is waited for", self.interface, words(error));
            self.was_up = false;
        }
        Ok(())
    }

    /// Writes what is over to the log.
    fn tell(&mut self, now: u64) {
        let second = now / Nanos::SECOND.0;
        for record in self.translator.take_over() {
            match record.end {
                End::NoAnswer => {
                    *self.complaints.entry(("does not answer", record.backend)).or_default() += 1;
                }
                End::Refused => {
                    *self.complaints.entry(("refuses", record.backend)).or_default() += 1;
                }
                _ => {}
            }
            if is_unfinished(&record) {
                if self.unfinished.0 != second {
                    self.unfinished = (second, 0);
                }
                self.unfinished.1 += 1;
                if self.unfinished.1 > UNFINISHED_LOGGED {
                    self.not_logged += 1;
                    continue;
                }
            }
            self.log.line(&record);
        }
    }

    fn complain(&mut self, now: u64) {
        for ((what, backend), count) in std::mem::take(&mut self.complaints) {
            let connections = if count == 1 { "connection" } else { "connections" };
            eprintln!("wirestorm: the server {backend} {what}: {count} {connections}");
            self.quiet = now + COMPLAINTS;
        }
        if let Some(error) = self.network.take_error() {
            eprintln!("wirestorm: the kernel does not send to a server: {}", words(&error));
            self.quiet = now + COMPLAINTS;
        }
    }

    fn finish(mut self) {
        self.network.shut_down(&mut self.translator);
        let now = clock::now();
        self.tell(now);
        self.complain(now);
        let ended = Ended {
            event: "totals",
            time: time_of_day(),
            totals: self.translator.totals(),
            to_clients: self.network.clients().counts(),
            losses: self.network.losses(),
            unfinished_not_logged: self.not_logged,
            log_lost: self.log.lost(),
        };
        self.log.line(&ended);
        let lost = self.log.close();
        let Ended { totals, losses, .. } = &ended;
        eprintln!("wirestorm: {} connections, at most {} at once", totals.opened, totals.open_most);
        for (outcome, count) in &totals.outcomes {
            eprintln!("wirestorm: {count:>8}  {}", words_of(*outcome));
        }
        if losses.lag_most_s > 0.1 {
            eprintln!(
                "wirestorm: this host was too slow: packets waited for {:.1} s; connections on which \
                 nothing was acknowledged meanwhile are said to be not known",
                losses.lag_most_s
            );
        }
        if losses.socket_drops > 0 {
            eprintln!(
                "wirestorm: {} packets found no room in the sockets: this host was too slow for \
                 them, and their peers sent them again",
                losses.socket_drops
            );
        }
        if lost > 0 {
            eprintln!("wirestorm: {lost} lines of the log were not written");
        }
    }
}

/// What a flood leaves.
fn is_unfinished(record: &Record) -> bool {
    matches!(record.end, End::NoAnswer | End::NoHandshake | End::Evicted | End::Refused)
}

/// As the log has it.
fn words_of(outcome: Outcome) -> String {
    serde_json::to_value(outcome)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
