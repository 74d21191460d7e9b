//! A fragmentation study on a terminal.

use super::paint::{Tint, clean};
use super::section::{self, items, joined, known, titled};
use super::table::{Align, Cell, Table};
use super::{Style, verdict as run_verdict};
use crate::report::format::{NOT_MEASURED, count, nanos, percent_of, seconds};
use crate::report::model::Reason;
use crate::report::statement::Outcome;
use crate::report::study::{ArmResult, Comparison, ShareResult, StudyResult};
use crate::study::statistics::ALPHA;
use crate::study::statistics::proportion::Interval;

/// Rows of tables at most: what is more is in the files.
const MAX_ROWS: usize = 200;

/// The whole report.
pub fn render(result: &StudyResult, style: Style) -> String {
    joined([
        verdict(result, style),
        items("Warnings", "!", Tint::Warn, &result.warnings, style),
        losses(result, style),
        comparisons(result, style),
        attributions(result, style),
        published(result, style),
        left_out(result, style),
        environment(result, style),
    ])
}

/// The verdict with its reasons.
pub fn verdict(result: &StudyResult, style: Style) -> String {
    let outcome = Outcome::judged(result.incomplete, &result.verdict);
    let headline = format!("{}: {}", clean(&result.profile), sentence(outcome));
    let mut text = section::headline(outcome, &headline, &summary(result), style);
    for reason in &result.verdict.reasons {
        text.push_str(&run_verdict::item("✗", reason, outcome.tone().into(), style));
    }
    text
}

/// The outcome in a sentence.
pub(in crate::report) fn sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "the study is complete, and every criterion is met",
        Outcome::Fail => "the study is complete, and not every criterion is met",
        Outcome::Invalid => "the numbers say something about this set-up, and not about the path",
        Outcome::Incomplete => "the study ended early; this is what was measured until then",
    }
}

/// What was done and found, in a line.
pub(in crate::report) fn summary(result: &StudyResult) -> String {
    let arms: usize = result.cells.iter().map(|cell| cell.arms.len()).sum();
    let worse = result
        .comparisons
        .iter()
        .filter(|one| one.p_holm < ALPHA && one.difference.is_some_and(|d| d > 0.0))
        .count();
    format!(
        "{} cells, {arms} arms of {} tries each, every {}; {worse} of {} comparisons show a loss that \
         the control does not have",
        result.cells.len(),
        count(result.tries),
        seconds(result.spacing_s),
        result.comparisons.len(),
    )
}

/// A share with its interval: `12.5 % (3.5 to 36.0 %)`.
pub(in crate::report) fn with_interval(share: Option<f64>, interval: Option<Interval>) -> String {
    match (share, interval) {
        (Some(share), Some(interval)) => {
            format!("{} ({})", percent_of(share), range(interval))
        }
        _ => NOT_MEASURED.to_owned(),
    }
}

/// `3.5 to 36.0 %`.
pub(in crate::report) fn range(interval: Interval) -> String {
    let short = |value: f64| {
        let text = format!("{:.1}", value * 100.0);
        if text == "-0.0" { "0.0".to_owned() } else { text }
    };
    format!("{} to {} %", short(interval.low), short(interval.high))
}

/// A loss as it may be claimed: of none, with the exact upper bound.
pub(in crate::report) fn loss(share: &ShareResult) -> String {
    match (share.hits, share.clopper_pearson) {
        (0, Some(exact)) if share.tries > 0 => {
            format!("0 (at most {})", percent_of(exact.high))
        }
        _ => with_interval(share.share, share.wilson),
    }
}

/// A p value, never rounded to zero.
pub(in crate::report) fn p_value(p: f64) -> String {
    if p < 0.0001 { format!("{p:.0e}") } else { format!("{p:.4}") }
}

/// A table of which the first rows are shown.
fn first_rows(title: &str, table: &Table, rows: usize, style: Style) -> String {
    let mut text = titled(title, table, rows, style);
    if rows > MAX_ROWS {
        text.push_str(&format!("  and {} more: --json, --csv, --html\n", rows - MAX_ROWS));
    }
    text
}

