//! `wirestorm trace --fragments` names the router that drops, and no other.

mod chain;
mod common;

use chain::{Chain, json};
use common::{assert_is_as, privileged, wirestorm};
use serde_json::Value;

/// Traces to the destination with 5 tries; the exit status and the JSON.
fn trace(chain: &Chain, v6: bool, more: &[&str]) -> (i32, Value) {
    let destination = chain.destination(v6);
    let mut command = wirestorm();
    command.args(["trace", "--fragments", "--interval", "5ms", "--wait", "300ms", "--json", "-"]);
    command.args(more).arg(destination);
    let output = chain.run(0, &mut command);
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    let result = json(&output);
    assert_is_as(include_str!("../docs/trace.schema.json"), &result);
    (output.status.code().unwrap_or(-1), result)
}

/// The verdict about an arm: outcome, after, before.
fn verdict(result: &Value, arm: &str) -> (String, Option<u64>, Option<u64>) {
    let verdicts = result["fragments"]["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|verdict| verdict["arm"] == arm).expect("the arm");
    let outcome = verdict["outcome"].as_str().expect("an outcome").to_owned();
    (outcome, verdict["after"].as_u64(), verdict["before"].as_u64())
}

fn text(result: &Value, arm: &str) -> String {
    let verdicts = result["fragments"]["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|verdict| verdict["arm"] == arm).expect("the arm");
    verdict["text"].as_str().expect("a text").to_owned()
}

fn stops(after: u64, before: u64) -> (String, Option<u64>, Option<u64>) {
    ("stops".to_owned(), Some(after), Some(before))
}

fn arrives() -> (String, Option<u64>, Option<u64>) {
    ("arrives".to_owned(), None, None)
}

/// A chain where a rule holds in the forward chain (or another hook) of the third router.
fn third(rule: &str, hook: &str, family: &str) -> Chain {
    let chain = Chain::new(5);
    let rules = format!(
        "table {family} drops {{\n chain c {{\n  type filter hook {hook} priority -450;\n  {rule}\n }}\n}}\n"
    );
    chain.nft(3, &rules);
    chain
}

#[test]
fn fragments_that_the_third_router_drops() {
    if !privileged("fragments_that_the_third_router_drops") {
        return;
    }
    let chain = third("exthdr frag exists drop", "forward", "ip6");
    for protocol in ["icmp", "udp"] {
        let (status, result) = trace(&chain, true, &["--protocol", protocol]);
        assert_eq!(verdict(&result, "fragments"), stops(3, 4), "{protocol}");
        assert_eq!(verdict(&result, "atomic"), stops(3, 4), "{protocol}");
        assert_eq!(verdict(&result, "hbh8"), arrives(), "{protocol}");
        assert_eq!(verdict(&result, "do8"), arrives(), "{protocol}");
        assert_eq!(status, 4);
        let text = text(&result, "fragments");
        let named = format!("fragments: stop after hop 3 ({})", chain.router(3, true));
        assert!(text.starts_with(&named), "{text}");
    }
}

#[test]
fn ipv4_fragments_that_the_third_router_drops() {
    if !privileged("ipv4_fragments_that_the_third_router_drops") {
        return;
    }
    let chain = third("ip frag-off & 0x3fff != 0 drop", "forward", "ip");
    for protocol in ["icmp", "udp"] {
        let (status, result) = trace(&chain, false, &["--protocol", protocol]);
        assert_eq!((verdict(&result, "fragments"), status), (stops(3, 4), 4), "{protocol}");
        assert!(text(&result, "fragments").contains(&chain.router(3, false)));
    }
}

/// A router that drops what comes in, before it counts the hop, never answers it: it is the first
/// that does not.
#[test]
fn a_drop_on_the_way_in_is_before_the_third() {
    if !privileged("a_drop_on_the_way_in_is_before_the_third") {
        return;
    }
    let chain = third("exthdr frag exists drop", "prerouting", "ip6");
    let (_, result) = trace(&chain, true, &[]);
    assert_eq!(verdict(&result, "fragments"), stops(2, 3));
    assert!(text(&result, "fragments").ends_with("or they are dropped on the way into hop 3"));
}

#[test]
fn hop_by_hop_options_that_the_third_router_drops() {
    if !privileged("hop_by_hop_options_that_the_third_router_drops") {
        return;
    }
    let chain = third("exthdr hbh exists drop", "forward", "ip6");
    let (status, result) = trace(&chain, true, &["--hbh", "8,64", "--do", "8,64", "--tries", "6"]);
    for arm in ["hbh8", "hbh64"] {
        assert_eq!(verdict(&result, arm), stops(3, 4), "{arm}");
    }
    for arm in ["fragments", "atomic", "do8", "do64"] {
        assert_eq!(verdict(&result, arm), arrives(), "{arm}");
    }
    assert_eq!(status, 4);
}

#[test]
fn where_nothing_is_dropped_nothing_is_named() {
    if !privileged("where_nothing_is_dropped_nothing_is_named") {
        return;
    }
    let chain = Chain::new(5);
    for v6 in [true, false] {
        let (status, result) = trace(&chain, v6, &[]);
        let verdicts = result["fragments"]["verdicts"].as_array().expect("verdicts");
        assert_eq!(verdicts.len(), if v6 { 4 } else { 1 });
        assert!(verdicts.iter().all(|verdict| verdict["outcome"] == "arrives"), "{verdicts:#?}");
        assert_eq!(status, 0);
        for hop in result["fragments"]["hops"].as_array().expect("hops") {
            for cell in hop["arms"].as_array().expect("arms") {
                assert_eq!((&cell["class"], &cell["sent"]), (&"always".into(), &5.into()), "{hop}");
            }
        }
    }
}

/// The fourth router answers nothing: it is silent for all, and the gap is as wide as it makes it.
#[test]
fn a_silent_router_is_not_taken_for_a_drop() {
    if !privileged("a_silent_router_is_not_taken_for_a_drop") {
        return;
    }
    let mute = "table ip6 mute { chain o { type filter hook output priority 0; \
                icmpv6 type time-exceeded drop;\n}\n}\n\
                table ip mute { chain o { type filter hook output priority 0; \
                icmp type time-exceeded drop;\n}\n}\n";
    let chain = Chain::new(5);
    chain.nft(4, mute);
    for v6 in [true, false] {
        let (status, result) = trace(&chain, v6, &[]);
        assert_eq!((verdict(&result, "fragments"), status), (arrives(), 0));
        let silent: Vec<&Value> = result["fragments"]["hops"]
            .as_array()
            .expect("hops")
            .iter()
            .filter(|hop| hop["silent"] == true)
            .map(|hop| &hop["hop"])
            .collect();
        assert_eq!(silent, [4]);
    }
    let chain = third("exthdr frag exists drop", "forward", "ip6");
    chain.nft(4, mute);
    let (_, result) = trace(&chain, true, &[]);
    assert_eq!(verdict(&result, "fragments"), stops(3, 5));
    assert_eq!(verdict(&result, "hbh8"), arrives());
}

/// Only later fragments are dropped: routers answer first fragments, so no hop may be named.
#[test]
fn later_fragments_alone_are_not_seen_on_the_way() {
    if !privileged("later_fragments_alone_are_not_seen_on_the_way") {
        return;
    }
    let chain = third("ip frag-off & 0x1fff != 0 drop", "forward", "ip");
    let (status, result) = trace(&chain, false, &[]);
    assert_eq!(verdict(&result, "fragments"), ("incomplete".into(), None, Some(6)));
    assert_eq!(status, 4);
}

/// A router that drops one half of the fragments: sometimes, and no hop is named.
#[test]
fn what_comes_through_sometimes_is_said_so() {
    if !privileged("what_comes_through_sometimes_is_said_so") {
        return;
    }
    let rule = "exthdr frag exists numgen random mod 2 == 0 drop";
    let chain = third(rule, "forward", "ip6");
    let (status, result) = trace(&chain, true, &["--tries", "30"]);
    assert_eq!(verdict(&result, "atomic"), ("sometimes".into(), None, None));
    assert_eq!(status, 4);
    let class = |hop: usize| {
        let arms = result["fragments"]["hops"][hop - 1]["arms"].as_array().expect("arms");
        let cell = arms.iter().find(|cell| cell["arm"] == "atomic").expect("the arm");
        cell["class"].as_str().expect("a class").to_owned()
    };
    assert_eq!((class(3), class(4)), ("always".to_owned(), "sometimes".to_owned()));
}

/// The destination is silent: what is known ends at the last router, and is said so.
#[test]
fn a_destination_that_does_not_answer_is_no_drop() {
    if !privileged("a_destination_that_does_not_answer_is_no_drop") {
        return;
    }
    let chain = Chain::new(3);
    chain.nft(
        4,
        "table ip6 deaf { chain i { type filter hook input priority 0; \
                  icmpv6 type echo-request drop;\n}\n}\n",
    );
    let (status, result) = trace(&chain, true, &["--max-hops", "8"]);
    assert_eq!(verdict(&result, "fragments"), ("as-far-as-whole".into(), Some(3), None));
    assert_eq!((status, &result["reached"]), (0, &false.into()));
}

/// Connection tracking on this host would make whole packets of atomic fragments; real ones leave
/// as two.
#[test]
fn connection_tracking_here_is_not_taken_for_the_path() {
    if !privileged("connection_tracking_here_is_not_taken_for_the_path") {
        return;
    }
    let chain = Chain::new(2);
    let track = "table inet t { chain o { type filter hook output priority 0;\n\
                 ct state new counter\n}\n}\n";
    chain.nft(0, track);
    let look = "table ip6 l { chain p { type filter hook prerouting priority -450;\n\
                exthdr frag exists counter comment \"pieces\"\n}\n}\n";
    chain.nft(1, look);
    let (status, result) = trace(&chain, true, &[]);
    assert_eq!(verdict(&result, "atomic"), ("not-sent".into(), None, None));
    assert!(text(&result, "atomic").contains("connection tracking"));
    assert_eq!(verdict(&result, "fragments"), arrives());
    assert_eq!(status, 3);
    // 5 tries at 3 hops, two pieces each.
    let rules = chain.sh(1, "nft list ruleset");
    assert!(rules.contains("exthdr frag exists counter packets 30 "), "{rules}");
}
