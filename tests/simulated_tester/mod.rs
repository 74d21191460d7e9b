//! A tester that simulates a device: a rate, a buffer, and what arrives.

use wirestorm::benchmark::{Measured, Tester};
use wirestorm::error::Result;
use wirestorm::measure::ipdv::Ipdv;
use wirestorm::plan::mean_size;
use wirestorm::profile::benchmark::Reset;
use wirestorm::profile::model::{Profile, Rate};
use wirestorm::report::model::{PauseResult, Percentiles, Reason, RunResult, StreamResult, Totals};
use wirestorm::trial::Snapshot;
use wirestorm::units::Nanos;

/// A device.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// What it forwards, in bit/s at layer 1.
    pub bps: u64,
    /// Frames that it holds while more arrive than it forwards.
    pub buffer: u64,
    /// This machine, not the device, is too slow.
    pub invalid: bool,
    /// Nothing is forwarded for so long after a reset, in seconds.
    pub reset_s: f64,
    /// Every frame arrives twice.
    pub twice: bool,
    /// Every second frame arrives after its successor.
    pub disorder: bool,
}

/// Runs trials on it.
pub struct Simulated {
    device: Device,
    trials: u64,
    /// A signal arrives after so many trials.
    pub stop_after: Option<u64>,
}

impl Simulated {
    /// A device with a tester.
    pub fn new(device: Device) -> Self {
        Self { device, trials: 0, stop_after: None }
    }
}

fn example() -> RunResult {
    serde_json::from_str(include_str!("../../docs/example-result.json")).expect("a result")
}

/// A result with nothing of a trial in it.
pub fn result_of(device: Device) -> RunResult {
    let mut result = example();
    result.streams.clear();
    result.warnings.clear();
    result.overload.clear();
    result.incomplete = false;
    result.verdict.valid = !device.invalid;
    result.verdict.passed = !device.invalid;
    result.verdict.reasons = match device.invalid {
        true => vec![Reason { code: "unsent".into(), message: "this machine is too slow".into() }],
        false => Vec::new(),
    };
    result
}

fn add((one, other): (u64, u64)) -> u64 {
    one + other
}

fn totals(intended: u64, received: u64, pps: f64) -> Totals {
    Totals {
        intended,
        sent: intended,
        received: Some(received),
        unique: Some(received),
        lost: Some(intended - received),
        tx_pps: pps,
        ..Totals::default()
    }
}

impl Tester for Simulated {
    fn run(
        &mut self,
        profile: &Profile,
        epoch: u8,
        reset: Option<&Reset>,
        _: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured> {
        assert_ne!(epoch, 0, "0 is no trial");
        self.trials += 1;
        let mut result = result_of(self.device);
        // Streams that begin together at a port share what the device forwards.
        let mut groups: Vec<(u64, usize)> =
            profile.streams.iter().map(|stream| (stream.start.0, stream.from)).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut all = Totals { unique: Some(0), lost: Some(0), ..Totals::default() };
        for group in groups {
            let here: Vec<_> = profile
                .streams
                .iter()
                .filter(|stream| (stream.start.0, stream.from) == group)
                .collect();
            let mut offered = Vec::new();
            let (mut pps, mut bits) = (0.0, 0.0);
            for stream in &here {
                let Some(Rate::Packets(rate)) = stream.pattern.constant() else {
                    panic!("a trial has packet rates")
                };
                let intended = stream.limit.count.unwrap_or_else(|| {
                    let span = stream.limit.duration.expect("an end").0;
                    let due = u128::from(span) * u128::from(rate.packets);
                    due.div_ceil(u128::from(rate.nanos)) as u64
                });
                let (bytes, frames) = mean_size(&stream.size);
                offered.push((intended, rate.pps()));
                pps += rate.pps();
                bits += rate.pps() * 8.0 * (bytes as f64 / frames as f64 + 20.0);
            }
            let intended: u64 = offered.iter().map(|(intended, _)| intended).sum();
            let span = intended as f64 / pps;
            let forwarded = self.device.bps as f64 * pps / bits * span;
            let room = forwarded as u64 + self.device.buffer;
            let mut left = intended - intended.min(room);
            for (stream, (intended, of_stream)) in here.iter().zip(offered) {
                let mut lost = left.min(intended);
                left -= lost;
                if reset.is_some() {
                    lost = (lost + (self.device.reset_s * of_stream).round() as u64).min(intended);
                }
                let mut counts = totals(intended, intended - lost, 0.0);
                counts.duplicated = Some(if self.device.twice { intended - lost } else { 0 });
                counts.reordered =
                    Some(if self.device.disorder { (intended - lost) / 2 } else { 0 });
                all.intended += intended;
                all.sent += intended;
                if stream.to.is_some() {
                    all.unique = all.unique.map(|sum| sum + intended - lost);
                    all.lost = all.lost.map(|sum| sum + lost);
                    all.duplicated = all.duplicated.or(Some(0)).zip(counts.duplicated).map(add);
                    all.reordered = all.reordered.or(Some(0)).zip(counts.reordered).map(add);
                } else {
                    counts = Totals { intended, sent: intended, ..Totals::default() };
                }
                result.streams.push(StreamResult {
                    name: stream.name.clone(),
                    from: "tx".into(),
                    to: stream.to.map(|_| "rx".into()),
                    counts,
                    latency_ns: stream.to.map(|_| latency()),
                    latency_intended_ns: None,
                    jitter_ns: None,
                    ipdv_ns: Some(Ipdv { min: -900, median: 1.5, max: 2_000 }),
                    first_s: Some(0.0),
                    last_s: Some(match reset {
                        Some(reset) if self.device.reset_s > reset.watch.as_secs_f64() => {
                            reset.after.as_secs_f64()
                        }
                        _ => span,
                    }),
                    longest_pause: reset.map(|reset| {
                        let begin_s = reset.after.as_secs_f64();
                        PauseResult { begin_s, end_s: begin_s + self.device.reset_s }
                    }),
                });
            }
            all.tx_pps = all.tx_pps.max(pps);
        }
        result.totals = all;
        Ok(Measured { result, error: None, down: None })
    }

    fn filter(&mut self, _: u32) -> Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: Nanos) {}

    fn is_stopped(&self) -> bool {
        self.stop_after.is_some_and(|limit| self.trials >= limit)
    }

    fn line_rate(&self, _: usize) -> Option<u64> {
        None
    }
}

fn latency() -> Percentiles {
    Percentiles {
        count: 1_000,
        min: 1_000,
        mean: 2_000.0,
        p50: 1_900,
        p90: 2_500,
        p95: Some(2_800),
        p99: 3_000,
        p99_9: 4_000,
        p99_99: 5_000,
        max: 6_000,
        histogram: None,
    }
}
