//! The page of a benchmark: throughput by size, loss and latency by load, buffers, every trial.

use super::page::{
    Axis, Block, Cell, Chart, Column, Figure, Headline, Mark, Page, Point, Quantity, Remark, Scale,
    Section, Series, Table, Tone,
};
use crate::report::benchmark::{BenchmarkResult, SizeResult};
use crate::report::format::{
    NOT_MEASURED, count, nanos, optional_count, percent, percent_of, rate, seconds,
};
use crate::report::model::Reason;
use crate::report::statement::Outcome;
use crate::report::terminal::benchmark::{facts, fps, sentence, summary};

/// The page of `result`.
pub fn page(result: &BenchmarkResult) -> Page {
    let mut sections = Vec::new();
    let mut add = |title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            sections.push(Section { title: title.to_owned(), new_page: false, blocks });
        }
    };
    add("Warnings", remarks(&result.warnings, Tone::Warn));
    add("Throughput", throughput(result));
    add("Latency", latency(result));
    add("Frame loss", frame_loss(result));
    add("Back-to-back frames", back_to_back(result));
    add("System recovery", recovery(result));
    let notes: Vec<Reason> = result.sizes.iter().flat_map(|size| size.notes.clone()).collect();
    add("Notes", remarks(&notes, Tone::Plain));
    add("Trials", trials(result));
    let facts = facts(result).into_iter().map(|(name, value)| (name.to_owned(), value));
    add("Environment", vec![Block::Facts(facts.collect())]);
    add("Profile", vec![Block::Source(result.profile_yaml.clone())]);
    Page {
        title: result.profile.clone(),
        kind: format!("{} report", result.kind),
        headline: headline(result),
        sections,
        footer: format!(
            "Made by wirestorm {} from a {} of {}.",
            result.environment.wirestorm, result.schema, result.environment.started
        ),
    }
}

fn headline(result: &BenchmarkResult) -> Headline {
    let outcome = Outcome::judged(result.incomplete, &result.verdict);
    let reason = |reason: &Reason| remark(reason, outcome.tone());
    let figure = |size: &SizeResult| {
        let found = size.throughput.first()?;
        Some(Figure {
            name: format!("throughput, size {}", size.size),
            value: format!("{} frames/s", fps(found.fps)),
            detail: format!("layer 1: {}", rate(found.l1_bps, "bit/s")),
            tone: Tone::Plain,
        })
    };
    Headline {
        word: outcome.word().to_owned(),
        tone: outcome.tone(),
        sentence: format!("{}.", sentence(outcome)),
        summary: format!("{}.", summary(result)),
        reasons: result.verdict.reasons.iter().map(reason).collect(),
        figures: result.sizes.iter().filter_map(figure).collect(),
    }
}

fn remark(reason: &Reason, tone: Tone) -> Remark {
    Remark { tone, code: reason.code.clone(), text: reason.message.clone() }
}

fn remarks(reasons: &[Reason], tone: Tone) -> Vec<Block> {
    match reasons {
        [] => Vec::new(),
        reasons => vec![Block::Remarks(reasons.iter().map(|one| remark(one, tone)).collect())],
    }
}

fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Cell {
    Cell::number(value.map_or_else(|| NOT_MEASURED.to_owned(), show), value).finite()
}

fn size_cell(size: &SizeResult) -> Cell {
    Cell::number(size.size.clone(), size.frame_bytes)
}

/// A table whose columns are numbers.
fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Vec<Block> {
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = columns.iter().map(|title| Column::number(*title)).collect();
    vec![Block::Table(Table { columns, rows, ..Table::default() })]
}

fn axis(title: &str, quantity: Quantity, scale: Scale) -> Axis {
    Axis { title: title.into(), quantity, scale }
}

fn series(name: String, mark: Mark, color: usize, points: Vec<Point>) -> Series {
    Series { name, mark, color, dashed: mark == Mark::Line, points }
}

