//! Traffic patterns, from the profile to the times in the dry run, and to a receiver.

mod common;

use std::path::Path;

use common::{privileged, run, wirestorm};
use wirestorm::capture;

/// The bursts of RFC 2544 §21.
const SIZES: [u64; 4] = [16, 64, 256, 1024];

/// A profile of these streams, each with what it needs beside.
fn profile(streams: &[&str]) -> String {
    let stream = |(n, more): (usize, &&str)| {
        format!(
            "  - {{name: s{n}, size: 64B, packet: [ipv4, udp: {{dst: {}}}], {more}}}\n",
            50_000 + n
        )
    };
    let streams: String = streams.iter().enumerate().map(stream).collect();
    format!("seed: 5\nlab: b2b\nvalidity: {{max_lag: 20s}}\nstreams:\n{streams}")
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("profile.yaml");
    std::fs::write(&path, text).expect("a temporary file");
    path.to_str().expect("UTF-8").to_owned()
}

/// The times of every stream's packets in the dry run, in nanoseconds.
fn times(text: &str, streams: usize) -> Vec<Vec<u64>> {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(folder.path(), text);
    let file = folder.path().join("packets.pcap");
    let output = wirestorm().args(["pcap", &profile, "-o"]).arg(&file).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut times = vec![Vec::new(); streams];
    for packet in capture::read(&file).expect("a capture") {
        let port = u16::from_be_bytes([packet.bytes[36], packet.bytes[37]]);
        times[usize::from(port - 50_000)].push(packet.time);
    }
    times
}

#[test]
fn bursts_are_due_when_the_profile_says() {
    let streams: Vec<String> = SIZES
        .iter()
        .enumerate()
        .map(|(n, burst)| {
            let after =
                if n > 0 { format!("after: s{}, start: 1ms, ", n - 1) } else { String::new() };
            let count = 3 * burst;
            format!("{after}rate: {{burst: {burst}, at: 1Mpps, gap: 5ms}}, count: {count}")
        })
        .collect();
    let streams: Vec<&str> = streams.iter().map(|stream| &**stream).collect();
    let times = times(&profile(&streams), 4);
    let mut begin = 0;
    for (burst, seen) in SIZES.iter().zip(times) {
        let every = burst * 1_000 + 5_000_000;
        let wanted: Vec<u64> =
            (0..3 * burst).map(|n| begin + n / burst * every + n % burst * 1_000).collect();
        assert_eq!(seen, wanted, "bursts of {burst}");
        begin += 3 * every + 1_000_000;
    }
}

#[test]
fn back_to_back_is_at_once() {
    let times = times(&profile(&["rate: {burst: 4, every: 10ms}, duration: 20ms"]), 1);
    assert_eq!(times[0], [0, 0, 0, 0, 10_000_000, 10_000_000, 10_000_000, 10_000_000]);
}

#[test]
fn on_off_ramps_and_steps_send_what_they_should() {
    let times = times(
        &profile(&[
            "rate: {on: 10ms, off: 40ms, at: 1kpps}, duration: 200ms",
            "rate: {ramp: 1kpps..9kpps, over: 1s}",
            "rate: {steps: [{rate: 1kpps, for: 10ms}, {rate: 0pps, for: 5ms}, {rate: 2kpps, for: 2ms}]}",
            "rate: {poisson: 10kpps}, duration: 1s",
            "rate: 50Mbps L1, after: s2, start: 3ms, count: 2",
        ]),
        5,
    );
    let on: Vec<u64> = (0..40).map(|n| n / 10 * 50_000_000 + n % 10 * 1_000_000).collect();
    assert_eq!(times[0], on);
    // The integral: (1 + 9) / 2 kpps for a second; a quarter of the way up it has sent 500.
    assert_eq!(times[1].len(), 5_000);
    assert_eq!(times[1].partition_point(|&time| time < 250_000_000), 500);
    let steps: Vec<u64> =
        (0..10).map(|n| n * 1_000_000).chain((0..4).map(|n| 15_000_000 + n * 500_000)).collect();
    assert_eq!(times[2], steps);
    // Five standard deviations: the seed decides, so that this is always the same.
    assert!((9_500..=10_500).contains(&times[3].len()), "{}", times[3].len());
    assert!(times[3].is_sorted() && times[3].iter().all(|time| *time < 1_000_000_000));
    // 84 bytes at 50 Mbit/s are 13.44 us.
    assert_eq!(times[4], [20_000_000, 20_013_440]);
}

