//! A plain trace's rows: who answered at which hop, and how fast.

use std::net::IpAddr;

use super::matching::Answer;
use super::tracer::{Record, Tracer};
use crate::frontend::ip::error::IcmpError;
use crate::measure::distribution::Distribution;

/// An address at a hop.
#[derive(Clone, Debug)]
pub struct Responder {
    /// The address.
    pub from: IpAddr,
    /// Nanoseconds from probe to answer.
    pub rtt: Distribution,
}

/// A hop.
#[derive(Clone, Debug)]
pub struct Row {
    /// TTL or hop limit.
    pub hop: u8,
    /// Probes that the kernel took; those that were too big and sent again are left out.
    pub sent: u32,
    /// Probes that were answered.
    pub answered: u32,
    /// Who answered, in the order of the first answers.
    pub responders: Vec<Responder>,
    /// The destination is among them.
    pub destination: bool,
    /// Errors that refused probes, and who sent them.
    pub refused: Vec<(IpAddr, IcmpError)>,
}

/// The MTU of a router's next link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkMtu {
    /// The router.
    pub from: IpAddr,
    /// Its hop; `None`: no hop answered with this address, so that it is only known to be nearer
    /// than `below`.
    pub hop: Option<u8>,
    /// The smallest TTL to which it said so.
    pub below: u8,
    /// The MTU.
    pub mtu: u32,
}

/// A path as far as it is known.
#[derive(Clone, Debug)]
pub struct Path {
    /// Hops up to the last that answered.
    pub rows: Vec<Row>,
    /// The destination answered.
    pub reached: bool,
    /// Routers that said that a packet was too big, nearest first.
    pub mtus: Vec<LinkMtu>,
    /// The size of the largest probe that the destination answered.
    pub arrived_size: Option<usize>,
}

impl Path {
    /// The path that a tracer found.
    pub fn of(tracer: &Tracer) -> Self {
        let end = tracer.last_hop().unwrap_or(u8::MAX);
        let mut rows: Vec<Row> = Vec::new();
        for record in tracer.records().iter().filter(|record| record.probe.hop <= end) {
            let hop = record.probe.hop;
            let at = match rows.iter().position(|row| row.hop == hop) {
                Some(at) => at,
                None => {
                    rows.push(Row {
                        hop,
                        sent: 0,
                        answered: 0,
                        responders: Vec::new(),
                        destination: false,
                        refused: Vec::new(),
                    });
                    rows.len() - 1
                }
            };
            rows[at].count(record);
        }
        rows.sort_by_key(|row| row.hop);
        while rows.last().is_some_and(|row| row.answered == 0) {
            rows.pop();
        }
        let reached = rows.iter().any(|row| row.destination);
        let arrived = tracer.records().iter().filter(|record| {
            record.answered.is_some_and(|answered| answered.answer == Answer::Destination)
        });
        let arrived_size = arrived.map(|record| record.probe.size).max();
        let mut path = Self { rows, reached, mtus: Vec::new(), arrived_size };
        path.take_limits(tracer);
        path
    }

    fn take_limits(&mut self, tracer: &Tracer) {
        for limit in tracer.limits() {
            match self.mtus.iter_mut().find(|mtu| mtu.from == limit.from && mtu.mtu == limit.mtu) {
                Some(mtu) => mtu.below = mtu.below.min(limit.hop),
                None => self.mtus.push(LinkMtu {
                    from: limit.from,
                    hop: None,
                    below: limit.hop,
                    mtu: limit.mtu,
                }),
            }
        }
        for mtu in &mut self.mtus {
            let is_from =
                |row: &&Row| row.responders.iter().any(|responder| responder.from == mtu.from);
            mtu.hop = self.rows.iter().find(is_from).map(|row| row.hop);
        }
        self.mtus.sort_by_key(|mtu| (mtu.hop.unwrap_or(mtu.below), std::cmp::Reverse(mtu.mtu)));
    }
}

impl Row {
    fn count(&mut self, record: &Record) {
        if record.sent_at.is_none() {
            return;
        }
        let Some(answered) = record.answered else {
            self.sent += 1;
            return;
        };
        match answered.answer {
            Answer::TooBig(_) => return,
            Answer::Refused(error) => {
                if !self.refused.contains(&(answered.from, error)) {
                    self.refused.push((answered.from, error));
                }
            }
            Answer::Destination => self.destination = true,
            Answer::HopLimit => {}
        }
        self.sent += 1;
        self.answered += 1;
        let at = match self.responders.iter().position(|one| one.from == answered.from) {
            Some(at) => at,
            None => {
                let rtt = Distribution::default();
                self.responders.push(Responder { from: answered.from, rtt });
                self.responders.len() - 1
            }
        };
        self.responders[at].rtt.record(answered.rtt);
    }
}
