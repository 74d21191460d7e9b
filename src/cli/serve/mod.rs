//! `wirestorm serve`: services that send what they serve in fragments. One file a service; what
//! their command lines share is here.

pub mod dns;
pub mod sink;
pub mod tcp;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::frontend::serve::fragment::{Cutting, Shape};
use crate::frontend::serve::next_hop::{Gateways, TypedGateway};
use crate::profile::FRAGMENT_ORDERS;
use crate::profile::fragments::Order;
use crate::units::Nanos;

/// Which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serve {
    /// A DNS front end.
    Dns(dns::Dns),
    /// A TCP front end.
    Tcp(tcp::Tcp),
    /// The receiver of fragmentation studies.
    Sink(sink::Sink),
}

#[derive(Debug, Args)]
#[command(
    about = "Serve DNS or TCP in fragments, and log which clients receive them; receive studies",
    after_help = "\
Examples:
  wirestorm serve dns -I eth1 --backend 127.0.0.1:5353
  wirestorm serve tcp -I eth1 --listen 443=[2001:db8::1]:443
  wirestorm serve sink

Services stay in the foreground and end with totals on SIGTERM and SIGINT. On SIGHUP they open
their log anew: docs/serve.md has units for systemd."
)]
pub(super) struct TypedServe {
    #[command(subcommand)]
    service: TypedService,
}

#[derive(Debug, Subcommand)]
enum TypedService {
    Dns(dns::TypedDns),
    Tcp(tcp::TypedTcp),
    Sink(sink::TypedSink),
}

impl TypedServe {
    pub(super) fn meaning(self) -> Result<Serve, clap::Error> {
        Ok(match self.service {
            TypedService::Dns(typed) => Serve::Dns(typed.meaning()?),
            TypedService::Tcp(typed) => Serve::Tcp(typed.meaning()?),
            TypedService::Sink(typed) => Serve::Sink(typed.meaning()),
        })
    }
}

/// The link that fragments are sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its interface.
    pub interface: String,
    /// Who takes the packets on.
    pub gateways: Gateways,
    /// TTL or hop limit of what is sent.
    pub hop_limit: u8,
}

#[derive(Debug, Args)]
struct TypedLink {
    /// Interface that faces the clients
    #[arg(short = 'I', long, value_name = "IFACE")]
    interface: String,

    /// Who takes the packets to the clients: a MAC, a neighbour's address, or ra for the IPv6 router
    /// that advertises itself; once a family. When left out, as the routes say
    #[arg(long, value_name = "HOP")]
    gateway: Vec<TypedGateway>,

    /// TTL or hop limit of what is sent
    #[arg(long, value_name = "HOPS", default_value_t = 64,
          value_parser = clap::value_parser!(u8).range(1..))]
    hop_limit: u8,
}

impl TypedLink {
    /// `service` is the subcommand, for the error.
    fn meaning(self, service: &str) -> Result<Link, clap::Error> {
        let gateways = Gateways::of(&self.gateway).map_err(|message| {
            let kind = clap::error::ErrorKind::ArgumentConflict;
            super::usage_error(kind, &["serve", service], &message)
        })?;
        Ok(Link { interface: self.interface, gateways, hop_limit: self.hop_limit })
    }
}

/// How what is sent is cut.
#[derive(Debug, Args)]
struct TypedShape {
    /// How to cut what is sent, in bytes behind the IP header: sizes of the pieces, the last of which
    /// repeats; pieces=N, mtu=BYTES, atomic, or none
    #[arg(long, value_name = "CUT")]
    fragment: Option<Cutting>,

    /// Order in which the pieces are sent
    #[arg(long, value_name = "ORDER", default_value = "in", value_parser = orders())]
    order: String,

    /// Time between two pieces
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = super::ping::time)]
    gap: Nanos,
}

fn orders() -> clap::builder::PossibleValuesParser {
    FRAGMENT_ORDERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

impl TypedShape {
    /// The shape; `otherwise` is the service's own cutting.
    fn meaning(self, otherwise: Cutting) -> Shape {
        let order = FRAGMENT_ORDERS.into_iter().find(|(name, _)| *name == self.order);
        Shape {
            cutting: self.fragment.unwrap_or(otherwise),
            order: order.map_or(Order::In, |(_, order)| order),
            gap: self.gap,
        }
    }
}

/// Where outcomes go.
#[derive(Debug, Args)]
struct TypedLog {
    /// File that the outcomes are appended to, as JSON lines; `-` is standard output. Opened anew on
    /// SIGHUP
    #[arg(long, value_name = "FILE", default_value = "-")]
    log: PathBuf,
}

/// A time above 0.
fn positive(text: &str) -> Result<Nanos, String> {
    match super::ping::time(text)? {
        Nanos(0) => Err("expected more than 0".into()),
        time => Ok(time),
    }
}
