//! Results read back from their JSON.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::benchmark::{self, BenchmarkResult};
use super::model::{RunResult, SCHEMA};
use super::study::{self, StudyResult};
use crate::error::{Error, Result};

/// No result is longer: a thousand streams with all their histograms take some ten megabytes.
const MAX_BYTES: u64 = 256 << 20;

/// A result of any kind.
#[derive(Clone, Debug)]
pub enum Any {
    /// Of a run.
    Run(Box<RunResult>),
    /// Of a benchmark.
    Benchmark(Box<BenchmarkResult>),
    /// Of a fragmentation study.
    Study(Box<StudyResult>),
}

/// Reads the result of a run; `-` is standard input.
///
/// # Errors
/// Why the file cannot be read, or is no result of a version that is understood.
pub fn read(path: &Path) -> Result<RunResult> {
    read_as(path, parse)
}

/// Reads the result of a run, of a benchmark or of a study.
///
/// # Errors
/// As [`read`].
pub fn read_any(path: &Path) -> Result<Any> {
    read_as(path, parse_any)
}

/// A result of any kind from its JSON.
///
/// # Errors
/// Why it is none of a version that is understood.
pub fn parse_any(bytes: &[u8]) -> std::result::Result<Any, String> {
    match version(bytes)?.as_str() {
        benchmark::SCHEMA => parse_as(bytes, benchmark::SCHEMA).map(Any::Benchmark),
        study::SCHEMA => parse_as(bytes, study::SCHEMA).map(Any::Study),
        _ => parse(bytes).map(|result| Any::Run(Box::new(result))),
    }
}

fn parse_as<T: DeserializeOwned>(bytes: &[u8], schema: &str) -> std::result::Result<T, String> {
    serde_json::from_slice(bytes).map_err(|cause| format!("it is no {schema}: {cause}"))
}

fn read_as<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, String>,
) -> Result<T> {
    let error = |cause: String| Error::new("read", path.display().to_string(), cause);
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|cause| error(cause.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(error(format!("it is longer than {} MiB", MAX_BYTES >> 20)));
    }
    parse(&bytes)
        .map_err(|cause| error(cause).remedy("name a file that `wirestorm run --json FILE` wrote"))
}

fn version(bytes: &[u8]) -> std::result::Result<String, String> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        schema: String,
    }
    let versioned: Versioned =
        serde_json::from_slice(bytes).map_err(|cause| format!("it is no result: {cause}"))?;
    Ok(versioned.schema)
}

fn parse(bytes: &[u8]) -> std::result::Result<RunResult, String> {
    // The version first: of another one, every further complaint would mislead.
    let schema = version(bytes)?;
    if schema != SCHEMA {
        return Err(format!("it is {schema:?}, not {SCHEMA:?}"));
    }
    parse_as(bytes, SCHEMA)
}
