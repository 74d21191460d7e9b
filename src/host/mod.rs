//! What this machine is: links, neighbours, capabilities.

pub mod facts;
pub mod link;
pub mod neighbour;
pub mod netlink;
pub mod offloads;
