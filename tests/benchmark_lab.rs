//! Benchmarks in the lab, against throughputs that are known.
//!
//! Trials are short and slow: what a token bucket of 10 Mbit/s does in 300 ms is known as exactly as what
//! one of 100 Mbit/s does in a second, and takes less of a machine that has few cores.

mod common;
mod workbench;

use std::process::{Child, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use common::{Run, privileged, run, run_of, wirestorm};
use workbench::signal;

/// Senders and routers on few cores disturb each other: tests that compare with what is computed are
/// alone, the others are not.
static MACHINE: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

const LAB: &str = "profiles/rfc2544-lab.yaml";

/// A tenth of all rates of that lab, and of what the bucket and its queue hold; trials of 300 ms.
const SMALL: [&str; 12] = [
    "test.max_rate=20Mbps L1",
    "lab.tbf=[{towards: rx, rate: 10Mbps, burst: 15kB, limit: 37500B}]",
    "test.duration=300ms",
    "test.search_duration=300ms",
    "test.learning={frames: 0}",
    "test.wait=20ms",
    "drain=80ms",
    "settle=20ms",
    "test.latency={duration: 300ms, repeats: 2, loads: [100%, 50%]}",
    "test.back_to_back={limit: 150ms, step: 8, repeats: 1, verifications: 2}",
    "test.width=4%",
    "test.system_recovery={duration: 200ms, watch: 200ms, resolution: 50ms}",
];
/// What it passes in the long run.
const BPS: f64 = 10e6;
/// Bytes that the bucket holds, and its queue.
const BURST: f64 = 15_000.0;
const LIMIT: f64 = 37_500.0;
/// The length of its trials.
const SECONDS: f64 = 0.3;

fn benchmark(sets: &[&str], more: &[&str]) -> Run {
    // A busy machine makes a trial invalid, not wrong: it is made again until the machine is quiet.
    let mut args = vec![LAB, "--set", "test.retries=40"];
    args.extend(SMALL.iter().chain(sets).flat_map(|set| ["--set", set]));
    args.extend(more);
    let run = run(&args);
    assert!(run.json.is_object(), "{}", run.stderr);
    run
}

/// Ready soonest: for many trials of few packets a second.
const SOON: [&str; 2] = ["--engine", "packet-mmap"];

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value:#} is no number"))
}

/// Frames of so many bytes that pass in a second of the long run (known truth 25: a bucket of `bps`
/// counts frames without their FCS), and those that bucket and queue hold.
fn passes_and_holds(bytes: f64) -> (f64, f64) {
    let frame = bytes - 4.0;
    (BPS / 8.0 / frame, BURST / frame + (LIMIT / frame).floor())
}

/// The bounds hold what passes: at most what a trial of `seconds` lets through beside the long run.
fn assert_brackets(run: &Run, seconds: f64) {
    assert_eq!(run.json["verdict"]["valid"], true, "{:#}", run.json["verdict"]);
    for size in sizes(run) {
        let bytes: f64 = size["size"].as_str().expect("a name").parse().expect("a number");
        let (truth, held) = passes_and_holds(bytes);
        let most = truth + held / seconds;
        let found = &size["throughput"][0];
        let (lower, upper) = (number(&found["fps"]), number(&found["upper_fps"]));
        assert!(lower <= most, "{bytes}: {lower} is above {most}");
        assert!(upper >= truth, "{bytes}: {upper} is below {truth}");
        assert!((upper - lower) / upper <= 0.040_001, "{found:#}");
        assert_eq!(found["loss_in_last_pass"], 0.0);
    }
}

#[test]
fn an_mlrsearch_finds_it_too() {
    if !privileged("an_mlrsearch_finds_it_too") {
        return;
    }
    let _alone = alone();
    let sets = ["test.kind=throughput", "test.search=mlrsearch", "test.sizes=[1518B]"];
    let goals = "test.goals=[{exceed_ratio: 50%, duration_sum: 600ms}, {loss_ratio: 5%}]";
    let run = benchmark(&[&sets[..], &[goals]].concat(), &SOON);
    assert_brackets(&run, SECONDS);
    assert_eq!(run.status, 0);
    let goals = run.json["sizes"][0]["throughput"].as_array().expect("goals");
    assert_eq!(goals.len(), 2);
    assert!(goals[1]["fps"].as_f64() > goals[0]["fps"].as_f64(), "{goals:#?}");
}

