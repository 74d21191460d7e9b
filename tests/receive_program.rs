//! The receiving eBPF program, run on frames by BPF_PROG_TEST_RUN, against the Rust oracle.

mod receive_common;

use std::os::fd::AsFd;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use receive_common::*;
use wirestorm::measure::received::{PortReceived, StreamReceived};
use wirestorm::packet::tag::{self, TAG_LEN};
use wirestorm::receive::ReceiveSpec;
use wirestorm::receive::find_tag::find_tag;
use wirestorm::receive::xdp::layout::{Layout, Row};
use wirestorm::receive::xdp::program::{Duty, Loaded};
use wirestorm::receive::xdp::read;
use wirestorm::sys::bpf::test_run;
use wirestorm::sys::clock;

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

fn run(loaded: &Loaded, frame: &[u8]) -> u32 {
    test_run(loaded.program(), frame, 1).expect("the frame is valid for a test run").0
}

fn counted(loaded: &Loaded, spec: &ReceiveSpec) -> PortReceived {
    read(loaded, spec, String::new()).expect("the maps are ours")
}

/// Everything of a stream that is the same whatever the clock says.
fn counts(stream: &StreamReceived) -> [u64; 11] {
    let samples =
        |d: &Option<_>| d.as_ref().map_or(0, wirestorm::measure::distribution::Distribution::count);
    [
        stream.received,
        stream.unique,
        stream.duplicated,
        stream.replicated,
        stream.reordered,
        stream.extent_max.map_or(0, |extent| extent + 1),
        stream.late_ambiguous,
        stream.bytes,
        stream.whole,
        samples(&stream.latency),
        samples(&stream.jitter),
    ]
}

/// Runs the arrivals through the program and the oracle, and returns what both agree on.
fn both(spec: &ReceiveSpec, window_shift: u32, arrivals: &[(u16, u64)]) -> Vec<StreamReceived> {
    let loaded = load(spec, window_shift);
    let mut oracle = oracle(spec, window_shift);
    for &(stream, index) in arrivals {
        let frame = udp_frame(stream, index, clock::now());
        run(&loaded, &frame);
        oracle.count(find_tag(&frame, &spec.tag_offsets), frame.len() as u64, clock::now());
    }
    let port = counted(&loaded, spec);
    let frames = oracle.frames();
    assert_eq!(
        [port.seen, port.corrupt, port.stale, port.alien],
        [frames.seen, frames.corrupt, frames.stale, frames.alien]
    );
    let expected: Vec<_> = oracle.streams().iter().map(counts).collect();
    assert_eq!(port.streams.iter().map(counts).collect::<Vec<_>>(), expected, "{arrivals:?}");
    port.streams
}

fn one_stream(sequence: &[u64]) -> StreamReceived {
    let arrivals: Vec<_> = sequence.iter().map(|&index| (0, index)).collect();
    both(&spec(&[1]), 16, &arrivals).remove(0)
}

#[test]
fn rfc_4737_worked_examples() {
    if !privileged("rfc_4737_worked_examples") {
        return;
    }
    // Unique, reordered, and the largest extent, of each table of RFC 4737 §7.
    let tables: [(&[u64], u64, u64); 4] = [
        (&[1, 2, 3, 5, 6, 7, 8, 4, 9, 10], 1, 4),
        (&[1, 2, 3, 4, 7, 5, 6, 8, 9, 10], 2, 2),
        (&[1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11], 3, 6),
        (&[1, 2, 3, 6, 7, 4, 5, 8, 9, 10, 12, 13, 11, 14, 15, 16], 3, 3),
    ];
    for (sequence, reordered, extent_max) in tables {
        let stream = one_stream(sequence);
        assert_eq!(stream.unique, sequence.len() as u64);
        assert_eq!((stream.reordered, stream.extent_max), (reordered, Some(extent_max)));
    }
}

