//! Answers by hop and arm: what the verdict rests on.

use std::net::IpAddr;

use super::matching::Answer;
use super::probe::Arm;
use super::tracer::Record;
use crate::frontend::ip::error::IcmpError;

/// Tries of one arm at one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Probes that the kernel took.
    pub sent: u32,
    /// Of them, those that a router at this hop or the destination answered.
    pub answered: u32,
    /// Of them, those that the destination answered.
    pub destination: u32,
    /// Probes of which a router answered a fragment that is not the first: IPv6 alone.
    pub later: u32,
    /// Who answered.
    pub from: Vec<IpAddr>,
    /// Errors that refuse the packet, and who sent them.
    pub refused: Vec<(IpAddr, IcmpError)>,
    /// Why the kernel did not send some.
    pub unsent: Option<String>,
}

/// How often an arm is answered at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Every time.
    Always,
    /// Not every time.
    Sometimes,
    /// Not once.
    Never,
}

impl Cell {
    /// How often it was answered; `None` when nothing was sent.
    pub fn class(&self) -> Option<Class> {
        match self.answered {
            _ if self.sent == 0 => None,
            0 => Some(Class::Never),
            answered if answered == self.sent => Some(Class::Always),
            _ => Some(Class::Sometimes),
        }
    }
}

/// One hop: a cell an arm, in the order of [`Arms::arms`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// TTL or hop limit.
    pub hop: u8,
    /// What the arms met.
    pub cells: Vec<Cell>,
}

/// All hops, nearest first, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arms {
    /// The arms; the first is [`Arm::Whole`], which the others are compared with.
    pub arms: Vec<Arm>,
    /// The hops.
    pub hops: Vec<Hop>,
    /// The hop of the destination, where it answered whole packets.
    pub destination: Option<u8>,
}

impl Arms {
    /// Sorts records into cells.
    pub fn of(arms: &[Arm], last_hop: u8, destination: Option<u8>, records: &[Record]) -> Self {
        let empty = |hop| Hop { hop, cells: vec![Cell::default(); arms.len()] };
        let mut hops: Vec<Hop> = (1..=last_hop).map(empty).collect();
        for record in records {
            let arm = arms.iter().position(|arm| *arm == record.probe.arm);
            let hop = hops.iter_mut().find(|hop| hop.hop == record.probe.hop);
            if let (Some(arm), Some(hop)) = (arm, hop) {
                hop.cells[arm].count(record);
            }
        }
        Self { arms: arms.to_vec(), hops, destination }
    }
}

impl Cell {
    fn count(&mut self, record: &Record) {
        if self.unsent.is_none() {
            self.unsent.clone_from(&record.refused);
        }
        if record.sent_at.is_none() {
            return;
        }
        self.sent += 1;
        self.later += u32::from(record.later);
        let Some(answered) = record.answered else { return };
        match answered.answer {
            Answer::HopLimit => self.answered += 1,
            Answer::Destination => {
                self.answered += 1;
                self.destination += 1;
            }
            Answer::Refused(error) => {
                if !self.refused.contains(&(answered.from, error)) {
                    self.refused.push((answered.from, error));
                }
                return;
            }
            Answer::TooBig(mtu) => {
                // Whatever the family says "too big" with, the MTU is what matters.
                let (family, message_type, code) = match answered.from {
                    IpAddr::V4(_) => (crate::frontend::ip::Family::V4, 3, 4),
                    IpAddr::V6(_) => (crate::frontend::ip::Family::V6, 2, 0),
                };
                let error = IcmpError { family, message_type, code, info: mtu };
                if !self.refused.contains(&(answered.from, error)) {
                    self.refused.push((answered.from, error));
                }
                return;
            }
        }
        if !self.from.contains(&answered.from) {
            self.from.push(answered.from);
        }
    }
}
