//! When streams begin and end: delays, chains, repetitions.
//!
//! A chain is a stream without `after` and all that follow it, at one remove or several. `repeat`
//! stands at its beginning, and repeats all of it: a round lasts until the last of its streams has
//! ended.

use std::collections::HashMap;

use super::shape::shape;
use crate::error::{Error, Result};
use crate::pace::Shape;
use crate::pace::shape::{Repeated, Rounds};
use crate::profile::model::{Profile, Stream};
use crate::units::Nanos;

/// The longest chain, all its rounds together: a week.
const LONGEST: u64 = 7 * 86_400_000_000_000;

/// When a stream's packets are due, its place in a chain and the chain's rounds included.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    pub shape: Shape,
    /// Nanoseconds from the start of the trial.
    pub start: u64,
    /// Packets at most, over all rounds.
    pub count: Option<u64>,
    /// Nanoseconds from `start` after which nothing is due; no datagram begins, if it is sent in
    /// pieces.
    pub duration: Option<u64>,
    /// Nanoseconds from the first piece of a datagram to its last.
    span: u64,
}

impl Timing {
    /// Nanoseconds from `start` to the end of its schedule; None: when its count is sent, at an
    /// unlimited rate.
    fn length(&self) -> Option<u64> {
        Some(length(&self.shape, self.count, self.duration)?.saturating_add(self.span))
    }
}

/// Nanoseconds until a schedule is over: its duration, or where the packet behind its last one
/// would be due. None: nobody knows when its count is sent.
pub(super) fn length(shape: &Shape, count: Option<u64>, duration: Option<u64>) -> Option<u64> {
    if shape.is_unlimited() {
        return duration;
    }
    let by_count = |count: u64| match shape.due(count) {
        // The shape itself ends: behind its last packet.
        u64::MAX => match shape.slots_in(u64::MAX).unwrap_or(0).min(count) {
            0 => 0,
            slots => shape.due(slots - 1).saturating_add(1),
        },
        due => due,
    };
    match (duration, count, shape) {
        // Where the count ends it is found only by walking there; the duration is an end too.
        (Some(span), _, Shape::Poisson(_)) | (Some(span), None, _) => Some(span),
        (Some(span), Some(count), _) => Some(span.min(by_count(count))),
        (None, count, _) => count.map(by_count),
    }
}

/// The timing of every stream, in the order of the profile. `lines` has the line rate of each port.
///
/// # Errors
/// A share of an unknown line rate; a chain that does not end, or not soon.
pub(super) fn timetable(profile: &Profile, lines: &[Option<u64>]) -> Result<Vec<Timing>> {
    let mut timings = Vec::with_capacity(profile.streams.len());
    for (number, stream) in profile.streams.iter().enumerate() {
        let line = lines.get(stream.from).copied().flatten();
        let shape = shape(profile, number, line).map_err(|refusal| refusal.error(stream))?;
        let limit = stream.limit;
        let duration = match (limit.count, limit.duration) {
            (None, None) => Some(profile.duration.0),
            (_, duration) => duration.map(|span| span.0),
        };
        let piece = stream.piece.as_ref();
        let span = piece.map_or(0, |piece| piece.sequence(profile.seed).span());
        let start = stream.start.0;
        timings.push(Timing { shape, start, count: limit.count, duration, span });
    }
    if profile.streams.iter().all(|stream| stream.after.is_none() && stream.repeat == 1) {
        return Ok(timings);
    }
    let places = places(profile, &timings)?;
    // Per beginning of a chain: how long a round lasts.
    let mut rounds: HashMap<usize, u64> = HashMap::new();
    for (place, timing) in places.iter().zip(&timings) {
        let round = rounds.entry(place.first).or_default();
        if let Some(length) = timing.length() {
            *round = (*round).max(place.offset.saturating_add(length));
        } else if profile.streams[place.first].repeat > 1 {
            return Err(endless(&profile.streams[place.first], "repeat"));
        }
    }
    for (number, place) in places.iter().enumerate() {
        let first = &profile.streams[place.first];
        let round = rounds.get(&place.first).copied().unwrap_or(0);
        let begin = first.start.0.saturating_add(place.offset);
        let timing = &mut timings[number];
        timing.start = begin;
        let all = round.saturating_mul(first.repeat);
        if begin.saturating_add(all) > LONGEST {
            let key = if first.repeat > 1 { "repeat" } else { "after" };
            let lasts = format!("the chain lasts {}", Nanos(begin.saturating_add(all)));
            return Err(Error::new("plan", path(first, key), lasts)
                .remedy("use fewer rounds, or shorter ones: a week at most"));
        }
        if first.repeat > 1 {
            repeat(timing, round, first)?;
        }
    }
    Ok(timings)
}

