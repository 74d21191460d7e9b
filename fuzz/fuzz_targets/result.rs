//! `cargo +nightly fuzz run result`: any bytes are a result that is shown and compared, or are
//! refused. The invariants are those of `tests/fuzz_result.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;
#[path = "../../tests/packets/mod.rs"]
mod packets;
#[path = "../../tests/result_invariants/mod.rs"]
mod result_invariants;
#[path = "tree_mutator.rs"]
mod tree_mutator;
#[path = "../../tests/yaml_mutation/mod.rs"]
mod yaml_mutation;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tree_mutator::result(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    result_invariants::check(data);
});