#[test]
fn chains_repeat_as_a_whole() {
    let times = times(
        &profile(&[
            "rate: 1kpps, count: 2, start: 1ms, repeat: 3",
            "rate: 1kpps, count: 1, after: s0, start: 5ms",
            "rate: {poisson: 1kpps}, duration: 10ms, after: s1",
        ]),
        3,
    );
    // A round: 2 ms, 5 ms of delay, 1 ms, 10 ms.
    let round = |n: u64| 1_000_000 + n * 18_000_000;
    let first: Vec<u64> = (0..3).flat_map(|n| [round(n), round(n) + 1_000_000]).collect();
    assert_eq!(times[0], first);
    let second: Vec<u64> = (0..3).map(|n| round(n) + 7_000_000).collect();
    assert_eq!(times[1], second);
    let of_round = |n: u64| {
        let within = round(n) + 8_000_000..round(n) + 18_000_000;
        times[2]
            .iter()
            .filter(|time| within.contains(time))
            .map(|time| time - within.start)
            .collect()
    };
    let rounds: Vec<Vec<u64>> = (0..3).map(of_round).collect();
    assert_eq!(rounds.iter().map(Vec::len).sum::<usize>(), times[2].len());
    assert!(rounds.iter().all(|round| !round.is_empty()));
    assert!(rounds[0] != rounds[1] && rounds[1] != rounds[2], "every round draws anew");
}

#[test]
fn datagrams_in_pieces_have_patterns_and_chains_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "
lab: b2b
streams:
  - name: cut
    size: 256B
    packet: [ipv4, udp]
    fragments: {count: 2, gap: 100us}
    rate: {burst: 2, at: 1kpps, every: 10ms}
    count: 4
    repeat: 2
  - {name: then, after: cut, size: 64B, packet: [ipv4, udp], rate: 1kpps, count: 1}
";
    let profile = write(folder.path(), text);
    let file = folder.path().join("packets.pcap");
    let output = wirestorm().args(["pcap", &profile, "-o"]).arg(&file).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Vec<u64> =
        capture::read(&file).expect("a capture").iter().map(|packet| packet.time / 1_000).collect();
    // A round: two bursts of two datagrams, 100 us until the last piece, and 1 ms for what follows.
    let round = |at: u64| {
        let datagrams = [0, 1_000, 10_000, 11_000];
        datagrams.into_iter().flat_map(move |due| [at + due, at + due + 100]).chain([at + 20_100])
    };
    assert_eq!(seen, round(0).chain(round(21_100)).collect::<Vec<_>>());
}

#[test]
fn check_tells_the_pattern_and_its_mean() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(
        folder.path(),
        &profile(&[
            "rate: {burst: 64, at: 1Mpps, every: 10ms}, count: 640, repeat: 2",
            "rate: {ramp: 1kpps..9kpps, over: 1s}, after: s0",
            "rate: {poisson: 10kpps}",
        ]),
    );
    let output = wirestorm().args(["check", &profile]).output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let plan: Vec<&str> = text.lines().filter(|line| !line.contains("      0")).collect();
    insta::assert_snapshot!(plan.join("\n"));
}

/// What a receiver counts of bursts: no time is asserted, the machine may be slow.
#[test]
fn a_receiver_sees_the_bursts() {
    if !privileged("a_receiver_sees_the_bursts") {
        return;
    }
    let streams: Vec<String> = SIZES
        .iter()
        .enumerate()
        .map(|(n, burst)| {
            let after = if n > 0 { format!("after: s{}, ", n - 1) } else { String::new() };
            // Of the middle two sizes, one burst ends before its time.
            let count = if n % 2 == 0 { 4 * burst } else { 4 * burst - 7 };
            format!("{after}rate: {{burst: {burst}, every: 20ms}}, count: {count}")
        })
        .collect();
    let streams: Vec<&str> = streams.iter().map(|stream| &**stream).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(folder.path(), &profile(&streams));
    for engine in ["xdp-live", "packet-mmap"] {
        let run = run(&[&profile, "--engine", engine]);
        assert!(run.json.is_object(), "{engine}: {}", run.stderr);
        run.assert_ledger_closes();
        for (n, burst) in SIZES.iter().enumerate() {
            let count = if n % 2 == 0 { 4 * burst } else { 4 * burst - 7 };
            let stream = &run.json["streams"][n];
            for counter in ["intended", "sent", "unique"] {
                assert_eq!(stream[counter], count, "{engine}, bursts of {burst}: {stream:#}");
            }
            assert_eq!(stream["reordered"], 0, "{engine}: {stream:#}");
        }
        // Bursts have no one gap that could be wanted.
        assert!(run.json["gaps"]["within_64ns"].is_null(), "{engine}: {}", run.json["gaps"]);
    }
}
