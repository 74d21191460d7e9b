//! `wirestorm ping` against a host in a namespace: what it counts, and how it ends.

mod chain;
mod common;

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use chain::{Chain, json};
use common::{assert_is_as, privileged, root, wirestorm};
use socket2::{Domain, Protocol, Socket, Type};
use wirestorm::wire::icmp;

fn ping(chain: &Chain, more: &[&str], host: &str) -> Output {
    let mut command = wirestorm();
    let interval: &[&str] = if more.contains(&"-i") { &[] } else { &["-i", "5ms"] };
    chain.run(0, command.arg("ping").args(interval).args(more).arg(host))
}

/// The JSON result, as its schema has it.
fn result_of(output: &Output) -> serde_json::Value {
    let result = json(output);
    assert_is_as(include_str!("../docs/ping.schema.json"), &result);
    result
}

fn count(result: &serde_json::Value, name: &str) -> u64 {
    result[name].as_u64().unwrap_or_else(|| panic!("{name}: {result:#}"))
}

#[test]
fn replies_are_counted_and_shown() {
    if !privileged("replies_are_counted_and_shown") {
        return;
    }
    let chain = Chain::new(1);
    for v6 in [false, true] {
        let host = chain.destination(v6);
        let output = ping(&chain, &["-c", "5", "-s", "3000"], &host);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.starts_with(&format!("PING {host} ({host}): 3000 data bytes, raw socket\n")));
        let replies = said.lines().filter(|line| line.starts_with("3008 bytes from ")).count();
        assert_eq!(replies, 5, "{said}");
        assert!(said.contains(&format!("from {host}: icmp_seq=5 ttl=63 time=")), "{said}");
        assert!(said.contains("5 packets transmitted, 5 received, 0% packet loss"), "{said}");
        assert!(said.contains("rtt p50/p90/p99/p99.9 = "), "{said}");
    }
}

/// Every tenth request is dropped, the first of them too.
#[test]
fn loss_is_exact() {
    if !privileged("loss_is_exact") {
        return;
    }
    let chain = Chain::new(1);
    chain.nft(
        1,
        "table inet drops { chain f { type filter hook forward priority 0; \
         icmp type echo-request numgen inc mod 10 == 0 drop; \
         icmpv6 type echo-request numgen inc mod 10 == 0 drop;\n}\n}\n",
    );
    for v6 in [false, true] {
        let more = ["-c", "95", "-W", "300ms", "--json", "-", "-q"];
        let output = ping(&chain, &more, &chain.destination(v6));
        let result = result_of(&output);
        assert_eq!((count(&result, "transmitted"), count(&result, "lost")), (95, 10));
        assert_eq!(count(&result["rtt_ns"], "count"), 85);
        assert_eq!(output.status.code(), Some(0));
    }
    let output = ping(&chain, &["-c", "3", "-W", "100ms", "--json", "-"], "198.18.1.99");
    assert_eq!(output.status.code(), Some(1), "nobody is there");
    assert!(result_of(&output)["rtt_ns"].is_null());
}

/// Answers echo requests 1 to 6 by hand: 2 twice, 3 after 4, 5 with a byte changed.
fn answer_by_hand(socket: &Socket) -> std::io::Result<()> {
    const IP: usize = 20;
    let mut held = None;
    let mut packet = [0; 2048];
    let mut answered = 0;
    while answered < 6 {
        let len = (&*socket).read(&mut packet)?;
        let message = &packet[IP..len];
        if message[0] != 8 {
            continue;
        }
        answered += 1;
        let from = std::net::Ipv4Addr::from(<[u8; 4]>::try_from(&packet[12..16]).expect("four"));
        let to = SocketAddr::from((from, 0)).into();
        let seq = u16::from_be_bytes([message[6], message[7]]);
        let mut reply = message.to_vec();
        if seq == 5 {
            reply[30] ^= 0x10;
        }
        let id = u16::from_be_bytes([reply[4], reply[5]]);
        icmp::Repr { message_type: icmp::ECHO_REPLY, code: 0, id, seq }.emit(&mut reply);
        if seq == 3 {
            held = Some(reply);
            continue;
        }
        socket.send_to(&reply, &to)?;
        if seq == 2 {
            socket.send_to(&reply, &to)?;
        }
        if let (4, Some(held)) = (seq, held.take()) {
            socket.send_to(&held, &to)?;
        }
    }
    Ok(())
}

