//! One worker's slots of all its streams, in the order in which they are due.

use super::class::{ClassWalk, Member};
use super::sequence::Sequence;
use super::shape::Shape;
use crate::engine::{Run, RunTaken, Slot};
use mixed::Sequences;
use pause::Pause;

mod mixed;
mod pause;

/// A stream as the schedule sees it.
#[derive(Clone, Debug)]
pub struct StreamSchedule {
    /// Position of its program in the workers' lists.
    pub program: u32,
    /// Order of each block (see [`crate::profile::model::Stream::order`]).
    pub order: Box<[u64]>,
    /// Packet n belongs to slot n, and is not sent where that is too late; else the next slot takes
    /// it. Such a stream is a class of its own.
    pub pinned: bool,
}

/// Streams with the same rate, start and limits; or one stream with a shape.
#[derive(Clone, Debug)]
pub struct Class {
    /// The streams. Never empty.
    pub streams: Vec<StreamSchedule>,
    /// When the packets of one of them are due. Streams whose packets are at even distances take
    /// turns; with any other shape they do not know of one another.
    pub shape: Shape,
    /// Nanoseconds from the start of the trial to their first packet.
    pub start: u64,
    /// Packets of each stream at most, over all workers.
    pub count: Option<u64>,
    /// Nanoseconds from `start` after which nothing is due.
    pub duration: Option<u64>,
    /// All on the first worker: their order matters.
    pub one_worker: bool,
    /// The streams are the pieces of a datagram, sent in this order; a slot is a datagram.
    pub sequence: Option<Sequence>,
}

impl Class {
    /// Slots of each stream over all workers; None: as many as the engine manages until the end.
    /// Of a Poisson process this walks through all of them.
    pub fn slots(&self) -> Option<u64> {
        match (self.count, self.duration.and_then(|span| self.shape.slots_in(span))) {
            (Some(count), Some(slots)) => Some(count.min(slots)),
            (count, slots) => count.or(slots),
        }
    }

    /// Slots of each stream at most, None without end, and the shape as a walk needs it.
    fn bounded(&self) -> (Option<u64>, Shape) {
        match &self.shape {
            // To count its slots would be to walk through them all: the walk finds the end.
            Shape::Poisson(process) => {
                let until = self.duration.unwrap_or(u64::MAX);
                let process = process.ended(until, self.count.unwrap_or(u64::MAX));
                ((!self.is_endless()).then_some(u64::MAX), Shape::Poisson(process))
            }
            shape => (self.slots(), shape.clone()),
        }
    }

    /// Whether it goes on for as long as the engine is given.
    pub fn is_endless(&self) -> bool {
        self.count.is_none() && (self.duration.is_none() || self.shape.is_unlimited())
    }
}

/// What became of one stream's slots on one worker. `intended = taken + skipped` once the schedule
/// has come to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Packets that the schedule asked for.
    pub intended: u64,
    /// Of those, handed out and not given back.
    pub taken: u64,
    /// Of those, passed over because they were too late.
    pub skipped: u64,
}

/// Which slots to take now. Times are absolute, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The time. Unlimited classes end by it.
    pub now: u64,
    /// The first slot is taken if it is due by then.
    pub first: u64,
    /// Further ones if they are due by then,
    pub last: u64,
    /// and at most so long after the one before.
    pub gap: u64,
    /// Slots that were due before are passed over: what could not be sent in time is never sent
    /// late.
    pub too_late: u64,
}

impl Window {
    /// Everything that is due at `now`, however late.
    pub fn due_at(now: u64) -> Self {
        Self { now, first: now, last: now, gap: u64::MAX, too_late: 0 }
    }
}

/// What ends a class: packets of each stream, nanoseconds from its start.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    count: Option<u64>,
    duration: Option<u64>,
}

impl Bounds {
    fn of(class: &Class) -> Self {
        Self { count: class.count, duration: class.duration }
    }
}

