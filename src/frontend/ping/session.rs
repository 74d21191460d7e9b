//! When which echo request is due, and what the answers make of it. No I/O; time is a parameter.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::frontend::ip::error::IcmpError;
use crate::frontend::ip::heard::{Heard, Says};
use crate::frontend::ip::quote::Transport;
use crate::measure::distribution::Distribution;

/// Requests that are remembered: as many as there are sequence numbers.
const REMEMBERED: u64 = 1 << 16;

/// How long the last answers are waited for where none has ever come and no time was given.
const WAIT: u64 = 10_000_000_000;

/// What is sent, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests; `None`: until stopped.
    pub count: Option<u64>,
    /// Nanoseconds between two requests.
    pub interval: u64,
    /// Nanoseconds that the last answers are waited for; `None`: twice the longest round trip, at
    /// least the interval, and 10 s where nothing was ever answered.
    pub wait: Option<u64>,
    /// Bytes behind the ICMP header.
    pub size: usize,
    /// Where the requests go.
    pub destination: IpAddr,
    /// Echo identifier.
    pub id: u16,
    /// A random value that tells this session's payloads from others.
    pub key: u64,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send request `index`, the first being 1.
    Send(u64),
    /// Nothing before this time, unless something is heard.
    Wait(u64),
    /// It is over.
    Done,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A reply with the bytes that were sent.
    Reply {
        /// Request that it answers.
        index: u64,
        /// Who answers.
        from: IpAddr,
        /// Bytes of the ICMP message.
        bytes: usize,
        /// TTL or hop limit of the reply.
        ttl: Option<u8>,
        /// Nanoseconds from request to reply.
        rtt: u64,
        /// The request had been answered before.
        duplicate: bool,
        /// A later request was answered before.
        reordered: bool,
    },
    /// A reply with other bytes than were sent.
    Corrupt {
        /// Request that it seems to answer.
        index: u64,
        /// Who answers.
        from: IpAddr,
        /// The first byte of the payload that differs; `None`: the checksum is wrong, or the length.
        at: Option<usize>,
    },
    /// An ICMP error about a request.
    Error {
        /// Request.
        index: u64,
        /// Who says it.
        from: IpAddr,
        /// What.
        error: IcmpError,
    },
}

/// Counts of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that the kernel took.
    pub transmitted: u64,
    /// Requests with an intact reply.
    pub received: u64,
    /// Further intact replies to a request.
    pub duplicates: u64,
    /// Replies to a request after the reply to a later one.
    pub reordered: u64,
    /// Replies with other bytes than were sent; they are not received.
    pub corrupt: u64,
    /// ICMP errors about requests.
    pub errors: u64,
    /// Requests that the kernel refused to send.
    pub unsent: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Request {
    sent_at: u64,
    replies: u32,
    /// Something came, be it an error.
    settled: bool,
}

/// A ping from its first request to the end.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    /// The last requests; the first of them is request `first`.
    requests: VecDeque<Request>,
    first: u64,
    next_due: Option<u64>,
    last_sent: u64,
    unsettled: u64,
    highest_answered: u64,
    stopped: bool,
    counts: Counts,
    rtt: Distribution,
    /// Sum of the squares, for the deviation.
    squares: f64,
    started: Option<u64>,
    ended: u64,
}

