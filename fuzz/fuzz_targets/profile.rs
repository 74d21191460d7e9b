//! `cargo +nightly fuzz run profile`: any bytes are a profile or are refused with reasons. The
//! invariants are those of `tests/fuzz_profile.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/profile_invariants/mod.rs"]
mod profile_invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    profile_invariants::check(data);
});
