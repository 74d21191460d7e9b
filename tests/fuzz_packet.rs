//! Frames of every kind, changed at random: the dissector ends, and `explain` makes each frame
//! again. On stable Rust, bounded by `WIRESTORM_FUZZ_ITERATIONS`; `WIRESTORM_FUZZ_SEED` takes
//! another walk.

mod fuzz_support;
mod packet_invariants;
mod packets;

use fuzz_support::{Dice, corpus, frames_of_all_examples, iterations};

#[test]
fn what_the_fuzzer_kept_is_explained() {
    for frame in corpus("packet") {
        packet_invariants::check(&frame);
    }
}

#[test]
fn changed_frames_are_explained() {
    let seeds = frames_of_all_examples();
    fuzz_support::keep_seeds("packet", seeds.clone());
    let deep = seeds.iter().filter(|seed| packet_invariants::check(seed) > 3).count();
    assert!(deep > seeds.len() / 2, "{deep} of {} seeds are taken apart", seeds.len());
    let mut dice = Dice::new();
    for _ in 0..iterations(1500) {
        packet_invariants::check(&dice.mutate(&seeds));
    }
}
