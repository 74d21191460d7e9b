//! `wirestorm serve sink`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::profile::study::SINK_PORT;
use crate::study::sink::Options;

/// The receiver of a fragmentation study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// How it behaves.
    pub options: Options,
    /// Where every datagram is logged; `-` is standard output.
    pub log: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    about = "Receive the packets of a fragmentation study, and tell the tester what was seen",
    after_help = "\
Examples:
  wirestorm serve sink
  wirestorm serve sink --address 2001:db8::1 --log sink.jsonl

It sees raw fragments (a packet socket, which needs CAP_NET_RAW) and what the kernel puts together
(sockets), and answers the tester's UDP packets with answers that are never longer. TCP connections
are accepted and closed; the kernel answers ICMP echo. SIGINT or SIGTERM ends it with totals."
)]
pub(super) struct TypedSink {
    /// Port of UDP and TCP
    #[arg(long, value_name = "PORT", default_value_t = SINK_PORT,
          value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,

    /// Listen on this address alone; when left out on all, of both families
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,

    /// Answers a second at most, to all testers together
    #[arg(long, value_name = "ANSWERS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,

    /// Append every datagram that arrives to this file as a JSON line; `-` is standard output. Opened
    /// anew on SIGHUP
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl TypedSink {
    pub(super) fn meaning(self) -> Sink {
        let Self { port, address, rate, log } = self;
        Sink { options: Options { port, address, rate }, log }
    }
}
