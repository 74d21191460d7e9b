//! The page of a fragmentation study: losses with their intervals, paired differences, where it is lost.

use super::page::{
    Axis, Block, Cell, Chart, Column, Figure, Headline, Mark, Page, Point, Quantity, Remark, Scale,
    Section, Series, Table, Tone,
};
use crate::profile::study::ARMS;
use crate::report::format::{NOT_MEASURED, count, percent_of};
use crate::report::model::Reason;
use crate::report::statement::Outcome;
use crate::report::study::{ArmResult, CellResult, ShareResult, StudyResult};
use crate::report::terminal::study::{
    beside, facts, finding, icmp, loss, p_value, sentence, summary, with_interval,
};
use crate::study::statistics::proportion::Interval;

/// The page of `result`.
pub fn page(result: &StudyResult) -> Page {
    let mut sections = Vec::new();
    let mut add = |title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            sections.push(Section { title: title.to_owned(), blocks, ..Section::default() });
        }
    };
    add("Warnings", remarks(&result.warnings, Tone::Warn));
    add("Losses", losses(result));
    add("Paired differences", differences(result));
    add("Where it is lost", attribution(result));
    add("Beside what others found", published(result));
    let left_out = |text: &String| Reason { code: "left_out".into(), message: text.clone() };
    let left: Vec<Reason> = result.left_out.iter().map(left_out).collect();
    add("Left out of the matrix", remarks(&left, Tone::Plain));
    let facts = facts(result).into_iter().map(|(name, value)| (name.to_owned(), value));
    add("Environment", vec![Block::Facts(facts.collect())]);
    add("Profile", vec![Block::Source(result.profile_yaml.clone())]);
    Page {
        title: result.profile.clone(),
        kind: "fragmentation study".into(),
        headline: headline(result),
        sections,
        footer: format!(
            "Made by wirestorm {} from a {} of {}.",
            result.environment.wirestorm, result.schema, result.environment.started
        ),
    }
}

/// All cells of an arm together.
fn of_arm(result: &StudyResult, arm: &str) -> Option<ShareResult> {
    let arms = || result.cells.iter().flat_map(|cell| &cell.arms).filter(|own| own.arm == arm);
    let share = crate::study::statistics::proportion::Share {
        hits: arms().map(|arm| arm.loss.hits).sum(),
        tries: arms().map(|arm| arm.loss.tries).sum(),
    };
    (share.tries > 0).then(|| share.into())
}

