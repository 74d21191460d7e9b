//! `--engine raw` as a user meets it: what it sends is what the dry run says, the ledger closes, and what
//! it cannot send it refuses by name before anything leaves.

mod common;
mod tcpdump;
mod workbench;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use common::capture::{frames, read, tag_of};
use common::{Run, privileged, run, run_of, wirestorm};
use insta::assert_snapshot;
use tcpdump::Tcpdump;
use wirestorm::engine::raw::kernel;
use wirestorm::lab::Lab;
use wirestorm::packet::tag::{STAMP_AT, TAG_LEN};
use wirestorm::profile;
use workbench::{Workbench, ended, signal, wait_until};

/// Both versions of IP, options, extension headers, and datagrams cut in every way.
const MIXED: &str = r#"
name: raw
PORTS
validity: {max_lag: 20s, max_unsent: 0}
drain: 300ms
streams:
  - {name: four, size: [64B, 128B, 1518B], rate: 3kpps, count: 60, packet: [ipv4: {D4, dscp: {random: 0..63}}, udp: {src: {random: 1024..65535}}]}
  - {name: counted, size: 100B, rate: 3kpps, count: 60, packet: [ipv4: {D4, df: 0}, tcp]}
  - {name: optional, size: 200B, rate: 3kpps, count: 60, packet: [ipv4: {D4, options: [router_alert]}, icmp]}
  - {name: six, size: {random: 100B..1518B}, rate: 3kpps, count: 60, packet: [ipv6: {D6, flow_label: {random: 0..0xfffff}}, udp: {dst: {increment: 1000}}]}
  - {name: extended, size: 300B, rate: 3kpps, count: 60, packet: [ipv6: {D6}, destination_options, udp]}
  - {name: cut4, size: 1400B, fragments: {count: 3, order: shuffled}, rate: 1kpps, count: 30, packet: [ipv4: {D4}, udp: {src: {increment: 1024}}]}
  - {name: tiny4, size: 200B, fragments: {first: 8, count: 3}, rate: 1kpps, count: 30, packet: [ipv4: {D4, src: 198.18.0.9}, udp]}
  - {name: cut6, size: 2900B, fragments: {mtu: 1280, order: reversed}, rate: 1kpps, count: 30, packet: [ipv6: {D6}, destination_options, udp: {src: {random: 1024..65535}}]}
  - {name: atomic6, size: 200B, fragments: {atomic: true}, rate: 1kpps, count: 30, packet: [ipv6: {D6, src: "2001:2::9"}, udp]}
"#;

/// The profile with its ports, sending to these addresses.
fn mixed(ports: &str, ipv4: &str, ipv6: &str) -> String {
    let text = MIXED.replace("PORTS", ports);
    text.replace("D4", &format!("dst: {ipv4}")).replace("D6", &format!("dst: \"{ipv6}\""))
}

/// The same in a lab, to its receiver.
fn in_lab(lab: &str) -> String {
    match lab {
        "router" => mixed("lab: router", "198.19.0.2", "2001:2:0:8000::2"),
        _ => mixed("lab: b2b", PEER4, PEER6),
    }
}

/// The receiver's addresses, back to back.
const PEER4: &str = "198.18.0.3";
const PEER6: &str = "2001:2::3";

/// Writes a profile and runs it.
fn run_mixed(lab: &str, more: &[&str]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("mixed.yaml");
    std::fs::write(&path, in_lab(lab)).expect("written");
    let arguments = [&[path.to_str().expect("UTF-8"), "--engine", "raw"], more].concat();
    run(&arguments)
}

