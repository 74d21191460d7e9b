//! The way to a host, hop by hop: `wirestorm trace`; and at which hop fragments and extension
//! headers stop: `wirestorm trace --fragments`.
//!
//! | file | what it knows |
//! |---|---|
//! | [`probe`] | what is sent: arm, hop, size |
//! | [`compose`] | its bytes |
//! | [`network`] | sockets, with privilege and without |
//! | [`matching`] | which probe an answer is to |
//! | [`tracer`] | which probe is due; what was answered |
//! | [`plan`] | the probes of a run, in their order |
//! | [`path`] | a plain trace's rows |
//! | [`arms`], [`verdict`] | answers by hop and arm, and what follows from them |
//! | [`report`] | tables and sentences |
//! | [`json`] | the JSON |

pub mod arms;
pub mod compose;
pub mod fisher;
pub mod json;
pub mod matching;
pub mod network;
pub mod path;
pub mod plan;
pub mod probe;
pub mod report;
pub mod tracer;
pub mod verdict;
