//! What this machine is: links, neighbours, capabilities.

pub mod capabilities;
pub mod cpu;
pub mod doctor;
pub mod environment;
pub mod facts;
pub mod link;
pub mod neighbour;
pub mod netlink;
pub mod nftables;
pub mod offloads;
pub mod xdp;
