//! `cargo +nightly fuzz run packet`: any frame is taken apart, and what explains it makes it again.
//! The invariants are those of `tests/fuzz_packet.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/packet_invariants/mod.rs"]
mod packet_invariants;

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    packet_invariants::check(frame);
});
