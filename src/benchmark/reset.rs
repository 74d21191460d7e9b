//! RFC 2544 §26.6 as RFC 6201 updates it: how long a device does not forward after a reset.
//!
//! Two methods, side by side. By frame loss: the frames lost at a constant rate, divided by it. By
//! time stamps: from the last frame received before the outage to the first one after it, in which
//! no stream had an arrival.

use super::judge;
use super::repeats::{Repeats, RepeatsSettings};
use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::profile::benchmark::{Kind, Reset, ResetBy};
use crate::report::benchmark::{ResetResult, ResetTrial, Spread, TrialResult};
use crate::search::Load;
use crate::search::recovery::reset_time_by_loss;
use crate::units::Nanos;

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let Some(throughput) = round.throughput else {
        round.needs_throughput(Kind::Reset);
        return Ok(true);
    };
    let asked = suite.test.reset.clone().unwrap_or_else(|| Reset::new(ResetBy::Hand));
    let load = Load(throughput.share(asked.load).0.max(1));
    let duration = Nanos(asked.after.0.saturating_add(asked.watch.0));
    let settings = RepeatsSettings { load, duration, repeats: asked.repeats };
    let key = round.key(Kind::Reset);
    suite.resetting = true;
    let searched = suite.search::<Repeats>(&key, settings, round);
    suite.resetting = false;
    let (end, begin) = searched?;
    match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => round.gave_up(Kind::Reset, &why),
        End::Found(_) => {
            let valid = suite.trials[begin..].iter().filter(|trial| trial.invalid.is_none());
            let ports = round.pattern.sending_ports as u64;
            let trials: Vec<ResetTrial> = valid.map(|trial| one(trial, load, ports)).collect();
            note(round, &trials);
            let over = |of: fn(&ResetTrial) -> Option<f64>| {
                let values: Vec<f64> =
                    trials.iter().filter(|trial| trial.recovered).filter_map(of).collect();
                Spread::new(&values)
            };
            round.result.reset = Some(ResetResult {
                by: by(&asked.by),
                fps: load.pps(),
                by_loss_s: over(|trial| trial.by_loss_s),
                by_stamps_s: over(|trial| trial.by_stamps_s),
                trials,
            });
        }
    }
    Ok(true)
}

fn by(by: &ResetBy) -> String {
    match by {
        ResetBy::Hand => "hand".to_owned(),
        ResetBy::Command(words) => words.join(" "),
        ResetBy::Lab { down } => format!("the lab: its router does not forward for {down}"),
    }
}

fn one(trial: &TrialResult, load: Load, sending_ports: u64) -> ResetTrial {
    let lost = trial.lost.unwrap_or(0);
    let all = Load(load.0.saturating_mul(sending_ports.max(1)));
    // The last frames have to arrive, or the outage has no end. What a queue still held is late.
    let end = 0.99 * trial.duration_s - 0.1;
    let seconds = |time: Option<Nanos>| time.map(Nanos::as_secs_f64);
    ResetTrial {
        lost,
        by_loss_s: (lost > 0).then(|| seconds(reset_time_by_loss(lost, all))).flatten(),
        by_stamps_s: trial.pause.filter(|_| lost > 0).map(|pause| pause.end_s - pause.begin_s),
        down_s: trial.down_s,
        recovered: trial.last_s.is_some_and(|last| last > end),
    }
}

/// A trial without an outage, or with one that did not end, has no reset time.
fn note(round: &mut Round, trials: &[ResetTrial]) {
    let name = round.named(Kind::Reset);
    let unseen = trials.iter().filter(|trial| trial.lost == 0).count();
    if unseen > 0 {
        let text = format!(
            "{name}: in {unseen} of {} trials no frame was lost: the device was not reset, or goes on \
             forwarding meanwhile",
            trials.len()
        );
        round.note(judge::NO_RESET, text);
    }
    let down = trials.iter().filter(|trial| trial.lost > 0 && !trial.recovered).count();
    if down > 0 {
        let text = format!(
            "{name}: in {down} of {} trials the device did not forward again before the end; a longer \
             test.reset.watch sees more",
            trials.len()
        );
        round.note(judge::NOT_RECOVERED, text);
    }
}