fn losses(result: &StudyResult, style: Style) -> String {
    let mut table = Table::new("cell")
        .name("arm")
        .column("tries", Align::Right)
        .column("datagram loss (95 %)", Align::Right)
        .column("fragment loss (95 %)", Align::Right)
        .column("if independent", Align::Right)
        .column("answered", Align::Right)
        .column("delivered", Align::Left)
        .column("ICMP", Align::Left);
    let mut rows = 0;
    for cell in &result.cells {
        for arm in &cell.arms {
            rows += 1;
            if rows > MAX_ROWS {
                continue;
            }
            let tint = match arm.loss.hits {
                0 => Tint::Plain,
                hits if hits == arm.loss.tries => Tint::Bad,
                _ => Tint::Warn,
            };
            let fragments = arm.fragment_loss.as_ref().map_or_else(|| NOT_MEASURED.into(), loss);
            let independent = arm.loss_if_independent.filter(|_| arm.loss.hits > 0);
            table.row(vec![
                Cell::plain(clean(&cell.name)),
                Cell::new(clean(&arm.arm), Tint::Strong),
                Cell::plain(count(arm.loss.tries)),
                Cell::new(loss(&arm.loss), tint),
                Cell::plain(fragments),
                Cell::plain(independent.map_or_else(|| NOT_MEASURED.into(), percent_of)),
                Cell::plain(count(arm.answered.hits)),
                Cell::plain(arm.path.as_deref().map_or(NOT_MEASURED.into(), clean)),
                Cell::plain(icmp(arm)),
            ]);
        }
    }
    first_rows("Losses", &table, rows, style)
}

/// `3/1 20`, for errors that came back.
pub(in crate::report) fn icmp(arm: &ArmResult) -> String {
    match arm.icmp.as_slice() {
        [] => NOT_MEASURED.to_owned(),
        errors => {
            let one = |icmp: &crate::report::study::IcmpResult| {
                format!("{} {}", clean(&icmp.error), count(icmp.datagrams))
            };
            errors.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    }
}

/// What a comparison says.
pub(in crate::report) fn finding(one: &Comparison) -> &'static str {
    match (one.difference, one.p_holm < ALPHA) {
        (Some(difference), true) if difference > 0.0 => "loses more",
        (Some(_), true) => "loses less",
        _ => "no difference found",
    }
}

fn comparisons(result: &StudyResult, style: Style) -> String {
    let mut table = Table::new("cell")
        .name("arm")
        .column("against", Align::Left)
        .column("blocks", Align::Right)
        .column("b / c", Align::Right)
        .column("difference (95 %)", Align::Right)
        .column("p", Align::Right)
        .column("p (Holm)", Align::Right)
        .column("finding", Align::Left);
    for one in result.comparisons.iter().take(MAX_ROWS) {
        let tint = match finding(one) {
            "loses more" => Tint::Bad,
            "loses less" => Tint::Warn,
            _ => Tint::Plain,
        };
        table.row(vec![
            Cell::plain(clean(&one.cell)),
            Cell::new(clean(&one.arm), Tint::Strong),
            Cell::plain(clean(&one.control)),
            Cell::plain(count(one.pairs.total())),
            Cell::plain(format!("{} / {}", one.pairs.arm_only, one.pairs.control_only)),
            Cell::plain(with_interval(one.difference, one.newcombe)),
            Cell::plain(p_value(one.p)),
            Cell::plain(p_value(one.p_holm)),
            Cell::new(finding(one), tint),
        ]);
    }
    let title =
        "Paired differences (McNemar's exact test, Newcombe's interval; b: lost by the arm alone)";
    first_rows(title, &table, result.comparisons.len(), style)
}

