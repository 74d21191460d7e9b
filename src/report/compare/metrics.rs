//! Which values are compared.

use super::statistics::difference;
use super::{Change, Metric, Run, Unit};
use crate::report::model::{Percentiles, StreamResult, Totals};

/// A value of the counts of a stream or of all streams.
struct OfCounts {
    name: &'static str,
    unit: Unit,
    more_is_better: bool,
    value: fn(&Totals) -> Option<f64>,
}

const COUNTS: [OfCounts; 5] = [
    OfCounts {
        name: "sent",
        unit: Unit::PacketRate,
        more_is_better: true,
        value: |counts| Some(counts.tx_pps),
    },
    OfCounts {
        name: "received",
        unit: Unit::PacketRate,
        more_is_better: true,
        value: |counts| counts.rx_pps,
    },
    OfCounts {
        name: "loss",
        unit: Unit::Share,
        more_is_better: false,
        value: |counts| counts.loss_ratio,
    },
    OfCounts {
        name: "duplicated",
        unit: Unit::Share,
        more_is_better: false,
        value: |counts| counts.duplicated_ratio,
    },
    OfCounts {
        name: "reordered",
        unit: Unit::Share,
        more_is_better: false,
        value: |counts| counts.reordered_ratio,
    },
];

/// A value of a stream's times.
struct OfTimes {
    name: &'static str,
    of: fn(&StreamResult) -> Option<&Percentiles>,
    value: fn(&Percentiles) -> f64,
}

const TIMES: [OfTimes; 6] = [
    OfTimes { name: "latency mean", of: |s| s.latency_ns.as_ref(), value: |p| p.mean },
    OfTimes { name: "latency p50", of: |s| s.latency_ns.as_ref(), value: |p| p.p50 as f64 },
    OfTimes { name: "latency p99", of: |s| s.latency_ns.as_ref(), value: |p| p.p99 as f64 },
    OfTimes { name: "latency p99.9", of: |s| s.latency_ns.as_ref(), value: |p| p.p99_9 as f64 },
    OfTimes { name: "latency max", of: |s| s.latency_ns.as_ref(), value: |p| p.max as f64 },
    OfTimes { name: "jitter p99", of: |s| s.jitter_ns.as_ref(), value: |p| p.p99 as f64 },
];

/// Every value that all runs of both sides have: of all streams together, then stream by stream.
pub fn all(baseline: &[Run], candidate: &[Run]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for of in &COUNTS {
        let values = |runs: &[Run]| {
            runs.iter().map(|run| (of.value)(&run.result.totals)).collect::<Option<Vec<f64>>>()
        };
        metrics.extend(metric(
            None,
            of.name,
            of.unit,
            of.more_is_better,
            (values(baseline), values(candidate)),
        ));
    }
    let streams = baseline.first().map(|run| &run.result.streams).into_iter().flatten();
    let streams: Vec<&str> = streams.map(|stream| stream.name.as_str()).collect();
    for name in &streams {
        let find = |run: &Run| run.result.streams.iter().find(|s| s.name == *name).cloned();
        let of_stream = |runs: &[Run], value: &dyn Fn(&StreamResult) -> Option<f64>| {
            runs.iter()
                .map(|run| find(run).and_then(|stream| value(&stream)))
                .collect::<Option<Vec<f64>>>()
        };
        // Of a single stream the totals say the same.
        let counts = if streams.len() > 1 { COUNTS.as_slice() } else { &[] };
        for of in counts {
            let value = |stream: &StreamResult| (of.value)(&stream.counts);
            metrics.extend(metric(
                Some(name),
                of.name,
                of.unit,
                of.more_is_better,
                (of_stream(baseline, &value), of_stream(candidate, &value)),
            ));
        }
        for of in &TIMES {
            let value = |stream: &StreamResult| (of.of)(stream).map(of.value);
            metrics.extend(metric(
                Some(name),
                of.name,
                Unit::Time,
                false,
                (of_stream(baseline, &value), of_stream(candidate, &value)),
            ));
        }
    }
    metrics
}

/// The values of both sides; None where a run does not have it.
pub(super) type Sides = (Option<Vec<f64>>, Option<Vec<f64>>);

/// One value; None where a run does not have it, or where it is 0 everywhere and no loss.
pub(super) fn metric(
    stream: Option<&str>,
    name: &'static str,
    unit: Unit,
    more_is_better: bool,
    (baseline, candidate): Sides,
) -> Option<Metric> {
    let (a, b) = (baseline?, candidate?);
    let positive = a.iter().chain(&b).all(|value| *value > 0.0);
    // Zero everywhere is worth a line for losses alone: that there are none is the news.
    if !positive && !name.starts_with("loss") && a.iter().chain(&b).all(|value| *value == 0.0) {
        return None;
    }
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (baseline, candidate, change) = if positive {
        let (a, b) = (logs(&a), logs(&b));
        let (difference, interval) = difference(&a, &b)?;
        let interval = interval.map(|(low, high)| (low.exp(), high.exp()));
        (mean(&a).exp(), mean(&b).exp(), Change::Ratio(difference.exp(), interval))
    } else {
        let (difference, interval) = difference(&a, &b)?;
        (mean(&a), mean(&b), Change::Difference(difference, interval))
    };
    Some(Metric {
        stream: stream.map(str::to_owned),
        name,
        unit,
        more_is_better,
        baseline,
        candidate,
        change,
    })
}
