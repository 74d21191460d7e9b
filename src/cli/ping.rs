//! `wirestorm ping`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use crate::frontend::ip::Family;
use crate::frontend::ip::address::From;
use crate::profile::units::Unit;
use crate::units::Nanos;

/// Send echo requests to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Name or address.
    pub host: String,
    /// Family that was asked for.
    pub family: Option<Family>,
    /// Requests; `None`: until interrupted.
    pub count: Option<u64>,
    /// Between two requests.
    pub interval: Nanos,
    /// Bytes behind the ICMP header.
    pub size: usize,
    /// How long the last answers are waited for; `None`: as long as seems right.
    pub wait: Option<Nanos>,
    /// TTL or hop limit; `None`: the kernel's.
    pub ttl: Option<u8>,
    /// From where.
    pub from: From,
    /// No line a reply.
    pub quiet: bool,
    /// Round-trip times as bars at the end.
    pub histogram: bool,
    /// The result as JSON; `-` is standard output.
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    about = "Send echo requests to a host and measure what comes back",
    after_help = "\
Examples:
  wirestorm ping 192.0.2.1
  wirestorm ping -6 -c 100 -i 10ms router.example
  wirestorm ping -c 5 --json - 192.0.2.1 | jq .rtt_ns
  wirestorm ping -q -c 1000 -i 5ms --histogram 192.0.2.1

Times are numbers of seconds (0.2) or have a unit (200ms). Without CAP_NET_RAW it uses a ping
socket, which the kernel allows to the groups of net.ipv4.ping_group_range; the first line says
which it is. Interrupted (Ctrl-C), it prints the statistics.

Exit status, as of ping(8) and other than of wirestorm's other commands: 0 there was a reply; 1
there was none; 2 the command line is wrong or it could not run."
)]
pub(super) struct TypedPing {
    /// Name or address of the host
    #[arg(value_name = "HOST")]
    host: String,

    #[command(flatten)]
    family: TypedFamily,

    /// Stop after this many requests
    #[arg(short, long, value_name = "N", value_parser = super::at_least_one::<NonZeroU64>)]
    count: Option<NonZeroU64>,

    /// Time between two requests; at least 2ms
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Nanos,

    /// Bytes of data behind the ICMP header
    #[arg(short, long, value_name = "BYTES", default_value_t = 56,
          value_parser = clap::value_parser!(u16).range(..=65_487))]
    size: u16,

    /// How long to wait for the last answers; when left out, twice the longest round trip, and 10s
    /// where nothing answers
    #[arg(short = 'W', long, value_name = "TIME", value_parser = time)]
    wait: Option<Nanos>,

    /// TTL or hop limit of the requests
    #[arg(short, long, value_name = "HOPS", value_parser = clap::value_parser!(u8).range(1..))]
    ttl: Option<u8>,

    /// Interface or address to send from
    #[arg(short = 'I', long, value_name = "FROM")]
    from: Option<String>,

    /// No line a reply, the statistics alone
    #[arg(short, long)]
    quiet: bool,

    /// Show the round-trip times as bars at the end
    #[arg(long)]
    histogram: bool,

    /// Write the result as JSON; `-` is standard output, and the lines then go to standard error
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// `-4` and `-6`.
#[derive(Debug, Args)]
pub(super) struct TypedFamily {
    /// IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,

    /// IPv6 only
    #[arg(short = '6')]
    ipv6: bool,
}

impl TypedFamily {
    pub(super) fn meaning(&self) -> Option<Family> {
        match (self.ipv4, self.ipv6) {
            (true, _) => Some(Family::V4),
            (_, true) => Some(Family::V6),
            _ => None,
        }
    }
}

/// What `-I` means.
pub(super) fn from(typed: Option<String>) -> From {
    typed.map_or(From::Any, |text| match text.parse() {
        Ok(from) => from,
        Err(never) => match never {},
    })
}

impl TypedPing {
    pub(super) fn meaning(self) -> Ping {
        Ping {
            family: self.family.meaning(),
            host: self.host,
            count: self.count.map(u64::from),
            interval: self.interval,
            size: usize::from(self.size),
            wait: self.wait,
            ttl: self.ttl,
            from: from(self.from),
            quiet: self.quiet,
            histogram: self.histogram,
            json: self.json,
        }
    }
}

/// Seconds, or a number with a unit; at most a day.
pub(super) fn time(text: &str) -> Result<Nanos, String> {
    const DAY: u64 = 86_400 * Nanos::SECOND.0;
    let bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let text = if bare { format!("{text}s") } else { text.to_owned() };
    match Nanos::parse(&text) {
        Ok(time) if time.0 <= DAY => Ok(time),
        Ok(_) => Err("expected at most a day".into()),
        Err(allowed) => Err(format!("expected seconds, or {allowed}")),
    }
}

fn interval(text: &str) -> Result<Nanos, String> {
    match time(text)? {
        Nanos(short) if short < 2 * Nanos::MILLISECOND.0 => {
            Err("expected at least 2ms; wirestorm run sends faster".into())
        }
        time => Ok(time),
    }
}