/// The profile's own bucket of 100 Mbit/s, with everything that a suite writes.
#[test]
fn the_whole_suite_has_every_result() {
    if !privileged("the_whole_suite_has_every_result") {
        return;
    }
    const HELD: f64 = 525_000.0;
    let _alone = alone();
    let outputs = tempfile::tempdir().expect("a directory");
    let path = |name: &str| outputs.path().join(name).to_str().expect("UTF-8").to_owned();
    let (html, hgrm) = (path("report.html"), path("hgrm"));
    let sets = [
        "test.sizes=[1518B]",
        "test.max_rate=200Mbps L1",
        "lab.tbf=[{towards: rx, rate: 100Mbps, burst: 150kB, limit: 375kB}]",
        "test.learning={frames: 1, wait: 20ms}",
        "test.back_to_back={limit: 300ms, step: 16, repeats: 2}",
        "drain=150ms",
    ];
    let run = benchmark(&sets, &["--html", &html, "--hgrm", &hgrm]);
    assert_eq!(run.json["verdict"]["valid"], true, "{:#}", run.json["verdict"]);
    assert_eq!(run.status, 0);
    let size = &run.json["sizes"][0];
    let truth = 100e6 / 8.0 / 1514.0;
    let most = truth + HELD / SECONDS / 1514.0;
    let found = &size["throughput"][0];
    assert!(number(&found["fps"]) <= most && number(&found["upper_fps"]) >= truth, "{found:#}");
    // 16,255 offered a second: what the bucket passes and holds arrives.
    let loss = size["frame_loss"].as_array().expect("a series");
    let (first, offered) = (number(&loss[0]["loss_ratio"]), number(&loss[0]["fps"]));
    // The queue goes on passing while the last frames arrive.
    let wanted = 1.0 - most / offered - 0.02..=1.0 - truth / offered + 0.01;
    assert!(wanted.contains(&first), "{first}: {wanted:?}");
    assert_eq!(loss.last().expect("points")["lost"], 0);
    assert_eq!(size["latency"].as_array().map(Vec::len), Some(2));
    let bursts = &size["back_to_back"];
    assert_eq!(bursts["frames"].as_array().map(Vec::len), Some(2), "{size:#}");
    assert!(bursts["corrected_s"].as_f64() < bursts["implied_s"].as_f64());
    // A queue of 30 ms is empty again within the first spans of half the load.
    let recovery = number(&size["system_recovery"]["recovery_s"][0]);
    assert!(recovery <= 0.2, "{recovery}");
    assert!(std::fs::read_to_string(html).expect("a page").contains("Loss by load"));

    let log = std::fs::read_to_string(format!("{hgrm}/latency.hlog")).expect("a log");
    let of = |name: &str| log.lines().filter(|line| line.contains(name)).count();
    assert_eq!((of("Tag=1518-at-100,"), of("Tag=1518-at-50,")), (2, 2), "each trial: {log}");
    let spectrum = std::fs::read_to_string(format!("{hgrm}/1518-at-50.hgrm")).expect("a spectrum");
    let trials = run.json["trials"].as_array().expect("trials");
    let of_half = trials.iter().filter(|t| t["test"] == "latency at 0.5000000");
    let valid = of_half.filter(|trial| trial["invalid"].is_null());
    let frames: u64 = valid.filter_map(|trial| trial["latency_ns"][0]["count"].as_u64()).sum();
    assert!(
        frames > 0 && spectrum.contains(&format!("Total count    = {frames:>12}")),
        "{spectrum}"
    );
}

/// Distributions are kept of latency tests alone.
#[test]
fn a_benchmark_without_distributions_refuses_to_write_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = wirestorm()
        .args(["run", LAB, "--set", "test.kind=throughput", "--hgrm"])
        .arg(dir.path())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no latency test"), "{said}");
}

