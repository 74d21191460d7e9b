//! `wirestorm report` as a user runs it: results read back, shown again, compared, refused.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn report(args: &[&str]) -> Output {
    common::wirestorm().arg("report").args(args).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The documented example, changed.
fn example(change: impl FnOnce(&mut Value)) -> String {
    let text = include_str!("../docs/example-result.json");
    let mut value = serde_json::from_str(text).expect("is JSON");
    change(&mut value);
    value.to_string()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("is written");
    path.to_str().expect("is UTF-8").to_owned()
}

#[test]
fn a_result_is_shown_again_and_ends_as_its_run_did() {
    let dir = tempfile::tempdir().expect("a directory");
    let verdict = |valid: bool, passed: bool| {
        example(|value| {
            value["verdict"] = serde_json::json!(
                {"valid": valid, "passed": passed, "reasons": []}
            )
        })
    };
    for (valid, passed, word, status) in
        [(true, true, "PASS", 0), (true, false, "FAIL", 4), (false, false, "INVALID", 3)]
    {
        let file = write(dir.path(), "result.json", &verdict(valid, passed));
        let output = report(&[&file]);
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
        assert!(stdout(&output).starts_with(word), "{}", stdout(&output));
        assert!(stdout(&output).contains("Environment"));
    }
}

#[test]
fn html_is_made_from_the_json_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let html = dir.path().join("report.html");
    let output = report(&["docs/example-result.json", "--html", html.to_str().expect("is UTF-8")]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let page = fs::read_to_string(&html).expect("is written");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Latency by percentile"));
    // On standard output the same, and the report for the terminal beside it.
    let output = report(&["docs/example-result.json", "--html", "-"]);
    assert_eq!(stdout(&output), page);
    assert!(stderr(&output).starts_with("FAIL"), "{}", stderr(&output));
}