/// One worker's slots. See the [module](super) for what it promises.
#[derive(Clone, Debug)]
pub struct Schedule {
    classes: Vec<ClassWalk>,
    /// Slots per stream over all workers, of each class; None: without end.
    slots: Vec<Option<u64>>,
    /// What ends each class.
    bounds: Vec<Bounds>,
    /// Binary min-heap of (due, class) of the rated classes that have slots left.
    heap: Vec<(u64, u32)>,
    /// Unlimited classes that have slots left, with the times at which they end.
    unlimited: Vec<(u32, u64)>,
    /// The unlimited class whose turn it is.
    turn: usize,
    /// Where a program's member is: (class, member).
    places: Vec<(u32, u32)>,
    /// Datagrams that are sent in pieces.
    sequences: Sequences,
    /// Somebody made all rates 0.
    pause: Option<Box<Pause>>,
}

impl Schedule {
    /// The slots of worker `worker` of `workers`, for a trial that starts at `start` (nanoseconds
    /// of the workers' clock).
    pub fn new(classes: &[Class], worker: u32, workers: u32, start: u64) -> Self {
        let mut schedule = Self {
            classes: Vec::new(),
            slots: Vec::new(),
            bounds: Vec::new(),
            heap: Vec::new(),
            unlimited: Vec::new(),
            turn: 0,
            places: Vec::new(),
            sequences: Sequences::default(),
            pause: None,
        };
        for class in classes {
            let share = match class.one_worker {
                false => (u64::from(worker), u64::from(workers)),
                true if worker == 0 => (0, 1),
                true => continue,
            };
            match &class.sequence {
                Some(sequence) => schedule.sequences.add(class, sequence, share, start),
                None if class.shape.period().is_some() => {
                    schedule.add(class, &class.streams, share, start);
                }
                None => {
                    for stream in &class.streams {
                        schedule.add(class, std::slice::from_ref(stream), share, start);
                    }
                }
            }
        }
        schedule.heapify();
        schedule
    }

    fn add(&mut self, class: &Class, streams: &[StreamSchedule], share: (u64, u64), start: u64) {
        let number = self.classes.len() as u32;
        let mut members = Vec::with_capacity(streams.len());
        for (position, stream) in streams.iter().enumerate() {
            let program = stream.program as usize;
            if self.places.len() <= program {
                self.places.resize(program + 1, (u32::MAX, 0));
            }
            self.places[program] = (number, position as u32);
            members.push(Member {
                program: stream.program,
                taken: 0,
                skipped: 0,
                first: first_round(share, position as u64),
                block: stream.order.iter().max().map_or(1, |largest| largest + 1),
                order: stream.order.clone(),
                pinned: stream.pinned,
            });
        }
        let begin = start + class.start;
        let (slots, shape) = class.bounded();
        let walk = ClassWalk::new(members, &shape, share, begin, slots.unwrap_or(u64::MAX));
        if class.shape.is_unlimited() {
            let until = class.duration.map_or(u64::MAX, |span| begin + span);
            self.unlimited.push((number, until));
        } else if let Some(due) = walk.peek() {
            self.heap.push((due, number));
        }
        self.classes.push(walk);
        self.slots.push(slots);
        self.bounds.push(Bounds::of(class));
    }

    /// When the next slot with a rate is due, absolute.
    pub fn next_rated(&self) -> Option<u64> {
        let whole = self.heap.first().map(|top| top.0);
        whole.into_iter().chain(self.sequences.next_rated()).min()
    }

    fn heapify(&mut self) {
        for at in (0..self.heap.len() / 2).rev() {
            self.sift_down(at);
        }
    }

    /// Slots of the program that passed without a packet so far.
    pub fn passed_over(&self, program: u32) -> u64 {
        if let Some(pieces) = self.sequences.passed_over(program) {
            return pieces;
        }
        let Some(&(class, member)) = self.places.get(program as usize) else { return 0 };
        let walk = self.classes.get(class as usize);
        walk.map_or(0, |walk| walk.members[member as usize].skipped)
    }

