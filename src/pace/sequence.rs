//! Datagrams that are sent in pieces: when each piece is due.
//!
//! A slot of such a class is a datagram. Its pieces follow one another in the order of the
//! [`Sequence`], on the worker of the datagram. Packet indices count datagrams: all pieces of one
//! have its index.
//!
//! Lateness drops whole datagrams: whether one is sent is decided by its first piece, and a
//! datagram that was begun is finished, however late.

use std::collections::VecDeque;

use super::schedule::{Class, StreamCounts};
use super::shape::{Shape, ShapeWalk};
use super::tempo::Tempo;
use crate::engine::Slot;
use crate::packet::random;

/// In which order, and how far apart, the pieces of a datagram are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Positions among the streams of the class. A piece may come several times, or not at all.
    /// Never empty.
    pub steps: Box<[u16]>,
    /// Nanoseconds between two pieces.
    pub gap: u64,
    /// Key by which the steps of each datagram are shuffled; None: they are sent as they stand.
    pub shuffle: Option<u64>,
}

impl Sequence {
    /// How often a piece is sent with each datagram.
    pub fn copies(&self, piece: u16) -> u64 {
        self.steps.iter().filter(|&&step| step == piece).count() as u64
    }

    /// Nanoseconds from the first piece of a datagram to its last.
    pub fn span(&self) -> u64 {
        self.gap.saturating_mul(self.steps.len() as u64 - 1)
    }

    /// The steps of the datagram `index`, a pure function of key and index.
    fn order(&self, index: u64, steps: &mut [u16]) {
        steps.copy_from_slice(&self.steps);
        let Some(key) = self.shuffle else { return };
        // Fisher and Yates, with a random sequence of the datagram's own.
        let key = random::bits(key, index);
        for last in (1..steps.len()).rev() {
            let other = random::below(key, last as u64, last as u64 + 1) as usize;
            steps.swap(last, other);
        }
    }
}

/// The pieces of one class on one worker, in the order in which they are due.
#[derive(Clone, Debug)]
pub(super) struct SequenceWalk {
    programs: Box<[u32]>,
    /// Pieces handed out and not given back, per program.
    taken: Box<[u64]>,
    /// Datagrams passed over.
    skipped: u64,
    sequence: Sequence,
    /// When the datagrams begin.
    times: ShapeWalk,
    /// How their time goes; all due times but those of slots are in it.
    tempo: Tempo,
    /// They have no due times.
    unlimited: bool,
    /// Absolute time of datagram 0.
    start: u64,
    /// Datagrams over all workers; None: without end.
    slots: Option<u64>,
    worker: u64,
    workers: u64,
    finished: bool,
    /// The next datagram's slot, and when it is due after `start`.
    round: u64,
    round_due: u64,
    /// Datagrams begun.
    begun: u64,
    /// The steps of the datagram that `ordered` counts, for [`step`](Self::step).
    steps: Box<[u16]>,
    ordered: u64,
    pending: Pending,
}

/// What has been begun and not finished.
#[derive(Clone, Debug)]
enum Pending {
    /// One datagram at a time: the steps of the last begun that were handed out (0: all), and when
    /// it is due after the start.
    One { at: usize, due: u64 },
    /// A datagram begins before the one before it has ended.
    Many {
        /// Per step, how many datagrams have passed it.
        passed: Box<[u64]>,
        /// Per step, when the next piece is due after the start; MAX: none.
        due: Box<[u64]>,
        /// When each datagram began that has not passed the last step.
        begun: VecDeque<u64>,
    },
}

impl SequenceWalk {
    /// The datagrams of worker `worker` of `workers`: j with `j % workers == worker`. `slots` are all
    /// datagrams at most, which begin when `shape` says.
    pub fn new(
        class: &Class,
        (slots, shape): (Option<u64>, Shape),
        sequence: &Sequence,
        share: (u64, u64),
        start: u64,
    ) -> Self {
        let (worker, workers) = share;
        let len = sequence.steps.len();
        let span = sequence.span();
        // What is not even may come as close together as it likes.
        let own_period = shape.period().map_or(0, |period| period.due(workers));
        let pending = if span > 0 && span >= own_period {
            let outstanding = span / own_period.max(1_000) + 2;
            Pending::Many {
                passed: vec![0; len].into(),
                due: vec![u64::MAX; len].into(),
                begun: VecDeque::with_capacity(outstanding.min(1 << 20) as usize),
            }
        } else {
            Pending::One { at: 0, due: 0 }
        };
        let unlimited = shape.is_unlimited();
        let mut times = ShapeWalk::new(&shape);
        let round_due = times.go_to(worker).unwrap_or(u64::MAX);
        Self {
            programs: class.streams.iter().map(|stream| stream.program).collect(),
            taken: vec![0; class.streams.len()].into(),
            skipped: 0,
            steps: sequence.steps.clone(),
            ordered: u64::MAX,
            sequence: sequence.clone(),
            times,
            tempo: Tempo::default(),
            unlimited,
            start: start + class.start,
            slots,
            worker,
            workers,
            finished: false,
            round: worker,
            round_due,
            begun: 0,
            pending,
        }
    }

