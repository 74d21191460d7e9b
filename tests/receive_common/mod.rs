//! Frames, specs and privilege for the receive tests.
#![allow(dead_code, reason = "every test file takes what it needs")]

use wirestorm::measure::classify::{Classifier, Rules};
use wirestorm::packet::tag::{self, TAG_LEN};
use wirestorm::profile::model::ReceiveMode;
use wirestorm::receive::ReceiveSpec;
use wirestorm::receive::xdp::layout::{Layout, Row};
use wirestorm::receive::xdp::program::{Duty, Loaded};
use wirestorm::sys::netns::Netns;

/// Trial of the tests' probes.
pub const EPOCH: u8 = 3;
/// Where the tag of [`udp_frame`] is.
pub const TAG_AT: u16 = 42;

/// A tag, stamped.
pub fn tag(stream: u16, index: u64, time: u64) -> [u8; TAG_LEN] {
    let mut bytes = [0; TAG_LEN];
    tag::write_constant(&mut bytes, EPOCH, stream);
    tag::stamp(&mut bytes, index as u32, time as u32, tag::encode_lag(0));
    bytes
}

/// A 60-byte UDP/IPv4 frame with the tag of packet `index`, from 198.18.0.1 to 198.18.0.2.
pub fn udp_frame(stream: u16, index: u64, time: u64) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
    frame.extend([0x40, 0, 0, 9, 0, 26, 0, 0]);
    frame.extend(tag(stream, index, time));
    frame
}

/// A spec whose streams have so many workers each.
pub fn spec(stream_workers: &[u32]) -> ReceiveSpec {
    ReceiveSpec {
        netns: Netns::current().expect("/proc is mounted"),
        interface: "rx".into(),
        mode: ReceiveMode::Auto,
        epoch: EPOCH,
        stream_workers: stream_workers.to_vec(),
        tag_offsets: vec![TAG_AT],
        unparsed_offsets: 0,
        datagrams: Vec::new(),
        latency: true,
        wanted_gap_ns: None,
        pass_on: false,
    }
}

/// The oracle for a spec.
pub fn oracle(spec: &ReceiveSpec, window_shift: u32) -> Classifier {
    Classifier::new(Rules {
        epoch: spec.epoch,
        stream_workers: spec.stream_workers.clone(),
        datagrams: spec.datagrams.clone(),
        window_shift,
        latency: spec.latency,
        wanted_gap_ns: spec.wanted_gap_ns,
    })
}

/// The program with one row, as native XDP has it on one queue; the window cut to `window_shift`.
pub fn load(spec: &ReceiveSpec, window_shift: u32) -> Loaded {
    let mut layout = Layout::new(spec, Row::Queue, 1);
    layout.window_shift = layout.window_shift.min(window_shift);
    Loaded::load(spec, layout, Duty::Count).expect("the program loads")
}

/// Whether this process may load programs and make namespaces. Says so if not; with
/// REQUIRE_PRIVILEGED=1 that is a failure. A program that the verifier refuses is one always.
pub fn privileged(test: &str) -> bool {
    let spec = spec(&[1]);
    let why = match Netns::new_anonymous() {
        Err(cause) => cause,
        Ok(_) => match Loaded::load(&spec, Layout::new(&spec, Row::Queue, 1), Duty::Count) {
            Ok(_) => return true,
            Err(cause) => cause,
        },
    };
    assert_eq!(why.raw_os_error(), Some(libc::EPERM), "{why}");
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none_or(|value| value != "1"),
        "{test} needs root: {why}"
    );
    println!("skipped: {test} needs root: {why}");
    false
}
