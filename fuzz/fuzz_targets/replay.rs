//! `cargo +nightly fuzz run replay`: any bytes are a capture that is replayed, or are refused. The
//! invariants are those of `tests/fuzz_replay.rs`, which runs on stable. The first byte chooses what
//! is rewritten; `fuzz/corpus/capture` is a good start.
#![no_main]

#[path = "../../tests/replay_invariants/mod.rs"]
mod replay_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((kind, capture)) = bytes.split_first() {
        replay_invariants::check(capture, *kind);
    }
});
