//! What the kernel does to packets in each kind of raw socket: the tables of `docs/raw-sockets.md` are
//! what this test sees leave, over a veth pair; and the engine's own model of it agrees with the kernel
//! for packets of all sorts.
//!
//! After a change: `WIRESTORM_UPDATE_DOCS=1 cargo test --test raw_sockets`.

mod common;
mod engine_support;
mod raw_bench;

use std::fmt::Write;
use std::net::IpAddr;
use std::os::fd::AsFd;

use common::root;
use engine_support::privileged;
use raw_bench::{Bench, NEAR4, NEAR6, PEER4, PEER6, SILENT4, SILENT6, ipv4, ipv6, seal};
use socket2::{Domain, Protocol, Socket, Type};
use wirestorm::engine::raw::kernel::{Change, change};
use wirestorm::packet::random;
use wirestorm::sys::raw_sender::RawSender;
use wirestorm::sys::raw_socket::set_option;

/// Before and after the tables in the page.
const MARKS: [&str; 2] = ["<!-- made by tests/raw_sockets.rs -->", "<!-- end -->"];

const IPV6_HDRINCL: libc::c_int = 36;

/// What is around the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Nothing,
    /// A rule of nftables asks for connections.
    Tracking,
    /// So it does, but another one exempts everything.
    Exempt,
    /// A rule of nftables drops what goes out.
    Filter,
    /// The device's queueing discipline drops everything.
    Full,
}

/// A packet that is handed to whole-packet sockets, and the address that they are told.
struct Row {
    text: &'static str,
    packet: Vec<u8>,
    to: &'static str,
    around: Around,
}

fn row(text: &'static str, packet: Vec<u8>, to: &'static str) -> Row {
    Row { text, packet, to, around: Around::Nothing }
}

fn ipv4_rows() -> Vec<Row> {
    let with = |at: usize, bytes: &[u8]| {
        let mut packet = ipv4(80);
        packet[at..at + bytes.len()].copy_from_slice(bytes);
        packet
    };
    let sealed = |at, bytes: &[u8]| seal(with(at, bytes));
    let mut options = ipv4(80);
    options[0] = 0x47;
    options[20..28].copy_from_slice(&[1, 7, 7, 4, 0, 0, 0, 0]);
    let dont = |len| {
        let mut packet = ipv4(len);
        packet[6] = 0x40;
        seal(packet)
    };
    let around = |around, row| Row { around, ..row };
    let fragment = || sealed(6, &[0x20, 0]);
    vec![
        row("all of it right", ipv4(80), PEER4),
        row("identification 0, DF set", sealed(4, &[0, 0, 0x40, 0]), PEER4),
        row("identification 0, DF clear", sealed(4, &[0, 0]), PEER4),
        row("identification 0, DF clear, a fragment", sealed(4, &[0, 0, 0x20, 4]), PEER4),
        row("a wrong header checksum", with(10, &[0xba, 0xad]), PEER4),
        row("a total length that is too small", sealed(2, &[0, 40]), PEER4),
        row("a total length that is too large", sealed(2, &[0, 200]), PEER4),
        row("source 0.0.0.0", sealed(12, &[0; 4]), PEER4),
        row("a source that is not this machine's", sealed(12, &[192, 0, 2, 9]), PEER4),
        row("a destination other than the address told", sealed(16, &[192, 0, 2, 9]), PEER4),
        row("this machine's own address as destination", sealed(16, &[198, 18, 0, 1]), PEER4),
        row("handed to an address of this machine", ipv4(80), NEAR4),
        row("options (no-operation, record route)", seal(options), PEER4),
        row("version 6", sealed(0, &[0x65]), PEER4),
        row("a header length of 16 bytes, a wrong checksum", with(0, &[0x44]), PEER4),
        row(
            "a header length beyond its end",
            seal(ipv4(60)[..40].to_vec()).tap(|p| p[0] = 0x4f),
            PEER4,
        ),
        row("TTL 0", sealed(8, &[0]), PEER4),
        row("DSCP and ECN", sealed(1, &[0xb9]), PEER4),
        row("the reserved flag", sealed(6, &[0x80, 0]), PEER4),
        row("a first fragment", fragment(), PEER4),
        row("a last fragment", sealed(6, &[0, 9]), PEER4),
        row("longer than the device's MTU", ipv4(1501), PEER4),
        row("longer than the route's MTU, DF clear", ipv4(1200), "198.18.9.9"),
        row("longer than the route's MTU, DF set", dont(1200), "198.18.9.9"),
        row("a next hop that does not answer", ipv4(80), SILENT4),
        around(
            Around::Tracking,
            row("a first fragment, with connection tracking", fragment(), PEER4),
        ),
        around(Around::Exempt, row("the same, with `notrack` at priority −450", fragment(), PEER4)),
        around(Around::Filter, row("anything, where an output hook drops it", ipv4(80), PEER4)),
        around(
            Around::Full,
            row("anything, where the queueing discipline drops it", ipv4(80), PEER4),
        ),
    ]
}

