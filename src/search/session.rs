//! The loop around a search: which trial is next, and what ends it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::end::GaveUp;
use super::trial::{Outcome, Trial};
use crate::error::{Error, Result};
use crate::units::Nanos;

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<F> {
    /// Run this trial and hand its outcome to [`Session::take`].
    Measure(Trial),
    /// The result.
    Done(F),
    /// There is none, and why.
    GaveUp(GaveUp),
}

/// What a bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundUnit {
    /// Packets per second.
    PacketsPerSecond,
    /// Frames of a burst.
    Frames,
}

/// What is known so far of one thing that is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// What the bounds count.
    pub unit: BoundUnit,
    /// The largest value that passed below the upper bound; none yet.
    pub lower: Option<f64>,
    /// The smallest value that did not pass; none yet.
    pub upper: Option<f64>,
}

/// What a search expects to need yet. An estimate: a device that does not repeat itself takes more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Trials.
    pub trials: u64,
    /// The sum of their durations.
    pub sending: Nanos,
}

impl Remaining {
    /// Adds trials of one duration.
    pub fn add(&mut self, trials: u64, duration: Nanos) {
        self.trials = self.trials.saturating_add(trials);
        let sending = trials.saturating_mul(duration.0);
        self.sending = Nanos(self.sending.0.saturating_add(sending));
    }
}

/// A search: a pure function of its settings and the valid outcomes so far, in order.
pub trait Search: Sized {
    /// What it is asked for.
    type Settings: Clone + Serialize + DeserializeOwned;
    /// What it finds.
    type Found;

    /// Starts. Settings that no search can meet are an error.
    fn new(settings: &Self::Settings) -> Result<Self>;
    /// The next trial, or the end.
    fn next(&self) -> Step<Self::Found>;
    /// Learns from a valid outcome of the trial that [`Search::next`] asked for.
    fn take(&mut self, outcome: &Outcome);
    /// What is known so far: one entry for each thing searched for.
    fn bounds(&self) -> Vec<Bounds>;
    /// What it expects to need yet.
    fn remaining(&self) -> Remaining;
}

/// When a search ends without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How often in a row an invalid trial is repeated.
    pub retries: u32,
    /// Trials, invalid ones included.
    pub trials: u64,
    /// Time spent in trials; none for no limit.
    pub time: Option<Nanos>,
}

impl Default for Limits {
    /// Three retries, no limit of time, and more trials than a back-to-back test of 50 repeats needs.
    fn default() -> Self {
        Self { retries: 3, trials: 10_000, time: None }
    }
}

/// A search as it is kept in a file: replaying the outcomes restores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved<T> {
    /// The search's settings.
    pub settings: T,
    /// When to give up.
    pub limits: Limits,
    /// Every outcome so far, invalid ones included.
    pub outcomes: Vec<Outcome>,
}

/// How far a search has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Trials so far, invalid ones included.
    pub trials: u64,
    /// Of these, invalid.
    pub invalid: u64,
    /// Time spent so far.
    pub spent: Nanos,
    /// What is known.
    pub bounds: Vec<Bounds>,
    /// Trials expected yet.
    pub trials_left: u64,
    /// Time expected yet: the trials' durations and, for each, the overhead that trials had so far.
    pub time_left: Nanos,
}

/// A search with its history, its retries and its limits.
#[derive(Clone, Debug)]
pub struct Session<S: Search> {
    saved: Saved<S::Settings>,
    search: S,
    invalid_in_a_row: u32,
    spent: Nanos,
}

impl<S: Search> Session<S> {
    /// Starts a search.
    pub fn new(settings: S::Settings, limits: Limits) -> Result<Self> {
        let search = S::new(&settings)?;
        let saved = Saved { settings, limits, outcomes: Vec::new() };
        Ok(Self { saved, search, invalid_in_a_row: 0, spent: Nanos(0) })
    }

    /// Goes on where a saved search was left. Fails when its outcomes are those of another search.
    pub fn resume(saved: Saved<S::Settings>) -> Result<Self> {
        let mut session = Self::new(saved.settings, saved.limits)?;
        for outcome in saved.outcomes {
            session.take(outcome)?;
        }
        Ok(session)
    }

    /// All that it takes to resume.
    pub fn saved(&self) -> &Saved<S::Settings> {
        &self.saved
    }