#[test]
fn labs_get_every_packet_and_the_ledger_closes() {
    if !privileged("labs_get_every_packet_and_the_ledger_closes") {
        return;
    }
    for (lab, workers) in [("b2b", "1"), ("b2b", "2"), ("router", "1")] {
        let run = run_mixed(lab, &["--workers", workers]);
        let told = format!("{lab}, {workers} workers: {}", run.stderr);
        assert_eq!(run.json["engine"], "raw", "{told}");
        assert_eq!(run.json["verdict"]["valid"], true, "{told} {:#}", run.json["verdict"]);
        run.assert_ledger_closes();
        // Five whole streams, and pieces: 3, 3, 3 and 1 of each datagram.
        assert_eq!(run.total("sent"), 5 * 60 + 30 * (3 + 3 + 3 + 1), "{told}");
        assert_eq!(run.total("unsent"), 0, "{told}");
        assert_eq!(run.total("lost"), 0, "{told} {:#}", run.json["ledger"]);
        assert_eq!(run.total("corrupt"), 0, "{told}");
        let detail = run.json["engine_detail"].as_str().expect("text");
        assert!(detail.starts_with("raw IPv4 and IPv6 sockets"), "{detail}");
    }
}

/// Packets from the IP header on and how often each comes, with what is the moment's own (send time,
/// lag, check) blanked. Frames are filled up by devices, so what fills a frame is not compared.
fn packets(frames: Vec<Vec<u8>>) -> BTreeMap<Vec<u8>, usize> {
    let mut packets = BTreeMap::new();
    for mut frame in frames {
        if let Some((at, _)) = tag_of(&frame) {
            frame[at + STAMP_AT..at + TAG_LEN].fill(0);
        }
        *packets.entry(kernel::packet(&frame).to_vec()).or_insert(0) += 1;
    }
    packets
}

fn dry(profile: &Path) -> Vec<Vec<u8>> {
    let file = profile.with_extension("pcap");
    let output = wirestorm().arg("pcap").arg(profile).arg("-o").arg(&file).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read(&file)
}

/// Back to back all is as it was built, Ethernet header included.
#[test]
fn what_arrives_is_the_dry_run() {
    if !privileged("what_arrives_is_the_dry_run") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let place = |ports: &str| {
        let path = dir.path().join(format!("{}.yaml", ports.len()));
        // To any address: on the link, but nobody's.
        let text = mixed(ports, "{prefix: 198.18.64.0/18, order: random}", "2001:2:0:7::7");
        std::fs::write(&path, text.replace("{name: ", "{to: null, name: ")).expect("written");
        path
    };
    let wanted = dry(&place("lab: b2b\nports: {tx: {lab: tx}}"));
    let by_name = place("ports: {tx: {interface: tx, next_hop: {mac: '02:57:53:00:02:02'}}}");
    let spec = profile::plain_lab("b2b").expect("a topology");
    let lab = Lab::up(&spec, 2).unwrap_or_else(|error| panic!("{error}"));
    for workers in ["1", "2"] {
        let rx = lab.netns("rx").expect("the receiver's namespace");
        // What the hosts say themselves goes to groups.
        let capture = Tcpdump::start(rx, "rx", wanted.len(), "not ether multicast");
        let tx = lab.netns("tx").expect("the sender's namespace");
        let output = tx.run(|| {
            let mut command = wirestorm();
            command.arg("run").arg(&by_name).args(["--engine", "raw", "--workers", workers]);
            command.args(["--json", "-", "--quiet"]).output()
        });
        let run = run_of(&output.expect("in the namespace").expect("the program starts"));
        assert!(run.json.is_object(), "{}", run.stderr);
        assert_eq!(run.total("sent"), wanted.len() as u64, "{:#}", run.json["ledger"]);
        let seen = frames(&capture.pcap());
        let headers = |frames: &[Vec<u8>]| -> BTreeSet<Vec<u8>> {
            frames.iter().map(|frame| frame[..14].to_vec()).collect()
        };
        assert_eq!(headers(&seen), headers(&wanted));
        let (seen, wanted) = (packets(seen), packets(wanted.clone()));
        let missing: Vec<_> =
            wanted.iter().filter(|(p, n)| seen.get(*p) != Some(n)).take(3).collect();
        assert!(missing.is_empty(), "{workers} workers: {missing:02x?}");
        assert_eq!(seen.len(), wanted.len());
    }
}

