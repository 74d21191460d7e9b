//! Traffic patterns, as the profile says them.

use super::units::Unit;
use crate::units::{Nanos, Ratio};

use super::model::Rate;
use super::replay::Speed;

/// When the packets of a stream are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// At even distances, or as fast as the engine goes.
    Constant(Rate),
    /// So many packets, then a gap.
    Burst {
        /// Packets of a burst.
        packets: u64,
        /// Rate within a burst; unlimited: all of it is due at once.
        at: Rate,
        /// Distance of the bursts.
        spacing: Spacing,
    },
    /// A rate for some time, nothing for some time.
    OnOff {
        /// Time with packets.
        on: Nanos,
        /// Time without.
        off: Nanos,
        /// Rate while it is on.
        at: Rate,
    },
    /// From one rate to another, in proportion to the time; then on at the second one.
    Ramp {
        /// Rate at the start.
        from: Rate,
        /// Rate at the end.
        to: Rate,
        /// Time between them.
        over: Nanos,
    },
    /// One after another; the last one goes on. Never empty; none is `Steps` or `Poisson`.
    Steps(Vec<Step>),
    /// At random, independent of one another; the mean rate.
    Poisson(Rate),
    /// As a capture was recorded, or so many times as fast.
    Recorded(Speed),
}

/// One of [`Pattern::Steps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is sent.
    pub pattern: Pattern,
    /// For how long.
    pub span: Nanos,
}

/// The distance of bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// From the start of one to the start of the next.
    Every(Nanos),
    /// From the end of one, where its next packet would be due, to the start of the next.
    Gap(Nanos),
}

impl Pattern {
    /// The rate, where it is always the same.
    pub fn constant(&self) -> Option<Rate> {
        match self {
            Self::Constant(rate) => Some(*rate),
            _ => None,
        }
    }

    /// How long the pattern itself lasts; None: it has no end.
    pub fn length(&self) -> Option<Nanos> {
        match self {
            Self::Ramp { over, .. } => Some(*over),
            Self::Steps(steps) => {
                Some(Nanos(steps.iter().fold(0, |all, step| all.saturating_add(step.span.0))))
            }
            _ => None,
        }
    }

    /// Its rates with the keys under which they stand below `rate`.
    pub fn rates(&self) -> Vec<(String, Rate)> {
        let one = |key: &str, rate: &Rate| vec![(key.to_owned(), *rate)];
        match self {
            Self::Constant(rate) => one("", rate),
            Self::Burst { at, .. } | Self::OnOff { at, .. } => one(".at", at),
            Self::Ramp { from, to, .. } => vec![(".ramp".into(), *from), (".ramp".into(), *to)],
            Self::Poisson(rate) => one(".poisson", rate),
            Self::Recorded(_) => Vec::new(),
            Self::Steps(steps) => {
                let below = |(n, step): (usize, &Step)| {
                    let at = move |key| format!(".steps[{n}].rate{key}");
                    step.pattern.rates().into_iter().map(move |(key, rate)| (at(key), rate))
                };
                steps.iter().enumerate().flat_map(below).collect()
            }
        }
    }

    /// Whether it needs to know how fast the link is.
    pub fn needs_line_rate(&self) -> bool {
        self.rates().iter().any(|(_, rate)| matches!(rate, Rate::LineShare(_)))
    }

    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Constant(rate) => rate.text(),
            Self::Burst { packets, at, spacing } => {
                let at = match at {
                    Rate::Unlimited => "at once".to_owned(),
                    at => format!("at {}", at.text()),
                };
                let spacing = match spacing {
                    Spacing::Every(span) => format!("every {}", span.text()),
                    Spacing::Gap(span) => format!("{} between them", span.text()),
                };
                format!("bursts of {packets} packets {at}, {spacing}")
            }
            Self::OnOff { on, off, at } => {
                format!("{} for {}, nothing for {}", at.text(), on.text(), off.text())
            }
            Self::Ramp { from, to, over } => {
                format!("from {} to {} over {}", from.text(), to.text(), over.text())
            }
            Self::Steps(steps) => {
                let step = |step: &Step| match &step.pattern {
                    Self::Ramp { .. } => step.pattern.text(),
                    pattern => format!("{} for {}", pattern.text(), step.span.text()),
                };
                steps.iter().map(step).collect::<Vec<_>>().join(", then ")
            }
            Self::Poisson(rate) => format!("a Poisson process of {} on average", rate.text()),
            Self::Recorded(Speed::RECORDED) => "as recorded".to_owned(),
            Self::Recorded(speed) => format!("at {} the recorded speed", speed.text()),
        }
    }
}

impl Rate {
    /// A rate of 0: steps and the ends of ramps may be silent.
    pub fn is_silent(&self) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Packets(rate) => rate.packets == 0,
            Self::Bits { bps, .. } => *bps == 0,
            Self::LineShare(share) => *share == Ratio(0),
        }
    }
}
