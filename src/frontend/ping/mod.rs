//! Echo requests and what they say of the way to a host and back: `wirestorm ping`.
//!
//! [`session`] decides and counts, [`network`] sends and listens, [`report`] shows.

pub mod histogram;
pub mod network;
pub mod report;
pub mod session;
