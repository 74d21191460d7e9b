//! Which tries are made, in which order.

use super::compose;
use crate::packet::random;
use crate::profile::study::{ArmKind, Cell, Study};

/// Fragments or packets of a try at most: the receiver tells one bit each.
pub const MAX_PIECES: usize = 64;
/// The random sequences of the order: of the cells, and of their arms.
const CELLS: u32 = 2;
const ARMS: u32 = 3;

/// An arm of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The cell's position.
    pub cell: usize,
    /// What is sent.
    pub kind: ArmKind,
    /// Distinct fragments or packets of a try.
    pub pieces: usize,
    /// Frames of a try, duplicates included.
    pub frames: usize,
    /// The fragments or packets that are sent, a bit each.
    pub sent: u64,
    /// First bytes of its fragments; empty where packets are whole.
    pub offsets: Vec<u16>,
    /// Datagrams of a try: more than one where they are interleaved.
    pub datagrams: usize,
}

/// The arms of all cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By cell, in the order of reports.
    pub arms: Vec<Arm>,
    /// For each cell the positions of its arms.
    pub cells: Vec<Vec<usize>>,
}

/// A try: which arm, in which block of its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Position of the arm.
    pub arm: usize,
    /// Number of the block.
    pub block: u32,
}

impl Plan {
    /// Lays out every arm of every cell that applies.
    ///
    /// # Errors
    /// The cell's position, and why an arm of it cannot be made.
    pub fn new(study: &Study) -> Result<Self, (usize, String)> {
        let mut plan = Self::default();
        for (number, cell) in study.cells.iter().enumerate() {
            let mut own = Vec::new();
            for &kind in study.arms.iter().filter(|kind| kind.applies(cell)) {
                let arm = arm(number, cell, kind)
                    .map_err(|why| (number, format!("{}: {why}", kind.name())))?;
                own.push(plan.arms.len());
                plan.arms.push(arm);
            }
            plan.cells.push(own);
        }
        Ok(plan)
    }

    /// The tries of a round: one block of each cell, the cells in random order, and in each block its
    /// arms in random order.
    pub fn round(&self, seed: u64, round: u32) -> Vec<Try> {
        let shuffled = |count: usize, key: u64| {
            let mut order: Vec<usize> = (0..count).collect();
            for last in (1..count).rev() {
                order.swap(last, random::below(key, last as u64, last as u64 + 1) as usize);
            }
            order
        };
        let mut tries = Vec::with_capacity(self.arms.len());
        for cell in shuffled(self.cells.len(), random::key(seed, round, CELLS)) {
            let key = random::mix(random::key(seed, round, ARMS) ^ cell as u64);
            for arm in shuffled(self.cells[cell].len(), key) {
                tries.push(Try { arm: self.cells[cell][arm], block: round });
            }
        }
        tries
    }

    /// The arm that another one is compared with: the whole packet of equal size, of the same cell; of
    /// that the small one.
    pub fn control(&self, arm: usize) -> Option<usize> {
        let of_kind = |kind: ArmKind| {
            let own = &self.cells[self.arms[arm].cell];
            own.iter().copied().find(|&other| self.arms[other].kind == kind)
        };
        match self.arms[arm].kind {
            ArmKind::Small => None,
            ArmKind::Whole => of_kind(ArmKind::Small),
            _ => of_kind(ArmKind::Whole),
        }
    }

    /// Datagrams of all rounds.
    pub fn datagrams(&self, tries: u64) -> u64 {
        self.arms.iter().map(|arm| arm.datagrams as u64).sum::<u64>().saturating_mul(tries)
    }

    /// Frames of all rounds.
    pub fn frames(&self, tries: u64) -> u64 {
        let of = |arm: &Arm| (arm.datagrams * arm.frames) as u64;
        self.arms.iter().map(of).sum::<u64>().saturating_mul(tries)
    }
}

fn arm(number: usize, cell: &Cell, kind: ArmKind) -> Result<Arm, String> {
    let pieces = compose::count(cell, kind)?;
    if pieces > MAX_PIECES {
        return Err(format!("{pieces} fragments, and at most {MAX_PIECES} can be told apart"));
    }
    let interleaved = matches!(kind, ArmKind::Fragments | ArmKind::Anomaly);
    Ok(Arm {
        cell: number,
        kind,
        pieces,
        frames: compose::frames_of(cell, kind)?,
        sent: compose::sent(cell, kind)?,
        offsets: compose::offsets(cell, kind)?,
        datagrams: if interleaved { cell.interleave } else { 1 },
    })
}
