//! The result as CSV (RFC 4180): `streams.csv`, `totals.csv`, `ledger.csv`. The columns have the
//! names of the JSON result; a value that was not measured is an empty cell.

use std::io::{self, Write};
use std::path::Path;

use super::file;
use super::model::{Percentiles, RunResult, Totals};
use crate::error::Result;

/// Writes the three files into `dir`, which is made where it is missing.
///
/// # Errors
/// When a file cannot be written; it is named.
pub fn write(result: &RunResult, dir: &Path) -> Result<()> {
    file::create_dir(dir)?;
    file::write(&dir.join("streams.csv"), |out| streams(result, out))?;
    file::write(&dir.join("totals.csv"), |out| totals(result, out))?;
    file::write(&dir.join("ledger.csv"), |out| ledger(result, out))
}

/// A column's name and the value of one row.
type Cell = (String, String);

fn streams(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    let row = |stream: &super::model::StreamResult| {
        let mut row = vec![
            cell("name", &stream.name),
            cell("from", &stream.from),
            cell("to", stream.to.as_deref().unwrap_or_default()),
        ];
        counts(&mut row, &stream.counts);
        distribution(&mut row, "latency", stream.latency_ns.as_ref());
        distribution(&mut row, "latency_intended", stream.latency_intended_ns.as_ref());
        distribution(&mut row, "jitter", stream.jitter_ns.as_ref());
        row.push(optional("ipdv_min_ns", stream.ipdv_ns.map(|ipdv| ipdv.min)));
        row.push(optional("ipdv_median_ns", stream.ipdv_ns.map(|ipdv| ipdv.median)));
        row.push(optional("ipdv_max_ns", stream.ipdv_ns.map(|ipdv| ipdv.max)));
        row.push(optional("first_s", stream.first_s));
        row.push(optional("last_s", stream.last_s));
        row.push(optional("pause_begin_s", stream.longest_pause.map(|pause| pause.begin_s)));
        row.push(optional("pause_end_s", stream.longest_pause.map(|pause| pause.end_s)));
        row
    };
    // The header stands also where there is no stream.
    let header = row(&super::model::StreamResult {
        name: String::new(),
        from: String::new(),
        to: None,
        counts: Totals::default(),
        latency_ns: None,
        latency_intended_ns: None,
        jitter_ns: None,
        ipdv_ns: None,
        first_s: None,
        last_s: None,
        longest_pause: None,
    });
    table(&header, result.streams.iter().map(row), out)
}

fn totals(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    let codes: Vec<&str> = result.verdict.reasons.iter().map(|r| r.code.as_str()).collect();
    let mut row = vec![
        cell("profile", &result.profile),
        cell("seed", result.seed),
        cell("engine", &result.engine),
        cell("started", &result.environment.started),
        cell("valid", result.verdict.valid),
        cell("passed", result.verdict.passed),
        cell("incomplete", result.incomplete),
        cell("reasons", codes.join(" ")),
        cell("duration_s", result.duration_s),
    ];
    counts(&mut row, &result.totals);
    table(&row.clone(), [row], out)
}

fn ledger(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    let row = |stage: &super::model::Stage| {
        vec![
            cell("stage", &stage.stage),
            optional("count", stage.count),
            // What was not measured has lost nothing that is known.
            optional("lost_here", stage.count.map(|_| stage.lost_here)),
            cell("meaning", &stage.meaning),
        ]
    };
    let header = ["stage", "count", "lost_here", "meaning"].map(|name| cell(name, ""));
    table(&header, result.ledger.iter().map(row), out)
}

fn counts(row: &mut Vec<Cell>, counts: &Totals) {
    row.extend([
        cell("intended", counts.intended),
        cell("unsent", counts.unsent),
        cell("sent", counts.sent),
        optional("received", counts.received),
        optional("unique", counts.unique),
        optional("lost", counts.lost),
        optional("loss_ratio", counts.loss_ratio),
        optional("duplicated", counts.duplicated),
        optional("duplicated_ratio", counts.duplicated_ratio),
        optional("replicated_ratio", counts.replicated_ratio),
        optional("reordered", counts.reordered),
        optional("reordered_ratio", counts.reordered_ratio),
        optional("reorder_extent_max", counts.reorder_extent_max),
        optional("late_ambiguous", counts.late_ambiguous),
        optional("corrupt", counts.corrupt),
        optional("alien", counts.alien),
        cell("tx_pps", counts.tx_pps),
        cell("tx_l1_bps", counts.tx_l1_bps),
        cell("tx_l2_bps", counts.tx_l2_bps),
        optional("rx_pps", counts.rx_pps),
        optional("rx_l1_bps", counts.rx_l1_bps),
        optional("rx_l2_bps", counts.rx_l2_bps),
    ]);
}

/// The percentiles, and PDV as RFC 8219 §7.3.1 has it: P99.9 − Dmin.
fn distribution(row: &mut Vec<Cell>, name: &str, values: Option<&Percentiles>) {
    let mut add = |suffix: &str, value: Option<String>| {
        row.push((format!("{name}_{suffix}"), value.unwrap_or_default()));
    };
    add("count", values.map(|v| v.count.to_string()));
    add("min_ns", values.map(|v| v.min.to_string()));
    add("mean_ns", values.map(|v| v.mean.to_string()));
    add("p50_ns", values.map(|v| v.p50.to_string()));
    add("p90_ns", values.map(|v| v.p90.to_string()));
    add("p95_ns", values.and_then(|v| v.p95).map(|p95| p95.to_string()));
    add("p99_ns", values.map(|v| v.p99.to_string()));
    add("p99_9_ns", values.map(|v| v.p99_9.to_string()));
    add("p99_99_ns", values.map(|v| v.p99_99.to_string()));
    add("max_ns", values.map(|v| v.max.to_string()));
    if name == "latency" {
        add("pdv_ns", values.map(|v| v.p99_9.saturating_sub(v.min).to_string()));
    }
}

fn table(
    header: &[Cell],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(header.iter().map(|(name, _)| name))?;
    for row in rows {
        csv.write_record(row.iter().map(|(_, value)| value))?;
    }
    csv.flush()
}

fn cell(name: &str, value: impl ToString) -> Cell {
    (name.to_owned(), value.to_string())
}

fn optional(name: &str, value: Option<impl ToString>) -> Cell {
    (name.to_owned(), value.map(|value| value.to_string()).unwrap_or_default())
}
