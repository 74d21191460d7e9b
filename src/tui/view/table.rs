//! Tables of a screen: columns that there is no room for are left out, the least important first.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row, Table};

use crate::tui::theme::Theme;

/// A column of text cells.
pub struct Column {
    /// Its head.
    pub head: String,
    /// 0 stays whatever happens; the largest goes first.
    pub rank: u8,
    /// Text stands at the left, numbers at the right.
    pub left: bool,
    /// It takes what room the others leave, and is cut there.
    pub rest: bool,
}

impl Column {
    /// Numbers.
    pub fn numbers(head: impl Into<String>, rank: u8) -> Self {
        Self { head: head.into(), rank, left: false, rest: false }
    }

    /// Text.
    pub fn text(head: impl Into<String>, rank: u8) -> Self {
        Self { head: head.into(), rank, left: true, rest: false }
    }

    /// Text that explains, in what room is left.
    pub fn rest() -> Self {
        Self { head: String::new(), rank: 0, left: true, rest: true }
    }
}

/// Longest text column; what is longer is cut.
const WIDEST: usize = 24;

/// Narrower than this, a column of explanations is left out.
const LEAST_REST: usize = 14;

/// The rows that are visible around the chosen one: the first, and how many.
pub fn visible(rows: usize, chosen: usize, height: u16) -> (usize, usize) {
    let height = usize::from(height).max(1);
    let first = chosen.saturating_sub(height / 2).min(rows.saturating_sub(height));
    (first, height.min(rows - first.min(rows)))
}

/// Draws rows of which `chosen` (a position among them) stands out.
pub fn render(
    columns: &[Column],
    rows: &[Vec<Line<'static>>],
    chosen: Option<usize>,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(Line::width);
        let widest =
            cells.max().unwrap_or(0).max(Line::from(columns[column].head.as_str()).width());
        match (columns[column].rest, columns[column].left) {
            (true, _) => 0,
            (false, true) => widest.min(WIDEST),
            (false, false) => widest,
        }
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let needed = |shown: &[usize]| shown.iter().map(|n| width(*n) + 2).sum::<usize>();
    while needed(&shown) > usize::from(area.width) + 1 {
        let Some(least) = shown.iter().copied().max_by_key(|n| columns[*n].rank) else { break };
        if columns[least].rank == 0 {
            break;
        }
        shown.retain(|n| *n != least);
    }
    // A few letters of an explanation explain nothing.
    let room = usize::from(area.width).saturating_sub(needed(&shown));
    shown.retain(|n| !columns[*n].rest || room >= LEAST_REST);
    let cell = |line: Line<'static>, left: bool| {
        Cell::from(line.alignment(if left { Alignment::Left } else { Alignment::Right }))
    };
    let heads = shown.iter().map(|n| cell(columns[*n].head.clone().into(), columns[*n].left));
    let body = rows.iter().enumerate().map(|(at, row)| {
        let cells =
            shown.iter().map(|n| cell(row.get(*n).cloned().unwrap_or_default(), columns[*n].left));
        let row = Row::new(cells);
        if chosen == Some(at) { row.style(theme.chosen()) } else { row }
    });
    let widths = shown.iter().map(|n| match columns[*n].rest {
        true => Constraint::Fill(1),
        false => Constraint::Length(width(*n) as u16),
    });
    let table =
        Table::new(body, widths).header(Row::new(heads).style(theme.strong())).column_spacing(2);
    let area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(1), ..area };
    frame.render_widget(table, area);
}
