//! Sends tries, listens, asks the sink: what became of each datagram.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::compose::{self, Common, Frame};
use super::hear::{self, Heard};
use super::plan::{Plan, Try};
use super::sink::table::Record;
use super::sink::wire::{Answer, MAX_ENTRIES, Query, Reply};
use crate::frontend::ip::Family;
use crate::profile::study::{Receiver, Study};

/// Datagrams that are sent before the sink is asked: fewer than it remembers.
const BATCH: usize = 8192;
/// Queries under way at once.
const QUERIES: usize = 32;
/// How often a query is repeated.
const ATTEMPTS: u32 = 10;
/// How long a query's answer may take at least.
const PATIENCE: u64 = 300_000_000;
/// How long to listen between two looks for a stop.
const TICK: u64 = 50_000_000;
/// How long to listen between two looks at what was answered.
const LOOK: u64 = 1_000_000;

/// What carries frames. Time is a part of it, so that tests can bring their own.
pub trait Wire {
    /// Sends a frame.
    ///
    /// # Errors
    /// The kernel's.
    fn send(&mut self, frame: &[u8]) -> io::Result<()>;

    /// Gives every frame that arrives until a time to `take`, and then returns.
    ///
    /// # Errors
    /// The kernel's.
    fn hear(&mut self, until: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// Nanoseconds of a clock that never goes back.
    fn now(&self) -> u64;

    /// Frames that the tester's own socket had no room for.
    fn dropped(&mut self) -> u64;
}

/// An ICMP error that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Type.
    pub message_type: u8,
    /// Code.
    pub code: u8,
    /// Who sent it.
    pub from: IpAddr,
}

/// What became of a datagram (of a burst: of all its packets).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Position of the arm.
    pub arm: usize,
    /// Number of the block.
    pub block: u32,
    /// The datagram that the block compares; the others are interleaved with it.
    pub lead: bool,
    /// Frames that were to be sent.
    pub due: u16,
    /// Frames that the kernel took.
    pub sent: u16,
    /// What the sink saw; None: it was not asked, or did not answer.
    pub record: Option<Record>,
    /// Packets that were answered, a bit each.
    pub answered: u64,
    /// The first error that came back.
    pub refused: Option<Refusal>,
}

/// All outcomes, and what was counted beside them.
#[derive(Debug, Default)]
pub struct Observed {
    /// By try number.
    pub outcomes: Vec<Outcome>,
    /// Frames that the kernel refused, and its words for the first.
    pub unsent: (u64, Option<String>),
    /// Frames that the tester's socket had no room for.
    pub dropped: u64,
    /// Packets that the sink's sockets had no room for.
    pub sink_dropped: u64,
    /// The sink has a tap. None: it never answered.
    pub tap: Option<bool>,
    /// Somebody stopped it.
    pub stopped: bool,
    /// How late the latest frame was, in nanoseconds.
    pub lag: u64,
}

/// A tester at work.
pub struct Tester<'a> {
    study: &'a Study,
    plan: &'a Plan,
    common: &'a Common,
    wire: &'a mut dyn Wire,
    stop: &'a AtomicBool,
    /// What was observed so far.
    pub observed: Observed,
    /// Which try has an identification, by family: the latest where it came again.
    ids: HashMap<(Family, u32), u32>,
    /// What the sink's counter said when it was first asked.
    sink_dropped_at: Option<u32>,
    nonce: u32,
    answers: Vec<Answer>,
}

/// A frame that waits, by its time, then by the order in which it was made.
type Due = Reverse<(u64, u64)>;

