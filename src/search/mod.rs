//! Benchmarks by the book: which trials they need, and what the trials mean. Pure: no I/O, no clock,
//! nothing random.
//!
//! # The seam
//!
//! A [`Session`] holds one [`Search`]. Whoever runs trials does this:
//!
//! ```
//! use wirestorm::search::{BinarySettings, Binary, Limits, Load, Outcome, Session, Step, Width};
//! use wirestorm::units::{Nanos, Ratio};
//!
//! let settings = BinarySettings {
//!     min: Load::from_pps(1_000),
//!     max: Load::from_pps(1_000_000),
//!     width: Width::Relative(Ratio(5_000_000)), // 0.5 %
//!     loss_ratio: Ratio(0),
//!     verifications: 1,
//!     search_duration: Nanos::SECOND,
//!     final_duration: Nanos(60 * Nanos::SECOND.0),
//! };
//! let mut session: Session<Binary> = Session::new(settings, Limits::default())?;
//! let found = loop {
//!     match session.step() {
//!         Step::Measure(trial) => {
//!             // Run it: here a device that forwards 400 kpps. `sent` is what left, the rest of
//!             // `intended` is unsent; `received` counts no packet twice; `invalid` is the verdict
//!             // on the tester itself; `spent` includes waits and learning.
//!             let intended = trial.packets();
//!             let received = Load::from_pps(400_000).packets_in(trial.duration()).min(intended);
//!             let (sent, invalid, spent) = (intended, None, trial.duration());
//!             session.take(Outcome { trial, intended, sent, received, invalid, spent })?;
//!             // session.progress() has bounds and an estimate of the time left;
//!             // session.saved() is all that Session::resume needs, and serialises.
//!         }
//!         Step::Done(found) => break found,
//!         Step::GaveUp(reason) => panic!("{reason}"),
//!     }
//! };
//! assert!(found.load.pps() > 397_000.0 && found.load.pps() <= 400_000.0);
//! # Ok::<(), wirestorm::error::Error>(())
//! ```
//!
//! - A search is a pure function of its settings and the outcomes so far: to resume one is to
//!   replay its outcomes ([`Session::resume`]). Loads, durations and losses are integers, so a
//!   replay asks for the same trials on every machine.
//! - An invalid trial never counts: it is asked for again, up to [`Limits::retries`] times, and then
//!   the search gives up and says why ([`GaveUp`]).
//! - In a search, what was not sent counts as lost, and so does what arrived without having been
//!   sent ([`Outcome::lost`]).
//! - Waits before and after a trial (RFC 2544 §23) are the runner's; their time is in
//!   [`Outcome::spent`].
//!
//! | module | benchmark |
//! |---|---|
//! | [`binary`] | RFC 2544 §26.1 throughput, with loss verification |
//! | [`mlrsearch`] | several goals in one search: RFC 9971 |
//! | [`frame_loss`] | RFC 2544 §26.3 |
//! | [`back_to_back`] | RFC 2544 §26.4 as RFC 9004 updates it, and buffer times |
//! | [`recovery`] | RFC 2544 §26.5, §26.6, RFC 6201: formulas |
//! | [`latency`] | RFC 2544 §26.2, RFC 8219, RFC 1242: formulas |

pub mod back_to_back;
pub mod binary;
pub mod end;
pub mod frame_loss;
pub mod latency;
pub mod load;
pub mod mlrsearch;
pub mod recovery;
pub mod session;
pub mod trial;

pub use back_to_back::{BackToBack, BackToBackSettings, BufferTime, BurstLengths};
pub use binary::{Binary, BinarySettings, Throughput};
pub use end::GaveUp;
pub use frame_loss::{FrameLoss, FrameLossSettings, LossPoint, LossSeries, SeriesEnd};
pub use load::{Load, Width, line_rate};
pub use mlrsearch::{Goal, GoalResult, MlrSearch, MlrSettings};
pub use session::{
    BoundUnit, Bounds, Device, Limits, Progress, Remaining, Saved, Search, Session, Step,
};
pub use trial::{Amount, Outcome, Trial};
