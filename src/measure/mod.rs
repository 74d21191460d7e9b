//! What the received packets say: order, distributions, ledger, verdict.

pub mod distribution;
pub mod received;
