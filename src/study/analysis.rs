//! From outcomes to estimates.

use std::collections::BTreeMap;

use super::attribution::Tally;
use super::plan::{Arm, Plan};
use super::statistics::holm;
use super::statistics::paired::Pairs;
use super::statistics::proportion::{Share, datagram_loss};
use super::tester::{Observed, Outcome};
use crate::profile::fragments::Cut;
use crate::profile::study::{ArmKind, Receiver, Study, family_name};
use crate::report::study::{ArmResult, CellResult, Comparison, IcmpResult, ShareResult};

/// Tries that "always" and "never" need.
pub const PATH_TRIES: u64 = 5;

/// Bits of a whole try.
fn all(arm: &Arm) -> u64 {
    match arm.kind {
        ArmKind::Burst => arm.sent,
        _ => 1,
    }
}

/// Whether a datagram arrived; None where that is not known.
fn delivered(receiver: Receiver, arm: &Arm, outcome: &Outcome) -> Option<bool> {
    if outcome.sent < outcome.due {
        return None;
    }
    let bits = match receiver {
        Receiver::Sink => outcome.record?.socket,
        Receiver::Host => outcome.answered,
    };
    Some(bits & all(arm) == all(arm))
}

/// What the outcomes of one arm add up to. `tap`: the sink has one.
pub fn tally(study: &Study, arm: &Arm, outcomes: &[Outcome], tap: bool) -> Tally {
    let mut tally = Tally::default();
    let mut told = study.receiver == Receiver::Sink;
    let (mut at_socket, mut distinct, mut tapped) = (0, 0, 0);
    for outcome in outcomes {
        let packets = u64::from(all(arm).count_ones());
        tally.datagrams += packets;
        tally.due += u64::from(outcome.due);
        tally.sent += u64::from(outcome.sent);
        tally.distinct.0 += u64::from(arm.sent.count_ones());
        tally.answered += u64::from((outcome.answered & all(arm)).count_ones());
        match outcome.record {
            Some(record) => {
                distinct += u64::from((record.tap & arm.sent).count_ones());
                tapped += u64::from(record.copies);
                at_socket += u64::from((record.socket & all(arm)).count_ones());
            }
            None => told = false,
        }
    }
    tally.delivered = told.then_some(at_socket);
    tally.distinct.1 = (told && tap).then_some(distinct);
    tally.tapped = (told && tap).then_some(tapped);
    tally
}

/// Every cell, without attributions. Outcomes from `attributed` on belong to them, and count for ICMP
/// errors alone.
pub fn cells(
    study: &Study,
    plan: &Plan,
    observed: &Observed,
    attributed: usize,
) -> Vec<CellResult> {
    let mut by_arm: Vec<Vec<&Outcome>> = vec![Vec::new(); plan.arms.len()];
    for outcome in &observed.outcomes[..attributed] {
        by_arm[outcome.arm].push(outcome);
    }
    let mut errors: Vec<BTreeMap<(String, String), u64>> = vec![BTreeMap::new(); plan.arms.len()];
    for outcome in &observed.outcomes {
        if let Some(refused) = outcome.refused {
            let error = format!("{}/{}", refused.message_type, refused.code);
            *errors[outcome.arm].entry((error, refused.from.to_string())).or_default() += 1;
        }
    }
    let tap = observed.tap == Some(true);
    let arm_of = |at: usize| {
        let arm = &plan.arms[at];
        arm_result(study, arm, &by_arm[at], tap, &errors[at])
    };
    let cell_of = |(number, arms): (usize, &Vec<usize>)| {
        let cell = &study.cells[number];
        CellResult {
            name: cell.name.clone(),
            family: family_name(cell.family).into(),
            protocol: cell.protocol.name().into(),
            message_bytes: cell.len as u64,
            fragment_bytes: sizes(&cell.fragments.cut),
            anomaly: cell.anomaly.name().into(),
            extension: cell.extension.map(|extension| extension.to_string()),
            arms: arms.iter().map(|&arm| arm_of(arm)).collect(),
        }
    };
    plan.cells.iter().enumerate().map(cell_of).collect()
}

