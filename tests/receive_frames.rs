//! Finding the tag: every header stack that is parsed, and frames that are broken on purpose. The
//! eBPF program and the Rust walker must say the same of each.
//!
//! WIRESTORM_FUZZ_ITERATIONS sets how many mutated frames are tried.

mod receive_common;

use receive_common::*;
use wirestorm::measure::classify::{Class, Classifier};
use wirestorm::packet::random;
use wirestorm::packet::tag::{self, Seen};
use wirestorm::receive::ReceiveSpec;
use wirestorm::receive::find_tag::find_tag;
use wirestorm::receive::xdp::program::Loaded;
use wirestorm::receive::xdp::read;
use wirestorm::sys::bpf::test_run;

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

fn ipv4(options: usize, protocol: u8, fragment: u16) -> Vec<u8> {
    let mut header = vec![0x45 + options as u8, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    header[6..8].copy_from_slice(&fragment.to_be_bytes());
    header.extend([198, 18, 0, 1, 198, 18, 0, 2]);
    header.extend(vec![1; 4 * options]);
    header
}

fn ipv6(next: u8) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0, 0, 0, next, 64];
    header.extend([0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].repeat(2));
    header
}

/// An extension header of 8 + 8·`more` bytes (RFC 8200 §4).
fn extension(next: u8, more: u8) -> Vec<u8> {
    let mut header = vec![next, more, 1, 4, 0, 0, 0, 0];
    header.extend(vec![0; 8 * usize::from(more)]);
    header
}

fn tcp(words: u8) -> Vec<u8> {
    let mut header = vec![0; 4 * usize::from(words)];
    header[12] = words << 4;
    header
}

/// Name, the layers between the MACs and the tag, and whether a tag is found behind them.
fn stacks() -> Vec<(&'static str, Vec<Vec<u8>>, bool)> {
    let (v4, v6) = (vec![8, 0], vec![0x86, 0xdd]);
    let (udp, vlan) = (vec![0; 8], vec![0x81, 0, 0, 5]);
    let echo = |kind: u8| vec![kind, 0, 0, 0, 0, 0, 0, 0];
    let fragment = |next: u8, offset: u8| vec![next, 0, 0, offset, 0, 0, 0, 9];
    vec![
        ("udp over ipv4", vec![v4.clone(), ipv4(0, 17, 0), udp.clone()], true),
        ("ipv4 options", vec![v4.clone(), ipv4(10, 17, 0), udp.clone()], true),
        (
            "ipv4 header too short",
            vec![
                v4.clone(),
                {
                    let mut header = ipv4(0, 17, 0);
                    header[0] = 0x44;
                    header
                },
                udp.clone(),
            ],
            false,
        ),
        ("first ipv4 fragment", vec![v4.clone(), ipv4(0, 17, 0x2000), udp.clone()], true),
        ("later ipv4 fragment", vec![v4.clone(), ipv4(0, 17, 0x2001), udp.clone()], false),
        ("data of a later ipv4 fragment", vec![v4.clone(), ipv4(3, 17, 0x2001)], true),
        ("data of a later ipv6 fragment", vec![v6.clone(), ipv6(44), fragment(17, 8)], true),
        ("tcp over ipv4", vec![v4.clone(), ipv4(0, 6, 0), tcp(5)], true),
        ("tcp options", vec![v4.clone(), ipv4(0, 6, 0), tcp(15)], true),
        (
            "tcp header too short",
            vec![v4.clone(), ipv4(0, 6, 0), {
                let mut header = tcp(5);
                header[12] = 0x40;
                header
            }],
            false,
        ),
        ("icmp echo", vec![v4.clone(), ipv4(0, 1, 0), echo(8)], true),
        ("icmp echo reply", vec![v4.clone(), ipv4(0, 1, 0), echo(0)], true),
        ("icmp unreachable", vec![v4.clone(), ipv4(0, 1, 0), echo(3)], false),
        ("another protocol", vec![v4.clone(), ipv4(0, 47, 0), udp.clone()], false),
        ("vlan", vec![vlan.clone(), v4.clone(), ipv4(0, 17, 0), udp.clone()], true),
        (
            "qinq",
            vec![vec![0x88, 0xa8, 0, 1], vlan.clone(), v4.clone(), ipv4(0, 17, 0), udp.clone()],
            true,
        ),
        (
            "three vlans",
            vec![vlan.clone(), vlan.clone(), vlan, v4, ipv4(0, 17, 0), udp.clone()],
            false,
        ),
        ("udp over ipv6", vec![v6.clone(), ipv6(17), udp.clone()], true),
        ("icmpv6 echo", vec![v6.clone(), ipv6(58), echo(128)], true),
        ("icmpv6 echo reply", vec![v6.clone(), ipv6(58), echo(129)], true),
        ("neighbour solicitation", vec![v6.clone(), ipv6(58), echo(135)], false),
        ("hop-by-hop", vec![v6.clone(), ipv6(0), extension(17, 0), udp.clone()], true),
        ("long destination options", vec![v6.clone(), ipv6(60), extension(6, 7), tcp(6)], true),
        (
            "routing, then fragment",
            vec![v6.clone(), ipv6(43), extension(44, 2), fragment(17, 1), udp.clone()],
            true,
        ),
        (
            "authentication",
            vec![
                v6.clone(),
                ipv6(51),
                vec![17, 4, 0, 0].into_iter().chain([0; 20]).collect(),
                udp.clone(),
            ],
            true,
        ),
        ("later ipv6 fragment", vec![v6.clone(), ipv6(44), fragment(17, 8), udp.clone()], false),
        (
            "eight extensions",
            [
                vec![v6.clone(), ipv6(60)],
                vec![extension(60, 0); 7],
                vec![extension(17, 0), udp.clone()],
            ]
            .concat(),
            true,
        ),
        (
            "nine extensions",
            [
                vec![v6.clone(), ipv6(60)],
                vec![extension(60, 0); 8],
                vec![extension(17, 0), udp.clone()],
            ]
            .concat(),
            false,
        ),
        ("no next header", vec![v6, ipv6(59), udp], false),
        ("arp", vec![vec![8, 6], vec![0; 28]], false),
    ]
}

