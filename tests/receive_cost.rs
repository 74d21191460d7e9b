//! What a packet costs in the receiving program: `cargo test --release --test receive_cost --
//! --ignored --nocapture`. It prints; nothing here is asserted about time.

mod receive_common;

use receive_common::*;
use wirestorm::receive::ReceiveSpec;
use wirestorm::receive::xdp::layout::{Layout, Row};
use wirestorm::receive::xdp::program::{Duty, Loaded};
use wirestorm::sys::bpf::test_run;
use wirestorm::sys::clock;

const REPEAT: u32 = 2_000_000;

/// The best of five: the machine's other work only ever adds.
fn cost(spec: &ReceiveSpec, row: Row, rows: u32, frame: &[u8]) -> u128 {
    let layout = Layout::new(spec, row, rows);
    let loaded = Loaded::load(spec, layout, Duty::Count).unwrap();
    let runs = (0..5).map(|_| test_run(loaded.program(), frame, REPEAT).unwrap().1.as_nanos());
    runs.min().unwrap()
}

#[test]
#[ignore = "a measurement, run by hand"]
fn nanoseconds_per_packet() {
    if !privileged("nanoseconds_per_packet") {
        return;
    }
    let probe = udp_frame(0, 0, clock::now());
    let mut alien = probe.clone();
    alien[42] = 0;
    let latency = spec(&[1]);
    let bare = ReceiveSpec { latency: false, ..latency.clone() };
    let gaps = ReceiveSpec { wanted_gap_ns: Some(1000), ..latency.clone() };
    let parsed = ReceiveSpec { tag_offsets: Vec::new(), ..latency.clone() };
    for (name, spec, rows, frame) in [
        ("alien", &bare, 1, &alien),
        ("probe, no latency", &bare, 1, &probe),
        ("probe, latency", &latency, 1, &probe),
        ("probe, latency, flows shared by queues", &latency, 2, &probe),
        ("probe, latency, gaps", &gaps, 1, &probe),
        ("probe, latency, tag found by parsing", &parsed, 1, &probe),
    ] {
        println!("{:4} ns  {name}", cost(spec, Row::Queue, rows, frame));
    }
}