    /// When the next slot is due, absolute; in a pause, when the last stream's time is over. None:
    /// there are no more slots.
    #[inline(always)]
    pub fn peek(&self) -> Option<u64> {
        let rated = self.heap.first().map(|top| top.0);
        if self.unlimited.is_empty() && self.sequences.is_empty() {
            return rated.or_else(|| self.pauses_until());
        }
        let begin = |&(class, _): &(u32, u64)| self.classes[class as usize].peek();
        let unlimited = self.unlimited.iter().filter_map(begin);
        let next = unlimited.chain(rated).chain(self.sequences.peek()).min();
        next.or_else(|| self.pauses_until())
    }

    /// Takes the slots of the window, as many as fit, into `out`, and returns how many. Unlimited
    /// classes take what rated ones leave, in turn, until their time is over.
    #[inline]
    pub fn fill(&mut self, window: Window, out: &mut [Slot]) -> usize {
        if self.pause.is_some() {
            self.pass_time(window.now);
            return 0;
        }
        if !self.sequences.is_empty() {
            return self.fill_mixed(window, out);
        }
        let filled = self.fill_rated(window, out);
        if self.unlimited.is_empty() {
            return filled;
        }
        filled + self.fill_unlimited(window.now, &mut out[filled..])
    }

    /// Takes the slots of rated classes.
    #[inline]
    fn fill_rated(&mut self, window: Window, out: &mut [Slot]) -> usize {
        let mut filled = 0;
        let mut horizon = window.first;
        while filled < out.len() {
            let Some(&(due, number)) = self.heap.first() else { break };
            if due > horizon {
                break;
            }
            let class = &mut self.classes[number as usize];
            if due < window.too_late {
                class.skip();
            } else {
                out[filled] = class.take();
                filled += 1;
                horizon = window.last.min(due.saturating_add(window.gap));
            }
            match class.peek() {
                Some(next) => {
                    self.heap[0].0 = next;
                    self.sift_down(0);
                }
                None => self.remove_top(),
            }
        }
        filled
    }

    /// The slots of the window as one run of at most `most`, where they are one: those of a single
    /// stream. Late ones are passed over, as by [`Self::fill`]; the others are taken by
    /// [`Self::take_of_run`].
    #[inline]
    pub fn run(&mut self, window: Window, most: u64) -> Option<Run> {
        // Pieces are due in between.
        if !self.sequences.is_empty() {
            return None;
        }
        let number = match (&self.heap[..], &self.unlimited[..]) {
            ([(_, class)], []) => *class,
            ([], [(class, until)]) if window.now < *until => *class,
            _ => return None,
        };
        let class = &mut self.classes[number as usize];
        let rated = !self.heap.is_empty();
        if rated {
            while class.peek().is_some_and(|due| due < window.too_late) {
                class.skip();
            }
            match class.peek() {
                Some(due) => self.heap[0].0 = due,
                None => {
                    self.heap.clear();
                    return None;
                }
            }
        }
        let first = class.peek()?;
        let (opens, last) = match rated {
            true => (window.first, window.last.max(window.first)),
            false => (window.now, window.now),
        };
        if first > opens {
            return None;
        }
        let mut run = class.run(last, window.now.saturating_sub(window.too_late))?;
        run.count = run.count.min(most);
        (run.count > 1 && run.step < window.gap).then_some(run)
    }

    /// Goes on behind the first slots of the run that [`Self::run`] has just given.
    #[inline]
    pub fn take_of_run(&mut self, run: &Run, taken: RunTaken) {
        let Some(&(number, _)) = self.places.get(run.program as usize) else { return };
        let class = &mut self.classes[number as usize];
        class.take_of_run(run, taken);
        if self.heap.is_empty() {
            return;
        }
        match class.peek() {
            Some(due) => self.heap[0].0 = due,
            None => self.heap.clear(),
        }
    }

