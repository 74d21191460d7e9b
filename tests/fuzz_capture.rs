//! Captures of every kind, changed at random: the reader neither panics nor loops. On stable Rust,
//! bounded by `WIRESTORM_FUZZ_ITERATIONS`; `WIRESTORM_FUZZ_SEED` takes another walk.

mod capture_invariants;
mod fuzz_support;
mod packets;

use fuzz_support::{Dice, corpus, iterations};

#[test]
fn what_the_fuzzer_kept_is_read() {
    for bytes in corpus("capture") {
        capture_invariants::check(&bytes);
    }
}

#[test]
fn changed_captures_are_read_or_refused() {
    // What the fuzzer kept holds pcap and pcapng of either byte order.
    let seeds = corpus("capture");
    let packets = |bytes: &Vec<u8>| capture_invariants::check(bytes).unwrap_or(0);
    let whole = seeds.iter().filter(|seed| packets(seed) > 0).count();
    assert!(whole > 3, "{whole} seeds hold packets");
    let mut dice = Dice::new();
    let mut read = 0;
    for _ in 0..iterations(20_000) {
        read += u64::from(capture_invariants::check(&dice.mutate(&seeds)).is_some());
    }
    // Some changes leave a capture: both sides of the reader are seen.
    assert!(read > 100, "{read} captures");
}
