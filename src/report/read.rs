//! Results read back from their JSON.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use super::model::{RunResult, SCHEMA};
use crate::error::{Error, Result};

/// No result is longer: a thousand streams with all their histograms take some ten megabytes.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a result; `-` is standard input.
///
/// # Errors
/// Why the file cannot be read, or is no result of a version that is understood.
pub fn read(path: &Path) -> Result<RunResult> {
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

fn parse(bytes: &[u8]) -> std::result::Result<RunResult, String> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        schema: String,
    }
    // The version first: of another one, every further complaint would mislead.
    let versioned: Versioned =
        serde_json::from_slice(bytes).map_err(|cause| format!("it is no result: {cause}"))?;
    if versioned.schema != SCHEMA {
        return Err(format!("it is {:?}, not {SCHEMA:?}", versioned.schema));
    }
    serde_json::from_slice(bytes).map_err(|cause| format!("it is no {SCHEMA}: {cause}"))
}
