//! A schedule that pauses: its rates are 0 until they change again.

use super::{Schedule, mixed};
use crate::pace::RateChange;

/// What a schedule holds back while it pauses. Nothing of it was due before the pause.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    /// From then on nothing is due, absolute.
    since: u64,
    /// When the times of all its streams are over, paused or not; `u64::MAX`: never. None: they are.
    until: Option<u64>,
    heap: Vec<(u64, u32)>,
    unlimited: Vec<(u32, u64)>,
    pieces: mixed::Held,
}

impl Schedule {
    /// Changes all rates from `change.at` on, which [`Self::next_rated`] is not before. Times of
    /// streams stay: a faster one has more slots. What has an unlimited rate, or came to its end,
    /// stays as it is. At 0 percent nothing is due, of no stream, until the next change: what would
    /// have been is not asked for.
    pub fn change_rate(&mut self, change: RateChange) {
        if change.percent == RateChange::PAUSED {
            if self.pause.is_none() {
                self.pause = Some(Box::new(self.hold(change.at)));
            }
            return;
        }
        let since = match self.pause.take() {
            None => change.at,
            Some(pause) => self.release(*pause),
        };
        let mut heap = std::mem::take(&mut self.heap);
        heap.retain_mut(|(due, number)| {
            let walk = &mut self.classes[*number as usize];
            let bounds = self.bounds[*number as usize];
            let rounds =
                walk.change_rate((since, change.at), change.percent, bounds.duration, bounds.count);
            if bounds.duration.is_some() {
                self.slots[*number as usize] = Some(rounds);
            }
            let next = walk.peek();
            *due = next.unwrap_or(0);
            next.is_some()
        });
        self.heap = heap;
        self.heapify();
        self.sequences.change_rate(since, change);
    }

    /// Whether a change holds from its own time on, and not from the next slot on: packets that have
    /// no due time are held back, or let go.
    pub fn waits_for(&self, change: RateChange) -> bool {
        match &self.pause {
            None => change.percent == RateChange::PAUSED && self.has_unlimited(),
            Some(pause) => !pause.unlimited.is_empty() || pause.pieces.has_unlimited(),
        }
    }

    fn has_unlimited(&self) -> bool {
        !self.unlimited.is_empty() || self.sequences.has_unlimited()
    }

    fn hold(&mut self, since: u64) -> Pause {
        let heap = std::mem::take(&mut self.heap);
        let unlimited = std::mem::take(&mut self.unlimited);
        let rated = heap.iter().map(|(_, class)| {
            let span = self.bounds[*class as usize].duration?;
            Some(self.classes[*class as usize].begins_at().saturating_add(span))
        });
        let ends = rated.chain(unlimited.iter().map(|(_, until)| Some(*until)));
        let (pieces, ends_of_pieces) = self.sequences.hold();
        let until = ends.chain(ends_of_pieces).map(|end| end.unwrap_or(u64::MAX)).max();
        Pause { since, until, heap, unlimited, pieces }
    }

    fn release(&mut self, pause: Pause) -> u64 {
        self.heap = pause.heap;
        self.unlimited = pause.unlimited;
        self.sequences.release(pause.pieces);
        pause.since
    }

    /// Until when a pause may last before nothing is left of the schedule. None where none pauses, or
    /// nothing is left.
    #[inline(always)]
    pub(super) fn pauses_until(&self) -> Option<u64> {
        self.pause.as_ref()?.until
    }

    /// Time passes in a pause.
    #[cold]
    #[inline(never)]
    pub(super) fn pass_time(&mut self, now: u64) {
        if let Some(pause) = self.pause.as_deref_mut()
            && pause.until.is_some_and(|until| until <= now)
        {
            pause.until = None;
        }
    }

    /// When the run ended for what was asked for: not later than a pause began.
    pub(super) fn asked_until(&self, ended: Option<u64>) -> Option<u64> {
        match &self.pause {
            None => ended,
            Some(pause) => Some(ended.map_or(pause.since, |ended| ended.min(pause.since))),
        }
    }
}