fn headline(result: &StudyResult) -> Headline {
    let outcome = Outcome::judged(result.incomplete, &result.verdict);
    let figure = |arm: &str| {
        let share = of_arm(result, arm)?;
        let tone = match share.hits {
            0 => Tone::Plain,
            _ => Tone::Warn,
        };
        Some(Figure {
            name: format!("loss of {arm}"),
            value: share.share.map_or_else(|| NOT_MEASURED.into(), percent_of),
            detail: format!("{} of {}", count(share.hits), count(share.tries)),
            tone,
        })
    };
    Headline {
        word: outcome.word().to_owned(),
        tone: outcome.tone(),
        sentence: format!("{}.", sentence(outcome)),
        summary: format!("{}.", summary(result)),
        reasons: result.verdict.reasons.iter().map(|one| remark(one, outcome.tone())).collect(),
        figures: ["whole", "atomic", "fragments", "anomaly"]
            .iter()
            .filter_map(|arm| figure(arm))
            .collect(),
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

fn axis(title: &str, quantity: Quantity) -> Axis {
    Axis { title: title.into(), quantity, scale: Scale::Linear }
}

fn whole(value: u64) -> Cell {
    Cell::number(count(value), value as f64)
}

/// A series for each arm that is anywhere: x is the cell, y a share with its interval.
fn by_cell(
    result: &StudyResult,
    of: impl Fn(&CellResult, &ArmResult) -> Option<(f64, Interval)>,
) -> Vec<Series> {
    let one = |(color, (arm, _)): (usize, &(&str, _))| {
        let points: Vec<Point> = result
            .cells
            .iter()
            .enumerate()
            .filter_map(|(number, cell)| {
                let own = cell.arms.iter().find(|own| own.arm == *arm)?;
                let (y, interval) = of(cell, own)?;
                // Beside each other, so that the intervals of a cell's arms can be told apart.
                let x = number as f64 + 1.0 + (color as f64 - 3.5) * 0.08;
                Some(Point { x, y, range: Some((interval.low, interval.high)) })
            })
            .collect();
        let (name, mark) = ((*arm).to_owned(), Mark::Scatter);
        Series { name, mark, color, dashed: false, points }
    };
    ARMS.iter().enumerate().map(one).filter(|series| !series.points.is_empty()).collect()
}

fn losses(result: &StudyResult) -> Vec<Block> {
    let rows = result.cells.iter().enumerate().flat_map(|(number, cell)| {
        cell.arms.iter().map(move |arm| {
            let tone = match arm.loss.hits {
                0 => Tone::Plain,
                hits if hits == arm.loss.tries => Tone::Bad,
                _ => Tone::Warn,
            };
            let fragments = arm.fragment_loss.as_ref();
            vec![
                whole(number as u64 + 1),
                Cell::text(cell.name.clone()),
                Cell::text(arm.arm.clone()),
                whole(arm.loss.tries),
                Cell::number(loss(&arm.loss), arm.loss.share).toned(tone),
                Cell::number(
                    fragments.map_or_else(|| NOT_MEASURED.into(), loss),
                    fragments.and_then(|share| share.share),
                ),
                Cell::number(
                    arm.loss_if_independent.map_or_else(|| NOT_MEASURED.into(), percent_of),
                    arm.loss_if_independent,
                ),
                whole(arm.answered.hits),
                Cell::text(arm.path.clone().unwrap_or_else(|| NOT_MEASURED.into())),
                Cell::number(
                    arm.largest_fragment.map_or_else(|| NOT_MEASURED.into(), count),
                    arm.largest_fragment.map(|size| size as f64),
                ),
                Cell::text(icmp(arm)),
            ]
        })
    });
    let columns = vec![
        Column::number("no."),
        Column::text("cell"),
        Column::text("arm"),
        Column::number("tries"),
        Column::number("datagram loss (95 %)"),
        Column::number("fragment loss (95 %)"),
        Column::number("if independent"),
        Column::number("answered"),
        Column::text("delivered"),
        Column::number("largest fragment"),
        Column::text("ICMP"),
    ];
    let rows: Vec<Vec<Cell>> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Table(Table { columns, rows, ..Table::default() })];
    let series = by_cell(result, |_, arm| Some((arm.loss.share?, arm.loss.wilson?)));
    blocks.push(Block::Chart(Chart {
        title: "Datagram loss by cell, with 95 % intervals".into(),
        note: "The cells by their numbers in the table; arms of a cell stand beside each other."
            .into(),
        x: axis("cell", Quantity::Number),
        y: axis("datagram loss", Quantity::Share),
        series,
    }));
    let series = by_cell(result, |_, arm| {
        let share = arm.fragment_loss.as_ref()?;
        Some((share.share?, share.wilson?))
    });
    if !series.is_empty() {
        blocks.push(Block::Chart(Chart {
            title: "Fragment loss by cell, with 95 % intervals".into(),
            note: "Fragments and whole packets that did not reach the receiver's tap.".into(),
            x: axis("cell", Quantity::Number),
            y: axis("fragment loss", Quantity::Share),
            series,
        }));
    }
    blocks
}

fn differences(result: &StudyResult) -> Vec<Block> {
    if result.comparisons.is_empty() {
        return Vec::new();
    }
    let rows = result.comparisons.iter().map(|one| {
        let tone = match finding(one) {
            "loses more" => Tone::Bad,
            "loses less" => Tone::Warn,
            _ => Tone::Plain,
        };
        vec![
            Cell::text(one.cell.clone()),
            Cell::text(one.arm.clone()),
            Cell::text(one.control.clone()),
            whole(one.pairs.total()),
            whole(one.pairs.arm_only),
            whole(one.pairs.control_only),
            Cell::number(with_interval(one.difference, one.newcombe), one.difference),
            Cell::number(p_value(one.p), one.p),
            Cell::number(p_value(one.p_holm), one.p_holm),
            Cell::text(finding(one)).toned(tone),
        ]
    });
    let columns = vec![
        Column::text("cell"),
        Column::text("arm"),
        Column::text("against"),
        Column::number("blocks"),
        Column::number("b"),
        Column::number("c"),
        Column::number("difference (95 %)"),
        Column::number("p"),
        Column::number("p (Holm)"),
        Column::text("finding"),
    ];
    let rows = rows.collect();
    let series = by_cell(result, |cell, arm| {
        let one =
            result.comparisons.iter().find(|one| one.cell == cell.name && one.arm == arm.arm)?;
        Some((one.difference?, one.newcombe?))
    });
    vec![
        Block::Note(
            Tone::Plain,
            "b: blocks in which the arm alone was lost; c: the control alone. The difference is \
             (b − c)/n with Newcombe's interval; p is McNemar's exact one, and after Holm over all."
                .into(),
        ),
        Block::Table(Table { columns, rows, ..Table::default() }),
        Block::Chart(Chart {
            title: "Loss beyond the control's, with 95 % intervals".into(),
            note: "An interval that holds 0 is no finding.".into(),
            x: axis("cell", Quantity::Number),
            y: axis("difference of the losses", Quantity::Share),
            series,
        }),
    ]
}

fn attribution(result: &StudyResult) -> Vec<Block> {
    let of = |cell: &CellResult, arm: &ArmResult| {
        let attribution = arm.attribution.as_ref()?;
        let counts = attribution.chain.iter().map(|link| {
            let count = link.count.map_or_else(|| NOT_MEASURED.to_owned(), count);
            format!("{} {count}", link.stage)
        });
        let tone = if attribution.stage == "none" { Tone::Plain } else { Tone::Bad };
        Some(vec![
            Cell::text(cell.name.clone()),
            Cell::text(arm.arm.clone()),
            whole(attribution.datagrams),
            Cell::text(attribution.stage.clone()).toned(tone),
            Cell::text(attribution.why.clone()),
            Cell::text(counts.collect::<Vec<_>>().join(" → ")),
        ])
    };
    let rows: Vec<Vec<Cell>> = result
        .cells
        .iter()
        .flat_map(|cell| cell.arms.iter().filter_map(move |arm| of(cell, arm)))
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::text("cell"),
        Column::text("arm"),
        Column::number("datagrams"),
        Column::text("lost at"),
        Column::text("what the counters say"),
        Column::text("the chain"),
    ];
    vec![
        Block::Note(
            Tone::Plain,
            "Each arm was sent alone between two readings of every counter; the first that falls \
             short names the stage."
                .into(),
        ),
        Block::Table(Table { columns, rows, ..Table::default() }),
    ]
}

fn published(result: &StudyResult) -> Vec<Block> {
    let rows: Vec<Vec<Cell>> = beside(result)
        .into_iter()
        .map(|(study, arm, theirs, ours)| {
            vec![
                Cell::text(study),
                Cell::number(percent_of(theirs), theirs),
                Cell::text(arm),
                Cell::number(loss(&ours), ours.share),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::text("study"),
        Column::number("loss"),
        Column::text("our arm"),
        Column::number("our loss (95 %)"),
    ];
    vec![
        Block::Note(
            Tone::Plain,
            "Theirs is the share of many paths or hosts, ours that of tries over one path.".into(),
        ),
        Block::Table(Table { columns, rows, ..Table::default() }),
    ]
}
