//! Why a search ends without a result.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::load::Load;
use crate::units::Nanos;

/// The reason, as a user reads it.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum GaveUp {
    /// No attempt at a trial was valid.
    #[error("{attempts} trials in a row of {trial} were invalid, the last because: {reason}")]
    AlwaysInvalid {
        /// The trial.
        trial: String,
        /// How often it was run.
        attempts: u32,
        /// What was wrong with the last.
        reason: String,
    },
    /// Even the smallest load loses too much.
    #[error("the device loses {:.4} % at {load}, the smallest load of this search", loss_ratio * 100.0)]
    LossAtMinimum {
        /// The load.
        load: Load,
        /// Loss of the last trial there, from 0 to 1.
        loss_ratio: f64,
    },
    /// Even the shortest burst loses frames.
    #[error("the device loses frames of a burst of {frames}, the shortest that the step allows")]
    LossOfShortestBurst {
        /// Frames of the burst.
        frames: u64,
    },
    /// The limit of trials was reached.
    #[error("no result after {trials} trials, the limit; {known}")]
    TooManyTrials {
        /// The limit.
        trials: u64,
        /// What is known until then.
        known: String,
    },
    /// The limit of time was reached.
    #[error("no result within {limit} of trials, the limit; {known}")]
    TooLong {
        /// The limit.
        limit: Nanos,
        /// What is known until then.
        known: String,
    },
}
