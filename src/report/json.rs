//! The result as JSON, schema `wirestorm.result/1`: docs/result.schema.json describes it.

use std::io::Write;

use super::model::RunResult;
use crate::error::{Error, Result};

/// The JSON Schema of the result.
pub const SCHEMA: &str = include_str!("../../docs/result.schema.json");

/// Writes the result as indented JSON with a newline at the end.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn write(result: &RunResult, out: &mut dyn Write) -> Result<()> {
    to_writer(result, out).map_err(|cause| Error::new("write", "the JSON result", cause))
}

/// As [`write`], with the bare cause: for [`super::file::write`], which names the path.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn to_writer(result: &RunResult, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    out.write_all(b"\n")
}
