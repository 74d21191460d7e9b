//! Captures of every kind, changed at random, and replayed: nothing panics, frames keep their lengths,
//! times their order. On stable Rust, bounded by `WIRESTORM_FUZZ_ITERATIONS`;
//! `WIRESTORM_FUZZ_SEED` takes another walk.

mod fuzz_support;
mod packets;
mod replay_invariants;
mod replays;

use fuzz_support::{Dice, corpus, iterations};
use wirestorm::wire::protocols;

/// One capture an example of every header, beside what the capture fuzzer kept.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = corpus("capture");
    for example in protocols().iter().flat_map(|protocol| protocol.examples) {
        let text = format!(
            "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 2, size: 300B, tag: false, payload: \
             increment, packet: {example}}}]"
        );
        if wirestorm::profile::parse("example.yaml", &text, &[]).is_ok() {
            seeds.push(replays::whole(&replays::made(&text)));
        }
    }
    seeds
}

#[test]
fn what_the_fuzzer_kept_is_replayed_or_refused() {
    for bytes in corpus("replay") {
        if let Some((kind, capture)) = bytes.split_first() {
            replay_invariants::check(capture, *kind);
        }
    }
}

#[test]
fn changed_captures_are_replayed_or_refused() {
    let seeds = seeds();
    assert!(seeds.len() > 50, "{} seeds", seeds.len());
    let kinds = seeds.iter().zip((0..=u8::MAX).cycle());
    let with_kind = |(seed, kind): (&Vec<u8>, u8)| [&[kind.wrapping_mul(37)], &seed[..]].concat();
    fuzz_support::keep_seeds("replay", kinds.map(with_kind));
    // The others are refused before and after; the corpus's test has seen them.
    let replays = |seed: &Vec<u8>| replay_invariants::check(seed, 0xff).is_some();
    let seeds: Vec<Vec<u8>> = seeds.into_iter().filter(replays).collect();
    assert!(seeds.len() > 40, "{} seeds are replayed", seeds.len());
    let mut dice = Dice::new();
    let mut replayed = 0;
    for _ in 0..iterations(2_000) {
        let capture = dice.mutate(&seeds);
        let kind = dice.below(256) as u8;
        replayed += u64::from(replay_invariants::check(&capture, kind).is_some());
    }
    assert!(replayed > 100, "{replayed} captures");
}
