//! The model on a screen: a bar with the run, the tabs, one page, and the keys. Pure.

mod bars;
mod heat;
mod help;
mod ledger;
mod overview;
mod search;
mod streams;
mod table;
mod workers;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::judge::Weight;
use super::model::{Model, View};
use super::theme::Theme;
use crate::pace::RateChange;
use crate::report::format::seconds;
use crate::trial::sight::{Phase, Sight};

/// Draws the model.
pub fn render(model: &Model, theme: Theme, frame: &mut Frame<'_>) {
    let [title, tabs, page, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    render_title(model, theme, frame, title);
    frame.render_widget(Paragraph::new(tab_line(model, theme, tabs.width)), tabs);
    match (&model.sight, model.view) {
        (_, View::Search) => search::render(model, theme, frame, page),
        (None, _) => {
            let text = " preparing: lab, ports, neighbours, programs";
            frame.render_widget(Paragraph::new(text).style(theme.dim()), page);
        }
        (Some(sight), View::Overview) => overview::render(model, sight, theme, frame, page),
        (Some(sight), View::Streams) => streams::render(model, sight, theme, frame, page),
        (Some(sight), View::Workers) => workers::render(model, sight, theme, frame, page),
        (Some(sight), View::Heat) => heat::render(model, sight, theme, frame, page),
        (Some(sight), View::Ledger) => ledger::render(model, sight, theme, frame, page),
    }
    render_keys(model, theme, frame, keys);
    if model.help {
        help::render(theme, frame);
    }
}

/// What the run is doing, of the longest text that fits.
fn render_title(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let (name, state, rate, engine) = match &model.sight {
        None => (String::new(), "preparing".to_owned(), String::new(), String::new()),
        Some(sight) => {
            let wanted = if model.paused { RateChange::PAUSED } else { model.wanted };
            let rate = match (sight.percent, wanted) {
                (RateChange::PAUSED, RateChange::PAUSED) => "PAUSED".to_owned(),
                (is, wanted) if is == wanted => format!("rate {is} %"),
                (is, wanted) => format!("rate {is} → {wanted} %"),
            };
            (sight.cast.profile.clone(), phase(sight), rate, sight.engines())
        }
    };
    let parts = ["wirestorm".to_owned(), name, state, rate, engine];
    let state = 2;
    let mut shown: Vec<usize> = (0..parts.len()).filter(|n| !parts[*n].is_empty()).collect();
    let line = |shown: &[usize]| {
        let texts: Vec<&str> = shown.iter().map(|n| parts[*n].as_str()).collect();
        format!(" {} ", texts.join("  "))
    };
    // The program's own name is the first that nobody misses.
    for drop in [0, 4, 1, 3] {
        if line(&shown).width() > area.width.into() {
            shown.retain(|n| *n != drop || *n == state);
        }
    }
    frame.render_widget(Paragraph::new(line(&shown)).style(theme.bar()), area);
}

fn phase(sight: &Sight) -> String {
    let elapsed = seconds_in_tenths(sight.elapsed);
    match (sight.phase, sight.expected) {
        (Phase::Settling, _) => "settling".into(),
        (Phase::Sending, Some(all)) => {
            format!("sending {elapsed} of {}", seconds(all as f64 / 1e9))
        }
        (Phase::Sending, None) => format!("sending {elapsed}"),
        (Phase::Draining, _) => "draining".into(),
        (Phase::Over, _) => format!("over after {elapsed}"),
    }
}

fn seconds_in_tenths(nanos: u64) -> String {
    let tenths = nanos / 100_000_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// The tabs with their keys; where there is no room, the names of the others are left out.
fn tab_line(model: &Model, theme: Theme, width: u16) -> Line<'static> {
    let views: Vec<_> = model.views().collect();
    let long: usize = views.iter().map(|(.., name)| name.len() + 4).sum();
    let named = long <= usize::from(width);
    let mut spans = Vec::new();
    for (key, view, name) in views {
        let current = view == model.view;
        let style = if current { theme.chosen() } else { theme.strong() };
        spans.push(Span::raw(" "));
        match named || current {
            true => {
                spans.push(Span::styled(format!(" {key}"), style));
                let style = if current { theme.chosen() } else { theme.dim() };
                spans.push(Span::styled(format!(" {name}"), style));
            }
            false => spans.push(Span::styled(key.to_string(), style)),
        }
    }
    Line::from(spans)
}

/// Keys of every page, then those of this one; a message takes their place.
fn render_keys(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let line = match &model.message {
        Some(message) => {
            Line::from(vec![Span::raw(" "), Span::styled(message.clone(), theme.warn())])
        }
        None => {
            let mut keys = vec![
                ("q", "stop"),
                ("?", "help"),
                ("p", "pause"),
                ("+ -", "rate"),
                ("⇥", "next page"),
            ];
            match model.view {
                View::Streams => {
                    keys.extend([("↓ ↑", "choose"), ("< >", "sort"), ("⏎", "its latency")]);
                }
                View::Heat if model.heat_of.is_some() => keys.push(("a", "all streams")),
                View::Overview | View::Heat => {}
                View::Workers | View::Ledger | View::Search => keys.push(("↓ ↑", "choose")),
            }
            let mut spans = Vec::new();
            let mut room = usize::from(area.width);
            for (key, what) in keys {
                let width = key.width() + what.width() + 4;
                if width > room {
                    break;
                }
                room -= width;
                spans.push(Span::styled(format!(" {key}"), theme.strong()));
                spans.push(Span::styled(format!(" {what}  "), theme.dim()));
            }
            Line::from(spans)
        }
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn style_of(weight: Weight, theme: Theme) -> ratatui::style::Style {
    match weight {
        Weight::Good => theme.good(),
        Weight::Note => theme.warn(),
        Weight::Fail | Weight::Invalid => theme.bad(),
    }
}

#[cfg(test)]
mod tests;
