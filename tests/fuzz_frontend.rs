//! Mutated answers for what ping and trace parse, on stable Rust and bounded.
//! `WIRESTORM_FUZZ_ITERATIONS` sets how many; `WIRESTORM_FUZZ_SEED` takes another walk.

mod frontend_invariants;
mod fuzz_support;
mod packets;

use frontend_invariants::{check, flow};
use wirestorm::frontend::ip::Family;
use wirestorm::frontend::ip::heard;
use wirestorm::frontend::trace::compose;
use wirestorm::frontend::trace::probe::{Arm, Probe, Protocol};
use wirestorm::packet::random;
use wirestorm::wire::checksum;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Errors that quote every shape of probe, echo replies, control messages.
fn corpus() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (family, types) in [(Family::V4, [3, 11]), (Family::V6, [2, 3])] {
        for protocol in [Protocol::Udp, Protocol::Icmp, Protocol::Tcp] {
            let flow = flow(family, protocol);
            let arms = [Arm::Whole, Arm::Fragments, Arm::Atomic, Arm::HopByHop(16)];
            let arms = if family == Family::V4 { &arms[..2] } else { &arms[..] };
            for arm in arms {
                let probe = Probe { token: 2, hop: 1, arm: *arm, size: 100 };
                for packet in compose::packets(&flow, &probe) {
                    for message_type in types {
                        let mut message = vec![message_type, 4, 0, 0, 0, 0, 5, 0];
                        message.extend(&packet);
                        all.push(message);
                    }
                    all.push(packet);
                }
            }
        }
    }
    all.push([&[0, 0, 0, 0, 0x9c, 0x40, 0, 2][..], &[7; 20]].concat());
    let control = [24u64.to_ne_bytes().as_slice(), &[0, 0, 0, 0, 11, 0, 0, 0], &[1; 32]].concat();
    all.push(control);
    all
}

/// Gives an ICMP message its checksum, so that what follows it is looked at.
fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    if message.len() >= 8 {
        message[2..4].fill(0);
        let sum = checksum::checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

#[test]
fn what_the_fuzzer_kept_is_parsed() {
    fuzz_support::corpus("frontend").iter().for_each(|bytes| check(bytes));
}

#[test]
fn the_corpus_is_understood() {
    fuzz_support::keep_seeds("frontend", corpus());
    let understood = |family| {
        let messages = corpus().into_iter().map(sealed);
        messages.filter(|message| heard::icmp(family, message).is_some()).count()
    };
    assert!(understood(Family::V4) > 10 && understood(Family::V6) > 10);
}

#[test]
fn what_is_parsed_takes_any_bytes() {
    let corpus = corpus();
    let key = random::key(number("WIRESTORM_FUZZ_SEED", 1), 0, 0);
    let mut drawn = 0;
    let mut draw = |range: usize| {
        drawn += 1;
        random::below(key, drawn, range as u64) as usize
    };
    let bytes = [0, 1, 2, 3, 4, 5, 6, 8, 11, 17, 41, 43, 44, 58, 60, 0x45, 0x4f, 0x60, 128, 255];
    for iteration in 0..number("WIRESTORM_FUZZ_ITERATIONS", 100_000) {
        let mut message = corpus[draw(corpus.len())].clone();
        for _ in 0..draw(6) {
            let at = draw(message.len().max(1)).min(message.len());
            match draw(5) {
                0 => message.truncate(at),
                1 => message.insert(at, bytes[draw(bytes.len())]),
                2 => drop(message.drain(at..(at + draw(9)).min(message.len()))),
                3 => message.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << draw(8)),
                _ => message
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = bytes[draw(bytes.len())]),
            }
        }
        let message = if draw(2) == 0 { message } else { sealed(message) };
        let told = message.clone();
        let result = std::panic::catch_unwind(move || check(&message));
        assert!(result.is_ok(), "iteration {iteration}: {told:02x?}");
    }
}
