//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod bpf;
pub mod clock;
pub mod errno;
pub mod ethtool;
pub mod frame_socket;
pub mod limits;
pub mod mount;
pub mod device;
pub mod mmap;
pub mod netns;
pub mod packet;
pub mod xsk;
