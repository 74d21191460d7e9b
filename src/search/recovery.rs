//! RFC 2544 §26.5 system recovery and §26.6 reset (with RFC 6201): loads and formulas.

use super::load::Load;
use crate::units::{Nanos, Ratio};

/// The overload of §26.5: 110 % of the throughput, or the line rate where that is less. It lasts at
/// least 60 s.
pub fn overload(throughput: Load, line_rate: Load) -> Load {
    let raised = u128::from(throughput.0) * 11 / 10;
    Load(u64::try_from(raised).unwrap_or(u64::MAX)).min(line_rate)
}

/// What the load falls to at time stamp A of §26.5.
pub fn reduced(overload: Load) -> Load {
    overload.share(Ratio(Ratio::ONE.0 / 2))
}

/// The recovery time B − A: from the reduction of the load to the last frame that was lost. 0 when
/// nothing was lost after the reduction.
pub fn recovery_time(reduced_at: Nanos, last_lost: Option<Nanos>) -> Nanos {
    Nanos(last_lost.map_or(0, |last| last.0.saturating_sub(reduced_at.0)))
}

/// The reset time by frame loss (RFC 6201 §1.3): the frames lost at a constant rate. None at rate 0.
pub fn reset_time_by_loss(lost: u64, load: Load) -> Option<Nanos> {
    if load.0 == 0 {
        return None;
    }
    let nanos = u128::from(lost) * 1_000_000_000_000 / u128::from(load.0);
    Some(Nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// The reset time by time stamps (RFC 6201 §1.3): from the last frame received before the outage to
/// the first one after it.
pub fn reset_time_by_stamps(last_before: Nanos, first_after: Nanos) -> Nanos {
    Nanos(first_after.0.saturating_sub(last_before.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overload_is_a_tenth_more_and_never_above_the_line_rate() {
        let line = Load::from_pps(1_000);
        assert_eq!(overload(Load::from_pps(500), line), Load::from_pps(550));
        assert_eq!(overload(Load::from_pps(950), line), line);
        assert_eq!(reduced(Load::from_pps(550)), Load::from_pps(275));
    }

    #[test]
    fn recovery_ends_with_the_last_loss() {
        let at = Nanos(5_000);
        assert_eq!(recovery_time(at, Some(Nanos(7_500))), Nanos(2_500));
        assert_eq!(recovery_time(at, Some(Nanos(4_000))), Nanos(0), "lost before the reduction");
        assert_eq!(recovery_time(at, None), Nanos(0));
    }

    #[test]
    fn a_reset_takes_what_its_lost_frames_take() {
        let load = Load::from_pps(1_000);
        assert_eq!(reset_time_by_loss(2_500, load), Some(Nanos(2_500_000_000)));
        assert_eq!(reset_time_by_loss(1, Load(0)), None);
        assert_eq!(reset_time_by_stamps(Nanos(10), Nanos(25)), Nanos(15));
    }
}
