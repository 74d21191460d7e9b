use std::net::{IpAddr, SocketAddr};

use super::compose::{Ends, reset};
use super::cut::Fragmenting;
use super::evidence::before;
use super::flow::End;
use super::network::receive;
use super::record::{Outcome, Record};
use super::segment::{ACK, FIN, PSH, RST, SYN, Segment, Trust, pseudo};
use super::settings::{Listener, Settings};
use super::translator::{Link, Side, Translator};
use crate::frontend::ip::Family;
use crate::frontend::serve::fragment::Pieces;
use crate::profile::fragments::Order;
use crate::units::Nanos;
use crate::wire::{checksum, ipv6, tcp};

const FRONT: &str = "[2001:db8::1]:443";
const CLIENT: &str = "[2001:db8:9::2]:50000";
const BACKEND: &str = "198.18.0.9:8443";
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Takes what the translator sends.
#[derive(Default)]
struct Wire {
    clients: Vec<Vec<Vec<u8>>>,
    servers: Vec<Vec<u8>>,
}

impl Link for Wire {
    fn to_client(&mut self, pieces: &Pieces, _: Nanos) {
        self.clients.push(pieces.packets().map(<[u8]>::to_vec).collect());
    }

    fn to_server(&mut self, packet: &[u8], server: SocketAddr) {
        assert_eq!(server, BACKEND.parse().unwrap());
        self.servers.push(packet.to_vec());
    }
}

struct Bench {
    translator: Translator,
    wire: Wire,
    now: u64,
}

/// A segment as an end sends it.
struct Sent<'a> {
    src: SocketAddr,
    dst: SocketAddr,
    seq: u32,
    ack: u32,
    flags: u8,
    options: &'a [u8],
    data: &'a [u8],
}

