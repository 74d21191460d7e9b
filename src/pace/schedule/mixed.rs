//! Schedules with datagrams that are sent in pieces, beside streams of whole packets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::{Bounds, Class, Schedule, StreamCounts, Window};
use crate::engine::Slot;
use crate::pace::RateChange;
use crate::pace::sequence::{Rewound, Sequence, SequenceWalk};

/// The sequences of a worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences {
    walks: Vec<SequenceWalk>,
    /// What ends each.
    bounds: Vec<Bounds>,
    /// (due, walk) of those with a rate that have pieces left.
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// Those of an unlimited rate that have pieces left, with the times at which they end.
    unlimited: Vec<(u32, u64)>,
    /// Where a program's piece is: (walk, piece).
    places: Vec<Option<(u32, u32)>>,
    /// For judging slots again: per walk, how many, and from where.
    rewound: Vec<(usize, Option<Rewound>)>,
}

/// What is left of them in a pause.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    unlimited: Vec<(u32, u64)>,
}

impl Held {
    pub fn has_unlimited(&self) -> bool {
        !self.unlimited.is_empty()
    }
}

impl Sequences {
    pub fn has_unlimited(&self) -> bool {
        !self.unlimited.is_empty()
    }

    /// Holds all of them back. With it, when each one's time is over; None: never.
    pub fn hold(&mut self) -> (Held, Vec<Option<u64>>) {
        let held = Held {
            heap: std::mem::take(&mut self.heap),
            unlimited: std::mem::take(&mut self.unlimited),
        };
        let rated = held.heap.iter().map(|Reverse((_, number))| {
            let span = self.bounds[*number as usize].duration?;
            Some(self.walks[*number as usize].begins_at().saturating_add(span))
        });
        let ends = rated.chain(held.unlimited.iter().map(|(_, until)| Some(*until))).collect();
        (held, ends)
    }

    /// Lets them go on.
    pub fn release(&mut self, held: Held) {
        self.heap = held.heap;
        self.unlimited = held.unlimited;
    }

    pub fn is_empty(&self) -> bool {
        self.walks.is_empty()
    }

    pub fn add(&mut self, class: &Class, sequence: &Sequence, share: (u64, u64), start: u64) {
        let number = self.walks.len() as u32;
        for (piece, stream) in class.streams.iter().enumerate() {
            let program = stream.program as usize;
            if self.places.len() <= program {
                self.places.resize(program + 1, None);
            }
            self.places[program] = Some((number, piece as u32));
        }
        let walk = SequenceWalk::new(class, class.bounded(), sequence, share, start);
        if class.shape.is_unlimited() {
            let until = class.duration.map_or(u64::MAX, |span| start + class.start + span);
            self.unlimited.push((number, until));
        } else if let Some(due) = walk.peek() {
            self.heap.push(Reverse((due, number)));
        }
        self.walks.push(walk);
        self.bounds.push(Bounds::of(class));
        self.rewound.push((0, None));
    }

    /// When the next piece is due.
    pub fn peek(&self) -> Option<u64> {
        let unlimited = self.unlimited.iter().filter_map(|u| self.walks[u.0 as usize].peek());
        unlimited.chain(self.heap.peek().map(|top| top.0.0)).min()
    }

    /// When the next piece with a rate is due.
    pub fn next_rated(&self) -> Option<u64> {
        self.heap.peek().map(|top| top.0.0)
    }

    /// See [`Schedule::change_rate`].
    pub fn change_rate(&mut self, since: u64, change: RateChange) {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.retain_mut(|Reverse((due, number))| {
            let walk = &mut self.walks[*number as usize];
            let Bounds { count, duration } = self.bounds[*number as usize];
            walk.change_rate((since, change.at), change.percent, duration, count);
            let next = walk.peek();
            *due = next.unwrap_or(0);
            next.is_some()
        });
        self.heap = entries.into();
    }

    pub fn passed_over(&self, program: u32) -> Option<u64> {
        let (walk, piece) = self.place(program)?;
        Some(self.walks[walk].passed_over(piece))
    }

    /// The walk and the piece of a program; None where it is sent whole.
    fn place(&self, program: u32) -> Option<(usize, usize)> {
        let (walk, piece) = (*self.places.get(program as usize)?)?;
        Some((walk as usize, piece as usize))
    }

    pub fn give_back(&mut self, program: u32) -> bool {
        let place = self.place(program);
        if let Some((walk, piece)) = place {
            self.walks[walk].give_back(piece);
        }
        place.is_some()
    }

    pub fn counts(&self, program: u32, ended: Option<u64>) -> Option<StreamCounts> {
        let (walk, piece) = self.place(program)?;
        Some(self.walks[walk].counts(piece, ended))
    }

