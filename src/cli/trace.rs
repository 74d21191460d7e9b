//! `wirestorm trace`.

use std::path::PathBuf;

use clap::Args;
use clap::error::ErrorKind;

use super::ping::{TypedFamily, from, time};
use crate::frontend::ip::Family;
use crate::frontend::ip::address::From;
use crate::frontend::trace::probe::Protocol;
use crate::units::Nanos;

/// Find the way to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Name or address.
    pub host: String,
    /// Family that was asked for.
    pub family: Option<Family>,
    /// Transport of the probes.
    pub protocol: Protocol,
    /// Destination port of UDP and TCP.
    pub port: u16,
    /// First TTL.
    pub first_hop: u8,
    /// Last TTL.
    pub max_hops: u8,
    /// Probes a hop; with `fragments`, a hop and arm.
    pub tries: u16,
    /// Between two probes for one hop.
    pub interval: Nanos,
    /// How long an answer is waited for.
    pub wait: Nanos,
    /// Bytes of a probe with its IP header; `None`: 60, or the MTU with `mtu`.
    pub size: Option<u16>,
    /// Probes under way at once.
    pub in_flight: usize,
    /// From where.
    pub from: From,
    /// Begin with large probes, and shrink them as routers say.
    pub mtu: bool,
    /// Compare fragments and extension headers with whole packets.
    pub fragments: Option<Fragments>,
    /// The result as JSON; `-` is standard output.
    pub json: Option<PathBuf>,
}

/// What `--fragments` compares beside fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragments {
    /// Bytes of hop-by-hop options headers.
    pub hop_by_hop: Vec<u16>,
    /// Bytes of destination options headers.
    pub destination_options: Vec<u16>,
}

#[derive(Debug, Args)]
#[command(
    about = "Find the way to a host hop by hop, and where fragments and extension headers stop",
    after_help = "\
Examples:
  wirestorm trace 192.0.2.1
  wirestorm trace -6 --protocol tcp -p 443 www.example
  wirestorm trace --mtu 192.0.2.1                      which links are narrower?
  wirestorm trace --fragments 2001:db8::1              at which hop do fragments stop?
  wirestorm trace --fragments --hbh 8,64 2001:db8::1

Ports, identifiers, flow label and checksums are the same in all probes, so that routers that share
load send them along one path. Times are numbers of seconds (0.2) or have a unit (200ms). Without
CAP_NET_RAW it uses a UDP or a ping socket where these suffice; the first line says which.

--fragments sends whole packets and, of the same total size, fragments (and over IPv6 atomic
fragments, hop-by-hop and destination options) to every hop, in random order, and says between which
hops each of them stops. docs/trace.md explains what that can and cannot tell.

Exit status: 0 done, and with --fragments nothing stops that whole packets pass; 1 could not run;
2 usage error; 3 interrupted, or with --fragments too little evidence; 4 with --fragments, something
stops."
)]
pub(super) struct TypedTrace {
    /// Name or address of the host
    #[arg(value_name = "HOST")]
    host: String,

    #[command(flatten)]
    family: TypedFamily,

    /// Transport of the probes; when left out udp, and icmp with --fragments
    #[arg(short = 'P', long, value_name = "PROTOCOL", value_enum)]
    protocol: Option<Protocol>,

    /// Destination port; when left out 33434 for udp and 80 for tcp
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// First hop
    #[arg(short, long, value_name = "HOP", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..))]
    first_hop: u8,

    /// Last hop
    #[arg(short, long, value_name = "HOP", default_value_t = 30,
          value_parser = clap::value_parser!(u8).range(1..=254))]
    max_hops: u8,

    /// Probes a hop; with --fragments, a hop and kind of packet; when left out 3, and 5 with
    /// --fragments
    #[arg(short = 'q', long, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    tries: Option<u16>,

    /// Time between two probes for one hop, since routers limit how often they answer; when left
    /// out 100ms, and 1s with --fragments
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    interval: Option<Nanos>,

    /// How long to wait for an answer
    #[arg(short, long, value_name = "TIME", default_value = "2s", value_parser = time)]
    wait: Nanos,

    /// Bytes of a probe with its IP header; when left out 60, what the link takes with --mtu, and
    /// 1000 with --fragments
    #[arg(short, long, value_name = "BYTES",
          value_parser = clap::value_parser!(u16).range(28..))]
    size: Option<u16>,

    /// Probes under way at once
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    in_flight: u16,

    /// Interface or address to send from
    #[arg(short = 'I', long, value_name = "FROM")]
    from: Option<String>,

    /// Begin with the largest probes that the link takes, and show which hops' next links are
    /// narrower
    #[arg(long, conflicts_with = "fragments")]
    mtu: bool,

    /// Find the hops at which fragments and extension headers stop; needs CAP_NET_RAW
    #[arg(long)]
    fragments: bool,

    /// Sizes of hop-by-hop options headers to compare, multiples of 8 bytes up to 2048
    #[arg(long, value_name = "BYTES", value_delimiter = ',', default_value = "8",
          value_parser = header_len, requires = "fragments")]
    hbh: Vec<u16>,

    /// Sizes of destination options headers to compare, multiples of 8 bytes up to 2048
    #[arg(long = "do", value_name = "BYTES", value_delimiter = ',', default_value = "8",
          value_parser = header_len, requires = "fragments")]
    destination_options: Vec<u16>,

    /// Write the result as JSON; `-` is standard output, and the report then goes to standard error
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl TypedTrace {
    pub(super) fn meaning(self) -> Result<Trace, clap::Error> {
        let error = |kind, message: &str| Err(super::usage_error(kind, &["trace"], message));
        let default = if self.fragments { Protocol::Icmp } else { Protocol::Udp };
        let protocol = self.protocol.unwrap_or(default);
        if protocol == Protocol::Tcp && (self.fragments || self.mtu || self.size.is_some()) {
            return error(
                ErrorKind::ArgumentConflict,
                "--fragments, --mtu and --size need --protocol udp or icmp: a SYN carries no data",
            );
        }
        if protocol == Protocol::Icmp && self.port.is_some() {
            return error(
                ErrorKind::ArgumentConflict,
                "ICMP has no ports: --port needs udp or tcp",
            );
        }
        if self.first_hop > self.max_hops {
            return error(ErrorKind::ValueValidation, "--first-hop is behind --max-hops");
        }
        if self.fragments && self.first_hop != 1 {
            return error(
                ErrorKind::ArgumentConflict,
                "--fragments compares all hops: it takes no --first-hop",
            );
        }
        let (tries, interval) = if self.fragments { (5, 1_000) } else { (3, 100) };
        let fragments = self.fragments.then(|| Fragments {
            hop_by_hop: distinct(self.hbh),
            destination_options: distinct(self.destination_options),
        });
        Ok(Trace {
            host: self.host,
            family: self.family.meaning(),
            protocol,
            port: self.port.unwrap_or(if protocol == Protocol::Tcp { 80 } else { 33_434 }),
            first_hop: self.first_hop,
            max_hops: self.max_hops,
            tries: self.tries.unwrap_or(tries),
            interval: self.interval.unwrap_or(Nanos(interval * Nanos::MILLISECOND.0)),
            wait: self.wait,
            size: self.size,
            in_flight: usize::from(self.in_flight),
            from: from(self.from),
            mtu: self.mtu,
            fragments,
            json: self.json,
        })
    }
}

fn distinct(mut sizes: Vec<u16>) -> Vec<u16> {
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn header_len(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(len) if (8..=2048).contains(&len) && len % 8 == 0 => Ok(len),
        _ => Err("expected a multiple of 8, from 8 to 2048".into()),
    }
}
