//! Completion scripts, manual pages, exit statuses, and the documentation of them all.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use clap_complete::Shell;
use wirestorm::cli::completions::Completions;
use wirestorm::cli::exit::Status;
use wirestorm::cli::man::Man;
use wirestorm::cli::{self};
use wirestorm::report::model::RunResult;

/// Every command with the names that lead to it, the root left out.
fn commands() -> Vec<(String, clap::Command)> {
    fn add(command: &clap::Command, path: &str, all: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            all.push((path.clone(), sub.clone()));
            add(sub, &path, all);
        }
    }
    let mut root = cli::definition();
    root.build();
    let mut all = Vec::new();
    add(&root, "wirestorm", &mut all);
    all
}

#[test]
fn completions_name_every_command_and_option() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
        let script = String::from_utf8(Completions { shell }.script()).expect("is UTF-8");
        for (path, command) in commands() {
            let name = path.rsplit(' ').next().expect("has a name");
            assert!(script.contains(name), "{shell}: {path} is missing");
            for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(script.contains(long), "{shell}: --{long} of {path} is missing");
            }
        }
    }
}

#[test]
fn bash_understands_its_completions() {
    let script = Completions { shell: Shell::Bash }.script();
    // The script is read by bash, which then completes `wirestorm run --engine xdp-`.
    let mut bash = Command::new("bash")
        .args(["--norc", "-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash is there: the scripts are written in it");
    let mut input = bash.stdin.take().expect("is piped");
    input.write_all(&script).expect("bash reads");
    let complete = "\nCOMP_WORDS=(wirestorm run --engine xdp-)\nCOMP_CWORD=3\n\
                    _wirestorm wirestorm xdp- --engine\necho \"${COMPREPLY[@]}\"\n";
    input.write_all(complete.as_bytes()).expect("bash reads");
    drop(input);
    let output = bash.wait_with_output().expect("bash ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "xdp-live");
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let dir = tempfile::tempdir().expect("a directory");
    Man::Write(dir.path().to_owned()).execute().expect("is written");
    for (path, command) in commands() {
        let name = path.replace(' ', "-");
        let page = fs::read_to_string(dir.path().join(format!("{name}.1"))).expect("is there");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
        for long in command.get_arguments().filter_map(clap::Arg::get_long) {
            // roff writes a dash as \-.
            assert!(
                page.contains(&format!("\\-\\-{}", long.replace('-', "\\-"))),
                "{name}: {long}"
            );
        }
    }
    assert!(fs::exists(dir.path().join("wirestorm.1")).expect("is readable"));
}

#[test]
fn manual_pages_that_cannot_be_written_are_named() {
    let error = Man::Write("/dev/null/man1".into()).execute().expect_err("is no directory");
    assert!(error.to_string().contains("/dev/null/man1"), "{error}");
}

#[test]
fn the_documentation_names_every_command_and_option() {
    // The services have a page of their own.
    let text = concat!(include_str!("../docs/cli.md"), include_str!("../docs/serve.md"));
    for (path, command) in commands() {
        assert!(text.contains(&format!("`{path}")), "{path} is not documented");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            if let Some(long) = argument.get_long() {
                assert!(
                    text.contains(&format!("--{long}")),
                    "--{long} of {path} is not documented"
                );
            }
        }
    }
    for engine in ["auto", "xdp-live", "af-xdp", "packet-mmap", "raw", "null", "pcap"] {
        assert!(text.contains(&format!("`{engine}`")), "{engine} is not documented");
    }
}

#[test]
fn the_documentation_of_the_result_names_every_value() {
    let text = include_str!("../docs/json-result.md");
    let schema: serde_json::Value =
        serde_json::from_str(wirestorm::report::json::SCHEMA).expect("is JSON");
    let mut names = Vec::new();
    properties(&schema, &mut names);
    assert!(names.len() > 60, "the schema was not walked");
    for name in names {
        assert!(text.contains(&format!("`{name}`")), "{name} is not documented");
    }
}

/// The names of all properties in a schema.
fn properties(schema: &serde_json::Value, names: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                if key == "properties" {
                    names.extend(value.as_object().into_iter().flatten().map(|(k, _)| k.clone()));
                }
                properties(value, names);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| properties(item, names)),
        _ => {}
    }
}

#[test]
fn the_status_follows_the_verdict() {
    let text = include_str!("../docs/example-result.json");
    let result = |valid, passed, incomplete| {
        let mut result: RunResult = serde_json::from_str(text).expect("the example is a result");
        (result.verdict.valid, result.verdict.passed) = (valid, passed);
        result.incomplete = incomplete;
        result
    };
    assert_eq!(Status::of(&result(true, true, false)), Status::Passed);
    assert_eq!(Status::of(&result(true, false, false)), Status::Failed);
    assert_eq!(Status::of(&result(false, false, false)), Status::Invalid);
    assert_eq!(Status::of(&result(false, true, false)), Status::Invalid);
    assert_eq!(Status::of(&result(true, true, true)), Status::Invalid);
    assert_eq!(Status::of(&result(true, false, true)), Status::Invalid);
    let numbers =
        [Status::Passed, Status::CouldNotRun, Status::Usage, Status::Invalid, Status::Failed];
    assert_eq!(numbers.map(|status| status as u8), [0, 1, 2, 3, 4]);
}

#[test]
fn groff_has_nothing_to_say_about_the_manual() {
    let dir = tempfile::tempdir().expect("a directory");
    Man::Write(dir.path().to_owned()).execute().expect("is written");
    for (path, _) in commands() {
        let page = dir.path().join(format!("{}.1", path.replace(' ', "-")));
        let output = match Command::new("groff")
            .args(["-Kutf8", "-man", "-Tutf8", "-z", "-ww"])
            .arg(&page)
            .output()
        {
            Ok(output) => output,
            Err(cause) => {
                println!("skipped: groff cannot be run: {cause}");
                return;
            }
        };
        assert!(output.status.success(), "{path}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{path}");
    }
}

#[test]
fn headers_are_listed_and_shown() {
    let run = |args: &[&str]| {
        let program = env!("CARGO_BIN_EXE_wirestorm");
        let output = Command::new(program).arg("headers").args(args).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, list, problem) = run(&[]);
    assert_eq!((status, problem.as_str()), (Some(0), ""));
    for protocol in wirestorm::wire::protocols() {
        assert!(list.contains(&format!("\n{} ", protocol.name)), "{}", protocol.name);
    }
    let (status, shown, problem) = run(&["ipv4", "raw"]);
    assert_eq!((status, problem.as_str()), (Some(0), ""));
    assert!(shown.contains("fragment_offset") && shown.contains("packet: [ipv4, udp, raw"));
    let (status, _, problem) = run(&["ipv5"]);
    assert_eq!(status, Some(1));
    assert!(problem.contains("did you mean ipv4?"), "{problem}");
}
