//! Simulated devices: what they can is known, so a search can be judged.

#![allow(dead_code, reason = "each test uses its part")]

use wirestorm::packet::random;
use wirestorm::search::{Device, Load, Outcome, Trial};
use wirestorm::units::Nanos;

/// Waits around each trial: 2 s for residual frames, 5 s to settle (RFC 2544 §23).
pub const WAITS: Nanos = Nanos(7 * Nanos::SECOND.0);

/// 10 Gbit/s Ethernet, 64-byte frames.
pub const LINE: Load = Load(14_880_952_380);
/// What the devices below forward.
pub const CAPACITY: Load = Load::from_pps(9_370_000);

/// What a device does to one trial.
pub enum Behaviour {
    /// Forwards up to the capacity and drops the rest.
    HardLimit,
    /// From the capacity on loses more and more: the square of the excess.
    Soft,
    /// A hard limit, and a trial in ten loses three packets for no reason.
    Noisy,
    /// A hard limit that a trial in four finds 10 % lower.
    TwoStates,
    /// A hard limit that stays 20 % lower for 12 s after an overload.
    RecoversSlowly,
    /// A hard limit, behind a buffer of so many frames.
    Buffered(u64),
    /// Forwards nothing.
    LosesAll,
    /// Loses at random as many as it likes.
    Erratic,
    /// No trial of it is valid.
    Invalid,
    /// Nothing leaves the tester.
    Silent,
}

/// A device and its clock.
pub struct Simulated {
    behaviour: Behaviour,
    seed: u64,
    trials: u64,
    now: u64,
    overloaded_at: Option<u64>,
    /// Time in trials, without the waits.
    pub sending: Nanos,
}

impl Simulated {
    pub fn new(behaviour: Behaviour, seed: u64) -> Self {
        let sending = Nanos(0);
        Self { behaviour, seed, trials: 0, now: 0, overloaded_at: None, sending }
    }

    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// Time with the waits.
    pub fn time(&self) -> Nanos {
        Nanos(self.now)
    }

    fn lost(&mut self, trial: &Trial, sent: u64) -> u64 {
        let dice = random::below(random::key(self.seed, 0, 0), self.trials, 100);
        let above = |capacity: Load| {
            sent.saturating_sub(capacity.packets_in(trial.duration()).max(u64::from(sent == 1)))
        };
        match self.behaviour {
            Behaviour::HardLimit | Behaviour::Invalid | Behaviour::Silent => above(CAPACITY),
            Behaviour::Soft => {
                let excess = trial.load.0.saturating_sub(CAPACITY.0);
                let ratio = (excess as f64 / CAPACITY.0 as f64).powi(2).min(1.0);
                (ratio * sent as f64).ceil() as u64
            }
            Behaviour::Noisy => above(CAPACITY) + if dice < 10 { 3 } else { 0 },
            Behaviour::TwoStates if dice < 25 => above(Load(CAPACITY.0 / 10 * 9)),
            Behaviour::TwoStates => above(CAPACITY),
            Behaviour::RecoversSlowly => {
                let recovering =
                    self.overloaded_at.is_some_and(|at| self.now < at + 12 * Nanos::SECOND.0);
                let lost = above(if recovering { Load(CAPACITY.0 / 10 * 8) } else { CAPACITY });
                if trial.load > CAPACITY {
                    self.overloaded_at = Some(self.now + trial.duration().0);
                }
                lost
            }
            Behaviour::Buffered(frames) => {
                let capacity = u128::from(sent) * u128::from(CAPACITY.0);
                let forwarded = (capacity / u128::from(trial.load.0)) as u64;
                sent.saturating_sub(forwarded).saturating_sub(frames)
            }
            Behaviour::LosesAll => sent,
            Behaviour::Erratic => sent * dice / 100,
        }
    }
}

impl Device for Simulated {
    fn measure(&mut self, trial: Trial) -> Outcome {
        let intended = trial.packets();
        let sent = if matches!(self.behaviour, Behaviour::Silent) { 0 } else { intended };
        let received = sent.saturating_sub(self.lost(&trial, sent));
        let invalid = matches!(self.behaviour, Behaviour::Invalid)
            .then(|| "the receiver dropped packets itself".to_owned());
        let spent = Nanos(trial.duration().0 + WAITS.0);
        self.trials += 1;
        self.now += spent.0;
        self.sending = Nanos(self.sending.0 + trial.duration().0);
        Outcome { trial, intended, sent, received, invalid, spent }
    }
}
