//! The xdp-live engine against the ceiling of its path: the same live-frame loop with a program that
//! does nothing but redirect. Counted at the receiver, an XDP program that drops, per second of the
//! workers' CPU time, which on a machine of one's own is the wall clock's (VERBOSE shows both).
//!
//! `cargo bench --bench live [-- NAME_PART]`; REPEATS and RUN_SECONDS in the environment. Interleaved
//! repeats; medians, and the spread from the lowest to the highest run.

mod rig;

use std::time::Duration;

use wirestorm::engine::xdp_live::pacing::FAST_BATCH;

use rig::{Case, Rig, flood, median};

fn main() {
    let part = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let from_env = |name: &str, default: f64| {
        std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let repeats = from_env("REPEATS", 5.0) as usize;
    let duration = Duration::from_secs_f64(from_env("RUN_SECONDS", 0.4));
    let cases = [
        Case {
            name: "ceiling 60 B",
            programs: flood(1, 1, 60),
            bare: Some(FAST_BATCH),
            workers: 1,
        },
        Case {
            name: "ceiling, batches of one",
            programs: flood(1, 1, 60),
            bare: Some(1),
            workers: 1,
        },
        Case { name: "1 field", programs: flood(1, 1, 60), bare: None, workers: 1 },
        Case { name: "8 fields", programs: flood(1, 8, 60), bare: None, workers: 1 },
        Case { name: "1 field, 2 streams", programs: flood(2, 1, 60), bare: None, workers: 1 },
        Case { name: "1 field, 100 streams", programs: flood(100, 1, 60), bare: None, workers: 1 },
        Case {
            name: "1 field, 10000 streams",
            programs: flood(10_000, 1, 60),
            bare: None,
            workers: 1,
        },
        Case { name: "8 fields, 100 streams", programs: flood(100, 8, 60), bare: None, workers: 1 },
        Case {
            name: "ceiling 1514 B",
            programs: flood(1, 1, 1514),
            bare: Some(FAST_BATCH),
            workers: 1,
        },
        Case { name: "1 field 1514 B", programs: flood(1, 1, 1514), bare: None, workers: 1 },
        Case {
            name: "ceiling 60 B, 2 workers",
            programs: flood(1, 1, 60),
            bare: Some(FAST_BATCH),
            workers: 2,
        },
        Case { name: "1 field, 2 workers", programs: flood(1, 1, 60), bare: None, workers: 2 },
        Case { name: "8 fields, 2 workers", programs: flood(1, 8, 60), bare: None, workers: 2 },
    ];
    let cases: Vec<_> = cases.into_iter().filter(|case| case.name.contains(&part)).collect();
    let mut kpps = vec![Vec::new(); cases.len()];
    for _ in 0..repeats {
        for (case, kpps) in cases.iter().zip(&mut kpps) {
            let mut rig = Rig::new(case.workers);
            let run = rig.run(case, duration);
            assert_eq!(run.completed, run.received, "{}: the ledger does not close", case.name);
            kpps.push(run.received as f64 / run.cpu_seconds * case.workers as f64 / 1e3);
            if std::env::var_os("VERBOSE").is_some() {
                let wall = run.received as f64 / run.seconds / 1e3;
                eprintln!("{:<26} {wall:>8.0} kpps by wall clock", case.name);
            }
        }
    }
    println!("{:<26} {:>8} {:>17} {:>9}", "case", "kpps", "lowest..highest", "ceiling");
    let mut ceiling = f64::NAN;
    for (case, kpps) in cases.iter().zip(&mut kpps) {
        let middle = median(kpps);
        if case.bare == Some(FAST_BATCH) {
            ceiling = middle;
        }
        println!(
            "{:<26} {middle:>8.0} {:>8.0}..{:<7.0} {:>9.2}",
            case.name,
            kpps[0],
            kpps[kpps.len() - 1],
            middle / ceiling
        );
    }
}
