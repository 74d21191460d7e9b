//! From what a run shows of itself to metric families.

use super::family::{Family, Kind, Value};
use super::histogram::Histogram;
use crate::benchmark::sight::SuiteSight;
use crate::measure::glance::{FEW_STREAMS, Moments};
use crate::pace::RateChange;
use crate::search::BoundUnit;
use crate::trial::sight::{Arrived, Phase, Sight, StreamSight};

/// Up to so many streams each has series of its own; above, only their sums are exposed.
pub const MOST_STREAMS: usize = 1_000;

/// All families that have samples.
pub fn families(sight: Option<&Sight>, suite: Option<&SuiteSight>) -> Vec<Family> {
    let mut families = vec![build_info()];
    if let Some(sight) = sight {
        run(sight, &mut families);
        totals(sight, &mut families);
        if sight.streams.len() <= MOST_STREAMS {
            streams(sight, &mut families);
        }
        workers(sight, &mut families);
        ports(sight, &mut families);
        ledger(sight, &mut families);
    }
    if let Some(suite) = suite {
        benchmark(suite, &mut families);
    }
    families.retain(|family| !family.samples.is_empty());
    families
}

fn build_info() -> Family {
    let mut info = Family::new("wirestorm_build_info", Kind::Gauge, "The program; always 1.");
    info.add(&[("version", env!("CARGO_PKG_VERSION"))], Value::Count(1));
    info
}

fn one(name: &'static str, kind: Kind, help: &'static str, value: Value) -> Family {
    let mut family = Family::new(name, kind, help);
    family.add(&[], value);
    family
}

fn seconds(nanos: u64) -> Value {
    Value::Number(nanos as f64 / 1e9)
}

fn run(sight: &Sight, families: &mut Vec<Family>) {
    let mut info = Family::new("wirestorm_run_info", Kind::Gauge, "The run; always 1.");
    let (seed, engine) = (sight.cast.seed.to_string(), sight.engines());
    let labels = [("profile", &*sight.cast.profile), ("seed", &*seed), ("engine", &*engine)];
    info.add(&labels, Value::Count(1));
    let mut phase =
        Family::new("wirestorm_run_phase", Kind::Gauge, "1 for the phase that the trial is in.");
    for (of, name) in [
        (Phase::Settling, "settling"),
        (Phase::Sending, "sending"),
        (Phase::Draining, "draining"),
        (Phase::Over, "over"),
    ] {
        phase.add(&[("phase", name)], Value::Count(u64::from(sight.phase == of)));
    }
    let factor = f64::from(sight.percent) / f64::from(RateChange::PLAIN);
    families.extend([
        info,
        phase,
        one(
            "wirestorm_trial_number",
            Kind::Gauge,
            "Trials of this process before this one; counters begin at 0 with every trial.",
            Value::Count(sight.trial),
        ),
        one(
            "wirestorm_run_elapsed_seconds",
            Kind::Gauge,
            "Time since the first packet was due.",
            seconds(sight.elapsed),
        ),
        one(
            "wirestorm_rate_factor_ratio",
            Kind::Gauge,
            "Factor of the profile's rates: 1 unless somebody changed them by hand.",
            Value::Number(factor),
        ),
        one(
            "wirestorm_lag_max_seconds",
            Kind::Gauge,
            "How late the latest packet was handed over.",
            seconds(sight.max_lag),
        ),
    ]);
    if let Some(expected) = sight.expected {
        let help = "How long the schedule lasts.";
        families.push(one("wirestorm_run_expected_seconds", Kind::Gauge, help, seconds(expected)));
    }
    if let Some(verdict) = &sight.verdict {
        let flag = |name, help, is: bool| one(name, Kind::Gauge, help, Value::Count(is.into()));
        families.push(flag("wirestorm_run_valid", "The run is valid.", verdict.valid));
        families.push(flag("wirestorm_run_passed", "The run meets its criteria.", verdict.passed));
    }
}

