//! Every stream.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Text};
use ratatui::widgets::Paragraph;

use super::table::{self, Column};
use crate::report::format::{NOT_MEASURED, count, nanos, optional_count, optional_rate, percent};
use crate::trial::sight::Sight;
use crate::tui::model::{Model, SortBy};
use crate::tui::theme::Theme;

pub(super) fn render(
    model: &Model,
    sight: &Sight,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let notes: &[&str] = match area.height {
        0..10 => &[],
        _ => &[
            "lost: overtaken by a later packet. open: sent, and neither there nor overtaken:",
            "in flight, or lost. Both may change until the run is over.",
        ],
    };
    let [body, below] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(notes.len() as u16 + 1)])
            .areas(area);
    let order = model.sorted();
    let (first, rows) = table::visible(order.len(), model.chosen, body.height.saturating_sub(1));
    let lines: Vec<Vec<Line<'static>>> =
        order[first..first + rows].iter().map(|n| row(model, sight, *n, theme)).collect();
    let sorted = |by: SortBy, head: &str| match model.sort {
        (column, largest_first) if column == by && by != SortBy::Order => {
            format!("{head}{}", if largest_first { '▼' } else { '▲' })
        }
        _ => head.to_owned(),
    };
    let columns = [
        Column::text("stream", 0),
        Column::text("ports", 9),
        Column::numbers(sorted(SortBy::Sent, "sent"), 4),
        Column::numbers("tx", 6),
        Column::numbers(sorted(SortBy::Received, "received"), 5),
        Column::numbers("rx", 2),
        Column::numbers(sorted(SortBy::Lost, "lost"), 0),
        Column::numbers("loss", 7),
        Column::numbers(sorted(SortBy::Open, "open"), 1),
        Column::numbers("dup", 10),
        Column::numbers("reordered", 10),
        Column::numbers("unsent", 8),
        Column::numbers(sorted(SortBy::Latency, "mean latency"), 3),
    ];
    let chosen = model.chosen.checked_sub(first);
    table::render(&columns, &lines, chosen, theme, frame, body);
    let mut text = vec![Line::styled(
        format!(
            " {} to {} of {} streams",
            count((first + rows.min(1)) as u64),
            count((first + rows) as u64),
            count(order.len() as u64)
        ),
        theme.strong(),
    )];
    text.extend(notes.iter().map(|note| Line::styled(format!(" {note}"), theme.dim())));
    frame.render_widget(Paragraph::new(Text::from(text)), below);
}

fn row(model: &Model, sight: &Sight, number: usize, theme: Theme) -> Vec<Line<'static>> {
    let stream = sight.streams.get(number).copied().unwrap_or_default();
    let cast = sight.cast.streams.get(number).cloned().unwrap_or_default();
    let arrived = stream.arrived;
    let lost = arrived.and_then(|arrived| arrived.lost);
    let (tx, rx) = model.history.stream_of_late(number);
    let to = cast.to.as_deref().unwrap_or(NOT_MEASURED);
    let of =
        |of: fn(&crate::trial::sight::Arrived) -> u64| optional_count(arrived.as_ref().map(of));
    let mean = arrived.and_then(|arrived| arrived.latency.mean());
    let lost_style =
        if lost.is_some_and(|lost| lost > 0) { theme.bad() } else { Default::default() };
    vec![
        cast.name.clone().into(),
        format!("{} → {to}", cast.from).into(),
        count(stream.sent).into(),
        optional_rate(tx, "pps").into(),
        of(|arrived| arrived.received).into(),
        optional_rate(rx, "pps").into(),
        Line::styled(optional_count(lost), lost_style),
        lost.map_or(NOT_MEASURED.to_owned(), |lost| percent(lost, stream.sent)).into(),
        optional_count(stream.open()).into(),
        of(|arrived| arrived.duplicated).into(),
        of(|arrived| arrived.reordered).into(),
        count(stream.unsent).into(),
        mean.map_or(NOT_MEASURED.to_owned(), nanos).into(),
    ]
}
