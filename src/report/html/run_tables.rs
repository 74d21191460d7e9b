//! The tables of a run. All streams are in them, however many.

use super::page::{Block, Cell, Column, Table, Tone};
use crate::report::calibration::{Calibrated, Floor};
use crate::report::format::{
    NOT_MEASURED, TimeUnit, count, nanos, optional_count, optional_rate, percent, rate, seconds,
    signed,
};
use crate::report::model::{DatagramResult, Percentiles, RunResult, Stage, Totals};
use crate::report::statement::{compare, watched};

/// A counter that should be 0.
fn trouble(value: Option<u64>, tone: Tone) -> Cell {
    let tone = if value.is_some_and(|value| value > 0) { tone } else { Tone::Plain };
    counted(value).toned(tone)
}

fn counted(value: Option<u64>) -> Cell {
    Cell::number(optional_count(value), value.map(|value| value as f64))
}

/// Packets, and rates.
pub fn streams(result: &RunResult) -> Vec<Block> {
    let all = || result.streams.iter().map(|s| &s.counts).chain([&result.totals]);
    let unsent = all().any(|counts| counts.unsent > 0);
    let unique = all().any(|counts| counts.unique != counts.received);
    let late = all().any(|counts| counts.late_ambiguous.is_some_and(|late| late > 0));
    let mut columns = vec![Column::text("stream"), Column::text("path")];
    let mut number = |wanted: bool, title: &str| {
        if wanted {
            columns.push(Column::number(title));
        }
    };
    number(unsent, "unsent");
    number(true, "sent");
    number(true, "received");
    number(unique, "unique");
    number(true, "lost");
    number(true, "loss");
    number(true, "duplicated");
    number(true, "reordered");
    number(late, "late");
    number(true, "tx");
    number(true, "rx");
    let row = |name: &str, path: String, counts: &Totals, watched: u64| {
        let mut row = vec![Cell::text(name), Cell::text(path)];
        if unsent {
            row.push(trouble(Some(counts.unsent), Tone::Warn));
        }
        row.push(counted(Some(counts.sent)));
        let nothing = counts.sent > 0 && counts.received == Some(0);
        row.push(counted(counts.received).toned(if nothing { Tone::Bad } else { Tone::Plain }));
        if unique {
            row.push(counted(counts.unique));
        }
        row.push(trouble(counts.lost, Tone::Bad));
        row.push(match counts.lost {
            Some(lost) => Cell::number(percent(lost, watched), counts.loss_ratio)
                .toned(if lost > 0 { Tone::Bad } else { Tone::Plain }),
            None => Cell::number(NOT_MEASURED, None),
        });
        row.push(trouble(counts.duplicated, Tone::Warn));
        row.push(trouble(counts.reordered, Tone::Warn));
        if late {
            row.push(trouble(counts.late_ambiguous, Tone::Warn));
        }
        row.push(Cell::number(rate(counts.tx_pps, "pps"), counts.tx_pps));
        row.push(Cell::number(optional_rate(counts.rx_pps, "pps"), counts.rx_pps));
        row
    };
    let rows = result
        .streams
        .iter()
        .map(|stream| {
            let path = match &stream.to {
                Some(to) => format!("{} → {to}", stream.from),
                None => stream.from.clone(),
            };
            row(&stream.name, path, &stream.counts, stream.counts.sent)
        })
        .collect();
    let total = (result.streams.len() != 1)
        .then(|| row("total", String::new(), &result.totals, watched(result)));
    let mut blocks = vec![
        Block::Table(Table { columns, rows, total, ..Table::default() }),
        Block::Table(bits(result)),
    ];
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
    if !beside.is_empty() {
        blocks.push(Block::Note(Tone::Plain, beside.join(" ")));
    }
    blocks
}

/// Streams that were sent in pieces: fragments, and the datagrams that they make.
pub fn datagrams(result: &RunResult) -> Vec<Block> {
    if result.datagrams.is_empty() {
        return Vec::new();
    }
    let loss = |lost: Option<u64>, sent: u64, ratio: Option<f64>| match lost {
        Some(lost) => Cell::number(percent(lost, sent), ratio).toned(if lost > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        }),
        None => Cell::number(NOT_MEASURED, None),
    };
    let row = |one: &DatagramResult| {
        vec![
            Cell::text(&one.name),
            counted(Some(one.pieces)),
            counted(Some(one.fragments_sent)),
            trouble(one.fragments_lost, Tone::Bad),
            loss(one.fragments_lost, one.fragments_sent, one.fragment_loss_ratio),
            counted(Some(one.sent)),
            counted(one.whole),
            trouble(one.lost, Tone::Bad),
            loss(one.lost, one.sent, one.loss_ratio),
            Cell::text(&one.detail),
        ]
    };
    let mut columns = vec![Column::text("stream")];
    let titles =
        ["pieces", "fragments sent", "lost", "loss", "datagrams sent", "whole", "lost", "loss"];
    columns.extend(titles.map(Column::number));
    columns.push(Column::text("needed"));
    let rows = result.datagrams.iter().map(row).collect();
    vec![
        Block::Table(Table { columns, rows, ..Table::default() }),
        Block::Note(
            Tone::Plain,
            "Whole: everything arrived that a receiver needs of a datagram.".to_owned(),
        ),
    ]
}

