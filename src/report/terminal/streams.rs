//! The streams: counts, rates, latency, precision.

use super::Style;
use super::paint::{Tint, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::format::{
    NOT_MEASURED, TimeUnit, count, nanos, optional_count, optional_rate, percent, rate,
};
use crate::report::model::{Percentiles, RunResult, StreamResult, Totals};
use crate::report::statement::watched;

/// More streams than this are not shown one by one.
const SHOWN_MAX: usize = 24;

/// The streams to show: all, or, of very many, those that lost most.
fn shown(result: &RunResult) -> Vec<&StreamResult> {
    let mut streams: Vec<&StreamResult> = result.streams.iter().collect();
    if streams.len() > SHOWN_MAX {
        let trouble = |stream: &StreamResult| {
            let counts = &stream.counts;
            (counts.lost, counts.unsent, counts.reordered, counts.duplicated)
        };
        // A stable sort: the profile's order stays among equals.
        streams.sort_by_key(|stream| std::cmp::Reverse(trouble(stream)));
        streams.truncate(SHOWN_MAX);
    }
    streams
}

/// The one pair of ports that all streams go between, where there is only one.
fn path(result: &RunResult) -> Option<String> {
    let first = result.streams.first()?;
    let same = result.streams.iter().all(|s| s.from == first.from && s.to == first.to);
    same.then(|| path_of(first))
}

fn path_of(stream: &StreamResult) -> String {
    match &stream.to {
        Some(to) => clean(&format!("{} → {to}", stream.from)),
        None => clean(&stream.from),
    }
}

/// Red where something is counted that should not be.
fn trouble(value: Option<u64>, tint: Tint) -> Cell {
    match value {
        Some(value) if value > 0 => Cell::new(count(value), tint),
        _ => Cell::plain(optional_count(value)),
    }
}

/// A stage of the table of counts that is shown where `wanted`.
struct Counted {
    title: &'static str,
    wanted: bool,
    /// The cell of these counts, of which so many sent packets were watched.
    cell: fn(&Totals, u64) -> Cell,
}

/// Packets sent, received, lost; duplicates, order. Columns that say nothing in this run (all
/// unsent 0, unique = received) are left out.
pub fn counts(result: &RunResult, style: Style) -> String {
    let all = || result.streams.iter().map(|s| &s.counts).chain([&result.totals]);
    let columns = [
        Counted {
            title: "unsent",
            wanted: all().any(|c| c.unsent > 0),
            cell: |c, _| trouble(Some(c.unsent), Tint::Warn),
        },
        Counted { title: "sent", wanted: true, cell: |c, _| Cell::plain(count(c.sent)) },
        Counted {
            title: "received",
            wanted: true,
            cell: |c, _| match c.received {
                Some(0) if c.sent > 0 => Cell::new("0", Tint::Bad),
                received => Cell::plain(optional_count(received)),
            },
        },
        Counted {
            title: "unique",
            wanted: all().any(|c| c.unique != c.received),
            cell: |c, _| Cell::plain(optional_count(c.unique)),
        },
        Counted { title: "lost", wanted: true, cell: |c, _| trouble(c.lost, Tint::Bad) },
        Counted {
            title: "loss",
            wanted: true,
            cell: |c, watched| match c.lost {
                Some(lost) if lost > 0 => Cell::new(percent(lost, watched), Tint::Bad),
                Some(lost) => Cell::plain(percent(lost, watched)),
                None => Cell::plain(NOT_MEASURED),
            },
        },
        Counted { title: "dup", wanted: true, cell: |c, _| trouble(c.duplicated, Tint::Warn) },
        Counted { title: "reordered", wanted: true, cell: |c, _| trouble(c.reordered, Tint::Warn) },
        Counted {
            title: "late",
            wanted: all().any(|c| c.late_ambiguous.is_some_and(|late| late > 0)),
            cell: |c, _| trouble(c.late_ambiguous, Tint::Warn),
        },
    ];
    let one_path = path(result);
    let title = match &one_path {
        Some(path) => format!("Streams {path}"),
        None => "Streams".to_owned(),
    };
    let mut table = Table::new(title);
    if one_path.is_none() {
        table = table.column("path", Align::Left);
    }
    for column in columns.iter().filter(|column| column.wanted) {
        table = match column.title {
            "loss" | "reordered" => table.column_beside(column.title, Align::Right),
            title => table.column(title, Align::Right),
        };
    }
    let mut add = |name: Cell, path: String, counts: &Totals, watched: u64| {
        let mut row = vec![name];
        if one_path.is_none() {
            row.push(Cell::plain(path));
        }
        row.extend(columns.iter().filter(|c| c.wanted).map(|c| (c.cell)(counts, watched)));
        table.row(row);
    };
    let shown = shown(result);
    for stream in &shown {
        add(Cell::plain(clean(&stream.name)), path_of(stream), &stream.counts, stream.counts.sent);
    }
    if result.streams.len() != 1 {
        add(Cell::new("total", Tint::Strong), String::new(), &result.totals, watched(result));
    }
    let mut text = table.render(style);
    let mut note = |line: &str| {
        for line in wrap(line, style.width.into()) {
            text.push_str(&paint(&line, Tint::Faint, style.color));
            text.push('\n');
        }
    };
    if shown.len() < result.streams.len() {
        note(&format!(
            "{} of {} streams, those that lost most first; --json and --csv hold all.",
            shown.len(),
            count(result.streams.len() as u64)
        ));
    }
    let mut beside = Vec::new();
    if result.totals.received.is_some() {
        beside.push(format!(
            "Of all received: {} corrupt, {} alien (no probes of this run).",
            optional_count(result.totals.corrupt),
            optional_count(result.totals.alien)
        ));
    }
    if let Some(extent) = result.totals.reorder_extent_max {
        beside.push(format!("Largest reordering extent: {}.", count(extent)));
    }
    note(&beside.join(" "));
    text
}

/// Packets and bits per second.
pub fn rates(result: &RunResult, style: Style) -> String {
    let mut table = Table::new("Rates");
    for (tx, rx) in [("tx", "rx"), ("tx L1", "rx L1"), ("tx L2", "rx L2")] {
        table = table.column(tx, Align::Right).column_beside(rx, Align::Right);
    }
    let mut add = |name: Cell, counts: &Totals| {
        table.row(vec![
            name,
            Cell::plain(rate(counts.tx_pps, "pps")),
            Cell::plain(optional_rate(counts.rx_pps, "pps")),
            Cell::plain(rate(counts.tx_l1_bps, "bit/s")),
            Cell::plain(optional_rate(counts.rx_l1_bps, "bit/s")),
            Cell::plain(rate(counts.tx_l2_bps, "bit/s")),
            Cell::plain(optional_rate(counts.rx_l2_bps, "bit/s")),
        ]);
    };
    for stream in shown(result) {
        add(Cell::plain(clean(&stream.name)), &stream.counts);
    }
    if result.streams.len() != 1 {
        add(Cell::new("total", Tint::Strong), &result.totals);
    }
    table.render(style)
}

/// Latency from the actual and from the intended send time, and jitter: a row has one unit, its
/// median's. The number of values stands there where it is not the number of packets.
pub fn latency(result: &RunResult, style: Style) -> String {
    let measured = |stream: &StreamResult| {
        [&stream.latency_ns, &stream.latency_intended_ns, &stream.jitter_ns]
            .iter()
            .any(|values| values.is_some())
    };
    if !result.streams.iter().any(measured) {
        let title = paint("Latency", Tint::Strong, style.color);
        let note = paint(&format!("{NOT_MEASURED} not measured"), Tint::Faint, style.color);
        return format!("{title}  {note}\n");
    }
    let streams = shown(result);
    let partial = streams.iter().any(|stream| {
        stream.latency_ns.as_ref().is_some_and(|values| Some(values.count) != stream.counts.unique)
    });
    let mut table = Table::new("Latency").column("", Align::Left);
    for title in ["min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"] {
        table = table.column(title, Align::Right);
    }
    if partial {
        table = table.column("values", Align::Right);
    }
    let mut add = |name: String, values: Option<&Percentiles>| {
        let mut row = vec![Cell::plain(name)];
        match values {
            None => {
                row.push(Cell::plain(""));
                row.extend((0..8).map(|_| Cell::plain(NOT_MEASURED)));
            }
            Some(v) => {
                let unit = TimeUnit::of(v.p50);
                row.push(Cell::new(unit.symbol(), Tint::Faint));
                row.push(Cell::plain(unit.show(v.min as f64)));
                row.push(Cell::plain(unit.show(v.mean)));
                let rest = [v.p50, v.p90, v.p99, v.p99_9, v.p99_99, v.max];
                row.extend(rest.map(|value| Cell::plain(unit.show(value as f64))));
            }
        }
        if partial {
            row.push(Cell::plain(optional_count(values.map(|values| values.count))));
        }
        table.row(row);
    };
    for stream in streams {
        add(clean(&stream.name), stream.latency_ns.as_ref());
        if measured(stream) {
            add("  intended".to_owned(), stream.latency_intended_ns.as_ref());
            add("  jitter".to_owned(), stream.jitter_ns.as_ref());
        }
    }
    let mut text = table.render(style);
    let note = "intended: from the time that the schedule wanted; jitter: RFC 4689.";
    for line in wrap(note, style.width.into()) {
        text.push_str(&paint(&line, Tint::Faint, style.color));
        text.push('\n');
    }
    text
}

/// Gaps between arrivals against the wanted gap.
pub fn gaps(result: &RunResult, style: Style) -> String {
    let Some(gaps) = &result.gaps else {
        return String::new();
    };
    let mut table = Table::new("Gaps wanted").column("measured", Align::Right);
    for title in ["±64 ns", "±128 ns", "±256 ns", "±512 ns", "micro-bursts"] {
        table = table.column(title, Align::Right);
    }
    // The shares were counts once: shown exactly, so that few bursts are not none.
    let share = |value: f64| percent((value * gaps.count as f64).round() as u64, gaps.count);
    let shares =
        [gaps.within_64ns, gaps.within_128ns, gaps.within_256ns, gaps.within_512ns, gaps.bursts];
    let mut row = vec![Cell::plain(nanos(gaps.wanted_ns as f64)), Cell::plain(count(gaps.count))];
    row.extend(shares.map(|value| Cell::plain(share(value))));
    table.row(row);
    table.render(style)
}