fn packet(sent: &Sent<'_>) -> Vec<u8> {
    let ends = Ends { src: sent.src, dst: sent.dst, hop_limit: 64, flow_label: 0 };
    let mut out = Vec::new();
    reset(&mut out, &ends, sent.seq, None);
    let ip = out.len() - tcp::LEN;
    out.extend_from_slice(sent.options);
    out.extend_from_slice(sent.data);
    let len = out.len() - ip;
    out[ip + 8..ip + 12].copy_from_slice(&sent.ack.to_be_bytes());
    out[ip + 12] = ((tcp::LEN + sent.options.len()) / 4) as u8 * 16;
    out[ip + 13] = sent.flags;
    out[ip + 16..ip + 18].fill(0);
    let sum = checksum::sum(&out[ip..]) + pseudo(sent.src.ip(), sent.dst.ip(), len);
    out[ip + 16..ip + 18].copy_from_slice(&(!checksum::fold(sum)).to_be_bytes());
    if sent.src.is_ipv4() {
        let total = (out.len() as u16).to_be_bytes();
        out[2..4].copy_from_slice(&total);
        out[10..12].fill(0);
        let sum = checksum::checksum(&out[..ip]);
        out[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        out[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    }
    out
}

/// Puts the fragments of a datagram together, and checks that each is legal.
fn reassemble(pieces: &[Vec<u8>]) -> Vec<u8> {
    if pieces.len() == 1 {
        return pieces[0].clone();
    }
    let mut whole = pieces[0][..ipv6::LEN].to_vec();
    for (n, piece) in pieces.iter().enumerate() {
        let fragment: &[u8; 8] = piece[ipv6::LEN..].first_chunk().unwrap();
        let field = u16::from_be_bytes([fragment[2], fragment[3]]);
        assert_eq!(usize::from(field >> 3) * 8, whole.len() - ipv6::LEN, "no gap, no overlap");
        assert_eq!(field & 1 != 0, n + 1 < pieces.len());
        let part = &piece[ipv6::LEN + 8..];
        assert!(n + 1 == pieces.len() || part.len().is_multiple_of(8));
        whole[6] = fragment[0];
        whole.extend_from_slice(part);
    }
    let len = (whole.len() - ipv6::LEN) as u16;
    whole[4..6].copy_from_slice(&len.to_be_bytes());
    let header = usize::from(whole[ipv6::LEN + 12] >> 4) * 4;
    assert!(pieces[0].len() > ipv6::LEN + 8 + header, "the first has the header, and data");
    whole
}

impl Bench {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let listener = Listener {
            port: 443,
            backend: BACKEND.parse().unwrap(),
            source: IpAddr::from([198, 18, 0, 1]),
            mtu: 1500,
        };
        let front: SocketAddr = FRONT.parse().unwrap();
        let mut settings = Settings::new(vec![listener], vec![front.ip()], 1500);
        change(&mut settings);
        let fragmenting = Fragmenting::new(None, Order::In, Nanos(0));
        let translator = Translator::new(settings, fragmenting);
        Self { translator, wire: Wire::default(), now: SECOND }
    }

    fn client(&mut self, from: &str, seq: u32, ack: u32, flags: u8, options: &[u8], data: &[u8]) {
        let (src, dst) = (from.parse().unwrap(), FRONT.parse().unwrap());
        let bytes = packet(&Sent { src, dst, seq, ack, flags, options, data });
        self.give(Side::Clients, Family::V6, &bytes);
    }

    /// From the server, to the port of the last packet that it got.
    fn server(&mut self, seq: u32, ack: u32, flags: u8, options: &[u8], data: &[u8]) {
        let last = self.to_server().dst_of_answer;
        let bytes = packet(&Sent {
            src: BACKEND.parse().unwrap(),
            dst: last,
            seq,
            ack,
            flags,
            options,
            data,
        });
        self.give(Side::Servers, Family::V4, &bytes);
    }

    fn give(&mut self, side: Side, family: Family, bytes: &[u8]) {
        let (now, wire) = (self.now, &mut self.wire);
        receive(&mut self.translator, side, family, bytes, Trust::Verify, now, wire);
    }

    fn to_server(&self) -> ToServer {
        let bytes = self.wire.servers.last().expect("something went to the server");
        let segment = Segment::parse(bytes, Trust::Verify).unwrap();
        ToServer {
            dst_of_answer: segment.src,
            seq: segment.seq(),
            flags: segment.flags(),
            mss: segment.options().mss.map(|(mss, _)| mss),
        }
    }

    /// SYN, SYN and ACK, ACK: the client's numbers begin at 100, the server's at 1000.
    fn connect(&mut self, client: &str) {
        self.client(client, 100, 0, SYN, &MSS_AND_STAMPS, &[]);
        self.server(1000, 101, SYN | ACK, &MSS_AND_STAMPS, &[]);
        self.now += 10 * MS;
        self.client(client, 101, 1001, ACK, &stamps(1, 1), &[]);
        self.wire.clients.clear();
    }

    fn after(&mut self, nanos: u64) {
        self.now += nanos;
        for _ in 0..12 {
            self.translator.tick(self.now, &mut self.wire);
        }
    }

    fn over(&mut self) -> Vec<Record> {
        self.translator.take_over().collect()
    }
}

struct ToServer {
    dst_of_answer: SocketAddr,
    seq: u32,
    flags: u8,
    mss: Option<u16>,
}

/// MSS 1440, SACK permitted, time stamps.
const MSS_AND_STAMPS: [u8; 20] =
    [2, 4, 0x05, 0xa0, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

fn stamps(value: u32, echo: u32) -> [u8; 12] {
    let mut options = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
    options[4..8].copy_from_slice(&value.to_be_bytes());
    options[8..].copy_from_slice(&echo.to_be_bytes());
    options
}

#[test]
fn a_connection_is_translated_both_ways() {
    let mut bench = Bench::new(|_| {});
    bench.client(CLIENT, 100, 0, SYN, &MSS_AND_STAMPS, &[]);
    let syn = bench.to_server();
    assert_eq!((syn.seq, syn.flags), (100, SYN));
    assert_eq!(syn.mss, Some(1212), "1200 bytes of data and 12 of time stamps");
    assert!((10_240..=32_767).contains(&syn.dst_of_answer.port()));
    bench.server(1000, 101, SYN | ACK, &MSS_AND_STAMPS, &[]);
    let answer = reassemble(&bench.wire.clients[0]);
    let answer = Segment::parse(&answer, Trust::Verify).unwrap();
    assert_eq!((answer.src, answer.dst), (FRONT.parse().unwrap(), CLIENT.parse().unwrap()));
    assert_eq!((answer.seq(), answer.ack()), (1000, Some(101)));
    bench.client(CLIENT, 101, 1001, ACK | PSH, &stamps(2, 1), b"GET / HTTP/1.1\r\n\r\n");
    let asked = bench.wire.servers.last().unwrap();
    assert!(asked.ends_with(b"GET / HTTP/1.1\r\n\r\n"));
}

#[test]
fn what_the_server_sends_is_cut_and_fragmented() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    // As one merged frame.
    let data: Vec<u8> = (0..30_017u32).map(|n| n as u8).collect();
    bench.server(1001, 101, ACK | PSH | FIN, &stamps(5, 1), &data);
    let sent = std::mem::take(&mut bench.wire.clients);
    assert_eq!(sent.len(), 26);
    let mut seen = Vec::new();
    for (n, pieces) in sent.iter().enumerate() {
        let last = n + 1 == sent.len();
        // 17 bytes are left for the last.
        assert_eq!(pieces.len(), 2, "{n}");
        let whole = reassemble(pieces);
        let segment = Segment::parse(&whole, Trust::Verify).unwrap();
        assert_eq!(segment.seq(), 1001 + seen.len() as u32);
        assert_eq!(segment.has(FIN | PSH), last);
        assert_eq!(segment.options().timestamps, Some((5, 1)));
        seen.extend_from_slice(segment.data);
    }
    assert_eq!(seen, data);
    for rest in 1..=16 {
        bench.server(1001 + 30_018, 101, ACK, &stamps(5, 1), &data[..rest]);
        assert_eq!(bench.wire.clients.pop().unwrap().len(), 1, "{rest} bytes go whole");
    }
}

#[test]
fn fragments_that_are_lost_are_proved_lost() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    for (n, pieces) in [2, 2, 2, 1].into_iter().enumerate() {
        bench.now += 200 * MS;
        bench.server(1001, 101, ACK, &stamps(10 + n as u32, 1), &[7; 1000]);
        assert_eq!(bench.wire.clients.pop().unwrap().len(), pieces, "sending {n}");
    }
    bench.now += 10 * MS;
    bench.client(CLIENT, 101, 2001, ACK, &stamps(9, 13), &[]);
    bench.server(2001, 101, ACK | FIN, &stamps(20, 9), &[7; 1000]);
    assert_eq!(bench.wire.clients.pop().unwrap().len(), 1, "from then on all is whole");
    bench.client(CLIENT, 101, 3002, ACK | FIN, &stamps(11, 20), &[]);
    bench.server(3002, 102, ACK, &stamps(21, 11), &[]);
    bench.after(3 * SECOND);
    let over = bench.over();
    assert_eq!(over.len(), 1);
    assert_eq!((over[0].outcome, over[0].end), (Outcome::Lost, End::Closed));
    assert_eq!(over[0].proofs, 1);
    let said = serde_json::to_value(&over[0]).unwrap();
    assert_eq!(said["outcome"], "fragments lost, whole packets arrive");
    assert_eq!(said["end"], "closed");
    assert!(bench.translator.table().is_empty());
}

