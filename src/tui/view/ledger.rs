//! Stage by stage.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::table::{self, Column};
use crate::report::format::{count, optional_count, signed};
use crate::trial::sight::{Phase, Sight};
use crate::tui::model::Model;
use crate::tui::theme::Theme;

pub(super) fn render(
    model: &Model,
    sight: &Sight,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let notes = notes(sight);
    let [body, below] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(notes.len() as u16)]).areas(area);
    let stages = &sight.ledger;
    let (first, rows) = table::visible(stages.len(), model.chosen, body.height.saturating_sub(1));
    let lines: Vec<Vec<Line<'static>>> = stages[first..first + rows]
        .iter()
        .map(|stage| {
            let style = if stage.lost_here > 0 { theme.bad() } else { Default::default() };
            let missing = match (sight.phase, stage.count) {
                (Phase::Over, None) | (_, Some(_)) => optional_count(stage.count),
                (_, None) => "at the end".into(),
            };
            vec![
                stage.stage.clone().into(),
                missing.into(),
                Line::styled(signed(stage.lost_here.into()), style),
                stage.meaning.clone().into(),
            ]
        })
        .collect();
    let columns = [
        Column::text("stage", 0),
        Column::numbers("packets", 0),
        Column::numbers(if sight.phase == Phase::Over { "lost here" } else { "missing" }, 0),
        Column::rest(),
    ];
    let chosen = model.chosen.checked_sub(first);
    table::render(&columns, &lines, chosen, theme, frame, body);
    let notes: Vec<Line<'_>> =
        notes.into_iter().map(|note| Line::styled(format!(" {note}"), theme.dim())).collect();
    frame.render_widget(Paragraph::new(notes), below);
}

fn notes(sight: &Sight) -> Vec<String> {
    let (_, measured) = sight.totals();
    let mut notes: Vec<String> = sight
        .ports
        .iter()
        .zip(&sight.cast.ports)
        .map(|(port, name)| {
            let dropped: Vec<String> = port
                .overload
                .iter()
                .filter(|(_, value)| *value > 0)
                .map(|(name, value)| format!("{name} {}", count(*value)))
                .collect();
            let dropped = match dropped.is_empty() {
                true => String::new(),
                false => format!("; OVERLOAD {}", dropped.join(", ")),
            };
            format!("{name} receives by {}{dropped}", port.mode)
        })
        .collect();
    if let (Some(open), true) = (measured.open(), sight.phase != Phase::Over) {
        notes.push(format!("{} sent are open: in flight, or lost", count(open)));
    }
    notes
}
