//! What end-to-end tests share: the program as a user runs it, and the right to skip.

#![allow(dead_code, reason = "each test uses its part")]

pub mod capture;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Whether this test may go on; prints why not. With REQUIRE_PRIVILEGED=1 a skip is a failure.
pub fn privileged(test: &str) -> bool {
    let uid = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m));
    if uid.is_ok_and(|uid| uid == 0) {
        return true;
    }
    assert_ne!(
        std::env::var("REQUIRE_PRIVILEGED").as_deref(),
        Ok("1"),
        "{test} needs root for network namespaces"
    );
    println!("skipped: {test} needs root for network namespaces");
    false
}

/// Holds a JSON value to a schema of docs/.
pub fn assert_is_as(schema: &str, value: &Value) {
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> =
        schema.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?} of {value:#}");
}

/// The checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program, at the root of the checkout, without input and without the user's calibration.
pub fn wirestorm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirestorm"));
    command.current_dir(root()).stdin(Stdio::null()).env("WIRESTORM_CALIBRATION", "");
    command
}

/// The program as a unit of systemd starts it: a user without rights but these capabilities.
pub fn wirestorm_with(capabilities: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    let list: String = capabilities.iter().map(|name| format!(",+{name}")).collect();
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"])
        .arg(format!("--inh-caps=-all{list}"))
        .arg(format!("--ambient-caps=-all{list}"))
        .arg(format!("--bounding-set=-all{list}"))
        .arg(env!("CARGO_BIN_EXE_wirestorm"));
    command.current_dir(root()).stdin(Stdio::null()).env("WIRESTORM_CALIBRATION", "");
    command
}

/// What a run printed and how it ended.
pub struct Run {
    /// Exit status.
    pub status: i32,
    /// The JSON result; null when there was none.
    pub json: Value,
    /// What it said on stderr.
    pub stderr: String,
}

/// Runs `wirestorm run ARGS --json - --quiet`.
pub fn run(args: &[&str]) -> Run {
    let output = wirestorm()
        .arg("run")
        .args(args)
        .args(["--json", "-", "--quiet"])
        .output()
        .expect("the program starts");
    run_of(&output)
}

/// Reads what a run with `--json -` left.
pub fn run_of(output: &Output) -> Run {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    Run { status: output.status.code().unwrap_or(-1), json, stderr }
}

impl Run {
    /// A number of the totals.
    pub fn total(&self, name: &str) -> u64 {
        let value = &self.json["totals"][name];
        value.as_u64().unwrap_or_else(|| panic!("totals.{name} is {value}: {}", self.stderr))
    }

    /// A kernel counter of the lab; 0 when it did not change.
    pub fn witness(&self, name: &str) -> u64 {
        let witnesses = self.json["witnesses"].as_array().expect("witnesses");
        witnesses
            .iter()
            .filter(|counter| counter["name"] == name)
            .map(|counter| counter["value"].as_u64().expect("a count"))
            .sum()
    }

    /// The ledger closes: what every stage lost and what arrived in the end is what was intended.
    pub fn assert_ledger_closes(&self) {
        let ledger = self.json["ledger"].as_array().expect("a ledger");
        let lost: i64 = ledger.iter().map(|stage| stage["lost_here"].as_i64().unwrap()).sum();
        let counts: Vec<i64> = ledger.iter().filter_map(|stage| stage["count"].as_i64()).collect();
        assert_eq!(counts[0] - counts[counts.len() - 1], lost, "{ledger:#?}");
        for stream in self.json["streams"].as_array().expect("streams") {
            let count = |name: &str| stream[name].as_u64().unwrap();
            assert_eq!(count("intended"), count("sent") + count("unsent"), "{stream:#}");
            if !stream["unique"].is_null() {
                assert_eq!(count("sent"), count("unique") + count("lost"), "{stream:#}");
            }
        }
    }
}
