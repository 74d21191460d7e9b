//! Commands that speak with the network as a host does, not as a generator: ping, traceroute, and
//! the services that send in fragments.
//!
//! Decision, wire, network, bookkeeping and presentation are apart: the state machines
//! ([`ping::session`], [`trace::tracer`]) do no I/O and are told the time; what came in is parsed
//! by [`ip`] before they see it.

pub mod ip;
pub mod ping;
pub mod serve;
pub mod trace;
