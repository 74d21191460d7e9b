//! What this machine is: links, neighbours, capabilities.

pub mod facts;
