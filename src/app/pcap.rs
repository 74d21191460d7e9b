//! `wirestorm pcap`: the bytes that a run would send, without privilege.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::profile::Requested;
use super::{Failure, prepare, profile, study};
use crate::cli::exit::Status;
use crate::cli::pcap::Pcap;
use crate::engine::Slot;
use crate::error::{Error, Result};
use crate::pace::{Class, Schedule, Window};
use crate::packet::dry_run::{write_frames, write_pcap};
use crate::profile::model::{Profile, TestKind};
use crate::profile::study::Study;
use crate::report;

/// Writes the packets of the profile's first sending port, or of all of them in turn.
///
/// # Errors
/// The profile's problems; a file that cannot be written; a profile without end.
pub fn execute(pcap: &Pcap) -> std::result::Result<Status, Failure> {
    // Nothing is sent, so any destination may be written.
    let Requested { profile, .. } = profile::read(&pcap.profile)?;
    let count = pcap.count.map(Into::into);
    let written = write(&profile, &pcap.output, count)?;
    if written == 0 {
        eprintln!("wirestorm: the profile sends nothing: 0 packets written");
    }
    Ok(Status::Passed)
}

/// Writes at most `count` packets and returns how many they were.
///
/// # Errors
/// As [`execute`].
pub fn write(profile: &Profile, path: &Path, count: Option<u64>) -> Result<u64> {
    if let TestKind::Study(test) = &profile.test {
        return write_study(profile, test, path, count);
    }
    let ports = prepare::dry(profile)?;
    let endless = ports.iter().any(|(plan, _)| plan.classes.iter().any(Class::is_endless));
    if endless && count.is_none() {
        return Err(Error::new(
            "write all packets to",
            path.display().to_string(),
            "an unlimited rate has no last one",
        )
        .remedy("add --count N"));
    }
    let mut left = count.unwrap_or(u64::MAX);
    let mut written = 0;
    let mut failed = None;
    report::file::write(path, |out| {
        let mut out = BufWriter::new(out);
        for (number, (plan, programs)) in ports.iter().enumerate() {
            let slots = Slots::of(Schedule::new(&plan.classes, 0, 1, 0));
            let slots = slots.take(usize::try_from(left).unwrap_or(usize::MAX));
            let name = path.display().to_string();
            // One file has one header: what a further port sends follows without one.
            let wrote = match number {
                0 => write_pcap(slots, programs, &mut out, &name),
                _ => write_pcap(slots, programs, WithoutHeader::new(&mut out), &name),
            };
            match wrote {
                Ok(count) => {
                    written += count;
                    left -= count;
                }
                Err(error) => {
                    let kind = io::Error::other(error.cause.clone());
                    failed = Some(error);
                    return Err(kind);
                }
            }
        }
        out.flush()
    })
    .map_err(|error| failed.take().unwrap_or(error))?;
    Ok(written)
}

/// The frames of a study, all at time 0.
fn write_study(profile: &Profile, test: &Study, path: &Path, count: Option<u64>) -> Result<u64> {
    let frames = study::dry(profile, test, count.unwrap_or(u64::MAX))?;
    report::file::write(path, |out| write_frames(&frames, out))?;
    Ok(frames.len() as u64)
}

/// The slots of a schedule as they come, at no clock.
struct Slots {
    schedule: Schedule,
}

impl Slots {
    fn of(schedule: Schedule) -> Self {
        Self { schedule }
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let mut slot = [Slot::default()];
        let all = Window { now: 0, ..Window::due_at(u64::MAX) };
        (self.schedule.fill(all, &mut slot) == 1).then_some(slot[0])
    }
}

/// Leaves out the first 24 bytes: the global header of a pcap file.
struct WithoutHeader<W> {
    out: W,
    skip: usize,
}

impl<W> WithoutHeader<W> {
    fn new(out: W) -> Self {
        Self { out, skip: 24 }
    }
}

impl<W: Write> Write for WithoutHeader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.skip > 0 {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            return Ok(skipped);
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
