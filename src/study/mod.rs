//! Fragmentation studies (`test: fragments`): which share of datagrams a path loses because they are
//! fragmented, and where.
//!
//! ```text
//! profile::study  cells and arms
//!  → design       which combinations of lists become cells                             pure
//!  → plan         the tries, in random order in blocks                                 pure
//!  → compose      the frames of a try, each with its tag                               pure
//!  → tester       sends, listens (hear), asks the sink; outcomes
//!  → attribution  an arm alone between two readings of every counter: the stage
//!  → analysis     counts → estimates (statistics) → report::study                      pure
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | [`statistics`] | intervals, paired differences, p values, sample sizes |
//! | [`tag`], [`view`] | what stands in a fragment; reading raw frames |
//! | [`sink`] | the receiver: `wirestorm serve sink` |
//! | [`judge`] | the verdict: validity, and what the profile asks of arms |
//! | [`published`] | what other studies found |

pub mod analysis;
pub mod attribution;
pub mod compose;
pub mod design;
pub mod hear;
pub mod judge;
pub mod plan;
pub mod published;
pub mod sink;
pub mod statistics;
pub mod tag;
pub mod tester;
pub mod view;
pub mod wire;
