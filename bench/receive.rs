//! What the measuring receiver costs where packets really arrive: xdp-live floods a veth whose far
//! end has either the bare XDP_DROP counter or the measuring receiver, which finds the tag, judges
//! order and keeps three histograms. Counted at the receiver, per second of the worker's CPU time:
//! the receiving program runs on the sender's core, so the difference is what it costs. Every packet
//! that the sender's engine completed has to be counted, and as distinct.
//!
//! `cargo bench --bench receive`; REPEATS and RUN_SECONDS in the environment. Interleaved repeats.

mod rig;

use std::time::Duration;

use rig::{Case, FarEnd, Rig, flood, median};

fn main() {
    let from_env = |name: &str, default: f64| {
        std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let repeats = from_env("REPEATS", 5.0) as usize;
    let duration = Duration::from_secs_f64(from_env("RUN_SECONDS", 0.5));
    let kinds = [
        ("XDP_DROP counter", FarEnd::Counter),
        ("order", FarEnd::Receiver { latency: false }),
        ("order, latency, jitter", FarEnd::Receiver { latency: true }),
    ];
    let both = [("1 worker", 1), ("2 workers", 2)];
    let mut cases = Vec::new();
    for (load, workers) in both {
        for (name, far) in kinds {
            cases.push((format!("{name}, {load}"), far, workers));
        }
    }
    let mut kpps = vec![(Vec::new(), Vec::new()); cases.len()];
    for _ in 0..repeats {
        for ((name, far, workers), (by_cpu, by_clock)) in cases.iter().zip(&mut kpps) {
            let mut rig = Rig::with(*workers, *far);
            let programs = flood(1, 1, 60);
            let case = Case { name: "", programs, bare: None, workers: *workers };
            let run = rig.run(&case, duration);
            assert_eq!(run.completed, run.received, "{name}: the ledger does not close");
            by_cpu.push(run.received as f64 / run.cpu_seconds * *workers as f64 / 1e3);
            by_clock.push(run.received as f64 / run.seconds / 1e3);
        }
    }
    println!(
        "| far end | kpps by CPU time | lowest..highest | of the counter | ns more | wall kpps |"
    );
    println!("|---|---|---|---|---|---|");
    let mut counter = f64::NAN;
    for ((name, far, workers), (by_cpu, by_clock)) in cases.iter().zip(&mut kpps) {
        let (middle, wall) = (median(by_cpu), median(by_clock));
        if *far == FarEnd::Counter {
            counter = middle;
        }
        println!(
            "| {name} | {middle:.0} | {:.0}..{:.0} | {:.2} | {:.0} | {wall:.0} |",
            by_cpu[0],
            by_cpu[by_cpu.len() - 1],
            middle / counter,
            (1e6 / middle - 1e6 / counter) * *workers as f64
        );
    }
}
