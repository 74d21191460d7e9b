//! The page of a benchmark: throughput by size, loss and latency by load, buffers, every trial.

mod latency;
mod losses;
mod throughput;

use super::page::{
    Axis, Block, Cell, Column, Figure, Headline, Mark, Page, Point, Quantity, Remark, Scale,
    Section, Series, Table, Tone,
};
use crate::report::benchmark::{BenchmarkResult, SizeResult};
use crate::report::format::{NOT_MEASURED, count, optional_count, rate, seconds};
use crate::report::model::Reason;
use crate::report::statement::Outcome;
use crate::report::terminal::benchmark::{facts, fps, sentence, summary};

/// More trials than this are folded.
const OPEN_TRIALS: usize = 40;

/// The page of `result`.
pub fn page(result: &BenchmarkResult) -> Page {
    let mut sections = Vec::new();
    let mut add = |title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            let new_page = title == "Trials";
            let many = new_page && result.trials.len() > OPEN_TRIALS;
            let folded = many.then(|| format!("all {} trials", count(result.trials.len() as u64)));
            sections.push(Section { title: title.to_owned(), new_page, folded, blocks });
        }
    };
    add("Warnings", remarks(&result.warnings, Tone::Warn));
    add("Throughput", throughput::throughput(result));
    add("Latency", latency::all(result));
    add("Frame loss", losses::frame_loss(result));
    add("Back-to-back frames", losses::back_to_back(result));
    add("System recovery", losses::recovery(result));
    add("Reset", losses::reset(result));
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
            name: format!("throughput, size {}", size.label()),
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
        figures: drawn(result).filter_map(figure).collect(),
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

/// The sizes without modifiers: charts of every modifier beside them nobody could read.
fn drawn(result: &BenchmarkResult) -> impl Iterator<Item = &SizeResult> {
    result.sizes.iter().filter(|size| size.modifier.is_none())
}

fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Cell {
    Cell::number(value.map_or_else(|| NOT_MEASURED.to_owned(), show), value).finite()
}

fn size_cell(size: &SizeResult) -> Cell {
    Cell::number(size.label(), size.frame_bytes)
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
            Cell::text(trial.modifier.clone().unwrap_or_default()),
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
        Column::text("with"),
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
