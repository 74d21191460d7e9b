//! Latency over time: a cell counts the packets that arrived in its time with its latency.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::bars;
use crate::report::format::{count, nanos};
use crate::trial::sight::Sight;
use crate::tui::history::{self, Column, ROWS};
use crate::tui::model::Model;
use crate::tui::theme::Theme;

/// Width of the latencies at the left.
const LABEL: u16 = 10;

pub(super) fn render(
    model: &Model,
    sight: &Sight,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let [head, map, axis, legend] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let name = |stream: usize| sight.cast.streams.get(stream).map_or("", |cast| cast.name.as_str());
    let (of, kept_apart) = match model.heat_of {
        None => ("all streams".to_owned(), true),
        Some(stream) => (format!("stream {}", name(stream)), sight.latency_of(stream).is_some()),
    };
    frame.render_widget(
        Paragraph::new(Line::styled(
            format!(" Latency of {of}, receive − send time"),
            theme.strong(),
        )),
        head,
    );
    if map.height == 0 {
        return;
    }
    let cells = usize::from(area.width.saturating_sub(LABEL + 1));
    let columns = model.history.columns();
    let counts = cell_counts(columns, model.heat_of, cells);
    let used = |row: &usize| counts.iter().any(|column| column.get(*row).is_some_and(|&n| n > 0));
    let (lowest, highest) = match ((0..ROWS).find(used), (0..ROWS).rfind(used)) {
        (Some(lowest), Some(highest)) => (lowest, highest),
        _ => {
            let text = match kept_apart {
                true => "no latency was measured yet",
                false => {
                    "latencies of single streams are kept in mid-run where there are 16 \
                          streams at most; `a` shows all together"
                }
            };
            let text = Paragraph::new(format!(" {text}")).wrap(Default::default());
            frame.render_widget(text, map);
            return;
        }
    };
    let rows = highest - lowest + 1;
    let each = rows.div_ceil(usize::from(map.height).max(1));
    let sum = |column: &[u64], line: usize| -> u64 {
        let first = lowest + line * each;
        column.iter().skip(first).take(each).sum()
    };
    let lines = rows.div_ceil(each);
    let most = counts
        .iter()
        .flat_map(|column| (0..lines).map(|line| sum(column, line)))
        .max()
        .unwrap_or(1)
        .max(1);
    for line in 0..lines {
        let y = map.y + map.height - 1 - line as u16;
        // Every other line says where it begins; on a small screen every line does.
        if line % 2 == 0 || lines < 6 {
            let label = nanos(history::row_begins(lowest + line * each) as f64);
            let area = Rect { x: map.x, y, width: LABEL.min(map.width), height: 1 };
            frame.render_widget(Paragraph::new(format!("{label:>9} ")).style(theme.dim()), area);
        }
        for (n, column) in counts.iter().enumerate() {
            let value = sum(column, line);
            if value > 0
                && let Some(cell) = frame.buffer_mut().cell_mut((map.x + LABEL + n as u16, y))
            {
                let (shade, style) = theme.heat(step(value, most));
                cell.set_char(shade).set_style(style);
            }
        }
    }
    let below = Rect { x: axis.x + LABEL.min(axis.width), ..axis };
    let below = Rect { width: axis.width.saturating_sub(LABEL + 1), ..below };
    bars::render_axis(columns, theme, frame, below);
    frame.render_widget(Paragraph::new(legend_line(most, each, legend.width, theme)), legend);
}

/// Per cell of time, arrivals by row.
fn cell_counts(columns: &[Column], of: Option<usize>, cells: usize) -> Vec<Vec<u64>> {
    let rows = |column: &Column| -> Box<[u64]> {
        match of {
            None => column.latency.clone(),
            Some(stream) => column.latency_of.get(stream).cloned().unwrap_or_default(),
        }
    };
    bars::groups(columns.len(), cells)
        .map(|(first, end)| {
            let mut sums = vec![0; ROWS];
            for column in &columns[first..end] {
                sums.iter_mut().zip(&*rows(column)).for_each(|(sum, count)| *sum += count);
            }
            sums
        })
        .collect()
}

/// The largest count of a step: even parts of the logarithm of the largest of all.
fn limit(step: usize, most: u64) -> u64 {
    if step + 1 >= Theme::HEAT_STEPS {
        return most;
    }
    let part = (step + 1) as f64 / Theme::HEAT_STEPS as f64;
    ((most as f64).powf(part).floor() as u64).clamp(1, most)
}

fn step(value: u64, most: u64) -> usize {
    (0..Theme::HEAT_STEPS).find(|step| value <= limit(*step, most)).unwrap_or(0)
}

fn legend_line(most: u64, each: usize, width: u16, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(" packets a cell:", theme.dim())];
    let mut room = usize::from(width).saturating_sub(16);
    let mut last = 0;
    for n in 0..Theme::HEAT_STEPS {
        let limit = limit(n, most);
        if limit == last {
            continue;
        }
        last = limit;
        let (shade, style) = theme.heat(n);
        let text = format!(" ≤ {}", count(limit));
        room = room.saturating_sub(text.len() + 3);
        if room == 0 {
            break;
        }
        spans.push(Span::styled(format!("  {shade}{shade}"), style));
        spans.push(Span::raw(text));
    }
    let factor = 2f64.powf(each as f64 / 4.0);
    let row = format!("   a row: factor {factor:.2}");
    if room > row.len() {
        spans.push(Span::styled(row, theme.dim()));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_step_and_one_packet_is_seen() {
        for most in [1, 2, 7, 100, 123_456_789] {
            assert_eq!(step(1, most), 0);
            assert_eq!(limit(Theme::HEAT_STEPS - 1, most), most);
            let steps: Vec<usize> = (1..=most.min(1_000)).map(|value| step(value, most)).collect();
            assert!(steps.is_sorted());
        }
    }
}
