//! The fuzz target of results that are read back, on stable Rust: `WIRESTORM_FUZZ_ITERATIONS` says
//! how often.

mod fuzz_support;
mod packets;
mod result_invariants;
mod yaml_mutation;

use fuzz_support::{Dice, corpus, iterations};
use result_invariants::check;
use yaml_mutation::Pool;

/// A result of each kind.
fn seeds() -> Vec<Vec<u8>> {
    let of = |kind: &str| std::fs::read(format!("fuzz/seeds/result/{kind}")).expect("a result");
    ["benchmark", "run", "study"].map(of).to_vec()
}

#[test]
fn what_the_fuzzer_kept_is_shown_or_refused() {
    let results = corpus("result").iter().filter(|bytes| check(bytes)).count();
    assert!(results > 10, "{results} are results");
}

#[test]
fn no_result_breaks_what_shows_it() {
    let seeds = seeds();
    fuzz_support::keep_seeds("result", seeds.clone());
    assert!(seeds.iter().all(|seed| check(seed)), "the seeds are results");
    let pool = Pool::of(seeds.iter().map(Vec::as_slice));
    let mut dice = Dice::new();
    let (mut tried, mut results) = (0u64, 0u64);
    for _ in 0..iterations(300) {
        let text = String::from_utf8_lossy(&seeds[dice.below(seeds.len())]);
        if let Some(text) = yaml_mutation::mutate_json(&mut dice, &pool, &text) {
            tried += 1;
            results += u64::from(check(text.as_bytes()));
        }
    }
    assert!(results > tried / 20, "{results} of {tried} are results");
}
