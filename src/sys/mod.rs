//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod clock;
pub mod cycles;
pub mod netns;