/// What is counted of streams, one by one or all together: name of all, name of one, type, meaning.
type Counted = (&'static str, &'static str, Kind, &'static str, fn(&StreamSight) -> Option<u64>);

fn of(stream: &StreamSight, count: fn(&Arrived) -> u64) -> Option<u64> {
    stream.arrived.as_ref().map(count)
}

const COUNTED: [Counted; 9] = [
    (
        "wirestorm_sent_packets",
        "wirestorm_stream_sent_packets",
        Kind::Counter,
        "Distinct packets sent.",
        |stream| Some(stream.sent),
    ),
    (
        "wirestorm_unsent_packets",
        "wirestorm_stream_unsent_packets",
        Kind::Counter,
        "Packets that could not be sent in time, and were not.",
        |stream| Some(stream.unsent),
    ),
    (
        "wirestorm_received_packets",
        "wirestorm_stream_received_packets",
        Kind::Counter,
        "Arrivals of probes of this trial, duplicates too.",
        |stream| of(stream, |arrived| arrived.received),
    ),
    (
        "wirestorm_unique_packets",
        "wirestorm_stream_unique_packets",
        Kind::Counter,
        "Distinct packets that arrived.",
        |stream| of(stream, |arrived| arrived.unique),
    ),
    (
        "wirestorm_duplicated_packets",
        "wirestorm_stream_duplicated_packets",
        Kind::Counter,
        "Further arrivals of packets that had arrived (RFC 5560).",
        |stream| of(stream, |arrived| arrived.duplicated),
    ),
    (
        "wirestorm_reordered_packets",
        "wirestorm_stream_reordered_packets",
        Kind::Counter,
        "Packets that arrived after one with a larger sequence number (RFC 4737).",
        |stream| of(stream, |arrived| arrived.reordered),
    ),
    (
        "wirestorm_late_ambiguous_packets",
        "wirestorm_stream_late_ambiguous_packets",
        Kind::Counter,
        "Arrivals older than the window.",
        |stream| of(stream, |arrived| arrived.late_ambiguous),
    ),
    (
        "wirestorm_lost_packets",
        "wirestorm_stream_lost_packets",
        Kind::Gauge,
        "Packets that a later one has overtaken and that have not arrived; provisional until the \
         trial is over, and then the report's.",
        |stream| stream.arrived.and_then(|arrived| arrived.lost),
    ),
    (
        "wirestorm_open_packets",
        "wirestorm_stream_open_packets",
        Kind::Gauge,
        "Packets that were sent and have neither arrived nor been overtaken: in flight, or lost.",
        StreamSight::open,
    ),
];

fn totals(sight: &Sight, families: &mut Vec<Family>) {
    let (all, measured) = sight.totals();
    for (name, _, kind, help, count) in COUNTED {
        // Of what was sent, all; of what arrived, and what is missing, the streams that are measured.
        let sums = if matches!(name, "wirestorm_lost_packets" | "wirestorm_open_packets") {
            &measured
        } else {
            &all
        };
        if let Some(value) = count(sums) {
            families.push(one(name, kind, help, Value::Count(value)));
        }
    }
    let streams = Value::Count(sight.streams.len() as u64);
    families.push(one("wirestorm_streams", Kind::Gauge, "Streams of the profile.", streams));
}

fn streams(sight: &Sight, families: &mut Vec<Family>) {
    let labels = |number: usize| {
        let cast = &sight.cast.streams[number];
        [("stream", &*cast.name), ("from", &*cast.from), ("to", cast.to.as_deref().unwrap_or(""))]
    };
    for (_, name, kind, help, count) in COUNTED {
        let mut family = Family::new(name, kind, help);
        for (number, stream) in sight.streams.iter().enumerate() {
            if let Some(value) = count(stream) {
                family.add(&labels(number), Value::Count(value));
            }
        }
        families.push(family);
    }
    if sight.streams.len() > FEW_STREAMS {
        return;
    }
    let mut family = Family::new(
        "wirestorm_stream_latency_seconds",
        Kind::Histogram,
        "Receive time - send time, by stream.",
    );
    for (number, stream) in sight.streams.iter().enumerate() {
        if let (Some(counts), Some(arrived)) = (sight.latency_of(number), stream.arrived) {
            let histogram = Histogram::of(counts, arrived.latency.sum);
            family.add(&labels(number), Value::Histogram(histogram));
        }
    }
    families.push(family);
}

fn workers(sight: &Sight, families: &mut Vec<Family>) {
    use crate::trial::sight::WorkerSight;
    type Of = fn(&WorkerSight) -> u64;
    let counters: [(&str, &str, Of); 5] = [
        ("wirestorm_worker_sent_frames", "Frames that the engine took.", |worker| worker.sent),
        (
            "wirestorm_worker_unsent_frames",
            "Slots that passed without a frame, too late.",
            |worker| worker.unsent,
        ),
        ("wirestorm_worker_built_frames", "Frames filled.", |worker| worker.counters.built),
        (
            "wirestorm_worker_completed_frames",
            "Frames that the kernel gave back as sent.",
            |worker| worker.counters.completed,
        ),
        (
            "wirestorm_worker_failed_frames",
            "Frames that the kernel took and gave back as not sent.",
            |worker| worker.counters.failed,
        ),
    ];
    let mut add = |name, kind, help, value: &dyn Fn(&WorkerSight) -> Value| {
        let mut family = Family::new(name, kind, help);
        for (cast, worker) in sight.cast.workers.iter().zip(&sight.workers) {
            let (queue, of) = (cast.queue.to_string(), format!("{}/{}", cast.port, cast.queue));
            let labels = [
                ("worker", &*of),
                ("port", &*cast.port),
                ("interface", &*cast.interface),
                ("queue", &*queue),
                ("engine", cast.engine),
            ];
            family.add(&labels, value(worker));
        }
        families.push(family);
    };
    for (name, help, of) in counters {
        add(name, Kind::Counter, help, &|worker| Value::Count(of(worker)));
    }
    add(
        "wirestorm_worker_lag_seconds",
        Kind::Gauge,
        "Largest lag of the last tenth of a second.",
        &|worker| seconds(worker.lag),
    );
}

fn ports(sight: &Sight, families: &mut Vec<Family>) {
    let mut frames = Family::new(
        "wirestorm_port_seen_frames",
        Kind::Counter,
        "Frames that the receiving program saw.",
    );
    let mut odd = Family::new(
        "wirestorm_port_odd_frames",
        Kind::Counter,
        "Of these, no probes of this trial: corrupt (wrong check), stale (of another trial), alien.",
    );
    let mut overload = Family::new(
        "wirestorm_port_overload",
        Kind::Counter,
        "What this machine's own receive side dropped or did wrong, by counter; all 0 in a valid run.",
    );
    let mut gaps = Family::new(
        "wirestorm_port_gaps",
        Kind::Counter,
        "Inter-arrival times measured against the gap that the schedule wants.",
    );
    let mut within = Family::new(
        "wirestorm_port_gaps_within",
        Kind::Counter,
        "Of the gaps, those within a bound of the wanted one.",
    );
    let mut latency = Family::new(
        "wirestorm_port_latency_seconds",
        Kind::Histogram,
        "Receive time - send time, of all streams to a port.",
    );
    for (port, name) in sight.ports.iter().zip(&sight.cast.ports) {
        let labels = [("port", name.as_str())];
        frames.add(&labels, Value::Count(port.seen));
        for (what, value) in
            [("corrupt", port.corrupt), ("stale", port.stale), ("alien", port.alien)]
        {
            odd.add(&[("port", name), ("what", what)], Value::Count(value));
        }
        for (counter, value) in &port.overload {
            overload.add(&[("port", name), ("counter", counter)], Value::Count(*value));
        }
        // Gaps of a rate that was changed are not those that the profile wants.
        if let Some(found) = port.gaps.filter(|_| sight.changes.is_empty()) {
            gaps.add(&labels, Value::Count(found.count));
            for (bound, count) in ["64ns", "128ns", "256ns", "512ns"].iter().zip(found.within) {
                within.add(&[("port", name), ("bound", bound)], Value::Count(count));
            }
        }
        if !port.latency.is_empty() {
            let mut moments = Moments::default();
            for (cast, stream) in sight.cast.streams.iter().zip(&sight.streams) {
                if let (true, Some(arrived)) = (cast.to.as_ref() == Some(name), stream.arrived) {
                    moments.merge(&arrived.latency);
                }
            }
            let histogram = Histogram::of(&port.latency, moments.sum);
            latency.add(&labels, Value::Histogram(histogram));
        }
    }
    families.extend([frames, odd, overload, gaps, within, latency]);
}

fn ledger(sight: &Sight, families: &mut Vec<Family>) {
    let mut family = Family::new(
        "wirestorm_ledger_packets",
        Kind::Counter,
        "Packets that reached a stage; what is open is missing at those of arrival.",
    );
    for stage in &sight.ledger {
        if let Some(count) = stage.count {
            family.add(&[("stage", &stage.stage)], Value::Count(count));
        }
    }
    families.push(family);
}

fn benchmark(suite: &SuiteSight, families: &mut Vec<Family>) {
    let (over, all) = suite.searches;
    let gauge = |name, help, value| one(name, Kind::Gauge, help, value);
    families.extend([
        gauge("wirestorm_benchmark_searches", "Searches.", Value::Count(all as u64)),
        gauge(
            "wirestorm_benchmark_searches_over",
            "Searches that are over.",
            Value::Count(over as u64),
        ),
        one(
            "wirestorm_benchmark_trials",
            Kind::Counter,
            "Trials that ended, in all searches.",
            Value::Count(suite.ended),
        ),
    ]);
    if suite.number == 0 {
        return;
    }
    let mut info = Family::new("wirestorm_benchmark_info", Kind::Gauge, "The search; always 1.");
    info.add(&[("test", &suite.test), ("size", &suite.size)], Value::Count(1));
    let mut bounds = Family::new(
        "wirestorm_benchmark_bound",
        Kind::Gauge,
        "What the search knows so far, by goal: its result is not below the lower bound and below \
         the upper one.",
    );
    for (goal, known) in suite.bounds.iter().enumerate() {
        let unit = match known.unit {
            BoundUnit::PacketsPerSecond => "packets_per_second",
            BoundUnit::Frames => "frames",
        };
        let goal = goal.to_string();
        for (bound, value) in [("lower", known.lower), ("upper", known.upper)] {
            if let Some(value) = value {
                bounds.add(
                    &[("goal", &goal), ("bound", bound), ("unit", unit)],
                    Value::Number(value),
                );
            }
        }
    }
    families.extend([
        info,
        bounds,
        gauge(
            "wirestorm_benchmark_trial",
            "The number of the trial under way in its search, from 1.",
            Value::Count(suite.number),
        ),
        gauge(
            "wirestorm_benchmark_left_seconds",
            "Time that the search takes yet, about.",
            Value::Number(suite.time_left.as_secs_f64()),
        ),
    ]);
    if let Some(load) = suite.load {
        families.push(gauge(
            "wirestorm_benchmark_load_packets_per_second",
            "The load of the trial under way, of each sending port.",
            Value::Number(load.pps()),
        ));
    }
}
