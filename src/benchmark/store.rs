//! Each trial on disk when it ends: one JSON object a line, and the benchmark goes on from there.
//!
//! The first line says of which benchmark the trials are. A line that was cut off, the last, is
//! left out. Whatever else does not fit is refused: trials of another test prove nothing here.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outcome::Key;
use crate::error::{Error, Result};
use crate::profile::model::Profile;
use crate::report::benchmark::TrialResult;
use crate::report::model::{Environment, Reason};
use crate::search::{Limits, Outcome, Saved, Search};

/// The version of the file.
const SCHEMA: &str = "wirestorm.trials/1";
/// No store is longer: a trial takes about a kilobyte.
const MAX_BYTES: u64 = 256 << 20;

/// Of which benchmark the trials are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    schema: String,
    profile_yaml: String,
    seed: u64,
    /// Line rates by port: loads depend on them.
    line_rates: Vec<Option<u64>>,
}

/// A trial as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The settings of its search.
    pub settings: Value,
    /// What the search learnt.
    pub outcome: Outcome,
    /// What the result shows.
    pub trial: TrialResult,
    /// How it was sent and received, for the report.
    pub made: Made,
}

/// How and where a trial was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The engine that sent.
    pub engine: String,
    /// Why that engine.
    pub engine_detail: String,
    /// How it was received.
    pub receive_detail: String,
    /// Where.
    pub environment: Environment,
    /// What the run warned of.
    pub warnings: Vec<Reason>,
}

/// The trials so far, and the file that they are kept in, if there is one.
#[derive(Debug, Default)]
pub struct Store {
    file: Option<(PathBuf, File)>,
    /// Those that are not replayed yet.
    replay: Vec<Kept>,
}

impl Store {
    /// Keeps trials in a new file.
    ///
    /// # Errors
    /// When it cannot be written, or holds something: hours of trials are not to be lost to a slip.
    pub fn create(path: &Path, profile: &Profile, line_rates: &[Option<u64>]) -> Result<Self> {
        if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
            return Err(error("keep trials in", path, "it is there already")
                .remedy("go on with --resume, or name another file"));
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|cause| error("write", path, cause))?;
        let mut store = Self { file: Some((path.to_owned(), file)), replay: Vec::new() };
        store.append(&Head::of(profile, line_rates))?;
        Ok(store)
    }

    /// Replays a file's trials, and keeps the new ones there too.
    ///
    /// # Errors
    /// When it cannot be read or written, or is of another benchmark.
    pub fn resume(path: &Path, profile: &Profile, line_rates: &[Option<u64>]) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|cause| error("read", path, cause))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file)
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|cause| error("read", path, cause))?;
        if bytes.len() as u64 > MAX_BYTES {
            let cause = format!("it is longer than {} MiB", MAX_BYTES >> 20);
            return Err(error("read", path, cause));
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head: Head = lines
            .next()
            .and_then(|line| serde_json::from_slice(line).ok())
            .ok_or_else(|| error("resume", path, "it holds no trials of a benchmark"))?;
        if let Some(why) = head.differs(&Head::of(profile, line_rates)) {
            return Err(error("resume", path, why)
                .remedy("resume with the same profile, settings and ports, or start anew"));
        }
        let mut replay = Vec::new();
        for (number, line) in lines.enumerate() {
            let kept = serde_json::from_slice(line)
                .map_err(|cause| error("resume", path, format!("line {}: {cause}", number + 2)))?;
            replay.push(kept);
        }
        file.set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|cause| error("write", path, cause))?;
        Ok(Self { file: Some((path.to_owned(), file)), replay })
    }

    /// Keeps a trial.
    ///
    /// # Errors
    /// When it cannot be written: then the benchmark cannot be resumed, which its user relies on.
    pub fn keep(&mut self, kept: &Kept) -> Result<()> {
        self.append(kept)
    }

    /// Takes the trials of one search out, as a search that can be resumed.
    ///
    /// # Errors
    /// When they were made with other settings.
    pub fn take<S: Search>(
        &mut self,
        key: &Key,
        settings: S::Settings,
        limits: Limits,
    ) -> Result<(Saved<S::Settings>, Vec<Kept>)> {
        let wanted = to_value(&settings)?;
        let of_key = |kept: &Kept| {
            let trial = &kept.trial;
            (&trial.test, &trial.size, &trial.modifier) == (&key.test, &key.size, &key.modifier)
        };
        let (taken, rest): (Vec<Kept>, Vec<Kept>) =
            std::mem::take(&mut self.replay).into_iter().partition(of_key);
        self.replay = rest;
        if taken.iter().any(|kept| kept.settings != wanted) {
            let path = self.file.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
            let cause = format!("its trials of {} at {} have other settings", key.test, key.size);
            return Err(error("resume", &path, cause).remedy("start anew"));
        }
        let outcomes = taken.iter().map(|kept| kept.outcome.clone()).collect();
        Ok((Saved { settings, limits, outcomes }, taken))
    }

    fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let mut bytes = serde_json::to_vec(line).map_err(|cause| error("write", path, cause))?;
        bytes.push(b'\n');
        // One write a line, and on disk before the next trial begins.
        file.write_all(&bytes)
            .and_then(|()| file.sync_data().or_else(ignore_devices))
            .map_err(|cause| error("write", path, cause))
    }
}

/// A pipe or a device cannot be synchronised, and need not be.
fn ignore_devices(cause: std::io::Error) -> std::io::Result<()> {
    match cause.kind() {
        std::io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(cause),
    }
}

/// Settings as they are kept.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn to_value(settings: &impl Serialize) -> Result<Value> {
    serde_json::to_value(settings).map_err(|cause| Error::new("keep", "settings", cause))
}

fn error(operation: &str, path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::new(operation, path.display().to_string(), cause)
}

impl Head {
    fn of(profile: &Profile, line_rates: &[Option<u64>]) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            profile_yaml: profile.source.clone(),
            seed: profile.seed,
            line_rates: line_rates.to_vec(),
        }
    }

    fn differs(&self, now: &Self) -> Option<&'static str> {
        if self.schema != now.schema {
            Some("it is of another version")
        } else if self.profile_yaml != now.profile_yaml {
            Some("its profile is another one")
        } else if self.seed != now.seed {
            Some("its seed is another one")
        } else {
            (self.line_rates != now.line_rates).then_some("its ports had another line rate")
        }
    }
}
