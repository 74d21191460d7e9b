//! RFC 2544 §26.1 throughput by binary search, with loss verification (ETSI TST009 §12.3.3, which
//! RFC 9004 takes over): a load fails only when all its trials in a row were lossy.
//!
//! First the bounds come together with trials of `search_duration`, beginning at the maximum. Then
//! the lower bound is confirmed with a trial of `final_duration` (§24). When it fails there, loads
//! below it follow at the final duration in widening steps, and the last step is halved again.

use serde::{Deserialize, Serialize};

use super::end::GaveUp;
use super::load::{Load, Width};
use super::session::{BoundUnit, Bounds, Remaining, Search, Step};
use super::trial::{Outcome, Trial};
use crate::error::{Error, Result};
use crate::units::{Nanos, Ratio};

/// What a binary search is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinarySettings {
    /// The smallest load worth knowing, above 0.
    pub min: Load,
    /// The largest load, mostly the line rate: the first trial.
    pub max: Load,
    /// How near the bounds have to come.
    pub width: Width,
    /// Loss that still passes; 0 for RFC 2544's throughput.
    pub loss_ratio: Ratio,
    /// How often a lossy trial is repeated before its load fails; 0 is RFC 2544 as it was written.
    pub verifications: u32,
    /// Duration of the trials while searching.
    pub search_duration: Nanos,
    /// Duration of the final trial, at least that of the others; 60 s by RFC 2544 §24.
    pub final_duration: Nanos,
}

/// What a binary search finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// The largest load that passed, in a trial of the final duration.
    pub load: Load,
    /// The smallest load that failed; none when the maximum passed.
    pub upper: Option<Load>,
    /// The final trial.
    pub confirmed_by: Outcome,
}

/// The state of a binary search.
#[derive(Clone, Debug)]
pub struct Binary {
    settings: BinarySettings,
    /// The largest load that passed in trials of the present phase, below `upper`.
    lower: Option<Load>,
    upper: Option<Load>,
    /// The outcome that passed at `lower`.
    passed: Option<Outcome>,
    /// Whether trials have the final duration now.
    last_phase: bool,
    /// How far below the upper bound the next load is while the last phase has no lower bound.
    step: Option<Load>,
    /// Lossy trials in a row at the load that is next.
    lossy: u32,
    last_loss: f64,
}

impl Binary {
    fn duration(&self) -> Nanos {
        if self.last_phase { self.settings.final_duration } else { self.settings.search_duration }
    }

    fn narrow(&self) -> bool {
        match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => {
                self.settings.width.reached(lower, upper) || upper.0 - lower.0 <= 1
            }
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The load of the next trial while searching; none when even the minimum failed.
    fn load(&self) -> Option<Load> {
        let Some(upper) = self.upper else { return Some(self.settings.max) };
        let min = self.settings.min;
        match (self.lower, self.step) {
            (Some(lower), _) => Some(Load(lower.0.midpoint(upper.0))),
            (None, _) if upper <= min => None,
            (None, Some(step)) => Some(Load(upper.0.saturating_sub(step.0)).max(min)),
            (None, None) if self.settings.width.reached(min, upper) => Some(min),
            // The middle rounds down, and never below the minimum.
            (None, None) => Some(Load(min.0.midpoint(upper.0))),
        }
    }

    /// The load of the next trial.
    fn next_load(&self) -> Option<Load> {
        if self.narrow() { self.lower } else { self.load() }
    }

    fn pass(&mut self, load: Load, outcome: &Outcome) {
        // What passes while the bounds are narrow is the confirmation.
        self.last_phase |= self.narrow();
        self.lower = Some(load);
        self.passed = Some(outcome.clone());
    }

    fn fail(&mut self, load: Load) {
        if !self.last_phase && self.narrow() {
            // The confirmation failed: nothing is known to pass at the final duration.
            self.last_phase = true;
            self.lower = None;
            self.passed = None;
            self.step = Some(self.settings.width.below(load));
        } else if self.lower.is_none() {
            self.step = self.step.map(|step| Load(step.0.saturating_mul(2)));
        }
        self.upper = Some(load);
    }
}

impl Search for Binary {
    type Settings = BinarySettings;
    type Found = Throughput;

    fn new(settings: &BinarySettings) -> Result<Self> {
        let wrong = |subject: &str, cause: &str| Err(Error::new("search by", subject, cause));
        if settings.min.0 == 0 || settings.min > settings.max {
            return wrong("loads", "the minimum has to be above 0 and not above the maximum");
        }
        if settings.search_duration.0 == 0 || settings.search_duration > settings.final_duration {
            return wrong("durations", "0 < search duration ≤ final duration has to hold");
        }
        Ok(Self {
            settings: settings.clone(),
            lower: None,
            upper: None,
            passed: None,
            last_phase: settings.search_duration == settings.final_duration,
            step: None,
            lossy: 0,
            last_loss: 0.0,
        })
    }

    fn next(&self) -> Step<Throughput> {
        if let (true, true, Some(load), Some(confirmed_by)) =
            (self.narrow(), self.last_phase, self.lower, &self.passed)
        {
            let confirmed_by = confirmed_by.clone();
            return Step::Done(Throughput { load, upper: self.upper, confirmed_by });
        }
        match self.next_load() {
            Some(load) => {
                let narrow = self.narrow();
                let duration = if narrow { self.settings.final_duration } else { self.duration() };
                Step::Measure(Trial::lasting(load, duration))
            }
            None => Step::GaveUp(GaveUp::LossAtMinimum {
                load: self.settings.min,
                loss_ratio: self.last_loss,
            }),
        }
    }

    fn take(&mut self, outcome: &Outcome) {
        let load = outcome.trial.load;
        if !outcome.loses_more_than(self.settings.loss_ratio) {
            self.lossy = 0;
            self.pass(load, outcome);
            return;
        }
        self.last_loss = outcome.loss_ratio();
        self.lossy += 1;
        if self.lossy > self.settings.verifications {
            self.lossy = 0;
            self.fail(load);
        }
    }

    fn bounds(&self) -> Vec<Bounds> {
        vec![Bounds {
            unit: BoundUnit::PacketsPerSecond,
            lower: self.lower.map(Load::pps),
            upper: self.upper.map(Load::pps),
        }]
    }

    fn remaining(&self) -> Remaining {
        let upper = self.upper.unwrap_or(self.settings.max);
        let lower = self.lower.unwrap_or(self.settings.min);
        let width = self.settings.width.below(upper).0 as f64;
        let apart = upper.0.saturating_sub(lower.0) as f64 / width;
        let halvings = if self.narrow() { 0.0 } else { apart.max(1.0).log2().ceil() };
        let mut remaining = Remaining::default();
        remaining.add(halvings as u64, self.duration());
        if !self.last_phase {
            remaining.add(1, self.settings.final_duration);
        }
        remaining
    }
}