impl Session {
    /// A session that has sent nothing.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            requests: VecDeque::new(),
            first: 1,
            next_due: None,
            last_sent: 0,
            unsettled: 0,
            highest_answered: 0,
            stopped: false,
            counts: Counts::default(),
            rtt: Distribution::default(),
            squares: 0.0,
            started: None,
            ended: 0,
        }
    }

    /// What to do at `now`.
    pub fn step(&self, now: u64) -> Step {
        if self.stopped {
            return Step::Done;
        }
        let next = self.first + self.requests.len() as u64;
        if self.settings.count.is_none_or(|count| next <= count) {
            return match self.next_due {
                Some(due) if due > now => Step::Wait(due),
                _ => Step::Send(next),
            };
        }
        let until = self.last_sent.saturating_add(self.patience());
        if self.unsettled == 0 || now >= until { Step::Done } else { Step::Wait(until) }
    }

    fn patience(&self) -> u64 {
        self.settings.wait.unwrap_or_else(|| match self.rtt.max() {
            Some(longest) => longest.saturating_mul(2).max(self.settings.interval),
            None => WAIT,
        })
    }

    /// The request that was due has gone (or not: `sent` is false) at `now`.
    pub fn sent(&mut self, now: u64, sent: bool) {
        self.started.get_or_insert(now);
        self.ended = self.ended.max(now);
        self.last_sent = now;
        // A stall is not made up for by a burst.
        let due = self.next_due.unwrap_or(now) + self.settings.interval;
        self.next_due = Some(if due > now { due } else { now + self.settings.interval });
        self.requests.push_back(Request { sent_at: now, replies: 0, settled: !sent });
        if sent {
            self.counts.transmitted += 1;
            self.unsettled += 1;
        } else {
            self.counts.unsent += 1;
        }
        if self.requests.len() as u64 > REMEMBERED
            && let Some(forgotten) = self.requests.pop_front()
        {
            self.first += 1;
            self.unsettled -= u64::from(!forgotten.settled);
        }
    }

    /// Nothing more is sent or waited for.
    pub fn stop(&mut self, now: u64) {
        self.stopped = true;
        self.ended = self.ended.max(now);
    }

    /// The payload of a request: what tells it from others, and counted bytes.
    pub fn payload(&self, index: u64) -> Vec<u8> {
        let mut payload: Vec<u8> = (0..self.settings.size).map(|at| at as u8).collect();
        let tag = crate::packet::random::bits(self.settings.key, index).to_be_bytes();
        for (byte, tag) in payload.iter_mut().zip(tag) {
            *byte = tag;
        }
        payload
    }

    /// Takes an answer; `None` when it is not to a request of this session.
    pub fn hear(&mut self, heard: &Heard) -> Option<Event> {
        let event = match &heard.says {
            Says::Echo { id, seq, payload, intact } if *id == self.settings.id => {
                self.hear_reply(heard, *seq, payload, *intact)?
            }
            Says::Error(error, quote) => {
                let Some(Transport::Echo { id, seq }) = quote.transport else { return None };
                if id != self.settings.id || quote.dst != self.settings.destination {
                    return None;
                }
                let index = self.index_of(seq)?;
                self.settle(index);
                self.counts.errors += 1;
                Event::Error { index, from: heard.from, error: *error }
            }
            _ => return None,
        };
        self.ended = self.ended.max(heard.at);
        Some(event)
    }

    fn hear_reply(
        &mut self,
        heard: &Heard,
        seq: u16,
        payload: &[u8],
        intact: bool,
    ) -> Option<Event> {
        let index = self.index_of(seq)?;
        let from = heard.from;
        let expected = self.payload(index);
        if !intact || payload != expected {
            // From elsewhere and with other bytes: another's reply.
            if from != self.settings.destination {
                return None;
            }
            self.settle(index);
            self.counts.corrupt += 1;
            let at = payload.iter().zip(&expected).position(|(is, was)| is != was);
            return Some(Event::Corrupt { index, from, at });
        }
        self.settle(index);
        let request = self.request(index)?;
        let rtt = heard.at.saturating_sub(request.sent_at);
        request.replies += 1;
        let duplicate = request.replies > 1;
        let reordered = !duplicate && index < self.highest_answered;
        if duplicate {
            self.counts.duplicates += 1;
        } else {
            self.counts.received += 1;
            self.counts.reordered += u64::from(reordered);
            self.highest_answered = self.highest_answered.max(index);
            self.rtt.record(rtt);
            self.squares += (rtt as f64).powi(2);
        }
        let bytes = crate::wire::icmp::LEN + payload.len();
        Some(Event::Reply { index, from, bytes, ttl: heard.ttl, rtt, duplicate, reordered })
    }

    /// The last request with this sequence number that was sent.
    fn index_of(&self, seq: u16) -> Option<u64> {
        let last = self.first + self.requests.len() as u64 - 1;
        let back = u64::from((last as u16).wrapping_sub(seq));
        let index = last.checked_sub(back)?;
        (index >= self.first && !self.requests.is_empty()).then_some(index)
    }

    fn request(&mut self, index: u64) -> Option<&mut Request> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.requests.get_mut(at)
    }

    fn settle(&mut self, index: u64) {
        if let Some(request) = self.request(index)
            && !std::mem::replace(&mut request.settled, true)
        {
            self.unsettled -= 1;
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Round trips of the first intact replies.
    pub fn rtt(&self) -> &Distribution {
        &self.rtt
    }

    /// Standard deviation of the round trips in nanoseconds, as ping(8)'s mdev.
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.rtt.mean()?;
        let variance = self.squares / self.rtt.count() as f64 - mean * mean;
        Some(variance.max(0.0).sqrt())
    }

    /// Nanoseconds from the first request to the last thing that happened.
    pub fn elapsed(&self) -> u64 {
        self.started.map_or(0, |started| self.ended.saturating_sub(started))
    }

    /// What was asked for.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
