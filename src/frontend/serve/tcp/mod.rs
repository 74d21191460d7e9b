//! The TCP front end: clients connect to it, a real server behind answers, and what the server sends
//! reaches the clients in fragments, or proves that it does not.
//!
//! | file | what it knows |
//! |---|---|
//! | [`segment`], [`options`] | a TCP segment as it came |
//! | [`compose`] | a segment translated |
//! | [`cut`] | where data is cut |
//! | [`evidence`] | what a client's acknowledgments prove |
//! | [`flow`], [`table`] | connections, in bounded memory |
//! | [`translator`] | what becomes of a segment: pure |
//! | [`record`] | what is told |
//! | [`filter`], [`network`] | sockets, and the loop between them |

pub mod compose;
pub mod cut;
pub mod evidence;
pub mod filter;
pub mod flow;
pub mod network;
pub mod options;
pub mod record;
pub mod segment;
pub mod settings;
pub mod table;
pub mod translator;

#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod translator_tests;
