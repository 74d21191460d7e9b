//! The floor of the tool itself: as a line beside a result, and as a table of its own.

use super::Style;
use super::paint::{Tint, clean, paint, wrap};
use super::table::{Align, Cell, Table};
use crate::report::calibration::{Calibrated, Calibration, Floor, FloorTimes};
use crate::report::format::{NOT_MEASURED, TimeUnit, nanos, rate};

/// `2.100 µs median, 8.400 µs p99 idle; … loaded (…)`.
pub fn floor(calibrated: &Calibrated) -> String {
    let times = |floor: &Option<Floor>| match floor {
        Some(Floor { latency_ns: times, .. }) => {
            format!("{} median, {} p99", nanos(times.p50 as f64), nanos(times.p99 as f64))
        }
        None => NOT_MEASURED.to_owned(),
    };
    format!(
        "{} idle; {} loaded (this tool alone, back to back, by {})",
        times(&calibrated.idle),
        times(&calibrated.loaded),
        clean(&calibrated.engine)
    )
}

/// A row an engine and rate; below it how the numbers came about.
pub fn render(calibration: &Calibration, style: Style) -> String {
    let mut table = Table::new("Floor").column("", Align::Left);
    for title in ["min", "p50", "p99", "p99.9", "max"] {
        table = table.column_beside(title, Align::Right);
    }
    table = table.column("lag", Align::Right).column("p50 of repeats", Align::Right);
    for engine in &calibration.engines {
        for (state, floor) in [("idle", &engine.idle), ("loaded", &engine.loaded)] {
            let name = format!("{} {state}", clean(&engine.engine));
            let Some(floor) = floor else {
                let mut row = vec![Cell::plain(name)];
                row.resize_with(9, || Cell::plain(NOT_MEASURED));
                table.row(row);
                continue;
            };
            let lag = floor.schedule_lag_max_ns.map(|lag| nanos(lag as f64));
            let unit = TimeUnit::of(floor.latency_ns.p50);
            let mut row = vec![Cell::plain(name)];
            row.extend(times(&floor.latency_ns, unit));
            row.push(Cell::plain(lag.unwrap_or_else(|| NOT_MEASURED.to_owned())));
            row.push(spread(&floor.latency_ns, unit));
            table.row(row);
            let mut row = vec![Cell::plain("  intended")];
            row.extend(times(&floor.latency_intended_ns, unit));
            row.push(Cell::plain(""));
            row.push(spread(&floor.latency_intended_ns, unit));
            table.row(row);
        }
    }
    let mut text = table.render(style);
    let mut note = |line: &str| {
        for line in wrap(line, style.width.into()) {
            text.push_str(&paint(&line, Tint::Faint, style.color));
            text.push('\n');
        }
    };
    note(
        "Latency of the tool alone, sent and received by this machine back to back, 64-byte frames; \
         intended: from the time that the schedule wanted. Each value is the median of the valid \
         repeats; p50 of repeats: the smallest and the largest. Idle is 1,000 packets per second.",
    );
    for engine in &calibration.engines {
        let unlimited = rate(engine.unlimited_pps, "pps");
        let loaded = engine.loaded.as_ref().map_or(String::new(), |floor| {
            format!("{} ({} sent), ", rate(floor.rate_pps as f64, "pps"), rate(floor.tx_pps, "pps"))
        });
        note(&format!(
            "{}: loaded is {loaded}half of the {unlimited} that it reached without a rate ({}).",
            clean(&engine.engine),
            clean(&engine.engine_detail)
        ));
        for (state, floor) in [("idle", &engine.idle), ("loaded", &engine.loaded)] {
            if floor.is_none() {
                note(&format!("{} {state}: no repeat was valid.", clean(&engine.engine)));
            }
        }
    }
    for refused in &calibration.refused {
        note(&format!("{} does not work here: {}", clean(&refused.engine), clean(&refused.reason)));
    }
    text
}

/// The unit, and the values in it.
fn times(times: &FloorTimes, unit: TimeUnit) -> Vec<Cell> {
    let show = |nanos: u64| unit.show(nanos as f64);
    [
        unit.symbol().to_owned(),
        show(times.min),
        show(times.p50),
        show(times.p99),
        show(times.p99_9),
        show(times.max),
    ]
    .into_iter()
    .map(Cell::plain)
    .collect()
}

/// The smallest and the largest p50 of the repeats.
fn spread(times: &FloorTimes, unit: TimeUnit) -> Cell {
    let show = |nanos: u64| unit.show(nanos as f64);
    Cell::plain(format!("{} – {}", show(times.p50_lowest), show(times.p50_highest)))
}