    /// When the next piece is due, absolute. None: there are no more.
    pub fn peek(&self) -> Option<u64> {
        let due = self.continued().map(|(_, due)| due).into_iter().chain(self.first_due()).min();
        due.map(|due| self.start + self.tempo.clock_of(due))
    }

    /// Whether the next piece is the first of its datagram, which may be passed over.
    pub fn begins(&self) -> bool {
        match (self.continued(), self.first_due()) {
            (Some((_, due)), Some(first)) => first < due,
            (continued, _) => continued.is_none(),
        }
    }

    /// Hands out the next piece. There has to be one.
    pub fn take(&mut self) -> Slot {
        let (number, at, due) = if self.begins() { self.begin() } else { self.go_on() };
        let index = self.worker + self.workers * number;
        let step = self.step(index, at);
        self.taken[step] += 1;
        let due = if self.unlimited { 0 } else { self.start + self.tempo.clock_of(due) };
        Slot { index, due, program: self.programs[step], reserved: 0 }
    }

    /// Passes over the next datagram.
    pub fn skip(&mut self) {
        self.skipped += 1;
        self.next_round();
    }

    /// Begins no further datagram.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Takes back pieces that will not be sent.
    pub fn give_back(&mut self, piece: usize) {
        self.taken[piece] -= 1;
    }

    /// Takes a piece again that was given back.
    pub fn take_back(&mut self, piece: usize) {
        self.taken[piece] += 1;
    }

    /// Takes back the last `slots` pieces, in order to judge them again with
    /// [`take_again`](Self::take_again). None where datagrams overlap in time: what was handed out
    /// stays so then.
    pub fn rewind(&self, slots: usize) -> Option<Rewound> {
        let len = self.sequence.steps.len();
        match &self.pending {
            Pending::One { at, .. } => {
                let in_hand = if *at == 0 { len } else { *at };
                // Pieces handed out, ever.
                let pieces = (self.begun * len as u64).saturating_sub((len - in_hand) as u64);
                Some(Rewound { next: pieces - slots as u64, dropping: 0 })
            }
            Pending::Many { .. } => None,
        }
    }

    /// The piece that stands in the place of one that was taken back, due at `due`; None where its
    /// datagram is dropped: it is due before `too_late` and none of it has been sent.
    pub fn take_again(
        &mut self,
        rewound: &mut Rewound,
        due: u64,
        too_late: u64,
    ) -> Option<(u64, u32)> {
        let len = self.sequence.steps.len() as u64;
        if rewound.dropping > 0 {
            rewound.dropping -= 1;
            return None;
        }
        let (number, at) = (rewound.next / len, (rewound.next % len) as usize);
        if at == 0 && due != 0 && due < too_late {
            rewound.dropping = len - 1;
            self.skipped += 1;
            return None;
        }
        rewound.next += 1;
        let index = self.worker + self.workers * number;
        let step = self.step(index, at);
        self.taken[step] += 1;
        Some((index, self.programs[step]))
    }

    /// Goes on behind what was judged again.
    pub fn settle(&mut self, rewound: Rewound) {
        let len = self.sequence.steps.len() as u64;
        if let Pending::One { at, .. } = &mut self.pending {
            // The end of a datagram that was dropped has not been handed out, nor will it be.
            *at = (rewound.next % len) as usize;
            self.begun = rewound.next.div_ceil(len);
        }
    }

    /// A piece's slots that passed without it.
    pub fn passed_over(&self, piece: usize) -> u64 {
        self.skipped * self.sequence.copies(piece as u16)
    }

