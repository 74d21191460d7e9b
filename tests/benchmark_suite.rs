//! Benchmarks against simulated devices: what is found, what is kept, what is said where nothing
//! can be found. No privilege.

mod simulated_tester;

use std::fs;
use std::path::Path;

use serde_json::Value;
use simulated_tester::{Device, Simulated, result_of};
use wirestorm::benchmark::store::Store;
use wirestorm::benchmark::suite::{self, Benchmarked};
use wirestorm::profile;
use wirestorm::profile::benchmark::Benchmark;
use wirestorm::profile::model::{Profile, TestKind};
use wirestorm::report::benchmark::{BenchmarkResult, to_writer};
use wirestorm::report::html;
use wirestorm::report::terminal::{self, Style};

const SUITE: &str = "\
name: suite
test:
  kind: rfc2544
  sizes: [64B, 1518B]
  max_rate: 1Gbps L1
  duration: 1s
  wait: 0
  width: 1%
  latency: {duration: 1s, repeats: 3, loads: [100%, 50%]}
  back_to_back: {limit: 100ms, step: 1, repeats: 2}
  system_recovery: {duration: 1s, watch: 1s, resolution: 100ms}
lab: router
streams:
  - {name: a, size: 64B, rate: 3kpps, packet: [ipv4, udp]}
  - {name: b, size: 64B, rate: 1kpps, packet: [ipv4, udp]}
";

fn parsed(sets: &[&str]) -> (Profile, Benchmark) {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let profile = profile::parse("suite.yaml", SUITE, &sets).unwrap_or_else(|e| panic!("{e}"));
    let TestKind::Benchmark(test) = profile.test.clone() else { panic!("a benchmark") };
    (profile, *test)
}

fn run(sets: &[&str], device: Device) -> BenchmarkResult {
    let (profile, test) = parsed(sets);
    let mut tester = Simulated::new(device);
    let done = suite::run(&profile, &test, &mut tester, Store::default(), &mut |_| ());
    let Benchmarked { result, error } = done.expect("it starts");
    assert!(error.is_none());
    result
}

/// 500 Mbit/s at layer 1, as frames, and a buffer of 100 frames.
const HALF: Device = Device { bps: 500_000_000, buffer: 100, invalid: false };

#[test]
fn the_suite_finds_what_the_device_is() {
    let result = run(&[], HALF);
    assert!(result.verdict.valid && result.verdict.passed, "{:?}", result.verdict);
    assert_eq!(result.sizes.len(), 2);
    for (size, bytes) in result.sizes.iter().zip([64.0, 1518.0]) {
        let truth = 500e6 / 8.0 / (bytes + 20.0);
        let found = &size.throughput[0];
        let upper = found.upper_fps.expect("the maximum does not pass");
        // A trial of a second also passes what the buffer holds at its end.
        assert!(found.fps <= truth + 101.0 && upper >= truth, "{found:?}, {truth}");
        assert!((upper - found.fps) / upper <= 0.01);
        assert_eq!(found.loss_in_last_pass, Some(0.0));
        assert!((found.l1_bps / 500e6 - 1.0).abs() < 0.02, "{found:?}");
        // A burst at twice the throughput fills the buffer by every second frame.
        let bursts = size.back_to_back.as_ref().expect("bursts");
        assert!(bursts.mean > 190.0 && bursts.mean < 210.0, "{bursts:?}");
        let corrected = bursts.corrected_s.expect("it buffers");
        assert!((corrected / (100.0 / (truth * 2.0)) - 1.0).abs() < 0.1, "{bursts:?}");
        assert_eq!(size.latency.len(), 2);
        assert!(size.latency.iter().all(|latency| latency.repeats == 3 && latency.lost == 0));
        let loss = &size.frame_loss;
        assert!((loss[0].loss_ratio - 0.5).abs() < 0.02 && loss.last().unwrap().lost == 0);
        assert_eq!(size.system_recovery.as_ref().expect("recovery").recovery_s, [0.0]);
    }
    assert!(result.trials.iter().all(|trial| trial.invalid.is_none()));
}

