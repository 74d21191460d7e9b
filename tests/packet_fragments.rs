//! Fragments, judged by two programs that share nothing with wirestorm: tshark reassembles them and
//! finds the datagram's checksum right, scapy's reassembly is the datagram that was cut.

mod common;
mod packets;

use std::collections::BTreeMap;
use std::process::Command;

use common::capture::read;
use common::wirestorm;
use packets::{addressing, packet};
use wirestorm::packet::compile::compile;
use wirestorm::profile;

/// Datagrams of each stream.
const COUNT: usize = 4;

/// Stack, further keys, how it is cut, and pieces sent of each datagram.
const CASES: [(&str, &str, &str, usize); 11] = [
    ("[ipv6, udp]", "size: 1600B", "3", 3),
    ("[ipv4, udp]", "size: 1600B, payload: increment", "{mtu: 600, order: shuffled}", 3),
    ("[ipv6, {tcp: {seq: {increment: 5}}}]", "size: 1000B", "{first: 8, count: 3, id: random}", 3),
    ("[ipv4, {tcp: {src: {random: 1..60000}}}]", "size: 1000B", "{first: 16, count: 3}", 3),
    (
        "[{ipv6: {src: {prefix: '2001:2::/64', order: random}}}, udp: {src: {increment: 9}}]",
        "size: 9000B",
        "{sizes: [8, 24, 1400], order: reversed}",
        9,
    ),
    ("[ipv4, icmp]", "size: 65549B", "{mtu: 1500, order: last-first}", 45),
    ("[ipv6, icmpv6: {seq: {increment: 0}}]", "size: 3000B", "{count: 10, id: 7}", 10),
    ("[vlan, ipv6, fragment, udp]", "size: 2000B", "{count: 2, duplicate: [1]}", 3),
    ("[ipv6, ipv4: {ttl: {random: 1..9}}, udp: {dst: {random: 6000..7000}}]", "size: 900B", "5", 5),
    ("[ipv4, udp]", "size: 64B, tag: false", "{sizes: [8]}", 4),
    (
        "[{ipv4: {options: [record_route: {route: [198.18.9.1, {increment: 198.18.9.2}]}, \
         router_alert]}}, {tcp: {src: {random: 1..60000}}}]",
        "size: 900B",
        "3",
        3,
    ),
];

fn yaml(stack: &str, keys: &str, fragments: &str) -> String {
    format!(
        "lab: {{topology: b2b, mtu: 2000}}\nstreams:\n  - {{name: cut, rate: 10pps, count: {COUNT}, \
         packet: {stack}, {keys}, fragments: {fragments}}}\n"
    )
}

fn has(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).output().is_ok_and(|o| o.status.success());
    let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
    assert!(found || !required, "{program} {args:?} is required");
    found
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Writes a case's packets.
fn capture(dir: &std::path::Path, yaml: &str) -> std::path::PathBuf {
    let (profile, file) = (dir.join("cut.yaml"), dir.join("cut.pcap"));
    std::fs::write(&profile, yaml).expect("written");
    stdout_of(wirestorm().arg("pcap").arg(&profile).arg("-o").arg(&file));
    file
}

