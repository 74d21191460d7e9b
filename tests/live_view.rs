//! The live view in a terminal: what it shows, what its keys do, and that the terminal is given back.

mod common;
mod pane;

use std::process::Command;
use std::time::Duration;

use common::{privileged, wirestorm};
use pane::Pane;

/// Two streams at 1 kpps each, back to back, for as long as is asked for.
const PROFILE: &str = "\
name: live
lab: b2b
duration: 10min
drain: 200ms
streams:
  - {name: v4, size: 128B, rate: 1kpps, packet: [ipv4, {udp: {dst: 9}}]}
  - {name: v6, size: 128B, rate: 1kpps, packet: [ipv6, {udp: {dst: 9}}]}
pass: {max_loss: 0}
validity: {max_lag: 10s, max_unsent: 1}
";

fn live(test: &str, width: u16, height: u16) -> Pane {
    let pane = Pane::new(test, width, height);
    pane.write("live.yaml", PROFILE);
    pane
}

#[test]
fn pages_keys_and_the_end() {
    if !privileged("pages_keys_and_the_end") {
        return;
    }
    let pane = live("pages", 80, 24);
    pane.run("live.yaml --tui --json result.json");
    pane.wait_until("the frame", |screen| {
        ["sending", "live", "q stop"].iter().all(|text| screen.contains(text))
    });
    pane.wait_until("a rate", |screen| screen.contains("kpps") && screen.contains("lost/unsent"));
    pane.key("s");
    pane.wait_until("both streams", |screen| {
        ["2 of 2 streams", "v4", "v6"].iter().all(|text| screen.contains(text))
    });
    pane.key("Down");
    pane.key("Enter");
    pane.wait_for("Latency of stream v6");
    pane.wait_for("packets a cell");
    pane.key("w");
    pane.wait_for("tx/0");
    pane.key("l");
    pane.wait_until("the ledger, whose device is read at the end", |screen| {
        screen.contains("frames that the schedule asked for") && screen.contains("at the end")
    });
    pane.key("?");
    pane.wait_for("any key closes this");
    pane.key("o");
    pane.key("o");
    pane.wait_for("So far:");
    assert!(pane.is_on_the_other_screen());
    pane.key("q");
    let (status, report) = pane.ended();
    assert_eq!(status, 3, "{report}");
    assert!(report.contains("INCOMPLETE") && report.contains("The ledger closes"), "{report}");
    assert!(!report.contains('\x1b'), "standard output is the report's alone");
    let json = pane.json("result.json");
    assert_eq!(json["incomplete"], true);
    assert_eq!(json["totals"]["lost"], 0, "{json:#}");
    assert!(json["rate_changes"].is_null());
    pane.assert_restored();
}

/// A change of the rate, and a pause, is accounted for to the packet, with every engine and with two workers.
#[test]
fn a_changed_rate_is_counted_exactly() {
    if !privileged("a_changed_rate_is_counted_exactly") {
        return;
    }
    let pane = live("rate", 80, 24);
    for engine in ["xdp-live", "af-xdp --workers 2", "packet-mmap"] {
        pane.run(&format!(
            "live.yaml --tui --json result.json --set duration=5s --engine {engine}"
        ));
        pane.wait_for("sending");
        pane.key("*");
        pane.wait_until("twice", |screen| screen.contains("rate 200 %"));
        pane.key("p");
        pane.wait_for("PAUSED");
        pane.key("p");
        pane.wait_until("it goes on", |screen| screen.contains("rate 200 %"));
        let (status, report) = pane.ended();
        assert_eq!(status, 0, "{engine}: {report}");
        assert!(report.contains("changed by hand, to 200 % at"), "{report}");
        assert!(report.contains("to a pause at"), "{report}");
        let json = pane.json("result.json");
        let changes = json["rate_changes"].as_array().expect("there are changes");
        let factors: Vec<f64> = changes.iter().map(|c| c["factor"].as_f64().unwrap()).collect();
        assert_eq!(factors, [2.0, 0.0, 2.0], "{engine}");
        // Packets that were due of each stream: 1 kpps times the factor, from change to change.
        let mut ends: Vec<f64> = changes.iter().map(|c| c["at_s"].as_f64().unwrap()).collect();
        ends.push(5.0);
        let mut due = ends[0] * 1_000.0;
        for (n, factor) in factors.iter().enumerate() {
            due += (ends[n + 1] - ends[n]) * 1_000.0 * factor;
        }
        for stream in json["streams"].as_array().expect("streams") {
            let count = |name: &str| stream[name].as_u64().expect("a count");
            let off = (count("intended") as f64 - due).abs();
            assert!(off <= 2.0, "{engine}: {} intended, {due} were due", count("intended"));
            assert_eq!(count("intended"), count("sent"), "{engine}");
            assert_eq!(count("lost"), 0, "{engine}");
        }
        assert!(json["gaps"].is_null(), "they are not those of the profile");
        let ledger = json["ledger"].as_array().expect("a ledger");
        let lost: i64 = ledger.iter().map(|stage| stage["lost_here"].as_i64().unwrap()).sum();
        assert_eq!(lost, 0, "{engine}: {ledger:#?}");
    }
}

