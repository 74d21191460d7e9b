//! When the next packet is due, and of which stream.
//!
//! All of it is arithmetic on the profile: no clock is read here. Slot n of a stream with period P
//! is due `floor(n · P)` after the stream's start, exactly, for as long as the run may be.
//!
//! Streams of the same rate form a *class*: their slots are spread evenly over the period instead
//! of coming in a burst, and a class costs the same however many streams it has. A stream with a
//! [shape](Shape) is a class of its own. So is a datagram that is sent in pieces: its slots are
//! datagrams.
//!
//! A [`RateChange`] in mid-run leaves the slots before it as they are.

mod class;
mod period;
mod schedule;
mod sequence;
pub mod shape;
mod tempo;

pub use class::Member;
pub use period::Period;
pub use schedule::{Class, Schedule, StreamCounts, StreamSchedule, Window};
pub use sequence::Sequence;
pub use shape::Shape;
pub use tempo::RateChange;
