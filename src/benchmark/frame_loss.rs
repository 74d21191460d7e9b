//! RFC 2544 §26.3: loss against load.

use super::judge;
use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::profile::benchmark::{Benchmark, Kind};
use crate::report::benchmark::LossResult;
use crate::search::frame_loss::{LossPoint, SeriesEnd};
use crate::search::{FrameLoss, FrameLossSettings};

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let settings = settings(suite.test, round);
    let key = round.key(Kind::FrameLoss);
    let (end, _) = suite.search::<FrameLoss>(&key, settings, round)?;
    match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => round.gave_up(Kind::FrameLoss, &why),
        End::Found(series) => {
            round.result.frame_loss = series.points.iter().map(point).collect();
            if series.end == SeriesEnd::StillLossy {
                let text = "there never were two trials without loss in a row";
                round.note(
                    judge::NEVER_LOSSLESS,
                    format!("{}: {text}", round.named(Kind::FrameLoss)),
                );
            }
        }
    }
    Ok(true)
}

/// What a series is asked for.
pub(super) fn settings(test: &Benchmark, round: &Round) -> FrameLossSettings {
    FrameLossSettings { max: round.pattern.max, step: test.loss_step, duration: test.duration }
}

fn point(point: &LossPoint) -> LossResult {
    LossResult {
        share: point.share.as_f64(),
        fps: point.outcome.trial.load.pps(),
        intended: point.outcome.intended,
        lost: point.outcome.lost(),
        loss_ratio: point.outcome.loss_ratio(),
    }
}
