//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod bpf;
pub mod clock;
pub mod netns;
pub mod packet_rx;
pub mod poll;
