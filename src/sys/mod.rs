//! Kernel ABI and system calls. All `unsafe` of the crate lives in this room.

#![allow(unsafe_code)]

pub mod bpf;
pub mod bpf_map;
pub mod bpf_run;
pub mod clock;
pub mod cycles;
pub mod datagrams;
pub mod device;
pub mod errno;
pub mod ethtool;
pub mod frame_sender;
pub mod frame_socket;
pub mod limits;
pub mod mmap;
pub mod mount;
pub mod netns;
pub mod packet;
pub mod packet_rx;
pub mod pod;
pub mod poll;
pub mod raw_sender;
pub mod raw_socket;
mod send_messages;
pub mod survivor;
pub mod tty;
pub mod tx_abi;
pub mod xsk;
