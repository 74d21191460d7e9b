//! From the repeats of a trial to its floor.

use wirestorm::report::calibration::Floor;
use wirestorm::report::model::RunResult;

use crate::fixtures;

/// A repeat whose first stream has this base latency.
fn repeat(base: u64) -> RunResult {
    let mut result = fixtures::passed();
    result.streams[0].latency_ns = Some(fixtures::latency(base, 100));
    result.streams[0].latency_intended_ns = Some(fixtures::latency(base * 2, 100));
    result.schedule_lag_max_ns = Some(base * 10);
    result
}

#[test]
fn every_value_is_the_median_and_the_spread_is_kept() {
    let floor = Floor::of(1_000, &[repeat(4_000), repeat(800), repeat(1_200)]).expect("measured");
    assert_eq!((floor.rate_pps, floor.repeats, floor.tx_pps), (1_000, 3, 200_000.0));
    let middle = fixtures::latency(1_200, 100);
    let times = &floor.latency_ns;
    assert_eq!(
        (times.min, times.p50, times.p99, times.p99_9, times.max),
        (middle.min, middle.p50, middle.p99, middle.p99_9, middle.max)
    );
    assert_eq!((times.p50_lowest, times.p50_highest), (1_000, 5_000));
    assert_eq!((floor.latency_intended_ns.min, floor.schedule_lag_max_ns), (2_400, Some(12_000)));
}

#[test]
fn repeats_that_are_not_valid_do_not_count() {
    let mut invalid = repeat(1);
    invalid.verdict.valid = false;
    let floor = Floor::of(1_000, &[invalid.clone(), repeat(800), repeat(1_200)]).expect("measured");
    // Of two, the lower one: it was measured, their mean was not.
    assert_eq!((floor.repeats, floor.latency_ns.min, floor.latency_ns.p50_lowest), (2, 800, 1_000));
    let mut unmeasured = repeat(1);
    unmeasured.streams[0].latency_ns = None;
    assert_eq!(Floor::of(1_000, &[invalid, unmeasured]), None);
    assert_eq!(Floor::of(1_000, &[]), None);
}
