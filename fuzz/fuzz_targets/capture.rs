//! `cargo +nightly fuzz run capture`: any bytes are a capture or are refused. The invariants are
//! those of `tests/fuzz_capture.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/capture_invariants/mod.rs"]
mod capture_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    capture_invariants::check(bytes);
});
