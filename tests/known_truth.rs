//! Experiments whose result is known: a measuring tool is right when it reports it.

mod common;

use std::sync::{Mutex, PoisonError};

use common::{Run, privileged, run};

/// One lab at a time: two senders and two routers on few cores disturb each other.
static MACHINE: Mutex<()> = Mutex::new(());

fn known(profile: &str, args: &[&str]) -> Run {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = format!("profiles/known-truth/{profile}.yaml");
    let run = run(&[&[path.as_str()], args].concat());
    assert!(run.json.is_object(), "{profile} gives a result: {}", run.stderr);
    run.assert_ledger_closes();
    run
}

/// A run in which the sender was never late by more than `lag_ns`: what these truths assume. Other
/// programs may take the CPU for longer, so it is tried again, and a machine that is never quiet
/// fails the test.
fn known_undisturbed(profile: &str, args: &[&str], lag_ns: u64) -> Run {
    let mut lags = Vec::new();
    for _ in 0..8 {
        let run = known(profile, args);
        let lag = run.json["schedule_lag_max_ns"].as_u64().expect("a rate was asked for");
        if lag <= lag_ns {
            return run;
        }
        lags.push(lag);
    }
    panic!("{profile}: the machine was never quiet; the sender was late by {lags:?} ns");
}

/// A router that drops fragments touches no whole packet.
#[test]
fn whole_packets_pass_a_router_that_drops_fragments() {
    if !privileged("whole_packets_pass_a_router_that_drops_fragments") {
        return;
    }
    let run = known("02-whole-packets-pass", &[]);
    assert_eq!(run.total("lost"), 0, "{:#}", run.json["ledger"]);
    assert_eq!(run.total("unique"), run.total("sent"));
}

/// `numgen inc mod 10 == 0 drop` drops the first of every ten.
#[test]
fn every_tenth_packet_is_lost_exactly() {
    if !privileged("every_tenth_packet_is_lost_exactly") {
        return;
    }
    for engine in ["af-xdp", "packet-mmap", "raw"] {
        let run = known("09-every-tenth-lost", &["--engine", engine]);
        let sent = run.total("sent");
        assert_eq!(sent + run.total("unsent"), 10_000);
        assert_eq!(run.total("lost"), sent.div_ceil(10), "{engine}: {:#}", run.json["totals"]);
    }
}

/// 100 Mbit/s of 1514-byte frames are 8256.27 a second. A gap of 4 ms in the sending does not empty
/// the queue of 4.966 ms. What passes is what the bucket held, what
/// it earned, and what the queue still held at the end.
#[test]
fn a_token_bucket_passes_its_rate() {
    if !privileged("a_token_bucket_passes_its_rate") {
        return;
    }
    let run =
        known_undisturbed("25-tbf-asymptote", &["--set", "streams[0].duration=2s"], 4_000_000);
    let received = run.json["totals"]["rx_pps"].as_f64().expect("a rate");
    let wanted = 100e6 / 8.0 / 1514.0;
    assert!((received / wanted - 1.0).abs() < 0.005, "{received} of {wanted} frames/s");
    let dropped: u64 = run.json["witnesses"]
        .as_array()
        .expect("witnesses")
        .iter()
        .filter(|counter| counter["name"].as_str().is_some_and(|name| name.contains("tbf")))
        .filter(|counter| counter["name"].as_str().is_some_and(|name| name.ends_with("drops")))
        .map(|counter| counter["value"].as_u64().unwrap())
        .sum();
    assert_eq!(run.total("lost"), dropped, "what is lost is what the bucket's queue dropped");
}

/// A full queue of 41 packets of 1514 bytes at 100 Mbit/s delays by 4.966 ms, and by the packet in
/// service.
#[test]
fn a_full_queue_delays_by_its_length() {
    if !privileged("a_full_queue_delays_by_its_length") {
        return;
    }
    let run = known_undisturbed("27-tbf-queue-latency", &[], 4_000_000);
    let latency = &run.json["streams"][0]["latency_ns"];
    let p50 = latency["p50"].as_f64().expect("a median");
    assert!((4.80e6..5.25e6).contains(&p50), "median {p50} ns: {latency:#}");
}

/// RFC 4737 §7: the generator itself reorders, and the receiver says so exactly.
#[test]
fn reordering_and_duplication_are_counted_as_the_rfcs_count_them() {
    if !privileged("reordering_and_duplication_are_counted_as_the_rfcs_count_them") {
        return;
    }
    let run_reordering = known("28-rfc4737-reordering", &[]);
    for stream in run_reordering.json["streams"].as_array().expect("streams") {
        assert_eq!(stream["lost"], 0, "{stream:#}");
        assert_ne!(stream["reordered"], 0, "{stream:#}");
    }
    let run_duplication = known("28-rfc5560-duplication", &[]);
    for stream in run_duplication.json["streams"].as_array().expect("streams") {
        assert_eq!(stream["lost"], 0, "{stream:#}");
        assert_ne!(stream["duplicated"], 0, "{stream:#}");
    }
}

/// Nothing but disorder is no loss: it passes where nobody asks for order, and fails, for that reason
/// and with that status, where somebody does.
#[test]
fn disorder_alone_fails_only_those_who_ask_for_order() {
    if !privileged("disorder_alone_fails_only_those_who_ask_for_order") {
        return;
    }
    for (profile, key) in
        [("28-rfc4737-reordering", "max_reordered"), ("28-rfc5560-duplication", "max_duplicated")]
    {
        let unasked = known(profile, &["--set", "pass={}"]);
        assert_eq!(unasked.status, 0, "{profile}: {:#}", unasked.json["verdict"]);
        let asked = known(profile, &["--set", &format!("pass={{{key}: 0}}")]);
        assert_eq!(asked.status, 4, "{profile}: {:#}", asked.json["verdict"]);
        let reasons = asked.json["verdict"]["reasons"].as_array().expect("reasons");
        assert!(reasons.iter().all(|reason| reason["code"] == key), "{reasons:#?}");
    }
}
