//! A run that ends before its time, by a signal or by what happens to its links: the report is
//! whole, says that it is not the whole run, and the status and the message say why.

mod common;
mod workbench;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command};

use common::{Run, privileged, run_of};
use workbench::{Workbench, ended, signal, wait_until};

const ENGINES: [&str; 4] = ["xdp-live", "af-xdp", "packet-mmap", "raw"];

/// A run that would take ten minutes, with its traffic under way.
fn under_way(bench: &Workbench, engine: &str, more: &[&str]) -> Child {
    let arguments = ["run", "bench.yaml", "-q", "--json", "-", "--engine", engine];
    let long = ["--set", "duration=10min"];
    let arguments: Vec<&str> = arguments.iter().chain(&long).chain(more).copied().collect();
    let child = bench.start(&[], &arguments);
    bench.wait_for_traffic(50);
    child
}

/// What holds for every run that ended early.
fn assert_incomplete(run: &Run, engine: &str) {
    assert_eq!(run.json["incomplete"], true, "{}", run.stderr);
    assert_eq!(run.json["engine"], engine);
    assert_eq!(run.json["verdict"]["valid"], false);
    assert_eq!(run.json["verdict"]["reasons"][0]["code"], "incomplete");
    run.assert_ledger_closes();
    let total = |name| run.total(name);
    assert_eq!(total("intended"), total("sent") + total("unsent"));
    assert!(total("sent") >= 50, "packets had left before the end");
    assert!(total("unique") > 0 && total("unique") <= total("sent"));
    // It was cut off near the end of what was sent, not stretched to ten minutes.
    assert!(run.json["duration_s"].as_f64().is_some_and(|span| span < 60.0));
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn a_signal_ends_the_run_with_a_report_and_3() {
    if !privileged("a_signal_ends_the_run_with_a_report_and_3") {
        return;
    }
    let bench = Workbench::new("signals");
    for engine in ENGINES {
        for name in ["INT", "TERM"] {
            let child = under_way(&bench, engine, &[]);
            signal(&child, name);
            let run = run_of(&ended(child));
            assert_eq!(run.status, 3, "{engine} {name}: {}", run.stderr);
            assert!(!run.stderr.contains("cannot"), "a stop is no error: {}", run.stderr);
            assert_incomplete(&run, engine);
            let totals = &run.json["totals"];
            assert_eq!(totals["unique"], totals["sent"], "residual frames were waited for");
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once_with_130() {
    if !privileged("a_second_signal_ends_it_at_once_with_130") {
        return;
    }
    let bench = Workbench::new("second_signal");
    let child = under_way(&bench, "af-xdp", &[]);
    // Both are there before it can have written its report, which takes a drain of 100 ms.
    signal(&child, "INT");
    signal(&child, "INT");
    let output = ended(child);
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "no half of a result");
}

/// Runs each engine, does something to the links in mid-run, and checks the report; the message
/// begins with one of `causes`.
fn links_change(test: &str, change: &str, causes: &[&str]) {
    if !privileged(test) {
        return;
    }
    let bench = Workbench::new(test);
    for engine in ENGINES {
        let child = under_way(&bench, engine, &[]);
        bench.ip(change);
        let run = run_of(&ended(child));
        assert_eq!(run.status, 1, "{engine}, {change}: {}", run.stderr);
        let line = run.stderr.lines().next().unwrap_or_default();
        assert!(
            causes.iter().any(|cause| line.starts_with(&format!("wirestorm: cannot {cause}"))),
            "{engine}, {change}: {line}"
        );
        assert!(line.contains("; "), "a remedy: {line}");
        assert_incomplete(&run, engine);
        if change.starts_with("link del") {
            bench.cable();
        } else {
            bench.ip("link set near up");
            bench.ip("link set far up");
            bench.neighbour();
        }
    }
}

#[test]
fn the_sending_interface_is_removed() {
    // On its way out a device is down first.
    let causes = [
        "send on near: the interface was removed",
        "send on near: the link went down",
        "send on near queue 0: the interface was removed",
        "send on near queue 0: the link went down",
    ];
    links_change("the_sending_interface_is_removed", "link del near", &causes);
}

#[test]
fn the_sending_interface_goes_down() {
    let causes = ["send on near: the link went down", "send on near queue 0: the link went down"];
    links_change("the_sending_interface_goes_down", "link set near down", &causes);
}

#[test]
fn the_receiver_goes_down() {
    // A cable has one carrier: the sender loses it too.
    let causes = [
        "send on near: the link went down",
        "send on near queue 0: the link went down",
        "receive on far: the link went down",
    ];
    links_change("the_receiver_goes_down", "link set far down", &causes);
}

#[test]
fn a_receiver_of_its_own_goes_down() {
    if !privileged("a_receiver_of_its_own_goes_down") {
        return;
    }
    // The receiving port hangs on another cable, as behind a device under test, so the sender's
    // link stays up; a second stream returns, that something arrives.
    let bench = Workbench::new("a_receiver_of_its_own");
    bench.ip("link add near2 type veth peer name far2");
    bench.ip("link set near2 up");
    bench.ip("link set far2 up");
    let two = bench.read("bench.yaml").replace(
        "streams:\n",
        "  tx2: {interface: near2, ipv4: 198.18.1.1, next_hop: {mac: '02:00:00:00:00:01'}}\n  \
         rx2: {interface: far2, ipv4: 198.18.1.2}\nstreams:\n  - {name: gone, from: tx, to: rx2, \
         size: 128B, rate: 1kpps, packet: [ipv4, udp]}\n",
    );
    bench.write("bench.yaml", two);
    for engine in ENGINES {
        let child = under_way(&bench, engine, &[]);
        bench.ip("link set far2 down");
        let run = run_of(&ended(child));
        assert_eq!(run.status, 1, "{engine}: {}", run.stderr);
        let line = run.stderr.lines().next().unwrap_or_default();
        assert_eq!(
            line,
            "wirestorm: cannot receive on far2: the link went down; it and its peer must stay up \
             until the run is over",
        );
        assert_incomplete(&run, engine);
        bench.ip("link set far2 up");
    }
}

/// A run in a lab, with traffic under way; it is found through its own descriptors.
fn lab_under_way(bench: &Workbench) -> Child {
    let yaml = "duration: 10min\nlab: router\nvalidity: {max_lag: 10s, max_unsent: 1}\n\
                streams: [{size: 128B, rate: 1kpps, packet: [ipv4, {udp: {dst: 9}}]}]\n";
    bench.write("lab.yaml", yaml);
    let child = bench.start(&[], &["run", "lab.yaml", "-q", "--json", "-"]);
    wait_until("the router forwards", || {
        // The tenth number of the device's line is what it has sent.
        in_namespaces(&child, &["grep", "r-rx:", "/proc/net/dev"]).is_some_and(|line| {
            line.split_whitespace().nth(10).is_some_and(|sent| sent.parse::<u64>().unwrap() > 50)
        })
    });
    child
}

/// Runs a command in the network namespaces that a process holds, until it succeeds in one; what it
/// printed there.
fn in_namespaces(child: &Child, command: &[&str]) -> Option<String> {
    descriptors(child, "net:[").into_iter().find_map(|path| {
        let net = format!("--net={}", path.display());
        let output = Command::new("nsenter").arg(net).args(command).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    })
}

/// The descriptors of a process whose target begins so.
fn descriptors(child: &Child, kind: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return Vec::new() };
    let is = |path: &std::path::Path| {
        fs::read_link(path).is_ok_and(|target| target.to_string_lossy().starts_with(kind))
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is(path)).collect()
}

#[test]
fn a_device_of_the_labs_router_goes_down() {
    if !privileged("a_device_of_the_labs_router_goes_down") {
        return;
    }
    let bench = Workbench::new("the_labs_router");
    for (device, line) in [("r-rx", "receive on rx: "), ("r-tx", "send on tx")] {
        let child = lab_under_way(&bench);
        let changed = in_namespaces(&child, &["ip", "link", "set", device, "down"]);
        assert!(changed.is_some(), "the router's device was found");
        let run = run_of(&ended(child));
        assert_eq!(run.status, 1, "{device}: {}", run.stderr);
        assert!(run.stderr.starts_with(&format!("wirestorm: cannot {line}")), "{}", run.stderr);
        assert!(run.stderr.contains("the link went down"), "{}", run.stderr);
        assert_eq!(run.json["incomplete"], true);
        run.assert_ledger_closes();
    }
}

#[test]
fn a_kill_leaves_nothing() {
    if !privileged("a_kill_leaves_nothing") {
        return;
    }
    let bench = Workbench::new("a_kill");
    let before = bench.ip("-o link show");
    for engine in ENGINES {
        let child = under_way(&bench, engine, &[]);
        let programs = programs(&child);
        assert!(!programs.is_empty(), "the receiver's program at least");
        assert!(bench.ip("-d -o link show far").contains("prog/xdp"), "it is attached");
        kill(child);
        wait_until("its programs are gone", || programs.is_disjoint(&loaded()));
        assert_eq!(bench.ip("-o link show"), before, "interfaces and their flags");
    }
    // An interface in each namespace of a lab, with its other end here: it lives as long as they.
    let child = lab_under_way(&bench);
    let held = descriptors(&child, "net:[");
    assert!(held.len() >= 3, "{held:?}");
    let programs = programs(&child);
    for (number, path) in held.iter().enumerate() {
        let there = path.display();
        bench
            .ip(&format!("link add probe{number} type veth peer name there{number} netns {there}"));
    }
    kill(child);
    // A descriptor of the namespace that the program started in is among them: that one stays.
    let left = || bench.ip("-o link show").matches("probe").count();
    wait_until("the lab's namespaces are gone", || left() <= held.len() - 3);
    wait_until("its programs are gone", || programs.is_disjoint(&loaded()));
}

fn kill(mut child: Child) {
    child.kill().expect("ours");
    child.wait().expect("ended");
}

/// The BPF programs that a process holds, by the kernel's numbers.
fn programs(child: &Child) -> BTreeSet<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fdinfo", child.id())) else {
        return BTreeSet::new();
    };
    entries
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .filter_map(|info| {
            let line = info.lines().find(|line| line.starts_with("prog_id:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .collect()
}

/// All BPF programs of the machine.
fn loaded() -> BTreeSet<u32> {
    libbpf_rs::query::ProgInfoIter::default().map(|program| program.id).collect()
}

#[test]
fn a_full_disk_costs_one_output() {
    if !privileged("a_full_disk_costs_one_output") {
        return;
    }
    let bench = Workbench::new("a_full_disk");
    fs::create_dir(bench.dir.join("tiny")).expect("a directory");
    // In a mount namespace of its own: a file system of one page, which is full.
    let own = env!("CARGO_BIN_EXE_wirestorm");
    let in_tiny = |output: &str, arguments: &str| {
        let script = format!(
            "mount -t tmpfs -o size=4k tiny tiny && head -c 4096 /dev/zero > tiny/full && \
             {own} run bench.yaml -q {arguments}"
        );
        let run = bench
            .netns
            .run(|| {
                Command::new("unshare")
                    .args(["--mount", "--propagation", "private", "sh", "-c", &script])
                    .current_dir(&bench.dir)
                    .output()
            })
            .expect("in the namespace")
            .expect("it starts");
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{stderr}");
        let line = stderr.lines().find(|line| line.starts_with("wirestorm:")).unwrap_or_default();
        assert!(line.contains(output) && line.contains("No space left"), "{stderr}");
        assert!(line.contains("; free space"), "{line}");
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    let report = in_tiny("tiny/r.json", "--json tiny/r.json --csv csv --hgrm hgrm");
    assert!(report.contains("PASS"), "the report is shown all the same: {report}");
    in_tiny("tiny/csv", "--csv tiny/csv --json r.json --hgrm hgrm2");
    in_tiny("tiny/hgrm", "--hgrm tiny/hgrm --json r2.json --csv csv2");
    in_tiny("/dev/full", "--json /dev/full --csv csv3 --hgrm hgrm3");
    for json in ["r.json", "r2.json"] {
        let whole: serde_json::Value = serde_json::from_str(&bench.read(json)).expect("whole");
        assert_eq!(whole["profile"], "bench");
    }
    for written in ["csv", "csv2", "csv3"] {
        assert!(bench.read(&format!("{written}/ledger.csv")).lines().count() > 2);
    }
    for written in ["hgrm", "hgrm2", "hgrm3"] {
        assert!(!bench.read(&format!("{written}/latency.hlog")).is_empty());
    }
    let files = fs::read_dir(bench.dir.join("csv")).expect("a directory").count();
    assert_eq!(files, 3, "no temporary file is left");
}
