//! Which probe is due, and what was answered. No I/O; time is a parameter.

use std::net::IpAddr;

use super::matching::{Answer, Matched};
use super::probe::Probe;

/// How fast probes go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Probes without an answer yet, at most.
    pub in_flight: usize,
    /// Nanoseconds between two probes for one hop: routers limit how often they answer.
    pub hop_interval: u64,
    /// Nanoseconds after which an answer is no longer waited for.
    pub wait: u64,
}

/// What ends a trace before all probes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The destination has answered, or somebody refused: nothing is sent to hops behind that one.
    Destination,
    /// Nothing: every probe is sent.
    AllSent,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this.
    Send(Probe),
    /// Nothing before this time, unless something is heard.
    Wait(u64),
    /// It is over.
    Done,
}

/// An answer with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who.
    pub from: IpAddr,
    /// Nanoseconds from probe to answer.
    pub rtt: u64,
    /// What.
    pub answer: Answer,
}

/// A probe and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The probe.
    pub probe: Probe,
    /// When it was sent; `None`: it was not.
    pub sent_at: Option<u64>,
    /// Why the kernel refused to send it.
    pub refused: Option<String>,
    /// The first answer to it, or to its first fragment.
    pub answered: Option<Answered>,
    /// A router answered a fragment of it that is not the first: IPv6 alone.
    pub later: bool,
    over: bool,
}

/// A router that said what fits through its next link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The router.
    pub from: IpAddr,
    /// TTL of the probe that it answered: the router is nearer than that.
    pub hop: u8,
    /// The MTU that it named.
    pub mtu: u32,
}

/// A list of probes on their way.
#[derive(Debug)]
pub struct Tracer {
    records: Vec<Record>,
    pace: Pace,
    until: Until,
    /// When the next probe to each hop may go.
    hop_due: [u64; 256],
    /// No probe goes further.
    last_hop: u8,
    /// Probes are made no bigger: what a router said; the floor below which none is cut.
    size_limit: usize,
    size_floor: usize,
    limits: Vec<Limit>,
    unattributed: u64,
}

impl Tracer {
    /// A tracer of probes whose tokens count up. Too big ones are sent again, smaller, but never
    /// below `size_floor`.
    pub fn new(probes: Vec<Probe>, pace: Pace, until: Until, size_floor: usize) -> Self {
        let record = |probe| Record {
            probe,
            sent_at: None,
            refused: None,
            answered: None,
            later: false,
            over: false,
        };
        Self {
            records: probes.into_iter().map(record).collect(),
            pace,
            until,
            hop_due: [0; 256],
            last_hop: u8::MAX,
            size_limit: usize::MAX,
            size_floor,
            limits: Vec::new(),
            unattributed: 0,
        }
    }

    /// What to do at `now`.
    pub fn step(&mut self, now: u64) -> Step {
        let mut in_flight = 0;
        let mut next_event = u64::MAX;
        for record in &mut self.records {
            let Some(sent_at) = record.sent_at else { continue };
            if record.over {
                continue;
            }
            let until = sent_at.saturating_add(self.pace.wait);
            if until <= now {
                record.over = true;
            } else {
                in_flight += 1;
                next_event = next_event.min(until);
            }
        }
        let mut pending = false;
        for record in &self.records {
            if record.over || record.sent_at.is_some() || record.probe.hop > self.last_hop {
                continue;
            }
            pending = true;
            if in_flight >= self.pace.in_flight.max(1) {
                break;
            }
            let due = self.hop_due[usize::from(record.probe.hop)];
            if due <= now {
                let size = record.probe.size.min(self.size_limit);
                return Step::Send(Probe { size, ..record.probe });
            }
            next_event = next_event.min(due);
        }
        if !pending && in_flight == 0 { Step::Done } else { Step::Wait(next_event) }
    }

    /// A probe has gone at `now`, or the kernel said why it refused to send it.
    pub fn sent(&mut self, probe: &Probe, now: u64, refused: Option<String>) {
        self.hop_due[usize::from(probe.hop)] = now.saturating_add(self.pace.hop_interval);
        if let Some(record) = self.record(probe.token) {
            record.probe.size = probe.size;
            record.over = refused.is_some();
            record.sent_at = refused.is_none().then_some(now);
            record.refused = refused;
        }
    }

    /// Takes an answer.
    pub fn hear(&mut self, matched: &Matched) {
        let Some(token) = matched.token else {
            self.unattributed += 1;
            return;
        };
        let Some(record) = self.record(token) else { return };
        let Some(sent_at) = record.sent_at else { return };
        if matched.later {
            record.later |= matched.answer == Answer::HopLimit;
            return;
        }
        if record.answered.is_some() {
            return;
        }
        let rtt = matched.at.saturating_sub(sent_at);
        record.answered = Some(Answered { from: matched.from, rtt, answer: matched.answer });
        record.over = true;
        let probe = record.probe;
        match matched.answer {
            Answer::TooBig(mtu) => self.too_big(&probe, matched.from, mtu),
            Answer::Destination | Answer::Refused(_) if self.until == Until::Destination => {
                self.last_hop = self.last_hop.min(probe.hop);
            }
            _ => {}
        }
    }

    /// Sends a probe again, at the size that was said to fit. One that would be no smaller keeps
    /// its answer.
    fn too_big(&mut self, probe: &Probe, from: IpAddr, mtu: u32) {
        self.limits.push(Limit { from, hop: probe.hop, mtu });
        let fits = usize::try_from(mtu).unwrap_or(usize::MAX).max(self.size_floor);
        if self.until != Until::Destination || fits >= probe.size {
            return;
        }
        self.size_limit = self.size_limit.min(fits);
        let last = self.records.iter().map(|record| record.probe.token).max().unwrap_or(0);
        // Tokens that ran out end the trace's cuts, which is far beyond what a path has.
        let Some(token) = last.checked_add(1) else { return };
        self.hop_due[usize::from(probe.hop)] = 0;
        self.records.push(Record {
            probe: Probe { token, size: self.size_limit, ..*probe },
            sent_at: None,
            refused: None,
            answered: None,
            later: false,
            over: false,
        });
    }

    fn record(&mut self, token: u16) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.probe.token == token)
    }

    /// All probes, also those that were not sent.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The hop at which the destination answered, or somebody refused: the nearest of them.
    pub fn last_hop(&self) -> Option<u8> {
        (self.last_hop < u8::MAX).then_some(self.last_hop)
    }

    /// What routers said about the MTU of their links.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Answers to probes of ours that quote too little to tell to which.
    pub fn unattributed(&self) -> u64 {
        self.unattributed
    }
}

#[cfg(test)]
#[path = "tracer_tests.rs"]
mod tests;
