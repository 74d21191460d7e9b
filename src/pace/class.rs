//! Streams of one rate, dealt evenly over their period.

use super::period::Period;
use super::shape::{Shape, ShapeWalk};
use super::tempo::{self, RateChange, Tempo};
use crate::engine::{Run, RunTaken, Slot};

/// A stream's place in a class, and how far it has come.
#[derive(Clone, Debug)]
pub struct Member {
    /// Position of its program in the worker's list.
    pub program: u32,
    /// Packets handed out: the q-th has index `first + stride * q`, mapped through `order`.
    pub(super) taken: u64,
    /// Slots that passed without a packet.
    pub(super) skipped: u64,
    /// Round of this worker's first slot: the first packet's index, or place in the order.
    pub(super) first: u64,
    /// The order of each block; empty: as they come.
    pub(super) order: Box<[u64]>,
    /// Packets in a block: the largest entry of `order` and one.
    pub(super) block: u64,
    /// Packet n belongs to slot n: where that passes without a packet, it is not sent at all. Only of
    /// a member alone.
    pub(super) pinned: bool,
}

impl Member {
    /// The index of the `q`-th packet of this worker.
    #[inline(always)]
    pub(super) fn index(&self, q: u64, stride: u64) -> u64 {
        let k = self.first + stride * q;
        if self.order.is_empty() {
            return k;
        }
        let len = self.order.len() as u64;
        (k / len) * self.block + self.order[(k % len) as usize]
    }
}

/// A class on one worker: walks the slots (round, member) that are this worker's.
#[derive(Clone, Debug)]
pub(super) struct ClassWalk {
    /// Members, in the order of the profile.
    pub members: Vec<Member>,
    /// Absolute time of round 0, member 0.
    start: u64,
    /// Slots of each member are limited to this round.
    rounds: u64,
    period: Period,
    unlimited: bool,
    finished: bool,
    worker: u64,
    workers: u64,
    round: u64,
    member: u64,
    /// Of the slot at (round, member): whole nanoseconds after the start, and the remainder.
    due: u64,
    remainder: u64,
    /// One step of the merged sequence: nanoseconds, and remainder over `divisor`.
    step: u64,
    step_remainder: u64,
    divisor: u64,
    /// When the slots of the only member are due, where that is not at even distances.
    shape: Option<ShapeWalk>,
    /// How the shape's time goes.
    tempo: Tempo,
    /// Percent of the rate that even slots come at, and since when that is not the rate of `period`.
    percent: u32,
    anchor: Option<Anchor>,
}

/// A slot of the merged sequence at which a changed rate begins.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// How many slots of all members, over all workers, come before it.
    slot: u64,
    due: u64,
    remainder: u64,
}

impl ClassWalk {
    /// The slots of worker `worker` of `workers`. Slot j of member m is the worker's with
    /// `(j + offset of m) % workers == worker`, so that workers alternate within a round too. A
    /// shape that is not even needs one member alone.
    pub fn new(
        members: Vec<Member>,
        shape: &Shape,
        (worker, workers): (u64, u64),
        start: u64,
        rounds: u64,
    ) -> Self {
        let period = shape.period().unwrap_or(Period::UNLIMITED);
        let (nanos, divisor) = period.shared_by(members.len() as u64);
        let mut walk = Self {
            members,
            start,
            rounds,
            period,
            unlimited: shape.is_unlimited(),
            finished: false,
            worker,
            workers,
            round: 0,
            member: 0,
            due: 0,
            remainder: 0,
            step: nanos / divisor,
            step_remainder: nanos % divisor,
            divisor,
            shape: shape.period().is_none().then(|| ShapeWalk::new(shape)),
            tempo: Tempo::default(),
            percent: RateChange::PLAIN,
            anchor: None,
        };
        if walk.shape.is_some() {
            walk.round = worker;
            walk.follow_shape();
            return walk;
        }
        let first = walk.first_member_of_round();
        walk.move_by(first);
        walk.member = first;
        walk.settle();
        walk
    }

    /// When the next slot is due; the start of an unlimited class. None: no more slots.
    #[inline(always)]
    pub fn peek(&self) -> Option<u64> {
        (self.round < self.rounds && !self.finished).then_some(self.start + self.due)
    }

    /// When its time begins, absolute.
    pub fn begins_at(&self) -> u64 {
        self.start
    }

    /// Which worker of how many.
    pub fn share(&self) -> (u64, u64) {
        (self.worker, self.workers)
    }

    /// Whether the class was ended before all its slots were taken.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Slots of a member over all workers that come before the next one of this worker. None where
    /// that is no matter of time: the rate is unlimited, or the class was ended before all its slots
    /// were taken.
    pub fn handed_out(&self, member: u32) -> Option<u64> {
        let timed = !self.unlimited && !self.finished;
        timed.then_some(self.round + u64::from(u64::from(member) < self.member))
    }

