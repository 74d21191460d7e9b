//! The JSON of a trace.

use serde::Serialize;

use super::arms::{Arms, Class};
use super::path::Path;
use super::probe::{Flow, Protocol};
use super::report;
use super::verdict::{self, Outcome};
use crate::report::model::Percentiles;
use crate::report::percentiles;

/// What the JSON's `schema` is.
pub const SCHEMA: &str = "wirestorm.trace/1";
/// The JSON Schema of the result.
pub const JSON_SCHEMA: &str = include_str!("../../../docs/trace.schema.json");

/// The result of a trace.
#[derive(Debug, Serialize)]
pub struct Json {
    schema: &'static str,
    host: String,
    address: String,
    source: String,
    protocol: &'static str,
    port: Option<u16>,
    flow_label: Option<u32>,
    socket: String,
    size: Option<usize>,
    incomplete: bool,
    reached: bool,
    unattributed: u64,
    hops: Vec<Hop>,
    link_mtus: Vec<LinkMtu>,
    arrived_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragments: Option<Fragments>,
}

#[derive(Debug, Serialize)]
struct Hop {
    hop: u8,
    sent: u32,
    answered: u32,
    destination: bool,
    responders: Vec<Responder>,
    refused: Vec<Refused>,
}

#[derive(Debug, Serialize)]
struct Responder {
    address: String,
    rtt_ns: Option<Percentiles>,
}

#[derive(Debug, Serialize)]
struct Refused {
    from: String,
    #[serde(rename = "type")]
    message_type: u8,
    code: u8,
    info: u32,
    text: String,
}

#[derive(Debug, Serialize)]
struct LinkMtu {
    from: String,
    hop: Option<u8>,
    nearer_than: u8,
    mtu: u32,
}

/// What `--fragments` adds.
#[derive(Debug, Serialize)]
struct Fragments {
    tries: u16,
    hops: Vec<ArmHop>,
    verdicts: Vec<Verdict>,
}

#[derive(Debug, Serialize)]
struct ArmHop {
    hop: u8,
    silent: bool,
    arms: Vec<ArmCell>,
}

#[derive(Debug, Serialize)]
struct ArmCell {
    arm: String,
    sent: u32,
    answered: u32,
    destination: u32,
    later_fragments: u32,
    class: Option<&'static str>,
    addresses: Vec<String>,
    refused: Vec<Refused>,
    not_sent: Option<String>,
}

#[derive(Debug, Serialize)]
struct Verdict {
    arm: String,
    outcome: &'static str,
    stopped: Option<bool>,
    after: Option<u8>,
    before: Option<u8>,
    text: String,
}

/// What a result is made of beside the path.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What was typed.
    pub host: &'a str,
    /// What the probes have in common.
    pub flow: &'a Flow,
    /// How they were sent.
    pub socket: &'a str,
    /// Bytes of a probe, before routers said that it is too big.
    pub size: usize,
    /// A signal ended it.
    pub incomplete: bool,
    /// Answers that quote too little.
    pub unattributed: u64,
    /// Tries of every arm at every hop.
    pub tries: u16,
}

/// The result for `--json`.
pub fn json(about: About<'_>, path: &Path, arms: Option<&Arms>) -> Json {
    let flow = about.flow;
    let hops = path.rows.iter().map(|row| Hop {
        hop: row.hop,
        sent: row.sent,
        answered: row.answered,
        destination: row.destination,
        responders: row
            .responders
            .iter()
            .map(|responder| Responder {
                address: responder.from.to_string(),
                rtt_ns: percentiles(&responder.rtt),
            })
            .collect(),
        refused: row.refused.iter().map(refused).collect(),
    });
    Json {
        schema: SCHEMA,
        host: about.host.to_owned(),
        address: flow.dst.to_string(),
        source: flow.src.to_string(),
        protocol: match flow.protocol {
            Protocol::Udp => "udp",
            Protocol::Icmp => "icmp",
            Protocol::Tcp => "tcp",
        },
        port: (flow.protocol != Protocol::Icmp).then_some(flow.dst_port),
        // Unprivileged sockets leave the label to the kernel.
        flow_label: (flow.dst.is_ipv6() && about.socket.starts_with("raw"))
            .then_some(flow.flow_label),
        socket: about.socket.to_owned(),
        size: (flow.protocol != Protocol::Tcp).then_some(about.size),
        incomplete: about.incomplete,
        reached: path.reached,
        unattributed: about.unattributed,
        hops: hops.collect(),
        link_mtus: path
            .mtus
            .iter()
            .map(|mtu| LinkMtu {
                from: mtu.from.to_string(),
                hop: mtu.hop,
                nearer_than: mtu.below,
                mtu: mtu.mtu,
            })
            .collect(),
        arrived_size: path.arrived_size.filter(|_| flow.protocol != Protocol::Tcp),
        fragments: arms.map(|arms| fragments(arms, about.tries)),
    }
}

fn refused((from, error): &(std::net::IpAddr, crate::frontend::ip::error::IcmpError)) -> Refused {
    Refused {
        from: from.to_string(),
        message_type: error.message_type,
        code: error.code,
        info: error.info,
        text: error.to_string(),
    }
}

fn fragments(arms: &Arms, tries: u16) -> Fragments {
    let hops = arms.hops.iter().map(|hop| ArmHop {
        hop: hop.hop,
        silent: hop.cells.iter().all(|cell| cell.answered == 0),
        arms: arms
            .arms
            .iter()
            .zip(&hop.cells)
            .map(|(arm, cell)| ArmCell {
                arm: arm.to_string(),
                sent: cell.sent,
                answered: cell.answered,
                destination: cell.destination,
                later_fragments: cell.later,
                class: cell.class().map(|class| match class {
                    Class::Always => "always",
                    Class::Sometimes => "sometimes",
                    Class::Never => "never",
                }),
                addresses: cell.from.iter().map(ToString::to_string).collect(),
                refused: cell.refused.iter().map(refused).collect(),
                not_sent: cell.unsent.clone(),
            })
            .collect(),
    });
    let verdicts = verdict::outcomes(arms).into_iter().zip(report::verdicts(arms)).map(
        |((arm, outcome), text)| {
            let (name, after, before) = match outcome {
                Outcome::Arrives => ("arrives", None, None),
                Outcome::AsFar { hop } => ("as-far-as-whole", Some(hop), None),
                Outcome::Sometimes => ("sometimes", None, None),
                Outcome::Stops { after, before } => ("stops", Some(after), Some(before)),
                // Where the others stop is not known: no hop is named.
                Outcome::Incomplete { .. } => ("incomplete", None, arms.destination),
                Outcome::Elsewhere { after } => ("other-path", Some(after), None),
                Outcome::Unknown { after } => ("unknown", Some(after), None),
                Outcome::NotSent => ("not-sent", None, None),
            };
            let (arm, stopped) = (arm.to_string(), outcome.stopped());
            Verdict { arm, outcome: name, stopped, after, before, text }
        },
    );
    Fragments { tries, hops: hops.collect(), verdicts: verdicts.collect() }
}
