use super::*;
use crate::frontend::trace::arms::{Cell, Hop};
use proptest::prelude::*;
use std::net::IpAddr;

fn router(hop: u8) -> IpAddr {
    [198, 18, hop, 1].into()
}

/// Hops from rows of answers of 5 tries: whole, then the arm. The last is the destination's.
fn arms(arm: Arm, rows: &[(u32, u32)], reached: bool) -> Arms {
    let last = rows.len() as u8;
    let cell = |hop: u8, answered: u32| Cell {
        sent: 5,
        answered,
        destination: if reached && hop == last { answered } else { 0 },
        from: if answered > 0 { vec![router(hop)] } else { Vec::new() },
        ..Cell::default()
    };
    let hops = (1..)
        .zip(rows)
        .map(|(hop, (whole, arm))| Hop { hop, cells: vec![cell(hop, *whole), cell(hop, *arm)] })
        .collect();
    Arms { arms: vec![Arm::Whole, arm], hops, destination: reached.then_some(last) }
}

fn one(arms: &Arms) -> Outcome {
    outcomes(arms)[0].1
}

#[test]
fn nothing_dropped() {
    assert_eq!(one(&arms(Arm::Fragments, &[(5, 5), (5, 5), (5, 5)], true)), Outcome::Arrives);
    let unreached = arms(Arm::Fragments, &[(5, 5), (5, 4), (0, 0)], false);
    assert_eq!(one(&unreached), Outcome::AsFar { hop: 2 });
}

#[test]
fn the_hop_is_named() {
    let rows = [(5, 5), (5, 5), (5, 5), (5, 0), (5, 0), (5, 0)];
    for arm in [Arm::Fragments, Arm::HopByHop(8), Arm::Atomic] {
        assert_eq!(one(&arms(arm, &rows, true)), Outcome::Stops { after: 3, before: 4 });
    }
    let none = [(5, 0), (5, 0)];
    assert_eq!(one(&arms(Arm::Atomic, &none, true)), Outcome::Stops { after: 0, before: 1 });
}

#[test]
fn a_hop_that_answers_nothing_widens_the_gap() {
    let rows = [(5, 5), (5, 5), (0, 0), (5, 0), (5, 0)];
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Stops { after: 2, before: 4 });
}

#[test]
fn a_hop_that_does_not_answer_the_arm_but_forwards_it_is_not_named() {
    let rows = [(5, 5), (5, 0), (5, 0), (5, 5)];
    // Less often over the hops that answer whole packets: but it arrives, and no hop is named.
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Sometimes);
    let rows = [(5, 5), (5, 5), (5, 0), (5, 5), (5, 0), (5, 0)];
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Stops { after: 4, before: 5 });
}

#[test]
fn what_is_answered_seldom_needs_more_hops() {
    let rows = [(5, 5), (2, 0), (5, 0)];
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Stops { after: 1, before: 3 });
    let rows = [(5, 5), (2, 0), (2, 0)];
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Unknown { after: 1 });
    assert_eq!(one(&arms(Arm::Atomic, &[(0, 0), (0, 0)], false)), Outcome::Unknown { after: 0 });
}

#[test]
fn only_the_destination_sees_all_fragments() {
    let rows = [(5, 5), (5, 5), (5, 5), (5, 0)];
    let fragments = arms(Arm::Fragments, &rows, true);
    assert_eq!(one(&fragments), Outcome::Incomplete { first: 3, later: 0 });
    let mut seen = fragments.clone();
    seen.hops[1].cells[1].later = 4;
    assert_eq!(one(&seen), Outcome::Incomplete { first: 3, later: 2 });
    // An atomic fragment is whole at every hop.
    assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Stops { after: 3, before: 4 });
}

#[test]
fn loss_that_meets_the_arm_alone_is_sometimes() {
    let rows = [(5, 5), (5, 5), (5, 2), (5, 1), (5, 2), (5, 1)];
    assert_eq!(one(&arms(Arm::Fragments, &rows, true)), Outcome::Sometimes);
    // The same loss for both is no difference.
    let rows = [(5, 5), (3, 2), (2, 3), (3, 2)];
    assert_eq!(one(&arms(Arm::Fragments, &rows, true)), Outcome::Arrives);
}

#[test]
fn another_path_is_not_compared() {
    let mut other = arms(Arm::HopByHop(8), &[(5, 5), (5, 5), (5, 0), (5, 0)], true);
    other.hops[1].cells[1].from = vec![[192, 0, 2, 1].into()];
    assert_eq!(one(&other), Outcome::Elsewhere { after: 2 });
    // A router where the destination is for whole packets.
    let mut longer = arms(Arm::HopByHop(8), &[(5, 5), (5, 5), (5, 5)], true);
    longer.hops[2].cells[1].destination = 0;
    assert_eq!(one(&longer), Outcome::Elsewhere { after: 3 });
}

#[test]
fn what_was_not_sent_says_nothing() {
    let mut unsent = arms(Arm::Atomic, &[(5, 0), (5, 0)], true);
    unsent.hops.iter_mut().for_each(|hop| hop.cells[1].sent = 0);
    assert_eq!(one(&unsent), Outcome::NotSent);
}

proptest! {
    /// The hop that drops is never outside of what is named, whatever hops are silent and whatever
    /// answers are lost; and what arrives is never said to stop.
    #[test]
    fn a_wrong_hop_is_never_named(
        // The arm reaches the hops before `dropped`.
        dropped in 1u8..9,
        rows in prop::collection::vec((0u32..=5, 0u32..=5), 8),
    ) {
        let rows: Vec<(u32, u32)> = (1..)
            .zip(rows)
            // An answer to the arm from a hop that it does not reach does not exist.
            .map(|(hop, (whole, arm))| (whole, if hop < dropped { arm } else { 0 }))
            .collect();
        let reached = rows[7].0 > 0;
        match one(&arms(Arm::Atomic, &rows, reached)) {
            Outcome::Stops { after, before } => {
                prop_assert!(after < dropped, "it was answered there");
                prop_assert!(after < before && rows[usize::from(before) - 1].0 > 0);
                // No answers at hops that it reaches are all that `before` can be wrong by; hops
                // that answer both arms alike leave it no room.
                let silent = (after + 1..dropped.min(before + 1)).all(|hop| rows[usize::from(hop) - 1].1 == 0);
                prop_assert!(silent);
            }
            Outcome::Arrives => prop_assert!(dropped > 8),
            _ => {}
        }
    }

    /// Where every hop answers all that reaches it, the two hops around the drop are named, exactly.
    #[test]
    fn with_all_answers_the_place_is_exact(dropped in 1u8..12, silent in prop::collection::hash_set(1u8..12, 0..4)) {
        let answers = |hop: u8| hop == 12 || !silent.contains(&hop);
        let rows: Vec<(u32, u32)> = (1..=12)
            .map(|hop| match answers(hop) {
                true => (5, if hop < dropped { 5 } else { 0 }),
                false => (0, 0),
            })
            .collect();
        let after = (1..dropped).rev().find(|hop| answers(*hop)).unwrap_or(0);
        let before = (dropped..=12).find(|hop| answers(*hop)).unwrap();
        prop_assert_eq!(one(&arms(Arm::Atomic, &rows, true)), Outcome::Stops { after, before });
    }
}
