//! `cargo +nightly fuzz run program`: packets and schedules of any profile that is accepted. The
//! invariants are those of `tests/fuzz_program.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;
#[path = "../../tests/packet_invariants/mod.rs"]
mod packet_invariants;
#[path = "../../tests/packets/mod.rs"]
mod packets;
#[path = "../../tests/program_invariants/mod.rs"]
mod program_invariants;
#[path = "../../tests/simulated_tester/mod.rs"]
mod simulated_tester;
#[path = "../../tests/study_invariants/mod.rs"]
mod study_invariants;
#[path = "tree_mutator.rs"]
mod tree_mutator;
#[path = "../../tests/yaml_mutation/mod.rs"]
mod yaml_mutation;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tree_mutator::profile(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    program_invariants::check(data);
});
