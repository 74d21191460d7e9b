//! The keys, above the page.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::model::Model;
use crate::tui::theme::Theme;

const KEYS: [(&str, &str); 11] = [
    ("q, Ctrl-C", "stop: the report follows, INCOMPLETE"),
    ("Ctrl-C twice", "end at once, without a report"),
    ("+  -", "rate: 10 points up, down"),
    ("*  /", "rate: twice, half"),
    ("0", "rate: that of the profile"),
    ("Tab, ← →", "next page, the one before"),
    ("↓ ↑, j k", "choose a row; PgDn, PgUp, Home, End"),
    ("<  >  r", "streams: sort by; the other way round"),
    ("Enter", "streams: the latency of the chosen one"),
    ("a", "latency: all streams"),
    ("?", "this"),
];

pub(super) fn render(model: &Model, theme: Theme, frame: &mut Frame<'_>) {
    let mut lines: Vec<Line<'_>> = KEYS
        .iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!(" {key:<13}"), theme.strong()), Span::raw(*what)])
        })
        .collect();
    let pages: Vec<String> = model.views().map(|(key, _, name)| format!("{key} {name}")).collect();
    lines.insert(5, Line::from(format!(" {}", pages.join("  "))));
    let all = frame.area();
    let height = (lines.len() as u16 + 2).min(all.height);
    let width = 62.min(all.width);
    let area = Rect { x: (all.width - width) / 2, y: (all.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(" Keys; any key closes this ").border_style(theme.bar());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
