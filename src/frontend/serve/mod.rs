//! Services that send what they serve in fragments, to learn who receives them: `wirestorm serve`.
//!
//! | file | what it knows |
//! |---|---|
//! | [`dns`] | the DNS front end |
//! | [`tcp`] | the TCP front end |
//! | [`fragment`] | cuts IP packets in memory |
//! | [`identification`] | identifications that nobody guesses (RFC 7739) |
//! | [`next_hop`] | whose MAC a packet is sent to |
//! | [`transmit`] | puts packets on a link, at once or after a gap; never blocks |
//! | [`log`] | outcomes as JSON lines |
//! | [`service`] | signals, readiness, the time of day |

pub mod dns;
pub mod fragment;
pub mod identification;
pub mod log;
pub mod next_hop;
pub mod service;
pub mod tcp;
pub mod transmit;
