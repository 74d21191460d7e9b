//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod bpf_map;
pub mod bpf_run;
pub mod clock;
pub mod netns;
pub mod pod;
pub mod tx_abi;