#[test]
fn what_arrives_is_said_to_arrive_and_what_does_not_is_not() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    bench.server(1001, 101, ACK, &stamps(10, 1), &[7; 1000]);
    bench.client(CLIENT, 101, 2001, ACK, &stamps(9, 10), &[]);
    bench.client(CLIENT, 101, 2001, RST, &[], &[]);
    bench.after(3 * SECOND);
    let over = bench.over();
    assert_eq!((over[0].outcome, over[0].end), (Outcome::Arrive, End::ClientReset));

    bench.connect(CLIENT);
    for n in 0..5 {
        bench.server(1001, 101, ACK, &stamps(10 + n, 1), &[7; 1000]);
    }
    bench.after(61 * SECOND);
    let over = bench.over();
    assert_eq!((over[0].outcome, over[0].end), (Outcome::Neither, End::ClientVanished));
    assert_ne!(bench.to_server().flags & RST, 0, "the server is told");
}

/// What this host did not hear in time is not the path's loss.
#[test]
fn a_host_that_lags_does_not_know() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    bench.server(1001, 101, ACK, &stamps(10, 1), &[7; 1000]);
    bench.translator.lagged(bench.now);
    bench.translator.shut_down(bench.now, &mut bench.wire);
    let over = bench.over();
    assert_eq!((over[0].outcome, over[0].lagged), (Outcome::Unknown, true));
    bench.now += SECOND;
    bench.connect(CLIENT);
    bench.server(1001, 101, ACK, &stamps(10, 1), &[7; 1000]);
    bench.translator.shut_down(bench.now, &mut bench.wire);
    assert_eq!(bench.over()[0].outcome, Outcome::Unanswered);
}

