//! A stream's pattern as a shape: rates turned into exact times.

use std::fmt;
use std::sync::Arc;

use super::{OnTheWire, on_the_wire};
use crate::error::Error;
use crate::pace::shape::{Burst, OnOff, Poisson, Ramp, Recorded, Rounds, Steps};
use crate::pace::{Period, Shape};
use crate::packet::random;
use crate::profile::model::{Pattern, Profile, Rate, Spacing, Stream};
use crate::profile::replay::{Replay, Speed};
use crate::profile::units::Unit;
use crate::units::{BitLayer, L1_OVERHEAD_BYTES, Nanos, PacketRate};

/// The sequence of random numbers, among those of a stream's fields, that its gaps are drawn from.
const GAPS: u32 = u32::MAX - 2;

/// What stands against a pattern: where below the stream, what it is, and what would be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key below the stream: `rate.every`.
    pub key: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

impl Refusal {
    fn new(key: &str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        let key = format!("rate{key}");
        Self { key, found: found.to_string(), expected: expected.to_string() }
    }

    /// As an error of a run.
    pub fn error(self, stream: &Stream) -> Error {
        Error::new("plan", format!("streams[{}].{}", stream.written_name(), self.key), self.found)
            .remedy(format!("use {}", self.expected))
    }
}

/// When the packets of stream `number` are due; where it is a piece of a datagram, when the datagrams
/// are.
///
/// # Errors
/// A share of the line rate where it is not known; rates and times that do not go together.
pub fn shape(
    profile: &Profile,
    number: usize,
    line_rate_bps: Option<u64>,
) -> Result<Shape, Refusal> {
    let stream = &profile.streams[number];
    let rates = Rates { wire: on_the_wire(profile, number), line_rate_bps };
    if let Pattern::Poisson(rate) = stream.pattern {
        let first = stream.piece.as_ref().map_or(number, |piece| piece.group);
        let key = random::key(profile.seed, first as u32, GAPS);
        let process = Poisson::new(rates.limited(rate, ".poisson")?, key, Rounds::ENDLESS);
        return process.map(Shape::Poisson).ok_or_else(|| no_rate(".poisson", rate));
    }
    if let (Pattern::Recorded(speed), Some(replay)) = (&stream.pattern, &stream.replay) {
        return recorded(replay, *speed).map(Shape::Recorded);
    }
    of(&stream.pattern, &rates, "")?
        .ok_or_else(|| Refusal::new("", "no packets at all", "a rate above 0 somewhere"))
}

/// The shape of a pattern; None: it is silent.
fn of(pattern: &Pattern, rates: &Rates, below: &str) -> Result<Option<Shape>, Refusal> {
    let key = |key: &str| format!("{below}{key}");
    Ok(Some(match pattern {
        Pattern::Constant(rate) => {
            let Some(period) = rates.period(*rate, below)? else { return Ok(None) };
            if !below.is_empty() && period.is_unlimited() {
                return Err(no_rate(below, *rate));
            }
            Shape::Even(period)
        }
        Pattern::Burst { packets, at, spacing } => {
            let within = rates.audible(*at, &key(".at"))?;
            let length = Burst::length(*packets, within);
            let (name, span) = match spacing {
                Spacing::Every(span) => (".every", span.0),
                Spacing::Gap(span) => (".gap", length.saturating_add(span.0)),
            };
            let burst = Burst::new(*packets, within, span).ok_or_else(|| {
                let expected = match length {
                    0 => "a time above 0".to_owned(),
                    _ => format!("at least {}, which a burst takes", Nanos(length).text()),
                };
                Refusal::new(&key(name), Nanos(span).text(), expected)
            })?;
            Shape::Burst(burst)
        }
        Pattern::OnOff { on, off, at } => {
            let period = rates.limited(*at, &key(".at"))?;
            let on_off = OnOff::new(on.0, off.0, period);
            Shape::OnOff(
                on_off.ok_or_else(|| Refusal::new(&key(".on"), on.text(), "a time above 0"))?,
            )
        }
        Pattern::Ramp { from, to, over } => {
            let end = |rate: Rate| match rate {
                Rate::Unlimited => Err(no_rate(&key(".ramp"), rate)),
                rate => rates.period(rate, &key(".ramp")),
            };
            let (from, to) = (end(*from)?, end(*to)?);
            if from.or(to).is_none() {
                return Ok(None);
            }
            let ramp = Ramp::new(from, to, over.0).map_err(|_| {
                let expected = "rates in whole packets per second, or a shorter ramp";
                Refusal::new(&key(".ramp"), "rates too fine to reckon with exactly", expected)
            })?;
            Shape::Ramp(ramp)
        }
        Pattern::Steps(steps) => {
            let mut shapes = Vec::with_capacity(steps.len());
            for (n, step) in steps.iter().enumerate() {
                let below = key(&format!(".steps[{n}].rate"));
                shapes.push((of(&step.pattern, rates, &below)?, step.span.0));
            }
            if shapes.iter().all(|(shape, _)| shape.is_none()) {
                return Ok(None);
            }
            let steps = Steps::new(shapes).ok_or_else(|| {
                Refusal::new(&key(".steps"), "more packets than 64 bits count", "shorter steps")
            })?;
            Shape::Steps(steps)
        }
        Pattern::Poisson(_) | Pattern::Recorded(_) => {
            return Err(Refusal::new(
                below,
                "a Poisson process in a step",
                "a rate, burst or ramp",
            ));
        }
    }))
}

