//! Identifications of datagrams that are cut: not to be guessed by others, and not repeated while a
//! receiver may still hold pieces of an earlier one.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

/// Counters; destinations are spread over them by a keyed hash.
const COUNTERS: usize = 4096;

/// RFC 7739 §5.3: a counter that starts where a keyed hash of the addresses and the protocol says.
/// Whoever does not know the key learns nothing from what other destinations are sent; for one
/// destination a value comes again after 2^32 datagrams (IPv4: 2^16), never by chance.
#[derive(Debug)]
pub struct Identifications {
    start: RandomState,
    slot: RandomState,
    counters: Vec<u32>,
    draws: u64,
}

impl Default for Identifications {
    fn default() -> Self {
        let (start, slot) = (RandomState::new(), RandomState::new());
        let counters = (0..COUNTERS).map(|n| slot.hash_one((n, "counter")) as u32).collect();
        Self { start, slot, counters, draws: 0 }
    }
}

impl Identifications {
    /// The next identification of a flow; IPv4 takes its low 16 bits.
    pub fn next(&mut self, src: IpAddr, dst: IpAddr, protocol: u8) -> u32 {
        let flow = (src, dst, protocol);
        let counter = &mut self.counters[self.slot.hash_one(flow) as usize % COUNTERS];
        *counter = counter.wrapping_add(1);
        (self.start.hash_one(flow) as u32).wrapping_add(*counter)
    }

    /// 64 bits that nobody guesses.
    pub fn draw(&mut self) -> u64 {
        self.draws += 1;
        self.start.hash_one((self.draws, "draw"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_comes_twice_within_a_reassembly_time() {
        let mut ids = Identifications::default();
        let (src, dst) = (IpAddr::from([198, 18, 0, 1]), IpAddr::from([198, 18, 0, 2]));
        let mut seen: Vec<u16> = (0..65_536).map(|_| ids.next(src, dst, 17) as u16).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 65_536);
    }

    #[test]
    fn processes_and_destinations_start_elsewhere() {
        let first = |host: u8| {
            let mut ids = Identifications::default();
            ids.next([198, 18, 0, 1].into(), [198, 18, 1, host].into(), 17)
        };
        let mut firsts: Vec<u32> = (0..64).map(first).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert!(firsts.len() >= 63, "{firsts:?}");
    }
}
