//! RFC 2544 §26.5: how long a device loses frames after an overload.
//!
//! The standard's B is the time of the last lost frame. A lost frame has no time, so the watch after
//! the reduction A is divided into spans, each with sequence numbers of its own: the end of the last
//! span that lost frames is at most B − A, to one span.

use super::repeats::{Repeats, RepeatsSettings};
use super::suite::{End, Round, Suite};
use crate::error::Result;
use crate::profile::benchmark::Kind;
use crate::report::benchmark::{RecoveryResult, TrialResult};
use crate::search::recovery::{overload, reduced};
use crate::units::Nanos;

/// Whether it ended by itself.
///
/// # Errors
/// As [`Suite::search`].
pub fn measure(suite: &mut Suite<'_>, round: &mut Round) -> Result<bool> {
    let Some(throughput) = round.throughput else {
        round.needs_throughput(Kind::SystemRecovery);
        return Ok(true);
    };
    let asked = suite.test.recovery;
    let high = overload(throughput, round.pattern.max);
    let low = reduced(high);
    let spans = asked.watch.0.div_ceil(asked.resolution.0.max(1)).max(1);
    let settings = RepeatsSettings { load: high, duration: asked.duration, repeats: asked.repeats };
    let key = round.key(Kind::SystemRecovery);
    let (end, begin) = suite.search_by::<Repeats>(&key, settings, round, |trial| {
        round.pattern.falling((trial.load, trial.duration()), (low, spans, asked.resolution))
    })?;
    match end {
        End::Stopped => return Ok(false),
        End::GaveUp(why) => round.gave_up(Kind::SystemRecovery, &why),
        End::Found(_) => {
            let streams = round.pattern.streams();
            let valid = suite.trials[begin..].iter().filter(|trial| trial.invalid.is_none());
            let last: Vec<u64> = valid.map(|trial| last_lossy_span(trial, streams)).collect();
            let seconds =
                |number: &u64| Nanos(number.saturating_mul(asked.resolution.0)).as_secs_f64();
            round.result.system_recovery = Some(RecoveryResult {
                overload_fps: high.pps(),
                reduced_fps: low.pps(),
                recovery_s: last.iter().map(seconds).collect(),
                resolution_s: asked.resolution.as_secs_f64(),
                not_recovered: last.iter().filter(|&&number| number == spans).count() as u64,
            });
        }
    }
    Ok(true)
}

/// The last span after the reduction that lost frames, counted from 1; 0 where none did. The
/// overload's own streams come first.
fn last_lossy_span(trial: &TrialResult, streams: usize) -> u64 {
    let spans = trial.lost_by_stream.get(streams..).unwrap_or_default();
    let lossy = |lost: &Option<u64>| lost.is_none_or(|lost| lost > 0);
    spans.iter().rposition(lossy).map_or(0, |at| (at / streams.max(1) + 1) as u64)
}
