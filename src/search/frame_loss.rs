//! RFC 2544 §26.3 frame loss rate: trials from 100 % of the maximum downwards, until two in a row
//! lose nothing.

use serde::{Deserialize, Serialize};

use super::load::Load;
use super::session::{BoundUnit, Bounds, Remaining, Search, Step};
use super::trial::{Outcome, Trial};
use crate::error::{Error, Result};
use crate::units::{Nanos, Ratio};

/// Successive trials without loss that end the series.
const LOSSLESS_IN_A_ROW: u32 = 2;

/// What a frame loss series is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameLossSettings {
    /// 100 %: the maximum rate for the frame size.
    pub max: Load,
    /// How far the share falls from trial to trial; above 0, at most 10 %.
    pub step: Ratio,
    /// Duration of each trial; 60 s by RFC 2544 §24.
    pub duration: Nanos,
}

/// One trial of the series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossPoint {
    /// The share of the maximum.
    pub share: Ratio,
    /// The trial; [`Outcome::loss_ratio`] is the frame loss rate.
    pub outcome: Outcome,
}

/// What ended a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesEnd {
    /// Two successive trials lost nothing.
    Lossless,
    /// No step is left above 0, and there never were two such trials.
    StillLossy,
}

/// A frame loss series, from the highest load to the lowest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossSeries {
    /// The trials.
    pub points: Vec<LossPoint>,
    /// What ended it.
    pub end: SeriesEnd,
}

/// The state of a frame loss series.
#[derive(Clone, Debug)]
pub struct FrameLoss {
    settings: FrameLossSettings,
    points: Vec<LossPoint>,
}

impl FrameLoss {
    /// The share of the next trial; 0 when no step is left.
    fn share(&self) -> Ratio {
        let down = u128::from(self.settings.step.0) * self.points.len() as u128;
        Ratio(u64::try_from(u128::from(Ratio::ONE.0).saturating_sub(down)).unwrap_or(0))
    }

    fn lossless_in_a_row(&self) -> u32 {
        let lossless = |point: &&LossPoint| point.outcome.lost() == 0;
        self.points.iter().rev().take_while(lossless).count() as u32
    }
}

impl Search for FrameLoss {
    type Settings = FrameLossSettings;
    type Found = LossSeries;

    fn new(settings: &FrameLossSettings) -> Result<Self> {
        let wrong = |cause: &str| Err(Error::new("measure", "frame loss", cause));
        if settings.step.0 == 0 || settings.step.0 > Ratio::ONE.0 / 10 {
            return wrong("the step has to be above 0 and at most 10 % (RFC 2544 §26.3)");
        }
        if settings.max.0 == 0 || settings.duration.0 == 0 {
            return wrong("the maximum and the duration have to be above 0");
        }
        Ok(Self { settings: settings.clone(), points: Vec::new() })
    }

    fn next(&self) -> Step<LossSeries> {
        let end = if self.lossless_in_a_row() >= LOSSLESS_IN_A_ROW {
            SeriesEnd::Lossless
        } else {
            let load = self.settings.max.share(self.share());
            if load.0 > 0 {
                return Step::Measure(Trial::lasting(load, self.settings.duration));
            }
            SeriesEnd::StillLossy
        };
        Step::Done(LossSeries { points: self.points.clone(), end })
    }

    fn take(&mut self, outcome: &Outcome) {
        self.points.push(LossPoint { share: self.share(), outcome: outcome.clone() });
    }

    fn bounds(&self) -> Vec<Bounds> {
        let lossless = |point: &&LossPoint| point.outcome.lost() == 0;
        let upper = self.points.iter().rfind(|point| !lossless(point));
        let below = |point: &&LossPoint| {
            upper.is_none_or(|upper| point.outcome.trial.load < upper.outcome.trial.load)
        };
        let lower = self.points.iter().filter(lossless).find(below);
        let pps = |point: &LossPoint| point.outcome.trial.load.pps();
        let unit = BoundUnit::PacketsPerSecond;
        vec![Bounds { unit, lower: lower.map(pps), upper: upper.map(pps) }]
    }

    /// At most: down to the last step.
    fn remaining(&self) -> Remaining {
        let mut remaining = Remaining::default();
        let trials = self.share().0.div_ceil(self.settings.step.0);
        remaining.add(trials, self.settings.duration);
        remaining
    }
}
