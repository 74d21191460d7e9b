//! The translator's sockets, and the loop between them.
//!
//! ```text
//! clients --> AF_PACKET on the interface --.                .--> raw socket --> server
//!                                           '- translator -'
//! clients <-- fragments, AF_PACKET <--------'              '<-- AF_PACKET on the way back <-- server
//! ```
//!
//! What clients send is taken from the link before the kernel's filters see it, and a rule keeps the
//! kernel from answering it with a reset; likewise what the server answers. To the server the kernel
//! finds the way, so it may be another host or this one. To the clients it must not be asked:
//! connection tracking would put fragments together again.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use super::filter::{Wanted, filter};
use super::segment::{Segment, Trust};
use super::settings::Settings;
use super::translator::{Link, Side, Translator};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::serve::fragment::Pieces;
use crate::frontend::serve::transmit::Transmitter;
use crate::host::nftables::{OwnedTable, Rule};
use crate::sys::datagrams::{Arrived, Batch, ChecksumState, PacketReceiver, PacketSender};
use crate::sys::errno::words;
use crate::sys::{clock, poll};
use crate::units::Nanos;
use crate::wire::{checksum, ethertype, ip_protocol, ipv4, ipv6};

/// Bytes of packets that may wait in a socket.
const BUFFER: i32 = 64 << 20;

/// A packet that waited longer than this in a socket was not dealt with in time: what its flow says
/// of the path may be this host's doing.
const LAG: u64 = 100 * Nanos::MILLISECOND.0;

/// How long what has arrived is dealt with before all is ended.
const LAST_PACKETS: u64 = 2 * Nanos::SECOND.0;

/// Calls that one socket may have before the others are looked at again.
const CALLS: usize = 4;

/// Where the servers are: the interface by which packets for them leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Index of the interface.
    pub interface: u32,
    /// The server.
    pub backend: SocketAddr,
    /// This host's address towards it.
    pub source: IpAddr,
}

struct Ear {
    side: Side,
    family: Family,
    socket: PacketReceiver,
}

/// What a socket went through.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Losses {
    /// Packets that arrived and for which the sockets had no room.
    pub socket_drops: u64,
    /// Packets longer than any IP packet.
    pub truncated: u64,
    /// Packets for servers that the kernel did not take.
    pub to_servers_refused: u64,
    /// The longest that a packet waited for this program, seconds.
    pub lag_most_s: f64,
}

/// The sockets.
pub struct Network {
    ears: Vec<Ear>,
    batch: Batch,
    out: Output,
    losses: Losses,
    _rules: OwnedTable,
}

/// Where translated packets go.
struct Output {
    clients: Transmitter,
    v4: PacketSender,
    v6: PacketSender,
    bytes: Vec<u8>,
    packets: Vec<(usize, usize, SocketAddr)>,
    refused: u64,
    last_error: Option<io::Error>,
}

impl Link for Output {
    fn to_client(&mut self, pieces: &Pieces, gap: Nanos) {
        self.clients.send(pieces, gap);
    }

    fn to_server(&mut self, packet: &[u8], server: SocketAddr) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet);
        self.packets.push((start, self.bytes.len(), server));
    }
}

impl Output {
    /// Sends what is for servers.
    fn flush(&mut self) {
        if self.packets.is_empty() {
            return;
        }
        for (sender, v4) in [(&self.v4, true), (&self.v6, false)] {
            let of_family = self.packets.iter().filter(|(.., to)| to.is_ipv4() == v4);
            let packets = of_family.map(|&(start, end, to)| (&self.bytes[start..end], to));
            sender.send(packets, |error| {
                self.refused += 1;
                self.last_error = Some(error);
            });
        }
        self.bytes.clear();
        self.packets.clear();
    }
}

