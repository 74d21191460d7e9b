//! The keys, above the page.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use crate::tui::theme::Theme;

const KEYS: [(&str, &str); 13] = [
    ("q, ^C", "stop, with a report"),
    ("^C ^C", "end at once, without one"),
    ("+  -", "rate: 10 points up, down"),
    ("*  /", "rate: twice, half"),
    ("0", "rate: the profile's"),
    ("p", "pause; go on"),
    ("letters", "pages, as in the tabs"),
    ("⇥  ← →", "next page, the one before"),
    ("↓ ↑ j k", "choose a row"),
    ("<  >  r", "sort streams; turn round"),
    ("⏎", "latency of the stream"),
    ("a", "latency of all streams"),
    ("?", "this"),
];

pub(super) fn render(theme: Theme, frame: &mut Frame<'_>) {
    let lines: Vec<Line<'_>> = KEYS
        .iter()
        .map(|(key, what)| {
            let space = " ".repeat(9usize.saturating_sub(key.width()));
            Line::from(vec![
                Span::styled(format!(" {key}{space}"), theme.strong()),
                Span::raw(*what),
            ])
        })
        .collect();
    let all = frame.area();
    let height = (lines.len() as u16 + 2).min(all.height);
    let width = 40.min(all.width);
    let area = Rect { x: (all.width - width) / 2, y: (all.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(" Keys; any key closes this ").border_style(theme.bar());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