#[test]
fn an_mlrsearch_finds_several_goals_at_once() {
    let result = run(
        &[
            "test.kind=throughput",
            "test.search=mlrsearch",
            "test.goals=[{exceed_ratio: 50%, duration_sum: 5s}, {loss_ratio: 10%}]",
        ],
        HALF,
    );
    for size in &result.sizes {
        let [none, some] = &size.throughput[..] else { panic!("{size:?}") };
        assert!(some.fps > none.fps * 1.05, "{none:?} {some:?}");
        assert_eq!((none.search.as_str(), some.loss_ratio), ("mlrsearch", 0.1));
        assert!(some.conditional_fps.expect("MLRsearch") < some.fps);
    }
}

/// Everything but the clock.
fn timeless(result: &BenchmarkResult) -> Value {
    let mut result = result.clone();
    result.trials.iter_mut().for_each(|trial| trial.spent_s = 0.0);
    serde_json::to_value(result).expect("JSON")
}

fn resumed(path: &Path, limit: Option<u64>) -> BenchmarkResult {
    let (profile, test) = parsed(&[]);
    let mut tester = Simulated::new(HALF);
    tester.stop_after = limit;
    let rates = [None, None];
    let store = match path.exists() {
        true => Store::resume(path, &profile, &rates),
        false => Store::create(path, &profile, &rates),
    };
    let store = store.expect("a store");
    suite::run(&profile, &test, &mut tester, store, &mut |_| ()).expect("it starts").result
}

#[test]
fn an_interrupted_benchmark_goes_on_as_if_it_had_not_been() {
    let whole = run(&[], HALF);
    let dir = tempfile::tempdir().expect("a directory");
    for (number, step) in [1, 7, 50].into_iter().enumerate() {
        let path = dir.path().join(format!("{number}.jsonl"));
        let mut times = 0;
        let last = loop {
            let part = resumed(&path, Some(step));
            times += 1;
            if !part.incomplete {
                break part;
            }
            assert!(!part.verdict.valid && part.verdict.reasons[0].code == "incomplete");
            // Killed in the middle of a line.
            let mut bytes = fs::read(&path).expect("kept");
            assert_eq!(bytes.last(), Some(&b'\n'));
            bytes.extend(b"{\"settings\":{\"loa");
            fs::write(&path, bytes).expect("written");
            assert!(times < 500);
        };
        assert!(times > 2, "{times}");
        assert_eq!(timeless(&last), timeless(&whole));
        let lines = fs::read_to_string(&path).expect("kept").lines().count();
        assert_eq!(lines, whole.trials.len() + 1, "each trial once, and the head");
    }
}

#[test]
fn trials_of_another_benchmark_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("trials.jsonl");
    resumed(&path, Some(3));
    let (other, _) = parsed(&["test.width=2%"]);
    let (same, _) = parsed(&[]);
    let refused = |path: &Path, profile: &Profile, rates: &[Option<u64>]| {
        Store::resume(path, profile, rates).expect_err("refused").to_string()
    };
    assert!(refused(&path, &other, &[None, None]).contains("its profile is another one"));
    assert!(refused(&path, &same, &[Some(1), None]).contains("another line rate"));
    let again = Store::create(&path, &same, &[None, None]).expect_err("it is there");
    assert!(again.to_string().contains("go on with --resume"), "{again}");
    let text = fs::read_to_string(&path).expect("kept");
    fs::write(&path, text.replace("\"outcome\"", "\"outcom\"")).expect("written");
    assert!(refused(&path, &same, &[None, None]).contains("line 2"));
    for broken in ["", "{}\n", "no JSON\n"] {
        fs::write(&path, broken).expect("written");
        assert!(refused(&path, &same, &[None, None]).contains("no trials of a benchmark"));
    }
}

