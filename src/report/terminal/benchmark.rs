//! A benchmark on a terminal: the verdict, a table a test, why a test has no result.

use super::paint::{Tint, clean};
use super::section::{self, items, joined, known, titled};
use super::table::{Align, Cell, Table};
use super::{Style, verdict as run_verdict};
use crate::report::benchmark::BenchmarkResult;
use crate::report::format::{NOT_MEASURED, count, nanos, percent, percent_of, rate, seconds};
use crate::report::model::Reason;
use crate::report::statement::Outcome;
use crate::search::latency::OverRepeats;

/// The whole report.
pub fn render(result: &BenchmarkResult, style: Style) -> String {
    joined([
        verdict(result, style),
        items("Warnings", "!", Tint::Warn, &result.warnings, style),
        throughput(result, style),
        latency(result, style),
        variation(result, style),
        frame_loss(result, style),
        back_to_back(result, style),
        recovery(result, style),
        reset(result, style),
        notes(result, style),
        environment(result, style),
    ])
}

/// The verdict with its reasons.
pub fn verdict(result: &BenchmarkResult, style: Style) -> String {
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
        Outcome::Pass => "every test has its result, and every criterion is met",
        Outcome::Fail => "every test came to its end, and not every criterion is met",
        Outcome::Invalid => "some test has no result, for this machine and not for the device",
        Outcome::Incomplete => "the benchmark ended early; this is what was measured until then",
    }
}

/// What was done, in a line.
pub(in crate::report) fn summary(result: &BenchmarkResult) -> String {
    let invalid = result.trials.iter().filter(|trial| trial.invalid.is_some()).count();
    let spent: f64 = result.trials.iter().map(|trial| trial.spent_s).sum();
    let ports = match result.sending_ports {
        1 => "one sending port".to_owned(),
        ports => format!("{ports} sending ports, each at the load"),
    };
    format!(
        "{}: {} trials, {invalid} of them invalid, in {}; {ports}",
        clean(&result.kind),
        count(result.trials.len() as u64),
        seconds(spent),
    )
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> Cell {
    Cell::plain(value.map_or_else(|| NOT_MEASURED.to_owned(), show))
}

/// Frames per second, exact to a thousandth: rates of a search differ by little.
pub(in crate::report) fn fps(value: f64) -> String {
    let thousandths = (value * 1_000.0).round() as u64;
    match thousandths % 1_000 {
        0 => count(thousandths / 1_000),
        rest => format!("{}.{rest:03}", count(thousandths / 1_000)),
    }
}

fn throughput(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("line rate fps", Align::Right)
        .column("throughput fps", Align::Right)
        .column("of line", Align::Right)
        .column("L1", Align::Right)
        .column("L2", Align::Right)
        .column("loss allowed", Align::Right)
        .column("loss in last pass", Align::Right)
        .column("failed at fps", Align::Right)
        .column("width", Align::Right)
        .column("trials", Align::Right);
    let modified = result.has_modifiers();
    if modified {
        table = table.column("of without", Align::Right);
    }
    let mut rows = 0;
    for (size, found) in
        result.sizes.iter().flat_map(|size| size.throughput.iter().map(move |found| (size, found)))
    {
        rows += 1;
        let mut row = vec![
            Cell::plain(clean(&size.label())),
            optional(size.line_rate_fps, fps),
            Cell::new(fps(found.fps), Tint::Strong),
            optional(found.line_share, percent_of),
            Cell::plain(rate(found.l1_bps, "bit/s")),
            Cell::plain(rate(found.l2_bps, "bit/s")),
            Cell::plain(clean(&found.goal_label())),
            optional(found.loss_in_last_pass, percent_of),
            optional(found.upper_fps, fps),
            optional(found.width, percent_of),
            Cell::plain(count(found.trials)),
        ];
        if modified {
            row.push(optional(result.of_without(size, found), percent_of));
        }
        table.row(row);
    }
    titled("Throughput (RFC 2544 26.1)", &table, rows, style)
}

fn latency(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("load", Align::Right)
        .column("fps", Align::Right)
        .column("repeats", Align::Right)
        .column("lost", Align::Right)
        .column("min", Align::Right)
        .column("mean", Align::Right)
        .column("p50", Align::Right)
        .column("p99", Align::Right)
        .column("p99.9", Align::Right)
        .column("max", Align::Right);
    let mut rows = 0;
    for (size, found) in
        result.sizes.iter().flat_map(|size| size.latency.iter().map(move |found| (size, found)))
    {
        rows += 1;
        let mean =
            |over: &Option<OverRepeats>| optional(over.as_ref().map(|over| over.mean), nanos);
        let whole = |value: Option<u64>| optional(value.map(|value| value as f64), nanos);
        table.row(vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(percent_of(found.throughput_share)),
            Cell::plain(fps(found.fps)),
            Cell::plain(count(found.repeats)),
            Cell::new(count(found.lost), if found.lost > 0 { Tint::Bad } else { Tint::Plain }),
            whole(found.min_ns),
            mean(&found.mean_ns),
            mean(&found.p50_ns),
            mean(&found.p99_ns),
            mean(&found.p99_9_ns),
            whole(found.max_ns),
        ]);
    }
    let title = "Latency at shares of the throughput (RFC 2544 26.2; means over the repeats)";
    titled(title, &table, rows, style)
}