#[test]
fn servers_that_refuse_or_are_silent_are_told_apart() {
    let mut bench = Bench::new(|_| {});
    bench.client(CLIENT, 100, 0, SYN, &MSS_AND_STAMPS, &[]);
    bench.server(0, 101, RST | ACK, &[], &[]);
    assert_eq!(bench.wire.clients.len(), 1, "the client is told");
    bench.client("[2001:db8:9::2]:50001", 100, 0, SYN, &MSS_AND_STAMPS, &[]);
    bench.after(11 * SECOND);
    let mut ends: Vec<End> = bench.over().iter().map(|record| record.end).collect();
    ends.sort();
    assert_eq!(ends, [End::Refused, End::NoAnswer]);
    assert_eq!(bench.translator.totals().outcomes[&Outcome::NoConnection], 2);
}

#[test]
fn a_flood_of_syns_is_bounded_and_spares_what_is_established() {
    let mut bench = Bench::new(|settings| {
        settings.max_flows = 1000;
        settings.syn_rate = 5000;
        settings.ports = 20_000..=21_999;
    });
    bench.connect(CLIENT);
    for n in 0..20_000u32 {
        bench.now += 10_000;
        let from = format!("[2001:db8:bad::{:x}:{:x}]:1024", n >> 16, n & 0xffff);
        bench.client(&from, n, 0, SYN, &MSS_AND_STAMPS, &[]);
        assert!(bench.translator.table().len() <= 1000);
    }
    let totals = bench.translator.totals();
    assert!(totals.syns_above_rate > 10_000, "{totals:?}");
    assert!(totals.ends[&End::Evicted] > 1000, "{totals:?}");
    assert_eq!(totals.syns_without_room, 0);
    bench.wire.clients.clear();
    let first = bench.wire.servers[0].clone();
    bench.wire.servers.push(first);
    bench.server(1001, 101, ACK, &stamps(10, 1), &[7; 1000]);
    assert_eq!(bench.wire.clients.len(), 1, "what was established still is");
    bench.after(11 * SECOND);
    assert_eq!(bench.translator.table().len(), 1, "the flood is forgotten");
}

#[test]
fn ten_thousand_connections_at_once_and_their_end_by_silence() {
    let mut bench = Bench::new(|_| {});
    let client = |n: u32| format!("[2001:db8:9::{:x}:{:x}]:50000", n / 100, n);
    for n in 0..10_000 {
        bench.connect(&client(n));
        bench.wire.servers.drain(..bench.wire.servers.len() - 1);
    }
    let totals = bench.translator.totals();
    assert_eq!((totals.open, totals.open_most, totals.syns_without_room), (10_000, 10_000, 0));
    bench.client(&client(5000), 101, 1001, ACK | PSH, &stamps(2, 1), b"still there?");
    assert!(bench.wire.servers.last().unwrap().ends_with(b"still there?"));
    bench.after(301 * SECOND);
    assert!(bench.translator.table().is_empty());
    assert_eq!(bench.translator.totals().ends[&End::Idle], 10_000);
    assert_ne!(bench.to_server().flags & RST, 0, "the server is told");
}

