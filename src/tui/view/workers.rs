//! Every worker.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::table::{self, Column};
use crate::report::format::{NOT_MEASURED, count, nanos, optional_rate};
use crate::trial::sight::Sight;
use crate::tui::model::Model;
use crate::tui::theme::Theme;

pub(super) fn render(
    model: &Model,
    sight: &Sight,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let all = sight.cast.workers.len();
    let (first, rows) = table::visible(all, model.chosen, area.height.saturating_sub(1));
    let lines: Vec<Vec<Line<'static>>> =
        (first..first + rows).map(|n| row(model, sight, n, theme)).collect();
    let columns = [
        Column::text("worker", 0),
        Column::text("interface", 7),
        Column::numbers("queue", 6),
        Column::numbers("core", 5),
        Column::text("engine", 3),
        Column::numbers("frames", 2),
        Column::numbers("rate", 0),
        Column::numbers("unsent", 1),
        Column::numbers("failed", 4),
        Column::numbers("lag", 0),
    ];
    let chosen = model.chosen.checked_sub(first);
    table::render(&columns, &lines, chosen, theme, frame, area);
}

fn row(model: &Model, sight: &Sight, number: usize, theme: Theme) -> Vec<Line<'static>> {
    let cast = sight.cast.workers.get(number).cloned().unwrap_or_default();
    let worker = sight.workers.get(number).copied().unwrap_or_default();
    let bad_above_0 = |value: u64| {
        Line::styled(count(value), if value > 0 { theme.bad() } else { Default::default() })
    };
    vec![
        format!("{}/{}", cast.port, cast.queue).into(),
        cast.interface.clone().into(),
        cast.queue.to_string().into(),
        cast.core.map_or(NOT_MEASURED.to_owned(), |core| core.to_string()).into(),
        cast.engine.into(),
        count(worker.sent).into(),
        optional_rate(model.history.worker_of_late(number), "pps").into(),
        bad_above_0(worker.unsent),
        bad_above_0(worker.counters.failed),
        nanos(worker.lag as f64).into(),
    ]
}
