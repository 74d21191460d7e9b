//! A benchmark of any accepted profile, against a simulated device: its trials can be made, its
//! searches end or are stopped, and its result is shown and read back.

use wirestorm::benchmark::store::Store;
use wirestorm::benchmark::{Measured, Tester, suite};
use wirestorm::error::Result;
use wirestorm::packet::compile::compile;
use wirestorm::plan::{self, PortFacts};
use wirestorm::profile::benchmark::{Benchmark, Reset};
use wirestorm::profile::model::Profile;
use wirestorm::report::html;
use wirestorm::report::read::{self, Any};
use wirestorm::report::terminal::{self, Style};
use wirestorm::trial::Snapshot;
use wirestorm::units::Nanos;

use crate::packets;
use crate::simulated_tester::{Device, Simulated};

/// Trials after which a benchmark is stopped.
const TRIALS: u64 = 40;
/// Rounds of a benchmark at most, and streams of its profile: more take long.
const ROUNDS: usize = 16;
const STREAMS: usize = 8;
/// Trials whose packets are compiled.
const COMPILED: u64 = 6;
/// Line rate of every port.
const LINE_RATE: u64 = 10_000_000_000;

/// The simulated device behind what a real tester does with a trial's profile.
struct Checked {
    device: Simulated,
    trials: u64,
}

impl Tester for Checked {
    fn run(
        &mut self,
        profile: &Profile,
        epoch: u8,
        reset: Option<&Reset>,
        show: &mut dyn FnMut(&Snapshot),
    ) -> Result<Measured> {
        self.trials += 1;
        let fact = PortFacts { line_rate_bps: Some(LINE_RATE), tx_queues: 0 };
        let facts = vec![fact; profile.ports.len()];
        let _ = plan::plan(profile, &facts, &[0, 1], None)?;
        if self.trials <= COMPILED {
            for n in 0..profile.streams.len().min(4 * STREAMS) {
                compile(profile, n, &packets::addressing(), epoch)?;
            }
        }
        self.device.run(profile, epoch, reset, show)
    }

    fn filter(&mut self, filters: u32) -> Result<()> {
        self.device.filter(filters)
    }

    fn wait(&mut self, span: Nanos) {
        self.device.wait(span);
    }

    fn is_stopped(&self) -> bool {
        self.trials >= TRIALS
    }

    fn line_rate(&self, _: usize) -> Option<u64> {
        Some(LINE_RATE)
    }
}

/// Devices that forward all, half, and nothing in time.
const DEVICES: [(u64, u64); 3] = [(u64::MAX, 0), (LINE_RATE / 2, 100), (1_000_000, 3)];

/// Runs the benchmark.
pub fn check(profile: &Profile, test: &Benchmark) {
    let rounds = test.sizes.len() * (1 + test.modifiers.len());
    if rounds > ROUNDS || profile.streams.len() > STREAMS {
        return;
    }
    for (number, (bps, buffer)) in DEVICES.into_iter().enumerate() {
        let odd = number == 1;
        let device =
            Device { bps, buffer, invalid: false, reset_s: 0.1, twice: odd, disorder: odd };
        let mut tester = Checked { device: Simulated::new(device), trials: 0 };
        // What hinders the start: loads that leave nothing to search, and the like.
        let done = suite::run(profile, test, &mut tester, Store::default(), &mut |_| ());
        let Ok(done) = done else { return };
        // What was accepted can be run.
        if let Some(error) = done.error {
            panic!("{error}\n{}", profile.source);
        }
        let _ = html::render(&html::benchmark::page(&done.result));
        let _ = terminal::render_benchmark(&done.result, Style::PLAIN);
        let json = serde_json::to_vec(&done.result).expect("it is written");
        match read::parse_any(&json) {
            Ok(Any::Benchmark(_)) => {}
            other => panic!("{other:?}\n{}", profile.source),
        }
    }
}
