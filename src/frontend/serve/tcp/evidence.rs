//! What a client's acknowledgments prove: do fragments reach it, do whole packets?
//!
//! Data goes out in fragments. Where the same bytes have gone out so `k` times and were never
//! acknowledged, they go out whole: an acknowledgment then proves that the fragments were lost, and
//! neither the bytes nor the path. From the first such proof on everything goes out whole, so that
//! the client gets its page.
//!
//! Which sending an acknowledgment answers is known from what it says, not from when it comes:
//! - bytes that went out in fragments alone and are acknowledged, cumulatively or selectively, came
//!   in fragments;
//! - of bytes that went out both ways, the time stamp that the acknowledgment echoes (RFC 7323) says
//!   which came first: the whole packet carried a later one. Without time stamps an acknowledgment
//!   that comes sooner after the whole packet than the handshake took for its round trip answers
//!   something earlier;
//! - a duplicate that the client reports (D-SACK, RFC 2883) of bytes that went out whole once says
//!   that a fragmented copy came too, only later: the proof is taken back.

use serde::Serialize;

/// Stretches of a flow that are told apart at most; more are merged, and what was merged proves
/// nothing.
const MAX_RANGES: usize = 24;

/// Proofs that a duplicate can still take back.
const MAX_PROOFS: usize = 8;

/// How data goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In fragments.
    Fragments,
    /// In one packet.
    Whole,
}

/// `a` comes before `b` in the space of sequence numbers and of time stamps.
pub fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// A stretch of sequence numbers that were sent and not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u32,
    end: u32,
    /// Times that it went out in fragments.
    fragmented: u8,
    /// Times that it went out whole.
    whole: u8,
    /// When it first went out whole: the time, and the time stamp that it carried.
    first_whole: Option<(u64, Option<u32>)>,
    /// The client has said that it has these bytes; they are counted.
    counted: bool,
    /// Merged of stretches with different stories.
    mixed: bool,
}

impl Range {
    fn same_story(&self, other: &Self) -> bool {
        (Self { start: other.start, end: other.end, ..*self }) == *other
    }
}

/// Bytes of data that a client has acknowledged, by what brought them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    /// Sent in fragments, and answered before they were sent otherwise.
    pub fragmented: u64,
    /// Sent whole alone.
    pub whole: u64,
    /// Sent in fragments without an answer, then whole with one.
    pub whole_after_fragments: u64,
    /// Either way, and which one the client answered is not known.
    pub unknown: u64,
}

/// What is known of one client's path.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Unanswered sendings in fragments before the whole packet.
    k: u8,
    ranges: Vec<Range>,
    /// Everything before it is acknowledged; `None` before anything was sent.
    una: Option<u32>,
    /// Behind the last byte that was sent.
    max: u32,
    /// From the SYN that was answered to the client's acknowledgment, nanoseconds.
    round_trip: Option<u64>,
    /// From the first proof on.
    whole_only: bool,
    proofs: Vec<(u32, u32)>,
    /// What was acknowledged.
    pub acknowledged: Acknowledged,
    /// Stretches that `k` sendings in fragments did not bring, and one in a whole packet did.
    pub proved: u32,
    /// Proofs that a duplicate took back.
    pub withdrawn: u32,
}

impl Evidence {
    /// Of a flow on which nothing was sent. `k` 0: everything goes out whole.
    pub fn new(k: u8) -> Self {
        Self {
            k,
            ranges: Vec::new(),
            una: None,
            max: 0,
            round_trip: None,
            whole_only: k == 0,
            proofs: Vec::new(),
            acknowledged: Acknowledged::default(),
            proved: 0,
            withdrawn: 0,
        }
    }

    /// The round trip of the handshake, nanoseconds.
    pub fn set_round_trip(&mut self, nanos: u64) {
        self.round_trip.get_or_insert(nanos);
    }

    /// The round trip of the handshake, nanoseconds.
    pub fn round_trip(&self) -> Option<u64> {
        self.round_trip
    }

    /// How the bytes from `start` to `end` are to go out now.
    pub fn way(&self, start: u32, end: u32) -> Way {
        let tried = self
            .ranges
            .iter()
            .filter(|range| before(range.start, end) && before(start, range.end))
            .map(|range| range.fragmented)
            .max();
        if self.whole_only || tried.is_some_and(|tried| tried >= self.k) {
            Way::Whole
        } else {
            Way::Fragments
        }
    }

    /// The bytes from `start` to `end` went out, with a time stamp or none.
    pub fn sent(&mut self, start: u32, end: u32, way: Way, stamp: Option<u32>, now: u64) {
        let una = match self.una {
            Some(una) => una,
            None => {
                (self.una, self.max) = (Some(start), start);
                start
            }
        };
        // Acknowledged bytes that are sent again (keep-alives) prove nothing.
        let start = if before(start, una) { una } else { start };
        if !before(start, end) {
            return;
        }
        let fresh = Range {
            start,
            end,
            fragmented: 0,
            whole: 0,
            first_whole: None,
            counted: false,
            mixed: false,
        };
        self.split(start);
        self.split(end);
        // What is not yet there.
        let mut gaps = Vec::new();
        let mut at = start;
        for range in self.ranges.iter().filter(|range| before(start, range.end)) {
            if before(at, range.start) && before(at, end) {
                let until = if before(end, range.start) { end } else { range.start };
                gaps.push(Range { start: at, end: until, ..fresh });
            }
            if before(at, range.end) {
                at = range.end;
            }
        }
        if before(at, end) {
            gaps.push(Range { start: at, ..fresh });
        }
        self.ranges.extend(gaps);
        self.ranges.sort_by_key(|range| range.start.wrapping_sub(una));
        for range in &mut self.ranges {
            if before(range.start, start) || !before(range.start, end) {
                continue;
            }
            match way {
                Way::Fragments => range.fragmented = range.fragmented.saturating_add(1),
                Way::Whole => {
                    range.whole = range.whole.saturating_add(1);
                    range.first_whole.get_or_insert((now, stamp));
                }
            }
        }
        if before(self.max, end) {
            self.max = end;
        }
        self.merge();
    }

