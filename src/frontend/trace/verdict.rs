//! At which hop an arm stops while the whole packet goes on. A rule a function, over the counts
//! alone.
//!
//! An answer from a hop proves that the packet came so far. No answer proves little: a router may
//! answer seldom, or not this packet. So an arm is said to stop only where whole packets are
//! answered, and so much more often that chance is ruled out (Fisher's exact test, 2 % for all arms
//! of a run together).

use super::arms::{Arms, Cell};
use super::fisher;
use super::probe::Arm;

/// Chance of naming any arm wrongly because of loss that meets all arms alike.
const CHANCE: f64 = 0.02;

/// What became of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The destination answers it.
    Arrives,
    /// It is answered from as far as whole packets are, and the destination answers neither.
    AsFar {
        /// The furthest hop that answers it.
        hop: u8,
    },
    /// It comes through, but less often than whole packets; no hop can be named.
    Sometimes,
    /// It stops between two hops.
    Stops {
        /// The last hop that answers it; 0: none does, so that it may be this host.
        after: u8,
        /// The first hop that it does not reach: whole packets are answered there.
        before: u8,
    },
    /// First fragments come to hop `first`, the last router that answers; the destination, which
    /// has to have all of them, does not answer. The others stop anywhere.
    Incomplete {
        /// The furthest hop that answers first fragments.
        first: u8,
        /// The furthest hop that answers the others; IPv6 routers alone do. 0: none.
        later: u8,
    },
    /// It is answered last on another path than that of whole packets, and not at the destination:
    /// the hops behind cannot be compared.
    Elsewhere {
        /// The furthest hop that answers it.
        after: u8,
    },
    /// Too little is answered to tell.
    Unknown {
        /// The furthest hop that answers it; 0: none.
        after: u8,
    },
    /// This host's kernel did not send it.
    NotSent,
}

impl Outcome {
    /// Whether the arm is worse off than whole packets; `None`: not known.
    pub fn stopped(self) -> Option<bool> {
        match self {
            Self::Arrives | Self::AsFar { .. } => Some(false),
            Self::Sometimes | Self::Stops { .. } | Self::Incomplete { .. } => Some(true),
            Self::Elsewhere { .. } | Self::Unknown { .. } | Self::NotSent => None,
        }
    }
}

/// Answered and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Probes that were answered.
    pub answered: u32,
    /// Probes that were sent.
    pub sent: u32,
}

impl Tally {
    fn add(&mut self, answered: u32, sent: u32) {
        self.answered += answered;
        self.sent += sent;
    }
}

/// Answers of an arm and of whole packets at the same hops: those that answer whole packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The arm.
    pub arm: Tally,
    /// Whole packets.
    pub whole: Tally,
}

impl Compared {
    /// The arm is answered less often, and not by chance.
    fn differs(&self, arms: usize) -> bool {
        let chance =
            fisher::at_most(self.arm.answered, self.arm.sent, self.whole.answered, self.whole.sent);
        chance < CHANCE / arms.max(1) as f64
    }
}

/// The outcome of every arm but the first, which is the whole packet.
pub fn outcomes(arms: &Arms) -> Vec<(Arm, Outcome)> {
    (1..arms.arms.len()).map(|at| (arms.arms[at], outcome(arms, at))).collect()
}

/// Answers of arm `at` and of whole packets at the hops in `hops` that answer whole packets.
pub fn compare(arms: &Arms, at: usize, hops: std::ops::RangeInclusive<u8>) -> Compared {
    let mut compared = Compared::default();
    for hop in arms.hops.iter().filter(|hop| hops.contains(&hop.hop)) {
        let (whole, arm) = (&hop.cells[0], &hop.cells[at]);
        let end = arms.destination == Some(hop.hop);
        let answered = |cell: &Cell| if end { cell.destination } else { cell.answered };
        if answered(whole) > 0 {
            compared.whole.add(answered(whole), whole.sent);
            compared.arm.add(answered(arm), arm.sent);
        }
    }
    compared
}

fn outcome(arms: &Arms, at: usize) -> Outcome {
    let others = arms.arms.len() - 1;
    let cells = || arms.hops.iter().map(|hop| (hop.hop, &hop.cells[at]));
    if cells().all(|(_, cell)| cell.sent == 0) {
        return Outcome::NotSent;
    }
    let furthest = |answered: fn(&Cell) -> u32| {
        cells().filter(|(_, cell)| answered(cell) > 0).map(|(hop, _)| hop).max().unwrap_or(0)
    };
    let last = arms.hops.last().map_or(0, |hop| hop.hop);
    let arrives = cells().any(|(_, cell)| cell.destination > 0);
    let after = furthest(|cell| cell.answered);
    let whole_to = arms
        .hops
        .iter()
        .filter(|hop| hop.cells[0].answered > 0)
        .map(|hop| hop.hop)
        .max()
        .unwrap_or(0);
    if whole_to == 0 {
        return Outcome::Unknown { after };
    }
    if arrives || arms.destination.is_none() && after >= whole_to {
        let all = compare(arms, at, 1..=last);
        let end = compare(arms, at, whole_to..=whole_to);
        return match arrives {
            _ if all.differs(others) || end.differs(others) => Outcome::Sometimes,
            true => Outcome::Arrives,
            false => Outcome::AsFar { hop: after },
        };
    }
    if elsewhere(arms, at, after) {
        return Outcome::Elsewhere { after };
    }
    // At the destination's hop a router answered: the arm takes a longer way there.
    if arms.destination.is_some_and(|destination| after >= destination) {
        return Outcome::Elsewhere { after };
    }
    for before in after + 1..=last {
        let seen = |range| compare(arms, at, range);
        let here = seen(before..=before);
        if here.whole.answered == 0 {
            continue;
        }
        if here.differs(others) || seen(after + 1..=before).differs(others) {
            if arms.arms[at] == Arm::Fragments && arms.destination == Some(before) {
                return Outcome::Incomplete { first: after, later: furthest(|cell| cell.later) };
            }
            return Outcome::Stops { after, before };
        }
    }
    Outcome::Unknown { after }
}

/// At the last hop that answers the arm, or before it, only others answer it than answer whole
/// packets.
fn elsewhere(arms: &Arms, at: usize, after: u8) -> bool {
    let hop = arms.hops.iter().find(|hop| hop.hop == after);
    hop.is_some_and(|hop| {
        let (whole, arm) = (&hop.cells[0].from, &hop.cells[at].from);
        !whole.is_empty() && !arm.iter().any(|from| whole.contains(from))
    })
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
