//! A tester that simulates a device: a rate, a buffer, and what arrives.

use wirestorm::benchmark::{Measured, Tester};
use wirestorm::error::Result;
use wirestorm::plan::mean_size;
use wirestorm::profile::model::{Profile, Rate};
use wirestorm::report::model::{Percentiles, Reason, RunResult, StreamResult, Totals};
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
        _: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured> {
        assert_ne!(epoch, 0, "0 is no trial");
        self.trials += 1;
        let mut result = result_of(self.device);
        // Streams that begin together share what the device forwards.
        let mut starts: Vec<u64> = profile.streams.iter().map(|stream| stream.start.0).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut all = (0, 0, 0.0);
        for start in starts {
            let here: Vec<_> =
                profile.streams.iter().filter(|stream| stream.start.0 == start).collect();
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
                offered.push(intended);
                pps += rate.pps();
                bits += rate.pps() * 8.0 * (bytes as f64 / frames as f64 + 20.0);
            }
            let intended: u64 = offered.iter().sum();
            let span = intended as f64 / pps;
            let forwarded = self.device.bps as f64 * pps / bits * span;
            let room = forwarded as u64 + self.device.buffer;
            let received = intended.min(room);
            let mut left = intended - received;
            for (stream, intended) in here.iter().zip(offered) {
                let lost = left.min(intended);
                left -= lost;
                result.streams.push(StreamResult {
                    name: stream.name.clone(),
                    from: "tx".into(),
                    to: Some("rx".into()),
                    counts: totals(intended, intended - lost, 0.0),
                    latency_ns: Some(latency()),
                    latency_intended_ns: None,
                    jitter_ns: None,
                    first_s: None,
                    last_s: None,
                });
            }
            all = (all.0 + intended, all.1 + received, f64::max(all.2, pps));
        }
        result.totals = totals(all.0, all.1, all.2);
        Ok(Measured { result, error: None })
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
        p99: 3_000,
        p99_9: 4_000,
        p99_99: 5_000,
        max: 6_000,
        histogram: None,
    }
}