fn attributions(result: &StudyResult, style: Style) -> String {
    let mut table = Table::new("cell")
        .name("arm")
        .column("sent", Align::Right)
        .column("lost at", Align::Left)
        .column("of", Align::Right)
        .column("what the counters say", Align::Wrap);
    let mut rows = 0;
    for cell in &result.cells {
        for arm in &cell.arms {
            let Some(attribution) = &arm.attribution else { continue };
            rows += 1;
            if rows > MAX_ROWS {
                continue;
            }
            let link = attribution.chain.iter().find(|link| {
                link.stage == attribution.stage && link.lost_here.is_some_and(|lost| lost > 0)
            });
            let of = link.map_or_else(
                || NOT_MEASURED.into(),
                |link| {
                    format!("{} of {}", count(link.lost_here.unwrap_or(0)), count(link.expected))
                },
            );
            let tint = if attribution.stage == "none" { Tint::Plain } else { Tint::Bad };
            table.row(vec![
                Cell::plain(clean(&cell.name)),
                Cell::new(clean(&arm.arm), Tint::Strong),
                Cell::plain(count(attribution.datagrams)),
                Cell::new(clean(&attribution.stage), tint),
                Cell::plain(of),
                Cell::plain(clean(&attribution.why)),
            ]);
        }
    }
    first_rows(
        "Where it is lost (each arm alone, between two readings of the counters)",
        &table,
        rows,
        style,
    )
}

/// Losses of the arms like those of the published studies: all cells of an arm together.
pub(in crate::report) fn beside(result: &StudyResult) -> Vec<(String, String, f64, ShareResult)> {
    let own = |arm: &str| {
        let of_arm =
            || result.cells.iter().flat_map(|cell| &cell.arms).filter(move |own| own.arm == arm);
        let share = crate::study::statistics::proportion::Share {
            hits: of_arm().map(|arm| arm.loss.hits).sum(),
            tries: of_arm().map(|arm| arm.loss.tries).sum(),
        };
        ShareResult::from(share)
    };
    result
        .published
        .iter()
        .map(|row| {
            (format!("{}: {}", row.study, row.what), row.arm.clone(), row.loss, own(&row.arm))
        })
        .filter(|(_, _, _, share)| share.tries > 0)
        .collect()
}

fn published(result: &StudyResult, style: Style) -> String {
    let rows = beside(result);
    let mut table = Table::new("study")
        .column("loss", Align::Right)
        .column("our arm", Align::Left)
        .column("our loss (95 %)", Align::Right);
    for (study, arm, theirs, ours) in &rows {
        table.row(vec![
            Cell::plain(clean(study)),
            Cell::plain(percent_of(*theirs)),
            Cell::plain(clean(arm)),
            Cell::plain(loss(ours)),
        ]);
    }
    first_rows(
        "Beside what others found (over many paths; here: over this one)",
        &table,
        rows.len(),
        style,
    )
}

fn left_out(result: &StudyResult, style: Style) -> String {
    let reason = |text: &String| Reason { code: "left_out".into(), message: text.clone() };
    let reasons: Vec<Reason> = result.left_out.iter().take(MAX_ROWS).map(reason).collect();
    items("Left out of the matrix", "·", Tint::Faint, &reasons, style)
}

/// What the numbers rest on: name and value.
pub(in crate::report) fn facts(result: &StudyResult) -> Vec<(&'static str, String)> {
    let environment = &result.environment;
    let tries = match result.effect {
        None => count(result.tries),
        Some(effect) => format!(
            "{}; {} tell a loss of {} from {} with a power of {}",
            count(result.tries),
            count(effect.tries),
            percent_of(effect.to),
            percent_of(effect.from),
            percent_of(effect.power),
        ),
    };
    let seen = match (result.receiver.as_str(), result.tap) {
        ("sink", Some(true)) => "a sink: its tap sees fragments, its sockets whole datagrams",
        ("sink", Some(false)) => "a sink without a tap: its sockets see whole datagrams",
        ("sink", None) => "a sink that never answered",
        _ => "a host: an answer is all that is known",
    };
    vec![
        ("command", known(&environment.command)),
        ("started", known(&environment.started)),
        ("wirestorm", known(&environment.wirestorm)),
        ("seed", result.seed.to_string()),
        ("tries", tries),
        ("design", known(&result.design)),
        ("receiver", seen.to_owned()),
        (
            "lag",
            format!("{} at most behind the schedule", nanos(result.schedule_lag_max_ns as f64)),
        ),
        ("intervals", "Wilson, 95 %; of no loss Clopper and Pearson's upper end".to_owned()),
        ("kernel", known(&environment.kernel)),
        ("CPU", known(&environment.cpu)),
        ("drivers", known(&environment.driver)),
        ("offloads", known(&environment.offloads)),
    ]
}

fn environment(result: &StudyResult, style: Style) -> String {
    section::environment(facts(result), style)
}
