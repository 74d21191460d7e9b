//! Values over the time of the trial as bars, the whole of it from left to right.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Paragraph;

use crate::tui::history::Column;
use crate::tui::theme::Theme;

/// Eighths of a cell.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The columns in groups that fit so many cells: each group's first column and its end.
pub fn groups(columns: usize, cells: usize) -> impl Iterator<Item = (usize, usize)> {
    let each = columns.div_ceil(cells.max(1)).max(1);
    (0..columns.div_ceil(each)).map(move |n| (n * each, (n * each + each).min(columns)))
}

/// One value a group: the mean over its time.
pub fn per_group(
    columns: &[Column],
    cells: usize,
    value: impl Fn(&Column) -> Option<(u64, u64)>,
) -> Vec<Option<f64>> {
    groups(columns.len(), cells)
        .map(|(first, end)| {
            let mut sum = None;
            for (amount, span) in columns[first..end].iter().filter_map(&value) {
                let (amounts, spans) = sum.unwrap_or((0, 0));
                sum = Some((amounts + amount, spans + span));
            }
            sum.filter(|(_, span)| *span > 0)
                .map(|(amount, span)| amount as f64 * 1e9 / span as f64)
        })
        .collect()
}

/// Bars of `values` up to `max`, from the left. What is above 0 is never shown as nothing.
pub fn render(values: &[Option<f64>], max: f64, style: Style, frame: &mut Frame<'_>, area: Rect) {
    let buffer = frame.buffer_mut();
    for (n, value) in values.iter().take(area.width.into()).enumerate() {
        let Some(value) = value.filter(|value| *value > 0.0) else { continue };
        let all = f64::from(area.height) * 8.0;
        let eighths = (value / max * all).round().clamp(1.0, all) as u16;
        for row in 0..area.height {
            let part = eighths.saturating_sub(row * 8).min(8);
            let (x, y) = (area.x + n as u16, area.y + area.height - 1 - row);
            if let Some(cell) = buffer.cell_mut((x, y)).filter(|_| part > 0) {
                cell.set_char(EIGHTHS[usize::from(part)]).set_style(style);
            }
        }
    }
}

/// The axis of time below columns.
pub fn render_axis(columns: &[Column], theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let cells = usize::from(area.width);
    let used = groups(columns.len(), cells).count();
    let span: u64 = columns.iter().map(|column| column.span.0).sum();
    let end = super::seconds_in_tenths(span);
    let mut line = String::from("0 s");
    let at = used.saturating_sub(end.len()).max(line.len() + 1);
    line.push_str(&" ".repeat(at - line.len()));
    line.push_str(&end);
    let each = span.checked_div(used as u64).unwrap_or(0) / 1_000_000;
    let cell = format!("a column: {each} ms");
    if line.len() + cell.len() + 3 <= cells {
        line.push_str(&" ".repeat(cells - line.len() - cell.len()));
        line.push_str(&cell);
    }
    frame.render_widget(Paragraph::new(line).style(theme.dim()), area);
}