/// RFC 2544 §26.1: x is the frame size, y the frame rate, with a line of the theoretical rate.
fn throughput(result: &BenchmarkResult) -> Vec<Block> {
    let found =
        || result.sizes.iter().flat_map(|s| s.throughput.iter().map(move |found| (s, found)));
    let rows = found().map(|(size, found)| {
        vec![
            size_cell(size),
            number(size.line_rate_fps, fps),
            number(Some(found.fps), fps),
            number(found.line_share, percent_of),
            number(Some(found.l1_bps), |value| rate(value, "bit/s")),
            number(Some(found.l2_bps), |value| rate(value, "bit/s")),
            number(Some(found.loss_ratio), percent_of),
            number(found.loss_in_last_pass, percent_of),
            number(found.upper_fps, fps),
            number(found.width, percent_of),
            number(Some(found.trials as f64), |_| count(found.trials)),
        ]
    });
    let columns = [
        "size",
        "line rate fps",
        "throughput fps",
        "of line",
        "L1",
        "L2",
        "loss allowed",
        "loss in last pass",
        "failed at fps",
        "width",
        "trials",
    ];
    let mut blocks = table(&columns, rows.collect());
    let goals = result.sizes.iter().map(|size| size.throughput.len()).max().unwrap_or(0);
    if result.sizes.len() > 1 && goals > 0 {
        let mut sizes: Vec<&SizeResult> = result.sizes.iter().collect();
        sizes.sort_by(|a, b| a.frame_bytes.total_cmp(&b.frame_bytes));
        let line = sizes.iter().filter_map(|size| Some((size.frame_bytes, size.line_rate_fps?)));
        let mut drawn =
            vec![series("line rate".into(), Mark::Line, 7, line.map(Point::from).collect())];
        for goal in 0..goals {
            let found =
                |size: &&SizeResult| Some((*size).clone()).zip(size.throughput.get(goal).cloned());
            let points: Vec<_> = sizes.iter().filter_map(found).collect();
            let loss = points.first().map_or(0.0, |(_, found)| found.loss_ratio);
            drawn.push(series(
                format!("throughput, loss {}", percent_of(loss)),
                Mark::Dots,
                goal,
                points.iter().map(|(size, found)| (size.frame_bytes, found.fps).into()).collect(),
            ));
        }
        blocks.push(Block::Chart(Chart {
            title: "Throughput by frame size".into(),
            note: String::new(),
            x: axis("frame size", Quantity::Bytes, Scale::Linear),
            y: axis("frames per second", Quantity::PacketRate, Scale::Linear),
            series: drawn,
        }));
    }
    blocks
}

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
    let lines: Vec<Series> = result
        .sizes
        .iter()
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
            series(format!("size {}, p99", size.size), Mark::Dots, color, points)
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

fn frame_loss(result: &BenchmarkResult) -> Vec<Block> {
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
    let lines: Vec<Series> = result
        .sizes
        .iter()
        .filter(|size| !size.frame_loss.is_empty())
        .enumerate()
        .map(|(color, size)| {
            let rising = size.frame_loss.iter().rev();
            let points = rising.map(|point| (point.share, point.loss_ratio).into()).collect();
            series(format!("size {}", size.size), Mark::Dots, color, points)
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

fn back_to_back(result: &BenchmarkResult) -> Vec<Block> {
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

fn recovery(result: &BenchmarkResult) -> Vec<Block> {
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

fn trials(result: &BenchmarkResult) -> Vec<Block> {
    if result.trials.is_empty() {
        return Vec::new();
    }
    let rows = result.trials.iter().map(|trial| {
        let whole = |value: Option<u64>| {
            Cell::number(optional_count(value), value.map(|value| value as f64))
        };
        let bad = if trial.lost.is_some_and(|lost| lost > 0) { Tone::Bad } else { Tone::Plain };
        let unsent = if trial.unsent > 0 { Tone::Warn } else { Tone::Plain };
        vec![
            Cell::text(trial.test.clone()),
            Cell::text(trial.size.clone()),
            number(Some(trial.load_fps), fps),
            number(Some(trial.duration_s), seconds),
            whole(Some(trial.intended)),
            whole(Some(trial.unsent)).toned(unsent),
            whole(trial.received),
            whole(trial.lost).toned(bad),
            match &trial.invalid {
                None => Cell::text("valid"),
                Some(why) => Cell::text(format!("invalid: {why}")).toned(Tone::Warn),
            },
        ]
    });
    let columns = vec![
        Column::text("test"),
        Column::text("size"),
        Column::number("load fps"),
        Column::number("duration"),
        Column::number("frames"),
        Column::number("unsent"),
        Column::number("received"),
        Column::number("lost"),
        Column::text("valid"),
    ];
    vec![Block::Table(Table { columns, rows: rows.collect(), ..Table::default() })]
}
