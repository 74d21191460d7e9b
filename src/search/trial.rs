//! What a search asks of a device, and what comes back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::load::Load;
use crate::units::{Nanos, Ratio};

/// How much a trial sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// For so long; what could not be sent by then is unsent. The duration is never stretched.
    Duration(Nanos),
    /// One burst of so many frames.
    Frames(u64),
}

/// One trial that a search wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The intended load.
    pub load: Load,
    /// How much of it.
    pub amount: Amount,
}

impl Trial {
    /// A trial of a duration.
    pub fn lasting(load: Load, duration: Nanos) -> Self {
        Self { load, amount: Amount::Duration(duration) }
    }

    /// How long it sends.
    pub fn duration(&self) -> Nanos {
        match self.amount {
            Amount::Duration(duration) => duration,
            Amount::Frames(frames) => {
                let nanos = u128::from(frames) * 1_000_000_000_000 / u128::from(self.load.0.max(1));
                Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }

    /// The packets that it should send.
    pub fn packets(&self) -> u64 {
        match self.amount {
            Amount::Duration(duration) => self.load.packets_in(duration),
            Amount::Frames(frames) => frames,
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.amount {
            Amount::Duration(duration) => write!(f, "{} for {duration}", self.load),
            Amount::Frames(frames) => write!(f, "a burst of {frames} frames at {}", self.load),
        }
    }
}

/// What a trial gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The trial that it answers.
    pub trial: Trial,
    /// Packets that the schedule wanted: those of the trial, up to rounding.
    pub intended: u64,
    /// Packets that left; the rest of the intended is unsent.
    pub sent: u64,
    /// Packets that arrived, each counted once: a duplicate must not cancel a loss.
    pub received: u64,
    /// Why the trial proves nothing (the tester was the limit, counters contradict); none when it
    /// is valid.
    pub invalid: Option<String>,
    /// Time that the trial took, waits and learning included.
    pub spent: Nanos,
}

impl Outcome {
    /// Packets that count as lost in a search: unsent ones, those that left and did not arrive,
    /// and those that arrived without having been sent (a negative loss is a wrong count, and never
    /// makes a trial better).
    pub fn lost(&self) -> u64 {
        let unsent = self.intended.saturating_sub(self.sent);
        unsent.saturating_add(self.sent.abs_diff(self.received)).min(self.intended)
    }

    /// Whether the loss is above a ratio of the intended packets. Exact.
    pub fn loses_more_than(&self, ratio: Ratio) -> bool {
        u128::from(self.lost()) * u128::from(Ratio::ONE.0)
            > u128::from(self.intended) * u128::from(ratio.0)
    }

    /// Lost packets as a fraction of the intended ones, for display: from 0 to 1.
    pub fn loss_ratio(&self) -> f64 {
        if self.intended == 0 { 0.0 } else { self.lost() as f64 / self.intended as f64 }
    }

    /// Why the trial cannot be used: what the tester said, or what its counts contradict.
    pub fn why_invalid(&self) -> Option<String> {
        if let Some(reason) = &self.invalid {
            return Some(reason.clone());
        }
        if self.intended == 0 {
            return Some(format!("no packet is due in a trial of {}", self.trial));
        }
        if self.sent == 0 {
            return Some("nothing was sent".to_owned());
        }
        (self.sent > self.intended)
            .then(|| format!("{} packets were sent where {} were due", self.sent, self.intended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(intended: u64, sent: u64, received: u64) -> Outcome {
        let trial = Trial::lasting(Load::from_pps(intended), Nanos::SECOND);
        Outcome { trial, intended, sent, received, invalid: None, spent: Nanos::SECOND }
    }

    #[test]
    fn unsent_and_surplus_packets_count_as_lost() {
        assert_eq!(outcome(100, 100, 100).lost(), 0);
        assert_eq!(outcome(100, 90, 90).lost(), 10);
        assert_eq!(outcome(100, 90, 80).lost(), 20);
        assert_eq!(outcome(100, 100, 103).lost(), 3);
        assert_eq!(outcome(100, 97, 100).lost(), 6, "a surplus does not make up for the unsent");
        assert_eq!(outcome(100, 100, 1_000).lost(), 100, "never more than everything");
    }

    #[test]
    fn a_loss_ratio_is_compared_without_rounding() {
        let one_in_a_billion = outcome(1_000_000_001, 1_000_000_001, 1_000_000_000);
        assert!(one_in_a_billion.loses_more_than(Ratio(0)));
        assert!(!one_in_a_billion.loses_more_than(Ratio(1)));
    }

    #[test]
    fn what_was_not_measured_is_invalid() {
        assert_eq!(outcome(100, 100, 0).why_invalid(), None);
        let empty = outcome(0, 0, 0).why_invalid();
        assert_eq!(empty.as_deref(), Some("no packet is due in a trial of 0 pps for 1.000 s"));
        assert_eq!(outcome(100, 0, 0).why_invalid().as_deref(), Some("nothing was sent"));
        let more = outcome(100, 101, 101).why_invalid();
        assert_eq!(more.as_deref(), Some("101 packets were sent where 100 were due"));
    }

    #[test]
    fn a_burst_lasts_as_long_as_its_frames_take() {
        let burst = Trial { load: Load::from_pps(1_000), amount: Amount::Frames(26) };
        assert_eq!(burst.duration(), Nanos(26_000_000));
        assert_eq!(burst.to_string(), "a burst of 26 frames at 1000 pps");
    }
}