fn ipv6_rows() -> Vec<Row> {
    let with = |at: usize, bytes: &[u8]| {
        let mut packet = ipv6(100);
        packet[at..at + bytes.len()].copy_from_slice(bytes);
        packet
    };
    // A fragment header before data of a multiple of 8 bytes: offset 0, more to come.
    let fragment = || {
        let packet = ipv6(104).tap(|p| p[6] = 44);
        packet.tap(|p| p[40..48].copy_from_slice(&[253, 0, 0, 1, 0, 0, 0, 0]))
    };
    let options = with(6, &[60]).tap(|p| p[40..48].copy_from_slice(&[253, 0, 1, 4, 0, 0, 0, 0]));
    let udp = with(6, &[17]).tap(|p| p[40..48].copy_from_slice(&[4, 0, 0, 9, 0, 60, 0, 0]));
    let group = with(24, &[0xff, 1]).tap(|p| p[26..40].fill(0)).tap(|p| p[39] = 1);
    let around = |around, row| Row { around, ..row };
    let other = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let own = [0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    vec![
        row("all of it right", ipv6(100), PEER6),
        row("flow label and traffic class", with(0, &[0x6b, 0x9a, 0xbc, 0xde]), PEER6),
        row("a payload length that is too small", with(4, &[0, 10]), PEER6),
        row("a payload length that is too large", with(4, &[0, 200]), PEER6),
        row("source ::", with(8, &[0; 16]), PEER6),
        row("a source that is not this machine's", with(8, &other), PEER6),
        row("a destination other than the address told", with(24, &other), PEER6),
        row("this machine's own address as destination", with(24, &own), PEER6),
        row("handed to an address of this machine", ipv6(100), NEAR6),
        row("version 4", with(0, &[0x40]), PEER6),
        row("hop limit 0", with(7, &[0]), PEER6),
        row("destination options", options, PEER6),
        row("a first fragment, identification 0", fragment(), PEER6),
        row("a UDP checksum of 0", udp, PEER6),
        row("a group that no link carries (ff01::1)", group, PEER6),
        row("shorter than a header", ipv6(60)[..39].to_vec(), PEER6),
        row("longer than the device's MTU", ipv6(1501), PEER6),
        row("longer than the route's MTU", ipv6(1400), "2001:2:9::9"),
        row("a next hop that does not answer", ipv6(100), SILENT6),
        around(
            Around::Tracking,
            row("a first fragment, with connection tracking", fragment(), PEER6),
        ),
        around(Around::Exempt, row("the same, with `notrack` at priority −450", fragment(), PEER6)),
        around(Around::Filter, row("anything, where an output hook drops it", ipv6(100), PEER6)),
        around(
            Around::Full,
            row("anything, where the queueing discipline drops it", ipv6(100), PEER6),
        ),
    ]
}

/// Changes a value in passing.
trait Tap: Sized {
    fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Tap for Vec<u8> {}

/// The sockets that whole packets are handed to.
enum Whole {
    Plain(Socket),
    Engines(RawSender),
}

impl Whole {
    fn send(&self, bench: &Bench, to: &str, packet: &[u8]) -> String {
        let to: IpAddr = to.parse().expect("an address");
        let address = socket2::SockAddr::from(std::net::SocketAddr::new(to, 0));
        let sent = match self {
            Self::Plain(socket) => socket.send_to(packet, &address).map(drop),
            Self::Engines(sender) => match sender.send(std::iter::once((packet, &address))) {
                (_, Some(error)) => Err(error),
                (taken, None) => {
                    assert_eq!(taken, 1);
                    Ok(())
                }
            },
        };
        bench.left(packet, to.is_ipv6(), sent)
    }
}

fn plain(bench: &Bench, domain: Domain, protocol: i32) -> Socket {
    let open = || Socket::new(domain, Type::RAW, Some(Protocol::from(protocol)));
    bench.tx.run(open).expect("the namespace is ours").expect("privileged")
}

fn engines(bench: &Bench, ipv6: bool) -> Whole {
    let open = || RawSender::open(ipv6, bench.index, 1 << 20);
    let opened = bench.tx.run(open).expect("the namespace is ours");
    Whole::Engines(opened.unwrap_or_else(|(step, error)| panic!("{step}: {error}")))
}

fn table(bench: &Bench, heads: &[&str], sockets: &[Whole], rows: Vec<Row>) -> String {
    let mut text =
        format!("| packet | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for Row { text: packet_text, packet, to, around } in rows {
        match around {
            Around::Nothing => {}
            Around::Tracking => bench.rule(0, "ct state new accept"),
            Around::Exempt => {
                bench.rule(0, "ct state new accept");
                bench.rule(-450, "notrack");
            }
            Around::Filter => bench.rule(0, "drop"),
            Around::Full => bench.tc("qdisc add dev tx0 root bfifo limit 1"),
        }
        let seen: Vec<String> = sockets.iter().map(|s| s.send(bench, to, &packet)).collect();
        let _ = writeln!(text, "| {packet_text} | {} |", seen.join(" | "));
        match around {
            Around::Nothing => {}
            Around::Tracking | Around::Exempt | Around::Filter => bench.no_rules(),
            Around::Full => bench.tc("qdisc del dev tx0 root"),
        }
    }
    text
}

/// Sockets that are given what follows the IP header.
fn kernels_header(bench: &Bench) -> String {
    let mut text = String::from("| socket | data | what leaves |\n|---|---|---|\n");
    let mut row = |kind: &str, data: &str, socket: &Socket, to: &str, bytes: &[u8]| {
        let to: IpAddr = to.parse().expect("an address");
        let address = socket2::SockAddr::from(std::net::SocketAddr::new(to, 0));
        let sent = socket.send_to(bytes, &address).map(drop);
        let _ = writeln!(text, "| {kind} | {data} | {} |", bench.made(bytes, to.is_ipv6(), sent));
    };
    let data = |len: usize| vec![0xc3; len];
    let v4 = plain(bench, Domain::IPV4, 253);
    row("IPv4, protocol 253", "60 bytes", &v4, PEER4, &data(60));
    row("IPv4, protocol 253", "more than the MTU", &v4, PEER4, &data(2000));
    let v6 = plain(bench, Domain::IPV6, 253);
    row("IPv6, protocol 253", "60 bytes", &v6, PEER6, &data(60));
    row("IPv6, protocol 253", "more than the MTU", &v6, PEER6, &data(2000));
    let udp = || {
        let mut datagram = data(60);
        datagram[..8].copy_from_slice(&[4, 0, 0, 9, 0, 60, 0, 0]);
        datagram
    };
    let v6udp = plain(bench, Domain::IPV6, 17);
    row("IPv6, protocol 17", "UDP with a checksum of 0", &v6udp, PEER6, &udp());
    set_option(v6udp.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_CHECKSUM, 6u32).expect("an option");
    let kind = "IPv6, protocol 17, `IPV6_CHECKSUM` 6";
    row(kind, "UDP with a checksum of 0", &v6udp, PEER6, &udp());
    let options = [0u8, 0, 1, 4, 0, 0, 0, 0];
    let sticky = plain(bench, Domain::IPV6, 253);
    set_option(sticky.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_DSTOPTS, options).expect("an option");
    row("IPv6, protocol 253, `IPV6_DSTOPTS`", "60 bytes", &sticky, PEER6, &data(60));
    let fragment = plain(bench, Domain::IPV6, 44);
    let piece = data(60).tap(|p| p[..8].copy_from_slice(&[253, 0, 0, 1, 0, 0, 0, 7]));
    row("IPv6, protocol 44", "a fragment header and data", &fragment, PEER6, &piece);
    text
}

fn facts(bench: &Bench) -> String {
    let v4 = [Whole::Plain(plain(bench, Domain::IPV4, libc::IPPROTO_RAW)), engines(bench, false)];
    let with_option = plain(bench, Domain::IPV6, 17);
    set_option(with_option.as_fd(), libc::IPPROTO_IPV6, IPV6_HDRINCL, 1u32).expect("an option");
    let v6 = [
        Whole::Plain(plain(bench, Domain::IPV6, libc::IPPROTO_RAW)),
        Whole::Plain(with_option),
        engines(bench, true),
    ];
    let heads4 = ["`IPPROTO_RAW`, which has `IP_HDRINCL`", "as `--engine raw` opens it"];
    let heads6 =
        ["`IPPROTO_RAW`", "`IPPROTO_UDP` and `IPV6_HDRINCL`", "as `--engine raw` opens it"];
    format!(
        "### Whole IPv4 packets\n\n{}\n### Whole IPv6 packets\n\n{}\n### What follows a header of the \
         kernel's\n\n{}",
        table(bench, &heads4, &v4, ipv4_rows()),
        table(bench, &heads6, &v6, ipv6_rows()),
        kernels_header(bench)
    )
}

#[test]
fn the_documentation_says_what_the_kernel_does() {
    if !privileged("the_documentation_says_what_the_kernel_does") {
        return;
    }
    let facts = facts(&Bench::new());
    let path = root().join("docs/raw-sockets.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let [begin, end] = MARKS.map(|mark| page.find(mark).expect("the page has both marks"));
    let begin = begin + MARKS[0].len();
    if std::env::var_os("WIRESTORM_UPDATE_DOCS").is_some() {
        let text = format!("{}\n\n{facts}\n{}", &page[..begin], &page[end..]);
        std::fs::write(&path, text).expect("written");
        return;
    }
    let told = page[begin..end].trim();
    for (told, seen) in told.lines().zip(facts.trim().lines()) {
        assert_eq!(
            told, seen,
            "docs/raw-sockets.md is old: WIRESTORM_UPDATE_DOCS=1 writes it anew"
        );
    }
    assert_eq!(told, facts.trim());
}

/// Packets of all sorts: those that the model lets through arrive byte for byte, those that it calls
/// changed do not.
#[test]
fn the_model_is_the_kernels() {
    if !privileged("the_model_is_the_kernels") {
        return;
    }
    let bench = Bench::new();
    let sockets = [engines(&bench, false), engines(&bench, true)];
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..600u64 {
        let is_ipv6 = n % 3 == 0;
        let packet = if is_ipv6 { any_ipv6(n) } else { any_ipv4(n) };
        let expected = change(&packet, is_ipv6);
        let to = if is_ipv6 { PEER6 } else { PEER4 };
        let left = sockets[usize::from(is_ipv6)].send(&bench, to, &packet);
        let told = format!("{n}: {expected:?}, {left}: {packet:02x?}");
        match expected {
            None => assert_eq!(left, "as it is", "{told}"),
            Some(Change::Refused) => assert_eq!(left, "refused: EINVAL", "{told}"),
            Some(Change::Kept) => assert_eq!(left, "nothing leaves", "{told}"),
            Some(Change::Source) => assert!(left.contains("source"), "{told}"),
            Some(Change::TotalLength) => assert!(left.contains("total length"), "{told}"),
            Some(Change::Identification) => assert!(left.contains("identification"), "{told}"),
            Some(Change::Checksum) => assert!(left.contains("checksum"), "{told}"),
        }
        *seen.entry((is_ipv6, expected)).or_insert(0) += 1;
    }
    for ipv4 in [
        None,
        Some(Change::Refused),
        Some(Change::Source),
        Some(Change::TotalLength),
        Some(Change::Identification),
        Some(Change::Checksum),
    ] {
        assert!(seen.get(&(false, ipv4)).is_some_and(|&count| count >= 5), "{ipv4:?}: {seen:?}");
    }
    for ipv6 in [None, Some(Change::Refused), Some(Change::Kept)] {
        assert!(seen.get(&(true, ipv6)).is_some_and(|&count| count >= 3), "{ipv6:?}: {seen:?}");
    }
}

/// One of `choices`, by a draw.
fn one_of<T: Copy, const N: usize>(n: u64, field: u64, choices: [T; N]) -> T {
    choices[random::below(random::mix(field), n, N as u64) as usize]
}

fn any_ipv4(n: u64) -> Vec<u8> {
    let draw = |field, below| random::below(random::mix(field), n, below);
    let mut packet = ipv4(20 + draw(1, 200) as usize);
    let words = one_of(n, 2, [5, 5, 5, 5, 6, 9, 15, 3, 0]);
    packet[0] = 0x40 | words;
    packet[1] = draw(3, 256) as u8;
    let wrong = one_of(n, 4, [0, 0, 0, 0, 0, 1, 0xffff]);
    let total = (packet.len() as u16).wrapping_add(wrong);
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[4..6].copy_from_slice(&one_of(n, 5, [0u16, 0, 1, 0xffff, 0x100]).to_be_bytes());
    packet[6] = one_of(n, 6, [0, 0x40, 0x40, 0x20, 0x80, 0xe1]);
    packet[8] = draw(7, 256) as u8;
    if draw(8, 8) == 0 {
        packet[12..16].fill(0);
    }
    let mut packet = seal(packet);
    if draw(9, 6) == 0 {
        packet[11] ^= 0x10;
    }
    packet
}

fn any_ipv6(n: u64) -> Vec<u8> {
    let draw = |field, below| random::below(random::mix(field), n, below);
    let mut packet = ipv6(40 + draw(1, 200) as usize);
    packet[1..4].copy_from_slice(&(draw(2, 1 << 24) as u32).to_be_bytes()[1..]);
    packet[5] = draw(3, 256) as u8;
    packet[7] = draw(4, 256) as u8;
    if draw(5, 4) == 0 {
        // A group of any scope.
        packet[24..26].copy_from_slice(&[0xff, draw(6, 16) as u8]);
    }
    if draw(7, 12) == 0 {
        packet.truncate(39);
    }
    packet
}
