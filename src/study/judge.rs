//! The verdict on a study. Valid: this machine and the sink hid nothing. Passed: the arms are as the
//! profile asks.

use super::statistics::proportion::Share;
use super::tester::Observed;
use crate::profile::study::Criterion;
use crate::profile::units::Unit;
use crate::report::format;
use crate::report::model::{Reason, Verdict};
use crate::report::study::{ArmResult, CellResult, StudyResult};
use crate::units::Ratio;

/// Judges.
pub fn judge(result: &StudyResult, observed: &Observed, criteria: &[Criterion]) -> Verdict {
    let mut invalid = Vec::new();
    if result.incomplete {
        let text = "the study ended before its time; this is what was measured until then";
        invalid.push(reason("incomplete", text.into()));
    }
    let (unsent, words) = &observed.unsent;
    if *unsent > 0 {
        let words = words.as_deref().unwrap_or_default();
        let text = format!("{} frames were not sent: {words}", format::count(*unsent));
        invalid.push(reason("unsent", text));
    }
    if observed.dropped > 0 {
        let text = format!(
            "the tester had no room for {} frames: answers may be missing; set a longer spacing",
            format::count(observed.dropped)
        );
        invalid.push(reason("receiver_overload", text));
    }
    if observed.sink_dropped > 0 {
        let text = format!(
            "the sink had no room for {} packets: they may be taken for losses; set a longer spacing",
            format::count(observed.sink_dropped)
        );
        invalid.push(reason("sink_overload", text));
    }
    if result.receiver == "sink" && result.tap.is_none() {
        let text = "the sink never answered: is `wirestorm serve sink` running at the target, and its \
                    port open? For a host that runs nothing of ours: receiver: host, and protocols \
                    icmp, tcp or dns";
        invalid.push(reason("sink_silent", text.into()));
    }
    let arms = || result.cells.iter().flat_map(|cell| &cell.arms);
    let unknown: u64 = arms().map(|arm| arm.unknown).sum();
    if unknown > 0 && result.tap.is_some() && !result.incomplete {
        let text = format!(
            "of {} datagrams the sink did not tell what became of them",
            format::count(unknown)
        );
        invalid.push(reason("unknown", text));
    }
    // Without whole packets that arrive, nothing is said about fragments.
    let dead = |cell: &CellResult| {
        let whole = |arm: &&ArmResult| arm.arm == "small" || arm.arm == "whole";
        let mut controls = cell.arms.iter().filter(whole).peekable();
        controls.peek().is_some()
            && controls.all(|arm| arm.loss.tries > 0 && arm.loss.hits == arm.loss.tries)
    };
    for cell in result.cells.iter().filter(|cell| dead(cell)) {
        let text = format!(
            "{}: no whole packet arrived, so that the loss of fragments says nothing about fragments",
            cell.name
        );
        invalid.push(reason("no_control", text));
    }
    let mut failed = Vec::new();
    for criterion in criteria {
        let mut held = false;
        for (cell, arm) in pairs(result, criterion) {
            held = true;
            check(criterion, cell, arm, &mut failed);
        }
        if !held {
            let arm = criterion.arm.map_or("", |arm| arm.name());
            failed.push(reason("arms", format!("no cell has the arm {arm} that is asked for")));
        }
    }
    let valid = invalid.is_empty();
    Verdict {
        valid,
        passed: valid && failed.is_empty(),
        reasons: invalid.into_iter().chain(failed).collect(),
    }
}

fn reason(code: &str, message: String) -> Reason {
    Reason { code: code.into(), message }
}

/// The arms that a criterion is about.
fn pairs<'r>(
    result: &'r StudyResult,
    criterion: &'r Criterion,
) -> impl Iterator<Item = (&'r CellResult, &'r ArmResult)> {
    let name = criterion.arm.map_or("", |arm| arm.name());
    result
        .cells
        .iter()
        .filter(|cell| criterion.cell.as_ref().is_none_or(|wanted| *wanted == cell.name))
        .flat_map(|cell| cell.arms.iter().map(move |arm| (cell, arm)))
        .filter(move |(_, arm)| arm.arm == name)
}

fn check(criterion: &Criterion, cell: &CellResult, arm: &ArmResult, failed: &mut Vec<Reason>) {
    let mut fail = |code: &str, text: String| {
        failed.push(reason(code, format!("{} of {}: {text}", arm.arm, cell.name)));
    };
    let lost = Share { hits: arm.loss.hits, tries: arm.loss.tries };
    if let Some(range) = criterion.delivered {
        let got = Share { hits: lost.tries - lost.hits, tries: lost.tries };
        if !within(got, range) {
            fail("delivered", format!("{} delivered, asked for {}", told(got), text(range)));
        }
    }
    if let Some(range) = criterion.arrived {
        let got =
            arm.fragment_loss.map(|lost| Share { hits: lost.tries - lost.hits, tries: lost.tries });
        match got {
            Some(got) if within(got, range) => {}
            Some(got) => {
                fail(
                    "arrived",
                    format!("{} of the fragments arrived, asked for {}", told(got), text(range)),
                );
            }
            None => fail("arrived", "how many fragments arrived is not known".into()),
        }
    }
    if let Some(loss) = criterion.covers_loss {
        let covers = lost.wilson().is_some_and(|interval| interval.covers(loss.as_f64()));
        if !covers {
            let text = format!(
                "the interval of the loss, {}, does not cover {}",
                lost.wilson().map_or_else(String::new, |interval| format!(
                    "{} to {}",
                    format::percent_of(interval.low),
                    format::percent_of(interval.high)
                )),
                loss.text()
            );
            fail("covers_loss", text);
        }
    }
    if let Some(size) = criterion.largest_fragment
        && arm.largest_fragment.unwrap_or(0) != size
    {
        let got = arm.largest_fragment.unwrap_or(0);
        fail("largest_fragment", format!("the largest fragment was {got} B, asked for {size} B"));
    }
    for (error, wanted) in &criterion.icmp {
        let got: u64 =
            arm.icmp.iter().filter(|icmp| icmp.error == *error).map(|icmp| icmp.datagrams).sum();
        if got != *wanted {
            fail("icmp", format!("ICMP {error} came back for {got} datagrams, asked for {wanted}"));
        }
    }
    let Some(attribution) = &arm.attribution else {
        if criterion.stage.is_some() || !criterion.counters.is_empty() {
            fail("stage", "it was not attributed; set test.attribution".into());
        }
        return;
    };
    if let Some(stage) = &criterion.stage
        && *stage != attribution.stage
    {
        fail("stage", format!("the stage is {}, asked for {stage}", attribution.stage));
    }
    for (name, wanted) in &criterion.counters {
        let got = attribution.counters.iter().find(|counter| counter.name == *name);
        let got = got.map_or(0, |counter| counter.value);
        if got != *wanted {
            fail("counters", format!("{name} rose by {got}, asked for {wanted}"));
        }
    }
}

/// Whether a share lies in a range, both exact.
fn within(share: Share, (low, high): (Ratio, Ratio)) -> bool {
    let scaled = u128::from(share.hits) * u128::from(Ratio::ONE.0);
    let of = |ratio: Ratio| u128::from(ratio.0) * u128::from(share.tries);
    share.tries > 0 && scaled >= of(low) && scaled <= of(high)
}

fn told(share: Share) -> String {
    format!("{} of {}", format::count(share.hits), format::count(share.tries))
}

fn text((low, high): (Ratio, Ratio)) -> String {
    if low == high { low.text() } else { format!("{} to {}", low.text(), high.text()) }
}
