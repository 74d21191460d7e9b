//! Where a benchmark is: for the live view and for those who scrape its metrics.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::suite::Shown;
use crate::report::suite_progress;
use crate::search::{Bounds, Load};
use crate::units::Nanos;

/// Trials that are kept to be looked at.
const LAST: usize = 64;

/// A benchmark at one moment.
#[derive(Clone, Debug, Default)]
pub struct SuiteSight {
    /// The test.
    pub test: String,
    /// The frame size.
    pub size: String,
    /// Searches that are over, and all of them.
    pub searches: (usize, usize),
    /// The trial under way, as a person reads it.
    pub trial: String,
    /// Its number in its search, from 1; 0 before the first.
    pub number: u64,
    /// Its load.
    pub load: Option<Load>,
    /// Trials of the search that proved nothing.
    pub invalid: u64,
    /// What is known.
    pub bounds: Vec<Bounds>,
    /// Trials expected yet in this search.
    pub trials_left: u64,
    /// Time expected yet in this search.
    pub time_left: Nanos,
    /// Trials that ended, in all searches of this process.
    pub ended: u64,
    /// The last of them, the latest first.
    pub last: VecDeque<Ended>,
}

/// A trial that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Test and size.
    pub of: String,
    /// The trial.
    pub trial: String,
    /// What it found.
    pub found: String,
    /// It proves something.
    pub valid: bool,
    /// Frames were lost or could not be sent.
    pub lossy: bool,
}

impl SuiteSight {
    /// Takes what is shown.
    pub fn update(&mut self, shown: &Shown<'_>) {
        if let Shown::Begins { key, searches, progress, trial, .. } = shown {
            self.test.clone_from(&key.test);
            self.size = match &key.modifier {
                None => key.size.clone(),
                Some(modifier) => format!("{}, {modifier}", key.size),
            };
            self.searches = *searches;
            self.trial = trial.to_string();
            self.load = Some(trial.load);
            self.number = progress.trials + 1;
            self.invalid = progress.invalid;
            self.bounds.clone_from(&progress.bounds);
            self.trials_left = progress.trials_left;
            self.time_left = progress.time_left;
        }
        if let Shown::Ends(trial) = shown {
            self.ended += 1;
            self.last.push_front(Ended {
                of: format!("{}, {}", self.test, self.size),
                trial: self.trial.clone(),
                found: suite_progress::ends(trial),
                valid: trial.invalid.is_none(),
                lossy: trial.lost.unwrap_or(0) + trial.unsent > 0,
            });
            self.last.truncate(LAST);
        }
    }
}

/// Where a benchmark meets those who watch it.
#[derive(Debug, Default)]
pub struct SuiteWatch(Mutex<SuiteSight>);

impl SuiteWatch {
    /// Takes what is shown.
    pub fn update(&self, shown: &Shown<'_>) {
        self.lock().update(shown);
    }

    /// Where it is.
    pub fn latest(&self) -> SuiteSight {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, SuiteSight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