#[test]
fn files_that_are_no_results_are_named_with_status_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let cases = [
        ("empty.json", String::new(), "it is no result"),
        ("text.json", "hello".to_owned(), "it is no result"),
        ("list.json", "[1]".to_owned(), "it is no result"),
        (
            "other.json",
            r#"{"schema": "wirestorm.result/2"}"#.to_owned(),
            "not \"wirestorm.result/1\"",
        ),
        ("few.json", r#"{"schema": "wirestorm.result/1"}"#.to_owned(), "missing field `profile`"),
        (
            "negative.json",
            example(|value| value["totals"]["sent"] = (-1).into()),
            "invalid value: integer `-1`",
        ),
    ];
    for (name, text, wanted) in cases {
        let file = write(dir.path(), name, &text);
        for args in [vec![file.as_str()], vec!["docs/example-result.json", file.as_str()]] {
            let output = report(&args);
            assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
            assert!(stderr(&output).contains(name), "{}", stderr(&output));
            assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
            assert_eq!(stdout(&output), "");
        }
    }
    let output = report(&["/nowhere/result.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/nowhere/result.json: No such file"), "{}", stderr(&output));
    let output = report(&["/"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn results_with_any_numbers_are_shown_without_a_panic() {
    let dir = tempfile::tempdir().expect("a directory");
    let huge = example(|value| {
        for stream in value["streams"].as_array_mut().expect("are streams") {
            for name in ["sent", "lost", "intended", "unsent", "received", "unique"] {
                stream[name] = u64::MAX.into();
            }
            for name in ["min", "p50", "p99", "max", "count"] {
                stream["latency_ns"][name] = u64::MAX.into();
            }
            stream["latency_ns"]["histogram"] = "HISTFAAAAAAAAAAA".into();
            stream["to"] = Value::Null;
        }
        value["streams"][0]["lost"] = Value::Null;
        value["totals"]["sent"] = 0.into();
        value["totals"]["lost"] = u64::MAX.into();
        value["totals"]["tx_pps"] = (-1e300).into();
        value["duration_s"] = (-1.0).into();
        value["ledger"][0]["lost_here"] = i64::MIN.into();
        value["ledger"][1]["lost_here"] = i64::MIN.into();
        value["gaps"]["count"] = 0.into();
        value["gaps"]["bursts"] = 1e300.into();
    });
    let html = dir.path().join("report.html");
    let (one, other) = (write(dir.path(), "a.json", &huge), write(dir.path(), "b.json", &huge));
    for args in [vec![one.as_str()], vec![one.as_str(), other.as_str()]] {
        let mut args = args;
        args.extend(["--html", html.to_str().expect("is UTF-8")]);
        let output = report(&args);
        assert!(matches!(output.status.code(), Some(0 | 4)), "{}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    }
}

#[test]
fn two_results_are_compared_and_one_a_side_claims_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let other = example(|value| value["streams"][0]["latency_ns"]["p99"] = 121_982.into());
    let other = write(dir.path(), "other.json", &other);
    let output = report(&["docs/example-result.json", &other]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let line = text.lines().find(|line| line.starts_with("latency p99 ")).expect("is compared");
    assert!(line.contains("60.99 µs") && line.contains("122.0 µs"), "{line}");
    assert!(line.contains("2.000×") && !line.contains("worse"), "{line}");
    assert!(text.contains("no confidence interval can be given"), "{text}");
}

#[test]
fn repeats_are_judged() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = |side: &str, values: [u64; 3]| {
        values.map(|p99| {
            let text = example(|value| value["streams"][0]["latency_ns"]["p99"] = p99.into());
            write(dir.path(), &format!("{side}{p99}.json"), &text)
        })
    };
    let before = files("a", [60_000, 60_300, 60_100]);
    let after = files("b", [30_000, 30_200, 30_300]);
    let html = dir.path().join("compared.html");
    let mut args = vec!["--baseline"];
    args.extend(before.iter().map(String::as_str));
    args.push("--candidate");
    args.extend(after.iter().map(String::as_str));
    args.extend(["--html", html.to_str().expect("is UTF-8")]);
    let output = report(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let line = text.lines().find(|line| line.starts_with("latency p99 ")).expect("is compared");
    assert!(line.contains("0.502×") && line.contains("better"), "{line}");
    let page = fs::read_to_string(&html).expect("is written");
    assert!(page.contains("COMPARED") && page.contains("better"));
}

#[test]
fn a_side_without_a_valid_run_is_status_3() {
    let dir = tempfile::tempdir().expect("a directory");
    let invalid = example(|value| value["verdict"]["valid"] = false.into());
    let invalid = write(dir.path(), "invalid.json", &invalid);
    let output = report(&[&invalid, "docs/example-result.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("INVALID"), "{}", stdout(&output));
    assert!(stdout(&output).contains("no_valid_run"), "{}", stdout(&output));
}

#[test]
fn a_page_without_a_place_is_refused() {
    let output = report(&["docs/example-result.json", "--html", "/nowhere/report.html"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nowhere/report.html"), "{}", stderr(&output));
}

/// The whole way: a run in a lab, its page, and the same page again from
/// its JSON alone.
#[test]
fn the_page_of_a_run_is_that_of_its_json() {
    if !common::privileged("the page of a run") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_str().expect("is UTF-8").to_owned();
    let (html, json, again) = (path("run.html"), path("run.json"), path("again.html"));
    let output = common::wirestorm()
        .args(["run", "profiles/router.yaml", "--lab", "router", "--set", "duration=200ms"])
        .args(["--quiet", "--html", &html, "--json", &json])
        .output()
        .expect("the program starts");
    let status = output.status.code();
    assert!(matches!(status, Some(0 | 3 | 4)), "{}", stderr(&output));
    assert_eq!(report(&[&json, "--html", &again]).status.code(), status);
    let page = fs::read_to_string(&html).expect("is written");
    assert_eq!(page, fs::read_to_string(&again).expect("is written"));
    assert!(page.contains("Distribution of latency"), "the histograms are in the result");
}

/// Everything that is written is in the schema, and what the terminal shows is in the JSON.
#[test]
fn a_comparison_is_json_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let p99 = |nanos: u64| {
        example(|value| {
            value["verdict"]["valid"] = true.into();
            for stream in value["streams"].as_array_mut().expect("streams") {
                stream["latency_ns"]["p99"] = nanos.into();
            }
        })
    };
    let files: Vec<String> = [60_000, 61_000, 62_000, 90_000, 91_000, 92_000]
        .iter()
        .map(|nanos| write(dir.path(), &format!("{nanos}.json"), &p99(*nanos)))
        .collect();
    let (baseline, candidate) = files.split_at(3);
    let mut args: Vec<&str> = vec!["--json", "-", "--baseline"];
    args.extend(baseline.iter().map(String::as_str));
    args.push("--candidate");
    args.extend(candidate.iter().map(String::as_str));
    let output = report(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("COMPARED"), "{}", stderr(&output));
    let value: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let schema: Value =
        serde_json::from_str(include_str!("../docs/comparison.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let metrics = value["metrics"].as_array().expect("metrics");
    let p99 = metrics.iter().find(|metric| metric["name"] == "latency p99").expect("p99");
    assert_eq!(p99["judgement"], "worse");
    assert!((p99["ratio"].as_f64().expect("a ratio") - 91.0 / 61.0).abs() < 0.001, "{p99:#}");
    assert_eq!(value["candidate"]["files"].as_array().map(Vec::len), Some(3));
    // One result is JSON already.
    let output = report(&[&files[0], "--json", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("a single result is JSON already"), "{}", stderr(&output));
}