/// RFC 8219 §7: medians over the repeats of the median, of the worst case and of the variation.
fn variation(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("load", Align::Right)
        .column("typical", Align::Right)
        .column("worst", Align::Right)
        .column("PDV", Align::Right)
        .column("IPDV min", Align::Right)
        .column("median", Align::Right)
        .column("max", Align::Right);
    let mut rows = 0;
    for (size, found) in
        result.sizes.iter().flat_map(|size| size.latency.iter().map(move |found| (size, found)))
    {
        rows += 1;
        let median =
            |over: &Option<OverRepeats>| optional(over.as_ref().map(|over| over.median), nanos);
        let signed = |value: Option<f64>| optional(value, signed_nanos);
        table.row(vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(percent_of(found.throughput_share)),
            median(&found.p50_ns),
            median(&found.p99_9_ns),
            median(&found.pdv_ns),
            signed(found.ipdv_ns.map(|ipdv| ipdv.min as f64)),
            signed(found.ipdv_ns.map(|ipdv| ipdv.median)),
            signed(found.ipdv_ns.map(|ipdv| ipdv.max as f64)),
        ]);
    }
    let title = "Latency and its variation (RFC 8219 7.2, 7.3; medians over the repeats)";
    titled(title, &table, rows, style)
}

/// Nanoseconds with their sign.
pub(in crate::report) fn signed_nanos(value: f64) -> String {
    match value {
        v if v < 0.0 => format!("-{}", nanos(-v)),
        v if v > 0.0 => format!("+{}", nanos(v)),
        _ => nanos(0.0),
    }
}

fn frame_loss(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("load", Align::Right)
        .column("fps", Align::Right)
        .column("frames", Align::Right)
        .column("lost", Align::Right)
        .column("loss", Align::Right);
    let mut rows = 0;
    for (size, point) in
        result.sizes.iter().flat_map(|size| size.frame_loss.iter().map(move |point| (size, point)))
    {
        rows += 1;
        table.row(vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(percent_of(point.share)),
            Cell::plain(fps(point.fps)),
            Cell::plain(count(point.intended)),
            Cell::plain(count(point.lost)),
            Cell::plain(percent(point.lost, point.intended)),
        ]);
    }
    titled("Frame loss (RFC 2544 26.3)", &table, rows, style)
}

fn back_to_back(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("burst fps", Align::Right)
        .column("repeats", Align::Right)
        .column("mean", Align::Right)
        .column("min", Align::Right)
        .column("max", Align::Right)
        .column("sd", Align::Right)
        .column("step", Align::Right)
        .column("at limit", Align::Right)
        .column("implied", Align::Right)
        .column("corrected", Align::Right)
        .column("actual", Align::Right);
    let mut rows = 0;
    for (size, found) in
        result.sizes.iter().filter_map(|size| Some((size, size.back_to_back.as_ref()?)))
    {
        rows += 1;
        let time = |value: Option<f64>| optional(value, |value| nanos(value * 1e9));
        table.row(vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(fps(found.fps)),
            Cell::plain(count(found.frames.len() as u64)),
            Cell::plain(format!("{:.1}", found.mean)),
            Cell::plain(count(found.min)),
            Cell::plain(count(found.max)),
            optional(found.standard_deviation, |value| format!("{value:.1}")),
            Cell::plain(count(found.step)),
            Cell::plain(count(found.at_limit.into())),
            time(found.implied_s),
            time(found.corrected_s),
            time(found.actual_s),
        ]);
    }
    titled("Back-to-back frames and buffer times (RFC 9004)", &table, rows, style)
}