    /// Hands out the next slot: the packet's index and due time, 0 for an unlimited rate.
    #[inline(always)]
    pub fn take(&mut self) -> Slot {
        let due = if self.unlimited { 0 } else { self.start + self.due };
        let stride = self.workers;
        let member = &mut self.members[self.member as usize];
        let index = match member.pinned {
            false => member.index(member.taken, stride),
            true => self.round,
        };
        member.taken += 1;
        let program = member.program;
        self.advance();
        Slot { index, due, program, reserved: 0 }
    }

    /// The next slots as one run, none of them due after `last`; nothing is taken yet. None: they
    /// are no run, since streams take turns or packets have an order of their own.
    pub fn run(&self, last: u64, max_lag: u64) -> Option<Run> {
        let [member] = &self.members[..] else { return None };
        let due = self.peek()?;
        if !member.order.is_empty() || member.pinned || due > last {
            return None;
        }
        let left = (self.rounds - self.round).div_ceil(self.workers);
        let mut run = Run {
            program: member.program,
            count: left,
            index: member.index(member.taken, self.workers),
            stride: self.workers,
            due: 0,
            remainder: 0,
            step: 0,
            step_remainder: 0,
            divisor: 1,
            max_lag,
        };
        if let Some(shape) = &self.shape {
            if !self.tempo.is_plain() {
                return None;
            }
            // The slots that lie at even distances: a burst, or what is left of it.
            let stretch = shape.stretch(self.round)?;
            let (nanos, packets) = stretch.period.fraction();
            let (nanos, packets) = (u128::from(nanos), u128::from(packets));
            let before = u128::from(stretch.first) * nanos;
            let step = nanos * u128::from(self.workers);
            run.count = left.min(stretch.left.div_ceil(self.workers));
            run.due = due;
            run.remainder = (before % packets) as u64;
            run.step = (step / packets) as u64;
            run.step_remainder = (step % packets) as u64;
            run.divisor = packets as u64;
            let until = u128::from(last - due + 1) * packets - 1 - before % packets;
            if let Some(after_first) = until.checked_div(step) {
                let after_first = u64::try_from(after_first).unwrap_or(u64::MAX - 1);
                run.count = run.count.min(after_first.saturating_add(1));
            }
        } else if !self.unlimited {
            let divisor = u128::from(self.divisor);
            let step = (u128::from(self.step) * divisor + u128::from(self.step_remainder))
                * u128::from(self.workers);
            let until = u128::from(last - due + 1) * divisor - 1 - u128::from(self.remainder);
            let after_first = u64::try_from(until / step).unwrap_or(u64::MAX - 1);
            run.count = left.min(after_first + 1);
            run.due = due;
            run.remainder = self.remainder;
            run.step = (step / divisor) as u64;
            run.step_remainder = (step % divisor) as u64;
            run.divisor = self.divisor;
        }
        Some(run)
    }

    /// Goes on behind the first slots of what [`Self::run`] has just said.
    pub fn take_of_run(&mut self, run: &Run, taken: RunTaken) {
        let Some(member) = self.members.first_mut() else { return };
        member.taken += taken.sent;
        member.skipped += taken.skipped;
        let slots = taken.sent + taken.skipped;
        self.round += self.workers * slots;
        if self.shape.is_some() {
            return self.follow_shape();
        }
        let parts = u128::from(run.remainder) + u128::from(run.step_remainder) * u128::from(slots);
        self.due += run.step * slots + (parts / u128::from(run.divisor)) as u64;
        self.remainder = (parts % u128::from(run.divisor)) as u64;
    }

    /// Passes over the next slot.
    pub fn skip(&mut self) {
        self.members[self.member as usize].skipped += 1;
        self.advance();
    }

    /// Goes on to this worker's next slot.
    #[inline(always)]
    fn advance(&mut self) {
        if self.shape.is_some() {
            self.round += self.workers;
            return self.follow_shape();
        }
        self.move_by(self.workers);
        if self.members.len() == 1 {
            // The only member's slots are the rounds: no division, which the rest needs.
            self.round += self.workers;
            return;
        }
        self.member += self.workers;
        if self.member >= self.members.len() as u64 {
            self.settle();
        }
    }

    /// Finds when the slot of this round is due.
    fn follow_shape(&mut self) {
        let Some(shape) = &mut self.shape else { return };
        if self.round >= self.rounds {
            return;
        }
        match shape.go_to(self.round) {
            Some(due) => self.due = self.tempo.clock_of(due),
            None => self.rounds = self.round,
        }
    }