impl<'a> Tester<'a> {
    /// A tester of a plan.
    pub fn new(
        study: &'a Study,
        plan: &'a Plan,
        common: &'a Common,
        wire: &'a mut dyn Wire,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            study,
            plan,
            common,
            wire,
            stop,
            observed: Observed::default(),
            ids: HashMap::new(),
            sink_dropped_at: None,
            nonce: 0,
            answers: Vec::new(),
        }
    }

    /// All rounds of the study. `show` is told how many tries are over.
    ///
    /// # Errors
    /// A wire that broke.
    pub fn rounds(&mut self, seed: u64, show: &mut dyn FnMut(u64)) -> io::Result<()> {
        let mut waiting: Vec<Try> = Vec::new();
        let mut datagrams = 0;
        let mut over = 0;
        for round in 0..self.study.tries {
            for one in self.plan.round(seed, round as u32) {
                datagrams += self.plan.arms[one.arm].datagrams;
                waiting.push(one);
            }
            if datagrams >= BATCH || round + 1 == self.study.tries {
                // A long pause ends a batch: short ones let progress be seen.
                for chunk in std::mem::take(&mut waiting).chunks(BATCH) {
                    self.tries(chunk, self.study.wait.0, &mut |done| show(over + done))?;
                    over += chunk.len() as u64;
                }
                datagrams = 0;
            }
            if self.observed.stopped {
                break;
            }
        }
        Ok(())
    }

    /// Sends tries, waits for what comes back, and asks the sink.
    ///
    /// # Errors
    /// A wire that broke.
    pub fn tries(&mut self, tries: &[Try], wait: u64, show: &mut dyn FnMut(u64)) -> io::Result<()> {
        let first = self.observed.outcomes.len() as u32;
        self.send(tries, show)?;
        self.pause(wait)?;
        self.ask_from(first)
    }

    /// [`Tester::tries`] without asking the sink.
    ///
    /// # Errors
    /// A wire that broke.
    pub fn send_and_listen(&mut self, tries: &[Try], wait: u64) -> io::Result<()> {
        self.send(tries, &mut |_| ())?;
        self.pause(wait)
    }

    /// Asks the sink, if there is one, what it saw of the tries from `first` on.
    ///
    /// # Errors
    /// A wire that broke.
    pub fn ask_from(&mut self, first: u32) -> io::Result<()> {
        if self.study.receiver == Receiver::Sink {
            self.ask(first)?;
        }
        self.observed.dropped += self.wire.dropped();
        Ok(())
    }

    /// Listens for a while, but not beyond a stop.
    ///
    /// # Errors
    /// A wire that broke.
    pub fn pause(&mut self, span: u64) -> io::Result<()> {
        let until = self.wire.now() + span;
        while self.wire.now() < until && !self.stopped() {
            self.listen(until.min(self.wire.now() + TICK))?;
        }
        Ok(())
    }

    fn stopped(&mut self) -> bool {
        self.observed.stopped |= self.stop.load(Relaxed);
        self.observed.stopped
    }

    fn send(&mut self, tries: &[Try], show: &mut dyn FnMut(u64)) -> io::Result<()> {
        let begin = self.wire.now();
        let mut waiting: BinaryHeap<Due> = BinaryHeap::new();
        let mut frames: HashMap<u64, (u32, Frame)> = HashMap::new();
        let mut number = 0;
        let mut next = 0;
        loop {
            let start = |n: usize| begin + n as u64 * self.study.spacing.0;
            // The next try is made when it is due before everything that waits.
            let due = waiting.peek().map(|Reverse((due, _))| *due);
            let stopped = self.stopped();
            if next < tries.len() && !stopped && due.is_none_or(|due| start(next) <= due) {
                let at = start(next);
                for (seq, frame) in self.make(tries[next])? {
                    waiting.push(Reverse((at + frame.at, number)));
                    frames.insert(number, (seq, frame));
                    number += 1;
                }
                next += 1;
                show(next as u64);
                continue;
            }
            let Some(Reverse((due, which))) = waiting.pop() else { break };
            if stopped && due > self.wire.now() {
                break;
            }
            let Some((seq, frame)) = frames.remove(&which) else { continue };
            while due > self.wire.now() && !self.stopped() {
                self.listen(due.min(self.wire.now() + TICK))?;
            }
            self.observed.lag = self.observed.lag.max(self.wire.now().saturating_sub(due));
            self.emit(seq, &frame);
        }
        Ok(())
    }

    /// The frames of a try, those of interleaved datagrams in turn, and a new outcome for each datagram.
    fn make(&mut self, one: Try) -> io::Result<Vec<(u32, Frame)>> {
        let arm = &self.plan.arms[one.arm];
        let cell = &self.study.cells[arm.cell];
        let mut made: Vec<(usize, u32, Frame)> = Vec::new();
        for datagram in 0..arm.datagrams {
            let seq = self.observed.outcomes.len() as u32;
            let frames = compose::frames(self.common, cell, arm.kind, seq)
                .map_err(|why| io::Error::other(format!("{}: {why}", cell.name)))?;
            self.observed.outcomes.push(Outcome {
                arm: one.arm,
                block: one.block,
                lead: datagram == 0,
                due: frames.len() as u16,
                sent: 0,
                record: None,
                answered: 0,
                refused: None,
            });
            self.ids.insert((cell.family, self.common.id(cell, seq)), seq);
            made.extend(frames.into_iter().enumerate().map(|(step, frame)| (step, seq, frame)));
        }
        // The sort is stable: within a step the datagrams keep their order.
        made.sort_by_key(|(step, _, _)| *step);
        Ok(made.into_iter().map(|(_, seq, frame)| (seq, frame)).collect())
    }

    fn emit(&mut self, seq: u32, frame: &Frame) {
        match self.wire.send(&frame.bytes) {
            Ok(()) => self.observed.outcomes[seq as usize].sent += 1,
            Err(error) => {
                self.observed.unsent.0 += 1;
                let words = crate::sys::errno::words(&error);
                self.observed.unsent.1.get_or_insert(words);
            }
        }
    }

    fn listen(&mut self, until: u64) -> io::Result<()> {
        let mut heard = Vec::new();
        let common = self.common;
        self.wire.hear(until, &mut |frame| heard.extend(hear::hear(common, frame)))?;
        for heard in heard {
            self.take(heard);
        }
        Ok(())
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Reply(Reply { seq, index, .. }) | Heard::Answered { seq, index } => {
                if let Some(outcome) = self.observed.outcomes.get_mut(seq as usize) {
                    outcome.answered |= 1_u64.checked_shl(index.into()).unwrap_or(0);
                }
            }
            Heard::Acknowledged { modulo, index } => {
                // The latest try that it can be.
                let last = (self.observed.outcomes.len() as u32).saturating_sub(1);
                let back = last.wrapping_sub(modulo) % compose::TCP_TRIES;
                let Some(seq) = last.checked_sub(back) else { return };
                self.take(Heard::Answered { seq, index });
            }
            Heard::Refused { seq, id, error, from } => {
                let known = || id.and_then(|id| self.ids.get(&id).copied());
                let Some(seq) = seq.or_else(known) else { return };
                if let Some(outcome) = self.observed.outcomes.get_mut(seq as usize) {
                    let (message_type, code) = (error.message_type, error.code);
                    outcome.refused.get_or_insert(Refusal { message_type, code, from });
                }
            }
            Heard::Answer(answer) => self.answers.push(answer),
        }
    }

    /// Asks the sink what it saw of the tries from `first` on.
    fn ask(&mut self, first: u32) -> io::Result<()> {
        let last = self.observed.outcomes.len() as u32;
        let mut by_arm: Vec<Vec<u32>> = vec![Vec::new(); self.plan.arms.len()];
        for seq in first..last {
            by_arm[self.observed.outcomes[seq as usize].arm].push(seq);
        }
        let chunks = by_arm
            .iter()
            .enumerate()
            .flat_map(|(arm, seqs)| seqs.chunks(MAX_ENTRIES).map(move |seqs| (arm, seqs.to_vec())));
        let mut open: VecDeque<Question> =
            chunks.map(|(arm, seqs)| Question { arm, seqs, attempts: 0 }).collect();
        let mut asked: HashMap<u32, (Question, u64)> = HashMap::new();
        let patience = PATIENCE.max(self.study.wait.0);
        while !(self.stopped() || open.is_empty() && asked.is_empty()) {
            while asked.len() < QUERIES
                && let Some(question) = open.pop_front()
            {
                let until = self.wire.now() + patience;
                let nonce = self.question(&question)?;
                asked.insert(nonce, (question, until));
            }
            let now = self.wire.now();
            self.listen(now + LOOK)?;
            for answer in std::mem::take(&mut self.answers) {
                if asked.remove(&answer.nonce).is_some() {
                    self.observed.tap = Some(answer.tap);
                    let at = *self.sink_dropped_at.get_or_insert(answer.dropped);
                    self.observed.sink_dropped = u64::from(answer.dropped.saturating_sub(at));
                    for (seq, record) in answer.entries {
                        if let Some(outcome) = self.observed.outcomes.get_mut(seq as usize) {
                            outcome.record = Some(record);
                        }
                    }
                }
            }
            let now = self.wire.now();
            let late: Vec<u32> =
                asked.iter().filter(|(_, (_, until))| *until <= now).map(|(n, _)| *n).collect();
            for nonce in late {
                if let Some((question, _)) = asked.remove(&nonce)
                    && question.attempts + 1 < ATTEMPTS
                    // A sink that has never answered is asked a few times in all.
                    && (self.observed.tap.is_some() || question.attempts < 2)
                {
                    open.push_back(Question { attempts: question.attempts + 1, ..question });
                }
            }
            if self.observed.tap.is_none() && asked.is_empty() && self.nonce > 64 {
                break;
            }
        }
        Ok(())
    }

    /// Sends a question and gives its nonce.
    fn question(&mut self, question: &Question) -> io::Result<u32> {
        let arm = &self.plan.arms[question.arm];
        let cell = &self.study.cells[arm.cell];
        self.nonce += 1;
        let entry = |seq: &u32| (*seq, self.common.id(cell, *seq));
        let query = Query {
            study: self.common.study,
            nonce: self.nonce,
            offsets: arm.offsets.clone(),
            entries: question.seqs.iter().map(entry).collect(),
        };
        let frame = compose::datagram(self.common, cell, &query.bytes())
            .map_err(|why| io::Error::other(format!("{}: {why}", cell.name)))?;
        // One that is not sent is one that is not answered.
        let _ = self.wire.send(&frame);
        Ok(self.nonce)
    }
}

/// Tries of one arm that the sink is asked about.
struct Question {
    arm: usize,
    seqs: Vec<u32>,
    attempts: u32,
}
