//! `cargo +nightly fuzz run wire`: the parsers take any bytes. The invariants are those of
//! `tests/fuzz_wire.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/wire_invariants/mod.rs"]
mod wire_invariants;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| wire_invariants::check(frame));
