//! The first page: counts, rates and latency of late, the verdict so far, rates and losses over time.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{bars, style_of};
use crate::report::format::{
    NOT_MEASURED, count, nanos, optional_count, optional_rate, percent, rate,
};
use crate::trial::sight::Sight;
use crate::tui::history::Column;
use crate::tui::judge;
use crate::tui::model::Model;
use crate::tui::theme::Theme;

/// From this width on, rates stand beside the counts.
const WIDE: u16 = 72;

pub(super) fn render(
    model: &Model,
    sight: &Sight,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let verdict = verdict(sight, theme, area);
    let (counts, rates) = (counts(sight, theme), rates(model, sight, theme));
    let wide = area.width >= WIDE;
    let odd = odd(sight, theme).filter(|_| area.height > 12);
    let text = if wide { counts.len().max(rates.len()) } else { counts.len() + rates.len() };
    let [top, facts, below, charts] = Layout::vertical([
        Constraint::Length(verdict.len() as u16),
        Constraint::Length(text as u16),
        Constraint::Length(odd.iter().len() as u16),
        Constraint::Min(0),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(verdict), top);
    if wide {
        let [left, right] =
            Layout::horizontal([Constraint::Length(35), Constraint::Min(0)]).areas(facts);
        frame.render_widget(Paragraph::new(counts), left);
        frame.render_widget(Paragraph::new(rates), right);
    } else {
        // What is missing first: the last lines may have no room.
        let (tx_rx, rest) = rates.split_at(2);
        let (sent, missing) = counts.split_at(2);
        frame.render_widget(Paragraph::new([tx_rx, missing, rest, sent].concat()), facts);
    }
    if let Some(odd) = odd {
        frame.render_widget(Paragraph::new(odd), below);
    }
    if charts.height >= 4 {
        render_charts(model, theme, frame, charts);
    }
}

/// The verdict so far and what it rests on, as many lines as there is room for.
fn verdict(sight: &Sight, theme: Theme, area: Rect) -> Vec<Line<'static>> {
    let most = if area.height > 14 { 3 } else { 1 };
    let head = if sight.verdict.is_some() { " Verdict: " } else { " So far: " };
    let mut lines = Vec::new();
    for (n, (weight, text)) in judge::so_far(sight).into_iter().take(most).enumerate() {
        let word = match (n, weight, sight.verdict.is_some()) {
            (0, judge::Weight::Invalid, false) => "would be INVALID: ",
            (0, judge::Weight::Fail, false) => "would FAIL: ",
            _ => "",
        };
        let head = if n == 0 { head.to_owned() } else { " ".repeat(head.len()) };
        lines.push(Line::from(vec![
            Span::styled(head, theme.strong()),
            Span::styled(format!("{word}{text}"), style_of(weight, theme)),
        ]));
    }
    lines
}

/// `name`, a number at the right of its field, and what is beside it.
fn fact(name: &str, value: String, beside: String, style: Style) -> Line<'static> {
    Line::from(vec![
        Span::raw(format!(" {name:<9}")),
        Span::styled(format!("{value:>12}"), style),
        Span::raw(format!("  {beside}")),
    ])
}

fn counts(sight: &Sight, theme: Theme) -> Vec<Line<'static>> {
    let (all, measured) = sight.totals();
    let arrived = measured.arrived;
    let lost = arrived.and_then(|arrived| arrived.lost);
    let plain = Style::new();
    let bad_above_0 = |value: u64| if value > 0 { theme.bad() } else { plain };
    let share = |part: Option<u64>| match part {
        Some(part) => percent(part, measured.sent),
        None => String::new(),
    };
    vec![
        fact("sent", count(all.sent), String::new(), theme.tx()),
        fact("arrived", optional_count(arrived.map(|a| a.unique)), String::new(), theme.rx()),
        fact("lost", optional_count(lost), share(lost), bad_above_0(lost.unwrap_or(0))),
        fact("open", optional_count(measured.open()), "in flight?".into(), plain),
        fact("unsent", count(all.unsent), String::new(), bad_above_0(all.unsent)),
    ]
}

/// What arrived otherwise than it should.
fn odd(sight: &Sight, theme: Theme) -> Option<Line<'static>> {
    let arrived = sight.totals().0.arrived?;
    let (corrupt, alien) = sight.ports.iter().fold((0, 0), |(corrupt, alien), port| {
        (corrupt + port.corrupt, alien + port.alien + port.stale)
    });
    let text = format!(
        " dup {}  reordered {}  corrupt {}  alien {}",
        arrived.duplicated, arrived.reordered, corrupt, alien
    );
    let some = arrived.duplicated + arrived.reordered + corrupt > 0;
    Some(Line::styled(text, if some { theme.warn() } else { Style::new() }))
}

