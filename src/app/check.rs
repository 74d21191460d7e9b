//! `wirestorm check`: is a profile valid, and what would it do?

use std::fmt::Write;

use super::profile::Requested;
use super::{Failure, prepare, print, profile};
use crate::benchmark::pattern;
use crate::cli::check::Check;
use crate::cli::exit::Status;
use crate::pace::Shape;
use crate::plan::{self, PortPlan};
use crate::profile::model::{Pattern, Profile, Stream, TestKind};
use crate::profile::replay::{Checksums, Replay};
use crate::report::format;
use crate::units::{BitLayer, FrameSize, Nanos};

/// Prints the plan: streams, rates, and the bytes of packet 0.
///
/// # Errors
/// The profile's problems; streams that cannot be compiled.
pub fn execute(check: &Check) -> std::result::Result<Status, Failure> {
    let Requested { profile, .. } = profile::load(&check.profile)?;
    let mut text = String::new();
    let _ = writeln!(text, "{}: valid, seed {}", profile.name, profile.seed);
    if let TestKind::Benchmark(test) = &profile.test {
        let sizes = test.sizes.iter().map(pattern::name).collect::<Vec<_>>();
        let kind = test.kind.name();
        let sizes = sizes.join(", ");
        let _ = writeln!(text, "benchmark {kind}, sizes {sizes}: each trial scales these streams");
    }
    if let TestKind::Study(test) = &profile.test {
        text.push_str(&super::study::describe(&profile, test)?);
    }
    for warning in &profile.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    for (port, programs) in prepare::dry(&profile)? {
        let name = &profile.ports[port.port].name;
        let lasts = match port.duration() {
            Some(span) => format!("for {}", Nanos(span)),
            None => "until its count is sent".to_owned(),
        };
        let workers = port.seats.len();
        let _ = writeln!(text, "\nport {name}: {workers} worker(s), sends {lasts}");
        for (at, &stream) in port.streams.iter().enumerate() {
            describe(&mut text, &profile, &port, stream);
            let program = &programs[at];
            let mut frame = vec![0; program.max_frame_len()];
            let len = program.build(0, &mut frame, false);
            let tag = match program.tag_at {
                Some(offset) => format!("probe tag at byte {offset}"),
                None => "no probe tag: sent and not measured".to_owned(),
            };
            let changing = match &program.frames {
                None => program.ops.len(),
                Some(frames) => {
                    let most = frames.shapes().iter().map(|shape| shape.ops.len()).max();
                    most.unwrap_or(0)
                }
            };
            let _ = writeln!(text, "    {changing} changing field(s), {tag}");
            let _ = writeln!(text, "    packet 0, {len} bytes without FCS:");
            for (line, bytes) in frame[..len].chunks(16).enumerate() {
                let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let _ = writeln!(text, "      {:04x}  {}", line * 16, hex.join(" "));
            }
        }
    }
    print(text.as_bytes())?;
    Ok(Status::Passed)
}

fn describe(text: &mut String, profile: &Profile, port: &PortPlan, number: usize) {
    let stream = &profile.streams[number];
    let class = port.classes.iter().find(|class| {
        class.streams.iter().any(|s| port.streams.get(s.program as usize) == Some(&number))
    });
    let to = stream.to.map_or("nowhere", |to| profile.ports[to].name.as_str());
    let stack: Vec<&str> = stream.headers.iter().map(|header| header.protocol.name).collect();
    let what = match &stream.replay {
        None => stack.join("/"),
        Some(replay) => format!("replay of {}", replay.file),
    };
    let _ = writeln!(text, "  stream {}: {what} to {to}", stream.name);
    if let Some(replay) = &stream.replay {
        replayed(text, replay);
    }
    let (bytes, frames) = plan::mean_size(&stream.size);
    let mean = bytes as f64 / frames as f64;
    let sizes = match plan::max_size(&stream.size) {
        FrameSize(largest) if f64::from(largest) == mean => format!("{largest} bytes"),
        FrameSize(largest) => format!("{mean:.1} bytes on average, {largest} at most"),
    };
    let Some(class) = class else { return };
    let rate = match plan::mean_pps(class) {
        None => "as fast as the engine goes".to_owned(),
        Some(pps) => {
            let bps = |layer: BitLayer| {
                let overhead = (layer.bytes(FrameSize(0))) as f64;
                format::rate(pps * (mean + overhead) * 8.0, "bit/s")
            };
            format!(
                "{}, {} L1, {} L2",
                format::rate(pps, "packets/s"),
                bps(BitLayer::L1),
                bps(BitLayer::L2)
            )
        }
    };
    let rate = match &stream.pattern {
        Pattern::Constant(_) => rate,
        pattern => format!("{}: {rate} on average", pattern.text()),
    };
    let packets = match (&class.shape, plan::expected_slots(class)) {
        (_, None) => "no limit".to_owned(),
        (Shape::Poisson(_), Some(slots)) => format!("about {} packets", format::count(slots)),
        (_, Some(slots)) => format!("{} packets", format::count(slots)),
    };
    let _ = writeln!(text, "    {sizes} (FCS included); {rate}; {packets}");
    if class.start > 0 || stream.after.is_some() {
        let after = stream.after.as_ref().map(|after| format!(", after {after} has ended"));
        let _ =
            writeln!(text, "    begins after {}{}", Nanos(class.start), after.unwrap_or_default());
    }
    if let Some(rounds) = rounds(profile, stream) {
        let _ = writeln!(text, "    {} times in all", format::count(rounds));
    }
}

/// What a capture holds, and what becomes of it.
fn replayed(text: &mut String, replay: &Replay) {
    let frames = &replay.frames;
    let mut packets = format::count(frames.count() as u64);
    if frames.count() < frames.total() {
        packets.push_str(&format!(" of {}", format::count(frames.total() as u64)));
    }
    let recorded = Nanos(frames.span());
    let rounds = match replay.rounds {
        None => ", again and again".to_owned(),
        Some(1) => String::new(),
        Some(rounds) => format!(", {} times", format::count(rounds)),
    };
    let checksums = match replay.checksums {
        Checksums::Keep => "as captured",
        Checksums::Recompute => "recomputed",
    };
    let rewritten = match replay.rewrite.as_slice() {
        [] => "nothing".to_owned(),
        all => all.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", "),
    };
    let _ = writeln!(text, "    {packets} packets, recorded over {recorded}{rounds}");
    let _ = writeln!(text, "    rewritten: {rewritten}; checksums {checksums}");
}

/// How often a stream's chain is repeated; None: once.
fn rounds(profile: &Profile, stream: &Stream) -> Option<u64> {
    let mut first = stream;
    // A chain without a beginning is no valid profile.
    while let Some(after) = &first.after {
        first = profile.streams.iter().find(|other| other.written_name() == after)?;
    }
    (first.repeat > 1).then_some(first.repeat)
}
