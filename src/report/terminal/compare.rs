//! A comparison for people, on a terminal.

use super::Style;
use super::paint::{Tint, badge, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::compare::{Comparison, Judgement, Side};
use crate::report::format::NOT_MEASURED;

/// The sentence, the warnings, every value.
pub fn render(comparison: &Comparison, style: Style) -> String {
    let (word, tint) =
        if comparison.valid { ("COMPARED", Tint::Strong) } else { ("INVALID", Tint::Warn) };
    let mut text = badge(word, tint, style.color);
    let width = usize::from(style.width);
    text.push_str("  ");
    let taken = word.len() + 2 + 2 * usize::from(style.color);
    let lines = wrap(&comparison.sentence(), width.saturating_sub(taken));
    text.push_str(&lines.join(&format!("\n{}", " ".repeat(taken))));
    text.push('\n');
    for (name, side) in [("baseline", &comparison.baseline), ("candidate", &comparison.candidate)] {
        for line in wrap(&clean(&of_side(name, side)), width.saturating_sub(2)) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    for warning in &comparison.warnings {
        let line = format!("{}: {}", warning.code, warning.message);
        for (number, line) in wrap(&clean(&line), width.saturating_sub(4)).iter().enumerate() {
            let mark = if number == 0 { "!" } else { " " };
            text.push_str(&format!("  {} {line}\n", paint(mark, Tint::Warn, style.color)));
        }
    }
    text.push('\n');
    let mut stream = None;
    let mut table: Option<Table> = None;
    for metric in &comparison.metrics {
        if table.is_none() || stream != metric.stream {
            text.push_str(&table.take().map(|t| t.render(style) + "\n").unwrap_or_default());
            stream.clone_from(&metric.stream);
            table = Some(columns(stream.as_deref().unwrap_or("All streams")));
        }
        let judgement = metric.judgement();
        let interval = metric.change.show_interval(metric.unit);
        if let Some(table) = &mut table {
            table.row(vec![
                Cell::plain(metric.name),
                Cell::plain(metric.unit.show(metric.baseline)),
                Cell::plain(metric.unit.show(metric.candidate)),
                Cell::plain(metric.change.show(metric.unit)),
                Cell::plain(interval.unwrap_or_else(|| NOT_MEASURED.to_owned())),
                match judgement {
                    Judgement::NotJudged => Cell::plain(""),
                    _ => Cell::new(judgement.words(), judgement.tone().into()),
                },
            ]);
        }
    }
    text.push_str(&table.map(|t| t.render(style)).unwrap_or_default());
    for line in wrap(Comparison::METHOD, width) {
        text.push_str(&paint(&line, Tint::Faint, style.color));
        text.push('\n');
    }
    text
}

fn columns(title: &str) -> Table {
    Table::new(clean(title))
        .column("baseline", Align::Right)
        .column("candidate", Align::Right)
        .column("change", Align::Right)
        .column("95 % interval", Align::Right)
        .column("", Align::Left)
}

/// `baseline: 3 runs of router (a.json, b.json, c.json)`.
pub fn of_side(name: &str, side: &Side) -> String {
    let runs = if side.used.len() == 1 { "run" } else { "runs" };
    format!("{name}: {} {runs} of {} ({})", side.used.len(), side.profile, side.used.join(", "))
}
