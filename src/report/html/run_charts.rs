//! The latency charts of a run.

use super::page::{Axis, Block, Chart, Mark, Point, Quantity, Scale, Series};
use crate::report::calibration::FloorTimes;
use crate::report::format::count;
use crate::report::histogram::{self, decode};
use crate::report::model::{Percentiles, RunResult, StreamResult};

/// More streams than this make a chart that nobody can read.
const STREAMS_MAX: usize = 6;

/// With more streams than this, latencies from the intended time are left to the table.
const INTENDED_MAX: usize = 2;

/// The percentile spectrum and the distribution. Empty where no latency was measured.
pub fn latency(result: &RunResult) -> Vec<Block> {
    let (streams, of_more) = slowest(result);
    if streams.is_empty() {
        return Vec::new();
    }
    let mut spectrum = Vec::new();
    let mut density = Vec::new();
    for (color, stream) in streams.iter().enumerate() {
        let Some(values) = &stream.latency_ns else { continue };
        spectrum.push(spectrum_of(stream.name.clone(), values, color, false));
        if let Some(histogram) = decode(values) {
            density.push(Series {
                name: stream.name.clone(),
                mark: Mark::Steps,
                color,
                dashed: false,
                points: histogram::density(&histogram).into_iter().map(Point::from).collect(),
            });
        }
        if streams.len() <= INTENDED_MAX
            && let Some(intended) = &stream.latency_intended_ns
        {
            let name = format!("{}, intended", stream.name);
            spectrum.push(spectrum_of(name, intended, color, true));
        }
    }
    let floor = result.calibration.as_ref().and_then(|calibrated| calibrated.loaded.as_ref());
    if let Some(floor) = floor {
        spectrum.push(floor_of(&floor.latency_ns));
    }
    let note = match of_more {
        0 => String::new(),
        more => format!(
            " The {} streams of {} with the largest p99; the table has all.",
            streams.len(),
            count((streams.len() + more) as u64)
        ),
    };
    let mut blocks = vec![Block::Chart(Chart {
        title: "Latency by percentile".to_owned(),
        note: format!(
            "Each step to the right is ten times rarer: at 99.9 % one packet of a thousand took \
             longer.{note}"
        ),
        x: Axis {
            title: "percentile".to_owned(),
            quantity: Quantity::Percentile,
            scale: Scale::Log,
        },
        y: Axis { title: "latency".to_owned(), quantity: Quantity::Time, scale: Scale::Log },
        series: spectrum,
    })];
    if !density.is_empty() {
        blocks.push(Block::Chart(Chart {
            title: "Distribution of latency".to_owned(),
            note: "Share of a stream's packets in each step of a sixteenth of an octave (4.4 %)."
                .to_owned(),
            x: Axis { title: "latency".to_owned(), quantity: Quantity::Time, scale: Scale::Log },
            y: Axis {
                title: "share of packets".to_owned(),
                quantity: Quantity::Share,
                scale: Scale::Linear,
            },
            series: density,
        }));
    }
    blocks
}

/// The streams to draw in the profile's order, and how many are left out.
fn slowest(result: &RunResult) -> (Vec<&StreamResult>, usize) {
    let mut streams: Vec<(usize, &StreamResult)> = result
        .streams
        .iter()
        .enumerate()
        .filter(|(_, stream)| stream.latency_ns.is_some())
        .collect();
    let all = streams.len();
    streams.sort_by_key(|(_, stream)| {
        std::cmp::Reverse(stream.latency_ns.as_ref().map(|latency| latency.p99))
    });
    streams.truncate(STREAMS_MAX);
    streams.sort_by_key(|(number, _)| *number);
    let left_out = all - streams.len();
    (streams.into_iter().map(|(_, stream)| stream).collect(), left_out)
}

/// The spectrum of the whole distribution; of a result that has none, its percentiles.
pub(super) fn spectrum_of(
    name: String,
    values: &Percentiles,
    color: usize,
    dashed: bool,
) -> Series {
    let (mark, points) = match decode(values) {
        Some(histogram) => (Mark::Line, histogram::spectrum(&histogram, values.max)),
        None => (Mark::Dots, few(values)),
    };
    Series { name, mark, color, dashed, points: points.into_iter().map(Point::from).collect() }
}

/// The percentiles that every result has, as far as there are as many values.
fn few(values: &Percentiles) -> Vec<(f64, f64)> {
    let last = (values.count as f64).max(1.0);
    let named = [
        (1.0, values.min),
        (2.0, values.p50),
        (10.0, values.p90),
        (100.0, values.p99),
        (1_000.0, values.p99_9),
        (10_000.0, values.p99_99),
    ];
    let mut points: Vec<(f64, f64)> = named
        .into_iter()
        .filter(|(one_in, _)| *one_in < last)
        .map(|(one_in, value)| (one_in, value as f64))
        .collect();
    points.push((last, values.max as f64));
    points
}

/// What the tool alone takes.
fn floor_of(times: &FloorTimes) -> Series {
    let points = [(1.0, times.min), (2.0, times.p50), (100.0, times.p99), (1_000.0, times.p99_9)];
    Series {
        name: "the tool alone (calibration, loaded)".to_owned(),
        mark: Mark::Dots,
        color: 7,
        dashed: true,
        points: points.into_iter().map(|(x, y)| Point::from((x, y as f64))).collect(),
    }
}