#[test]
fn a_device_that_loses_everything_has_failed_and_the_run_is_valid() {
    let result = run(&[], Device { bps: 0, buffer: 0, invalid: false });
    assert!(result.verdict.valid && !result.verdict.passed);
    let reason = &result.verdict.reasons[0];
    assert_eq!(reason.code, "no_throughput");
    assert!(reason.message.contains("the device loses 100.0000 % at"), "{}", reason.message);
    for size in &result.sizes {
        assert!(size.throughput.is_empty() && size.latency.is_empty());
        assert!(size.notes.iter().any(|note| note.code == "skipped"));
        assert!(size.frame_loss.iter().all(|point| point.loss_ratio == 1.0));
    }
}

#[test]
fn an_invalid_trial_is_never_accepted() {
    let result = run(&["test.retries=2"], Device { invalid: true, ..HALF });
    assert!(!result.verdict.valid && !result.verdict.passed);
    let reason = &result.verdict.reasons[0];
    assert_eq!(reason.code, "always_invalid");
    assert!(reason.message.contains("3 trials in a row") && reason.message.contains("too slow"));
    assert!(result.sizes.iter().all(|size| size.throughput.is_empty()));
    // Throughput and frame loss of two sizes, each tried three times; the rest needs a throughput.
    assert_eq!(result.trials.len(), 4 * 3);
    assert!(result.trials.iter().all(|trial| trial.invalid.is_some()));
}

#[test]
fn criteria_are_held_to() {
    let low = run(&["test.kind=throughput", "test.min_throughput=490Mbps L1"], HALF);
    assert!(low.verdict.passed, "{:?}", low.verdict);
    let high = run(&["test.kind=throughput", "test.min_throughput=600Mbps L1"], HALF);
    assert!(high.verdict.valid && !high.verdict.passed);
    assert_eq!(high.verdict.reasons.len(), 2, "one a size");
    assert_eq!(high.verdict.reasons[0].code, "min_throughput");
    let late = run(&["test.kind=latency", "pass={max_latency: 1ns}"], HALF);
    assert!(late.verdict.reasons.iter().all(|reason| reason.code == "latency"));
    assert!(late.verdict.valid && !late.verdict.passed);
}

#[test]
fn a_throughput_that_is_the_line_rate_needs_no_bursts() {
    let result = run(&["test.kind=back-to-back"], Device { bps: 2_000_000_000, ..HALF });
    for size in &result.sizes {
        assert_eq!(size.throughput[0].upper_fps, None);
        assert!(size.back_to_back.is_none());
        assert!(size.notes[0].message.contains("RFC 9004"));
    }
}

/// The schema with every object closed: nothing is written that it does not describe.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(closed);
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

#[test]
fn the_json_is_what_the_schema_says_and_can_be_read_again() {
    let mut schema: Value =
        serde_json::from_str(include_str!("../docs/benchmark.schema.json")).expect("JSON");
    closed(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let devices =
        [HALF, Device { bps: 0, buffer: 0, invalid: false }, Device { invalid: true, ..HALF }];
    for device in devices {
        let result = run(&[], device);
        let mut bytes = Vec::new();
        to_writer(&result, &mut bytes).expect("memory takes it");
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{problems:#?}");
        let again: BenchmarkResult = serde_json::from_slice(&bytes).expect("a result");
        assert_eq!(again, result);
    }
}

/// With a clock that stands still.
fn shown() -> BenchmarkResult {
    let mut result = run(&[], HALF);
    result.trials.iter_mut().for_each(|trial| trial.spent_s = 1.5);
    result.environment = result_of(HALF).environment;
    result
}

#[test]
fn a_terminal_shows_the_tables() {
    insta::assert_snapshot!(terminal::render_benchmark(
        &shown(),
        Style { color: false, width: 160 }
    ));
}

#[test]
fn the_page_has_tables_charts_and_every_trial() {
    let page = html::render(&html::benchmark::page(&shown()));
    for text in [
        "Throughput by frame size",
        "Latency by load",
        "Loss by load",
        "Back-to-back frames",
        "System recovery",
        "Trials",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let result = shown();
    let trial = result.trials.last().expect("trials");
    assert!(page.matches(&format!(">{}<", trial.test)).count() >= 1);
}
