//! `cargo +nightly fuzz run frontend`: what ping and trace parse takes any bytes. The invariants
//! are those of `tests/fuzz_frontend.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/frontend_invariants/mod.rs"]
mod frontend_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frontend_invariants::check(bytes));
