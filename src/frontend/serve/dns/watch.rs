//! What a client's next step says of the answer that it was sent before. Told the time, without I/O.
//!
//! An *episode* is all that one client does about one question until it has been still for a while.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

pub use super::episode::{Counts, Outcome};
use super::episode::{Episode, Last};
use super::message::{Name, Query, Question};
use crate::frontend::ip::error::Meaning;
use crate::frontend::serve::fragment::Made;

/// An episode ends after so many times of stillness, however busy the client is.
const LONGEST: u64 = 10;

/// One client's question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The client's prefix.
    pub client: IpAddr,
    /// The question.
    pub question: Question,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// By UDP, as one or several packets of which the fragmentable parts have these sizes.
    Sent {
        /// Bytes of the message.
        size: usize,
        /// Whether and how it was cut.
        made: Made,
        /// Sizes in the order of sending.
        fragments: Vec<usize>,
        /// Names that it leads to.
        leads: Vec<Name>,
    },
    /// By UDP, without its records: the client is to come by TCP.
    Truncated,
    /// By TCP.
    Tcp {
        /// Bytes of the message.
        size: usize,
    },
    /// That no server answered.
    Failed,
    /// Not at all: the link did not take it.
    NotSent,
}

/// How the answer to a query is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// As the service was told.
    AsTold,
    /// Whole: it was lost in fragments several times.
    Whole,
}

/// An episode that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Whose, and about what.
    pub asked: Arc<Asked>,
    /// When it began.
    pub began: SystemTime,
    /// The client's address in the last query.
    pub address: SocketAddr,
    /// Identification of the last query.
    pub id: u16,
    /// EDNS buffer size of the last query.
    pub buffer_size: Option<u16>,
    /// Bytes of the last answer.
    pub size: Option<usize>,
    /// How the last answer in fragments was cut.
    pub fragments: Vec<usize>,
    /// It was one atomic fragment.
    pub atomic: bool,
    /// What happened how often.
    pub counts: Counts,
    /// What happened to the fragments.
    pub outcome: Outcome,
    /// The same in words.
    pub statement: &'static str,
}

/// All episodes that are not over. Bounded.
#[derive(Debug)]
pub struct Watch {
    settle: u64,
    whole_after: Option<NonZeroU32>,
    follow_up: Option<String>,
    most: usize,
    episodes: HashMap<Arc<Asked>, Episode>,
    deadlines: VecDeque<(u64, Arc<Asked>)>,
    /// Which name of which client tells of which episode.
    leads: HashMap<(IpAddr, Name), Arc<Asked>>,
    /// The last question of a client's socket: what ICMP errors quote.
    sockets: HashMap<SocketAddr, Arc<Asked>>,
    settled: Vec<Settled>,
}

impl Watch {
    /// Remembers `most` episodes, each of which is over when the client was still for `settle`
    /// nanoseconds.
    pub fn new(
        settle: u64,
        whole_after: Option<NonZeroU32>,
        follow_up: Option<String>,
        most: usize,
    ) -> Self {
        Self {
            settle,
            whole_after,
            follow_up,
            most,
            episodes: HashMap::new(),
            deadlines: VecDeque::new(),
            leads: HashMap::new(),
            sockets: HashMap::new(),
            settled: Vec::new(),
        }
    }

    /// A query came.
    pub fn asked(
        &mut self,
        client: IpAddr,
        address: SocketAddr,
        query: &Query,
        tcp: bool,
        now: u64,
    ) -> Advice {
        self.follow(client, &query.question.name);
        let asked = Asked { client, question: query.question.clone() };
        if !self.episodes.contains_key(&asked) {
            self.begin(asked.clone(), address, query, now);
        }
        let Some(episode) = self.episodes.get_mut(&asked) else { return Advice::AsTold };
        episode.asked(query, tcp, now);
        (episode.address, episode.id, episode.buffer_size) = (address, query.id, query.buffer_size);
        (episode.asked_at, episode.deadline) = (now, now + self.settle);
        let again = episode.counts.retransmitted + episode.counts.asked_again;
        match self.whole_after {
            Some(most) if again >= most.get() => Advice::Whole,
            _ => Advice::AsTold,
        }
    }

    /// A name that is asked for tells of the answer that leads to it.
    fn follow(&mut self, client: IpAddr, name: &Name) {
        if self.leads.is_empty() {
            return;
        }
        let Some(asked) = self.leads.get(&(client, name.clone())) else { return };
        if let Some(episode) = self.episodes.get_mut(asked) {
            episode.counts.followed_up += 1;
            episode.arrived |= episode.last == Last::Fragmented;
        }
    }