#[test]
fn a_router_that_drops_everything_fails_with_a_reason() {
    if !privileged("a_router_that_drops_everything_fails_with_a_reason") {
        return;
    }
    let _beside = beside_others();
    let nft =
        "lab.nft=\"table inet f { chain c { type filter hook forward priority 0; drop; }; }\"";
    let sets = [
        "test.kind=latency",
        "test.sizes=[512B]",
        "test.max_rate=1kpps",
        "test.duration=100ms",
        "test.search_duration=100ms",
        "test.verifications=0",
        nft,
    ];
    let run = benchmark(&sets, &SOON);
    assert_eq!(run.status, 4, "{}", run.stderr);
    let reason = &run.json["verdict"]["reasons"][0];
    assert_eq!(reason["code"], "no_throughput");
    assert!(reason["message"].as_str().is_some_and(|text| text.contains("100.0000 %")));
    let warnings = run.json["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "nothing_received"), "{warnings:?}");
}

/// A router that sends every frame twice loses nothing, and it is said.
#[test]
fn duplicates_alone_pass_and_are_told() {
    if !privileged("duplicates_alone_pass_and_are_told") {
        return;
    }
    let _beside = beside_others();
    let sets = [
        "test.kind=throughput",
        "test.sizes=[512B]",
        "test.max_rate=200pps",
        "lab.nft=\"table ip d { chain c { type filter hook prerouting priority -300; dup to 198.19.0.2; }; }\"",
    ];
    let run = benchmark(&sets, &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(number(&sizes(&run)[0]["throughput"][0]["fps"]), 200.0);
    let trial = &run.json["trials"][0];
    assert_eq!((&trial["lost"], &trial["duplicated"]), (&0.into(), &trial["sent"]), "{trial:#}");
    let warnings = run.json["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "duplicated"), "{warnings:?}");
}

#[test]
fn a_search_that_has_no_time_to_converge_has_no_result() {
    if !privileged("a_search_that_has_no_time_to_converge_has_no_result") {
        return;
    }
    let _beside = beside_others();
    let run =
        benchmark(&["test.kind=throughput", "test.sizes=[1518B]", "test.max_time=1ns"], &SOON);
    assert_eq!(run.status, 3, "{}", run.stderr);
    let reason = &run.json["verdict"]["reasons"][0];
    assert_eq!(reason["code"], "no_result");
    assert!(reason["message"].as_str().is_some_and(|text| text.contains("no result within")));
}

/// It counts its packets as sent, so a search would find a device that loses all of them.
#[test]
fn an_engine_that_sends_nothing_is_refused() {
    for engine in ["null", "pcap"] {
        let output = wirestorm()
            .args(["run", LAB, "--engine", engine, "--pcap", "/dev/null"])
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{engine}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("it sends nothing"), "{engine}: {said}");
    }
}

#[test]
fn a_signal_ends_it_and_resume_goes_on() {
    if !privileged("a_signal_ends_it_and_resume_goes_on") {
        return;
    }
    let _beside = beside_others();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("trials.jsonl");
    let trials = path.to_str().expect("UTF-8");
    let start = |option: &str, more: &[&str]| {
        let mut command = wirestorm();
        command.args(["run", LAB, "-q", "--json", "-", "--set", "test.kind=throughput"]);
        command.args(["--set", "test.sizes=[1518B]", "--set", "test.retries=40"]);
        command.args(SMALL.iter().flat_map(|set| ["--set", set]));
        command.args([option, trials]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    };
    let done_by = |child: Child| run_of(&child.wait_with_output().expect("it ends"));
    let kept = || std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    let child = start("--trials", &[]);
    let begin = Instant::now();
    while kept() < 3 {
        assert!(begin.elapsed().as_secs() < 60, "no trial is kept");
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(&child, "INT");
    let first = done_by(child);
    assert_eq!(first.status, 3, "{}", first.stderr);
    assert_eq!(first.json["incomplete"], true);
    let done = first.json["trials"].as_array().expect("trials").clone();
    assert_eq!(kept(), done.len() + 1, "the one that was cut off is not kept");
    // Not into the same file by a slip, and not with other settings.
    let again = done_by(start("--trials", &[]));
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("--resume"), "{}", again.stderr);
    let other = done_by(start("--resume", &["--set", "test.width=1%"]));
    assert!(other.stderr.contains("its profile is another one"), "{}", other.stderr);
    let second = done_by(start("--resume", &[]));
    assert_eq!(second.status, 0, "{}", second.stderr);
    let all = second.json["trials"].as_array().expect("trials");
    assert_eq!(&all[..done.len()], &done[..], "what was measured is not measured again");
    assert!(number(&sizes(&second)[0]["throughput"][0]["fps"]) > 0.0);
}

#[test]
fn only_a_benchmark_keeps_trials() {
    let output = wirestorm()
        .args(["run", "profiles/flood.yaml", "--trials", "/nowhere/trials.jsonl"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("it is no benchmark"), "{said}");
}

/// The lab twins of the standard profiles, each as it is shipped.
fn twin(name: &str, more: &[&str]) -> Run {
    let path = format!("profiles/{name}-lab.yaml");
    let run = run(&[&[path.as_str(), "--set", "test.retries=40"], more].concat());
    assert!(run.json.is_object(), "{name}: {}", run.stderr);
    assert_eq!(run.json["verdict"]["valid"], true, "{name}: {:#}", run.json["verdict"]);
    assert_eq!(run.status, 0, "{name}: {:#}", run.json["verdict"]);
    run
}

fn sizes(run: &Run) -> &Vec<serde_json::Value> {
    run.json["sizes"].as_array().expect("sizes")
}

/// The longest lossless burst at `load` frames/s of `bytes` that a bucket passes: it drains while it is
/// filled. `burst` and `limit` in bytes, all full; the queue takes whole frames.
fn lossless_frames(bps: f64, burst: f64, limit: f64, bytes: f64, load: f64) -> f64 {
    let frame = bytes - 4.0;
    let held = burst / frame + (limit / frame).floor();
    held / (1.0 - bps / 8.0 / frame / load)
}

/// What is known of a token bucket of 10 Mbit/s with a bucket of 15 kB and a queue of 37,500 B (known
/// truths 25 and 27), each from its formula.
#[test]
fn a_token_bucket_is_what_it_is_for_three_sizes() {
    if !privileged("a_token_bucket_is_what_it_is_for_three_sizes") {
        return;
    }
    let _alone = alone();
    let sets = [
        "test.sizes=[64B, 512B, 1518B]",
        "test.latency={duration: 300ms, repeats: 1, loads: [50%]}",
    ];
    let run = benchmark(&sets, &[]);
    assert_brackets(&run, SECONDS);
    assert_eq!(run.status, 0);
    for size in sizes(&run) {
        let bytes: f64 = size["size"].as_str().expect("a name").parse().expect("a number");
        let frame = bytes - 4.0;
        let (rate, held) = passes_and_holds(bytes);

        // Throughput: what the bucket earns in a trial, and what it and its queue held.
        let truth = rate + held / SECONDS;
        let found = &size["throughput"][0];
        let (lower, upper) = (number(&found["fps"]), number(&found["upper_fps"]));
        assert!(
            lower <= truth * 1.02 && upper >= truth * 0.98,
            "{bytes}: {lower}..{upper}, {truth}"
        );

        // Loss: everything beyond that.
        for point in size["frame_loss"].as_array().expect("a series") {
            let offered = number(&point["fps"]) * SECONDS;
            let wanted = (1.0 - truth * SECONDS / offered).max(0.0);
            let loss = number(&point["loss_ratio"]);
            assert!((loss - wanted).abs() < 0.02, "{bytes}: {loss} for {wanted} at {point:#}");
        }

        // Buffer: a burst that fills it while it drains.
        let max = number(&size["max_fps"]);
        let wanted = lossless_frames(BPS, BURST, LIMIT, bytes, max);
        let mean = number(&size["back_to_back"]["mean"]);
        // Frames that a busy sender sends a few milliseconds late, in a bunch, fill the queue sooner;
        // a burst with a gap in it fills it later.
        assert!((mean - wanted).abs() < wanted * 0.12 + 12.0, "{bytes}: {mean} frames, {wanted}");

        // Latency: a full queue, where the highest load was offered.
        let overload = run.json["trials"]
            .as_array()
            .expect("trials")
            .iter()
            .find(|trial| {
                trial["test"] == "frame-loss"
                    && trial["size"] == size["size"]
                    && trial["invalid"].is_null()
            })
            .expect("a trial at the highest load");
        let queue = (LIMIT / frame).floor() * frame * 8.0 / BPS * 1e9;
        let p90 = number(&overload["latency_ns"][0]["p90"]);
        let one = frame * 8.0 / BPS * 1e9;
        assert!(p90 > queue * 0.95 && p90 < queue * 1.05 + 2.0 * one, "{bytes}: {p90} ns, {queue}");
    }
}

#[test]
fn modifiers_stand_beside_the_throughput_without() {
    if !privileged("modifiers_stand_beside_the_throughput_without") {
        return;
    }
    let _alone = alone();
    let run =
        twin("rfc2544-modifiers", &["--set", "test.sizes=[1518B]", "--engine", "packet-mmap"]);
    assert_eq!(sizes(&run).len(), 7);
    let plain = sizes(&run)[0]["throughput"][0]["fps"].as_f64().expect("a throughput");
    for size in &sizes(&run)[1..] {
        let with = size["throughput"][0]["fps"].as_f64().unwrap_or_else(|| panic!("{size:#}"));
        // The bucket is the limit: nothing that a modifier adds passes through it.
        assert!((with / plain - 1.0).abs() < 0.25, "{}: {with} of {plain}", size["modifier"]);
    }
}

#[test]
fn rfc_5180_goes_both_ways_with_mixes_and_extension_headers() {
    if !privileged("rfc_5180_goes_both_ways_with_mixes_and_extension_headers") {
        return;
    }
    let _beside = beside_others();
    let run = twin("rfc5180", &["--engine", "packet-mmap"]);
    assert_eq!(run.json["sending_ports"], 2);
    assert_eq!(sizes(&run).len(), 11);
    for size in sizes(&run) {
        assert!(size["throughput"][0]["fps"].as_f64() > Some(0.0), "{size:#}");
    }
    let trials = run.json["trials"].as_array().expect("trials");
    let chain = "IPv4 0% IPv6 100%, routing+destination_options+fragment";
    assert!(trials.iter().any(|trial| trial["modifier"] == chain), "{trials:#?}");
}

#[test]
fn rfc_8219_reports_latency_and_its_variation() {
    if !privileged("rfc_8219_reports_latency_and_its_variation") {
        return;
    }
    let _beside = beside_others();
    let run = twin("rfc8219", &[]);
    for size in sizes(&run) {
        for latency in size["latency"].as_array().expect("loads") {
            let number =
                |value: &serde_json::Value| value.as_f64().unwrap_or_else(|| panic!("{latency:#}"));
            let (typical, worst) =
                (number(&latency["p50_ns"]["median"]), number(&latency["p99_9_ns"]["median"]));
            assert!(typical > 0.0 && worst >= typical, "{latency:#}");
            assert!(number(&latency["pdv_ns"]["median"]) <= worst, "{latency:#}");
            let ipdv = &latency["ipdv_ns"];
            assert!(number(&ipdv["min"]) <= number(&ipdv["median"]), "{ipdv:#}");
            assert!(number(&ipdv["median"]) <= number(&ipdv["max"]), "{ipdv:#}");
        }
    }
}

#[test]
fn rfc_9004_mlrsearch_and_mixes_run_as_they_are_shipped() {
    if !privileged("rfc_9004_mlrsearch_and_mixes_run_as_they_are_shipped") {
        return;
    }
    let _alone = alone();
    let bursts = twin("rfc9004", &[]);
    let found = &sizes(&bursts)[0]["back_to_back"];
    let wanted = lossless_frames(10e6, 15_000.0, 37_500.0, 1518.0, 20e6 / 8.0 / 1538.0);
    let mean = found["mean"].as_f64().unwrap_or_else(|| panic!("{:#}", bursts.json));
    assert!((mean - wanted).abs() < wanted * 0.12 + 4.0, "{mean} frames, {wanted}");

    let goals = twin("mlrsearch", &[]);
    for size in sizes(&goals) {
        let found = size["throughput"].as_array().expect("goals");
        assert_eq!(
            (&found[0]["goal"], &found[1]["goal"]),
            (&"csit-ndr".into(), &"csit-pdr".into())
        );
    }

    let mixes = twin("imix-throughput", &[]);
    let names: Vec<&str> = sizes(&mixes).iter().filter_map(|size| size["size"].as_str()).collect();
    assert_eq!(names, ["IMIX csit", "IMIX - aaafg", "streams"]);
    assert_eq!(mixes.json["sending_ports"], 2);
}

/// The lab knows how long its router did not forward; both methods find it.
#[test]
fn a_reset_takes_as_long_as_the_router_was_away() {
    if !privileged("a_reset_takes_as_long_as_the_router_was_away") {
        return;
    }
    let _alone = alone();
    let run = twin("reset", &[]);
    let reset = &sizes(&run)[0]["reset"];
    let trials = reset["trials"].as_array().expect("trials");
    assert_eq!(trials.len(), 3);
    let fps = reset["fps"].as_f64().expect("a load");
    for trial in trials {
        let number = |key: &str| trial[key].as_f64().unwrap_or_else(|| panic!("{trial:#}"));
        let (down, stamps, loss) = (number("down_s"), number("by_stamps_s"), number("by_loss_s"));
        assert!(down >= 0.2, "{trial:#}");
        // Two system calls, and a frame at either end: they may take long on a busy machine, never less.
        assert!(stamps >= down && stamps < down + 0.15, "{trial:#}");
        // What was due in the outage and sent a little late, behind it, is not lost.
        assert!((loss - stamps).abs() < 0.08 + 3.0 / fps, "{trial:#}");
        assert_eq!(trial["recovered"], true);
    }
}

#[test]
fn a_command_of_the_profile_runs_only_where_it_is_allowed() {
    if !privileged("a_command_of_the_profile_runs_only_where_it_is_allowed") {
        return;
    }
    let _beside = beside_others();
    let mark = tempfile::tempdir().expect("a directory");
    let path = mark.path().join("reset");
    let command = format!(
        "test.reset={{by: command, command: [touch, {}], after: 50ms, watch: 100ms, repeats: 1}}",
        path.display()
    );
    let sets = ["profiles/reset-lab.yaml", "--set", "test.max_rate=1kpps", "--set", &command];
    let refused = run(&sets);
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--allow-command"), "{}", refused.stderr);
    assert!(!path.exists());
    let allowed = run(&[&sets[..], &["--allow-command"]].concat());
    assert!(path.exists(), "{}", allowed.stderr);
    // Nothing was reset, and that is no reset time of 0.
    assert_eq!(allowed.status, 3, "{}", allowed.stderr);
    assert_eq!(allowed.json["verdict"]["reasons"][0]["code"], "no_reset");
}

/// Killed without a word, again and again.
#[test]
fn a_killed_benchmark_goes_on() {
    if !privileged("a_killed_benchmark_goes_on") {
        return;
    }
    let _beside = beside_others();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("trials.jsonl");
    let trials = path.to_str().expect("UTF-8");
    let start = |option: &str| {
        let mut command = wirestorm();
        command.args(["run", "profiles/rfc9004-lab.yaml", "-q", "--json", "-"]);
        command.args(["--set", "test.retries=40", option, trials]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    };
    let kept = || std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    let mut option = "--trials";
    for wanted in [2, 5, 9] {
        let mut child = start(option);
        option = "--resume";
        let begin = Instant::now();
        while kept() < wanted {
            assert!(begin.elapsed().as_secs() < 60, "no trial is kept");
            std::thread::sleep(Duration::from_millis(10));
        }
        signal(&child, "KILL");
        child.wait().expect("it is gone");
    }
    let before = kept();
    let last = run_of(&start(option).wait_with_output().expect("it ends"));
    assert_eq!(last.status, 0, "{}", last.stderr);
    let all = last.json["trials"].as_array().expect("trials");
    assert_eq!(all.len() + 1, kept(), "each trial once, and the head");
    assert!(all.len() + 1 > before);
}

#[test]
fn a_benchmark_has_csv_files() {
    if !privileged("a_benchmark_has_csv_files") {
        return;
    }
    let _beside = beside_others();
    let dir = tempfile::tempdir().expect("a directory");
    let csv = dir.path().to_str().expect("UTF-8");
    let run = twin("reset", &["--csv", csv, "--set", "test.reset.repeats=1"]);
    let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
    let throughput = text("throughput.csv");
    assert!(throughput.starts_with("size,modifier,frame_bytes,"), "{throughput}");
    assert_eq!(throughput.lines().count(), 2);
    assert!(text("reset.csv").contains("by_stamps_s.mean"));
    let trials = run.json["trials"].as_array().expect("trials").len();
    assert!(trials >= 2, "a throughput and a reset");
    assert_eq!(text("trials.csv").lines().count(), 1 + trials, "a head, and each trial once");
    assert!(!dir.path().join("latency.csv").exists(), "nothing was measured there");
}