    /// Takes the pieces of the walk that is due first, as long as they are due at one time, or
    /// passes its next datagram over. Returns how many were taken.
    fn take_first(&mut self, too_late: u64, out: &mut [Slot]) -> usize {
        let Some(mut top) = self.heap.peek_mut() else { return 0 };
        let (due, number) = top.0;
        let walk = &mut self.walks[number as usize];
        let mut taken = 0;
        if walk.begins() && due < too_late {
            walk.skip();
        } else {
            while taken < out.len() && walk.peek() == Some(due) {
                out[taken] = walk.take();
                taken += 1;
            }
        }
        match walk.peek() {
            Some(next) => top.0.0 = next,
            None => {
                PeekMut::pop(top);
            }
        }
        taken
    }

    /// Takes whole datagrams of an unlimited rate in turn.
    fn take_unlimited(&mut self, now: u64, out: &mut [Slot]) -> usize {
        let walks = &mut self.walks;
        self.unlimited.retain(|&(walk, until)| {
            let walk = &mut walks[walk as usize];
            if now >= until {
                walk.finish();
            }
            walk.peek().is_some()
        });
        let mut taken = 0;
        loop {
            let before = taken;
            for &(number, _) in &self.unlimited {
                let walk = &mut self.walks[number as usize];
                while taken < out.len() && walk.peek().is_some_and(|begin| begin <= now) {
                    out[taken] = walk.take();
                    taken += 1;
                    if walk.begins() {
                        break;
                    }
                }
            }
            if taken == before {
                return taken;
            }
        }
    }
}

impl Schedule {
    /// [`Schedule::fill`] where there are sequences.
    pub(super) fn fill_mixed(&mut self, window: Window, out: &mut [Slot]) -> usize {
        let mut filled = 0;
        let mut horizon = window.first;
        while filled < out.len() {
            let next = self.sequences.heap.peek().map(|top| top.0.0);
            let until = next.unwrap_or(u64::MAX);
            // Whole packets up to the next piece.
            let part = Window { first: horizon.min(until), last: window.last.min(until), ..window };
            let mut taken = self.fill_rated(part, &mut out[filled..]);
            if taken == 0 {
                let Some(due) = next.filter(|&due| due <= horizon) else { break };
                taken = self.sequences.take_first(window.too_late, &mut out[filled..]);
                if taken == 0 {
                    debug_assert!(due < window.too_late, "only what is late is passed over");
                    continue;
                }
            }
            filled += taken;
            horizon = window.last.min(out[filled - 1].due.saturating_add(window.gap));
        }
        let pieces = self.sequences.unlimited.len();
        if pieces > 0 {
            let of = pieces + self.unlimited.len();
            let share = ((out.len() - filled) * pieces).div_ceil(of);
            let end = filled + share;
            filled += self.sequences.take_unlimited(window.now, &mut out[filled..end]);
        }
        if self.unlimited.is_empty() {
            return filled;
        }
        filled + self.fill_unlimited(window.now, &mut out[filled..])
    }

    /// [`Schedule::pass_over_late`] where there are sequences: whole datagrams are dropped, and those
    /// of which something was sent are kept.
    pub(super) fn pass_over_late_mixed(&mut self, slots: &mut [Slot], too_late: u64) -> usize {
        for slot in slots.iter() {
            if let Some((walk, _)) = self.sequences.place(slot.program) {
                self.sequences.rewound[walk].0 += 1;
            }
        }
        let sequences = &mut self.sequences;
        for (walk, (count, rewound)) in sequences.walks.iter_mut().zip(&mut sequences.rewound) {
            *rewound = if *count > 0 { walk.rewind(*count) } else { None };
        }
        self.give_back(slots);
        let mut kept = 0;
        for n in 0..slots.len() {
            let slot = slots[n];
            let judged = match self.sequences.place(slot.program) {
                None => self.judge_again(slot, too_late),
                Some((walk, piece)) => {
                    let sequences = &mut self.sequences;
                    match &mut sequences.rewound[walk].1 {
                        Some(rewound) => sequences.walks[walk]
                            .take_again(rewound, slot.due, too_late)
                            .map(|(index, program)| Slot { index, program, ..slot }),
                        None => {
                            sequences.walks[walk].take_back(piece);
                            Some(slot)
                        }
                    }
                }
            };
            if let Some(slot) = judged {
                slots[kept] = slot;
                kept += 1;
            }
        }
        self.sequences.settle();
        kept
    }
}

impl Sequences {
    fn settle(&mut self) {
        let mut moved = false;
        for (walk, (count, rewound)) in self.walks.iter_mut().zip(&mut self.rewound) {
            *count = 0;
            if let Some(rewound) = rewound.take() {
                walk.settle(rewound);
                moved = true;
            }
        }
        if moved {
            // A datagram dropped at the end of the batch has no next piece any more.
            let walks = &self.walks;
            let due = |entry: &Reverse<(u64, u32)>| walks[entry.0.1 as usize].peek();
            let mut entries = std::mem::take(&mut self.heap).into_vec();
            entries.retain_mut(|entry| {
                let next = due(entry);
                entry.0.0 = next.unwrap_or(0);
                next.is_some()
            });
            self.heap = entries.into();
        }
    }
}
