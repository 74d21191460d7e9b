//! `cargo +nightly fuzz run profile`: any bytes are a profile or are refused with reasons. The
//! invariants are those of `tests/fuzz_profile.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;
#[path = "../../tests/packets/mod.rs"]
mod packets;
#[path = "../../tests/profile_invariants/mod.rs"]
mod profile_invariants;
#[path = "tree_mutator.rs"]
mod tree_mutator;
#[path = "../../tests/yaml_mutation/mod.rs"]
mod yaml_mutation;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tree_mutator::profile(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    profile_invariants::check(data);
});
