//! A socket of this kernel takes datagrams with options and extension headers: lengths, chains and
//! checksums are right in the eyes of a receiver.

mod common;
mod engine_support;
mod packets;

use std::net::{IpAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use engine_support::{Pair, ip, slots};
use wirestorm::engine::frames::FrameEngine;
use wirestorm::engine::{Engine, Programs, packet_mmap};
use wirestorm::packet::Addressing;
use wirestorm::packet::compile::compile;
use wirestorm::sys::clock::Monotonic;
use wirestorm::sys::netns::Netns;

/// Packets of each stack.
const PACKETS: u64 = 3;
const PORT: u16 = 5000;

/// What the kernel must be told before it takes source routes and segments.
const SETTINGS: [(&str, &str); 5] = [
    ("ipv4/conf/all/accept_source_route", "1"),
    ("ipv4/conf/rx0/accept_source_route", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv6/conf/all/seg6_enabled", "1"),
    ("ipv6/conf/rx0/seg6_enabled", "1"),
];

/// A pair whose receiving end has two addresses of each family, and the addressing towards it.
fn receiver() -> (Pair, Addressing) {
    let pair = Pair::new(1);
    pair.rx
        .run(|| {
            std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0").ok();
            std::fs::write("/proc/sys/net/ipv6/conf/rx0/disable_ipv6", "0").ok();
            for (name, value) in SETTINGS {
                std::fs::write(format!("/proc/sys/net/{name}"), value).expect(name);
            }
        })
        .expect("in the namespace");
    ip(&pair.rx, "link set lo up");
    for address in ["198.18.0.2/24", "198.18.0.3/24"] {
        ip(&pair.rx, &format!("addr add {address} dev rx0"));
    }
    for address in ["2001:2::2/64", "2001:2::3/64"] {
        ip(&pair.rx, &format!("addr add {address} dev rx0 nodad"));
    }
    // Who receives also looks at the way back.
    ip(&pair.rx, "neigh add 198.18.0.1 lladdr 02:00:00:00:00:01 dev rx0");
    let link = ip(&pair.rx, "-o link show rx0");
    let mac = link.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
    let mac: Vec<u8> = mac
        .expect("a MAC")
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal"))
        .collect();
    let mac = mac.try_into().expect("six bytes");
    let addressing = Addressing {
        source_mac: [2, 0, 0, 0, 0, 1],
        next_hop_mac_ipv4: mac,
        next_hop_mac_ipv6: mac,
        source_ipv4: Some([198, 18, 0, 1].into()),
        source_ipv6: Some("2001:2::1".parse().expect("an address")),
        destination_ipv4: Some([198, 18, 0, 2].into()),
        destination_ipv6: Some("2001:2::2".parse().expect("an address")),
    };
    (pair, addressing)
}

fn send(netns: &Netns, addressing: &Addressing, stack: &str) {
    let text =
        format!("lab: b2b\nstreams:\n- {{rate: 1kpps, count: 9, size: 400B, packet: {stack}}}");
    let profile = wirestorm::profile::parse("test.yaml", &text, &[]);
    let profile = profile.unwrap_or_else(|errors| panic!("{errors}"));
    let program = compile(&profile, 0, addressing, 1).unwrap_or_else(|error| panic!("{error}"));
    let programs: Programs = [program.into()].into();
    let ring = netns
        .run(|| packet_mmap::open(netns, "tx0", 0, 400).expect("opens"))
        .expect("in the namespace");
    let mut engine = FrameEngine::new(ring, Monotonic, programs);
    let taken = engine.transmit(&slots(0, 0..PACKETS)).expect("the link is up");
    assert_eq!(taken as u64, PACKETS);
    engine.drain(2_000_000_000).expect("the link is up");
}

#[test]
fn a_udp_socket_takes_options_and_extension_headers() {
    if !common::privileged("a_udp_socket_takes_options_and_extension_headers") {
        return;
    }
    let (pair, addressing) = receiver();
    let open = |any: IpAddr| {
        let socket = pair.rx.run(|| UdpSocket::bind((any, PORT))).expect("in the namespace");
        let socket = socket.expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a time-out");
        socket
    };
    let ipv4 = [
        "nop, record_route",
        "timestamp",
        "timestamp_addresses",
        "timestamp_prespecified: {addresses: [198.18.0.2]}",
        "security, eol",
        "basic_security: {authorities: 80}",
        "stream_id, router_alert",
        "raw: {type: 0x5e, data: 0102}",
        "loose_source_route: {route: [198.18.0.9], pointer: 8}",
        "loose_source_route: {route: [198.18.0.3]}",
        "strict_source_route: {route: [198.18.0.3]}",
    ];
    let ipv6 = [
        "hop_by_hop",
        "hop_by_hop: {options: [experiment: {data: 0102030405060708090a}, router_alert]}",
        "destination_options: {options: [pad1, pad_n: {data: 0000}, experiment]}",
        "fragment: {id: {increment: 7}}",
        "routing_type0: {addresses: [\"2001:2::3\"], segments_left: 0}",
        "srh: {segments: [\"2001:2::3\", \"2001:2::2\"]}",
        "srh: {segments: [\"2001:2::2\"], tlvs: [raw: {type: 0x7c, data: 0102}]}",
        "hop_by_hop, destination_options, srh: {segments: [\"2001:2::3\", \"2001:2::2\"]}, \
         fragment, destination_options",
    ];
    let ipv4 =
        ipv4.map(|options| format!("[ipv4: {{options: [{options}]}}, udp: {{dst: {PORT}}}]"));
    let ipv6 = ipv6.map(|chain| format!("[ipv6, {chain}, udp: {{dst: {PORT}}}]"));
    let mut missed = Vec::new();
    for (any, stacks) in [("0.0.0.0", &ipv4[..]), ("::", &ipv6[..])] {
        let socket = open(any.parse().expect("an address"));
        let mut buffer = [0; 2000];
        for stack in stacks {
            send(&pair.tx, &addressing, stack);
            let taken = (0..PACKETS).take_while(|_| socket.recv(&mut buffer).is_ok()).count();
            if taken as u64 != PACKETS {
                missed.push(format!("{taken} of {PACKETS}: {stack}"));
            }
        }
        // The judge judges: a bad checksum is not taken.
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
        let ip = if any == "::" { "ipv6" } else { "ipv4" };
        send(&pair.tx, &addressing, &format!("[{ip}, udp: {{dst: {PORT}, checksum: bad}}]"));
        assert!(socket.recv(&mut buffer).is_err(), "{ip}: a bad checksum was taken");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Counts the datagrams that a UDP-Lite socket takes.
const UDP_LITE_SOCKET: &str = "
import socket, sys
try:
    taker = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, 136)
except OSError:
    sys.exit(3)
taker.bind(('::', int(sys.argv[1])))
taker.settimeout(2)
print('ready', flush=True)
count = 0
try:
    while count < int(sys.argv[2]):
        taker.recv(2000)
        count += 1
except TimeoutError:
    pass
print(count)
";

#[test]
fn a_udp_lite_socket_takes_full_and_partial_coverage() {
    use std::io::{BufRead, BufReader};
    if !common::privileged("a_udp_lite_socket_takes_full_and_partial_coverage") {
        return;
    }
    let (pair, addressing) = receiver();
    let stacks: Vec<String> = ["", ", coverage: 0", ", coverage: 8", ", coverage: 31"]
        .iter()
        .flat_map(|rest| {
            ["ipv4", "ipv6", "ipv6, destination_options"]
                .map(|ip| format!("[{ip}, udp_lite: {{dst: {PORT}{rest}}}]"))
        })
        .collect();
    let count = (stacks.len() as u64 * PACKETS).to_string();
    let taker = pair.rx.run(|| {
        Command::new("/usr/bin/python3")
            .args(["-c", UDP_LITE_SOCKET, &PORT.to_string(), &count])
            .stdout(Stdio::piped())
            .spawn()
    });
    let mut taker = taker.expect("in the namespace").expect("python3");
    let mut lines = BufReader::new(taker.stdout.take().expect("a pipe")).lines();
    let Some(ready) = lines.next() else {
        assert_eq!(taker.wait().expect("it ends").code(), Some(3));
        println!("skipped: this kernel has no UDP-Lite");
        return;
    };
    assert_eq!(ready.expect("a line"), "ready");
    for stack in &stacks {
        send(&pair.tx, &addressing, stack);
    }
    let taken = lines.next().expect("a count").expect("a line");
    taker.wait().expect("it ends");
    assert_eq!(taken, count);
}

/// `auto` says why it does not build SCTP in the kernel, and the packets arrive and are measured.
#[test]
fn sctp_and_udp_lite_are_measured_end_to_end() {
    if !common::privileged("sctp_and_udp_lite_are_measured_end_to_end") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sctp.yaml");
    let text = "lab: b2b\nstreams:\n\
        - {rate: 1kpps, count: 50, size: 130B, packet: [ipv4, sctp, sctp_data: {tsn: {increment: \
        1}}]}\n\
        - {rate: 1kpps, count: 50, size: 130B, packet: [ipv4, udp_lite: {coverage: 26}]}\n";
    std::fs::write(&path, text).expect("the profile is written");
    let run = common::run(&[path.to_str().expect("UTF-8")]);
    // A busy machine leaves slots unsent; what was sent arrives and is recognised.
    assert_eq!(run.total("sent") + run.total("unsent"), 100, "{}", run.stderr);
    assert_eq!(run.total("unique"), run.total("sent"), "{}", run.stderr);
    let streams = run.json["streams"].as_array().expect("streams");
    let arrived = |stream: &serde_json::Value| stream["unique"].as_u64().is_some_and(|n| n > 0);
    assert!(streams.len() == 2 && streams.iter().all(arrived), "{streams:?}");
    assert!(run.json.to_string().contains("CRC32c"), "{}", run.json);
}