#[test]
fn a_client_that_begins_anew_gets_a_connection() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    let port = bench.to_server().dst_of_answer.port();
    bench.client(CLIENT, 101, 1001, RST, &[], &[]);
    bench.client(CLIENT, 77_000, 0, SYN, &MSS_AND_STAMPS, &[]);
    assert_eq!(bench.to_server().seq, 77_000);
    assert_ne!(bench.to_server().dst_of_answer.port(), port, "the server may remember it");
    assert_eq!(bench.over()[0].end, End::ClientReset);
    // A SYN that is repeated is the same connection.
    let port = bench.to_server().dst_of_answer.port();
    bench.client(CLIENT, 77_000, 0, SYN, &MSS_AND_STAMPS, &[]);
    assert_eq!(bench.to_server().dst_of_answer.port(), port);
}

#[test]
fn a_path_mtu_error_lowers_the_segments_if_it_quotes_what_was_sent() {
    let mut bench = Bench::new(|settings| settings.segment = 1440);
    bench.connect(CLIENT);
    bench.server(1001, 101, ACK, &stamps(10, 1), &[7; 1400]);
    let quoted = bench.wire.clients.pop().unwrap().remove(0);
    let mut forged = quoted.clone();
    forged[ipv6::LEN + 8 + 4] ^= 0x80;
    for (quote, segments) in [(forged, 1), (quoted, 2)] {
        let mut message = vec![2, 0, 0, 0, 0, 0, 5, 0];
        message.extend_from_slice(&quote);
        let router = "2001:db8:5::1".parse().unwrap();
        let front: SocketAddr = FRONT.parse().unwrap();
        let len = message.len() as u32;
        let IpAddr::V6(to) = front.ip() else { unreachable!() };
        let pseudo = checksum::pseudo_ipv6(router, to, 58, len);
        let sum = !checksum::fold(pseudo + checksum::sum(&message));
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut packet = vec![0; ipv6::LEN];
        ipv6::Repr {
            dscp: 0,
            ecn: 0,
            flow_label: 0,
            payload_len: len as u16,
            next_header: 58,
            hop_limit: 60,
            src: router,
            dst: to,
        }
        .emit(&mut packet);
        packet.extend_from_slice(&message);
        bench.give(Side::Clients, Family::V6, &packet);
        bench.wire.clients.clear();
        bench.server(1001, 101, ACK, &stamps(11, 1), &[7; 1400]);
        assert_eq!(bench.wire.clients.len(), segments);
    }
}

#[test]
fn what_the_client_sends_fits_the_way_to_the_server() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    bench.wire.servers.clear();
    // Merged on arrival, 1500 bytes a packet on the way to the server.
    bench.client(CLIENT, 101, 1001, ACK | PSH, &stamps(2, 1), &[7; 10_000]);
    assert_eq!(bench.wire.servers.len(), 10_000usize.div_ceil(1500 - 20 - 32));
    let mut next = 101;
    for packet in &bench.wire.servers {
        assert!(packet.len() <= 1500);
        let segment = Segment::parse(packet, Trust::Verify).unwrap();
        assert_eq!(segment.seq(), next);
        next += segment.len();
    }
    assert!(!before(next, 10_101));
}

#[test]
fn the_end_of_the_service_resets_both_sides() {
    let mut bench = Bench::new(|_| {});
    bench.connect(CLIENT);
    bench.translator.shut_down(bench.now, &mut bench.wire);
    let to_client = reassemble(&bench.wire.clients[0]);
    let to_client = Segment::parse(&to_client, Trust::Verify).unwrap();
    assert_eq!((to_client.flags(), to_client.seq()), (RST | ACK, 1001));
    assert_eq!((bench.to_server().flags, bench.to_server().seq), (RST, 101));
    assert_eq!(bench.over()[0].end, End::Shutdown);
}
