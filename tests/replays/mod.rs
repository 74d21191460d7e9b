//! What the tests of replays share: capture files of every kind, and dry runs without a process.

#![allow(dead_code, reason = "each test uses its part")]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wirestorm::capture::{Captured, read_from};
use wirestorm::engine::{Programs, Slot};
use wirestorm::pace::{Schedule, Window};
use wirestorm::packet::Addressing;
use wirestorm::packet::compile::compile;
use wirestorm::packet::dry_run::write_pcap;
use wirestorm::packet::program::StreamProgram;
use wirestorm::plan::{self, PortPlan};
use wirestorm::profile::{self, model::Profile};

/// How a capture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    PcapMicro,
    PcapNano,
    /// pcapng in nanoseconds.
    Ng,
}

impl Format {
    /// A time as the file can hold it.
    pub fn rounded(self, nanos: u64) -> u64 {
        if self == Self::PcapMicro { nanos / 1000 * 1000 } else { nanos }
    }
}

/// A capture file of frames with their times in nanoseconds, and the length that each had on the
/// wire.
pub fn file(format: Format, frames: &[(u64, Vec<u8>, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    if format == Format::Ng {
        out.extend(words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]));
        // Ethernet, and an option: times in units of 10^-9 s.
        out.extend(words(&[1, 32, 1, 0, 0x0001_0009, 9, 0, 32]));
    } else {
        let magic = if format == Format::PcapNano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        out.extend(words(&[magic, 0x0004_0002, 0, 0, 262_144, 1]));
    }
    for (time, frame, original) in frames {
        let (len, original) = (frame.len() as u32, *original as u32);
        if format == Format::Ng {
            let padded = frame.len().next_multiple_of(4);
            let total = 32 + padded as u32;
            let (high, low) = ((time >> 32) as u32, *time as u32);
            out.extend(words(&[6, total, 0, high, low, len, original]));
            out.extend(frame);
            out.resize(out.len() + padded - frame.len(), 0);
            out.extend(words(&[total]));
        } else {
            let unit = if format == Format::PcapNano { 1 } else { 1000 };
            let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000 / unit);
            out.extend(words(&[seconds as u32, rest as u32, len, original]));
            out.extend(frame);
        }
    }
    out
}

/// Whole frames as a nanosecond pcap file.
pub fn whole(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let frames: Vec<_> =
        frames.iter().map(|(time, frame)| (*time, frame.clone(), frame.len())).collect();
    file(Format::PcapNano, &frames)
}

/// A directory with a capture `c.pcap`, and the path of a profile in it.
pub fn beside(capture: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("c.pcap"), capture).expect("written");
    let path = dir.path().join("p.yaml");
    (dir, path)
}

/// A profile's text, read as the file at `path`.
pub fn parse(path: &Path, text: &str) -> Profile {
    let path = path.to_string_lossy();
    profile::parse(&path, text, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Why a profile's text is refused.
pub fn refused(path: &Path, text: &str) -> String {
    let path = path.to_string_lossy();
    profile::parse(&path, text, &[]).expect_err("is refused").to_string()
}

/// Addresses of the two ends.
pub fn addressing() -> Addressing {
    Addressing {
        source_mac: [2, 0x57, 0x53, 0, 1, 2],
        next_hop_mac_ipv4: [2, 0x57, 0x53, 0, 2, 4],
        next_hop_mac_ipv6: [2, 0x57, 0x53, 0, 2, 6],
        source_ipv4: Some(Ipv4Addr::new(198, 18, 0, 2)),
        source_ipv6: Some(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 2)),
        destination_ipv4: Some(Ipv4Addr::new(198, 18, 0, 3)),
        destination_ipv6: Some(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 3)),
    }
}

/// The plan and the programs of a profile's only sending port.
pub fn planned(profile: &Profile) -> (PortPlan, Programs) {
    let plan = plan::plan(profile, &[], &[], None).unwrap_or_else(|error| panic!("{error}"));
    let plan = plan.into_iter().next().expect("a port that sends");
    let program = |&stream: &usize| -> Arc<StreamProgram> {
        let program = compile(profile, stream, &addressing(), 1);
        program.unwrap_or_else(|error| panic!("{error}")).into()
    };
    let programs = plan.streams.iter().map(program).collect();
    (plan, programs)
}

/// All slots of a worker, in order.
pub fn slots(mut schedule: Schedule) -> Vec<Slot> {
    let mut all = Vec::new();
    let mut slot = [Slot::default()];
    let window = Window { now: 0, ..Window::due_at(u64::MAX) };
    while schedule.fill(window, &mut slot) == 1 {
        all.push(slot[0]);
    }
    all
}

/// What the dry run of a profile writes.
pub fn dry(profile: &Profile) -> Vec<Captured> {
    let (plan, programs) = planned(profile);
    let mut out = Vec::new();
    let slots = slots(Schedule::new(&plan.classes, 0, 1, 0));
    write_pcap(slots, &programs, &mut out, "dry").expect("written");
    read_from(out.as_slice(), "dry").expect("a capture")
}

/// What the dry run of a text writes, as frames with their times.
pub fn made(text: &str) -> Vec<(u64, Vec<u8>)> {
    let packets = dry(&parse(Path::new("made.yaml"), text));
    packets.into_iter().map(|packet| (packet.time, packet.bytes)).collect()
}
