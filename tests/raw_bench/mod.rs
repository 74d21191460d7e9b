//! A veth pair for raw sockets: `tx0` with addresses, permanent neighbours and a capture at its far end,
//! and packets to put in.
#![allow(dead_code, reason = "each test uses its part")]

use std::io;

use wirestorm::packet::program::fold;
use wirestorm::sys::frame_sender::FrameSender;
use wirestorm::sys::netns::Netns;

use crate::engine_support::{Capture, connect, ip, run};

pub const NEAR4: &str = "198.18.0.1";
pub const PEER4: &str = "198.18.0.2";
pub const SILENT4: &str = "198.18.0.77";
pub const NEAR6: &str = "2001:2::1";
pub const PEER6: &str = "2001:2::2";
pub const SILENT6: &str = "2001:2::77";
pub const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// IEEE 802 local experimental EtherType 2: nobody else's.
const SENTINEL: [u8; 2] = [0x88, 0xb6];

/// The pair.
pub struct Bench {
    pub tx: Netns,
    pub rx: Netns,
    /// Of `tx0`.
    pub index: u32,
    capture: Capture,
    sentinel: FrameSender,
}

impl Bench {
    /// Both ends up, and silent but for what is sent on purpose.
    pub fn new() -> Self {
        let (tx, rx) = (Netns::new_anonymous(), Netns::new_anonymous());
        let (tx, rx) = (tx.expect("privileged"), rx.expect("privileged"));
        connect(&tx, "tx0", &rx, "rx0", 1);
        for words in [
            "link set tx0 address 02:00:00:00:00:01",
            "link set lo up",
            "addr add 198.18.0.1/24 dev tx0",
            "addr add 2001:2::1/64 dev tx0 nodad",
            "neigh add 198.18.0.2 lladdr 02:00:00:00:00:02 dev tx0",
            "neigh add 2001:2::2 lladdr 02:00:00:00:00:02 dev tx0",
            "route add 198.18.9.0/24 via 198.18.0.2 mtu 1000",
            "route add 2001:2:9::/64 via 2001:2::2 mtu 1280",
        ] {
            ip(&tx, words);
        }
        ip(&rx, "link set rx0 address 02:00:00:00:00:02");
        let index = ip(&tx, "-o link show dev tx0");
        let index = index.split(':').next().and_then(|index| index.parse().ok()).expect("an index");
        let sentinel = tx.run(|| FrameSender::open(index)).expect("ours").expect("privileged");
        let capture = Capture::open(&rx, "rx0");
        Self { tx, rx, index, capture, sentinel }
    }

    /// A rule of an output chain of that priority.
    pub fn rule(&self, priority: i32, rule: &str) {
        let name = format!("o{}", priority.unsigned_abs());
        let chain =
            format!("add chain inet t {name} {{ type filter hook output priority {priority} ; }}");
        for words in ["add table inet t", &chain, &format!("add rule inet t {name} {rule}")] {
            run(&self.tx, "nft", words);
        }
    }

    pub fn no_rules(&self) {
        run(&self.tx, "nft", "flush ruleset");
    }

    pub fn tc(&self, words: &str) {
        run(&self.tx, "tc", words);
    }

