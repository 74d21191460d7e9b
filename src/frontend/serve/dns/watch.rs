//! What a client's next step says of the answer that it was sent before. Told the time, without I/O.
//!
//! An *episode* is all that one client does about one question until it has been still for a while.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::message::{Name, Query, Question};
use crate::frontend::ip::error::Meaning;
use crate::frontend::serve::fragment::Made;

/// A query that comes so soon after an answer was on its way already when that was sent.
const CROSSED: u64 = 10_000_000;
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
}

/// How the answer to a query is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// As the service was told.
    AsTold,
    /// Whole: it was lost in fragments several times.
    Whole,
}

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    Fragmented,
    Whole,
    Other,
}

#[derive(Debug)]
struct Episode {
    began: SystemTime,
    began_at: u64,
    deadline: u64,
    address: SocketAddr,
    id: u16,
    buffer_size: Option<u16>,
    size: Option<usize>,
    fragments: Vec<usize>,
    atomic: bool,
    counts: Counts,
    last: Last,
    asked_at: u64,
    answered_at: u64,
    /// A follow-up came while the last answer was one in fragments.
    arrived: bool,
    leads: Vec<Name>,
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
        let episode = Episode {
            began: SystemTime::now(),
            began_at: now,
            deadline: now + self.settle,
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
        };
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
        let (outcome, statement) = judge(&episode, early);
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

impl Episode {
    fn asked(&mut self, query: &Query, tcp: bool, now: u64) {
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
}

/// What an episode says, and in words. `early`: the client was not watched to the end.
fn judge(episode: &Episode, early: bool) -> (Outcome, &'static str) {
    let counts = &episode.counts;
    if counts.fragmented == 0 {
        return (Outcome::NotFragmented, "no answer was sent in fragments");
    }
    let arrived = episode.arrived || counts.port_unreachable > 0;
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
        return (Outcome::Unknown, "asked again after whole answers too: not for the fragments");
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
        (false, true) => {
            (Outcome::AskedAgain, "asked again with another identification: lost, or asked often")
        }
        _ if early => (Outcome::Unknown, "not watched to the end"),
        _ => (Outcome::Silent, "nothing more came: arrived, or the client went away"),
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