fn recovery(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("overload fps", Align::Right)
        .column("reduced fps", Align::Right)
        .column("trials", Align::Right)
        .column("recovered within", Align::Right)
        .column("known to", Align::Right)
        .column("not recovered", Align::Right);
    let mut rows = 0;
    for (size, found) in
        result.sizes.iter().filter_map(|size| Some((size, size.system_recovery.as_ref()?)))
    {
        rows += 1;
        let longest = found.recovery_s.iter().copied().max_by(f64::total_cmp);
        table.row(vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(fps(found.overload_fps)),
            Cell::plain(fps(found.reduced_fps)),
            Cell::plain(count(found.recovery_s.len() as u64)),
            optional(longest, seconds),
            Cell::plain(seconds(found.resolution_s)),
            Cell::plain(count(found.not_recovered)),
        ]);
    }
    titled("System recovery (RFC 2544 26.5; the longest of the trials)", &table, rows, style)
}

fn reset(result: &BenchmarkResult, style: Style) -> String {
    let mut table = Table::new("size")
        .column("fps", Align::Right)
        .column("trials", Align::Right)
        .column("by loss: mean", Align::Right)
        .column("min", Align::Right)
        .column("max", Align::Right)
        .column("by stamps: mean", Align::Right)
        .column("min", Align::Right)
        .column("max", Align::Right)
        .column("by", Align::Left);
    let mut rows = 0;
    for (size, found) in result.sizes.iter().filter_map(|size| Some((size, size.reset.as_ref()?))) {
        rows += 1;
        let mut row = vec![
            Cell::plain(clean(&size.label())),
            Cell::plain(fps(found.fps)),
            Cell::plain(count(found.trials.len() as u64)),
        ];
        for over in [&found.by_loss_s, &found.by_stamps_s] {
            let over = over.as_ref();
            let show = |value: Option<f64>| optional(value, seconds);
            row.push(show(over.map(|over| over.mean)));
            row.push(show(over.map(|over| over.min)));
            row.push(show(over.map(|over| over.max)));
        }
        row.push(Cell::plain(clean(&found.by)));
        table.row(row);
    }
    titled("Reset time (RFC 6201)", &table, rows, style)
}

fn notes(result: &BenchmarkResult, style: Style) -> String {
    let told = |note: &&Reason| !result.verdict.reasons.contains(note);
    let notes: Vec<Reason> =
        result.sizes.iter().flat_map(|size| &size.notes).filter(told).cloned().collect();
    items("Notes", "·", Tint::Faint, &notes, style)
}

/// What the numbers rest on: name and value.
pub(in crate::report) fn facts(result: &BenchmarkResult) -> Vec<(&'static str, String)> {
    let environment = &result.environment;
    let lag = result.trials.iter().filter_map(|trial| trial.schedule_lag_max_ns).max();
    vec![
        ("command", known(&environment.command)),
        ("started", known(&environment.started)),
        ("wirestorm", known(&environment.wirestorm)),
        ("seed", result.seed.to_string()),
        ("engine", format!("{} ({})", known(&result.engine), known(&result.engine_detail))),
        (
            "lag",
            lag.map_or_else(
                || NOT_MEASURED.to_owned(),
                |lag| format!("{} at most behind the schedule", nanos(lag as f64)),
            ),
        ),
        ("receive", known(&result.receive_detail)),
        ("kernel", known(&environment.kernel)),
        ("CPU", known(&environment.cpu)),
        ("drivers", known(&environment.driver)),
        ("offloads", known(&environment.offloads)),
        ("clock", known(&environment.clock)),
        ("latency", known(&environment.latency_definition)),
        ("rates", "of each sending port; L2: frame with FCS; L1: also 20 bytes a frame".to_owned()),
        ("loss", "frames that were not sent count as lost in a search".to_owned()),
    ]
}

fn environment(result: &BenchmarkResult, style: Style) -> String {
    section::environment(facts(result), style)
}
