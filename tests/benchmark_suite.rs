//! Benchmarks against simulated devices: what is found, what is kept, what is said where nothing
//! can be found. No privilege.

mod packets;
mod simulated_tester;

use std::fs;
use std::path::Path;

use serde_json::Value;
use simulated_tester::{Device, Simulated, result_of};
use wirestorm::benchmark::modify;
use wirestorm::benchmark::store::Store;
use wirestorm::benchmark::suite::{self, Benchmarked};
use wirestorm::packet::compile::compile;
use wirestorm::profile;
use wirestorm::profile::benchmark::Benchmark;
use wirestorm::profile::model::{Profile, TestKind};
use wirestorm::report::benchmark::{BenchmarkResult, to_writer};
use wirestorm::report::compare::benchmarks::BenchmarkRun;
use wirestorm::report::compare::{self, Comparison};
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
  learning: {frames: 2, wait: 0}
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
const HALF: Device = Device {
    bps: 500_000_000,
    buffer: 100,
    invalid: false,
    reset_s: 0.0,
    twice: false,
    disorder: false,
};
/// Nothing gets through.
const DEAD: Device = Device { bps: 0, buffer: 0, ..HALF };

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
    let result = run(&[], DEAD);
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

/// Streams over both families, with every modifier that a simulated device can have.
const MODIFIERS: &str = "[{broadcast: 1%}, {management: 100ms}, {routing_updates: 500ms}, {networks: 256}, \
    {mix: {ipv4: 90%, ipv6: 10%}}, {extension_headers: [routing, destination_options, fragment]}, \
    {hop_by_hop: 10%}]";
const TWO_FAMILIES: &str = "[{name: a, size: 84B, rate: 3kpps, packet: [ipv4, udp]}, \
    {name: b, size: 84B, rate: 1kpps, packet: [ipv6, udp]}]";

#[test]
fn every_size_is_tested_without_and_with_each_modifier() {
    let modifiers = format!("test.modifiers={MODIFIERS}");
    let streams = format!("streams={TWO_FAMILIES}");
    let sets = ["test.sizes=[84B, 512B]", "test.kind=throughput", &modifiers, &streams];
    let result = run(&sets, HALF);
    assert!(result.verdict.passed, "{:?}", result.verdict);
    assert_eq!(result.sizes.len(), 2 * 8);
    let names: Vec<Option<&str>> =
        result.sizes[..8].iter().map(|size| size.modifier.as_deref()).collect();
    let wanted = [
        None,
        Some("broadcast 1%"),
        Some("management every 100ms"),
        Some("routing updates every 500ms"),
        Some("networks 256"),
        Some("IPv4 90% IPv6 10%"),
        Some("routing+destination_options+fragment"),
        Some("hop-by-hop 10%"),
    ];
    assert_eq!(names, wanted);
    for size in &result.sizes {
        // A frame of 84 bytes is full without extension headers.
        let longer = |name: &str| name.contains("fragment") || name.contains("hop-by-hop");
        if size.size == "84" && size.modifier.as_deref().is_some_and(longer) {
            assert!(size.throughput.is_empty() && size.notes[0].code == "skipped", "{size:?}");
            assert!(size.notes[0].message.contains("no room"), "{}", size.notes[0].message);
            continue;
        }
        let found = size.throughput.first().unwrap_or_else(|| panic!("{size:?}"));
        let share = result.of_without(size, found);
        assert_eq!(share.is_none(), size.modifier.is_none());
        // What is counted is only what has to arrive, so that broadcasts are no loss.
        assert!(share.is_none_or(|share| (0.95..=1.02).contains(&share)), "{size:?} {share:?}");
    }
}

#[test]
fn both_directions_are_loaded() {
    let result = run(&["test.kind=throughput", "test.bidirectional=true"], HALF);
    assert_eq!(result.sending_ports, 2);
    let trial = &result.trials[0];
    assert_eq!(trial.lost_by_stream.len(), 4);
    assert!(
        (trial.intended as f64 / (2.0 * trial.load_fps * trial.duration_s) - 1.0).abs() < 0.001
    );
}

