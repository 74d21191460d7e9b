//! `cargo +nightly fuzz run serve_tcp`: the TCP front end takes any conversation. The invariants are
//! those of `tests/fuzz_serve_tcp.rs`, which runs on stable.
#![no_main]

#[path = "../../tests/serve_tcp_invariants/mod.rs"]
mod serve_tcp_invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| serve_tcp_invariants::check(bytes));
