//! Streams that were sent in pieces: fragments, and the datagrams that they make.

use super::Style;
use super::paint::{Tint, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::format::{NOT_MEASURED, count, optional_count, percent};
use crate::report::model::{DatagramResult, RunResult};

/// More streams than this are not shown one by one.
const SHOWN_MAX: usize = 24;

/// Fragments and datagrams, sent and lost; nothing where none was cut.
pub fn render(result: &RunResult, style: Style) -> String {
    if result.datagrams.is_empty() {
        return String::new();
    }
    let mut table = Table::new("Datagrams in pieces").column("pieces", Align::Right);
    for (sent, lost) in [("fragments", "lost"), ("datagrams", "lost")] {
        table = table.column(sent, Align::Right);
        if sent == "datagrams" {
            table = table.column_beside("whole", Align::Right);
        }
        table = table.column_beside(lost, Align::Right).column_beside("loss", Align::Right);
    }
    for one in result.datagrams.iter().take(SHOWN_MAX) {
        let [fragments, fragment_loss] = lost(one.fragments_lost, one.fragments_sent);
        let [datagrams, loss] = lost(one.lost, one.sent);
        table.row(vec![
            Cell::plain(clean(&one.name)),
            Cell::plain(count(one.pieces)),
            Cell::plain(count(one.fragments_sent)),
            fragments,
            fragment_loss,
            Cell::plain(count(one.sent)),
            Cell::plain(optional_count(one.whole)),
            datagrams,
            loss,
        ]);
    }
    let mut text = table.render(style);
    for line in wrap(&note(result), style.width.into()) {
        text.push_str(&paint(&line, Tint::Faint, style.color));
        text.push('\n');
    }
    text
}

fn lost(lost: Option<u64>, sent: u64) -> [Cell; 2] {
    let tint = if lost.is_some_and(|lost| lost > 0) { Tint::Bad } else { Tint::Plain };
    match lost {
        Some(lost) => [Cell::new(count(lost), tint), Cell::new(percent(lost, sent), tint)],
        None => [Cell::plain(NOT_MEASURED), Cell::plain(NOT_MEASURED)],
    }
}

fn note(result: &RunResult) -> String {
    let mut note = "whole: everything arrived that a receiver needs of a datagram.".to_owned();
    let unknown = |one: &&DatagramResult| one.whole.is_none();
    for one in result.datagrams.iter().filter(unknown).take(SHOWN_MAX) {
        note.push_str(&format!(" {} is not known: {}.", clean(&one.name), clean(&one.detail)));
    }
    let more = result.datagrams.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        note.push_str(&format!(" {more} more streams are in --json."));
    }
    note
}
