//! The probes of a run, in their order.

use super::probe::{Arm, Probe};
use crate::packet::random;

/// A plain trace: hop after hop, `tries` probes each.
pub fn plain(hops: std::ops::RangeInclusive<u8>, tries: u16, size: usize) -> Vec<Probe> {
    let probes = hops.flat_map(|hop| (0..tries).map(move |_| hop));
    number(1, probes.map(|hop| (hop, Arm::Whole)), size)
}

/// Every arm at every hop, `tries` times, in blocks that have each once, in random order: what
/// changes with time, or with the load of a router, meets all arms alike. Tokens begin at `token`.
pub fn blocks(
    hops: std::ops::RangeInclusive<u8>,
    arms: &[Arm],
    tries: u16,
    size: usize,
    token: u16,
    seed: u64,
) -> Vec<Probe> {
    let mut all = Vec::new();
    for block in 0..tries {
        let mut probes: Vec<(u8, Arm)> =
            hops.clone().flat_map(|hop| arms.iter().map(move |arm| (hop, *arm))).collect();
        let key = random::key(seed, u32::from(block), 0);
        for last in (1..probes.len()).rev() {
            let other = random::below(key, last as u64, last as u64 + 1) as usize;
            probes.swap(last, other);
        }
        all.extend(probes);
    }
    number(token, all.into_iter(), size)
}

/// Gives tokens; what comes after the last of them is left out.
fn number(first: u16, probes: impl Iterator<Item = (u8, Arm)>, size: usize) -> Vec<Probe> {
    (first..=u16::MAX)
        .zip(probes)
        .map(|(token, (hop, arm))| Probe { token, hop, arm, size })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_every_arm_at_every_hop_once() {
        let arms = [Arm::Whole, Arm::Fragments, Arm::Atomic];
        let probes = blocks(1..=4, &arms, 5, 1000, 91, 7);
        assert_eq!(probes.len(), 60);
        let mut orders = std::collections::HashSet::new();
        for (n, block) in probes.chunks(12).enumerate() {
            let mut seen: Vec<_> = block.iter().map(|probe| (probe.hop, probe.arm)).collect();
            orders.insert(seen.clone());
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 12, "block {n}");
        }
        assert_eq!(orders.len(), 5, "each in an order of its own");
        let tokens: Vec<u16> = probes.iter().map(|probe| probe.token).collect();
        assert_eq!(tokens, (91..151).collect::<Vec<_>>());
    }
}
