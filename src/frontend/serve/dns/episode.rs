//! One client's dealings with one question, and what they say of the answers in fragments.

use std::net::SocketAddr;
use std::time::SystemTime;

use serde::Serialize;

use super::message::{Name, Query};

/// A query that comes so soon after an answer was on its way already when that was sent.
const CROSSED: u64 = 10_000_000;

/// What happened to the fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They arrived, as what the client did next proves.
    Arrived,
    /// They did not: the client sent the same query again, came by TCP, or said so by ICMP.
    Lost,
    /// Some answers were lost and another one arrived.
    Sometimes,
    /// The client asked again with another identification: a resolver that lost the answer, or
    /// somebody who asks the same thing often.
    AskedAgain,
    /// Nothing more came: they arrived, or the client went away.
    Silent,
    /// It cannot be told: whole answers are not received either, or the service ended.
    Unknown,
    /// No answer was sent in fragments.
    NotFragmented,
}

/// Counts of one episode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Queries by UDP.
    pub udp_queries: u32,
    /// Of these, the same query again (identification and question) after an answer in fragments.
    pub retransmitted: u32,
    /// Of these, the question again with another identification after an answer in fragments.
    pub asked_again: u32,
    /// Of these, those that crossed with the answer on the way, so that they say nothing.
    pub crossed: u32,
    /// Of these, those after an answer that was sent whole.
    pub after_whole: u32,
    /// Queries by TCP.
    pub tcp_queries: u32,
    /// Of these, those after an answer in fragments.
    pub tcp_after_fragments: u32,
    /// Queries for a name that the answer in fragments leads to.
    pub followed_up: u32,
    /// ICMP: the time for reassembly ran out.
    pub reassembly_exceeded: u32,
    /// ICMP: a fragment was too big.
    pub too_big: u32,
    /// ICMP: the port was closed when the datagram had been put together.
    pub port_unreachable: u32,
    /// Answers in fragments.
    pub fragmented: u32,
    /// Answers by UDP in one packet.
    pub whole: u32,
    /// Answers that asked for TCP.
    pub truncated: u32,
    /// Answers by TCP.
    pub tcp_answers: u32,
    /// Answers that no server gave.
    pub failed: u32,
    /// Answers that the link did not take.
    pub not_sent: u32,
}

/// The last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Nothing,
    Fragmented,
    Whole,
    Other,
}

/// One that is not over; its values are those of [`Settled`](super::watch::Settled), and times.
#[derive(Debug)]
pub struct Episode {
    pub began: SystemTime,
    pub began_at: u64,
    pub deadline: u64,
    pub address: SocketAddr,
    pub id: u16,
    pub buffer_size: Option<u16>,
    pub size: Option<usize>,
    pub fragments: Vec<usize>,
    pub atomic: bool,
    pub counts: Counts,
    pub last: Last,
    pub asked_at: u64,
    pub answered_at: u64,
    /// A follow-up came while the last answer was one in fragments.
    pub arrived: bool,
    pub leads: Vec<Name>,
}

impl Episode {
    /// One that begins with a query.
    pub fn new(address: SocketAddr, query: &Query, now: u64, settle: u64) -> Self {
        Self {
            began: SystemTime::now(),
            began_at: now,
            deadline: now + settle,
            address,
            id: query.id,
            buffer_size: query.buffer_size,
            size: None,
            fragments: Vec::new(),
            atomic: false,
            counts: Counts::default(),
            last: Last::Nothing,
            asked_at: now,
            answered_at: 0,
            arrived: false,
            leads: Vec::new(),
        }
    }

    /// Another query came.
    pub fn asked(&mut self, query: &Query, tcp: bool, now: u64) {
        let counts = &mut self.counts;
        if tcp {
            counts.tcp_queries += 1;
            counts.tcp_after_fragments += u32::from(self.last == Last::Fragmented);
            return;
        }
        counts.udp_queries += 1;
        // A client that waited less for the answer than the server took to give it had not yet
        // given up on it when that was sent.
        let took = self.answered_at.saturating_sub(self.asked_at);
        let crossed = now.saturating_sub(self.answered_at) < took.max(CROSSED);
        match self.last {
            Last::Fragmented if crossed => counts.crossed += 1,
            Last::Fragmented if query.id == self.id => counts.retransmitted += 1,
            Last::Fragmented => counts.asked_again += 1,
            Last::Whole if counts.fragmented > 0 => counts.after_whole += 1,
            _ => {}
        }
    }

    /// What it says, and in words. `early`: the client was not watched to the end.
    pub fn judge(&self, early: bool) -> (Outcome, &'static str) {
        let counts = &self.counts;
        if counts.not_sent > 0 && !self.arrived {
            return (Outcome::Unknown, "answers could not be sent: the link did not take them");
        }
        if counts.fragmented == 0 {
            return (Outcome::NotFragmented, "no answer was sent in fragments");
        }
        let arrived = self.arrived || counts.port_unreachable > 0;
        let icmp = counts.reassembly_exceeded + counts.too_big > 0;
        let lost = icmp || counts.retransmitted > 0 || counts.tcp_after_fragments > 0;
        let again = lost || counts.asked_again > 0;
        let whole_sent = again && counts.whole > 0;
        if arrived {
            return match lost {
                true => (Outcome::Sometimes, "some answers in fragments lost, another arrived"),
                false => (Outcome::Arrived, "fragments arrived"),
            };
        }
        if whole_sent && counts.after_whole > 0 && !icmp {
            return (
                Outcome::Unknown,
                "asked again after whole answers too: not for the fragments",
            );
        }
        if whole_sent && !early {
            return (Outcome::Lost, "fragments lost, whole answers arrive");
        }
        match (lost, again) {
            (true, _) if icmp => (Outcome::Lost, "fragments lost: ICMP says so"),
            (true, _) if counts.tcp_after_fragments > 0 => {
                (Outcome::Lost, "fragments lost: the client came by TCP")
            }
            (true, _) => (Outcome::Lost, "fragments lost: the client sent its query again"),
            (false, true) => (
                Outcome::AskedAgain,
                "asked again with another identification: lost, or asked often",
            ),
            _ if early => (Outcome::Unknown, "not watched to the end"),
            _ => (Outcome::Silent, "nothing more came: arrived, or the client went away"),
        }
    }
}
