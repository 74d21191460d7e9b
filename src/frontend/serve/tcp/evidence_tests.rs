use proptest::prelude::*;

use super::evidence::{Acknowledged, Evidence, Way, before};

const K: u8 = 3;
const MS: u64 = 1_000_000;

/// Sends bytes as the evidence wants them to go; returns how.
fn send(evidence: &mut Evidence, start: u32, end: u32, stamp: Option<u32>, now: u64) -> Way {
    let way = evidence.way(start, end);
    evidence.sent(start, end, way, stamp, now);
    way
}

#[test]
fn fragments_that_are_acknowledged_arrive() {
    let mut evidence = Evidence::new(K);
    for n in 0..4 {
        assert_eq!(send(&mut evidence, n * 1200, (n + 1) * 1200, Some(n), 0), Way::Fragments);
    }
    evidence.acknowledged(4800, &[], Some(3), MS);
    assert_eq!(evidence.acknowledged.fragmented, 4800);
    assert_eq!((evidence.proved, evidence.stretches()), (0, 0));
}

#[test]
fn after_k_unanswered_fragmented_sendings_a_whole_packet_proves_the_loss() {
    let mut evidence = Evidence::new(K);
    for n in 0..3 {
        assert_eq!(send(&mut evidence, 0, 1200, Some(n * 200), 0), Way::Fragments);
    }
    assert_eq!(send(&mut evidence, 0, 1200, Some(1400), 0), Way::Whole);
    evidence.acknowledged(1200, &[], Some(1400), 0);
    assert_eq!(evidence.proved, 1);
    assert_eq!(evidence.acknowledged.whole_after_fragments, 1200);
    assert_eq!(send(&mut evidence, 1200, 2400, Some(1401), 0), Way::Whole, "from then on");
    evidence.acknowledged(2400, &[], Some(1401), 0);
    assert_eq!(evidence.acknowledged.whole, 1200);
}

#[test]
fn a_late_answer_to_fragments_is_no_proof() {
    let mut evidence = Evidence::new(K);
    for n in 0..4 {
        send(&mut evidence, 0, 1200, Some(n * 200), 0);
    }
    // It echoes the third sending, in fragments, although the whole packet is out.
    evidence.acknowledged(1200, &[], Some(400), MS);
    assert_eq!(evidence.proved, 0);
    assert_eq!(evidence.acknowledged.fragmented, 1200);
    assert_eq!(send(&mut evidence, 1200, 2400, Some(601), 0), Way::Fragments);
}

#[test]
fn without_time_stamps_the_round_trip_decides() {
    for (after, proved, unknown) in [(30 * MS, 1, 0), (10 * MS, 0, 1200)] {
        let mut evidence = Evidence::new(K);
        evidence.set_round_trip(20 * MS);
        for n in 0..4 {
            send(&mut evidence, 0, 1200, None, n * 200 * MS);
        }
        evidence.acknowledged(1200, &[], None, 600 * MS + after);
        assert_eq!((evidence.proved, evidence.acknowledged.unknown), (proved, unknown));
    }
}

#[test]
fn a_duplicate_takes_the_proof_back() {
    let mut evidence = Evidence::new(K);
    for n in 0..4 {
        send(&mut evidence, 0, 1200, Some(n), 0);
    }
    evidence.acknowledged(1200, &[], Some(3), MS);
    assert_eq!(evidence.proved, 1);
    send(&mut evidence, 1200, 2400, Some(4), MS);
    evidence.acknowledged(2400, &[(0, 1200)], Some(4), 2 * MS);
    assert_eq!((evidence.proved, evidence.withdrawn), (0, 1));
    assert_eq!(send(&mut evidence, 2400, 3600, Some(5), 2 * MS), Way::Fragments);
}

#[test]
fn selective_acknowledgments_count_once() {
    let mut evidence = Evidence::new(K);
    for n in 0..3 {
        send(&mut evidence, n * 1200, (n + 1) * 1200, Some(1), 0);
    }
    for _ in 0..2 {
        evidence.acknowledged(0, &[(2400, 3600)], Some(1), MS);
    }
    assert_eq!(evidence.acknowledged.fragmented, 1200);
    send(&mut evidence, 0, 1200, Some(2), MS);
    evidence.acknowledged(3600, &[], Some(2), MS);
    assert_eq!(evidence.acknowledged.fragmented, 3600);
    assert_eq!(evidence.proved, 0);
}

#[test]
fn keep_alives_and_foreign_acknowledgments_change_nothing() {
    let mut evidence = Evidence::new(K);
    evidence.acknowledged(77, &[(1, 9)], None, 0);
    send(&mut evidence, 1000, 2200, None, 0);
    evidence.acknowledged(2202, &[], None, 0);
    assert!(evidence.waits(), "2202 was never sent");
    evidence.acknowledged(2201, &[], None, 0);
    assert!(!evidence.waits(), "a FIN takes a number");
    for _ in 0..9 {
        send(&mut evidence, 2199, 2200, None, 0);
    }
    assert!(!evidence.waits());
    assert_eq!(send(&mut evidence, 2200, 3400, None, 0), Way::Fragments);
}

#[test]
fn k_0_is_whole_from_the_start() {
    assert_eq!(Evidence::new(0).way(0, 1200), Way::Whole);
}

proptest! {
    /// Whatever is sent and acknowledged, around the end of the sequence space too: memory is
    /// bounded, and every byte that is acknowledged is counted once.
    #[test]
    fn every_acknowledged_byte_is_counted_once(
        first in prop_oneof![Just(0u32), Just(u32::MAX - 3000), any::<u32>()],
        steps in prop::collection::vec((0u32..12_000, 1u32..3000, any::<bool>(), any::<u8>()), 1..120),
    ) {
        let mut evidence = Evidence::new(2);
        let (mut una, mut max) = (0u32, 0u32);
        for (n, (at, len, is_ack, stamp)) in steps.into_iter().enumerate() {
            let stamp = (stamp > 20).then_some(u32::from(stamp));
            if is_ack {
                let ack = at.min(max);
                let block = (first.wrapping_add(len), first.wrapping_add(len + at));
                evidence.acknowledged(first.wrapping_add(ack), &[block], stamp, n as u64);
                una = una.max(ack);
            } else {
                // A sender starts no further than where it ended.
                let at = at.min(max);
                let (start, end) = (first.wrapping_add(at), first.wrapping_add(at + len));
                send(&mut evidence, start, end, stamp, n as u64);
                max = max.max(at + len);
            }
            prop_assert!(evidence.stretches() <= 24);
        }
        if max > 0 {
            evidence.acknowledged(first.wrapping_add(max), &[], None, 99);
            let Acknowledged { fragmented, whole, whole_after_fragments, unknown } =
                evidence.acknowledged;
            prop_assert_eq!(
                fragmented + whole + whole_after_fragments + unknown,
                u64::from(max)
            );
        }
        prop_assert!(!evidence.waits());
    }

    #[test]
    fn order_holds_around_the_end(a: u32, step in 1u32..0x7fff_ffff) {
        prop_assert!(before(a, a.wrapping_add(step)) && !before(a.wrapping_add(step), a));
    }
}
