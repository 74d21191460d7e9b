//! Where every packet went: the ledger, the kernel's independent counters, this machine's own
//! losses.

use super::Style;
use super::paint::{Tint, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::format::{NOT_MEASURED, count, signed};
use crate::report::model::RunResult;
use crate::report::statement::{closing, compare};

/// The stages, and whether they add up.
pub fn stages(result: &RunResult, style: Style) -> String {
    if result.ledger.is_empty() {
        return String::new();
    }
    let mut table = Table::new("Ledger")
        .column("packets", Align::Right)
        .column("lost here", Align::Right)
        .column("", Align::Wrap);
    for stage in &result.ledger {
        let (packets, lost) = match stage.count {
            None => (Cell::plain(NOT_MEASURED), Cell::plain(NOT_MEASURED)),
            Some(packets) => {
                let tint = if stage.lost_here == 0 { Tint::Plain } else { Tint::Bad };
                (Cell::plain(count(packets)), Cell::new(signed(stage.lost_here.into()), tint))
            }
        };
        let meaning = Cell::new(clean(&stage.meaning), Tint::Faint);
        table.row(vec![Cell::plain(clean(&stage.stage)), packets, lost, meaning]);
    }
    let mut text = table.render(style);
    let (line, tone) = closing(&result.ledger);
    for line in wrap(&clean(&line), style.width.into()) {
        text.push_str(&paint(&line, tone.into(), style.color));
        text.push('\n');
    }
    text
}

/// What independent counters of the kernel say that changed during the run, each beside the figure
/// of the run that it equals.
pub fn witnesses(result: &RunResult, style: Style) -> String {
    if result.witnesses.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new("Kernel counters").column("change", Align::Right).column("", Align::Wrap);
    let (changed, still): (Vec<_>, Vec<_>) =
        result.witnesses.iter().partition(|witness| witness.value > 0);
    for witness in changed {
        let (words, tone) = compare(result, witness.value);
        table.row(vec![
            Cell::plain(clean(&witness.name)),
            Cell::plain(count(witness.value)),
            Cell::new(clean(&words), tone.into()),
        ]);
    }
    let mut text = table.render(style);
    if !still.is_empty() {
        let others = format!("{} other counters did not change.", count(still.len() as u64));
        text.push_str(&paint(&others, Tint::Faint, style.color));
        text.push('\n');
    }
    text
}

/// What this machine's own parts lost or did late.
pub fn overload(result: &RunResult, style: Style) -> String {
    let title = "Overload of this machine";
    let moved: Vec<_> = result.overload.iter().filter(|counter| counter.value > 0).collect();
    let quiet = result.overload.len() - moved.len();
    if moved.is_empty() {
        let (note, tint) = match quiet {
            0 => (format!("{NOT_MEASURED} not measured"), Tint::Faint),
            1 => ("none; the one counter watched is 0".to_owned(), Tint::Plain),
            many => (format!("none; the {many} counters watched are 0"), Tint::Plain),
        };
        let title = paint(title, Tint::Strong, style.color);
        return format!("{title}  {}\n", paint(&note, tint, style.color));
    }
    let mut table = Table::new(title).column("count", Align::Right);
    for counter in moved {
        table.row(vec![
            Cell::plain(clean(&counter.name)),
            Cell::new(count(counter.value), Tint::Bad),
        ]);
    }
    let mut text = table.render(style);
    if quiet > 0 {
        let note = format!("{quiet} more watched, all 0.");
        text.push_str(&paint(&note, Tint::Faint, style.color));
        text.push('\n');
    }
    text
}
