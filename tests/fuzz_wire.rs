//! Mutated frames for the wire parsers, on stable Rust and bounded. `WIRESTORM_FUZZ_ITERATIONS`
//! sets how many; `WIRESTORM_FUZZ_SEED` takes another walk.

mod fuzz_support;
mod packets;
mod wire_invariants;

use packets::{headers, packet, program, stream};
use wirestorm::packet::random;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Frames that lead the walk deep, so that mutations start where parsers do something.
fn corpus() -> Vec<Vec<u8>> {
    let stacks: [&[&str]; 7] = [
        &["ethernet", "ipv4", "udp"],
        &["ethernet", "vlan", "vlan", "ipv4", "tcp"],
        &["ethernet", "ipv6", "icmpv6"],
        &["ethernet", "ipv4", "ipv6", "ipv4", "icmp"],
        &["ethernet", "ipv6", "ipv6", "tcp"],
        &["ethernet", "vlan", "vlan", "vlan", "vlan"],
        &["ethernet", "ipv6"],
    ];
    stacks.iter().map(|stack| packet(&program(stream(headers(stack), 150)), 0)).collect()
}

#[test]
fn parsers_take_what_the_fuzzer_kept() {
    for frame in fuzz_support::corpus("wire") {
        wire_invariants::check(&frame);
    }
}

#[test]
fn parsers_take_any_bytes() {
    let corpus = corpus();
    let key = random::key(number("WIRESTORM_FUZZ_SEED", 1), 0, 0);
    let mut drawn = 0;
    let mut draw = |range: usize| {
        drawn += 1;
        random::below(key, drawn, range as u64) as usize
    };
    // Protocol numbers, EtherTypes and lengths at their borders.
    let bytes =
        [0, 1, 4, 5, 6, 17, 41, 43, 44, 51, 58, 60, 0x08, 0x45, 0x4f, 0x60, 0x81, 0x86, 0x88, 0xff];
    for iteration in 0..number("WIRESTORM_FUZZ_ITERATIONS", 200_000) {
        let mut frame = corpus[draw(corpus.len())].clone();
        for _ in 0..draw(8) {
            let at = draw(frame.len().max(1));
            match draw(6) {
                0 => frame.truncate(at),
                1 => frame.insert(at.min(frame.len()), bytes[draw(bytes.len())]),
                2 => drop(frame.drain(at.min(frame.len())..(at + draw(9)).min(frame.len()))),
                3 => frame.extend_from_within(at.min(frame.len())..),
                4 => frame.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << draw(8)),
                _ => frame
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = bytes[draw(bytes.len())]),
            }
        }
        let told = frame.clone();
        let result = std::panic::catch_unwind(move || wire_invariants::check(&frame));
        assert!(result.is_ok(), "iteration {iteration}: {told:02x?}");
    }
}
