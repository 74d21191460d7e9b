//! The verdict so far: what would make the run INVALID or FAIL if it ended now. The run's own verdict
//! ([`crate::measure::verdict`]) is made of the final counts.

use crate::report::format::{count, percent};
use crate::trial::sight::{Phase, Sight};

/// What stands against the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing does.
    Good,
    /// It has to be known.
    Note,
    /// Its criteria are not met.
    Fail,
    /// It says nothing about the device.
    Invalid,
}

/// The verdict so far: the heaviest first; never empty.
pub fn so_far(sight: &Sight) -> Vec<(Weight, String)> {
    if let Some(verdict) = &sight.verdict {
        let (weight, word) = match (verdict.valid, verdict.passed) {
            (false, _) => (Weight::Invalid, "INVALID"),
            (true, false) => (Weight::Fail, "FAIL"),
            (true, true) => (Weight::Good, "PASS"),
        };
        let reasons = verdict.reasons.iter().map(|reason| (weight, reason.message.clone()));
        return std::iter::once((weight, word.to_owned())).chain(reasons).collect();
    }
    let mut found: Vec<(Weight, String)> =
        [unsent(sight), overload(sight), lost(sight), nothing_arrives(sight), changed(sight)]
            .into_iter()
            .flatten()
            .collect();
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    if found.is_empty() {
        let text = match sight.phase {
            Phase::Settling => "nothing is sent yet",
            _ => "nothing stands against it",
        };
        found.push((Weight::Good, text.to_owned()));
    }
    found
}

fn unsent(sight: &Sight) -> Option<(Weight, String)> {
    let (all, _) = sight.totals();
    let intended = all.sent + all.unsent;
    let limit = u128::from(sight.cast.validity.max_unsent.0);
    let over = u128::from(all.unsent) * 1_000_000_000 > limit * u128::from(intended);
    over.then(|| {
        let share = percent(all.unsent, intended);
        (Weight::Invalid, format!("{share} unsent: this machine does not reach the rate"))
    })
}

fn overload(sight: &Sight) -> Option<(Weight, String)> {
    let counters = sight.ports.iter().flat_map(|port| &port.overload);
    let dropped: u64 = counters.map(|(_, value)| value).sum();
    (dropped > sight.cast.validity.max_receiver_overload).then(|| {
        let text = format!("this machine's own receive side dropped {}", count(dropped));
        (Weight::Invalid, text)
    })
}

fn lost(sight: &Sight) -> Option<(Weight, String)> {
    let (_, measured) = sight.totals();
    let lost = measured.arrived?.lost?;
    let limit = u128::from(sight.cast.pass.max_loss?.0);
    let over = u128::from(lost) * 1_000_000_000 > limit * u128::from(measured.sent);
    over.then(|| {
        let share = percent(lost, measured.sent);
        (Weight::Fail, format!("{} lost so far, {share}: more than pass.max_loss", count(lost)))
    })
}

fn nothing_arrives(sight: &Sight) -> Option<(Weight, String)> {
    /// A packet that takes longer is no surprise that has to be told at once.
    const SOON_NS: u64 = 1_000_000_000;
    let (_, measured) = sight.totals();
    let arrived = measured.arrived?;
    let nothing = measured.sent > 0 && arrived.received == 0 && sight.elapsed > SOON_NS;
    nothing.then(|| (Weight::Note, format!("none of {} sent has arrived", count(measured.sent))))
}

fn changed(sight: &Sight) -> Option<(Weight, String)> {
    let last = sight.changes.last()?;
    let weight = match sight.cast.pass.min_rx_pps {
        Some(_) => Weight::Invalid,
        None => Weight::Note,
    };
    let changes = sight.changes.len();
    let times = if changes == 1 { "once".to_owned() } else { format!("{changes} times") };
    Some((weight, format!("rate changed by hand {times}, now {} % of the profile's", last.percent)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::profile::model::{PassCriteria, Validity};
    use crate::trial::sight::{Arrived, Cast, StreamSight};
    use crate::units::{Nanos, Ratio};

    fn sight(sent: u64, unsent: u64, lost: u64) -> Sight {
        let arrived = Arrived { unique: sent - lost, lost: Some(lost), ..Arrived::default() };
        let validity =
            Validity { max_unsent: Ratio(1_000_000), max_lag: Nanos(0), max_receiver_overload: 0 };
        let pass = PassCriteria { max_loss: Some(Ratio(0)), ..PassCriteria::default() };
        Sight {
            cast: Arc::new(Cast { validity, pass, ..Cast::default() }),
            phase: Phase::Sending,
            streams: vec![StreamSight { sent, unsent, arrived: Some(arrived) }],
            ..Sight::default()
        }
    }

    #[test]
    fn the_heaviest_comes_first() {
        let weights = |sight| so_far(&sight).iter().map(|(weight, _)| *weight).collect::<Vec<_>>();
        assert_eq!(weights(sight(1_000, 0, 0)), [Weight::Good]);
        assert_eq!(weights(sight(1_000, 1, 0)), [Weight::Good], "0.1 % is allowed");
        assert_eq!(weights(sight(1_000, 0, 1)), [Weight::Fail]);
        assert_eq!(weights(sight(1_000, 2, 1)), [Weight::Invalid, Weight::Fail]);
    }
}