    fn fill_unlimited(&mut self, now: u64, out: &mut [Slot]) -> usize {
        let classes = &mut self.classes;
        self.unlimited.retain(|&(class, until)| {
            let class = &mut classes[class as usize];
            if now >= until {
                class.finish();
            }
            class.peek().is_some()
        });
        let begun = |classes: &[ClassWalk], class: u32| {
            classes[class as usize].peek().is_some_and(|begin| begin <= now)
        };
        let mut filled = 0;
        while filled < out.len() {
            let ready = self.unlimited.iter().filter(|u| begun(&self.classes, u.0)).count();
            if ready == 0 {
                break;
            }
            let share = (out.len() - filled).div_ceil(ready);
            let before = filled;
            for _ in 0..self.unlimited.len() {
                self.turn = (self.turn + 1) % self.unlimited.len();
                let number = self.unlimited[self.turn].0;
                let class = &mut self.classes[number as usize];
                for _ in 0..share {
                    if filled == out.len() || class.peek().is_none_or(|begin| begin > now) {
                        break;
                    }
                    out[filled] = class.take();
                    filled += 1;
                }
            }
            if filled == before {
                break;
            }
        }
        filled
    }

    /// Takes slots back that were not sent. Those that were due before `too_late` count as skipped;
    /// the others stand at the front of `slots` afterwards, their packets with the indices that
    /// became free. Returns how many. `slots` are the latest taken, in their order.
    pub fn pass_over_late(&mut self, slots: &mut [Slot], too_late: u64) -> usize {
        if !self.sequences.is_empty() {
            return self.pass_over_late_mixed(slots, too_late);
        }
        self.give_back(slots);
        let mut kept = 0;
        for n in 0..slots.len() {
            if let Some(slot) = self.judge_again(slots[n], too_late) {
                slots[kept] = slot;
                kept += 1;
            }
        }
        kept
    }

    /// The packet that goes into a slot which was given back; None where the slot has become too
    /// late.
    fn judge_again(&mut self, slot: Slot, too_late: u64) -> Option<Slot> {
        let (class, member) = self.places[slot.program as usize];
        let class = &mut self.classes[class as usize];
        let stride = class.share().1;
        let member = &mut class.members[member as usize];
        if slot.due != 0 && slot.due < too_late {
            member.skipped += 1;
            return None;
        }
        let index = match member.pinned {
            false => member.index(member.taken, stride),
            true => slot.index,
        };
        member.taken += 1;
        Some(Slot { index, ..slot })
    }

    /// Gives slots back that were taken and will not be sent. They are the latest taken.
    pub fn give_back(&mut self, slots: &[Slot]) {
        for slot in slots {
            if !self.sequences.is_empty() && self.sequences.give_back(slot.program) {
                continue;
            }
            let (class, member) = self.places[slot.program as usize];
            self.classes[class as usize].members[member as usize].taken -= 1;
        }
    }

    /// What became of the program's slots. `ended`: when the run ended before its time, if it did;
    /// what was due later was not asked for.
    pub fn counts(&self, program: u32, ended: Option<u64>) -> StreamCounts {
        if let Some(counts) = self.sequences.counts(program, self.asked_until(ended)) {
            return counts;
        }
        let place = self.places.get(program as usize);
        let Some((class, walk, member)) = place.and_then(|&(class, member)| {
            let walk = self.classes.get(class as usize)?;
            Some((class as usize, walk, member))
        }) else {
            return StreamCounts::default();
        };
        let taken = walk.members[member as usize].taken;
        let skipped = walk.members[member as usize].skipped;
        let (first, stride) = (walk.members[member as usize].first, walk.share().1);
        let own = |slots: u64| slots.saturating_sub(first).div_ceil(stride);
        let intended = match self.slots[class] {
            // What is left of a round when a pause begins is not asked for.
            Some(_) if self.pause.is_some() => walk.handed_out(member).map_or(taken, own),
            Some(slots) if !walk.is_finished() => own(slots.min(walk.slots_until(ended))),
            _ => taken,
        };
        StreamCounts { intended: intended.max(taken + skipped), taken, skipped }
    }

    fn remove_top(&mut self) {
        if let Some(last) = self.heap.pop()
            && let Some(top) = self.heap.first_mut()
        {
            *top = last;
            self.sift_down(0);
        }
    }

    #[inline(always)]
    fn sift_down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[child] < self.heap[least] {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }
}

/// The first round in which a member's slot is the worker's.
fn first_round((worker, workers): (u64, u64), position: u64) -> u64 {
    (worker + workers - position % workers) % workers
}

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod tests;