fn frame(layers: &[Vec<u8>]) -> Vec<u8> {
    [MACS.to_vec(), layers.concat(), tag(0, 1, 0).to_vec()].concat()
}

fn is_probe(frame: &[u8], offsets: &[u16]) -> bool {
    matches!(find_tag(frame, offsets), Seen::Probe(_))
}

#[test]
fn tags_are_found_behind_every_stack() {
    for (name, layers, found) in stacks() {
        let mut frame = frame(&layers);
        assert_eq!(is_probe(&frame, &[]), found, "{name}");
        let at = (frame.len() - tag::TAG_LEN) as u16;
        assert!(is_probe(&frame, &[at]), "{name}: at its place");
        assert!(is_probe(&frame, &[7, 3, at]), "{name}: at the third place");
        // What follows the tag is not asked.
        frame.extend([0xa5; 40]);
        assert_eq!(is_probe(&frame, &[]), found, "{name}, padded");
    }
}

#[test]
fn a_frame_cut_anywhere_is_no_probe_and_no_crash() {
    for (name, layers, _) in stacks() {
        let frame = frame(&layers);
        for len in 0..frame.len() {
            assert_eq!(find_tag(&frame[..len], &[42, 62, 65535]), Seen::Alien, "{name} to {len}");
        }
    }
}

/// The program's four counts after a frame, told as the class of that frame.
struct Kernel {
    loaded: Loaded,
    spec: ReceiveSpec,
    before: [u64; 3],
}

impl Kernel {
    fn class(&mut self, frame: &[u8]) -> Class {
        test_run(self.loaded.program(), frame, 1).unwrap();
        let port = read(&self.loaded, &self.spec, String::new()).unwrap();
        let now = [port.corrupt, port.stale, port.alien];
        let class = match [0, 1, 2].map(|n| now[n] - self.before[n]) {
            [0, 0, 0] => Class::Probe,
            [1, 0, 0] => Class::Corrupt,
            [0, 1, 0] => Class::Stale,
            [0, 0, 1] => Class::Alien,
            other => panic!("one frame counted as {other:?}"),
        };
        self.before = now;
        class
    }
}

fn judges(tag_offsets: &[u16]) -> (Kernel, Classifier) {
    let spec = ReceiveSpec { tag_offsets: tag_offsets.to_vec(), latency: false, ..spec(&[1]) };
    let oracle = oracle(&spec, 16);
    (Kernel { loaded: load(&spec, 16), spec, before: [0; 3] }, oracle)
}

#[test]
fn the_program_finds_what_the_walker_finds() {
    if !privileged("the_program_finds_what_the_walker_finds") {
        return;
    }
    for offsets in [&[][..], &[42], &[62, 42], &[20, 30, 40, 50, 60, 70, 80, 90]] {
        let (mut kernel, mut oracle) = judges(offsets);
        for (name, layers, _) in stacks() {
            let frame = frame(&layers);
            let expected = oracle.count(find_tag(&frame, offsets), 0, 0);
            assert_eq!(kernel.class(&frame), expected, "{name}, {offsets:?}");
            for len in (14..frame.len()).step_by(3) {
                let expected = oracle.count(find_tag(&frame[..len], offsets), 0, 0);
                assert_eq!(kernel.class(&frame[..len]), expected, "{name} to {len}, {offsets:?}");
            }
        }
    }
}

/// Mutates the stacks above for ever the same way, and holds the program to the walker.
#[test]
fn mutated_frames_never_crash_and_are_judged_alike() {
    let iterations = std::env::var("WIRESTORM_FUZZ_ITERATIONS")
        .map_or(4000, |value| value.parse().expect("WIRESTORM_FUZZ_ITERATIONS is a number"));
    let offsets = [42, 62];
    let privileged = privileged("mutated_frames_never_crash_and_are_judged_alike in the kernel");
    let mut judges = privileged.then(|| judges(&offsets));
    let mut random = Random(0);
    let frames: Vec<_> = stacks().iter().map(|(_, layers, _)| frame(layers)).collect();
    let mut probes = 0u64;
    for _ in 0..iterations {
        let mut frame = frames[random.below(frames.len())].clone();
        mutate(&mut frame, &mut random);
        let seen = find_tag(&frame, &offsets);
        probes += u64::from(matches!(seen, Seen::Probe(_)));
        if let Some((kernel, oracle)) = &mut judges
            && (14..3000).contains(&frame.len())
        {
            let expected = oracle.count(seen, 0, 0);
            assert_eq!(kernel.class(&frame), expected, "{frame:02x?}");
        }
    }
    assert!(probes > 0 && probes < iterations, "{probes} of {iterations} were probes");
}

/// The counter-based generator of the packets themselves, as a stream of choices.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 += 1;
        random::below(0x5EED, self.0, bound as u64) as usize
    }
}

fn mutate(frame: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..random.below(4) {
        let at = random.below(frame.len().max(1)).min(frame.len().saturating_sub(1));
        match random.below(5) {
            0 => frame[at] ^= 1 << random.below(8),
            1 => frame[at] = [0, 1, 0x45, 0x7f, 0x80, 0xff][random.below(6)],
            2 => frame.truncate(at.max(1)),
            3 => drop(frame.splice(at..at, vec![0x2c; random.below(9)])),
            _ => frame.extend(vec![0; random.below(300)]),
        }
    }
}
