//! The latency floor of the tool: a file that later runs print.

mod common;

use std::fs;

use common::{privileged, run_of, wirestorm};
use serde_json::Value;

const RUN: [&str; 5] =
    ["run", "profiles/flood.yaml", "--set=duration=20ms", "--set=drain=100ms", "--engine=af-xdp"];

fn floor_line(report: &str) -> &str {
    let start = report.find("\n  floor ").expect("the report has the line");
    report[start..].split("\n  rates ").next().unwrap_or_default()
}

#[test]
fn a_calibration_is_printed_by_later_runs() {
    if !privileged("a_calibration_is_printed_by_later_runs") {
        return;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("state/calibration.json");
    let output = wirestorm()
        .args(["calibrate", "--duration", "20ms"])
        .env("WIRESTORM_CALIBRATION", &file)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Floor "), "{output:?}");
    assert!(said.contains(&format!("written to {}", file.display())), "{said}");

    let made: Value =
        serde_json::from_slice(&fs::read(&file).expect("is written")).expect("is JSON");
    assert_eq!(made["schema"], "wirestorm.calibration/1");
    assert_eq!(made["refused"], Value::Array(Vec::new()), "all engines work over veth");
    let engines = made["engines"].as_array().expect("a list");
    let names: Vec<&str> = engines.iter().filter_map(|e| e["engine"].as_str()).collect();
    assert_eq!(names, ["xdp-live", "af-xdp", "packet-mmap", "raw"]);
    for engine in engines {
        // Idle trials have a second to be late in: they are valid on any machine.
        let idle = &engine["idle"];
        assert_eq!((idle["rate_pps"].as_u64(), idle["repeats"].as_u64()), (Some(1_000), Some(3)));
        for times in ["latency_ns", "latency_intended_ns"] {
            let of = |name: &str| idle[times][name].as_u64().expect("was measured");
            let ordered = ["min", "p50", "p99", "p99_9", "max"].map(of);
            assert!(ordered.is_sorted() && ordered[0] > 0, "{times} of {idle:#}");
            assert!((of("p50_lowest")..=of("p50_highest")).contains(&of("p50")), "{idle:#}");
        }
        assert!(!idle["schedule_lag_max_ns"].is_null());
        let unlimited = engine["unlimited_pps"].as_f64().expect("a rate");
        if let Some(loaded) = engine["loaded"]["rate_pps"].as_u64() {
            assert_eq!(loaded, (unlimited / 2.0) as u64);
        }
    }

    // A later run prints it and has it in its result.
    let run = |file: &str, json: &[&str]| {
        let mut command = wirestorm();
        command.args(RUN).args(json).env("WIRESTORM_CALIBRATION", file);
        command.output().expect("the program starts")
    };
    let path = file.to_str().expect("is UTF-8");
    let both = run(path, &["--json", "-"]);
    let later = run_of(&both);
    assert_eq!(later.json["calibration"]["file"], path);
    assert_eq!(later.json["calibration"]["made"], made["made"]);
    assert_eq!(later.json["calibration"]["engine"], "af-xdp");
    assert_eq!(later.json["calibration"]["idle"], engines[1]["idle"]);
    assert_eq!(later.json["calibration"]["loaded"], engines[1]["loaded"]);
    let line = floor_line(&later.stderr);
    assert!(line.contains("median") && line.contains("by af-xdp)"), "{line}");

    // What cannot be written is said before anything is measured.
    let output = wirestorm()
        .args(["calibrate", "-o"])
        .arg(folder.path().join("none/calibration.json"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("make its directory first"), "{said}");

    // One that does not hold, or is broken, changes nothing but what is said.
    let other = folder.path().join("other.json");
    let mut foreign = made.clone();
    foreign["kernel"] = "2.6.32".into();
    for (text, told) in [(foreign.to_string(), "2.6.32"), ("{".into(), "no calibration")] {
        fs::write(&other, text).expect("is written");
        let later = run_of(&run(other.to_str().expect("is UTF-8"), &["--json", "-"]));
        assert!(later.json["totals"]["unique"].as_u64() > Some(0), "{}", later.stderr);
        assert_eq!(later.json["calibration"], Value::Null);
        let detail = later.json["calibration_detail"].as_str().expect("is said");
        assert!(detail.contains("is not used") && detail.contains(told), "{detail}");
        assert!(floor_line(&later.stderr).contains("is not used"), "{}", later.stderr);
    }
}

#[test]
fn without_privilege_one_line_says_so() {
    use std::os::unix::process::CommandExt;
    if !privileged("without_privilege_one_line_says_so") {
        return;
    }
    let folder = tempfile::tempdir().expect("a directory");
    // The program may stand where only root looks: a copy does not.
    let program = folder.path().join("wirestorm");
    fs::copy(env!("CARGO_BIN_EXE_wirestorm"), &program).expect("is copied");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("is ours");
    let output = std::process::Command::new(&program)
        .args(["calibrate", "--duration", "20ms", "-o", "-"])
        .current_dir("/")
        .uid(65_534)
        .gid(65_534)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("root") || said.contains("CAP_SYS_ADMIN"), "{said}");
}