/// Bits per second, and when packets arrived.
fn bits(result: &RunResult) -> Table {
    let columns = vec![
        Column::text("stream"),
        Column::number("tx layer 1"),
        Column::number("rx layer 1"),
        Column::number("tx layer 2"),
        Column::number("rx layer 2"),
        Column::number("first arrival"),
        Column::number("last arrival"),
    ];
    let bits = |value: Option<f64>| Cell::number(optional_rate(value, "bit/s"), value);
    let time = |value: Option<f64>| {
        Cell::number(value.map_or_else(|| NOT_MEASURED.to_owned(), seconds), value)
    };
    let row = |name: &str, counts: &Totals, first: Option<f64>, last: Option<f64>| {
        vec![
            Cell::text(name),
            bits(Some(counts.tx_l1_bps)),
            bits(counts.rx_l1_bps),
            bits(Some(counts.tx_l2_bps)),
            bits(counts.rx_l2_bps),
            time(first),
            time(last),
        ]
    };
    let rows = result
        .streams
        .iter()
        .map(|stream| row(&stream.name, &stream.counts, stream.first_s, stream.last_s))
        .collect();
    let ends = |pick: fn(f64, f64) -> f64, values: Vec<Option<f64>>| {
        values.into_iter().flatten().reduce(pick)
    };
    let first = ends(f64::min, result.streams.iter().map(|stream| stream.first_s).collect());
    let last = ends(f64::max, result.streams.iter().map(|stream| stream.last_s).collect());
    let total = (result.streams.len() != 1).then(|| row("total", &result.totals, first, last));
    Table { caption: "Bits per second".to_owned(), columns, rows, total, ordered: false }
}

/// Latency, latency from the intended time, and jitter of every stream.
pub fn latency(result: &RunResult) -> Vec<Block> {
    let kinds = [
        ("latency", "Latency"),
        ("intended", "Latency from the intended time"),
        ("jitter", "Jitter"),
    ];
    kinds
        .into_iter()
        .filter_map(|(kind, caption)| {
            let of = |stream: &crate::report::model::StreamResult| match kind {
                "latency" => stream.latency_ns.clone(),
                "intended" => stream.latency_intended_ns.clone(),
                _ => stream.jitter_ns.clone(),
            };
            let rows: Vec<Vec<Cell>> =
                result.streams.iter().map(|s| times(&s.name, of(s).as_ref())).collect();
            let measured = result.streams.iter().any(|stream| of(stream).is_some());
            let mut columns = vec![Column::text("stream")];
            let titles = ["min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max", "packets"];
            columns.extend(titles.map(Column::number));
            measured.then(|| {
                Block::Table(Table {
                    caption: caption.to_owned(),
                    columns,
                    rows,
                    ..Table::default()
                })
            })
        })
        .collect()
}

/// A row of times; all in the unit that suits the median, so that they compare at a glance.
fn times(name: &str, values: Option<&Percentiles>) -> Vec<Cell> {
    let mut row = vec![Cell::text(name)];
    let Some(v) = values else {
        row.resize_with(10, || Cell::number(NOT_MEASURED, None));
        return row;
    };
    let unit = TimeUnit::of(v.p50);
    let time = |nanos: f64| Cell::number(format!("{} {}", unit.show(nanos), unit.symbol()), nanos);
    row.extend([time(v.min as f64), time(v.mean)]);
    row.extend([v.p50, v.p90, v.p99, v.p99_9, v.p99_99, v.max].map(|value| time(value as f64)));
    row.push(counted(Some(v.count)));
    row
}