#[test]
fn rfc_5560_and_5236_sequences() {
    if !privileged("rfc_5560_and_5236_sequences") {
        return;
    }
    let twice = one_stream(&[1, 1, 2, 2, 3, 3, 4, 4]);
    assert_eq!((twice.unique, twice.duplicated, twice.replicated), (4, 4, 4));
    let some = one_stream(&[1, 1, 1, 2, 3, 3, 3, 4]);
    assert_eq!((some.unique, some.duplicated, some.replicated), (4, 4, 2));
    let displaced = one_stream(&[1, 4, 3, 5, 3, 8, 7, 6]);
    assert_eq!((displaced.unique, displaced.duplicated), (7, 1));
    assert_eq!((displaced.reordered, displaced.extent_max), (3, Some(2)));
}

/// Arrivals of several streams: random walks with losses, duplicates and reordering.
fn arrivals(streams: u16) -> impl Strategy<Value = Vec<(u16, u64)>> {
    let start = prop_oneof![Just(0u64), Just((1 << 32) - 40), Just((1 << 31) - 20)];
    let step = prop_oneof![6 => Just(1i64), 2 => -6i64..=6, 1 => -90i64..90, 1 => 0i64..300];
    (start, prop::collection::vec((0..streams, step), 1..150)).prop_map(move |(start, steps)| {
        let mut at = vec![start as i64; usize::from(streams)];
        steps
            .into_iter()
            .map(|(stream, step)| {
                let index = &mut at[usize::from(stream)];
                *index = (*index + step).max(0);
                (stream, *index as u64)
            })
            .collect()
    })
}

#[test]
fn the_program_counts_what_the_oracle_counts() {
    if !privileged("the_program_counts_what_the_oracle_counts") {
        return;
    }
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let workers = prop::collection::vec(1u32..=3, 3);
    runner
        .run(&(workers, 6u32..=8, arrivals(3)), |(workers, shift, arrivals)| {
            both(&spec(&workers), shift, &arrivals);
            Ok(())
        })
        .unwrap();
}

/// Streams 0 to 2 are the pieces of a datagram, 3 is one that it does not need, 4 and 5 are another's.
#[test]
fn datagrams_are_whole_when_their_last_piece_has_come() {
    if !privileged("datagrams_are_whole_when_their_last_piece_has_come") {
        return;
    }
    let of = |workers: u32| ReceiveSpec {
        datagrams: vec![vec![2, 1, 0], vec![5, 4]],
        ..spec(&[workers, workers, workers, workers, 1, 1])
    };
    let arrivals = [(0, 7), (1, 7), (3, 7), (2, 7), (2, 8), (2, 7), (0, 8), (4, 7), (1, 9), (5, 7)];
    let streams = both(&of(1), 16, &arrivals);
    let whole: Vec<u64> = streams.iter().map(|stream| stream.whole).collect();
    assert_eq!(whole, [0, 0, 1, 0, 0, 1]);
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let input = (1u32..=3, 6u32..=8, self::arrivals(6));
    runner
        .run(&input, |(workers, shift, arrivals)| {
            let streams = both(&of(workers), shift, &arrivals);
            // As a set would have it, where nothing is older than the window.
            if streams.iter().all(|stream| stream.late_ambiguous == 0) {
                let set: std::collections::HashSet<_> = arrivals.iter().copied().collect();
                let last = |n: &u64| [0, 1, 2].iter().all(|piece| set.contains(&(*piece, *n)));
                let indices: std::collections::HashSet<u64> =
                    arrivals.iter().map(|(_, index)| *index).collect();
                let most = indices.iter().filter(|n| last(n)).count() as u64;
                let whole: u64 = streams[..3].iter().map(|stream| stream.whole).sum();
                prop_assert!(whole <= most, "{whole} of {most}");
            }
            Ok(())
        })
        .unwrap();
}

