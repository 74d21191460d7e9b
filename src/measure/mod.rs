//! What the received packets say: order, distributions, ledger, verdict.

pub mod buckets;
pub mod classify;
pub mod distribution;
pub mod glance;
pub mod ipdv;
pub mod ledger;
pub mod received;
pub mod verdict;
pub mod window;
