//! Order, duplicates and loss of one flow's sequence in bounded memory.
//!
//! RFC 4737 §3.3 with NextExp: an arrival `s` is reordered iff `s < NextExp`; else it is a *record*
//! and NextExp becomes `s + 1`. The extent (§4.2) is the distance, in distinct packets, to the
//! earliest arrival of a larger sequence. That arrival is a record: whatever came before it was
//! smaller than `s`. And it is the *smallest* record above `s`, since records rise both in sequence
//! and in arrival. So a ring that keeps, per sequence, whether it was a record and when it arrived
//! is enough; nothing older than the ring is guessed.
//!
//! `bpf/rx_order.h` runs the same in the kernel; the tests compare the two.

/// Sequences that the largest window remembers.
pub const MAX_WINDOW: u32 = 1 << 16;

/// What an arrival was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first arrival of its packet, not after a larger sequence.
    InOrder,
    /// The first arrival of its packet, after a larger sequence.
    Reordered {
        /// RFC 4737 §4.2.2: distance to the earliest arrival of a larger sequence.
        extent: u64,
    },
    /// The packet had arrived before.
    Duplicate {
        /// Its second arrival: now the packet counts as replicated (RFC 5560).
        second: bool,
    },
    /// Older than the window: late or duplicate.
    Ambiguous,
}

/// Beside an arrival position: the packet was the largest when it arrived.
const RECORD: u64 = 1 << 63;
/// Beside an arrival position: the packet has arrived more than once.
const TWICE: u64 = 1 << 62;
const POSITION: u64 = TWICE - 1;

/// The window of one flow.
#[derive(Clone, Debug)]
pub struct Window {
    /// Per slot, the sequence that it holds, plus one; 0: none yet.
    held: Box<[u64]>,
    /// Per slot, its arrival position and flags.
    arrived: Box<[u64]>,
    next: u64,
    arrivals: u64,
}

impl Window {
    /// A window of `1 << shift` sequences, at most [`MAX_WINDOW`]. Memory is taken as it is used.
    pub fn new(shift: u32) -> Self {
        let len = 1usize << shift.min(MAX_WINDOW.trailing_zeros());
        Self { held: vec![0; len].into(), arrived: vec![0; len].into(), next: 0, arrivals: 0 }
    }

    /// Judges one arrival.
    #[inline]
    pub fn arrive(&mut self, sequence: u64) -> Arrival {
        let len = self.held.len() as u64;
        let record = sequence >= self.next;
        if !record && self.next - sequence > len {
            return Arrival::Ambiguous;
        }
        let slot = (sequence & (len - 1)) as usize;
        if self.held[slot] == sequence + 1 {
            let second = self.arrived[slot] & TWICE == 0;
            self.arrived[slot] |= TWICE;
            return Arrival::Duplicate { second };
        }
        let arrival = self.arrivals;
        self.held[slot] = sequence + 1;
        self.arrived[slot] = arrival | if record { RECORD } else { 0 };
        self.arrivals += 1;
        if record {
            self.next = sequence + 1;
            Arrival::InOrder
        } else {
            Arrival::Reordered { extent: arrival - self.earliest_larger(sequence) }
        }
    }

    /// Whether the packet has arrived and is remembered.
    pub fn holds(&self, sequence: u64) -> bool {
        let slot = (sequence & (self.held.len() as u64 - 1)) as usize;
        self.held[slot] == sequence + 1
    }

    /// NextExp: one above the largest sequence so far.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The arrival position of the smallest record above `sequence`. The largest sequence so far is
    /// a record, so there is one; it is inside the window because `sequence` is.
    fn earliest_larger(&self, sequence: u64) -> u64 {
        let mask = self.held.len() as u64 - 1;
        (sequence + 1..self.next)
            .map(|above| (above + 1, (above & mask) as usize))
            .find(|&(held, slot)| self.held[slot] == held && self.arrived[slot] & RECORD != 0)
            .map_or(self.arrivals, |(_, slot)| self.arrived[slot] & POSITION)
    }
}

/// How far `highest` may fall behind the largest index before it is written again, so that the
/// cache line that all CPUs read changes rarely.
const HIGHEST_STEP: u64 = 1 << 24;

/// Extends the 32-bit index of a tag to 64 bits: the index nearest to the highest seen. Right as
/// long as packets are late by less than 2^31.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extender {
    highest: u64,
}

impl Extender {
    /// The index whose low half is `low`.
    #[inline]
    pub fn extend(&mut self, low: u32) -> u64 {
        let step = low.wrapping_sub(self.highest as u32) as i32;
        let index = self.highest.checked_add_signed(i64::from(step)).unwrap_or(u64::from(low));
        if index > self.highest + HIGHEST_STEP {
            self.highest = index;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_go_on_past_32_bits() {
        let mut extender = Extender::default();
        let step = 1 << 30;
        for n in 0..20u64 {
            let index = n * step;
            assert_eq!(extender.extend(index as u32), index);
            if index > 1000 {
                assert_eq!(extender.extend((index - 1000) as u32), index - 1000, "late");
            }
        }
    }

    #[test]
    fn a_first_index_above_2_31_is_no_negative_one() {
        assert_eq!(Extender::default().extend(u32::MAX), u64::from(u32::MAX));
    }
}
