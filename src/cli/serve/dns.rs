//! `wirestorm serve dns`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::{Link, TypedLink, TypedLog, TypedShape};
use crate::frontend::serve::dns::Settings;
use crate::frontend::serve::dns::clients::ClientPrefix;
use crate::frontend::serve::fragment::Cutting;
use crate::units::Nanos;

/// Port of DNS.
const PORT: u16 = 53;

/// Serve DNS in fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Where the clients are.
    pub link: Link,
    /// How they are served.
    pub settings: Settings,
    /// Where outcomes go.
    pub log: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    about = "Serve DNS in fragments before a real server, and log which clients receive them",
    after_help = "\
Examples:
  wirestorm serve dns -I eth1 --backend 127.0.0.1:5353
  wirestorm serve dns -I eth1 --backend [2001:db8::53]:53 --fragment 1232 --log dns.jsonl
  wirestorm serve dns -I eth1 --backend 127.0.0.1:5353 --fragment atomic --gateway ra
  wirestorm serve dns -I eth1 --backend 127.0.0.1:5353 --order reversed --gap 1ms --whole-after 2

Queries come by UDP and TCP on IPv4 and IPv6; answers by UDP leave in fragments, answers by TCP as
the kernel sends them. Every question's outcome is a line of JSON; docs/serve.md explains them. The
server behind needs an address or a port of its own: this takes port 53 of the interface."
)]
pub(super) struct TypedDns {
    #[command(flatten)]
    link: TypedLink,

    /// Server behind, as ADDRESS or ADDRESS:PORT; several are tried in turn
    #[arg(long, value_name = "SERVER", required = true, value_parser = server)]
    backend: Vec<SocketAddr>,

    /// Address of the interface to take queries on; when left out, all of them
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<IpAddr>,

    /// Port to take queries on
    #[arg(long, value_name = "PORT", default_value_t = PORT,
          value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,

    #[command(flatten)]
    shape: TypedShape,

    /// Send answers by UDP however little the client says it has room for (EDNS buffer size)
    #[arg(long)]
    ignore_buffer_size: bool,

    /// Answer a question whole when it was asked again N times after a fragmented answer: an end of
    /// it proves that the fragments were lost
    #[arg(long, value_name = "N", value_parser = super::super::at_least_one::<NonZeroU32>)]
    whole_after: Option<NonZeroU32>,

    /// A query for LABEL.NAME tells that the answer for NAME arrived
    #[arg(long, value_name = "LABEL", value_parser = label)]
    follow_up: Option<String>,

    /// How long a client's next step is waited for before an outcome is logged
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = super::positive)]
    settle: Nanos,

    /// How long a server is waited for
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = super::positive)]
    timeout: Nanos,

    /// How often a query that no server answers is sent again, to the next server
    #[arg(long, value_name = "N", default_value_t = 2)]
    retries: u32,

    /// Queries that wait for a server, at most; what is more is answered SERVFAIL
    #[arg(long, value_name = "N", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_in_flight: u32,

    /// TCP connections of clients, at most
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_connections: u32,

    /// Answers by UDP a second to one client, at most; every second one above it is an empty answer
    /// that asks for TCP, the others are not sent
    #[arg(long, value_name = "N", value_parser = super::super::at_least_one::<NonZeroU32>)]
    rate_limit: Option<NonZeroU32>,

    /// Lengths of the prefixes that are one client, of IPv4 and of IPv6
    #[arg(long, value_name = "V4,V6", default_value = "32,64", value_parser = prefixes)]
    client_prefix: ClientPrefix,

    #[command(flatten)]
    log: TypedLog,
}

/// The seed of all this: UDP header and 128 bytes, then 512 each.
const SIZES: [usize; 2] = [136, 512];

impl TypedDns {
    pub(super) fn meaning(self) -> Result<Dns, clap::Error> {
        let link = self.link.meaning("dns")?;
        Ok(Dns {
            settings: Settings {
                shape: self.shape.meaning(Cutting::sizes(SIZES)),
                hop_limit: link.hop_limit,
                listen: self.listen,
                port: self.port,
                servers: self.backend,
                timeout: self.timeout,
                retries: self.retries,
                max_in_flight: self.max_in_flight,
                max_connections: self.max_connections,
                rate_limit: self.rate_limit,
                client_prefix: self.client_prefix,
                ignore_buffer_size: self.ignore_buffer_size,
                whole_after: self.whole_after,
                follow_up: self.follow_up,
                settle: self.settle,
            },
            link,
            log: self.log.log,
        })
    }
}

/// An address with or without a port.
fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT))
    });
    address.map_err(|_| "expected an address such as 192.0.2.1:5353 or [2001:db8::1]:53".into())
}

fn label(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match text.bytes().all(legal) && (1..=63).contains(&text.len()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("expected one label: letters, digits, - and _, at most 63".into()),
    }
}

fn prefixes(text: &str) -> Result<ClientPrefix, String> {
    let number = |text: &str, most: u8| text.trim().parse().ok().filter(|len| *len <= most);
    let both = text.split_once(',').and_then(|(v4, v6)| Some((number(v4, 32)?, number(v6, 128)?)));
    both.map(|(v4, v6)| ClientPrefix { v4, v6 })
        .ok_or_else(|| "expected two lengths such as 24,56".into())
}
