//! Mutated frames and messages for what a study's tester and sink parse, on stable Rust and bounded.
//! `WIRESTORM_FUZZ_ITERATIONS` sets how many; `WIRESTORM_FUZZ_SEED` takes another walk.

mod fuzz_support;
mod packets;
mod study_invariants;

use fuzz_support::{Dice, corpus, iterations};
use study_invariants::{check, common};
use wirestorm::profile::model::TestKind;
use wirestorm::study::compose::frames;
use wirestorm::study::plan::Plan;
use wirestorm::study::sink::table::Record;
use wirestorm::study::sink::wire::{Answer, Query, Reply};

/// Every arm of a few cells, and what testers and sinks say to each other.
fn seeds() -> Vec<Vec<u8>> {
    let text = "lab: router\ntest: {kind: fragments, receiver: host, design: main, protocols: [icmp, tcp, dns], \
                count: [3], anomaly: [none, nested, overlap-contained], extension: [none, hop-by-hop 8, \
                authentication 16, destination-options 64 after]}\n";
    let profile = wirestorm::profile::parse("seeds.yaml", text, &[]).expect("a study");
    let TestKind::Study(study) = &profile.test else { panic!("a study") };
    let plan = Plan::new(study).expect("a plan");
    let mut seeds: Vec<Vec<u8>> = plan
        .arms
        .iter()
        .flat_map(|arm| frames(&common(), &study.cells[arm.cell], arm.kind, 5).expect("frames"))
        .map(|frame| frame.bytes)
        .collect();
    let record = Record { tap: 7, socket: 1, largest: 500, copies: 3 };
    seeds.push(Reply { study: 7, seq: 1, index: 2, record }.bytes().to_vec());
    let query = Query { study: 7, nonce: 3, offsets: vec![0, 8], entries: vec![(1, 2), (3, 4)] };
    seeds.push(query.bytes());
    let entries = vec![(1, record), (3, record)];
    seeds.push(Answer { study: 7, nonce: 3, tap: true, dropped: 0, entries }.bytes());
    seeds
}

#[test]
fn what_the_fuzzer_kept_is_parsed() {
    corpus("study").iter().for_each(|bytes| check(bytes));
}

#[test]
fn what_is_parsed_takes_any_bytes() {
    let seeds = seeds();
    assert!(seeds.len() > 40);
    fuzz_support::keep_seeds("study", seeds.clone());
    let mut dice = Dice::new();
    for iteration in 0..iterations(30_000) {
        let bytes = dice.mutate(&seeds);
        let told = bytes.clone();
        let result = std::panic::catch_unwind(move || check(&bytes));
        assert!(result.is_ok(), "iteration {iteration}: {told:02x?}");
    }
}
