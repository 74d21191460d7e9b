//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod clock;
pub mod device;
pub mod mmap;
pub mod netns;
pub mod packet;
pub mod xsk;