impl Network {
    /// Opens the sockets and puts the rules in place, in the calling thread's namespace.
    ///
    /// # Errors
    /// Without CAP_NET_RAW or CAP_NET_ADMIN, or where interfaces are missing.
    pub fn open(
        settings: &Settings,
        interface: u32,
        ways: &[Way],
        clients: Transmitter,
    ) -> Result<Self> {
        let name = format!("wirestorm-tcp-{}", std::process::id());
        let rules = OwnedTable::new(&name, &rules(settings, interface, ways))?;
        let mut ears = Vec::new();
        let mut listen = |side, family, index: u32, wanted: &Wanted| {
            let ethertype = if family == Family::V4 { ethertype::IPV4 } else { ethertype::IPV6 };
            let filter = filter(family, wanted);
            let socket = PacketReceiver::open(index, ethertype, &filter, BUFFER);
            let socket = socket.map_err(|error| {
                let failed = Error::new("listen on", format!("interface {index}"), words(&error));
                match error.raw_os_error() {
                    Some(libc::EPERM) => failed.remedy("run as root (sudo) or with CAP_NET_RAW"),
                    _ => failed,
                }
            })?;
            ears.push(Ear { side, family, socket });
            Ok::<_, Error>(())
        };
        let wanted = Wanted::To(settings.listeners.iter().map(|listener| listener.port).collect());
        for family in [Family::V4, Family::V6] {
            if settings.front.iter().any(|address| Family::of(*address) == family) {
                listen(Side::Clients, family, interface, &wanted)?;
            }
        }
        let range = (*settings.ports.start(), *settings.ports.end());
        let mut seen = Vec::new();
        for way in ways {
            let family = Family::of(way.backend.ip());
            if seen.contains(&(way.interface, family)) {
                continue;
            }
            seen.push((way.interface, family));
            let same = |other: &&Way| {
                other.interface == way.interface && Family::of(other.backend.ip()) == family
            };
            let ports = ways.iter().filter(same).map(|way| way.backend.port()).collect();
            listen(Side::Servers, family, way.interface, &Wanted::From(ports, range))?;
        }
        let sender = |ipv6| {
            PacketSender::open(ipv6)
                .map_err(|error| Error::new("open a raw socket", "", words(&error)))
        };
        let out = Output {
            clients,
            v4: sender(false)?,
            v6: sender(true)?,
            bytes: Vec::new(),
            packets: Vec::new(),
            refused: 0,
            last_error: None,
        };
        Ok(Self { ears, batch: Batch::default(), out, losses: Losses::default(), _rules: rules })
    }

    /// Waits for packets, at most so long, and has the translator deal with what has arrived.
    /// `down` is told of a socket whose interface went down. Whether more may be there.
    ///
    /// # Errors
    /// When the sockets are broken.
    pub fn work(
        &mut self,
        translator: &mut Translator,
        wait_ms: i32,
        mut down: impl FnMut(io::Error),
    ) -> Result<bool> {
        let fds: Vec<_> = self.ears.iter().map(|ear| ear.socket.as_fd()).collect();
        poll::readable(&fds, wait_ms)
            .map_err(|error| Error::new("wait for packets", "", words(&error)))?;
        let to_monotonic = clock::realtime_to_monotonic();
        let (mut any_more, mut lag) = (false, 0);
        for ear in &self.ears {
            for call in 1..=CALLS {
                let more = match ear.socket.receive(&mut self.batch) {
                    Ok(more) => more,
                    Err(error) => {
                        down(error);
                        break;
                    }
                };
                let now = clock::now();
                for packet in self.batch.packets() {
                    if packet.truncated {
                        self.losses.truncated += 1;
                    } else if !packet.bytes.is_empty() {
                        let arrived =
                            if packet.at == 0 { now } else { packet.at.wrapping_add(to_monotonic) };
                        let arrived = arrived.min(now);
                        lag = lag.max(now - arrived);
                        // What a client says, it said when it arrived; what a server sends goes
                        // out now.
                        let at = if ear.side == Side::Clients { arrived } else { now };
                        take(translator, ear, &packet, at, &mut self.out);
                    }
                }
                self.out.flush();
                any_more |= more && call == CALLS;
                if !more {
                    break;
                }
            }
        }
        if lag > LAG {
            translator.lagged(clock::now());
        }
        self.losses.lag_most_s = self.losses.lag_most_s.max(lag as f64 / 1e9);
        Ok(any_more)
    }

