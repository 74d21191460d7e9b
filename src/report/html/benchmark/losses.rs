//! Loss, bursts, recovery and resets of a benchmark.

use super::{axis, drawn, number, series, size_cell, table};
use crate::report::benchmark::BenchmarkResult;
use crate::report::format::{NOT_MEASURED, count, nanos, percent, percent_of, seconds};
use crate::report::html::page::{Block, Cell, Chart, Mark, Quantity, Scale, Series, Tone};
use crate::report::terminal::benchmark::fps;

/// RFC 2544 §26.3: a table, and loss against load.
pub(super) fn frame_loss(result: &BenchmarkResult) -> Vec<Block> {
    let found =
        || result.sizes.iter().flat_map(|s| s.frame_loss.iter().map(move |point| (s, point)));
    let rows = found().map(|(size, point)| {
        vec![
            size_cell(size),
            number(Some(point.share), percent_of),
            number(Some(point.fps), fps),
            number(Some(point.intended as f64), |_| count(point.intended)),
            number(Some(point.lost as f64), |_| count(point.lost)),
            Cell::number(percent(point.lost, point.intended), point.loss_ratio),
        ]
    });
    let mut blocks = table(&["size", "load", "fps", "frames", "lost", "loss"], rows.collect());
    let lines: Vec<Series> = drawn(result)
        .filter(|size| !size.frame_loss.is_empty())
        .enumerate()
        .map(|(color, size)| {
            let rising = size.frame_loss.iter().rev();
            let points = rising.map(|point| (point.share, point.loss_ratio).into()).collect();
            series(format!("size {}", size.label()), Mark::Dots, color, points)
        })
        .collect();
    if !lines.is_empty() {
        blocks.push(Block::Chart(Chart {
            title: "Loss by load".into(),
            note: "A hollow point is no loss.".into(),
            x: axis("share of the highest load", Quantity::Share, Scale::Linear),
            y: axis("loss", Quantity::Share, Scale::Log),
            series: lines,
        }));
    }
    blocks
}

/// RFC 9004.
pub(super) fn back_to_back(result: &BenchmarkResult) -> Vec<Block> {
    let rows = result.sizes.iter().filter_map(|size| {
        let found = size.back_to_back.as_ref()?;
        let time = |value: Option<f64>| number(value, |value| nanos(value * 1e9));
        let whole = |value: u64| Cell::number(count(value), value as f64);
        Some(vec![
            size_cell(size),
            number(Some(found.fps), fps),
            whole(found.frames.len() as u64),
            number(Some(found.mean), |value| format!("{value:.1}")),
            whole(found.min),
            whole(found.max),
            number(found.standard_deviation, |value| format!("{value:.1}")),
            whole(found.step),
            whole(found.at_limit.into()),
            time(found.implied_s),
            time(found.corrected_s),
            time(found.actual_s),
        ])
    });
    let columns = [
        "size",
        "burst fps",
        "repeats",
        "mean",
        "min",
        "max",
        "sd",
        "step",
        "at limit",
        "implied",
        "corrected",
        "actual",
    ];
    table(&columns, rows.collect())
}

/// RFC 2544 §26.5.
pub(super) fn recovery(result: &BenchmarkResult) -> Vec<Block> {
    let rows = result.sizes.iter().filter_map(|size| {
        let found = size.system_recovery.as_ref()?;
        let longest = found.recovery_s.iter().copied().max_by(f64::total_cmp);
        let whole = |value: u64| Cell::number(count(value), value as f64);
        Some(vec![
            size_cell(size),
            number(Some(found.overload_fps), fps),
            number(Some(found.reduced_fps), fps),
            whole(found.recovery_s.len() as u64),
            number(longest, seconds),
            number(Some(found.resolution_s), seconds),
            whole(found.not_recovered),
        ])
    });
    let columns = [
        "size",
        "overload fps",
        "reduced fps",
        "trials",
        "recovered within",
        "known to",
        "not recovered",
    ];
    table(&columns, rows.collect())
}

/// RFC 6201.
pub(super) fn reset(result: &BenchmarkResult) -> Vec<Block> {
    let found = result.sizes.iter().filter_map(|size| Some((size, size.reset.as_ref()?)));
    let rows = found.flat_map(|(size, found)| {
        found.trials.iter().enumerate().map(move |(nth, trial)| {
            let whole = |value: u64| Cell::number(count(value), value as f64);
            vec![
                size_cell(size),
                number(Some(found.fps), fps),
                whole(nth as u64 + 1),
                whole(trial.lost),
                number_of(trial.by_loss_s),
                number_of(trial.by_stamps_s),
                number_of(trial.down_s),
                Cell::text(if trial.recovered { "yes" } else { "no" }),
            ]
        })
    });
    let columns = [
        "size",
        "fps",
        "trial",
        "lost",
        "by loss",
        "by time stamps",
        "the lab's outage",
        "recovered",
    ];
    let mut blocks = table(&columns, rows.collect());
    for size in &result.sizes {
        let Some(found) = &size.reset else { continue };
        let mean = |over: &Option<crate::report::benchmark::Spread>| {
            over.as_ref().map_or_else(|| NOT_MEASURED.to_owned(), |over| seconds(over.mean))
        };
        blocks.push(Block::Note(
            Tone::Plain,
            format!(
                "Size {}, reset by {}: mean reset time {} by frame loss, {} by time stamps.",
                size.label(),
                found.by,
                mean(&found.by_loss_s),
                mean(&found.by_stamps_s),
            ),
        ));
    }
    blocks
}

fn number_of(value: Option<f64>) -> Cell {
    number(value, seconds)
}
