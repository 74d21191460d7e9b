//! What the reports of runs, benchmarks and studies have in common: sections, each with its title.

use super::Style;
use super::paint::{Tint, badge, clean, paint, wrap};
use super::table::Table;
use super::verdict::item;
use crate::report::format::NOT_MEASURED;
use crate::report::model::Reason;
use crate::report::statement::Outcome;

/// Columns of the names of facts.
const NAMES: usize = 10;

/// One below the other, an empty line between; those without content are left out.
pub fn joined(sections: impl IntoIterator<Item = String>) -> String {
    let sections: Vec<String> =
        sections.into_iter().filter(|section| !section.is_empty()).collect();
    sections.join("\n")
}

/// The badge, a sentence beside it, and lines below.
pub fn headline(outcome: Outcome, sentence: &str, below: &str, style: Style) -> String {
    let width = usize::from(style.width);
    let mut text = badge(outcome.word(), Tint::from(outcome.tone()), style.color);
    let taken = outcome.word().len() + 2 * usize::from(style.color) + 2;
    for (number, line) in wrap(sentence, width.saturating_sub(taken)).iter().enumerate() {
        text.push_str(&if number == 0 { "  ".to_owned() } else { " ".repeat(taken) });
        text.push_str(&paint(line, Tint::Strong, style.color));
        text.push('\n');
    }
    for line in wrap(below, width.saturating_sub(2)) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// A table with its title; nothing of no rows.
pub fn titled(title: &str, table: &Table, rows: usize, style: Style) -> String {
    if rows == 0 {
        return String::new();
    }
    format!("{}\n{}", paint(title, Tint::Strong, style.color), table.render(style))
}

/// Reasons with their title; nothing of none.
pub fn items<'r>(
    title: &str,
    mark: &str,
    tint: Tint,
    reasons: impl IntoIterator<Item = &'r Reason>,
    style: Style,
) -> String {
    let mut text = String::new();
    for reason in reasons {
        if text.is_empty() {
            text = format!("{}\n", paint(title, Tint::Strong, style.color));
        }
        text.push_str(&item(mark, reason, tint, style));
    }
    text
}

/// What the numbers rest on: a line a name.
pub fn environment(
    facts: impl IntoIterator<Item = (&'static str, String)>,
    style: Style,
) -> String {
    let mut text = format!("{}\n", paint("Environment", Tint::Strong, style.color));
    for (name, value) in facts {
        let room = usize::from(style.width).saturating_sub(2 + NAMES);
        for (number, line) in wrap(&value, room).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let name = paint(&format!("{name:NAMES$}"), Tint::Faint, style.color);
            text.push_str(&format!("  {name}{line}\n"));
        }
    }
    text
}

/// What is not known is `–`.
pub fn known(text: &str) -> String {
    match text.trim() {
        "" => NOT_MEASURED.to_owned(),
        text => clean(text),
    }
}