/// A field that follows another one's follows its counterpart on the way back.
#[test]
fn what_goes_back_follows_what_was_exchanged() {
    let text = "lab: router\nstreams: [{rate: 1kpps, size: 128B, packet: [ipv4: {ttl: {same_as: \
                udp.src, mask: 0x0f, base: 64}}, udp: {src: {random: 1000..1999}, dst: {same_as: \
                udp.src, plus: 1}}]}]";
    let mut profile =
        profile::parse("back.yaml", text, &[]).unwrap_or_else(|error| panic!("{error}"));
    modify::both_ways(&mut profile);
    let packets = |stream: usize| {
        let program = compile(&profile, stream, &packets::addressing(), 1).expect("it compiles");
        let mut frame = vec![0; program.max_frame_len()];
        program.build(5, &mut frame, false);
        let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        (port(34), port(36), u16::from(frame[22]))
    };
    let (src, dst, ttl) = packets(0);
    assert_eq!((dst, ttl), (src + 1, 64 | src & 15));
    let (src, dst, ttl) = packets(1);
    assert!((1000..2000).contains(&dst));
    assert_eq!((src, ttl), (dst + 1, 64 | dst & 15));
}

#[test]
fn goals_and_mixes_have_names() {
    let sets = [
        "test.kind=throughput",
        "test.search=mlrsearch",
        "test.sizes=[{imix: csit}, {genome: aaafg}, {imix: {64B: 1, 1518B: 1}}]",
        "test.goals=[csit-ndr, {name: csit-pdr, width: 1%}, {loss_ratio: 10%}]",
    ];
    let (_, test) = parsed(&sets);
    let [ndr, pdr, own] = &test.goals[..] else { panic!("{:?}", test.goals) };
    assert_eq!(ndr.goal, wirestorm::search::Goal::csit(wirestorm::units::Ratio(0)));
    assert_eq!(pdr.goal.duration_sum.as_secs_f64(), 21.0);
    assert_eq!((pdr.goal.loss_ratio.as_f64(), pdr.goal.width.as_f64()), (0.005, 0.01));
    assert_eq!(own.name, None);
    let result = run(&sets, HALF);
    let sizes: Vec<&str> = result.sizes.iter().map(|size| size.size.as_str()).collect();
    assert_eq!(sizes, ["IMIX csit", "IMIX - aaafg", "IMIX 64:1 1518:1"]);
    for size in &result.sizes {
        let goals: Vec<Option<&str>> =
            size.throughput.iter().map(|found| found.goal.as_deref()).collect();
        assert_eq!(goals, [Some("csit-ndr"), Some("csit-pdr"), None]);
    }
    assert!(
        (result.sizes[0].frame_bytes - (28.0 * 64.0 + 16.0 * 570.0 + 4.0 * 1518.0) / 48.0).abs()
            < 0.001
    );
}

const RESET: &str = "test.reset={by: hand, after: 1s, watch: 2s, load: 50%, repeats: 3}";

#[test]
fn a_reset_takes_as_long_as_the_device_is_away() {
    let result = run(&["test.kind=reset", RESET], Device { reset_s: 0.25, ..HALF });
    assert!(result.verdict.passed, "{:?}", result.verdict);
    for size in &result.sizes {
        let reset = size.reset.as_ref().expect("a reset");
        assert_eq!(reset.trials.len(), 3);
        let by_loss = reset.by_loss_s.as_ref().expect("a time");
        assert!((by_loss.mean - 0.25).abs() < 0.001, "{reset:?}");
        let by_stamps = reset.by_stamps_s.as_ref().expect("a time");
        assert!((by_stamps.mean - 0.25).abs() < 1e-9, "{reset:?}");
        assert!(reset.trials.iter().all(|trial| trial.recovered));
    }
    // In the suite it comes last, where the profile says how.
    let (_, test) = parsed(&[RESET]);
    assert_eq!(test.tests().last().map(|kind| kind.name()), Some("reset"));
}