/// A stream's place in its chain.
struct Place {
    /// The stream that begins the chain.
    first: usize,
    /// Nanoseconds from the chain's beginning to the stream's.
    offset: u64,
}

fn places(profile: &Profile, timings: &[Timing]) -> Result<Vec<Place>> {
    // Of a datagram's pieces the first stands for all.
    let numbers: HashMap<&str, usize> =
        profile.streams.iter().enumerate().rev().map(|(n, s)| (s.written_name(), n)).collect();
    let mut places: Vec<Option<Place>> = profile.streams.iter().map(|_| None).collect();
    for number in 0..profile.streams.len() {
        // Back to a stream whose place is known, then forwards again.
        let mut way = Vec::new();
        let mut at = number;
        while places[at].is_none() {
            way.push(at);
            let Some(after) = &profile.streams[at].after else { break };
            let stream = &profile.streams[at];
            let before = numbers.get(&**after).copied();
            at = before.filter(|before| !way.contains(before)).ok_or_else(|| {
                let cause = format!("no stream that ends before it is called {after:?}");
                Error::new("plan", path(stream, "after"), cause)
                    .remedy("name a stream that does not follow this one")
            })?;
        }
        for &at in way.iter().rev() {
            let stream = &profile.streams[at];
            let place = match stream.after.as_ref().and_then(|after| numbers.get(&**after)) {
                None => {
                    let first = stream.piece.as_ref().map_or(at, |piece| piece.group);
                    Place { first, offset: 0 }
                }
                Some(&before) => {
                    let length = timings[before].length();
                    let Some((length, place)) = length.zip(places[before].as_ref()) else {
                        return Err(endless(stream, "after"));
                    };
                    let offset = place.offset.saturating_add(length).saturating_add(stream.start.0);
                    Place { first: place.first, offset }
                }
            };
            places[at] = Some(place);
        }
    }
    Ok(places.into_iter().flatten().collect())
}

/// Makes one round's timing that of all rounds.
fn repeat(timing: &mut Timing, round: u64, first: &Stream) -> Result<()> {
    let times = first.repeat;
    let own = length(&timing.shape, timing.count, timing.duration).unwrap_or(round);
    let last = round.saturating_mul(times - 1);
    match &mut timing.shape {
        Shape::Poisson(process) => {
            *process = process.with_rounds(Rounds {
                span: timing.duration.unwrap_or(u64::MAX),
                count: timing.count.unwrap_or(u64::MAX),
                every: round,
                rounds: times,
            });
            timing.count = timing.count.and_then(|count| count.checked_mul(times));
        }
        shape => {
            let all = timing.duration.and_then(|span| shape.slots_in(span));
            let slots = match (timing.count, all) {
                (Some(count), Some(slots)) => Some(count.min(slots)),
                (count, slots) => count.or(slots),
            };
            let slots = slots.filter(|_| !shape.is_unlimited());
            let slots = slots.ok_or_else(|| endless(first, "repeat"))?;
            timing.count = Some(slots.saturating_mul(times));
            if slots > 0 {
                timing.shape = Repeated::new(shape.clone(), slots, round)
                    .map(Shape::Repeated)
                    .ok_or_else(|| endless(first, "repeat"))?;
            }
        }
    }
    timing.duration = Some(last.saturating_add(own));
    Ok(())
}

fn endless(stream: &Stream, key: &str) -> Error {
    Error::new("plan", path(stream, key), "it waits for a stream whose end nobody knows")
        .remedy("give that stream a rate or a duration: a count at an unlimited rate has neither")
}

fn path(stream: &Stream, key: &str) -> String {
    format!("streams[{}].{key}", stream.written_name())
}