/// The pieces of a datagram arrive on two CPUs at once: it is whole once.
#[test]
fn two_cpus_make_a_datagram_whole_once() {
    if !privileged("two_cpus_make_a_datagram_whole_once") {
        return;
    }
    const DATAGRAMS: u64 = 4000;
    let spec = ReceiveSpec { datagrams: vec![vec![1, 0]], ..spec(&[1, 1]) };
    let cpus = libbpf_rs::num_possible_cpus().unwrap() as u32;
    let loaded = Loaded::load(&spec, Layout::new(&spec, Row::Cpu, cpus), Duty::Count).unwrap();
    let program = &loaded;
    let cores = core_affinity::get_core_ids().unwrap();
    thread::scope(|scope| {
        for (stream, core) in cores.iter().cycle().take(2).enumerate() {
            scope.spawn(move || {
                core_affinity::set_for_current(*core);
                for index in 0..DATAGRAMS {
                    let frame = udp_frame(stream as u16, index, clock::now());
                    test_run(program.program().as_fd(), &frame, 1).unwrap();
                }
            });
        }
    });
    let whole: u64 = counted(&loaded, &spec).streams.iter().map(|stream| stream.whole).sum();
    assert_eq!(whole, DATAGRAMS);
}

#[test]
fn what_is_no_probe_of_this_trial_is_told_apart() {
    if !privileged("what_is_no_probe_of_this_trial_is_told_apart") {
        return;
    }
    let spec = spec(&[1, 0]);
    let loaded = load(&spec, 16);
    let good = udp_frame(0, 1, clock::now());
    assert_eq!(run(&loaded, &good), XDP_DROP);
    let mut corrupt = good.clone();
    corrupt[50] ^= 1;
    assert_eq!(run(&loaded, &corrupt), XDP_DROP);
    let mut stale = good.clone();
    let tag: &mut [u8; TAG_LEN] = stale[42..].first_chunk_mut().unwrap();
    tag::write_constant(tag, EPOCH - 1, 0);
    tag::stamp(tag, 1, 0, 0);
    assert_eq!(run(&loaded, &stale), XDP_DROP);
    let mut alien = good.clone();
    alien[42] ^= 0xff;
    assert_eq!(run(&loaded, &alien), XDP_PASS);
    assert_eq!(run(&loaded, &udp_frame(1, 1, 0)), XDP_PASS, "a stream that is not expected");
    assert_eq!(run(&loaded, &udp_frame(2, 1, 0)), XDP_PASS, "a stream that does not exist");
    let port = counted(&loaded, &spec);
    assert_eq!((port.seen, port.corrupt, port.stale, port.alien), (6, 1, 1, 3));
    assert_eq!(port.streams[0].unique, 1);
    assert_eq!(port.streams[1].received, 0);
}

#[test]
fn probes_go_on_where_asked() {
    if !privileged("probes_go_on_where_asked") {
        return;
    }
    let spec = ReceiveSpec { pass_on: true, ..spec(&[1]) };
    let loaded = load(&spec, 16);
    assert_eq!(run(&loaded, &udp_frame(0, 0, clock::now())), XDP_PASS);
    assert_eq!(counted(&loaded, &spec).streams[0].unique, 1);
}

#[test]
fn latency_and_lag_are_those_of_the_tag() {
    if !privileged("latency_and_lag_are_those_of_the_tag") {
        return;
    }
    let spec = spec(&[1]);
    let loaded = load(&spec, 16);
    // A second is longer than any delay between the two clock reads that a busy machine adds.
    const SECOND: u64 = 1_000_000_000;
    let mut longest = 0;
    for index in 0..50 {
        let sent = clock::now() - SECOND;
        let mut frame = udp_frame(0, index, sent);
        let tag: &mut [u8; TAG_LEN] = frame[42..].first_chunk_mut().unwrap();
        tag::stamp(tag, index as u32, sent as u32, tag::encode_lag(2000));
        run(&loaded, &frame);
        longest = longest.max(clock::now() - sent);
    }
    let stream = counted(&loaded, &spec).streams.remove(0);
    let (latency, intended) = (stream.latency.unwrap(), stream.latency_intended.unwrap());
    let min = latency.min().unwrap();
    assert!(min >= SECOND, "{min}");
    assert!(latency.max().unwrap() <= longest);
    assert_eq!(intended.min().unwrap(), min + 2000);
    assert_eq!(intended.max().unwrap(), latency.max().unwrap() + 2000);
    assert_eq!(intended.count(), 50);
    assert_eq!(stream.jitter.unwrap().count(), 49);
    let median = latency.percentile(500_000).unwrap();
    assert!(min <= median && median <= latency.max().unwrap());
}

