//! The JSON result, its schema, and the contract of its names.

use serde_json::{Value, json};
use wirestorm::report::model::{RateChanged, RunResult};

use crate::fixtures;

fn schema() -> Value {
    let text = include_str!("../../docs/result.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

fn written(result: &RunResult) -> String {
    let mut bytes = Vec::new();
    wirestorm::report::json::write(result, &mut bytes).expect("memory takes it");
    String::from_utf8(bytes).expect("is UTF-8")
}

fn value(result: &RunResult) -> Value {
    serde_json::from_str(&written(result)).expect("is JSON")
}

/// The schema with every object closed: nothing is written that it does not describe.
fn closed(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                members.values_mut().for_each(close);
                if members.contains_key("properties") && !members.contains_key("$comment") {
                    members.insert("unevaluatedProperties".to_owned(), json!(false));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

#[test]
fn every_result_is_as_the_schema_says_and_nothing_more() {
    for schema in [schema(), closed(schema())] {
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        for (name, result) in fixtures::all() {
            let value = value(&result);
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}");
        }
    }
}

#[test]
fn the_schema_refuses_what_breaks_the_contract() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    let good = value(&fixtures::passed());
    assert!(validator.is_valid(&good));
    type Break = fn(&mut Value);
    let breaks: [(&str, Break); 9] = [
        ("another schema", |v| v["schema"] = json!("wirestorm.result/2")),
        ("a negative count", |v| v["totals"]["sent"] = json!(-1)),
        ("a fraction of a packet", |v| v["totals"]["lost"] = json!(0.5)),
        ("a ratio above one", |v| v["totals"]["loss_ratio"] = json!(1.5)),
        ("no verdict", |v| drop(v.as_object_mut().expect("object").remove("verdict"))),
        ("a stream without a name", |v| {
            v["streams"][0].as_object_mut().expect("object").remove("name");
        }),
        ("a percentile that is missing", |v| {
            v["streams"][0]["latency_ns"].as_object_mut().expect("object").remove("p99_9");
        }),
        ("a count as text", |v| v["ledger"][0]["count"] = json!("5")),
        ("a share in percent", |v| v["gaps"]["within_64ns"] = json!(49.9)),
    ];
    for (name, spoil) in breaks {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!validator.is_valid(&bad), "{name} is let through");
    }
    let closed = jsonschema::validator_for(&closed(schema())).expect("the schema is one");
    assert!(closed.is_valid(&good));
    for pointer in ["", "/totals", "/streams/0", "/streams/0/latency_ns", "/gaps", "/environment"] {
        let mut more = good.clone();
        more.pointer_mut(pointer).expect("is there")["an_addition"] = json!(1);
        assert!(validator.is_valid(&more), "additions are free: {pointer}");
        assert!(!closed.is_valid(&more), "the closed schema is open: {pointer}");
    }
}

#[test]
fn names_are_the_contract() {
    let value = value(&fixtures::failed_with_loss());
    for pointer in [
        "/schema",
        "/profile",
        "/seed",
        "/engine",
        "/verdict/valid",
        "/verdict/passed",
        "/verdict/reasons/0/code",
        "/verdict/reasons/0/message",
        "/duration_s",
        "/schedule_lag_max_ns",
        "/totals/intended",
        "/totals/unsent",
        "/totals/sent",
        "/totals/received",
        "/totals/unique",
        "/totals/lost",
        "/totals/duplicated",
        "/totals/reordered",
        "/totals/late_ambiguous",
        "/totals/corrupt",
        "/totals/alien",
        "/totals/loss_ratio",
        "/totals/tx_pps",
        "/totals/rx_pps",
        "/streams/0/name",
        "/streams/0/sent",
        "/streams/0/loss_ratio",
        "/streams/0/latency_ns/count",
        "/streams/0/latency_ns/min",
        "/streams/0/latency_ns/mean",
        "/streams/0/latency_ns/p50",
        "/streams/0/latency_ns/p90",
        "/streams/0/latency_ns/p99",
        "/streams/0/latency_ns/p99_9",
        "/streams/0/latency_ns/p99_99",
        "/streams/0/latency_ns/max",
        "/streams/0/latency_intended_ns/count",
        "/streams/0/jitter_ns/count",
        "/ledger/0/stage",
        "/ledger/0/count",
        "/ledger/0/lost_here",
        "/gaps/within_64ns",
        "/gaps/within_128ns",
        "/gaps/within_256ns",
        "/gaps/within_512ns",
        "/gaps/bursts",
        "/calibration/file",
        "/calibration/made",
        "/calibration/engine",
        "/calibration/idle/latency_ns/p50",
        "/calibration/loaded/latency_intended_ns/p99_9",
        "/calibration_detail",
        "/environment/kernel",
        "/environment/driver",
        "/environment/cpu",
        "/environment/clock",
        "/environment/offloads",
        "/environment/command",
    ] {
        assert!(value.pointer(pointer).is_some(), "{pointer} is missing");
    }
}

#[test]
fn not_measured_is_null_and_never_zero() {
    let value = value(&fixtures::not_measured());
    for name in ["received", "unique", "lost", "loss_ratio", "rx_pps", "corrupt", "alien"] {
        assert_eq!(value["totals"][name], Value::Null, "{name}");
        assert_eq!(value["streams"][0][name], Value::Null, "{name}");
    }
    assert_eq!(value["streams"][0]["latency_ns"], Value::Null);
    assert_eq!(value["gaps"], Value::Null);
    assert_eq!(value["ledger"][7]["count"], Value::Null);
}

#[test]
fn changes_of_the_rate_are_written_where_there_were_any() {
    let mut result = fixtures::passed();
    assert!(value(&result).get("rate_changes").is_none());
    result.rate_changes = vec![RateChanged { at_s: 1.25, factor: 1.5 }];
    let value = value(&result);
    assert_eq!(value["rate_changes"], json!([{"at_s": 1.25, "factor": 1.5}]));
    let closed = jsonschema::validator_for(&closed(schema())).expect("the schema is one");
    assert!(closed.is_valid(&value));
}

#[test]
fn what_is_written_is_read_back() {
    for (name, result) in fixtures::all() {
        let text = written(&result);
        let read: RunResult = serde_json::from_str(&text).expect("is a result");
        assert_eq!(written(&read), text, "{name}");
    }
}

#[test]
fn the_whole_text() {
    insta::assert_snapshot!("json_failed_with_loss", written(&fixtures::failed_with_loss()));
}

#[test]
fn a_refusing_writer_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = wirestorm::report::json::write(&fixtures::passed(), &mut Full)
        .expect_err("the writer refuses");
    assert_eq!(error.to_string(), "cannot write the JSON result: no storage space");
}

#[test]
fn the_example_of_the_documentation_is_a_result() {
    let text = written(&fixtures::failed_with_loss());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example-result.json");
    if std::env::var_os("UPDATE_EXAMPLE").is_some() {
        std::fs::write(path, &text).expect("docs/ is writable");
    }
    let example = std::fs::read_to_string(path).expect("is there");
    assert_eq!(example, text, "set UPDATE_EXAMPLE=1 to write it anew");
}

#[test]
fn a_result_without_a_calibration_is_still_one() {
    let mut older = value(&fixtures::passed());
    let members = older.as_object_mut().expect("is an object");
    members.remove("calibration");
    members.remove("calibration_detail");
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    assert!(validator.is_valid(&older));
    let read: RunResult = serde_json::from_value(older).expect("is a result");
    assert_eq!((read.calibration, read.calibration_detail.as_str()), (None, ""));
}
