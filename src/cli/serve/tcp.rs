//! `wirestorm serve tcp`.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::error::ErrorKind;

use super::{Link, TypedLink, TypedLog, TypedShape};
use crate::frontend::serve::fragment::{Cutting, Shape};
use crate::frontend::serve::tcp::cut::SEGMENT;
use crate::frontend::serve::tcp::settings::Settings;
use crate::units::Nanos;

/// Serve TCP in fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Where the clients are.
    pub link: Link,
    /// Ports and the servers behind. Never empty.
    pub listen: Vec<Listen>,
    /// Addresses that clients connect to; empty: those of the interface.
    pub addresses: Vec<IpAddr>,
    /// How segments are cut; `None`: the seed's sizes, made legal.
    pub cutting: Option<Cutting>,
    /// Order and gap of the pieces.
    pub shape: Shape,
    /// Data of a segment at most, bytes.
    pub segment: usize,
    /// Unanswered sendings in fragments before the same bytes go whole.
    pub whole_after: u8,
    /// Source ports towards the servers.
    pub ports: RangeInclusive<u16>,
    /// Connections at most.
    pub max_flows: usize,
    /// Connections a second at most.
    pub syn_rate: u32,
    /// How long both sides may be silent.
    pub idle: Nanos,
    /// How long a client may be silent that owes an acknowledgment.
    pub vanished: Nanos,
    /// How long a handshake may take.
    pub handshake: Nanos,
    /// Where outcomes go.
    pub log: PathBuf,
}

/// A port and the server behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The port that clients connect to.
    pub port: u16,
    /// The server.
    pub backend: SocketAddr,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected PORT=ADDRESS:PORT, such as 443=[2001:db8::1]:443 or 80=192.0.2.1:8080";
        let (port, backend) = text.split_once('=').ok_or_else(expected)?;
        let port = port.trim().parse().ok().filter(|port| *port > 0).ok_or_else(expected)?;
        let backend: SocketAddr = backend.trim().parse().map_err(|_| expected())?;
        if backend.port() == 0 || backend.ip().is_unspecified() || backend.ip().is_multicast() {
            return Err(expected().into());
        }
        Ok(Self { port, backend })
    }
}

#[derive(Debug, Args)]
#[command(
    about = "Serve TCP (HTTP, HTTPS) in fragments before a real server, and log which clients receive \
             them",
    after_help = "\
Examples:
  wirestorm serve tcp -I eth1 --listen 443=[2001:db8::1]:443 --listen 80=[2001:db8::1]:80
  wirestorm serve tcp -I eth1 --listen 443=127.0.0.1:8443 --log /var/log/tcp.jsonl
  wirestorm serve tcp -I eth1 --listen 80=192.0.2.7:80 --whole-after 0    as a control: all whole

It translates: clients' connections end at the server, and this sends the server's segments to the
clients in fragments. What stays unanswered goes out whole after a few times, so that an
acknowledgment proves that the fragments were lost. Every connection's outcome is a line of JSON;
docs/serve.md explains them. The kernel is kept from answering on those ports by rules that end with
this process, and merging of segments (GRO, GSO, TSO) is off on the interface meanwhile."
)]
pub(super) struct TypedTcp {
    #[command(flatten)]
    link: TypedLink,

    /// Port that clients connect to, and the server behind it; for each port once
    #[arg(long, value_name = "PORT=SERVER", required = true)]
    listen: Vec<Listen>,

    /// Address of the interface that clients connect to; when left out, all of them
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<IpAddr>,

    #[command(flatten)]
    shape: TypedShape,

    /// Data of a segment towards a client, at most, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = SEGMENT as u16,
          value_parser = clap::value_parser!(u16).range(64..=9000))]
    segment: u16,

    /// Send bytes whole that went out in fragments N times and were not acknowledged; with 0,
    /// everything goes out whole
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u8).range(..=20))]
    whole_after: u8,

    /// Source ports towards the servers, FIRST-LAST; outside of the kernel's own
    /// (net.ipv4.ip_local_port_range)
    #[arg(long, value_name = "PORTS", default_value = "10240-32767", value_parser = ports)]
    ports: RangeInclusive<u16>,

    /// Connections, at most
    #[arg(long, value_name = "N", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_flows: u32,

    /// New connections a second, at most; as many may come at once
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    syn_rate: u32,

    /// End a connection on which both sides were silent so long
    #[arg(long, value_name = "TIME", default_value = "5min", value_parser = super::positive)]
    idle: Nanos,

    /// End a connection whose client was silent so long and owes an acknowledgment
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::positive)]
    vanished: Nanos,

    /// How long a handshake may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = super::positive)]
    handshake: Nanos,

    #[command(flatten)]
    log: TypedLog,
}

impl TypedTcp {
    pub(super) fn meaning(self) -> Result<Tcp, clap::Error> {
        let wrong =
            |kind, message: &str| super::super::usage_error(kind, &["serve", "tcp"], message);
        for (n, listen) in self.listen.iter().enumerate() {
            if self.listen[..n].iter().any(|other| other.port == listen.port) {
                let message = format!("two servers behind port {}: name one", listen.port);
                return Err(wrong(ErrorKind::ArgumentConflict, &message));
            }
        }
        if self.ports.len() < self.max_flows as usize {
            let message = format!(
                "{} connections need as many source ports, and --ports has {}: name more, or fewer \
                 --max-flows",
                self.max_flows,
                self.ports.len()
            );
            return Err(wrong(ErrorKind::ArgumentConflict, &message));
        }
        Ok(Tcp {
            link: self.link.meaning("tcp")?,
            listen: self.listen,
            addresses: self.address,
            cutting: self.shape.fragment.clone(),
            shape: self.shape.meaning(Cutting::None),
            segment: usize::from(self.segment).max(Settings::LEAST_SEGMENT),
            whole_after: self.whole_after,
            ports: self.ports,
            max_flows: self.max_flows as usize,
            syn_rate: self.syn_rate,
            idle: self.idle,
            vanished: self.vanished,
            handshake: self.handshake,
            log: self.log.log,
        })
    }
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port >= 1024);
    text.split_once('-')
        .and_then(|(first, last)| Some((number(first)?, number(last)?)))
        .filter(|(first, last)| first <= last)
        .map(|(first, last)| first..=last)
        .ok_or_else(|| "expected FIRST-LAST, from 1024 to 65535, such as 20000-29999".into())
}
