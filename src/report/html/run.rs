//! The page of one run.

use super::page::{Block, Figure, Headline, Page, Remark, Section, Tone};
use super::{run_charts, run_tables};
use crate::report::format::{NOT_MEASURED, count, nanos, optional_rate, percent, rate, seconds};
use crate::report::model::{Reason, RunResult};
use crate::report::statement::{Outcome, closing, explains_zero, summary, watched, zeros};

/// The page of `result`.
pub fn page(result: &RunResult) -> Page {
    let mut sections = Vec::new();
    let mut add = |title: &str, new_page: bool, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            sections.push(Section {
                title: title.to_owned(),
                new_page,
                blocks,
                ..Section::default()
            });
        }
    };
    add("Warnings", false, warnings(result));
    add("Streams", false, run_tables::streams(result));
    add("Datagrams in pieces", false, run_tables::datagrams(result));
    let latency = latency(result);
    // Charts begin a page of their own on paper.
    let charts = latency.iter().any(|block| matches!(block, Block::Chart(_)));
    add("Latency", charts, latency);
    add("Gaps", false, run_tables::gaps(result));
    add("Ledger", false, ledger(result));
    add("Kernel counters", false, run_tables::witnesses(result));
    add("Overload of this machine", false, run_tables::overload(result));
    add("Environment", false, vec![Block::Facts(facts(result))]);
    add("Profile", false, vec![Block::Source(result.profile_yaml.clone())]);
    Page {
        title: result.profile.clone(),
        kind: "test report".to_owned(),
        headline: headline(result),
        sections,
        footer: format!(
            "Made by wirestorm {} from a {} of {}.",
            known(&result.environment.wirestorm),
            result.schema,
            known(&result.environment.started)
        ),
    }
}

fn known(text: &str) -> &str {
    match text.trim() {
        "" => NOT_MEASURED,
        text => text,
    }
}

fn remark(reason: &Reason, tone: Tone) -> Remark {
    Remark { tone, code: reason.code.clone(), text: reason.message.clone() }
}

fn headline(result: &RunResult) -> Headline {
    let outcome = Outcome::of(result);
    let tone = if outcome == Outcome::Pass { Tone::Warn } else { Tone::Bad };
    let mut reasons: Vec<Remark> =
        result.verdict.reasons.iter().map(|reason| remark(reason, tone)).collect();
    reasons.extend(zeros(result).iter().map(|reason| remark(reason, Tone::Bad)));
    Headline {
        word: outcome.word().to_owned(),
        tone: outcome.tone(),
        sentence: format!("{}.", outcome.sentence()),
        summary: format!("{}. Started {}.", summary(result), known(&result.environment.started)),
        reasons,
        figures: figures(result),
    }
}

fn figures(result: &RunResult) -> Vec<Figure> {
    let totals = &result.totals;
    let figure = |name: &str, value: String, detail: String, tone: Tone| Figure {
        name: name.to_owned(),
        value,
        detail,
        tone,
    };
    let bad = |trouble: bool, tone: Tone| if trouble { tone } else { Tone::Plain };
    let loss = match totals.lost {
        Some(lost) => figure(
            "lost",
            percent(lost, watched(result)),
            format!("{} of {}", count(lost), count(watched(result))),
            bad(lost > 0, Tone::Bad),
        ),
        None => figure("lost", NOT_MEASURED.into(), "not measured".into(), Tone::Plain),
    };
    let unsent = match totals.unsent {
        0 => "all that was asked for".to_owned(),
        unsent => format!("{} unsent", count(unsent)),
    };
    let mut figures = vec![
        loss,
        figure(
            "sent",
            rate(totals.tx_pps, "pps"),
            format!("layer 1: {}", rate(totals.tx_l1_bps, "bit/s")),
            Tone::Plain,
        ),
        figure(
            "received",
            optional_rate(totals.rx_pps, "pps"),
            match totals.rx_l1_bps {
                Some(bits) => format!("layer 1: {}", rate(bits, "bit/s")),
                None => "not measured".to_owned(),
            },
            Tone::Plain,
        ),
        figure("packets sent", count(totals.sent), unsent, bad(totals.unsent > 0, Tone::Warn)),
    ];
    // The worst stream stands for the run: percentiles of streams cannot be averaged.
    let worst = result
        .streams
        .iter()
        .filter_map(|stream| Some((stream, stream.latency_ns.as_ref()?)))
        .max_by_key(|(_, latency)| latency.p99);
    if let Some((stream, latency)) = worst {
        let of = match result.streams.len() {
            1 => String::new(),
            _ => format!("{}, the slowest; ", stream.name),
        };
        figures.push(figure(
            "latency p99",
            nanos(latency.p99 as f64),
            format!("{of}median {}", nanos(latency.p50 as f64)),
            Tone::Plain,
        ));
    }
    figures.push(figure(
        "duration",
        seconds(result.duration_s),
        match result.schedule_lag_max_ns {
            Some(lag) => format!("at most {} behind the schedule", nanos(lag as f64)),
            None => "no schedule to be behind".to_owned(),
        },
        Tone::Plain,
    ));
    figures
}