fn rates(model: &Model, sight: &Sight, theme: Theme) -> Vec<Line<'static>> {
    let late = model.history.of_late();
    let tx = late.as_ref().map(Column::tx_pps);
    let rx = late.as_ref().and_then(Column::rx_pps);
    let (tx_bits, rx_bits) = model.history.bits_of_late();
    let bits = |bits: Option<f64>| bits.map_or(String::new(), |bits| rate(bits, "bit/s L1"));
    let mut lines = vec![
        fact("tx", optional_rate(tx, "pps"), bits(tx_bits), theme.tx()),
        fact("rx", optional_rate(rx, "pps"), bits(rx_bits), theme.rx()),
    ];
    let latency = model.history.latency_of_late(&[500_000, 990_000, 1_000_000]);
    let time = |at: usize| {
        let found = latency.as_ref().and_then(|found| found.get(at));
        found.map_or(NOT_MEASURED.to_owned(), |found| nanos(*found as f64))
    };
    let plain = Style::new();
    lines.push(fact("latency", time(0), "median of late".into(), plain));
    lines.push(fact("  p99", time(1), format!("max {}", time(2)), plain));
    let (_, measured) = sight.totals();
    if let Some(latency) = measured.arrived.map(|arrived| arrived.latency)
        && latency.count > 0
    {
        let mean = nanos(latency.mean().unwrap_or(0.0));
        let beside = format!("mean; max {}", nanos(latency.max as f64));
        lines.push(fact("  of all", mean, beside, plain));
    }
    let lag = late.map(|late| late.lag);
    let show = |lag: Option<u64>| lag.map_or(NOT_MEASURED.to_owned(), |lag| nanos(lag as f64));
    let beside = format!("largest {}", nanos(sight.max_lag as f64));
    lines.push(fact("lag", show(lag), beside, plain));
    lines
}

/// Rates over time, one above the other to one scale, and the losses.
fn render_charts(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    const LABEL: u16 = 13;
    let columns = model.history.columns();
    let cells = usize::from(area.width.saturating_sub(LABEL + 1));
    let tx = bars::per_group(columns, cells, |column| Some((column.sent, column.span.0)));
    let rx = bars::per_group(columns, cells, |column| Some((column.received?, column.span.1)));
    let gone = bars::per_group(columns, cells, |column| {
        Some((column.lost + column.unsent, column.span.0))
    });
    let most = |values: &[Option<f64>]| values.iter().flatten().copied().fold(0.0, f64::max);
    let scale = most(&tx).max(most(&rx));
    let loss = u16::from(area.height >= 6);
    // A line between the facts and the charts, where there is one to spare.
    let top = u16::from(area.height >= 8);
    let each = (area.height - 1 - loss - top) / 2;
    let rows = [top, each, each, loss, 1].map(Constraint::Length);
    let [_, tx_area, rx_area, gone_area, axis_area, _] =
        Layout::vertical(rows.into_iter().chain([Constraint::Min(0)])).areas(area);
    for (name, values, scale, style, area) in [
        ("tx", &tx, scale, theme.tx(), tx_area),
        ("rx", &rx, scale, theme.rx(), rx_area),
        ("lost", &gone, most(&gone), theme.bad(), gone_area),
    ] {
        let [label, chart] =
            Layout::horizontal([Constraint::Length(LABEL), Constraint::Min(0)]).areas(area);
        let mut lines = vec![Line::styled(format!(" {name}"), style)];
        if area.height > 1 {
            lines.insert(0, Line::styled(format!(" {}", rate(scale, "pps")), theme.dim()));
        }
        if name == "lost" {
            lines = vec![Line::styled(" lost/unsent", style)];
        }
        frame.render_widget(Paragraph::new(lines), label);
        bars::render(values, scale.max(f64::MIN_POSITIVE), style, frame, chart);
    }
    let axis = Rect { x: axis_area.x + LABEL.min(axis_area.width), ..axis_area };
    let axis = Rect { width: axis_area.width.saturating_sub(LABEL + 1), ..axis };
    bars::render_axis(columns, theme, frame, axis);
}
