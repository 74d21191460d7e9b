//! Benchmarks: the trials that a search asks for, made of a profile's streams.
//!
//! ```text
//! suite      which tests at which sizes, one after the other
//!  → pattern   the streams scaled to a load, a frame size, a duration: a profile of one trial
//!  → Tester    runs it (the app does; tests simulate devices)
//!  → outcome   what the search has to know of the result; an invalid trial proves nothing
//!  → store     each trial on disk when it ends; replayed when the benchmark is resumed
//! ```
//!
//! | file | RFC 2544 |
//! |---|---|
//! | [`throughput`] | §26.1, binary or MLRsearch |
//! | [`latency`] | §26.2 |
//! | [`frame_loss`] | §26.3 |
//! | [`back_to_back`] | §26.4, RFC 9004 |
//! | [`recovery`] | §26.5 |
//! | [`reset`] | §26.6, RFC 6201 |
//! | [`modify`] | §11, RFC 4814, RFC 5180 |

pub mod back_to_back;
pub mod estimate;
pub mod frame_loss;
pub mod judge;
pub mod latency;
pub mod modify;
pub mod outcome;
pub mod pattern;
pub mod recovery;
pub mod repeats;
pub mod reset;
pub mod sight;
pub mod store;
pub mod suite;
pub mod throughput;

use crate::error::{Error, Result};
use crate::profile::benchmark::Reset;
use crate::profile::model::Profile;
use crate::report::model::RunResult;
use crate::trial::Snapshot;
use crate::units::Nanos;

/// A trial that was run.
pub struct Measured {
    /// What it gave.
    pub result: RunResult,
    /// What ended it before its time, when that was an error.
    pub error: Option<Error>,
    /// How long the lab's router did not forward, where it was reset.
    pub down: Option<Nanos>,
}

/// Whoever runs trials.
pub trait Tester {
    /// Runs a profile once. `epoch` keeps residual frames of earlier trials out. The device is reset
    /// meanwhile where `reset` says how.
    ///
    /// # Errors
    /// What hinders the start.
    fn run(
        &mut self,
        profile: &Profile,
        epoch: u8,
        reset: Option<&Reset>,
        show: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured>;

    /// Puts so many filters into the device, of which the last lets the streams pass (RFC 2544
    /// §11.4); 0 takes them away.
    ///
    /// # Errors
    /// A device that is not the lab's router.
    fn filter(&mut self, filters: u32) -> Result<()>;

    /// Waits, but not beyond a stop.
    fn wait(&mut self, span: Nanos);

    /// Whether somebody asked for the end.
    fn is_stopped(&self) -> bool;

    /// Line rate of a port of the profile in bit/s, where it is known.
    fn line_rate(&self, port: usize) -> Option<u64>;
}
