//! Latency of a benchmark: by load, by percentile, and its variation.

use super::{axis, drawn, number, series, size_cell, table};
use crate::report::benchmark::BenchmarkResult;
use crate::report::format::{NOT_MEASURED, count, nanos, percent_of};
use crate::report::histogram;
use crate::report::html::page::{
    Block, Cell, Chart, Column, Mark, Point, Quantity, Scale, Series, Table, Tone,
};
use crate::report::terminal::benchmark::{fps, signed_nanos};

/// Every table and chart.
pub(super) fn all(result: &BenchmarkResult) -> Vec<Block> {
    [latency(result), spectrum(result), variation(result)].concat()
}

/// RFC 2544 §26.2: a table, and latency against load.
fn latency(result: &BenchmarkResult) -> Vec<Block> {
    let found = || result.sizes.iter().flat_map(|s| s.latency.iter().map(move |found| (s, found)));
    let rows = found().map(|(size, found)| {
        let whole = |value: Option<u64>| number(value.map(|value| value as f64), nanos);
        let mean = |over: &Option<crate::search::latency::OverRepeats>| {
            number(over.as_ref().map(|over| over.mean), nanos)
        };
        vec![
            size_cell(size),
            number(Some(found.throughput_share), percent_of),
            number(Some(found.fps), fps),
            number(Some(found.repeats as f64), |_| count(found.repeats)),
            number(Some(found.lost as f64), |_| count(found.lost)),
            whole(found.min_ns),
            mean(&found.mean_ns),
            mean(&found.p50_ns),
            mean(&found.p99_ns),
            mean(&found.p99_9_ns),
            whole(found.max_ns),
        ]
    });
    let columns =
        ["size", "load", "fps", "repeats", "lost", "min", "mean", "p50", "p99", "p99.9", "max"];
    let mut blocks = table(&columns, rows.collect());
    let lines: Vec<Series> = drawn(result)
        .filter(|size| size.latency.len() > 1)
        .enumerate()
        .map(|(color, size)| {
            let mut points: Vec<Point> = size
                .latency
                .iter()
                .filter_map(|found| {
                    let over = found.p99_ns?;
                    let range = Some((over.p1, over.p99));
                    Some(Point { x: found.throughput_share, y: over.mean, range })
                })
                .collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            series(format!("size {}, p99", size.label()), Mark::Dots, color, points)
        })
        .collect();
    if !lines.is_empty() {
        blocks.push(Block::Chart(Chart {
            title: "Latency by load".into(),
            note: "Means over the repeats; the range is their 1st to 99th percentile.".into(),
            x: axis("share of the throughput", Quantity::Share, Scale::Linear),
            y: axis("latency", Quantity::Time, Scale::Log),
            series: lines,
        }));
    }
    blocks
}

/// RFC 8219 §7: what the repeats give, as medians with their 1st and 99th percentiles.
fn variation(result: &BenchmarkResult) -> Vec<Block> {
    let found = || result.sizes.iter().flat_map(|s| s.latency.iter().map(move |found| (s, found)));
    let rows = found().map(|(size, found)| {
        let mut row = vec![size_cell(size), number(Some(found.throughput_share), percent_of)];
        for over in [&found.p50_ns, &found.p99_9_ns, &found.pdv_ns] {
            row.push(number(over.as_ref().map(|over| over.median), nanos));
            let range = over.as_ref().map_or_else(
                || NOT_MEASURED.to_owned(),
                |over| format!("{} – {}", nanos(over.p1), nanos(over.p99)),
            );
            row.push(Cell::text(range));
        }
        let ipdv = found.ipdv_ns;
        row.push(number(ipdv.map(|ipdv| ipdv.min as f64), signed_nanos));
        row.push(number(ipdv.map(|ipdv| ipdv.median), signed_nanos));
        row.push(number(ipdv.map(|ipdv| ipdv.max as f64), signed_nanos));
        row
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::number("size"),
        Column::number("load"),
        Column::number("typical"),
        Column::text("P1 – P99"),
        Column::number("worst"),
        Column::text("P1 – P99"),
        Column::number("PDV"),
        Column::text("P1 – P99"),
        Column::number("IPDV min"),
        Column::number("median"),
        Column::number("max"),
    ];
    let note = "RFC 8219: typical latency is the median, worst-case latency the 99.9th percentile, PDV \
                the 99.9th percentile less the smallest delay; of each the median over the repeats, \
                with their 1st and 99th percentiles. IPDV is by how much a frame took longer than the \
                one before it.";
    vec![
        Block::Note(Tone::Plain, note.to_owned()),
        Block::Table(Table { columns, rows, ..Table::default() }),
    ]
}

/// The percentile spectrum of each size at the first load that was asked for, all repeats together.
fn spectrum(result: &BenchmarkResult) -> Vec<Block> {
    let mut lines = Vec::new();
    for size in drawn(result) {
        let Some(of_size) = size.latency.first() else { continue };
        let trials = result.trials.iter().filter(|trial| {
            let same = (&trial.size, &trial.modifier) == (&size.size, &size.modifier);
            let at_load = (trial.load_fps - of_size.fps).abs() < 1e-6;
            same && at_load && trial.invalid.is_none() && trial.test.starts_with("latency")
        });
        let mut all: Option<hdrhistogram::Histogram<u64>> = None;
        let mut largest = 0;
        for values in trials.flat_map(|trial| &trial.latency_ns) {
            let Some(one) = histogram::decode(values) else { continue };
            largest = largest.max(values.max);
            match &mut all {
                None => all = Some(one),
                Some(sum) => {
                    // Both widen themselves.
                    let _ = sum.add(one);
                }
            }
        }
        if let Some(all) = all {
            let points = histogram::spectrum(&all, largest).into_iter().map(Point::from).collect();
            let share = percent_of(of_size.throughput_share);
            let name = format!("size {} at {share}", size.label());
            lines.push(Series { dashed: false, ..series(name, Mark::Line, lines.len(), points) });
        }
    }
    if lines.is_empty() {
        return Vec::new();
    }
    vec![Block::Chart(Chart {
        title: "Latency by percentile".into(),
        note:
            "Each step to the right is ten times rarer. All repeats and streams of a size together."
                .into(),
        x: axis("percentile", Quantity::Percentile, Scale::Log),
        y: axis("latency", Quantity::Time, Scale::Log),
        series: lines,
    })]
}
