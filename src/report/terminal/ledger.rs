//! Where every packet went: the ledger, the kernel's independent counters, this machine's own
//! losses.

use super::Style;
use super::paint::{Tint, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::format::{NOT_MEASURED, count, signed};
use crate::report::model::{RunResult, Stage, StreamResult};

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
    let (line, tint) = closing(&result.ledger);
    for line in wrap(&line, style.width.into()) {
        text.push_str(&paint(&line, tint, style.color));
        text.push('\n');
    }
    text
}

/// `lost_here` of all stages and the last count add up to the first count, or the ledger is open.
fn closing(stages: &[Stage]) -> (String, Tint) {
    let mut measured =
        stages.iter().filter_map(|stage| Some((&stage.stage, i128::from(stage.count?))));
    let Some((first_name, first)) = measured.next() else {
        return ("No stage was measured.".to_owned(), Tint::Warn);
    };
    let (last_name, last) = measured.next_back().unwrap_or((first_name, first));
    let lost: i128 = stages.iter().map(|stage| i128::from(stage.lost_here)).sum();
    let open = first - lost - last;
    if open == 0 {
        let text = format!(
            "The ledger closes to zero: {} {} = {} {} + {} lost between.",
            signed(first),
            clean(first_name),
            signed(last),
            clean(last_name),
            signed(lost)
        );
        (text, Tint::Good)
    } else {
        (format!("The ledger does not close: {} packets unaccounted for.", signed(open)), Tint::Bad)
    }
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
        let (words, tint) = compare(result, witness.value);
        table.row(vec![
            Cell::plain(clean(&witness.name)),
            Cell::plain(count(witness.value)),
            Cell::new(words, tint),
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

/// The figures of the run that `value` equals, of the totals, the ledger, a stream; else the nearest
/// one within a hundredth, and the distance to it.
fn compare(result: &RunResult, value: u64) -> (String, Tint) {
    let totals = &result.totals;
    let main = [
        ("sent", Some(totals.sent)),
        ("received", totals.received),
        ("unique", totals.unique),
        ("lost", totals.lost),
    ];
    let stages = result.ledger.iter().map(|stage| (stage.stage.as_str(), stage.count));
    let main: Vec<(&str, u64)> =
        main.into_iter().filter_map(|(name, figure)| Some((name, figure?))).collect();
    let stages: Vec<(&str, u64)> =
        stages.filter_map(|(name, figure)| Some((name, figure?))).collect();
    for figures in [&main, &stages] {
        let same: Vec<&str> =
            figures.iter().filter(|(_, figure)| *figure == value).map(|(name, _)| *name).collect();
        if !same.is_empty() {
            return (format!("= {}", clean(&same.join(", "))), Tint::Good);
        }
    }
    if let Some(figure) = of_a_stream(result, value) {
        return (format!("= {figure}"), Tint::Good);
    }
    let nearest = main.iter().chain(&stages).min_by_key(|(_, figure)| figure.abs_diff(value));
    match nearest {
        Some((name, figure)) if value > 0 && figure.abs_diff(value) <= figure / 100 => {
            let distance = count(figure.abs_diff(value));
            let word = if value > *figure { "more" } else { "less" };
            (format!("{distance} {word} than {}", clean(name)), Tint::Warn)
        }
        _ => (String::new(), Tint::Plain),
    }
}

/// The figure of a single stream that `value` equals, where it is not 0.
fn of_a_stream(result: &RunResult, value: u64) -> Option<String> {
    let is = |figure: Option<u64>| value > 0 && figure == Some(value);
    let figure_of = |stream: &StreamResult| {
        let counts = &stream.counts;
        match () {
            () if is(counts.unique) => Some("unique"),
            () if is(counts.received) => Some("received"),
            () if is(Some(counts.sent)) => Some("sent"),
            () if is(counts.lost) => Some("lost"),
            () => None,
        }
    };
    let (first, figure) =
        result.streams.iter().find_map(|stream| Some((stream, figure_of(stream)?)))?;
    // Which of several the counter is about, nobody knows here.
    let others =
        result.streams.iter().filter(|&stream| figure_of(stream) == Some(figure)).count() - 1;
    let name = clean(&first.name);
    Some(match others {
        0 => format!("{figure} of {name}"),
        1 => format!("{figure} of {name} and of another stream"),
        _ => format!("{figure} of {name} and of {others} other streams"),
    })
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