#[test]
fn gaps_are_counted_against_the_wanted_one() {
    if !privileged("gaps_are_counted_against_the_wanted_one") {
        return;
    }
    // No two test runs are an hour apart: every gap is a burst, none is near.
    let spec = ReceiveSpec { wanted_gap_ns: Some(3_600_000_000_000), ..spec(&[1]) };
    let loaded = load(&spec, 16);
    for index in 0..10 {
        run(&loaded, &udp_frame(0, index, clock::now()));
    }
    let gaps = counted(&loaded, &spec).gaps.unwrap();
    assert_eq!((gaps.count, gaps.within, gaps.bursts), (9, [0; 4], 9));
}

#[test]
fn gaps_between_packets_of_two_cpus_are_gaps_too() {
    if !privileged("gaps_between_packets_of_two_cpus_are_gaps_too") {
        return;
    }
    let cpus = core_affinity::get_core_ids().expect("CPUs of this thread");
    let (first, last) = (cpus[0], *cpus.last().expect("there is one"));
    let spec = ReceiveSpec { wanted_gap_ns: Some(3_600_000_000_000), ..spec(&[2]) };
    let layout = Layout::new(&spec, Row::Cpu, last.id as u32 + 1);
    let loaded = Loaded::load(&spec, layout, Duty::Count).unwrap();
    for index in 0..10 {
        assert!(core_affinity::set_for_current(if index % 2 == 0 { first } else { last }));
        run(&loaded, &udp_frame(0, index, clock::now()));
    }
    let port = counted(&loaded, &spec);
    assert_eq!(port.streams[0].received, 10);
    // Each of the CPUs alone would miss the gap before its first packet, and find all others longer.
    assert_eq!(port.gaps.unwrap().count, 9);
}

#[test]
fn streams_that_share_histograms_keep_their_own_counts() {
    if !privileged("streams_that_share_histograms_keep_their_own_counts") {
        return;
    }
    let spec = spec(&[1; 4]);
    let mut layout = Layout::new(&spec, Row::Queue, 1);
    layout.groups = 2;
    assert_eq!(layout.remarks(true).len(), 1);
    let loaded = Loaded::load(&spec, layout, Duty::Count).unwrap();
    for stream in 0..4u16 {
        for index in 0..=u64::from(stream) {
            let sent = clock::now() - u64::from(stream + 1) * 100_000_000;
            run(&loaded, &udp_frame(stream, index, sent));
        }
    }
    for (number, stream) in counted(&loaded, &spec).streams.iter().enumerate() {
        let latency = stream.latency.as_ref().unwrap();
        let wanted = (number as u64 + 1) * 100_000_000;
        assert_eq!(latency.count(), number as u64 + 1);
        assert!(latency.min().unwrap() >= wanted, "stream {number}");
    }
}

