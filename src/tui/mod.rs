//! The live view: what a trial, or a benchmark, shows while it runs, on a terminal.
//!
//! ```text
//! Watch, SuiteWatch   sights of the trial, put there ten times a second
//!  → history            rates, losses, latencies over the time of the trial, in bounded memory
//!  → model              which view, which row, what a key does: pure
//!  → view               the model on a screen of any size: pure
//!  → session            the thread that reads keys and draws
//!  → terminal           raw mode, taken and given back however the program ends
//! ```

pub mod history;
pub mod judge;
pub mod model;
pub mod session;
pub mod terminal;
pub mod theme;
pub mod view;