/// The times of a capture. Between two rounds lies the mean of its gaps, unless the profile has
/// another; where there is none, a capture that is sent once needs none.
fn recorded(replay: &Replay, speed: Speed) -> Result<Recorded, Refusal> {
    let frames = &replay.frames;
    let dues: Arc<[u64]> = match speed {
        Speed::RECORDED => frames.times().into(),
        speed => frames.times().iter().map(|time| speed.scale(*time)).collect(),
    };
    let last = dues.last().copied().unwrap_or(0);
    let gaps = dues.len() as u64 - 1;
    let mean = last.checked_div(gaps).unwrap_or(0);
    let gap = replay.gap.unwrap_or(if replay.rounds == Some(1) { mean.max(1) } else { mean });
    Recorded::new(dues, gap).ok_or_else(|| Refusal {
        key: "replay.repeat".to_owned(),
        found: "a capture that lasts no time".to_owned(),
        expected: "a gap between the rounds beside it, gap: 10ms; or a rate".to_owned(),
    })
}

fn no_rate(key: &str, rate: Rate) -> Refusal {
    Refusal::new(key, rate.text(), "a rate: only bursts are sent as fast as the engine goes")
}

/// Turns rates into periods.
struct Rates {
    wire: OnTheWire,
    line_rate_bps: Option<u64>,
}

impl Rates {
    /// The period of a rate that is neither unlimited nor 0.
    fn limited(&self, rate: Rate, key: &str) -> Result<Period, Refusal> {
        let period = self.audible(rate, key)?;
        if period.is_unlimited() { Err(no_rate(key, rate)) } else { Ok(period) }
    }

    /// The period of a rate that is not 0.
    fn audible(&self, rate: Rate, key: &str) -> Result<Period, Refusal> {
        let silent = || Refusal::new(key, rate.text(), "a rate above 0");
        self.period(rate, key)?.ok_or_else(silent)
    }

    /// The exact time between two packets; None: the rate is 0.
    fn period(&self, rate: Rate, key: &str) -> Result<Option<Period>, Refusal> {
        if rate.is_silent() {
            return Ok(None);
        }
        let (bps, layer) = match rate {
            Rate::Unlimited => return Ok(Some(Period::UNLIMITED)),
            Rate::Packets(rate) => return Ok(Some(Period::of(rate))),
            Rate::Bits { bps, layer } => (u128::from(bps), layer),
            Rate::LineShare(share) => {
                let line = self.line_rate_bps.ok_or_else(|| {
                    Refusal::new(
                        key,
                        "a share of the line rate of a link that tells no speed",
                        "the port's speed, for example ports.tx.speed: 10Gbps, or a rate in pps or bit/s",
                    )
                })?;
                (u128::from(line) * u128::from(share.0) / 1_000_000_000, BitLayer::L1)
            }
        };
        let wire = &self.wire;
        let overhead = match layer {
            BitLayer::L1 => u64::from(L1_OVERHEAD_BYTES) * wire.frames,
            BitLayer::L2 => 0,
        };
        let packets = bps * u128::from(wire.packets);
        let nanos = u128::from(wire.bytes + overhead) * 8 * 1_000_000_000;
        let divisor = gcd(packets, nanos).max(1);
        let too_fine =
            |_| Refusal::new(key, "a rate out of range", "a rate between 1 bit/s and 1 Tbit/s");
        Ok(Some(Period::of(PacketRate {
            packets: u64::try_from(packets / divisor).map_err(too_fine)?.max(1),
            nanos: u64::try_from(nanos / divisor).map_err(too_fine)?.max(1),
        })))
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
