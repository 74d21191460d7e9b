//! What the received packets say: order, distributions, ledger, verdict.

pub mod distribution;
pub mod ledger;
pub mod received;
pub mod verdict;
