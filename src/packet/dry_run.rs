//! The bytes without a device: a schedule written to a capture file.

use std::io::Write;

use crate::engine::pcap::{PcapEngine, PcapWriter};
use crate::engine::{Engine, Programs, Slot};
use crate::error::Result;
use crate::sys::clock::Clock;

/// Packets that are due at no time in particular stand at time 0, so that the same profile gives
/// the same file.
struct TimeZero;

impl Clock for TimeZero {
    fn now(&self) -> u64 {
        0
    }
}

/// Writes frames as a pcap file, all at time 0.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_frames(frames: &[Vec<u8>], out: &mut dyn Write) -> std::io::Result<()> {
    let mut writer = PcapWriter::new(out)?;
    for frame in frames {
        writer.write(0, frame)?;
    }
    writer.flush()
}

/// Writes the packets of `slots` to `out` as a pcap file, each at the time it is due, and returns
/// how many they were. `name` stands for the file in messages.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_pcap(
    slots: impl IntoIterator<Item = Slot>,
    programs: &Programs,
    out: impl Write,
    name: &str,
) -> Result<u64> {
    let mut engine = PcapEngine::new(out, name, TimeZero, programs.clone())?;
    for slot in slots {
        engine.transmit(&[slot])?;
    }
    engine.drain(0)?;
    Ok(engine.counters().completed)
}