fn warnings(result: &RunResult) -> Vec<Block> {
    let warnings: Vec<Remark> = result
        .warnings
        .iter()
        .filter(|warning| !explains_zero(warning))
        .map(|warning| remark(warning, Tone::Warn))
        .collect();
    if warnings.is_empty() { Vec::new() } else { vec![Block::Remarks(warnings)] }
}

fn latency(result: &RunResult) -> Vec<Block> {
    let mut blocks = run_charts::latency(result);
    blocks.extend(run_tables::latency(result));
    if blocks.is_empty() {
        let note = format!("{NOT_MEASURED} not measured");
        return vec![Block::Note(Tone::Plain, note)];
    }
    blocks.push(Block::Note(
        Tone::Plain,
        "Intended: from the time that the schedule wanted, so a sender that stalled hides nothing. \
         Jitter: RFC 4689. Percentiles are within 1 %; minimum, mean and maximum are exact."
            .to_owned(),
    ));
    blocks
}

fn ledger(result: &RunResult) -> Vec<Block> {
    let mut blocks = run_tables::ledger(result);
    if !blocks.is_empty() {
        let (line, tone) = closing(&result.ledger);
        blocks.push(Block::Note(tone, line));
    }
    blocks
}

fn facts(result: &RunResult) -> Vec<(String, String)> {
    let environment = &result.environment;
    let engine = match result.engine_detail.trim() {
        "" => known(&result.engine).to_owned(),
        detail => format!("{} ({detail})", known(&result.engine)),
    };
    let lag = match result.schedule_lag_max_ns {
        Some(lag) => format!("{} at most", nanos(lag as f64)),
        None => NOT_MEASURED.to_owned(),
    };
    let floor = match &result.calibration {
        Some(calibrated) => run_tables::floor(calibrated),
        None => known(&result.calibration_detail).to_owned(),
    };
    [
        ("command", known(&environment.command).to_owned()),
        ("started", known(&environment.started).to_owned()),
        ("wirestorm", known(&environment.wirestorm).to_owned()),
        ("seed", result.seed.to_string()),
        ("engine", engine),
        ("schedule lag", lag),
        ("receive", known(&result.receive_detail).to_owned()),
        ("kernel", known(&environment.kernel).to_owned()),
        ("CPU", known(&environment.cpu).to_owned()),
        ("drivers", known(&environment.driver).to_owned()),
        ("offloads", known(&environment.offloads).to_owned()),
        ("clock", known(&environment.clock).to_owned()),
        ("latency is", known(&environment.latency_definition).to_owned()),
        ("floor of the tool", floor),
        (
            "rates",
            "layer 2: frame with FCS; layer 1: also 20 bytes of preamble and gap a frame"
                .to_owned(),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
