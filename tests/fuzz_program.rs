//! The fuzz target of what is behind the profile parser, on stable Rust: packets and schedules of
//! any profile that is accepted. `WIRESTORM_FUZZ_ITERATIONS` says how often.

use std::path::Path;

mod fuzz_support;
mod packet_invariants;
mod packets;
mod program_invariants;
mod simulated_tester;
mod study_invariants;
mod yaml_mutation;

use fuzz_support::{Dice, corpus, iterations};
use program_invariants::check;
use yaml_mutation::Pool;

#[test]
fn what_the_fuzzer_kept_makes_packets() {
    let made = corpus("program").iter().filter(|text| check(text) > 0).count();
    assert!(made > 10, "{made} make packets");
}

#[test]
fn no_accepted_profile_makes_a_wrong_packet() {
    let mut seeds = yaml_mutation::seeds(Path::new("."));
    seeds.extend(yaml_mutation::examples());
    fuzz_support::keep_seeds("program", seeds.clone());
    let pool = Pool::of(seeds.iter().map(Vec::as_slice));
    let made = seeds.iter().filter(|seed| check(seed) > 0).count();
    assert!(made > 100, "{made} seeds make packets");
    let mut dice = Dice::new();
    let (mut tried, mut made) = (0u64, 0u64);
    for _ in 0..iterations(3_000) {
        let text = String::from_utf8_lossy(&seeds[dice.below(seeds.len())]);
        if let Some(text) = yaml_mutation::mutate(&mut dice, &pool, &text) {
            tried += 1;
            made += u64::from(check(text.as_bytes()) > 0);
        }
    }
    assert!(made > tried / 20, "{made} of {tried} make packets");
}