/// A stream at a rate and one that is as fast as it goes: both are held back.
#[test]
fn a_run_that_is_stopped_in_a_pause_owes_nothing() {
    if !privileged("a_run_that_is_stopped_in_a_pause_owes_nothing") {
        return;
    }
    let pane = live("paused", 80, 24);
    pane.run("live.yaml --tui --json result.json --set 'streams[1].rate=unlimited'");
    pane.wait_for("sending");
    pane.key("p");
    pane.wait_for("PAUSED");
    pane.wait_until("nothing is sent", |screen| screen.contains("0 pps"));
    pane.key("q");
    let (status, report) = pane.ended();
    assert_eq!(status, 3, "{report}");
    let json = pane.json("result.json");
    let changes = json["rate_changes"].as_array().expect("there is one");
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["factor"], 0.0);
    let due = changes[0]["at_s"].as_f64().expect("a time") * 1_000.0;
    let rated = &json["streams"][0];
    let intended = rated["intended"].as_f64().expect("a count");
    assert!((intended - due).abs() <= 2.0, "{intended} intended, {due} were due: {rated:#}");
    // What was in hand, due before the pause, when a busy machine was told to stop: no more than that.
    assert!(json["totals"]["unsent"].as_u64() <= Some(256), "{json:#}");
}

#[test]
fn a_profile_that_asks_for_a_rate_is_invalid_once_it_was_changed() {
    if !privileged("a_profile_that_asks_for_a_rate_is_invalid_once_it_was_changed") {
        return;
    }
    let pane = live("asked", 100, 30);
    pane.run("live.yaml --tui --json result.json --set duration=2s --set pass.min_rx_rate=100pps");
    pane.wait_for("sending");
    pane.key("+");
    pane.wait_for("would be INVALID");
    let (status, report) = pane.ended();
    assert_eq!(status, 3, "{report}");
    let json = pane.json("result.json");
    assert_eq!(json["verdict"]["reasons"][0]["code"], "rate_changed");
}

#[test]
fn signals_and_control_c_give_the_terminal_back() {
    if !privileged("signals_and_control_c_give_the_terminal_back") {
        return;
    }
    let pane = live("signals_tui", 40, 12);
    pane.run("live.yaml --tui");
    pane.wait_for("sending");
    pane.key("C-c");
    let (status, report) = pane.ended();
    assert_eq!(status, 3, "{report}");
    assert!(report.contains("INCOMPLETE"));
    pane.assert_restored();
    // Two signals, one right after the other: no time for a report.
    pane.run("live.yaml --tui --set drain=10s");
    pane.wait_for("sending");
    let program = Command::new("pgrep").args(["-P", &pane.shell()]).output().expect("pgrep");
    let id = String::from_utf8_lossy(&program.stdout).trim().to_owned();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        std::thread::sleep(Duration::from_millis(20));
    }
    let (status, report) = pane.ended();
    assert_eq!((status, report.as_str()), (130, ""));
    pane.assert_restored();
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    if !privileged("colours_are_left_out_where_they_are_not_wanted") {
        return;
    }
    let pane = live("colours", 80, 24);
    let has_colour = |text: &str| {
        let codes = (30..38).chain(40..48).map(|code| format!("\x1b[{code}m"));
        codes.chain(["\x1b[38;5;".into(), "\x1b[48;5;".into()]).any(|code| text.contains(&code))
    };
    pane.run("live.yaml --tui");
    pane.wait_for("sending");
    assert!(has_colour(&pane.colored()), "{:?}", pane.colored());
    pane.key("q");
    pane.ended();
    pane.line("export NO_COLOR=1");
    pane.run("live.yaml --tui");
    pane.wait_for("sending");
    assert!(!has_colour(&pane.colored()), "{:?}", pane.colored());
    pane.key("q");
    pane.ended();
}

#[test]
fn a_benchmark_shows_its_search_and_keeps_its_rate() {
    if !privileged("a_benchmark_shows_its_search_and_keeps_its_rate") {
        return;
    }
    let pane = Pane::new("search", 80, 24);
    let profile = common::root().join("profiles/rfc2544-lab.yaml");
    pane.run(&format!("{} --tui --json result.json", profile.display()));
    let screen = pane.wait_for("trials ended");
    assert!(screen.contains("search") && screen.contains("known"), "{screen}");
    pane.key("o");
    pane.wait_until("a trial that sends", |screen| {
        if !screen.contains("sending") {
            return false;
        }
        pane.key("+");
        pane.screen().contains("the rate cannot be changed")
    });
    pane.key("b");
    let marks = [" ✓ ", " ✗ ", " ! "];
    pane.wait_until("a trial", |screen| marks.iter().any(|mark| screen.contains(mark)));
    pane.key("q");
    let (status, report) = pane.ended();
    assert_eq!(status, 3, "{report}");
    assert_eq!(pane.json("result.json")["incomplete"], true);
    pane.assert_restored();
}

#[test]
fn without_a_terminal_it_is_a_usage_error() {
    let output = wirestorm()
        .args(["run", "profiles/router.yaml", "--tui"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"wirestorm: cannot show the live view (--tui): standard input and standard error are not both a terminal; leave --tui out; --metrics serves the same numbers");
}

/// A part of the test below: takes the terminal, and panics on another thread.
#[test]
#[ignore = "only in the pane of a_panic_gives_the_terminal_back"]
fn panics_with_the_terminal_taken() {
    if std::env::var_os("WIRESTORM_TEST_PANICS").is_none() {
        return;
    }
    let screen = wirestorm::tui::terminal::Screen::take(&Default::default()).expect("a terminal");
    let panicked = std::thread::spawn(|| panic!("boom of a thread")).join();
    assert!(panicked.is_err() && !screen.is_taken());
    // What the hook did not give back would stay: no destructor runs.
    std::mem::forget(screen);
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let pane = Pane::new("panic", 80, 24);
    let own = std::env::current_exe().expect("this test");
    pane.line(&format!(
        "clear; WIRESTORM_TEST_PANICS=1 {} --ignored --exact --nocapture panics_with_the_terminal_taken; \
         echo $? > status",
        own.display()
    ));
    let (status, _) = pane.ended();
    assert_eq!(status, 0, "{}", pane.screen());
    assert!(pane.screen().contains("boom of a thread"), "it is legible: {}", pane.screen());
    pane.assert_restored();
}