#[test]
fn duplicates_reordered_and_corrupt_replies_are_told_apart() {
    if !privileged("duplicates_reordered_and_corrupt_replies_are_told_apart") {
        return;
    }
    let chain = Chain::new(0);
    chain.sh(1, "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
    let open = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
    let socket = chain.within(1, open).expect("a raw socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let answering = std::thread::spawn(move || answer_by_hand(&socket));
    let host = chain.destination(false);
    let output = ping(&chain, &["-c", "6", "-W", "5s", "--json", "-", "-i", "50ms"], &host);
    answering.join().expect("no panic").expect("answers");
    let (result, said) = (result_of(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!((count(&result, "transmitted"), count(&result, "received")), (6, 5), "{said}");
    assert_eq!((count(&result, "duplicated"), count(&result, "reordered")), (1, 1), "{said}");
    assert_eq!((count(&result, "corrupt"), count(&result, "lost")), (1, 1), "{said}");
    assert!(said.contains("icmp_seq=5 corrupt: byte 22 is not what was sent"), "{said}");
    assert!(said.contains("(DUP!)") && said.contains("(reordered)"), "{said}");
    assert!(said.contains("6 packets transmitted, 5 received, +1 duplicates"), "{said}");
}

/// As many times stand in the bars as there were replies, and in the JSON's histogram.
#[test]
fn the_histogram_has_every_reply() {
    if !privileged("the_histogram_has_every_reply") {
        return;
    }
    let chain = Chain::new(1);
    let more = ["-q", "-c", "50", "--histogram", "--json", "-"];
    let output = ping(&chain, &more, &chain.destination(true));
    let said = String::from_utf8_lossy(&output.stderr);
    let bars: Vec<(f64, f64, u64)> = said
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [low, "to", high, "ms", count, ..] => {
                    Some((low.parse().ok()?, high.parse().ok()?, count.parse().ok()?))
                }
                _ => None,
            }
        })
        .collect();
    assert_eq!(bars.iter().map(|(_, _, count)| count).sum::<u64>(), 50, "{said}");
    let result = result_of(&output);
    let rtt = &result["rtt_ns"];
    let millis = |name: &str| rtt[name].as_u64().expect("a time") as f64 / 1e6;
    // The ends are rounded to a tenth of a microsecond, the values to a thousandth of themselves.
    let (first, last) = (bars[0], bars[bars.len() - 1]);
    assert!(first.0 <= millis("min") + 1e-4 && millis("min") <= first.1 * 1.001 + 1e-4, "{said}");
    assert!(last.0 <= millis("max") + 1e-4 && millis("max") <= last.1 * 1.001 + 1e-4, "{said}");
    assert!(rtt["histogram"].is_string(), "{rtt}");
}

#[test]
fn errors_are_shown_with_their_source() {
    if !privileged("errors_are_shown_with_their_source") {
        return;
    }
    let chain = Chain::new(2);
    for v6 in [false, true] {
        let (host, router) = (chain.destination(v6), chain.router(1, v6));
        let output = ping(&chain, &["-c", "2", "-t", "1"], &host);
        let said = String::from_utf8_lossy(&output.stdout);
        let word = if v6 { "Hop limit exceeded" } else { "Time to live exceeded" };
        assert!(said.contains(&format!("From {router} icmp_seq=2 {word}")), "{said}");
        assert!(said.contains("2 packets transmitted, 0 received, +2 errors, 100% packet loss"));
        assert_eq!(output.status.code(), Some(1));
    }
    let output = ping(&chain, &["-c", "1"], "203.0.113.1");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("icmp_seq=1 not sent: Network is unreachable"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ping_sockets_need_no_rights() {
    if !privileged("ping_sockets_need_no_rights") {
        return;
    }
    let chain = Chain::new(1);
    let run = |range: &str, v6, more: &[&str]| {
        chain.sh(0, &format!("echo '{range}' > /proc/sys/net/ipv4/ping_group_range"));
        let mut command = Command::new("setpriv");
        command
            .current_dir(root())
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .args(["--bounding-set=-all", env!("CARGO_BIN_EXE_wirestorm")])
            .args(["ping", "-c", "3", "-i", "5ms"])
            .args(more)
            .arg(chain.destination(v6));
        chain.run(0, &mut command)
    };
    for v6 in [false, true] {
        let output = run("0 2147483647", v6, &[]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("56 data bytes, ping socket (unprivileged)"), "{said}");
        assert!(said.contains("icmp_seq=3 ttl=63 time="), "{said}");
        assert!(said.contains("3 packets transmitted, 3 received, 0% packet loss"), "{said}");
        let output = run("0 2147483647", v6, &["-t", "1"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("From {} icmp_seq=3 ", chain.router(1, v6))), "{said}");
        let output = run("1 0", v6, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("put your group into net.ipv4.ping_group_range"), "{said}");
    }
}

#[test]
fn an_interrupt_prints_the_statistics() {
    if !privileged("an_interrupt_prints_the_statistics") {
        return;
    }
    let chain = Chain::new(0);
    let mut command = wirestorm();
    command.args(["ping", "-i", "10ms", &chain.destination(false)]).stdout(Stdio::piped());
    let mut child = chain.spawn(0, &mut command);
    let mut out = child.stdout.take().expect("a pipe");
    let mut said = String::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !said.contains("icmp_seq=3 ") && Instant::now() < deadline {
        let mut some = [0; 512];
        let read = out.read(&mut some).expect("its output");
        said.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(kill.expect("sh starts").success());
    out.read_to_string(&mut said).expect("its output");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{said}");
    assert!(said.contains("ping statistics ---") && said.contains(", 0% packet loss"), "{said}");
}

#[test]
fn usage_and_unknown_hosts_end_with_2() {
    for arguments in [
        &["ping"][..],
        &["ping", "-c", "0", "127.0.0.1"],
        &["ping", "-i", "1ms", "127.0.0.1"],
        &["ping", "-4", "-6", "127.0.0.1"],
        &["ping", "-4", "::1"],
        &["ping", "-I", "nosuch0", "-c", "1", "127.0.0.1"],
    ] {
        let output = wirestorm().args(arguments).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
