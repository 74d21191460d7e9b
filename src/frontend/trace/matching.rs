//! Which probe an answer is to: decided by what it quotes, never by when it comes.

use std::net::IpAddr;

use super::probe::{Flow, Protocol};
use crate::frontend::ip::Family;
use crate::frontend::ip::error::{IcmpError, Meaning};
use crate::frontend::ip::heard::{Heard, Says};
use crate::frontend::ip::quote::{Quote, Transport};
use crate::wire::ip_protocol;

/// What came back for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A router: the TTL or hop limit ran out there.
    HopLimit,
    /// The destination.
    Destination,
    /// A router: too big for the next link, whose MTU is as said (0: not said).
    TooBig(u32),
    /// A router or the destination refuses the packet.
    Refused(IcmpError),
}

/// An answer to one of our probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The probe; `None`: one of ours, but it quotes too little to tell which.
    pub token: Option<u16>,
    /// It quotes a fragment that is not the first.
    pub later: bool,
    /// Who answers.
    pub from: IpAddr,
    /// When it was received, in nanoseconds.
    pub at: u64,
    /// What it says.
    pub answer: Answer,
}

/// The probe that something heard is an answer to; `None` when it is not to a probe of this flow.
pub fn matching(flow: &Flow, heard: &Heard) -> Option<Matched> {
    let (token, later, answer) = match &heard.says {
        Says::Echo { id, seq, intact: true, .. } => {
            let ours = flow.protocol == Protocol::Icmp && *id == flow.src_port;
            (ours && heard.from == flow.dst).then_some((Some(*seq), false, Answer::Destination))?
        }
        Says::Tcp { src, dst, ack, .. } => {
            let ours =
                flow.protocol == Protocol::Tcp && (*src, *dst) == (flow.dst_port, flow.src_port);
            let token = tcp_token(flow, ack.wrapping_sub(1))?;
            (ours && heard.from == flow.dst).then_some((Some(token), false, Answer::Destination))?
        }
        Says::Udp(Some((token, complement))) => {
            let ours = flow.protocol == Protocol::Udp && *complement == !*token;
            (ours && heard.from == flow.dst).then_some((
                Some(*token),
                false,
                Answer::Destination,
            ))?
        }
        Says::Error(error, quote) => {
            let token = quoted_token(flow, quote)?;
            let answer = match error.meaning() {
                Meaning::HopLimit => Answer::HopLimit,
                Meaning::TooBig(mtu) => Answer::TooBig(mtu),
                Meaning::PortUnreachable if heard.from == flow.dst => Answer::Destination,
                Meaning::PortUnreachable | Meaning::Reassembly | Meaning::Refused => {
                    Answer::Refused(*error)
                }
            };
            (token, quote.offset > 0, answer)
        }
        _ => return None,
    };
    Some(Matched { token, later, from: heard.from, at: heard.at, answer })
}

/// `None`: not ours. `Some(None)`: ours, but not to be told from others.
fn quoted_token(flow: &Flow, quote: &Quote) -> Option<Option<u16>> {
    if quote.dst != flow.dst {
        return None;
    }
    match quote.transport {
        Some(Transport::Echo { id, seq }) => {
            (flow.protocol == Protocol::Icmp && id == flow.src_port).then_some(Some(seq))
        }
        Some(Transport::Tcp { src, dst, seq }) => {
            let ours =
                flow.protocol == Protocol::Tcp && (src, dst) == (flow.src_port, flow.dst_port);
            ours.then(|| tcp_token(flow, seq))
        }
        Some(Transport::Udp { src, dst, token }) => {
            let ours =
                flow.protocol == Protocol::Udp && (src, dst) == (flow.src_port, flow.dst_port);
            let quoted = token.filter(|(token, complement)| *complement == !*token);
            ours.then(|| quoted.map(|(token, _)| token).or_else(|| id_token(flow, quote)))
        }
        // A later fragment, or one whose header is not quoted. Its identification alone is ours.
        None => {
            let protocol = match (flow.protocol, flow.family()) {
                (Protocol::Udp, _) => ip_protocol::UDP,
                (Protocol::Tcp, _) => ip_protocol::TCP,
                (Protocol::Icmp, Family::V4) => ip_protocol::ICMP,
                (Protocol::Icmp, Family::V6) => ip_protocol::ICMPV6,
            };
            let ours = quote.protocol == protocol && quote.src == flow.src;
            ours.then(|| id_token(flow, quote)).flatten().map(Some)
        }
    }
}

fn id_token(flow: &Flow, quote: &Quote) -> Option<u16> {
    let token = match flow.family() {
        Family::V4 => quote.id?,
        Family::V6 => quote.id?.wrapping_sub(flow.base),
    };
    u16::try_from(token).ok().filter(|token| *token > 0)
}

fn tcp_token(flow: &Flow, seq: u32) -> Option<u16> {
    u16::try_from(seq.wrapping_sub(flow.base)).ok().filter(|token| *token > 0)
}
