//! The demo under every engine: the ledger, and the kernel's own counters along the way, agree to
//! the packet.

mod common;

use common::{Run, privileged, run};

/// A count of a stream.
fn of(run: &Run, stream: &str, count: &str) -> u64 {
    let streams = run.json["streams"].as_array().expect("streams");
    let stream = streams.iter().find(|s| s["name"] == stream).expect("the stream");
    stream[count].as_u64().unwrap_or_else(|| panic!("{count}: {stream:#}"))
}

/// Half a second of the demo: 10,000 packets of each family, however late they are.
fn demo(args: &[&str]) -> Run {
    let short = ["--set", "duration=500ms", "--set", "validity.max_lag=20s"];
    let run = run(&[&["profiles/router.yaml"], &short[..], args].concat());
    assert!(run.json.is_object(), "{args:?}: {}", run.stderr);
    run
}

fn agrees_with_the_kernel(run: &Run, told: &str) {
    run.assert_ledger_closes();
    let of = |stream, count| of(run, stream, count);
    for stream in ["v4", "v6"] {
        assert_eq!(of(stream, "intended"), 10_000, "{told} {stream}");
        assert_eq!(of(stream, "unsent"), 0, "{told} {stream}");
        assert_eq!(of(stream, "unique") + of(stream, "lost"), of(stream, "sent"), "{told}");
        assert_eq!(of(stream, "received"), of(stream, "unique"), "{told} {stream}");
        assert_eq!(of(stream, "duplicated"), 0, "{told} {stream}");
    }
    // A packet that is lost in the router's own backlog was not forwarded; behind it is the wire.
    assert_eq!(run.witness("tx tx_packets"), run.total("sent"), "{told}");
    assert_eq!(run.witness("router Ip.ForwDatagrams"), of("v4", "unique"), "{told}");
    assert_eq!(run.witness("router Ip6.OutForwDatagrams"), of("v6", "unique"), "{told}");
    assert_eq!(run.witness("r-rx tx_packets"), run.total("unique"), "{told}");
    assert_eq!(run.witness("rx rx_packets"), run.total("unique"), "{told}");
    assert_eq!(run.total("alien") + run.total("corrupt"), 0, "{told}");
}

#[test]
fn the_ledger_agrees_with_the_kernel_under_every_engine() {
    if !privileged("the_ledger_agrees_with_the_kernel_under_every_engine") {
        return;
    }
    for engine in ["xdp-live", "af-xdp", "packet-mmap", "raw"] {
        let run = demo(&["--engine", engine]);
        assert_eq!(run.json["engine"], engine);
        agrees_with_the_kernel(&run, engine);
    }
}

#[test]
fn the_ledger_agrees_with_the_kernel_with_several_workers() {
    if !privileged("the_ledger_agrees_with_the_kernel_with_several_workers") {
        return;
    }
    for engine in ["xdp-live", "af-xdp", "packet-mmap", "raw"] {
        let run = demo(&["--engine", engine, "--workers", "2"]);
        agrees_with_the_kernel(&run, &format!("{engine}, 2 workers"));
    }
}

/// The witnesses see the same packets whoever receives.
#[test]
fn the_ledger_agrees_with_the_kernel_under_every_receiver() {
    if !privileged("the_ledger_agrees_with_the_kernel_under_every_receiver") {
        return;
    }
    for receiver in ["xdp-native", "xdp-generic", "xdp-steer", "packet-mmap"] {
        let receive = format!("measure.receive={receiver}");
        let run = demo(&["--set", &receive]);
        agrees_with_the_kernel(&run, receiver);
    }
}

/// In dry runs nothing is sent, and nobody claims it was.
#[test]
fn the_null_engine_sends_nothing() {
    if !privileged("the_null_engine_sends_nothing") {
        return;
    }
    let run = demo(&["--engine", "null"]);
    assert_eq!(run.witness("tx tx_packets"), 0);
    assert_eq!(run.total("unique"), 0);
    assert_eq!(run.total("received"), 0);
    assert_eq!(run.json["verdict"]["passed"], false, "{:#}", run.json["verdict"]);
}
