//! Throughput of a benchmark by frame size.

use super::{axis, number, series, size_cell, table};
use crate::report::benchmark::{BenchmarkResult, SizeResult};
use crate::report::format::{count, percent_of, rate};
use crate::report::html::page::{Block, Cell, Chart, Mark, Point, Quantity, Scale};
use crate::report::terminal::benchmark::fps;

/// RFC 2544 §26.1: x is the frame size, y the frame rate, with a line of the theoretical rate.
pub(super) fn throughput(result: &BenchmarkResult) -> Vec<Block> {
    let found =
        || result.sizes.iter().flat_map(|s| s.throughput.iter().map(move |found| (s, found)));
    let modified = result.has_modifiers();
    // A column that would say the same in every row is left out: RFC 2544 allows no loss.
    let losses = found().any(|(_, found)| found.goal.is_some() || found.loss_ratio > 0.0);
    let conditional = found().any(|(_, found)| found.conditional_fps.is_some());
    let columns: Vec<&str> = [
        Some("size"),
        losses.then_some("loss allowed"),
        Some("line rate fps"),
        Some("throughput fps"),
        modified.then_some("of without"),
        conditional.then_some("conditional fps"),
        Some("of line"),
        Some("L1"),
        Some("L2"),
        Some("loss in last pass"),
        Some("width"),
        Some("trials"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let rows = found().map(|(size, found)| {
        [
            Some(size_cell(size)),
            losses.then(|| Cell::number(found.goal_label(), found.loss_ratio)),
            Some(number(size.line_rate_fps, fps)),
            Some(number(Some(found.fps), fps)),
            modified.then(|| number(result.of_without(size, found), percent_of)),
            conditional.then(|| number(found.conditional_fps, fps)),
            Some(number(found.line_share, percent_of)),
            Some(number(Some(found.l1_bps), |value| rate(value, "bit/s"))),
            Some(number(Some(found.l2_bps), |value| rate(value, "bit/s"))),
            Some(number(found.loss_in_last_pass, percent_of)),
            Some(number(found.width, percent_of)),
            Some(number(Some(found.trials as f64), |_| count(found.trials))),
        ]
        .into_iter()
        .flatten()
        .collect()
    });
    let mut blocks = table(&columns, rows.collect());
    let goals = result.sizes.iter().map(|size| size.throughput.len()).max().unwrap_or(0);
    let mut modifiers: Vec<Option<&str>> = Vec::new();
    for size in &result.sizes {
        if !modifiers.contains(&size.modifier.as_deref()) {
            modifiers.push(size.modifier.as_deref());
        }
    }
    let several = result.sizes.len() > modifiers.len();
    if several && goals > 0 {
        let mut sizes: Vec<&SizeResult> = result.sizes.iter().collect();
        sizes.sort_by(|a, b| a.frame_bytes.total_cmp(&b.frame_bytes));
        let plain = sizes.iter().filter(|size| size.modifier.is_none());
        let line = plain.filter_map(|size| Some((size.frame_bytes, size.line_rate_fps?)));
        let mut drawn =
            vec![series("line rate".into(), Mark::Line, 7, line.map(Point::from).collect())];
        for modifier in &modifiers {
            for goal in 0..goals {
                let found: Vec<_> = sizes
                    .iter()
                    .filter(|size| size.modifier.as_deref() == *modifier)
                    .filter_map(|size| Some((size.frame_bytes, size.throughput.get(goal)?)))
                    .collect();
                let Some((_, first)) = found.first() else { continue };
                let with = modifier.map_or_else(String::new, |name| format!(", {name}"));
                drawn.push(series(
                    format!("throughput, loss {}{with}", first.goal_label()),
                    Mark::Dots,
                    drawn.len() - 1,
                    found.iter().map(|(bytes, found)| (*bytes, found.fps).into()).collect(),
                ));
            }
        }
        // Beside a line rate that is far above it, a throughput would be a line on the axis.
        let values = || drawn.iter().flat_map(|series| &series.points).map(|point| point.y);
        let (most, least) = (values().fold(0.0, f64::max), values().fold(f64::MAX, f64::min));
        let scale = if most > 20.0 * least { Scale::Log } else { Scale::Linear };
        blocks.push(Block::Chart(Chart {
            title: "Throughput by frame size".into(),
            note: String::new(),
            x: axis("frame size", Quantity::Bytes, Scale::Linear),
            y: axis("frames per second", Quantity::PacketRate, scale),
            series: drawn,
        }));
    }
    blocks
}
