//! The searches of a benchmark: where it is, what is known, the trials that ended.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::table;
use crate::report::format::{count, seconds};
use crate::report::suite_progress;
use crate::tui::model::Model;
use crate::tui::theme::Theme;

pub(super) fn render(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let Some(suite) = &model.suite else { return };
    if suite.number == 0 {
        let text = Paragraph::new(" preparing the first trial").style(theme.dim());
        frame.render_widget(text, area);
        return;
    }
    let fact = |name: &str, value: String| {
        Line::from(vec![Span::raw(format!(" {name:<9}")), Span::styled(value, theme.strong())])
    };
    let known: Vec<String> = suite.bounds.iter().filter_map(suite_progress::bounds).collect();
    let known = if known.is_empty() { "nothing yet".to_owned() } else { known.join(", ") };
    let (over, all) = suite.searches;
    let invalid = match suite.invalid {
        0 => String::new(),
        invalid => format!(", {invalid} INVALID so far"),
    };
    let mut lines = vec![
        fact("search", format!("{}, size {}: {} of {all}", suite.test, suite.size, over + 1)),
        fact("trial", format!("{}: {}{invalid}", suite.number, suite.trial)),
        fact("known", known),
        fact(
            "left",
            format!(
                "about {} trials, {}",
                count(suite.trials_left),
                seconds(suite.time_left.as_secs_f64())
            ),
        ),
    ];
    if let Some(sight) = &model.sight {
        let (all, measured) = sight.totals();
        let lost = measured.arrived.and_then(|arrived| arrived.lost).unwrap_or(0);
        lines.push(fact(
            "now",
            format!("{} sent, {} lost, {} unsent", count(all.sent), count(lost), count(all.unsent)),
        ));
    }
    let height = lines.len() as u16 + 1;
    let [facts, trials] =
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), facts);
    let room = trials.height.saturating_sub(1);
    let (first, rows) = table::visible(suite.last.len(), model.chosen, room);
    let mut list = vec![Line::styled(
        format!(" {} trials ended, the last one first", count(suite.ended)),
        theme.strong(),
    )];
    for (n, ended) in suite.last.iter().enumerate().skip(first).take(rows) {
        let (mark, style) = match (ended.valid, ended.lossy) {
            (false, _) => ('!', theme.warn()),
            (true, true) => ('✗', theme.bad()),
            (true, false) => ('✓', theme.good()),
        };
        let text = format!(" {}: {}", ended.of, ended.trial);
        let mut spans = vec![
            Span::styled(format!(" {mark}"), style),
            Span::raw(text),
            Span::styled(format!("  {}", ended.found), style),
        ];
        if n == model.chosen {
            spans = spans.into_iter().map(|span| span.patch_style(theme.chosen())).collect();
        }
        list.push(Line::from(spans));
    }
    frame.render_widget(Paragraph::new(list), trials);
}
