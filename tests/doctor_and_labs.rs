//! `wirestorm doctor` looks and leaves everything as it was; labs come, are listed, and go.

mod common;
mod workbench;

use std::process::Command;

use common::privileged;
use workbench::Workbench;

/// What `doctor ARGUMENTS` prints and its status; the interfaces are the same before and after.
fn doctor(bench: &Workbench, arguments: &[&str]) -> (String, i32) {
    let links = || bench.ip("-d -s -o link show");
    let before = links();
    let arguments: Vec<&str> = ["doctor"].iter().chain(arguments).copied().collect();
    let output = bench.output(&[], &arguments);
    assert_eq!(links(), before, "it sends nothing, attaches nothing, changes nothing");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap_or(-1))
}

#[test]
fn doctor_looks_and_changes_nothing() {
    if !privileged("doctor_looks_and_changes_nothing") {
        return;
    }
    let bench = Workbench::new("doctor");
    let (text, _) = doctor(&bench, &[]);
    assert!(text.contains("interfaces: ") && text.contains("near"), "{text}");
    for interface in ["near", "lo"] {
        let (text, _) = doctor(&bench, &[interface]);
        assert!(text.contains(&format!("engines on {interface}:")), "{text}");
        let af_xdp = text.lines().find(|line| line.starts_with("  af-xdp")).unwrap_or_default();
        assert!(af_xdp.contains("works: copy mode"), "{text}");
        // A driver that has zero-copy may reset the link for a socket that asks for it.
        assert!(af_xdp.contains("zero-copy is not tried"), "{text}");
        assert!(text.contains("  packet-mmap  works"), "{text}");
        assert!(text.contains("  raw          works: raw IPv4"), "{text}");
    }
    let (text, status) = doctor(&bench, &["eth77"]);
    assert_eq!(status, 1);
    assert!(text.contains("problem  eth77: no such interface"), "{text}");
    assert!(!text.contains("engines on"), "there is nothing to try them on: {text}");
}

#[test]
fn labs_come_are_listed_and_go() {
    if !privileged("labs_come_are_listed_and_go") {
        return;
    }
    let bench = Workbench::new("labs");
    // Their names and records lie under /run: here, one that ends with the test.
    let script = r#"set -e
mount -t tmpfs tmpfs /run
"$0" lab list
"$0" lab up router --name bench
"$0" lab list
ip netns exec bench-tx ip -o link show tx > link.txt
! "$0" lab up b2b --name bench 2> again.txt
"$0" lab down bench
"$0" lab list
ls /run/netns
"#;
    let run = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_wirestorm"))
        .current_dir(&bench.dir)
        .output()
        .expect("unshare is installed");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}{err}");
    assert_eq!(out.matches("no lab is up").count(), 2, "before and after: {out}");
    for name in ["bench-tx", "bench-router", "bench-rx"] {
        assert!(out.contains(name), "{out}");
    }
    assert!(bench.read("link.txt").contains("state UP"), "{}", bench.read("link.txt"));
    assert!(!out.trim_end().ends_with("bench-rx"), "a name is left: {out}");
    assert_eq!(bench.read("again.txt").lines().count(), 1, "one line about a name that is taken");
}
