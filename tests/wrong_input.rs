//! What a user sees who asks for something that cannot be: one clear line, the documented exit
//! status, and nothing left behind.

mod common;
mod workbench;

use common::privileged;
use insta::assert_snapshot;
use serde_json::Value;
use wirestorm::engine::af_xdp;
use wirestorm::profile::model::ReceiveMode;
use wirestorm::receive::{self, ReceiveSpec};
use workbench::Workbench;

/// Without any capability, but with the files of whoever runs the test.
const POWERLESS: &[&str] = &["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

/// One port: nothing is received, so it is the engine that finds out what is missing.
const ONE_WAY: &str = "\
duration: 100ms
ports: {tx: {interface: near, ipv4: 198.18.0.1, next_hop: {mac: '02:00:00:00:00:01'}}}
streams:
  - {from: tx, to: null, size: 128B, rate: 1kpps, packet: [{ipv4: {dst: 198.18.0.2}}, {udp: {dst: 9}}]}
";

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["run", "bench.yaml", "-q"].iter().chain(more).copied().collect()
}

#[test]
fn interfaces() {
    if !privileged("interfaces") {
        return;
    }
    let bench = Workbench::new("interfaces");
    let mut said = String::new();
    said += &bench.said(&[], &run(&["--set", "ports.tx.interface=eth77"]));
    said += &bench.said(&[], &run(&["--set", "ports.tx.queues=[7]"]));
    bench.ip("link add ifb7 type ifb");
    bench.ip("link set ifb7 up");
    let percent = ["--set", "ports.tx.interface=ifb7", "--set", "streams[0].rate=50%"];
    said += &bench.said(&[], &run(&percent));
    said += &bench.said(&[], &run(&["--lab", "router"]));
    bench.write("lab.yaml", "streams: [{size: 128B, rate: 1kpps, packet: [ipv4, udp]}]");
    said += &bench.said(&[], &["run", "lab.yaml", "-q"]);
    for engine in ["auto", "xdp-live", "af-xdp", "packet-mmap", "raw"] {
        let long = ["--engine", engine, "--set", "streams[0].size=1600B"];
        said += &bench.said(&[], &run(&long));
    }
    bench.ip("link set near down");
    said += &bench.said(&[], &run(&[]));
    bench.ip("link set near up");
    bench.ip("link set far down");
    said += &bench.said(&[], &run(&["--engine", "xdp-live"]));
    assert_snapshot!(said);
}

#[test]
fn privileges() {
    if !privileged("privileges") {
        return;
    }
    let bench = Workbench::new("privileges");
    bench.write("one-way.yaml", ONE_WAY);
    bench.write("lab.yaml", "lab: b2b\nstreams: [{size: 128B, rate: 1kpps, packet: [ipv4, udp]}]");
    let mut said = String::new();
    said += &bench.said(POWERLESS, &["run", "lab.yaml", "-q"]);
    said += &bench.said(POWERLESS, &run(&[]));
    for engine in ["auto", "xdp-live", "af-xdp", "packet-mmap", "raw"] {
        said += &bench.said(POWERLESS, &["run", "one-way.yaml", "-q", "--engine", engine]);
    }
    said += &bench.said(POWERLESS, &["lab", "up", "b2b"]);
    assert_snapshot!(said);
}

#[test]
fn what_others_hold() {
    if !privileged("what_others_hold") {
        return;
    }
    let bench = Workbench::new("what_others_hold");
    let mut said = String::new();
    let taken = af_xdp::open(&bench.netns, "near", 0, 60).expect("the queue is free");
    said += &bench.said(&[], &run(&["--engine", "af-xdp"]));
    drop(taken);

    let spec = ReceiveSpec {
        netns: bench.netns.clone(),
        interface: "far".into(),
        mode: ReceiveMode::XdpNative,
        epoch: 9,
        stream_workers: vec![1],
        tag_offsets: vec![42],
        unparsed_offsets: 0,
        datagrams: Vec::new(),
        latency: false,
        wanted_gap_ns: None,
        pass_on: true,
    };
    let other = receive::open(&spec).expect("the hook is free");
    for mode in ["xdp-native", "xdp-generic", "xdp-steer"] {
        said += &bench.said(&[], &run(&["--set", &format!("measure.receive={mode}")]));
    }
    assert_snapshot!(said);
    // Left to itself it takes the way that is open, and says why.
    let (status, result) = result(&bench, &run(&["--json", "-"]));
    assert_eq!(status, 0);
    assert_eq!(result["receive_detail"], "packet-mmap; XDP: another XDP program is attached to it");
    assert_eq!(result["totals"]["unique"], result["totals"]["sent"]);
    drop(other);
}

