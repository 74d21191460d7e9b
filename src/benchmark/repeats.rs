//! The same trial several times: a search that looks for nothing.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::search::{Bounds, Load, Outcome, Remaining, Search, Step, Trial};
use crate::units::Nanos;

/// What is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatsSettings {
    /// The load.
    pub load: Load,
    /// Duration of a trial.
    pub duration: Nanos,
    /// Valid trials.
    pub repeats: u32,
}

/// The valid trials so far.
#[derive(Clone, Debug)]
pub struct Repeats {
    settings: RepeatsSettings,
    outcomes: Vec<Outcome>,
}

impl Search for Repeats {
    type Settings = RepeatsSettings;
    type Found = Vec<Outcome>;

    fn new(settings: &RepeatsSettings) -> Result<Self> {
        if settings.load.0 == 0 || settings.duration.0 == 0 || settings.repeats == 0 {
            let cause = "load, duration and repeats have to be above 0";
            return Err(Error::new("repeat", "a trial", cause));
        }
        Ok(Self { settings: settings.clone(), outcomes: Vec::new() })
    }

    fn next(&self) -> Step<Vec<Outcome>> {
        if self.outcomes.len() as u64 >= u64::from(self.settings.repeats) {
            return Step::Done(self.outcomes.clone());
        }
        Step::Measure(Trial::lasting(self.settings.load, self.settings.duration))
    }

    fn take(&mut self, outcome: &Outcome) {
        self.outcomes.push(outcome.clone());
    }

    fn bounds(&self) -> Vec<Bounds> {
        Vec::new()
    }

    fn remaining(&self) -> Remaining {
        let mut remaining = Remaining::default();
        let left = u64::from(self.settings.repeats).saturating_sub(self.outcomes.len() as u64);
        remaining.add(left, self.settings.duration);
        remaining
    }
}