    /// Slots of each member over all workers that are due before `ended`, whatever limits their
    /// number; all of them without it. None are at an unlimited rate.
    pub fn slots_until(&self, ended: Option<u64>) -> u64 {
        let span = ended.map_or(u64::MAX, |ended| ended.saturating_sub(self.start));
        match (&self.shape, ended, &self.anchor) {
            (Some(shape), ..) => shape.slots_in(self.tempo.own_of(span)),
            (None, None, _) => u64::MAX,
            (None, Some(_), None) => self.period.slots_in(span).unwrap_or(0),
            (None, Some(_), Some(anchor)) => self.rounds_since(anchor, span),
        }
    }

    /// Rounds that have begun before `span` nanoseconds have passed, at a rate that was changed.
    fn rounds_since(&self, anchor: &Anchor, span: u64) -> u64 {
        let divisor = u128::from(self.divisor);
        let step = u128::from(self.step) * divisor + u128::from(self.step_remainder);
        let since = match span.checked_sub(anchor.due) {
            Some(since) if since > 0 => u128::from(since) * divisor - u128::from(anchor.remainder),
            _ => 0,
        };
        let slots = u128::from(anchor.slot) + since.div_ceil(step.max(1));
        u64::try_from(slots.div_ceil(self.members.len() as u128)).unwrap_or(u64::MAX)
    }

    /// From `at` (absolute) on the slots come at `percent` of the rate, those that would have come since
    /// `since`, which is `at` where there was no pause. The next slot is not due before; if the class
    /// begins later, it begins at that rate. `duration`: nanoseconds from the start of the class after
    /// which nothing is due, `count`: slots of each member at most. Returns how many there are now.
    pub fn change_rate(
        &mut self,
        (since, at): (u64, u64),
        percent: u32,
        duration: Option<u64>,
        count: Option<u64>,
    ) -> u64 {
        let [since, at] = [since, at].map(|time| time.saturating_sub(self.start));
        match &mut self.shape {
            Some(_) => {
                self.tempo = self.tempo.changed(since, at, percent);
                if let (Some(shape), Some(span)) = (&mut self.shape, duration) {
                    shape.end_at(self.tempo.own_of(span));
                }
            }
            None => self.anchor_anew(since, at, percent),
        }
        self.percent = percent;
        let most = count.unwrap_or(u64::MAX);
        self.rounds = match duration {
            // A pause outlasted it, whatever is left of a round.
            Some(span) if since < at && span <= at => self.round,
            Some(_) if self.shape.as_ref().is_some_and(ShapeWalk::is_random) => most,
            Some(span) => self.slots_until(Some(self.start + span)).min(most),
            None => self.rounds,
        };
        self.follow_shape();
        self.rounds
    }

    /// Even slots at another distance: the next one where the same share of its distance from `since`
    /// has passed at `at`.
    fn anchor_anew(&mut self, since: u64, at: u64, percent: u32) {
        let shared = self.period.shared_by(self.members.len() as u64);
        let (nanos, divisor) = tempo::distance(shared, percent);
        let parts = u128::from(self.due.saturating_sub(since)) * u128::from(self.divisor)
            + u128::from(self.remainder);
        let (old, new) = (u128::from(self.percent), u128::from(percent));
        let (after, whole) = (parts.saturating_mul(old), u128::from(self.divisor) * new);
        self.due = at + (after / whole) as u64;
        // Below a nanosecond: where even 128 bits are not enough it is dropped.
        let rest = (after % whole).checked_mul(u128::from(divisor)).map_or(0, |rest| rest / whole);
        self.remainder = (rest as u64).min(divisor - 1);
        (self.step, self.step_remainder, self.divisor) =
            (nanos / divisor, nanos % divisor, divisor);
        let slot = self.round * self.members.len() as u64 + self.member;
        self.anchor = Some(Anchor { slot, due: self.due, remainder: self.remainder });
    }

    /// Carries a member beyond the last one over to a later round.
    fn settle(&mut self) {
        let members = self.members.len() as u64;
        while self.member >= members {
            let beyond = self.member - members;
            self.round += 1;
            let first = self.first_member_of_round();
            if first >= beyond {
                self.move_by(first - beyond);
            } else {
                self.move_back(beyond - first);
            }
            self.member = first;
        }
    }

    /// The smallest m with (round + m) % workers == worker.
    fn first_member_of_round(&self) -> u64 {
        (self.worker + self.workers - self.round % self.workers) % self.workers
    }

    #[inline(always)]
    fn move_by(&mut self, steps: u64) {
        self.due += self.step * steps;
        self.remainder += self.step_remainder * steps;
        while self.remainder >= self.divisor {
            self.remainder -= self.divisor;
            self.due += 1;
        }
    }

    fn move_back(&mut self, steps: u64) {
        self.due -= self.step * steps;
        let mut back = self.step_remainder * steps;
        while back > self.remainder {
            self.remainder += self.divisor;
            self.due -= 1;
        }
        back = back.min(self.remainder);
        self.remainder -= back;
    }

    /// Drops all slots that are left.
    pub fn finish(&mut self) {
        self.finished = true;
    }
}
