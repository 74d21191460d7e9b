//! `wirestorm explain`: a capture becomes a profile that makes its packets again.

use std::fmt::Write;

use super::Failure;
use crate::capture::{self, Captured};
use crate::cli::exit::Status;
use crate::cli::explain::Explain;
use crate::error::{Error, Result};
use crate::packet::explain::{Explained, explain, names};
use crate::report;
use crate::units::FCS_BYTES;

/// The tag's number of a stream has 16 bits: more streams than that make no profile.
const MAX_STREAMS: usize = 1 << 16;
/// Ethernet's smallest frame without FCS.
const MIN_FRAME: usize = 60;

/// Writes the profile.
///
/// # Errors
/// A capture that cannot be read, holds nothing, or holds more packets than a profile has streams;
/// an output that cannot be written.
pub fn execute(command: &Explain) -> std::result::Result<Status, Failure> {
    let mut packets = capture::read(&command.capture)?;
    let shown = command.capture.display().to_string();
    packets.truncate(command.count.map_or(usize::MAX, Into::into));
    if packets.is_empty() {
        return Err(Error::new("explain", shown, "it holds no packet")
            .remedy("give a capture with packets")
            .into());
    }
    if packets.len() > MAX_STREAMS {
        let cause = format!("{} packets are more than a profile's {MAX_STREAMS}", packets.len());
        return Err(Error::new("explain", shown, cause)
            .remedy("explain fewer with --count, or replay the capture as it is")
            .into());
    }
    let text = profile(&packets, &shown)?;
    report::file::write(&command.output, |out| out.write_all(text.as_bytes()))?;
    Ok(Status::Passed)
}

/// The profile's text: one stream a packet, at its time.
fn profile(packets: &[Captured], file: &str) -> Result<String> {
    let first = packets.iter().map(|packet| packet.time).min().unwrap_or(0);
    let digits = packets.len().to_string().len();
    let mut text = format!(
        "# The packets of {file}, each a stream of its own, at their times.\nlab: b2b\nstreams:\n"
    );
    for (n, packet) in packets.iter().enumerate() {
        if packet.bytes.len() < 14 {
            let cause = format!("packet {} has {} bytes", n + 1, packet.bytes.len());
            return Err(Error::new("explain", file, cause)
                .remedy("an Ethernet header has 14: capture whole frames"));
        }
        let explained = explain(&packet.bytes);
        let start = packet.time - first;
        stream(&mut text, &format!("p{:0digits$}", n + 1), start, packet, &explained);
    }
    Ok(text)
}

fn stream(text: &mut String, name: &str, start: u64, packet: &Captured, explained: &Explained) {
    let len = packet.bytes.len();
    let _ = writeln!(text, "# {}", names(&explained.headers));
    if packet.original_len > len {
        let _ = writeln!(text, "# the capture cut {} bytes", packet.original_len - len);
    }
    let _ = writeln!(text, "- name: {name}");
    let _ = writeln!(text, "  to: null");
    let _ = writeln!(text, "  start: {start}ns");
    let _ = writeln!(text, "  rate: 1pps");
    let _ = writeln!(text, "  count: 1");
    let _ = writeln!(text, "  size: {}B", len + FCS_BYTES as usize);
    if len < MIN_FRAME {
        let _ = writeln!(text, "  runts: true");
    }
    let _ = writeln!(text, "  tag: false");
    if let Some(payload) = explained.payload() {
        let _ = writeln!(text, "  payload: {payload}");
    }
    let _ = write!(text, "  packet:\n{}", explained.stack(4));
}