/// A profile over the workbench's pair, with one stream.
fn one(bench: &Bench, stream: &str) -> String {
    bench.0.write(
        "one.yaml",
        format!(
            "name: one\nduration: 50ms\nvalidity: {{max_lag: 20s}}\nports:\n  tx: {{interface: near, ipv4: 198.18.0.1, next_hop: \
             {{mac: '02:00:00:00:00:01'}}}}\nstreams:\n  - {{to: null, rate: 1kpps, {stream}}}\n"
        ),
    );
    let said = bench.0.said(&[], &["run", "one.yaml", "-q", "--engine", "raw"]);
    format!("{stream}\n{}", said.split_once('\n').map_or("", |(_, rest)| rest))
}

/// The workbench with a MAC that does not change from run to run.
struct Bench(Workbench);

impl Bench {
    fn new(test: &str) -> Self {
        let bench = Self(Workbench::new(test));
        bench.0.ip("link set near address 02:00:00:00:00:0a");
        // It forgets its neighbours by that.
        bench.0.neighbour();
        bench
    }
}

/// Everything that the kernel would change, or not send, is refused by name.
#[test]
fn what_it_cannot_send_is_refused_by_name() {
    if !privileged("what_it_cannot_send_is_refused_by_name") {
        return;
    }
    let bench = Bench::new("raw_refused");
    let silent = || bench.0.ip("-j -s link show near").contains("\"tx\":{\"bytes\":0,");
    let dst = "dst: 198.18.0.2";
    let mut said = String::new();
    for packet in [
        &format!("size: 128B, packet: [vlan: {{id: 5}}, ipv4: {{{dst}}}, udp]"),
        &format!("size: 128B, packet: [mpls: {{label: 16}}, ipv4: {{{dst}}}, udp]"),
        "size: 64B, packet: [arp: {target_ip: 198.18.0.2}]",
        "size: 64B, tag: false, packet: [ethernet, llc, snap, raw: {hex: 00}]",
        &format!("size: 128B, packet: [ipv4: {{{dst}, checksum: bad}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, length: 40}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, df: 0, id: 0}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, df: 0, id: {{increment: 0}}}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, df: 0, id: {{random: 0..65535}}}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, src: 0.0.0.0}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, ihl: 15}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, ihl: 4}}, udp]"),
        "size: 128B, packet: [ipv4: {dst: 224.0.0.9, ttl: 0}, udp]",
        &format!(
            "size: 128B, packet: [ethernet: {{src: '02:00:00:00:00:77'}}, ipv4: {{{dst}}}, udp]"
        ),
        &format!(
            "size: 128B, packet: [ethernet: {{src: {{increment: '02:00:00:00:00:00', count: 9}}}}, ipv4: {{{dst}}}, udp]"
        ),
        &format!(
            "size: 128B, packet: [ethernet: {{dst: '02:00:00:00:00:77'}}, ipv4: {{{dst}}}, udp]"
        ),
        &format!(
            "size: 128B, packet: [ethernet: {{dst: '33:33:00:00:00:77'}}, ipv4: {{{dst}}}, udp]"
        ),
        "size: 128B, packet: [ipv6: {src: '2001:2::1', dst: '2001:2::2'}, udp]",
    ] {
        said += &one(&bench, packet);
    }
    assert!(silent(), "not a byte has left");
    assert_snapshot!(said);
    // Beside what it can send of the same kinds.
    for packet in [
        &format!("size: 128B, packet: [ipv4: {{{dst}, id: 0}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}, df: 0, id: {{increment: 1}}}}, udp]"),
        &format!("size: 128B, packet: [ipv4: {{{dst}}}, udp: {{checksum: bad}}]"),
        "size: 128B, packet: [ipv4: {dst: 224.0.0.9}, udp]",
        "size: 128B, packet: [ipv4: {dst: 255.255.255.255}, udp]",
    ] {
        let said = one(&bench, packet);
        assert!(!said.contains("cannot"), "{said}");
    }
    assert!(!silent());
}