/// Two CPUs see packets of one flow at once: each packet is counted once as distinct.
#[test]
fn two_cpus_share_a_flow() {
    if !privileged("two_cpus_share_a_flow") {
        return;
    }
    const PACKETS: u64 = 4000;
    let spec = spec(&[1]);
    let cpus = libbpf_rs::num_possible_cpus().unwrap() as u32;
    let loaded = Loaded::load(&spec, Layout::new(&spec, Row::Cpu, cpus), Duty::Count).unwrap();
    let program = &loaded;
    thread::scope(|scope| {
        for core in core_affinity::get_core_ids().unwrap().into_iter().take(2) {
            scope.spawn(move || {
                core_affinity::set_for_current(core);
                for index in 0..PACKETS {
                    let frame = udp_frame(0, index, clock::now());
                    test_run(program.program().as_fd(), &frame, 1).unwrap();
                }
            });
        }
    });
    let threads = core_affinity::get_core_ids().unwrap().len().min(2) as u64;
    let stream = counted(&loaded, &spec).streams.remove(0);
    assert_eq!(stream.received, threads * PACKETS);
    assert_eq!(stream.unique, PACKETS);
    assert_eq!(stream.duplicated, (threads - 1) * PACKETS);
    assert_eq!(stream.replicated, (threads - 1) * PACKETS);
    assert_eq!(stream.late_ambiguous, 0);
}

#[test]
fn ten_thousand_streams_fit_the_memory_budget() {
    if !privileged("ten_thousand_streams_fit_the_memory_budget") {
        return;
    }
    let spec = spec(&[2; 10_000]);
    let layout = Layout::new(&spec, Row::Queue, 2);
    let remarks = layout.remarks(true).join("; ");
    assert!(remarks.contains("within 256 packets"), "{remarks}");
    assert!(remarks.contains("histograms that 10000 streams share"), "{remarks}");
    let loaded = Loaded::load(&spec, layout, Duty::Count).unwrap();
    for stream in [0, 1, 4999, 9999] {
        for index in 0..=u64::from(stream) % 7 {
            run(&loaded, &udp_frame(stream, index, clock::now()));
        }
    }
    let streams = counted(&loaded, &spec).streams;
    assert_eq!(streams.len(), 10_000);
    for (number, stream) in streams.iter().enumerate() {
        let sent = if [0, 1, 4999, 9999].contains(&number) { number as u64 % 7 + 1 } else { 0 };
        assert_eq!((stream.received, stream.unique), (sent, sent), "stream {number}");
        assert_eq!(stream.latency.as_ref().unwrap().count(), sent, "stream {number}");
    }
}

/// The second packet took 50 ms longer than the first, the third 50 ms less, after a pause of 30 ms.
#[test]
fn a_pause_and_the_sign_of_a_variation_are_kept() {
    if !privileged("a_pause_and_the_sign_of_a_variation_are_kept") {
        return;
    }
    const LONGER: u64 = 50_000_000;
    let spec = spec(&[1]);
    let loaded = load(&spec, 16);
    let mut oracle = oracle(&spec, 16);
    let mut arrive = |index: u64, sent: u64| {
        let frame = udp_frame(0, index, sent);
        run(&loaded, &frame);
        oracle.count(find_tag(&frame, &spec.tag_offsets), frame.len() as u64, clock::now());
    };
    arrive(0, clock::now());
    arrive(1, clock::now() - LONGER);
    std::thread::sleep(std::time::Duration::from_millis(30));
    arrive(2, clock::now());
    let program = counted(&loaded, &spec).streams.remove(0);
    for stream in [program, oracle.streams().remove(0)] {
        let pause = stream.pause.expect("three arrivals");
        assert!(pause.end - pause.begin >= 30_000_000, "{pause:?}");
        assert_eq!(Some(pause.end), stream.last_ns, "the last packet ended it");
        assert!(pause.begin > stream.first_ns.expect("arrivals"), "{pause:?}");
        let ipdv = stream.ipdv.expect("two differences");
        assert!(ipdv.max > 0 && ipdv.min < 0, "{ipdv:?}");
        assert!((ipdv.max + ipdv.min).unsigned_abs() < LONGER, "{ipdv:?}");
        assert_eq!(stream.jitter.expect("latency is measured").count(), 2);
    }
}
