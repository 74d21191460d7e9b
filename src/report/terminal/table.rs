//! A table without lines between its columns. Where the terminal is too narrow, the columns that do
//! not fit follow in a block below, each block with the first column: nothing is left out.

use super::Style;
use super::paint::{Tint, paint, shorten, width, wrap};

/// Columns between two columns.
const GAP: usize = 2;
/// A first column is not shortened below this.
const KEY_MIN: usize = 12;
/// A wrapped last column is at least this wide; else it is left out of the block and put below.
const WRAP_MIN: usize = 20;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
    /// Sentences: takes the width that is left, in several lines. The last column only.
    Wrap,
}

/// A piece of a row.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    tint: Tint,
}

impl Cell {
    /// A cell in the colour of `tint`.
    pub fn new(text: impl Into<String>, tint: Tint) -> Self {
        Self { text: text.into(), tint }
    }

    /// A cell in the text's colour; `–` is faint.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        let faint = text == crate::report::format::NOT_MEASURED;
        Self { text, tint: if faint { Tint::Faint } else { Tint::Plain } }
    }
}

/// Columns with a heading, and rows.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    /// How many columns are names, which stand before every block.
    names: usize,
    /// Columns that stand in the block of the one before them.
    beside: Vec<usize>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table whose first column, the names, has `title`.
    pub fn new(title: impl Into<String>) -> Self {
        Self { columns: vec![(title.into(), Align::Left)], names: 1, ..Self::default() }
    }

    /// Adds a column to the names: rows are told apart by all of them. Before any other column.
    #[must_use]
    pub fn name(mut self, title: &str) -> Self {
        self.names += 1;
        self.column(title, Align::Left)
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, title: &str, align: Align) -> Self {
        self.columns.push((title.to_owned(), align));
        self
    }

    /// Adds a column that stays in one block with the column before.
    #[must_use]
    pub fn column_beside(mut self, title: &str, align: Align) -> Self {
        self.beside.push(self.columns.len());
        self.column(title, align)
    }

    /// Adds a row with a cell a column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The table in lines of at most the style's width, with a line end after each.
    pub fn render(&self, style: Style) -> String {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().filter_map(|row| row.get(at));
                cells.map(|cell| width(&cell.text)).chain([width(&self.columns[at].0)]).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let limit = usize::from(style.width);
        self.fit_last(&mut widths, limit);
        fit_key(&mut widths, limit);
        let mut text = String::new();
        for block in blocks(&widths, self.names, &self.beside, limit) {
            if !text.is_empty() {
                text.push('\n');
            }
            self.render_block(&block, &widths, style, &mut text);
        }
        text
    }

    /// Gives a last column of sentences the width that is left.
    fn fit_last(&self, widths: &mut [usize], limit: usize) {
        let last = widths.len() - 1;
        if self.columns[last].1 == Align::Wrap {
            let others: usize = widths[..last].iter().map(|width| width + GAP).sum();
            let left = limit.saturating_sub(others);
            let left = if left < WRAP_MIN { limit.saturating_sub(widths[0] + GAP) } else { left };
            widths[last] = widths[last].min(left.max(1));
        }
    }

    fn render_block(&self, block: &[usize], widths: &[usize], style: Style, text: &mut String) {
        let line: Vec<Vec<String>> =
            block.iter().map(|&at| vec![shorten(&self.columns[at].0, widths[at])]).collect();
        self.render_lines(block, widths, &line, &|_| Tint::Strong, style, text);
        let total = block.iter().map(|&at| widths[at] + GAP).sum::<usize>() - GAP;
        text.push_str(&paint(&"─".repeat(total), Tint::Faint, style.color));
        text.push('\n');
        for row in &self.rows {
            let lines: Vec<Vec<String>> = block
                .iter()
                .map(|&at| match self.columns[at].1 {
                    Align::Wrap => wrap(&row[at].text, widths[at]),
                    Align::Left | Align::Right => vec![shorten(&row[at].text, widths[at])],
                })
                .collect();
            self.render_lines(block, widths, &lines, &|at| row[at].tint, style, text);
        }
    }

    /// One row: as many lines as its highest cell has.
    fn render_lines(
        &self,
        block: &[usize],
        widths: &[usize],
        lines: &[Vec<String>],
        tint: &dyn Fn(usize) -> Tint,
        style: Style,
        text: &mut String,
    ) {
        let height = lines.iter().map(Vec::len).max().unwrap_or(1).max(1);
        for number in 0..height {
            let mut line = String::new();
            let mut blank = 0;
            for (&at, cell) in block.iter().zip(lines) {
                let piece = cell.get(number).map_or("", String::as_str);
                let pad = widths[at].saturating_sub(width(piece));
                let (before, after) =
                    if self.columns[at].1 == Align::Right { (pad, 0) } else { (0, pad) };
                if !piece.is_empty() {
                    line.push_str(&" ".repeat(blank + before));
                    line.push_str(&paint(piece, tint(at), style.color));
                    blank = after + GAP;
                } else {
                    blank += widths[at] + GAP;
                }
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
}

/// Shortens the first column as far as it must be for all columns to stand in one block; where that
/// is not far enough, to a third of the line.
fn fit_key(widths: &mut [usize], limit: usize) {
    let others: usize = widths[1..].iter().map(|width| width + GAP).sum();
    let room = limit.saturating_sub(others);
    if widths[0] > room {
        let key = if room >= KEY_MIN { room } else { (limit / 3).max(KEY_MIN) };
        widths[0] = widths[0].min(key);
    }
}

/// Which columns stand in which block: as many as fit, the ones of `beside` with their neighbours.
fn blocks(widths: &[usize], names: usize, beside: &[usize], limit: usize) -> Vec<Vec<usize>> {
    let of_names = widths[..names].iter().map(|width| width + GAP).sum::<usize>() - GAP;
    let mut blocks: Vec<Vec<usize>> = vec![(0..names).collect()];
    let mut used = of_names;
    let mut at = names;
    while at < widths.len() {
        let mut end = at + 1;
        while beside.contains(&end) {
            end += 1;
        }
        let group: usize = widths[at..end].iter().map(|width| GAP + width).sum();
        let block = blocks.last_mut().expect("there is always a block");
        if block.len() > names && used + group > limit {
            blocks.push((0..names).chain(at..end).collect());
            used = of_names + group;
        } else {
            block.extend(at..end);
            used += group;
        }
        at = end;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("Name").column("a", Align::Right).column("bb", Align::Right);
        table.row(vec![Cell::plain("first"), Cell::plain("1,000"), Cell::plain("–")]);
        table.row(vec![Cell::plain("second-long-name"), Cell::plain("2"), Cell::plain("30")]);
        table
    }

    #[test]
    fn wide_enough_is_one_block() {
        let text = table().render(Style { color: false, width: 80 });
        let want = "\
Name                  a  bb
───────────────────────────
first             1,000   –
second-long-name      2  30
";
        assert_eq!(text, want);
    }

    #[test]
    fn names_give_way_first_and_columns_then_move_below() {
        let text = table().render(Style { color: false, width: 24 });
        assert!(text.contains("second…g-name      2  30"), "{text}");
        let text = table().render(Style { color: false, width: 20 });
        assert_eq!(text.matches("Name").count(), 2, "{text}");
        assert!(text.lines().all(|line| width(line) <= 20), "{text}");
    }

    #[test]
    fn rows_keep_all_their_names_in_every_block() {
        let mut table = Table::new("cell").name("arm");
        for title in ["tries", "loss"] {
            table = table.column(title, Align::Right);
        }
        table.row(["v6", "small", "1,000,000", "11.57 %"].map(Cell::plain).into());
        let text = table.render(Style { color: false, width: 24 });
        assert_eq!(text.matches("v6    small").count(), 2, "{text}");
    }

    #[test]
    fn sentences_take_the_width_that_is_left() {
        let mut table = Table::new("Stage").column("n", Align::Right).column("why", Align::Wrap);
        let why = "words that do not fit into one line of it";
        table.row(vec![Cell::plain("x"), Cell::plain("1"), Cell::plain(why)]);
        let text = table.render(Style { color: false, width: 34 });
        let want = "\
Stage  n  why
──────────────────────────────────
x      1  words that do not fit
          into one line of it
";
        assert_eq!(text, want);
    }
}