    fn begin(&mut self, asked: Asked, address: SocketAddr, query: &Query, now: u64) {
        while self.episodes.len() >= self.most {
            let Some((_, oldest)) = self.deadlines.pop_front() else { return };
            self.end(&oldest, true);
        }
        let asked = Arc::new(asked);
        let episode = Episode::new(address, query, now, self.settle);
        self.deadlines.push_back((episode.deadline, asked.clone()));
        self.episodes.insert(asked, episode);
    }

    /// A query was answered.
    pub fn answered(
        &mut self,
        client: IpAddr,
        address: SocketAddr,
        question: &Question,
        answer: Answer,
        now: u64,
    ) {
        let asked = Asked { client, question: question.clone() };
        let Some((asked, _)) = self.episodes.get_key_value(&asked) else { return };
        let asked = asked.clone();
        let Some(episode) = self.episodes.get_mut(&asked) else { return };
        (episode.answered_at, episode.deadline) = (now, now + self.settle);
        let counts = &mut episode.counts;
        episode.last = match answer {
            Answer::Sent { size, made: Made::Whole, .. } => {
                counts.whole += 1;
                episode.size = Some(size);
                Last::Whole
            }
            Answer::Sent { size, made, fragments, mut leads } => {
                counts.fragmented += 1;
                (episode.size, episode.fragments) = (Some(size), fragments);
                episode.atomic = made == Made::Atomic;
                let label = self.follow_up.as_ref();
                leads.extend(label.and_then(|label| question.name.under(label)));
                if episode.leads.is_empty() {
                    for name in &leads {
                        self.leads.insert((client, name.clone()), asked.clone());
                    }
                    episode.leads = leads;
                }
                self.sockets.insert(address, asked.clone());
                Last::Fragmented
            }
            Answer::Truncated => {
                counts.truncated += 1;
                Last::Other
            }
            Answer::Tcp { size } => {
                counts.tcp_answers += 1;
                episode.size = Some(size);
                Last::Other
            }
            Answer::Failed => {
                counts.failed += 1;
                Last::Other
            }
            Answer::NotSent => {
                counts.not_sent += 1;
                Last::Other
            }
        };
        // Sockets of episodes that are over.
        if self.sockets.len() > self.most * 2 {
            let episodes = &self.episodes;
            self.sockets.retain(|_, asked| episodes.contains_key(asked));
        }
    }

    /// An ICMP error came about a datagram to this socket; `by_client`: from the client itself.
    pub fn icmp(&mut self, address: SocketAddr, meaning: Meaning, by_client: bool) {
        let Some(asked) = self.sockets.get(&address) else { return };
        let Some(episode) = self.episodes.get_mut(asked) else { return };
        match meaning {
            Meaning::Reassembly => episode.counts.reassembly_exceeded += 1,
            Meaning::TooBig(_) => episode.counts.too_big += 1,
            Meaning::PortUnreachable if by_client && episode.last == Last::Fragmented => {
                episode.counts.port_unreachable += 1;
            }
            _ => {}
        }
    }

    /// The episodes that are over at `now`.
    pub fn settled(&mut self, now: u64) -> Vec<Settled> {
        while let Some((deadline, _)) = self.deadlines.front() {
            if *deadline > now {
                break;
            }
            let Some((_, asked)) = self.deadlines.pop_front() else { break };
            let Some(episode) = self.episodes.get(&asked) else { continue };
            let latest = episode.began_at + LONGEST * self.settle;
            let deadline = episode.deadline.min(latest);
            if deadline > now {
                self.deadlines.push_back((deadline, asked));
            } else {
                self.end(&asked, false);
            }
        }
        std::mem::take(&mut self.settled)
    }

    /// All that are left: the service ends.
    pub fn all(&mut self) -> Vec<Settled> {
        while let Some((_, asked)) = self.deadlines.pop_front() {
            self.end(&asked, true);
        }
        std::mem::take(&mut self.settled)
    }

    /// Episodes that are not over.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    fn end(&mut self, asked: &Arc<Asked>, early: bool) {
        let Some((asked, episode)) = self.episodes.remove_entry(asked) else { return };
        for name in &episode.leads {
            let key = (asked.client, name.clone());
            if self.leads.get(&key).is_some_and(|of| Arc::ptr_eq(of, &asked)) {
                self.leads.remove(&key);
            }
        }
        if self.sockets.get(&episode.address).is_some_and(|of| Arc::ptr_eq(of, &asked)) {
            self.sockets.remove(&episode.address);
        }
        let (outcome, statement) = episode.judge(early);
        self.settled.push(Settled {
            asked,
            began: episode.began,
            address: episode.address,
            id: episode.id,
            buffer_size: episode.buffer_size,
            size: episode.size,
            fragments: episode.fragments,
            atomic: episode.atomic,
            counts: episode.counts,
            outcome,
            statement,
        });
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
