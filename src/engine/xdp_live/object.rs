//! Loading `bpf/tx_live.bpf.c` with the tables of one worker.

#![allow(unsafe_code, missing_docs, clippy::all, clippy::undocumented_unsafe_blocks)]
#![allow(dead_code, unreachable_pub)]

include!(concat!(env!("OUT_DIR"), "/tx_live.skel.rs"));