fn sizes(cut: &Cut) -> Vec<u64> {
    match cut {
        Cut::Pieces(pieces) => pieces.iter().map(|piece| piece.length as u64).collect(),
        Cut::Sizes(sizes) => sizes.iter().map(|size| *size as u64).collect(),
        Cut::Count(_) | Cut::Mtu(_) => Vec::new(),
    }
}

fn arm_result(
    study: &Study,
    arm: &Arm,
    outcomes: &[&Outcome],
    tap: bool,
    errors: &BTreeMap<(String, String), u64>,
) -> ArmResult {
    let mut lost = Share::default();
    let mut answered = Share::default();
    let mut fragments = Share::default();
    let (mut unknown, mut largest) = (0, None);
    for outcome in outcomes {
        let Some(arrived) = delivered(study.receiver, arm, outcome) else {
            unknown += 1;
            continue;
        };
        lost.tries += 1;
        lost.hits += u64::from(!arrived);
        answered.tries += 1;
        answered.hits += u64::from(outcome.answered & all(arm) == all(arm));
        if let Some(record) = outcome.record.filter(|_| tap) {
            fragments.tries += u64::from(arm.sent.count_ones());
            fragments.hits += u64::from((arm.sent & !record.tap).count_ones());
            let size = u64::from(record.largest);
            largest = largest.max((size > 0).then_some(size));
        }
    }
    let path = (lost.tries >= PATH_TRIES).then_some(match lost.hits {
        0 => "always",
        hits if hits == lost.tries => "never",
        _ => "sometimes",
    });
    let independent = fragments.fraction().map(|p| datagram_loss(p, arm.sent.count_ones()));
    let icmp = errors.iter().map(|((error, from), datagrams)| IcmpResult {
        error: error.clone(),
        from: from.clone(),
        datagrams: *datagrams,
    });
    ArmResult {
        arm: arm.kind.name().into(),
        datagrams: lost.tries,
        unknown,
        loss: lost.into(),
        fragment_loss: fragments.fraction().map(|_| ShareResult::from(fragments)),
        loss_if_independent: independent,
        answered: answered.into(),
        path: path.map(Into::into),
        largest_fragment: largest,
        icmp: icmp.collect(),
        attribution: None,
    }
}

/// Every arm against its control, block by block; p values adjusted over all.
pub fn comparisons(
    study: &Study,
    plan: &Plan,
    observed: &Observed,
    attributed: usize,
) -> Vec<Comparison> {
    let mut lost: Vec<BTreeMap<u32, bool>> = vec![BTreeMap::new(); plan.arms.len()];
    for outcome in observed.outcomes[..attributed].iter().filter(|outcome| outcome.lead) {
        let arm = &plan.arms[outcome.arm];
        if let Some(arrived) = delivered(study.receiver, arm, outcome) {
            lost[outcome.arm].insert(outcome.block, !arrived);
        }
    }
    let mut comparisons = Vec::new();
    for (at, arm) in plan.arms.iter().enumerate() {
        let Some(control) = plan.control(at) else { continue };
        let mut pairs = Pairs::default();
        for (block, &arm_lost) in &lost[at] {
            if let Some(&control_lost) = lost[control].get(block) {
                pairs.count(arm_lost, control_lost);
            }
        }
        comparisons.push(Comparison {
            cell: study.cells[arm.cell].name.clone(),
            arm: arm.kind.name().into(),
            control: plan.arms[control].kind.name().into(),
            pairs,
            difference: pairs.difference(),
            newcombe: pairs.newcombe(),
            p: pairs.mcnemar(),
            p_holm: 1.0,
        });
    }
    let adjusted = holm::adjust(&comparisons.iter().map(|one| one.p).collect::<Vec<_>>());
    for (one, p) in comparisons.iter_mut().zip(adjusted) {
        one.p_holm = p;
    }
    comparisons
}
