//! `cargo +nightly fuzz run study`: what a study's tester and sink parse takes any bytes. The invariants
//! are those of `tests/fuzz_study.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/study_invariants/mod.rs"]
mod study_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| study_invariants::check(bytes));