/// Gaps between arrivals against the wanted one.
pub fn gaps(result: &RunResult) -> Vec<Block> {
    let Some(gaps) = &result.gaps else {
        return Vec::new();
    };
    let share = |value: f64| {
        // The shares were counts once: shown exactly, so that few bursts are not none.
        let part = (value * gaps.count as f64).round() as u64;
        Cell::number(percent(part, gaps.count), value)
    };
    let mut columns = vec![Column::text("wanted gap"), Column::number("gaps measured")];
    let titles = ["within ±64 ns", "±128 ns", "±256 ns", "±512 ns", "micro-bursts"];
    columns.extend(titles.map(Column::number));
    let mut row = vec![Cell::text(nanos(gaps.wanted_ns as f64)), counted(Some(gaps.count))];
    row.extend(
        [gaps.within_64ns, gaps.within_128ns, gaps.within_256ns, gaps.within_512ns].map(share),
    );
    row.push(share(gaps.bursts));
    vec![
        Block::Table(Table { columns, rows: vec![row], ..Table::default() }),
        Block::Note(
            Tone::Plain,
            "Micro-bursts: gaps below a quarter of the wanted one.".to_owned(),
        ),
    ]
}

/// The stages of the ledger.
pub fn ledger(result: &RunResult) -> Vec<Block> {
    if result.ledger.is_empty() {
        return Vec::new();
    }
    let row = |stage: &Stage| {
        let lost = match stage.count {
            None => Cell::number(NOT_MEASURED, None),
            Some(_) => Cell::number(signed(stage.lost_here.into()), stage.lost_here as f64)
                .toned(if stage.lost_here == 0 { Tone::Plain } else { Tone::Bad }),
        };
        vec![Cell::text(&stage.stage), counted(stage.count), lost, Cell::text(&stage.meaning)]
    };
    vec![Block::Table(Table {
        columns: vec![
            Column::text("stage"),
            Column::number("packets"),
            Column::number("lost here"),
            Column::text("what it counts"),
        ],
        rows: result.ledger.iter().map(row).collect(),
        ordered: true,
        ..Table::default()
    })]
}

/// What the kernel counted by itself, each beside the figure of the run that it equals.
pub fn witnesses(result: &RunResult) -> Vec<Block> {
    if result.witnesses.is_empty() {
        return Vec::new();
    }
    let (changed, still): (Vec<_>, Vec<_>) =
        result.witnesses.iter().partition(|witness| witness.value > 0);
    let row = |witness: &&crate::report::model::Counter| {
        let (words, tone) = compare(result, witness.value);
        vec![Cell::text(&witness.name), counted(Some(witness.value)), Cell::text(words).toned(tone)]
    };
    let mut blocks = Vec::new();
    if !changed.is_empty() {
        blocks.push(Block::Table(Table {
            columns: vec![
                Column::text("counter"),
                Column::number("change over the run"),
                Column::text("equals"),
            ],
            rows: changed.iter().map(row).collect(),
            ..Table::default()
        }));
    }
    if !still.is_empty() {
        let note = format!("{} other counters did not change.", count(still.len() as u64));
        blocks.push(Block::Note(Tone::Plain, note));
    }
    blocks
}

/// What this machine's own parts lost.
pub fn overload(result: &RunResult) -> Vec<Block> {
    let (moved, quiet): (Vec<_>, Vec<_>) =
        result.overload.iter().partition(|counter| counter.value > 0);
    let watched: Vec<&str> = quiet.iter().map(|counter| counter.name.as_str()).collect();
    if result.overload.is_empty() {
        return vec![Block::Note(Tone::Plain, format!("{NOT_MEASURED} not measured"))];
    }
    let mut blocks = Vec::new();
    if !moved.is_empty() {
        blocks.push(Block::Table(Table {
            columns: vec![Column::text("counter"), Column::number("count")],
            rows: moved
                .iter()
                .map(|c| vec![Cell::text(&c.name), trouble(Some(c.value), Tone::Bad)])
                .collect(),
            ..Table::default()
        }));
    }
    if !quiet.is_empty() {
        let none = if moved.is_empty() { "None. " } else { "" };
        let note = format!("{none}Watched, and 0: {}.", watched.join(", "));
        blocks.push(Block::Note(Tone::Plain, note));
    }
    blocks
}

/// The tool's own latency in a line.
pub fn floor(calibrated: &Calibrated) -> String {
    let times = |floor: &Option<Floor>| match floor {
        Some(Floor { latency_ns: times, .. }) => {
            format!("{} median, {} p99", nanos(times.p50 as f64), nanos(times.p99 as f64))
        }
        None => NOT_MEASURED.to_owned(),
    };
    format!(
        "{} idle; {} loaded (this tool alone, back to back, by {}; {})",
        times(&calibrated.idle),
        times(&calibrated.loaded),
        calibrated.engine,
        calibrated.file
    )
}
