//! A benchmark as CSV (RFC 4180): a file a test, a row a size and modifier (and goal or load), and
//! `trials.csv`. The columns have the names of the JSON result, nested ones joined by a dot; a value
//! that was not measured is an empty cell.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::benchmark::{BenchmarkResult, SizeResult, TrialResult};
use super::file;
use crate::error::{Error, Result};

/// Writes the files of the tests that have results into `dir`, which is made where it is missing.
///
/// # Errors
/// When a file cannot be written; it is named.
pub fn write(result: &BenchmarkResult, dir: &Path) -> Result<()> {
    file::create_dir(dir)?;
    let table = |name: &str, rows: Vec<Row>| match rows.is_empty() {
        true => Ok(()),
        false => file::write(&dir.join(format!("{name}.csv")), |out| lines(&rows, out)),
    };
    table("throughput", of_sizes(result, |size| size.throughput.iter().collect())?)?;
    table("latency", of_sizes(result, |size| size.latency.iter().collect())?)?;
    table("frame_loss", of_sizes(result, |size| size.frame_loss.iter().collect())?)?;
    table("back_to_back", of_sizes(result, |size| size.back_to_back.iter().collect())?)?;
    table("system_recovery", of_sizes(result, |size| size.system_recovery.iter().collect())?)?;
    table("reset", of_sizes(result, |size| size.reset.iter().collect())?)?;
    let trials = result.trials.iter().map(|trial: &TrialResult| row(None, trial));
    table("trials", trials.collect::<Result<_>>()?)
}

/// Names and values.
type Row = Vec<(String, String)>;

fn of_sizes<T: Serialize>(
    result: &BenchmarkResult,
    of: impl Fn(&SizeResult) -> Vec<&T>,
) -> Result<Vec<Row>> {
    let sizes = result.sizes.iter();
    sizes.flat_map(|size| of(size).into_iter().map(|value| row(Some(size), value))).collect()
}

fn row(size: Option<&SizeResult>, value: &impl Serialize) -> Result<Row> {
    let value = serde_json::to_value(value).map_err(|cause| Error::new("write", "CSV", cause))?;
    let mut row = Vec::new();
    if let Some(size) = size {
        row.push(("size".to_owned(), size.size.clone()));
        row.push(("modifier".to_owned(), size.modifier.clone().unwrap_or_default()));
        row.push(("frame_bytes".to_owned(), size.frame_bytes.to_string()));
        row.push(("line_rate_fps".to_owned(), cell(&size.line_rate_fps.into())));
    }
    flatten("", &value, &mut row);
    Ok(row)
}

fn flatten(name: &str, value: &Value, row: &mut Row) {
    match value {
        Value::Object(members) => members_of(name, members, row),
        other => row.push((name.to_owned(), cell(other))),
    }
}

fn members_of(name: &str, members: &Map<String, Value>, row: &mut Row) {
    for (key, value) in members {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        flatten(&name, value, row);
    }
}

/// Lists of numbers are written with spaces between them, other lists as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_number() || item.is_null()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// A member that is null in one row and an object in another has the columns of both.
fn lines(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(&names)?;
    for row in rows {
        let of = |name: &&str| {
            let found = row.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        csv.write_record(names.iter().map(of))?;
    }
    csv.flush()
}