#[test]
fn tshark_reassembles_them_without_a_complaint() {
    if !has("tshark", &["--version"]) {
        println!("skipped: no tshark");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for (stack, keys, fragments, pieces) in CASES {
        let yaml = yaml(stack, keys, fragments);
        let file = capture(dir.path(), &yaml);
        assert_eq!(read(&file).len(), COUNT * pieces, "{yaml}");
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-r"]).arg(&file);
        for checked in ["ip", "udp", "tcp"] {
            tshark.args(["-o", &format!("{checked}.check_checksum:TRUE")]);
        }
        for payload in ["udp.port==0-65535,data", "tcp.port==0-65535,data"] {
            tshark.args(["-d", payload]);
        }
        tshark.args(["-T", "fields", "-E", "separator=|"]);
        let fields = ["_ws.malformed", "ip.checksum.status", "udp.checksum.status"];
        let more = ["tcp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"];
        tshark.args(fields.iter().chain(&more).flat_map(|field| ["-e", field]));
        let text = stdout_of(&mut tshark);
        let mut whole = 0;
        for line in text.lines() {
            let columns: Vec<&str> = line.split('|').collect();
            assert_eq!(columns[0], "", "{yaml}{line}");
            assert!(columns[1].split(',').all(|status| status != "0"), "{yaml}{line}");
            assert!(columns[2..].iter().all(|status| *status != "0"), "{yaml}{line}");
            whole += usize::from(columns[2..].contains(&"1"));
        }
        assert_eq!(whole, COUNT, "datagrams with a right checksum: {yaml}{text}");
    }
}

/// Reads a capture and prints each datagram's bytes behind the repeated headers, in hexadecimal.
const SCAPY: &str = r"
import sys
from scapy.all import rdpcap, defragment, IP, IPv6, raw
from scapy.layers.inet6 import defragment6, IPv6ExtHdrFragment
groups = {}
for packet in rdpcap(sys.argv[1]):
    if packet.haslayer(IPv6ExtHdrFragment):
        groups.setdefault(packet[IPv6ExtHdrFragment].id, []).append(packet)
    else:
        groups.setdefault(packet[IP].id, []).append(packet)
for ident in sorted(groups):
    if groups[ident][0].haslayer(IPv6ExtHdrFragment):
        whole = defragment6(groups[ident])
        print(raw(whole[IPv6].payload).hex())
    else:
        [whole] = defragment(groups[ident])
        print(raw(whole[IP].payload).hex())
";

#[test]
fn scapy_reassembles_the_datagram_that_was_cut() {
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(|p| has_scapy(p)) else {
        assert_ne!(std::env::var("REQUIRE_PRIVILEGED").as_deref(), Ok("1"), "needs scapy");
        println!("skipped: no python3 with scapy");
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    for (stack, keys, fragments) in [
        ("[ipv4, udp: {src: {increment: 7}}]", "size: 1600B, payload: increment", "3"),
        ("[ipv6, udp: {src: {increment: 7}}]", "size: 1600B, payload: increment", "{mtu: 1280}"),
    ] {
        let cut = yaml(stack, keys, fragments);
        let file = capture(dir.path(), &cut);
        let mut script = Command::new(python);
        let text = stdout_of(script.args(["-c", SCAPY]).arg(&file));
        // The same stream whole, without a tag: bytes differ where tags stand, and in the checksum.
        let whole = yaml(stack, &format!("{keys}, tag: false"), fragments);
        let whole = whole.replace(&format!(", fragments: {fragments}"), "");
        let whole = profile::parse("whole.yaml", &whole, &["lab.mtu=9000".into()]).expect("valid");
        let program = compile(&whole, 0, &addressing(), 1).expect("compiles");
        let cut = profile::parse("cut.yaml", &cut, &[]).expect("valid");
        let datagram = cut.streams[0].piece.as_ref().expect("a piece").datagram.clone();
        assert_eq!(text.lines().count(), COUNT);
        for (index, line) in text.lines().enumerate() {
            let seen: Vec<u8> = (0..line.len() / 2)
                .map(|n| u8::from_str_radix(&line[2 * n..2 * n + 2], 16).expect("hexadecimal"))
                .collect();
            let frame = packet(&program, index as u64);
            let wanted = &frame[frame.len() - seen.len()..];
            let tagged = |at: usize| datagram.tags.iter().any(|tag| (*tag..tag + 18).contains(&at));
            let different: BTreeMap<usize, (u8, u8)> = (0..seen.len())
                .filter(|&at| seen[at] != wanted[at] && !tagged(at) && !(6..8).contains(&at))
                .map(|at| (at, (seen[at], wanted[at])))
                .collect();
            assert!(different.is_empty(), "{stack} {index}: {different:?}");
        }
    }
}

/// Inside a tunnel the pieces are those that the inner packet has without it, and every outer header
/// is one of a whole packet.
#[test]
fn inner_packets_are_cut_like_outer_ones() {
    let inner = "ipv6: {src: {increment: '2001:2::1', count: 9}, dst: '2001:2::ff'}, udp: {src: 7}";
    let frames = |stack: &str, size: usize, header: &str| -> Vec<Vec<Vec<u8>>> {
        let cut = format!("{{count: 3, order: reversed{header}}}");
        let keys = format!("size: {size}B, tag: false, payload: increment");
        let text = yaml(stack, &keys, &cut).replace("b2b", "router");
        let profile = profile::parse("cut.yaml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
        let pieces = 0..profile.streams.len();
        let program = |n| compile(&profile, n, &addressing(), 1).expect("compiles");
        pieces.map(|n| (0..COUNT as u64).map(|i| packet(&program(n), i)).collect()).collect()
    };
    let alone = frames(&format!("[{inner}]"), 900, "");
    for (tunnel, len) in [
        ("ipv4, gre", 24),
        ("ipv4", 20),
        (
            "ipv6, udp: {checksum: 0}, vxlan, ethernet: {src: '02:00:00:00:00:01', dst: '02:00:00:00:00:06'}",
            70,
        ),
    ] {
        let header =
            if tunnel.starts_with("ipv6") { ", header: 'ipv6[1]'" } else { ", header: ipv6" };
        let tunnelled = frames(&format!("[{tunnel}, {inner}]"), 900 + len, header);
        assert_eq!(tunnelled.len(), alone.len());
        for (outer, inner) in tunnelled.iter().flatten().zip(alone.iter().flatten()) {
            let (outer_ip, own) = (&outer[14..], &outer[14 + len..]);
            assert_eq!(own, &inner[14..], "{tunnel}");
            let told = match outer_ip[0] >> 4 {
                4 => usize::from(u16::from_be_bytes([outer_ip[2], outer_ip[3]])),
                _ => 40 + usize::from(u16::from_be_bytes([outer_ip[4], outer_ip[5]])),
            };
            assert_eq!(told, outer_ip.len(), "{tunnel}");
        }
    }
}

/// As Linux does it: no operations stand in for an option that is in the first piece alone, and the
/// others keep their values.
#[test]
fn later_pieces_have_only_the_options_that_are_copied() {
    let options = "options: [{record_route: {route: [0.0.0.0, {increment: 198.18.9.2}]}}, router_alert, \
                   raw: {type: 0x9e, data: 0102}, nop]";
    let text = yaml(&format!("[{{ipv4: {{{options}}}}}, udp]"), "size: 1600B", "{mtu: 600}");
    let profile = profile::parse("cut.yaml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let copied = [148, 4, 0, 0, 0x9e, 4, 1, 2, 1];
    for piece in 0..3 {
        let program = compile(&profile, piece, &addressing(), 1).expect("compiles");
        for index in 0..COUNT as u64 {
            let frame = packet(&program, index);
            let mut wanted = match piece {
                0 => vec![7, 11, 4, 0, 0, 0, 0, 198, 18, 9, 2 + index as u8],
                _ => vec![1; 11],
            };
            wanted.extend(copied);
            assert_eq!((frame[14], &frame[34..54]), (0x4a, &wanted[..]), "piece {piece}");
            let header = wirestorm::wire::ipv4::Packet::new_checked(&frame[14..]).expect("IPv4");
            assert!(header.verify_checksum(), "piece {piece}, packet {index}");
        }
    }
}

fn has_scapy(python: &str) -> bool {
    let found = Command::new(python).args(["-c", "import scapy"]).output();
    found.is_ok_and(|output| output.status.success())
}
