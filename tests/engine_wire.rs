//! Frames sent through the kernel's rings arrive, byte for byte, and every counter agrees.

mod engine_support;

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::port::LongestFrame;
use wirestorm::engine::{Engine, Programs, af_xdp, packet_mmap, raw};
use wirestorm::packet::tag;
use wirestorm::sys::clock::Monotonic;
use wirestorm::sys::netns::Netns;

/// Sends packets `0..count` round-robin over the programs, drains, and returns the engine.
fn send<R: FrameRing>(ring: R, programs: &Programs, count: u64) -> FrameEngine<R, Monotonic> {
    let streams = programs.len() as u64;
    let slots: Vec<_> =
        (0..count).map(|n| slots((n % streams) as u32, n / streams..n / streams + 1)[0]).collect();
    let mut engine = FrameEngine::new(ring, Monotonic, programs.clone());
    let mut sent = 0;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while sent < slots.len() {
        let batch = engine.capabilities().max_batch.min(slots.len() - sent);
        sent += engine.transmit(&slots[sent..sent + batch]).expect("the link is up");
        assert!(std::time::Instant::now() < deadline, "stuck after {sent}");
    }
    engine.drain(2_000_000_000).expect("the link is up");
    engine
}

/// What arrived is what the programs say, once each, and the counters say so too.
fn arrives_as_built<R: FrameRing>(open: impl FnOnce(&Netns, &Programs) -> R) {
    let pair = Pair::new(1);
    let programs = programs(vec![
        udp_program(0, 60),
        udp_program(1, 1514),
        sized_udp_program(2, 512),
        udp_program(3, 61 + 4),
    ]);
    let capture = Capture::open(&pair.rx, "rx0");
    let count = 4000;
    let engine = send(open(&pair.tx, &programs), &programs, count);
    let frames = capture.frames(count as usize + 1);
    assert_eq!(frames.len() as u64, count);
    let mut next = vec![0; programs.len()];
    let mut bytes = 0;
    for frame in frames {
        assert!(checksums_hold(&frame), "{frame:02x?}");
        let tag::Seen::Probe(seen) = tag::read(&frame[PAYLOAD_AT..]) else {
            panic!("no tag: {frame:02x?}");
        };
        let stream = usize::from(seen.stream);
        assert_eq!(seen.index, next[stream], "stream {stream} in order");
        next[stream] += 1;
        bytes += frame.len() as u64;
        assert_eq!(unstamped(frame), fresh(&programs[stream], u64::from(seen.index)));
    }
    let counters = engine.counters();
    assert_eq!((counters.built, counters.accepted), (count, count));
    assert_eq!((counters.completed, counters.failed), (count, 0));
    assert_eq!(counters.completed_bytes, bytes);
    assert_eq!(engine.accepted_by_program(), [count / 4; 4]);
    assert_eq!(link_counter(&pair.rx, "rx0", "rx", "packets"), count);
    assert_eq!(link_counter(&pair.rx, "rx0", "rx", "bytes"), bytes);
    assert_eq!(link_counter(&pair.tx, "tx0", "tx", "packets"), count);
}

#[test]
fn packet_mmap_arrives_as_built() {
    if privileged("packet_mmap_arrives_as_built") {
        arrives_as_built(|netns, programs| {
            packet_mmap::open(netns, "tx0", 0, LongestFrame::of(programs)).expect("opens")
        });
    }
}

#[test]
fn af_xdp_arrives_as_built() {
    if privileged("af_xdp_arrives_as_built") {
        arrives_as_built(|netns, programs| {
            af_xdp::open(netns, "tx0", 0, LongestFrame::of(programs)).expect("opens")
        });
    }
}

#[test]
fn raw_arrives_as_built() {
    if privileged("raw_arrives_as_built") {
        arrives_as_built(|netns, programs| raw::open(netns, "tx0", 0, programs).expect("opens"));
    }
}
