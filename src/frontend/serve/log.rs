//! Outcomes as JSON lines, to a file or standard output. A writer of its own: a disk that is full or
//! a reader that does not read never holds up the service; what cannot be written is counted.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::sys::errno::words;

/// Bytes that are handed to the writer together.
const BATCH: usize = 1 << 16;
/// Batches that wait for the writer.
const WAITING: usize = 64;
/// How long the writer is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

enum Message {
    Lines { bytes: Vec<u8>, count: u64 },
    Reopen,
}

/// A log.
#[derive(Debug)]
pub struct Log {
    lines: Vec<u8>,
    count: u64,
    to: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
    lost: Arc<AtomicU64>,
    told: u64,
}

impl Log {
    /// Opens the file to append to; `-` is standard output.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let (to, from) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer { path: path.to_owned(), file: None, lost: lost.clone() };
        writer.reopen().map_err(|error| {
            Error::new("write the log", path.display().to_string(), words(&error))
        })?;
        let writer = thread::spawn(move || writer.write(&from));
        Ok(Self {
            lines: Vec::with_capacity(BATCH + 4096),
            count: 0,
            to: Some(to),
            writer: Some(writer),
            lost,
            told: 0,
        })
    }

    /// Adds a line.
    pub fn line(&mut self, event: &impl Serialize) {
        let before = self.lines.len();
        if serde_json::to_writer(&mut self.lines, event).is_err() {
            self.lines.truncate(before);
            self.lost.fetch_add(1, Relaxed);
            return;
        }
        self.lines.push(b'\n');
        self.count += 1;
        if self.lines.len() >= BATCH {
            self.flush();
        }
    }

    /// Hands what there is to the writer.
    pub fn flush(&mut self) {
        if self.count == 0 {
            return;
        }
        let bytes = std::mem::replace(&mut self.lines, Vec::with_capacity(BATCH + 4096));
        let count = std::mem::take(&mut self.count);
        if !self.hand_over(Message::Lines { bytes, count }) {
            self.lost.fetch_add(count, Relaxed);
        }
    }

    /// Closes the file and opens it anew: whoever rotates logs has moved it (SIGHUP).
    pub fn reopen(&mut self) {
        self.flush();
        if !self.hand_over(Message::Reopen) {
            eprintln!("wirestorm: the log is not reopened: its writer does not keep up");
        }
    }

    fn hand_over(&self, message: Message) -> bool {
        match self.to.as_ref().map(|to| to.try_send(message)) {
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
            Some(Ok(())) => true,
        }
    }

    /// Lines that were not written. Says so once on standard error when it becomes true.
    pub fn lost(&mut self) -> u64 {
        let lost = self.lost.load(Relaxed);
        if lost > 0 && self.told == 0 {
            eprintln!("wirestorm: lines of the log are lost; the totals say how many");
        }
        self.told = lost;
        lost
    }

    /// Writes what is left. Lines that were never written.
    pub fn close(mut self) -> u64 {
        self.flush();
        self.to = None;
        if let Some(writer) = self.writer.take() {
            let until = Instant::now() + LAST_WORDS;
            while !writer.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
        }
        self.lost()
    }
}

struct Writer {
    path: PathBuf,
    /// None: standard output, or a file that could not be reopened.
    file: Option<File>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn reopen(&mut self) -> io::Result<()> {
        if self.path != Path::new("-") {
            self.file = None;
            self.file = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
        }
        Ok(())
    }

    fn write(&mut self, from: &Receiver<Message>) {
        let mut complained = false;
        while let Ok(message) = from.recv() {
            let (result, count) = match message {
                Message::Lines { bytes, count } => (self.put(&bytes), count),
                Message::Reopen => (self.reopen(), 0),
            };
            if let Err(error) = result {
                self.lost.fetch_add(count, Relaxed);
                if !complained {
                    eprintln!(
                        "wirestorm: cannot write the log {}: {}",
                        self.path.display(),
                        words(&error)
                    );
                }
                complained = true;
            } else {
                complained = false;
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.path == Path::new("-") {
            let mut out = io::stdout().lock();
            return out.write_all(bytes).and_then(|()| out.flush());
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_and_the_file_is_opened_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut log = Log::open(&path).unwrap();
        log.line(&serde_json::json!({"n": 1}));
        log.flush();
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::fs::read(&path).unwrap().is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        std::fs::rename(&path, &moved).unwrap();
        log.reopen();
        log.line(&serde_json::json!({"n": 2}));
        assert_eq!(log.close(), 0);
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "{\"n\":1}\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":2}\n");
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let mut log = Log::open(Path::new("/dev/full")).unwrap();
        log.line(&1);
        log.line(&2);
        assert_eq!(log.close(), 2);
        assert!(Log::open(Path::new("/nowhere/log")).unwrap_err().to_string().contains("/nowhere"));
    }
}