    /// The next trial, or how it ended. An invalid trial is asked for again.
    pub fn step(&self) -> Step<S::Found> {
        let Limits { retries, trials, time } = self.saved.limits;
        let next = match self.search.next() {
            Step::Measure(next) => next,
            end => return end,
        };
        if self.invalid_in_a_row > retries {
            let last = self.saved.outcomes.last().and_then(Outcome::why_invalid);
            return Step::GaveUp(GaveUp::AlwaysInvalid {
                trial: next.to_string(),
                attempts: self.invalid_in_a_row,
                reason: last.unwrap_or_default(),
            });
        }
        let known = || self.search.bounds().iter().map(describe).collect::<Vec<_>>().join("; ");
        if self.saved.outcomes.len() as u64 >= trials {
            return Step::GaveUp(GaveUp::TooManyTrials { trials, known: known() });
        }
        if let Some(limit) = time.filter(|limit| self.spent >= *limit) {
            return Step::GaveUp(GaveUp::TooLong { limit, known: known() });
        }
        Step::Measure(next)
    }

    /// Learns the outcome of the trial that [`Session::step`] asked for. An invalid one is kept in
    /// the history and counts for nothing else. Any other trial's outcome is refused.
    pub fn take(&mut self, outcome: Outcome) -> Result<()> {
        let refuse = |cause: String| {
            Error::new("take the outcome of", outcome.trial.to_string(), cause)
                .remedy("start a new search")
        };
        match self.step() {
            Step::Measure(trial) if trial == outcome.trial => {}
            Step::Measure(trial) => return Err(refuse(format!("the search wants {trial}"))),
            Step::Done(_) => return Err(refuse("the search has its result".to_owned())),
            Step::GaveUp(reason) => return Err(refuse(reason.to_string())),
        }
        self.spent = Nanos(self.spent.0.saturating_add(outcome.spent.0));
        if outcome.why_invalid().is_some() {
            self.invalid_in_a_row += 1;
        } else {
            self.invalid_in_a_row = 0;
            self.search.take(&outcome);
        }
        self.saved.outcomes.push(outcome);
        Ok(())
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let outcomes = &self.saved.outcomes;
        let remaining = match self.step() {
            Step::Measure(_) => self.search.remaining(),
            Step::Done(_) | Step::GaveUp(_) => Remaining::default(),
        };
        let overhead = |outcome: &Outcome| {
            u128::from(outcome.spent.0.saturating_sub(outcome.trial.duration().0))
        };
        let overheads: u128 = outcomes.iter().map(overhead).sum();
        let mean = overheads / (outcomes.len().max(1) as u128);
        let left = u128::from(remaining.sending.0) + mean * u128::from(remaining.trials);
        Progress {
            trials: outcomes.len() as u64,
            invalid: outcomes.iter().filter(|outcome| outcome.why_invalid().is_some()).count()
                as u64,
            spent: self.spent,
            bounds: self.search.bounds(),
            trials_left: remaining.trials,
            time_left: Nanos(u64::try_from(left).unwrap_or(u64::MAX)),
        }
    }

    /// Runs the search against a device to its end.
    pub fn run(
        &mut self,
        device: &mut impl Device,
    ) -> Result<std::result::Result<S::Found, GaveUp>> {
        loop {
            match self.step() {
                Step::Measure(trial) => self.take(device.measure(trial))?,
                Step::Done(found) => return Ok(Ok(found)),
                Step::GaveUp(reason) => return Ok(Err(reason)),
            }
        }
    }
}

/// What runs trials: a real device behind a tester, or a simulated one.
pub trait Device {
    /// Runs one trial. What went wrong with it goes into [`Outcome::invalid`].
    fn measure(&mut self, trial: Trial) -> Outcome;
}

fn describe(bounds: &Bounds) -> String {
    let unit = match bounds.unit {
        BoundUnit::PacketsPerSecond => "pps",
        BoundUnit::Frames => "frames",
    };
    match (bounds.lower, bounds.upper) {
        (Some(lower), Some(upper)) => format!("between {lower} and {upper} {unit}"),
        (Some(lower), None) => format!("at least {lower} {unit}"),
        (None, Some(upper)) => format!("below {upper} {unit}"),
        (None, None) => "nothing is known yet".to_owned(),
    }
}