/// What goes wrong with routes, neighbours and filters has its name, and is no silent zero.
#[test]
fn what_keeps_packets_back_is_told() {
    if !privileged("what_keeps_packets_back_is_told") {
        return;
    }
    let bench = Bench::new("raw_kept_back");
    let stream = "size: 128B, packet: [ipv4: {dst: 198.18.0.2}, udp]";
    bench.0.ip("neigh flush nud permanent dev near");
    bench.0.ip("addr add 198.18.0.1/24 dev near");
    let mut said = one(&bench, stream);
    bench.0.ip("neigh replace 198.18.0.2 lladdr 02:00:00:00:00:99 dev near");
    said += &one(&bench, stream);
    bench.0.neighbour();
    said += &one(&bench, "size: 128B, packet: [ipv4: {dst: 198.18.0.1}, udp]");
    let nft = |words: &str| {
        let status = bench.0.netns.run(|| Command::new("nft").args(words.split(' ')).status());
        assert!(status.expect("in the namespace").expect("nft is installed").success());
    };
    nft("add table inet t");
    nft("add chain inet t o { type filter hook output priority 0 ; }");
    nft("add rule inet t o udp dport 9 drop");
    said += &one(&bench, "size: 128B, packet: [ipv4: {dst: 198.18.0.2}, udp: {dst: 9}]");
    said += &one(&bench, "size: 128B, packet: [ipv4: {dst: 198.18.0.2}, udp: {dst: 8}]");
    assert_snapshot!(said);
}

/// A queueing discipline that is slower than the schedule drops what it has no room for, and says so: it
/// is offered again, and all arrives once and in order.
#[test]
fn what_a_full_queue_drops_is_offered_again() {
    if !privileged("what_a_full_queue_drops_is_offered_again") {
        return;
    }
    let bench = Bench::new("raw_full_queue");
    let tbf = "qdisc add dev near root tbf rate 10mbit burst 2000 limit 4000";
    let tc = |words: &str| {
        let output = bench.0.netns.run(|| Command::new("tc").args(words.split(' ')).output());
        let output = output.expect("in the namespace").expect("tc is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    tc(tbf);
    let fast = ["--set", "streams[0].rate=50kpps", "--set", "streams[0].count=1000"];
    let arguments = ["run", "bench.yaml", "-q", "--engine", "raw", "--json", "-"];
    let run = run_of(&bench.0.output(&[], &[&arguments[..], &fast].concat()));
    run.assert_ledger_closes();
    let told = format!("{}{:#}", run.stderr, run.json["ledger"]);
    for name in ["sent", "unique", "received"] {
        assert_eq!(run.total(name), 1000, "{name}: {told}");
    }
    assert_eq!((run.total("reordered"), run.total("duplicated")), (0, 0), "{told}");
    let statistics = tc("-s -j qdisc show dev near");
    assert!(!statistics.contains("\"drops\":0,"), "the queue was full: {statistics}");
}

/// A next hop that is forgotten in mid-run: the kernel takes the packets all the same and drops them.
/// The ledger names the stage.
#[test]
fn a_neighbour_that_is_gone_shows_at_the_device() {
    if !privileged("a_neighbour_that_is_gone_shows_at_the_device") {
        return;
    }
    let bench = Bench::new("raw_neighbour_gone");
    let long = ["--set", "duration=10min", "--engine", "raw", "-q", "--json", "-"];
    let child = bench.0.start(&[], &[&["run", "bench.yaml"], &long[..]].concat());
    bench.0.wait_for_traffic(50);
    bench.0.ip("neigh del 198.18.0.2 dev near");
    let asking = || bench.0.ip("neigh show dev near").contains("INCOMPLETE");
    wait_until("the kernel asks for the neighbour", asking);
    // The packets that wait for the answer never leave.
    signal(&child, "INT");
    let run = run_of(&ended(child));
    run.assert_ledger_closes();
    let ledger = run.json["ledger"].as_array().expect("a ledger");
    let lost = |name: &str| {
        let stage = ledger.iter().find(|stage| stage["stage"] == name).expect("the stage");
        stage["lost_here"].as_i64().expect("a number")
    };
    assert!(lost("device") > 0, "{ledger:#?}");
    assert_eq!(lost("completed"), 0, "{ledger:#?}");
    assert!(run.total("unique") >= 50);
}