    /// What became of a piece's slots.
    pub fn counts(&self, piece: usize, ended: Option<u64>) -> StreamCounts {
        let copies = self.sequence.copies(piece as u16);
        let (taken, skipped) = (self.taken[piece], self.skipped * copies);
        let own = |slots: u64| slots.saturating_sub(self.worker).div_ceil(self.workers) * copies;
        let span =
            ended.map_or(u64::MAX, |ended| self.tempo.own_of(ended.saturating_sub(self.start)));
        let intended = match (self.slots, ended) {
            _ if self.finished => taken,
            (None, _) => taken,
            // None of them had a time before which it should have been sent.
            (Some(_), Some(_)) if self.unlimited => taken,
            (Some(slots), _) => own(slots.min(self.times.slots_in(span))),
        };
        StreamCounts { intended: intended.max(taken + skipped), taken, skipped }
    }

    /// When its time begins, absolute.
    pub fn begins_at(&self) -> u64 {
        self.start
    }

    /// From `at` (absolute) on datagrams, and the pieces of one, come at `percent` of the rate, those
    /// that would have come since `since`. See [`super::class::ClassWalk::change_rate`].
    pub fn change_rate(
        &mut self,
        (since, at): (u64, u64),
        percent: u32,
        duration: Option<u64>,
        count: Option<u64>,
    ) {
        let [since, at] = [since, at].map(|time| time.saturating_sub(self.start));
        self.tempo = self.tempo.changed(since, at, percent);
        let Some(span) = duration else { return };
        let until = self.tempo.own_of(span);
        let most = count.unwrap_or(u64::MAX);
        self.slots = match self.times.is_random() {
            true => Some(most),
            false => Some(self.times.slots_in(until).min(most)),
        };
        self.times.end_at(until);
        self.round_due = self.times.go_to(self.round).unwrap_or(u64::MAX);
    }

    /// When the next datagram begins.
    fn first_due(&self) -> Option<u64> {
        let more = self.slots.is_none_or(|slots| self.round < slots) && !self.finished;
        more.then_some(self.round_due).filter(|due| *due < u64::MAX)
    }

    /// The next step of what was begun, and when it is due.
    fn continued(&self) -> Option<(usize, u64)> {
        match &self.pending {
            Pending::One { at: 0, .. } => None,
            Pending::One { at, due } => Some((*at, due + self.sequence.gap * *at as u64)),
            Pending::Many { due, .. } => {
                // Of equals the last step: it belongs to the oldest datagram.
                let (at, due) = due.iter().enumerate().rev().min_by_key(|(_, due)| **due)?;
                (*due < u64::MAX).then_some((at, *due))
            }
        }
    }

    fn begin(&mut self) -> (u64, usize, u64) {
        let (number, began) = (self.begun, self.round_due);
        self.begun += 1;
        self.next_round();
        match &mut self.pending {
            Pending::One { at, due } => {
                *due = began;
                *at = usize::from(self.sequence.steps.len() > 1);
            }
            Pending::Many { passed, due, begun } => {
                passed[0] += 1;
                begun.push_back(began);
                due[1] = due[1].min(began + self.sequence.gap);
            }
        }
        (number, 0, began)
    }

    fn go_on(&mut self) -> (u64, usize, u64) {
        let (at, now) = self.continued().unwrap_or((0, 0));
        let len = self.sequence.steps.len();
        let number = match &mut self.pending {
            Pending::One { at, .. } => {
                *at = (*at + 1) % len;
                self.begun - 1
            }
            Pending::Many { passed, due, begun } => {
                let number = passed[at];
                let finished = passed[len - 1];
                passed[at] += 1;
                let next_of = |passed: &[u64], begun: &VecDeque<u64>, at: usize| {
                    let gap = self.sequence.gap * at as u64;
                    let place = passed[at] - finished;
                    begun.get(place as usize).map_or(u64::MAX, |began| began + gap)
                };
                let waits = |passed: &[u64], at: usize| passed[at] < passed[at - 1];
                due[at] = if waits(passed, at) { next_of(passed, begun, at) } else { u64::MAX };
                if at + 1 < len && waits(passed, at + 1) {
                    due[at + 1] = next_of(passed, begun, at + 1);
                }
                if at + 1 == len {
                    begun.pop_front();
                }
                number
            }
        };
        (number, at, now)
    }

    fn next_round(&mut self) {
        self.round += self.workers;
        self.round_due = self.times.go_to(self.round).unwrap_or(u64::MAX);
    }

    /// The piece of step `at` of the datagram `index`.
    fn step(&mut self, index: u64, at: usize) -> usize {
        if self.sequence.shuffle.is_some() && self.ordered != index {
            self.sequence.order(index, &mut self.steps);
            self.ordered = index;
        }
        self.steps[at].into()
    }
}

/// Pieces that are judged again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rewound {
    /// The next piece, of all ever handed out.
    next: u64,
    /// Pieces of a dropped datagram that are still to come.
    dropping: u64,
}
