//! What a packet costs in the receiving program: `cargo test --test receive_cost -- --ignored
//! --nocapture`. It prints; nothing is asserted about time.

mod receive_common;

#[allow(unsafe_code, dead_code, missing_docs, unused_imports, clippy::all, reason = "generated")]
#[allow(clippy::undocumented_unsafe_blocks, reason = "generated")]
mod bench {
    include!(concat!(env!("OUT_DIR"), "/rx_bench.skel.rs"));
    pub use self::RxBenchSkelBuilder;
    pub use self::types::rx_config;
}

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

use bench::{RxBenchSkelBuilder, rx_config};
use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{MapCore, MapFlags};
use receive_common::*;
use wirestorm::sys::bpf::test_run;

const REPEAT: u32 = 1_000_000;
const WINDOW_SHIFT: u32 = 16;

/// Runs of [`REPEAT`] packets; the best counts: the machine's other work only ever adds.
const RUNS: u32 = 7;

/// Every run goes on with the indices where the one before it ended.
fn nanos(program: BorrowedFd<'_>) -> u128 {
    let frame = |run: u32| udp_frame(0, u64::from(run * REPEAT), 0);
    let runs = (0..RUNS).map(|run| test_run(program, &frame(run), REPEAT).unwrap().1.as_nanos());
    runs.min().unwrap()
}

/// (drop, clock, next, receive): nanoseconds of a run of each program.
fn costs(config: rx_config, workers: u32) -> [u128; 4] {
    let mut storage = MaybeUninit::uninit();
    let mut open = RxBenchSkelBuilder::default().open(&mut storage).unwrap();
    open.maps.rodata_data.as_deref_mut().unwrap().config = config;
    open.maps.flows.set_max_entries(workers).unwrap();
    open.maps.slots.set_max_entries(workers << WINDOW_SHIFT).unwrap();
    let skeleton = open.load().unwrap();
    let mut stream = [0; 16];
    stream[8..12].copy_from_slice(&workers.to_ne_bytes());
    skeleton.maps.streams.update(&[0; 4], &stream, MapFlags::ANY).unwrap();
    let programs = &skeleton.progs;
    let measured = [
        nanos(programs.bench_drop.as_fd()),
        nanos(programs.bench_clock.as_fd()),
        nanos(programs.bench_next.as_fd()),
        nanos(programs.bench_receive.as_fd()),
    ];
    let row = skeleton.maps.stream_rows.lookup(&[0; 4], MapFlags::ANY).unwrap().unwrap();
    let word = |n: usize| u64::from_ne_bytes(row[8 * n..8 * n + 8].try_into().unwrap());
    // What was measured is the way of packets in order, not that of duplicates.
    let packets = u64::from(RUNS * REPEAT) * u64::from(config.order);
    assert_eq!((word(0), word(1)), (packets, packets));
    measured
}

#[test]
#[ignore = "a measurement, run by hand"]
fn nanoseconds_per_packet() {
    if !privileged("nanoseconds_per_packet") {
        return;
    }
    let mut tag_offsets = [0; 8];
    tag_offsets[0] = TAG_AT;
    let bare = rx_config {
        streams: 1,
        rows: 1,
        groups: 1,
        window_shift: WINDOW_SHIFT,
        tag_offsets,
        tag_offset_count: 1,
        epoch: EPOCH,
        row_is_queue: 1,
        order: 1,
        ..rx_config::default()
    };
    let latency = rx_config { latency: 1, ..bare };
    println!("  drop clock  next receive  ns per run; receive - next is the program");
    for (name, config, workers) in [
        ("classified only", rx_config { order: 0, ..bare }, 1),
        ("order", bare, 1),
        ("order, 3 workers", bare, 3),
        ("order, flows shared by queues", rx_config { shared_flows: 1, ..bare }, 1),
        ("order, latency", latency, 1),
        ("order, latency, gaps", rx_config { wanted_gap: 1000, ..latency }, 1),
        ("order, latency, flows shared", rx_config { shared_flows: 1, ..latency }, 1),
        ("order, latency, tag found by parsing", rx_config { tag_offset_count: 0, ..latency }, 1),
    ] {
        let [drop, clock, next, receive] = costs(config, workers);
        println!("{drop:6}{clock:6}{next:6}{receive:8}  {name}");
    }
}
