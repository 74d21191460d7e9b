//! The compiled eBPF programs.

#![allow(unsafe_code, missing_docs, clippy::all, clippy::undocumented_unsafe_blocks)]
#![allow(dead_code, unreachable_pub)]

/// `bpf/tx_live.bpf.c`: builds and sends.
pub mod live {
    include!(concat!(env!("OUT_DIR"), "/tx_live.skel.rs"));
}

/// `bpf/tx_watch.bpf.c`: sees what became of it.
pub mod watch {
    include!(concat!(env!("OUT_DIR"), "/tx_watch.skel.rs"));
}
