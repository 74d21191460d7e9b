//! How long searches take that have not begun: what they would need if the device behaved.

use super::suite::Round;
use super::{back_to_back, frame_loss, throughput};
use crate::profile::benchmark::{Benchmark, Kind, Method};
use crate::search::{BackToBack, Binary, FrameLoss, MlrSearch, Remaining, Search};
use crate::units::Nanos;

/// Trials and sending of one test at one size.
pub fn of(test: &Benchmark, kind: Kind, round: &Round) -> Remaining {
    match kind {
        Kind::Throughput | Kind::Rfc2544 => match test.search {
            Method::Binary => fresh::<Binary>(&throughput::binary_settings(test, round)),
            Method::MlrSearch => fresh::<MlrSearch>(&throughput::mlr_settings(test, round)),
        },
        Kind::FrameLoss => fresh::<FrameLoss>(&frame_loss::settings(test, round)),
        Kind::BackToBack => fresh::<BackToBack>(&back_to_back::settings(test, round)),
        Kind::Latency => {
            let trials = u64::from(test.latency.repeats) * test.latency.loads.len() as u64;
            repeated(trials, test.latency.duration)
        }
        Kind::SystemRecovery => {
            let asked = test.recovery;
            let each = Nanos(asked.duration.0.saturating_add(asked.watch.0));
            repeated(asked.repeats.into(), each)
        }
        Kind::Reset => test.reset.as_ref().map_or_else(Remaining::default, |asked| {
            let each = Nanos(asked.after.0.saturating_add(asked.watch.0));
            repeated(asked.repeats.into(), each)
        }),
    }
}

/// What a search needs that has seen nothing; nothing where its settings cannot be met.
fn fresh<S: Search>(settings: &S::Settings) -> Remaining {
    S::new(settings).map_or_else(|_| Remaining::default(), |search| search.remaining())
}

fn repeated(trials: u64, duration: Nanos) -> Remaining {
    let mut remaining = Remaining::default();
    remaining.add(trials, duration);
    remaining
}
