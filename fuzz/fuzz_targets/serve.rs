//! `cargo +nightly fuzz run serve`: what the services parse and cut takes any bytes. The invariants
//! are those of `tests/fuzz_serve.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/serve_invariants/mod.rs"]
mod serve_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| serve_invariants::check(bytes));