#[test]
fn receivers_without_native_xdp() {
    if !privileged("receivers_without_native_xdp") {
        return;
    }
    let bench = Workbench::new("receivers_without_native_xdp");
    bench.ip("link add ifb7 type ifb");
    bench.ip("link set ifb7 up");
    let mut said = String::new();
    for device in ["lo", "ifb7"] {
        let device = format!("ports.rx.interface={device}");
        let native = ["--set", &device, "--set", "measure.receive=xdp-native"];
        said += &bench.said(&[], &run(&native));
        let (_, result) = result(&bench, &run(&["--set", &device, "--json", "-"]));
        let detail = result["receive_detail"].as_str().expect("a mode");
        assert!(detail.starts_with("generic XDP; native: Operation not supported"), "{detail}");
        assert_eq!(result["warnings"][0]["code"], "nothing_received");
    }
    assert_snapshot!(said);
}

#[test]
fn profiles_and_options() {
    if !privileged("profiles_and_options") {
        return;
    }
    let bench = Workbench::new("profiles_and_options");
    bench.write("empty.yaml", "");
    bench.write("binary.yaml", b"name: \xff\xfe\x00\x01");
    let mut said = String::new();
    for profile in ["missing.yaml", ".", "empty.yaml", "binary.yaml"] {
        said += &bench.said(&[], &["run", profile]);
    }
    said += &bench.said(&[], &run(&["--engine", "warp"]));
    let outside = "streams[0].packet[0]={ipv4: {dst: 8.8.8.8}}";
    said += &bench.said(&[], &run(&["--set", outside]));
    let dry = ["--engine", "pcap", "--pcap", "dry.pcap", "--allow-destination", "8.8.8.0/24"];
    let dry: Vec<&str> = ["--set", outside].iter().chain(&dry).copied().collect();
    said += &bench.said(&[], &run(&dry));
    assert_snapshot!(said);
    assert!(bench.dir.join("dry.pcap").is_file());
}

#[test]
fn outputs_without_a_place_are_refused_before_the_run() {
    if !privileged("outputs_without_a_place_are_refused_before_the_run") {
        return;
    }
    let bench = Workbench::new("outputs_without_a_place");
    bench.write("file", "");
    let mut said = String::new();
    for output in [
        ["--json", "missing/x.json"],
        ["--json", "."],
        ["--csv", "file"],
        ["--hgrm", "file/below"],
        ["--pcap", "missing/x.pcap"],
        ["--pcap", "/dev/full"],
    ] {
        said += &bench.said(&[], &run(&output));
    }
    assert_snapshot!(said);
    assert!(bench.ip("-s -o link show near").contains("TX"), "counters are shown");
    let sent = wirestorm::host::link::counters(&bench.netns, "near").expect("counters").tx_packets;
    assert_eq!(sent, 0, "a run was made for an output that has no place");
    let mut files: Vec<_> = std::fs::read_dir(&bench.dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["bench.yaml", "file"]);
}

fn result(bench: &Workbench, arguments: &[&str]) -> (i32, Value) {
    let output = bench.output(&[], arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    (output.status.code().unwrap_or(-1), json)
}

/// `auto` says what would have been better, and why it did not work here.
#[test]
fn auto_says_why_it_fell_back() {
    if !privileged("auto_says_why_it_fell_back") {
        return;
    }
    let bench = Workbench::new("auto_says_why_it_fell_back");
    bench.write(
        "fallback.yaml",
        "duration: 50ms\ndrain: 50ms\nports: {tx: {interface: near, ipv4: 198.18.0.2, next_hop: \
         '02:00:00:00:00:02'}}\nstreams: [{name: a, to: null, rate: 1kpps, size: 64B, packet: \
         [ipv4: {dst: 198.18.0.3}, udp]}]\n",
    );
    let output = bench.output(&[], &["run", "fallback.yaml", "--json", "-", "--quiet"]);
    let run = common::run_of(&output);
    assert_eq!(run.json["engine"], "af-xdp", "{}", run.stderr);
    let detail = run.json["engine_detail"].as_str().expect("a detail");
    assert!(detail.contains("cannot send live frames to near"), "{detail}");
}
