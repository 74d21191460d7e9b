//! The meeting place of a trial with those who watch it: the trial puts its sights there and takes
//! what is asked of it; nobody waits for anybody.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::sight::{Phase, Sight};
use crate::pace::RateChange;
use crate::report::model::RunResult;

/// One for all trials of a process.
#[derive(Debug)]
pub struct Watch {
    latest: Mutex<Option<Arc<Sight>>>,
    trials: AtomicU64,
    /// Percent of the profile's rates that is wanted.
    percent: AtomicU32,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            latest: Mutex::default(),
            trials: AtomicU64::new(0),
            percent: AtomicU32::new(RateChange::PLAIN),
        }
    }
}

impl Watch {
    /// The latest sight. None before the first trial.
    pub fn latest(&self) -> Option<Arc<Sight>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Percent of the profile's rates that is wanted; [`RateChange::PAUSED`] in a pause.
    pub fn percent(&self) -> u32 {
        self.percent.load(Relaxed)
    }

    /// Asks for other rates, in percent of the profile's; what is out of
    /// [`RateChange::RANGE`] becomes its end, but for [`RateChange::PAUSED`]. They change within some
    /// tenths of a second.
    pub fn want(&self, percent: u32) {
        let percent = match percent {
            RateChange::PAUSED => percent,
            _ => percent.clamp(*RateChange::RANGE.start(), *RateChange::RANGE.end()),
        };
        self.percent.store(percent, Relaxed);
    }

    /// A trial begins, at the rates of its profile.
    pub(super) fn begin(&self) -> u64 {
        self.percent.store(RateChange::PLAIN, Relaxed);
        self.trials.fetch_add(1, Relaxed)
    }

    pub(super) fn put(&self, sight: Sight) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(sight));
    }

    /// The trial is over, and this is its result.
    pub fn finish(&self, result: &RunResult) {
        let Some(latest) = self.latest().filter(|sight| sight.phase != Phase::Over) else { return };
        let mut sight = Sight::clone(&latest);
        sight.finish(result);
        self.put(sight);
    }
}
