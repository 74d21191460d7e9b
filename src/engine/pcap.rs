//! The engine that writes a file: every packet as it would have been sent, at the time it was due.

use std::io::{self, BufWriter, Write};

use super::{Capabilities, Engine, Programs, Slot, TxCounters};
use crate::error::{Error, Result};
use crate::sys::clock::Clock;

/// Classic pcap with nanosecond timestamps (draft-ietf-opsawg-pcap §4), in the writer's byte order.
const MAGIC: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const LINKTYPE_ETHERNET: u32 = 1;
/// The longest packet that readers take (libpcap's MAXIMUM_SNAPLEN).
const SNAPLEN: u32 = 262_144;

/// Writes frames to a pcap file.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: BufWriter<W>,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 18, out);
        out.write_all(&MAGIC.to_le_bytes())?;
        out.write_all(&VERSION[0].to_le_bytes())?;
        out.write_all(&VERSION[1].to_le_bytes())?;
        // Time zone and accuracy: always 0.
        out.write_all(&[0; 8])?;
        out.write_all(&SNAPLEN.to_le_bytes())?;
        out.write_all(&LINKTYPE_ETHERNET.to_le_bytes())?;
        Ok(Self { out })
    }

    /// Appends a frame at a time in nanoseconds. The format has 32 bits for the seconds; later
    /// times wrap.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&mut self, nanos: u64, frame: &[u8]) -> io::Result<()> {
        let len = frame.len() as u32;
        let words = [(nanos / 1_000_000_000) as u32, (nanos % 1_000_000_000) as u32, len, len];
        for word in words {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(frame)
    }

    /// Hands everything to `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// An [`Engine`] that writes to a file. The tag says that every packet left when it was due; at an
/// unlimited rate, where none is due, when it was built.
#[derive(Debug)]
pub struct PcapEngine<W: Write, C> {
    capabilities: Capabilities,
    writer: PcapWriter<W>,
    /// What messages call the file.
    name: String,
    clock: C,
    programs: Programs,
    holds: Option<u32>,
    frame: Box<[u8]>,
    by_program: Box<[u64]>,
    counters: TxCounters,
}

impl<W: Write, C: Clock> PcapEngine<W, C> {
    /// Begins a file; `name` stands for it in messages.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, name: impl Into<String>, clock: C, programs: Programs) -> Result<Self> {
        let name = name.into();
        let writer = PcapWriter::new(out).map_err(|error| write_error(&name, &error))?;
        let longest = programs.iter().map(|program| program.max_frame_len()).max().unwrap_or(0);
        Ok(Self {
            capabilities: Capabilities {
                name: "pcap",
                detail: "nanosecond pcap, times as due".to_owned(),
                max_frame: SNAPLEN as usize,
                max_batch: 256,
                // Nothing is gained by waiting: the time of a packet is the time that it is due.
                lookahead: u64::MAX / 2,
                zero_copy: false,
            },
            writer,
            name,
            clock,
            holds: None,
            frame: vec![0; longest].into(),
            by_program: vec![0; programs.len()].into(),
            programs,
            counters: TxCounters::default(),
        })
    }
}

impl<W: Write, C: Clock> Engine for PcapEngine<W, C> {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn transmit(&mut self, slots: &[Slot]) -> Result<usize> {
        let slots = &slots[..slots.len().min(self.capabilities.max_batch)];
        for slot in slots {
            let program = &*self.programs[slot.program as usize];
            let holds_template = self.holds == Some(slot.program);
            let len = program.build(slot.index, &mut self.frame, holds_template);
            self.holds = Some(slot.program);
            self.counters.built += 1;
            let time = if slot.due == 0 { self.clock.now() } else { slot.due };
            program.stamp(slot.index, &mut self.frame, time, 0);
            let frame = &self.frame[..len];
            self.writer.write(time, frame).map_err(|error| write_error(&self.name, &error))?;
            self.by_program[slot.program as usize] += 1;
            self.counters.accepted += 1;
            self.counters.completed += 1;
            self.counters.completed_bytes += len as u64;
        }
        Ok(slots.len())
    }

    fn drain(&mut self, _timeout_ns: u64) -> Result<()> {
        self.writer.flush().map_err(|error| write_error(&self.name, &error))
    }

    fn counters(&self) -> TxCounters {
        self.counters
    }

    fn accepted_by_program(&self) -> &[u64] {
        &self.by_program
    }
}

fn write_error(name: &str, error: &io::Error) -> Error {
    let message = Error::new("write the capture to", name, error);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            message.remedy("free some space, or lower the count")
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_file() {
        let mut file = Vec::new();
        let mut writer = PcapWriter::new(&mut file).unwrap();
        writer.write(3_000_000_007, &[0xaa, 0xbb]).unwrap();
        writer.flush().unwrap();
        drop(writer);
        #[rustfmt::skip]
        assert_eq!(file, [
            0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
            3, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xbb,
        ]);
    }
}