    /// Has the translator look at the time.
    pub fn tick(&mut self, translator: &mut Translator, now: u64) {
        translator.tick(now, &mut self.out);
        self.out.flush();
        for ear in &self.ears {
            self.losses.socket_drops += u64::from(ear.socket.take_drops());
        }
    }

    /// Has the translator deal with what has arrived, and end all connections.
    pub fn shut_down(&mut self, translator: &mut Translator) {
        let until = clock::now() + LAST_PACKETS;
        while clock::now() < until && self.work(translator, 0, |_| {}).is_ok_and(|more| more) {}
        let now = clock::now();
        translator.shut_down(now, &mut self.out);
        self.out.flush();
    }

    /// What was lost on this host.
    pub fn losses(&self) -> Losses {
        Losses { to_servers_refused: self.out.refused, ..self.losses.clone() }
    }

    /// Why the kernel last did not take a packet for a server, since the last call.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.out.last_error.take()
    }

    /// The link to the clients.
    pub fn clients(&self) -> &Transmitter {
        &self.out.clients
    }
}

fn rules(settings: &Settings, interface: u32, ways: &[Way]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for address in &settings.front {
        for listener in &settings.listeners {
            let front = SocketAddr::new(*address, listener.port);
            rules.push(Rule::Arriving { interface, to: front });
            rules.push(Rule::Resets { from: front });
        }
    }
    let ports = (*settings.ports.start(), *settings.ports.end());
    for way in ways {
        let rule = Rule::Answers { from: way.backend, to: way.source, ports };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// Has the translator deal with one packet.
fn take(
    translator: &mut Translator,
    ear: &Ear,
    packet: &Arrived<'_>,
    now: u64,
    out: &mut impl Link,
) {
    receive(translator, ear.side, ear.family, packet.bytes, trust(packet.checksum), now, out);
}

fn trust(state: ChecksumState) -> Trust {
    match state {
        ChecksumState::Unknown => Trust::Verify,
        ChecksumState::Valid => Trust::Verified,
        ChecksumState::NotReady => Trust::Unfinished,
    }
}

/// Has the translator deal with any bytes that came from that side.
pub fn receive(
    translator: &mut Translator,
    side: Side,
    family: Family,
    packet: &[u8],
    trust: Trust,
    now: u64,
    out: &mut impl Link,
) {
    if let Some(message) = icmp(family, packet) {
        translator.icmp(side, family, message);
        return;
    }
    match (Segment::parse(packet, trust), side) {
        (Ok(segment), Side::Clients) => translator.from_client(&segment, now, out),
        (Ok(segment), Side::Servers) => translator.from_server(&segment, now, out),
        (Err(refusal), side) => translator.refused(side, refusal),
    }
}

/// The ICMP message of a packet with a right checksum.
fn icmp(family: Family, packet: &[u8]) -> Option<&[u8]> {
    match family {
        Family::V4 => {
            let ip = ipv4::Packet::new_checked(packet).ok()?;
            let whole = !ip.mf() && ip.fragment_offset() == 0;
            let message = &packet[ip.header_len()..];
            let message = message.get(..ip.payload().len())?;
            let sound = ip.protocol() == ip_protocol::ICMP && checksum::checksum(message) == 0;
            (whole && sound).then_some(message)
        }
        Family::V6 => {
            let ip = ipv6::Packet::new_checked(packet).ok()?;
            let message = packet.get(ipv6::LEN..)?.get(..ip.payload().len())?;
            let len = message.len() as u32;
            let pseudo = checksum::pseudo_ipv6(ip.src(), ip.dst(), ip_protocol::ICMPV6, len);
            let sum = checksum::fold(pseudo + checksum::sum(message));
            (ip.next_header() == ip_protocol::ICMPV6 && sum == 0xffff).then_some(message)
        }
    }
}