    /// IP packets, with what follows them in their frames, that left for one host since the last call.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        let header: Vec<u8> = [&PEER_MAC[..], &NEAR_MAC, &SENTINEL].concat();
        let header: [u8; 14] = header.try_into().expect("14 bytes");
        let mut packets = Vec::new();
        loop {
            // The queueing discipline may drop it too: then silence tells the end.
            let (sent, _) = self.sentinel.send(&header, [[0; 46].as_slice()]);
            while let Some(frame) = self.capture.frames(1).pop() {
                if frame[12..14] == SENTINEL {
                    return packets;
                }
                let ours = frame[6..12] == NEAR_MAC && frame[0] & 1 == 0;
                let ours = ours && matches!(frame[12..14], [8, 0] | [0x86, 0xdd]);
                if ours {
                    packets.push(frame[14..].to_vec());
                }
            }
            if sent == 0 {
                return packets;
            }
        }
    }

    /// What left of a whole packet.
    pub fn left(&self, packet: &[u8], ipv6: bool, sent: io::Result<()>) -> String {
        let left = self.packets();
        if let Err(error) = sent {
            assert!(left.is_empty(), "{error}, and yet {left:02x?}");
            return format!("refused: {}", name(&error));
        }
        match left.as_slice() {
            [] => "nothing leaves".into(),
            [one] if one == packet => "as it is".into(),
            [one] => changed(packet, one, ipv6),
            many => format!("in {} fragments", many.len()),
        }
    }

    /// What left of data that the kernel put a header before.
    pub fn made(&self, data: &[u8], ipv6: bool, sent: io::Result<()>) -> String {
        let left = self.packets();
        if let Err(error) = sent {
            return format!("refused: {}", name(&error));
        }
        match left.as_slice() {
            [] => "nothing leaves".into(),
            [one] if ipv6 => {
                let label = u32::from_be_bytes([0, one[1] & 15, one[2], one[3]]);
                let label = if label == 0 { "flow label 0" } else { "a flow label of its own" };
                let options = match one[6] {
                    60 => (", destination options", 48),
                    _ => ("", 40),
                };
                format!(
                    "{label}, hop limit {}{}; {}",
                    one[7],
                    options.0,
                    rest(&one[options.1..], data)
                )
            }
            [one] => {
                assert_eq!(fold(sum(&one[..20])), 0xffff, "the checksum is right");
                let id = u16::from_be_bytes([one[4], one[5]]);
                let id = if id == 0 { "identification 0" } else { "an identification of its own" };
                let df = if one[6] & 0x40 != 0 { "DF set" } else { "DF clear" };
                format!("{id}, {df}, TTL {}; {}", one[8], rest(&one[20..], data))
            }
            many => format!("in {} fragments", many.len()),
        }
    }
}

fn rest(seen: &[u8], data: &[u8]) -> String {
    let differ: Vec<usize> = (0..data.len()).filter(|&n| seen.get(n) != data.get(n)).collect();
    match differ.as_slice() {
        [] if seen.len() == data.len() => "the data as they are".into(),
        [6, 7] | [6] | [7] => "the data, with a checksum".into(),
        _ => format!("other data: {seen:02x?}"),
    }
}

/// The fields of a packet that became others.
fn changed(before: &[u8], after: &[u8], ipv6: bool) -> String {
    if ipv6 || before.len() != after.len() || before[20..] != after[20..] {
        return format!("other bytes: {after:02x?}");
    }
    let fields = [
        ("total length", 2..4),
        ("identification", 4..6),
        ("checksum", 10..12),
        ("source", 12..16),
    ];
    let named = |at: usize| fields.iter().any(|(_, range)| range.contains(&at));
    let others: Vec<usize> = (0..20).filter(|&n| before[n] != after[n] && !named(n)).collect();
    assert!(others.is_empty(), "bytes {others:?}: {before:02x?} {after:02x?}");
    assert_eq!(fold(sum(&after[..usize::from(after[0] & 15) * 4])), 0xffff, "a right checksum");
    let differ = fields.iter().filter(|(_, range)| before[range.clone()] != after[range.clone()]);
    format!("another {}", differ.map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
}

fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EINVAL) => "EINVAL".into(),
        Some(libc::EMSGSIZE) => "EMSGSIZE".into(),
        Some(libc::EPERM) => "EPERM".into(),
        Some(libc::ENOBUFS) => "ENOBUFS".into(),
        _ => error.to_string(),
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let word = |word: &[u8]| u64::from(word[0]) << 8 | u64::from(word.get(1).copied().unwrap_or(0));
    bytes.chunks(2).map(word).sum()
}

/// A packet of `len` bytes of protocol 253 (RFC 3692), DF clear, from `tx0` to its peer.
pub fn ipv4(len: usize) -> Vec<u8> {
    let mut packet = vec![0xc3; len];
    packet[..20].copy_from_slice(&[
        0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 253, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2,
    ]);
    packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    seal(packet)
}

/// With a right header checksum, as far as the header goes.
pub fn seal(mut packet: Vec<u8>) -> Vec<u8> {
    packet[10..12].fill(0);
    let header = (usize::from(packet[0] & 15) * 4).min(packet.len());
    let sum = !fold(sum(&packet[..header]));
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// A packet of `len` bytes with next header 253, from `tx0` to its peer.
pub fn ipv6(len: usize) -> Vec<u8> {
    let mut packet = vec![0xc3; len];
    packet[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 0, 253, 64]);
    packet[4..6].copy_from_slice(&(len as u16 - 40).to_be_bytes());
    packet[8..40].fill(0);
    for (at, host) in [(8, 1), (24, 2)] {
        packet[at..at + 4].copy_from_slice(&[0x20, 0x01, 0, 2]);
        packet[at + 15] = host;
    }
    packet
}