    /// The client acknowledged everything before `ack`, and the `blocks` behind it; `echo` is the
    /// time stamp that it echoes.
    pub fn acknowledged(&mut self, ack: u32, blocks: &[(u32, u32)], echo: Option<u32>, now: u64) {
        let Some(una) = self.una else { return };
        // A FIN takes a number too.
        let ack = if ack == self.max.wrapping_add(1) { self.max } else { ack };
        // An acknowledgment of what was never sent is not of this flow.
        if before(self.max, ack) || before(ack, una) {
            return;
        }
        if let Some(&(left, right)) = blocks.first() {
            let inside = blocks
                .get(1)
                .is_some_and(|second| !before(left, second.0) && !before(second.1, right));
            if !before(ack, right) || inside {
                self.duplicate(left, right);
            }
        }
        self.split(ack);
        let mut seen = Vec::new();
        self.ranges.retain(|range| {
            let gone = before(range.start, ack);
            if gone {
                seen.push(*range);
            }
            !gone
        });
        for range in seen.iter().filter(|range| !range.counted) {
            self.count(range, echo, now);
        }
        self.una = Some(ack);
        for &(left, right) in blocks {
            let sound = before(left, right) && !before(left, ack) && !before(self.max, right);
            if !sound {
                continue;
            }
            self.split(left);
            self.split(right);
            // Of what went both ways the cumulative acknowledgment says more: RFC 7323 has the
            // time stamp of the segment that advanced the window echoed, not of one behind it.
            for at in 0..self.ranges.len() {
                let range = self.ranges[at];
                let inside = !before(range.start, left) && !before(right, range.end);
                if inside && !range.counted && !range.mixed && range.whole == 0 {
                    self.count(&range, echo, now);
                    self.ranges[at].counted = true;
                }
            }
        }
        self.merge();
    }

    /// Whether data is out that the client has not acknowledged.
    pub fn waits(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// Whether something that is not acknowledged went out both ways.
    pub fn went_both_ways(&self) -> bool {
        self.ranges.iter().any(|range| range.fragmented > 0 && range.whole > 0)
    }

    /// Whether a sequence number is of data that is out: what an ICMP error has to quote to be
    /// believed.
    pub fn is_out(&self, seq: u32) -> bool {
        self.una.is_some_and(|una| !before(seq, una) && !before(self.max, seq))
    }

    /// Stretches in memory: bounded, whatever the peers do.
    pub fn stretches(&self) -> usize {
        self.ranges.len()
    }

    fn count(&mut self, range: &Range, echo: Option<u32>, now: u64) {
        let bytes = u64::from(range.end.wrapping_sub(range.start));
        let to = &mut self.acknowledged;
        match (range.fragmented, range.whole) {
            _ if range.mixed => to.unknown += bytes,
            (_, 0) => to.fragmented += bytes,
            (0, _) => to.whole += bytes,
            _ => match self.answers_whole(range, echo, now) {
                None => self.acknowledged.unknown += bytes,
                Some(false) => self.acknowledged.fragmented += bytes,
                Some(true) => {
                    self.acknowledged.whole_after_fragments += bytes;
                    if range.fragmented >= self.k {
                        self.proved += 1;
                        self.whole_only = true;
                        if range.whole == 1 && self.proofs.len() < MAX_PROOFS {
                            self.proofs.push((range.start, range.end));
                        }
                    }
                }
            },
        }
    }

    /// Whether the acknowledgment that arrived `now` answers the whole packet.
    fn answers_whole(&self, range: &Range, echo: Option<u32>, now: u64) -> Option<bool> {
        let (at, stamp) = range.first_whole?;
        match (stamp, echo) {
            (Some(stamp), Some(echo)) => Some(!before(echo, stamp)),
            _ if self.round_trip? <= now.saturating_sub(at) => Some(true),
            _ => None,
        }
    }

    fn duplicate(&mut self, left: u32, right: u32) {
        let before_now = self.proofs.len();
        self.proofs.retain(|&(start, end)| !(before(start, right) && before(left, end)));
        let taken = (before_now - self.proofs.len()) as u32;
        if taken > 0 {
            self.withdrawn += taken;
            self.proved -= taken.min(self.proved);
            self.whole_only = self.k == 0 || self.proved > 0;
        }
    }

    fn split(&mut self, at: u32) {
        let inside = |range: &Range| before(range.start, at) && before(at, range.end);
        if let Some(n) = self.ranges.iter().position(inside) {
            let rest = Range { start: at, ..self.ranges[n] };
            self.ranges[n].end = at;
            self.ranges.insert(n + 1, rest);
        }
    }

    /// Neighbours with one story become one stretch; too many become fewer.
    fn merge(&mut self) {
        self.ranges.dedup_by(|next, range| {
            let one = range.end == next.start && range.same_story(next);
            if one {
                range.end = next.end;
            }
            one
        });
        while self.ranges.len() > MAX_RANGES {
            // The last two: the first are what the client waits for.
            let Some(last) = self.ranges.pop() else { return };
            let Some(kept) = self.ranges.last_mut() else { return };
            kept.end = last.end;
            kept.fragmented = kept.fragmented.max(last.fragmented);
            kept.whole = kept.whole.max(last.whole);
            kept.first_whole = kept.first_whole.or(last.first_whole);
            kept.counted &= last.counted;
            kept.mixed = true;
        }
    }
}
