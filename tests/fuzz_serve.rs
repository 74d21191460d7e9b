//! Mutated messages for what the services parse and cut, on stable Rust and bounded.
//! `WIRESTORM_FUZZ_ITERATIONS` sets how many; `WIRESTORM_FUZZ_SEED` takes another walk.

mod fuzz_support;
mod packets;
mod serve_invariants;

use fuzz_support::{Dice, corpus, iterations};
use serve_invariants::check;

/// A query with EDNS; an answer whose records have names, some of them compressed; two messages on a
/// stream; packets to cut.
fn seeds() -> Vec<Vec<u8>> {
    let query = [
        &[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1][..],
        b"\x03www\x07example\0\0\x10\0\x01",
        &[0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    ]
    .concat();
    let answer = [
        &[0x12, 0x34, 0x84, 0, 0, 1, 0, 3, 0, 0, 0, 0][..],
        b"\x03www\x07example\0\0\x0f\0\x01",
        &[0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 7, 0, 5, 2, b'm', b'x', 0xc0, 16],
        &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 16],
        &[
            0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 12, 0, 0, 0, 0, 0, 0, 3, b's', b'r', b'v', 0xc0,
            39,
        ],
    ]
    .concat();
    let stream = [&[0, 3, 1, 2, 3, 0, 0, 0, 1, 9][..], &[0, 200], &[7; 200]].concat();
    let v6 = [
        &[0x60, 0, 0, 0, 0, 216, 0, 64][..],
        &[0x20; 32],
        &[43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0],
        &[5; 200],
    ]
    .concat();
    let v4 = [
        &[0x45, 0, 1, 0x24, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..],
        &[0x50; 280],
    ];
    let mut seeds = vec![vec![]];
    for (kind, bytes) in [(0, query), (1, answer), (2, stream), (3, v6), (7, v4.concat())] {
        seeds.push([&[kind][..], &bytes].concat());
    }
    seeds
}

#[test]
fn what_the_fuzzer_kept_is_parsed() {
    corpus("serve").iter().for_each(|bytes| check(bytes));
}

#[test]
fn nothing_is_taken_for_more_than_it_is() {
    let seeds = seeds();
    fuzz_support::keep_seeds("serve", seeds.clone());
    seeds.iter().for_each(|seed| check(seed));
    let mut dice = Dice::new();
    for iteration in 0..iterations(60_000) {
        let bytes = dice.mutate(&seeds);
        let told = bytes.clone();
        let result = std::panic::catch_unwind(move || check(&bytes));
        assert!(result.is_ok(), "iteration {iteration}: {told:02x?}");
    }
}
