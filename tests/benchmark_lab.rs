//! Benchmarks in the lab, against throughputs that are known.

mod common;
mod workbench;

use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{Run, privileged, run, run_of, wirestorm};
use workbench::signal;

/// One lab at a time: two senders and two routers on few cores disturb each other.
static MACHINE: Mutex<()> = Mutex::new(());

const LAB: &str = "profiles/rfc2544-lab.yaml";

/// Bytes that the token bucket and its queue hold: a trial passes that much more than its rate.
const HELD: f64 = 525_000.0;

fn benchmark(sets: &[&str], more: &[&str]) -> Run {
    // A busy machine makes a trial invalid, not wrong: it is made again until the machine is quiet.
    let mut args = vec![LAB, "--set", "test.retries=40"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    args.extend(more);
    let run = run(&args);
    assert!(run.json.is_object(), "{}", run.stderr);
    run
}

/// Known truth 25: a bucket of `bps` passes bps / 8 / (size − 4) frames a second in the long run: it
/// counts frames without their FCS.
fn assert_brackets(run: &Run, bps: f64, held: f64, seconds: f64) {
    assert_eq!(run.json["verdict"]["valid"], true, "{:#}", run.json["verdict"]);
    for size in run.json["sizes"].as_array().expect("sizes") {
        let bytes: f64 = size["size"].as_str().expect("a name").parse().expect("a number");
        let truth = bps / 8.0 / (bytes - 4.0);
        let most = truth + held / seconds / (bytes - 4.0);
        let found = &size["throughput"][0];
        let lower = found["fps"].as_f64().unwrap_or_else(|| panic!("{size:#}"));
        let upper = found["upper_fps"].as_f64().expect("the maximum is too much");
        assert!(lower <= most, "{bytes}: {lower} is above {most}");
        assert!(upper >= truth, "{bytes}: {upper} is below {truth}");
        assert!((upper - lower) / upper <= 0.020_001, "{found:#}");
        assert_eq!(found["loss_in_last_pass"], 0.0);
    }
}

#[test]
fn the_throughput_of_a_token_bucket_is_found() {
    if !privileged("the_throughput_of_a_token_bucket_is_found") {
        return;
    }
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let run = benchmark(&["test.kind=throughput"], &[]);
    assert_brackets(&run, 100e6, HELD, 1.0);
    assert_eq!(run.status, 0);
    // A tenth of all rates and of the bucket: 20833 frames of 64 bytes a second.
    let slower = [
        "test.kind=throughput",
        "test.sizes=[64B]",
        "test.max_rate=20Mbps L1",
        "lab.tbf=[{towards: rx, rate: 10Mbps, burst: 15kB, limit: 37500B}]",
    ];
    assert_brackets(&benchmark(&slower, &[]), 10e6, HELD / 10.0, 1.0);
}

#[test]
fn an_mlrsearch_finds_it_too() {
    if !privileged("an_mlrsearch_finds_it_too") {
        return;
    }
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let sets = ["test.kind=throughput", "test.search=mlrsearch", "test.sizes=[1518B]"];
    let goals = "test.goals=[{exceed_ratio: 50%, duration_sum: 2s}, {loss_ratio: 5%}]";
    let run = benchmark(&[&sets[..], &[goals]].concat(), &[]);
    assert_brackets(&run, 100e6, HELD, 1.0);
    let goals = run.json["sizes"][0]["throughput"].as_array().expect("goals");
    assert_eq!(goals.len(), 2);
    assert!(goals[1]["fps"].as_f64() > goals[0]["fps"].as_f64(), "{goals:#?}");
}

#[test]
fn the_whole_suite_has_every_result() {
    if !privileged("the_whole_suite_has_every_result") {
        return;
    }
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = tempfile::NamedTempFile::new().expect("a file");
    let html = page.path().to_str().expect("UTF-8");
    let run = benchmark(&["test.sizes=[1518B]"], &["--html", html]);
    assert_brackets(&run, 100e6, HELD, 1.0);
    let size = &run.json["sizes"][0];
    let loss = size["frame_loss"].as_array().expect("a series");
    // 16,255 offered a second: what the bucket passes and holds arrives.
    let truth = 100e6 / 8.0 / 1514.0;
    let first = loss[0]["loss_ratio"].as_f64().expect("a ratio");
    let offered = loss[0]["fps"].as_f64().expect("a rate");
    let most = 1.0 - truth / offered;
    let least = 1.0 - (truth + HELD / 1514.0) / offered;
    // The queue goes on passing while the last frames arrive.
    assert!((least - 0.01..=most + 0.01).contains(&first), "{first}: {least} to {most}");
    assert_eq!(loss.last().expect("points")["lost"], 0);
    assert_eq!(size["latency"].as_array().map(Vec::len), Some(2));
    let bursts = &size["back_to_back"];
    assert_eq!(bursts["frames"].as_array().map(Vec::len), Some(3), "{size:#}");
    assert!(bursts["corrected_s"].as_f64() < bursts["implied_s"].as_f64());
    // A queue of 30 ms is empty again within the first spans of half the load.
    let recovery = size["system_recovery"]["recovery_s"][0].as_f64().expect("a time");
    assert!(recovery <= 0.2, "{recovery}");
    assert!(std::fs::read_to_string(html).expect("a page").contains("Loss by load"));
}

#[test]
fn a_router_that_drops_everything_fails_with_a_reason() {
    if !privileged("a_router_that_drops_everything_fails_with_a_reason") {
        return;
    }
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let nft =
        "lab.nft=\"table inet f { chain c { type filter hook forward priority 0; drop; }; }\"";
    let sets = ["test.kind=latency", "test.sizes=[512B]", "test.max_rate=1kpps", nft];
    let run = benchmark(
        &sets,
        &[
            "--set",
            "test.duration=200ms",
            "--set",
            "test.search_duration=100ms",
            "--set",
            "test.verifications=0",
        ],
    );
    assert_eq!(run.status, 4, "{}", run.stderr);
    let reason = &run.json["verdict"]["reasons"][0];
    assert_eq!(reason["code"], "no_throughput");
    assert!(reason["message"].as_str().is_some_and(|text| text.contains("100.0000 %")));
    let warnings = run.json["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "nothing_received"), "{warnings:?}");
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
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("trials.jsonl");
    let trials = path.to_str().expect("UTF-8");
    let start = |option: &str, more: &[&str]| {
        let mut command = wirestorm();
        command.args(["run", LAB, "-q", "--json", "-", "--set", "test.kind=throughput"]);
        command.args(["--set", "test.sizes=[1518B]", "--set", "test.retries=40"]);
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
    assert_brackets(&second, 100e6, HELD, 1.0);
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