#[test]
fn a_reset_that_nobody_made_is_no_result() {
    let result = run(&["test.kind=reset", RESET], HALF);
    assert!(!result.verdict.valid);
    assert_eq!(result.verdict.reasons[0].code, "no_reset");
    let result = run(&["test.kind=reset", RESET], Device { reset_s: 10.0, ..HALF });
    assert!(!result.verdict.passed, "{:?}", result.verdict);
}

#[test]
fn disorder_is_told_and_is_no_loss() {
    for (device, code) in [
        (Device { twice: true, ..HALF }, "duplicated"),
        (Device { disorder: true, ..HALF }, "reordered"),
    ] {
        let result = run(&["test.kind=throughput"], device);
        assert!(result.verdict.passed, "{:?}", result.verdict);
        let codes: Vec<&str> =
            result.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, [code]);
        assert_eq!(
            result.sizes[0].throughput,
            run(&["test.kind=throughput"], HALF).sizes[0].throughput
        );
    }
}

#[test]
fn a_search_ends_at_its_time() {
    let result = run(&["test.kind=throughput", "test.max_time=1ns"], HALF);
    assert!(!result.verdict.valid);
    let reason = &result.verdict.reasons[0];
    assert_eq!(reason.code, "no_result");
    assert!(reason.message.contains("no result within"), "{}", reason.message);
}

#[test]
fn a_trial_without_a_frame_proves_nothing() {
    let sets = ["test.kind=throughput", "test.max_rate=1pps", "test.min_rate=1pps"];
    let result =
        run(&[&sets[..], &["test.duration=1ms", "test.search_duration=1ms"]].concat(), DEAD);
    assert!(!result.verdict.passed);
    assert!(!result.verdict.reasons.is_empty());
}

/// What is left is told of the whole suite, and ends with nothing.
#[test]
fn the_time_left_covers_all_searches() {
    let (profile, test) = parsed(&[]);
    let mut tester = Simulated::new(HALF);
    let mut told = Vec::new();
    suite::run(&profile, &test, &mut tester, Store::default(), &mut |shown| {
        if let suite::Shown::Begins { searches, later, progress, .. } = shown {
            told.push((searches.0, later.as_secs_f64(), progress.time_left.as_secs_f64()));
        }
    })
    .expect("it starts");
    let first = told.first().expect("trials");
    // Two sizes: 8 trials of a binary search each, latency 2 x 2 x 3 s, loss, bursts, recovery 2 x 2 s.
    assert!(first.1 > 30.0 && first.1 < 90.0, "{first:?}");
    assert!(told.windows(2).all(|pair| pair[1].1 <= pair[0].1 + 1.0), "it falls: {told:?}");
    assert_eq!(told.last().expect("trials").1, 0.0);
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
    let devices = [HALF, DEAD, Device { invalid: true, ..HALF }];
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

/// Repeats of a benchmark against repeats, size by size.
#[test]
fn benchmarks_are_compared() {
    let device = |bps: u64| Device { bps, ..HALF };
    let side = |rates: [u64; 3]| {
        let of =
            |bps: u64| BenchmarkRun { file: format!("{bps}.json"), result: run(&[], device(bps)) };
        rates.map(of).to_vec()
    };
    let slower = side([480_000_000, 490_000_000, 500_000_000]);
    let faster = side([580_000_000, 590_000_000, 600_000_000]);
    let comparison = Comparison::of_benchmarks(slower, faster).expect("both have results");
    assert!(comparison.valid);
    let throughput: Vec<_> =
        comparison.metrics.iter().filter(|metric| metric.name == "throughput").collect();
    assert_eq!(throughput.len(), 2, "one a size");
    for metric in throughput {
        assert_eq!(metric.judgement().words(), "better", "{metric:?}");
    }
    let mut json = Vec::new();
    compare::json::to_writer(&comparison, &mut json).expect("memory takes it");
    let value: Value = serde_json::from_slice(&json).expect("JSON");
    let schema: Value =
        serde_json::from_str(include_str!("../docs/comparison.schema.json")).expect("JSON");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&value), "{value:#}");
}
