//! The page of a comparison.

use super::page::{
    Axis, Block, Cell, Chart, Column, Headline, Mark, Page, Point, Quantity, Remark, Scale,
    Section, Series, Table, Tone,
};
use crate::report::compare::{Comparison, Metric, Side};
use crate::report::format::NOT_MEASURED;
use crate::report::histogram;

/// More streams than this make a chart that nobody can read.
const STREAMS_MAX: usize = 4;

/// The page of `comparison`, made by wirestorm of this version.
pub fn page(comparison: &Comparison) -> Page {
    let mut sections = vec![Section {
        title: "All streams together".to_owned(),
        blocks: table(comparison, |metric| metric.stream.is_none()),
        ..Section::default()
    }];
    sections.push(Section {
        title: "Latency".to_owned(),
        blocks: chart(comparison),
        ..Section::default()
    });
    sections.push(Section {
        title: "Stream by stream".to_owned(),
        blocks: table(comparison, |metric| metric.stream.is_some()),
        ..Section::default()
    });
    sections.push(Section {
        title: "Method".to_owned(),
        blocks: vec![Block::Note(Tone::Plain, Comparison::METHOD.to_owned())],
        ..Section::default()
    });
    sections.push(Section {
        title: "Files".to_owned(),
        blocks: vec![Block::Facts(vec![
            ("baseline".to_owned(), comparison.baseline.used.join(", ")),
            ("candidate".to_owned(), comparison.candidate.used.join(", ")),
        ])],
        ..Section::default()
    });
    sections.retain(|section| !section.blocks.is_empty());
    let (word, tone) =
        if comparison.valid { ("COMPARED", Tone::Plain) } else { ("INVALID", Tone::Warn) };
    let runs = |side: &Side| match side.used.len() {
        1 => "1 run".to_owned(),
        many => format!("{many} runs"),
    };
    Page {
        title: comparison.candidate.profile.clone(),
        kind: "comparison".to_owned(),
        headline: Headline {
            word: word.to_owned(),
            tone,
            sentence: format!("{}.", comparison.sentence()),
            summary: format!(
                "Candidate: {} ({}). Baseline: {} ({}).",
                runs(&comparison.candidate),
                comparison.candidate.used.join(", "),
                runs(&comparison.baseline),
                comparison.baseline.used.join(", ")
            ),
            reasons: comparison
                .warnings
                .iter()
                .map(|warning| Remark {
                    tone: Tone::Warn,
                    code: warning.code.clone(),
                    text: warning.message.clone(),
                })
                .collect(),
            figures: Vec::new(),
        },
        sections,
        footer: format!("Made by wirestorm {}.", env!("CARGO_PKG_VERSION")),
    }
}

fn table(comparison: &Comparison, wanted: fn(&Metric) -> bool) -> Vec<Block> {
    let metrics: Vec<&Metric> = comparison.metrics.iter().filter(|m| wanted(m)).collect();
    if metrics.is_empty() {
        return Vec::new();
    }
    let with_stream = metrics.iter().any(|metric| metric.stream.is_some());
    let mut columns = Vec::new();
    if with_stream {
        columns.push(Column::text("stream"));
    }
    columns.push(Column::text("value"));
    columns.extend(["baseline", "candidate", "change", "95 % interval"].map(Column::number));
    columns.push(Column::text("which is"));
    let rows = metrics
        .iter()
        .map(|metric| {
            let (unit, judgement) = (metric.unit, metric.judgement());
            let mut row = Vec::new();
            if with_stream {
                row.push(Cell::text(metric.stream.as_deref().unwrap_or_default()));
            }
            row.extend([
                Cell::text(metric.name),
                Cell::number(unit.show(metric.baseline), metric.baseline),
                Cell::number(unit.show(metric.candidate), metric.candidate),
                Cell::number(metric.change.show(unit), metric.candidate / metric.baseline).finite(),
                Cell::number(
                    metric.change.show_interval(unit).unwrap_or_else(|| NOT_MEASURED.to_owned()),
                    None,
                ),
                Cell::text(judgement.words()).toned(judgement.tone()),
            ]);
            row
        })
        .collect();
    vec![Block::Table(Table { columns, rows, ..Table::default() })]
}

/// The percentile spectra of both sides: the candidate's drawn through, the baseline's in dashes.
fn chart(comparison: &Comparison) -> Vec<Block> {
    let series: Vec<Series> = comparison
        .latencies
        .iter()
        .take(STREAMS_MAX)
        .enumerate()
        .flat_map(|(color, of)| {
            let line = |side: &str, dashed: bool, (histogram, max): &(_, u64)| Series {
                name: format!("{}, {side}", of.stream),
                mark: Mark::Line,
                color,
                dashed,
                points: histogram::spectrum(histogram, *max).into_iter().map(Point::from).collect(),
            };
            [line("candidate", false, &of.candidate), line("baseline", true, &of.baseline)]
        })
        .collect();
    if series.is_empty() {
        return Vec::new();
    }
    let note = match comparison.latencies.len() {
        many if many > STREAMS_MAX => {
            format!(" The first {STREAMS_MAX} of {many} streams.")
        }
        _ => String::new(),
    };
    vec![Block::Chart(Chart {
        title: "Latency by percentile".to_owned(),
        note: format!("All runs of a side together.{note}"),
        x: Axis {
            title: "percentile".to_owned(),
            quantity: Quantity::Percentile,
            scale: Scale::Log,
        },
        y: Axis { title: "latency".to_owned(), quantity: Quantity::Time, scale: Scale::Log },
        series,
    })]
}
