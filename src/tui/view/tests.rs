//! Screens under snapshot: a run at two sizes, page by page, with and without trouble.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::benchmark::sight::{Ended, SuiteSight};
use crate::engine::TxCounters;
use crate::measure::buckets::{self, BUCKETS};
use crate::measure::glance::{Moments, PortGlance};
use crate::measure::ledger::{self, Entries};
use crate::pace::RateChange;
use crate::profile::model::{PassCriteria, Validity};
use crate::search::{BoundUnit, Bounds, Load};
use crate::trial::sight::{Arrived, Cast, StreamCast, StreamSight, WorkerCast, WorkerSight};
use crate::units::{Nanos, Ratio};

fn cast() -> Cast {
    let stream = |name: &str| StreamCast {
        name: name.into(),
        from: "tx".into(),
        to: Some("rx".into()),
        measured: true,
    };
    let worker = |queue| WorkerCast {
        port: "tx".into(),
        interface: "eth1".into(),
        queue,
        core: Some(queue as usize),
        engine: "xdp-live",
    };
    Cast {
        profile: "router".into(),
        seed: 1,
        streams: ["v4", "v6", "voice"].map(stream).into(),
        workers: [0, 1].map(worker).into(),
        ports: vec!["rx".into()],
        rate_is_fixed: None,
        never_pauses: None,
        validity: Validity {
            max_unsent: Ratio(1_000_000),
            max_lag: Nanos(1_000_000),
            max_receiver_overload: 0,
        },
        pass: PassCriteria { max_loss: Some(Ratio(0)), ..PassCriteria::default() },
    }
}

/// A run after so many tenths of a second: 10, 20 and 1 packets a millisecond; of the second stream
/// every thousandth is lost where `lossy`, and it is slower every two seconds.
fn sight(cast: &Arc<Cast>, tenths: u64, lossy: bool) -> Sight {
    let mut latency = vec![0; BUCKETS];
    let mut latency_of = vec![vec![0; BUCKETS]; 3];
    let mut streams = Vec::new();
    for (number, per_tenth) in [1_000, 2_000, 100].into_iter().enumerate() {
        let sent = per_tenth * tenths;
        let lost = if lossy && number == 1 { sent / 1_000 } else { 0 };
        let mut moments = Moments { min: 2_000, max: 90_000, ..Moments::default() };
        for tenth in 0..tenths {
            let base = if tenth / 20 % 2 == 0 { 2_000 } else { 9_000 };
            for (share, factor) in [(80, 1), (15, 2), (4, 4), (1, 10)] {
                let (nanos, count) = (base * factor, per_tenth * share / 100);
                latency[buckets::bucket(nanos)] += count;
                latency_of[number][buckets::bucket(nanos)] += count;
                moments.count += count;
                moments.sum += u128::from(nanos * count);
            }
        }
        let unique = sent.saturating_sub(lost + per_tenth / 100);
        streams.push(StreamSight {
            sent,
            unsent: 0,
            arrived: Some(Arrived {
                received: unique,
                unique,
                lost: Some(lost),
                bytes: unique * 124,
                latency: moments,
                ..Arrived::default()
            }),
        });
    }
    let sent: u64 = streams.iter().map(|stream| stream.sent).sum();
    let unique: u64 = streams.iter().map(|stream| stream.arrived.unwrap().unique).sum();
    let half = TxCounters {
        built: sent / 2,
        accepted: sent / 2,
        completed: sent / 2,
        completed_bytes: sent / 2 * 124,
        failed: 0,
    };
    let worker = WorkerSight { sent: sent / 2, unsent: 0, lag: 3_400, counters: half };
    Sight {
        cast: cast.clone(),
        phase: if tenths == 0 { Phase::Settling } else { Phase::Sending },
        elapsed: tenths * 100_000_000,
        counted: tenths * 100_000_000,
        expected: Some(30_000_000_000),
        percent: 100,
        max_lag: 12_345,
        workers: vec![worker, worker],
        ports: vec![PortGlance {
            mode: "native XDP".into(),
            seen: unique,
            overload: vec![("rx_missed".into(), 0)],
            latency,
            latency_of,
            ..PortGlance::default()
        }],
        ledger: ledger::stages(&Entries {
            intended: sent,
            built: sent,
            accepted: sent,
            completed: sent,
            arrived: Some(unique),
            unique: Some(unique),
            ..Entries::default()
        }),
        streams,
        ..Sight::default()
    }
}

fn model(tenths: u64, lossy: bool) -> Model {
    let cast = Arc::new(cast());
    let mut model = Model::new(false);
    for tick in 0..=tenths {
        model.see(Arc::new(sight(&cast, tick, lossy)));
    }
    model
}

fn screen(model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend");
    terminal
        .draw(|frame| render(model, Theme { color: false }, frame))
        .expect("a test backend takes everything");
    terminal.backend().to_string()
}

/// A page on the usual terminal and on a small one.
fn both(view: View, lossy: bool) -> String {
    let mut model = model(100, lossy);
    model.view = view;
    format!("{}\n{}", screen(&model, 80, 24), screen(&model, 40, 12))
}

#[test]
fn overview() {
    insta::assert_snapshot!(both(View::Overview, false));
}

#[test]
fn overview_of_a_lossy_device() {
    insta::assert_snapshot!(both(View::Overview, true));
}

#[test]
fn streams() {
    insta::assert_snapshot!(both(View::Streams, true));
}

#[test]
fn workers() {
    insta::assert_snapshot!(both(View::Workers, false));
}

#[test]
fn latency() {
    insta::assert_snapshot!(both(View::Heat, false));
}

#[test]
fn latency_of_one_stream_on_a_large_screen() {
    let mut model = model(300, false);
    (model.view, model.heat_of) = (View::Heat, Some(2));
    insta::assert_snapshot!(screen(&model, 120, 40));
}

#[test]
fn ledger() {
    insta::assert_snapshot!(both(View::Ledger, true));
}

#[test]
fn the_keys() {
    let mut model = model(3, false);
    model.help = true;
    insta::assert_snapshot!(format!("{}\n{}", screen(&model, 80, 24), screen(&model, 40, 12)));
}

#[test]
fn before_anything_is_known() {
    insta::assert_snapshot!(screen(&Model::new(false), 80, 8));
}

#[test]
fn a_rate_that_is_being_changed() {
    let mut model = model(50, false);
    let mut changed = Sight::clone(model.sight.as_ref().expect("there is one"));
    changed.percent = 150;
    changed.changes = vec![RateChange { at: 2_000_000_000, percent: 150 }];
    model.see(Arc::new(changed));
    model.wanted = 160;
    model.message = Some("rate: 160 % of the profile's".into());
    insta::assert_snapshot!(screen(&model, 80, 24));
}

#[test]
fn a_pause() {
    let mut model = model(50, false);
    let mut paused = Sight::clone(model.sight.as_ref().expect("there is one"));
    paused.percent = RateChange::PAUSED;
    model.paused = true;
    let asked_for = screen(&model, 80, 24);
    assert!(asked_for.contains("rate 100 → 0 %"), "{asked_for}");
    model.see(Arc::new(paused));
    let pauses = screen(&model, 80, 24);
    assert!(pauses.contains("PAUSED"), "{pauses}");
}

#[test]
fn a_benchmark() {
    let mut suite = SuiteSight {
        test: "throughput".into(),
        size: "64".into(),
        searches: (0, 3),
        trial: "5000 pps for 1.000 s".into(),
        number: 4,
        load: Some(Load::from_pps(5_000)),
        bounds: vec![Bounds {
            unit: BoundUnit::PacketsPerSecond,
            lower: Some(4_000.0),
            upper: Some(6_000.0),
        }],
        trials_left: 5,
        time_left: Nanos(12_000_000_000),
        ended: 3,
        ..SuiteSight::default()
    };
    for (pps, found, valid, lossy) in [
        (2_000, "2,000 frames, none lost", true, false),
        (8_000, "12 of 8,000 frames lost", true, true),
        (4_000, "INVALID: 40 of 4,000 packets could not be sent in time", false, true),
    ] {
        suite.last.push_front(Ended {
            of: "throughput, 64".into(),
            trial: format!("{pps} pps for 1.000 s"),
            found: found.into(),
            valid,
            lossy,
        });
    }
    let mut model = model(5, false);
    (model.suite, model.view) = (Some(suite), View::Search);
    insta::assert_snapshot!(format!("{}\n{}", screen(&model, 80, 24), screen(&model, 40, 12)));
}

#[test]
fn no_size_is_too_small() {
    let mut model = model(20, true);
    model.suite = Some(SuiteSight { number: 1, ..SuiteSight::default() });
    for (_, view, _) in View::ALL {
        model.view = view;
        for help in [false, true] {
            model.help = help;
            for (width, height) in [(1, 1), (2, 3), (10, 4), (20, 5), (39, 11), (300, 100)] {
                assert!(!screen(&model, width, height).is_empty());
            }
        }
    }
}

#[test]
fn ten_thousand_streams_are_scrolled() {
    let mut cast = cast();
    let stream = cast.streams[0].clone();
    cast.streams =
        (0..10_000).map(|n| StreamCast { name: format!("s{n}"), ..stream.clone() }).collect();
    let streams = (0..10_000)
        .map(|sent| StreamSight { sent, unsent: 0, arrived: Some(Arrived::default()) })
        .collect();
    let mut model = Model::new(false);
    model.see(Arc::new(Sight {
        cast: Arc::new(cast),
        phase: Phase::Sending,
        percent: 100,
        streams,
        ..Sight::default()
    }));
    (model.view, model.chosen) = (View::Streams, 9_999);
    let screen = screen(&model, 80, 12);
    assert!(screen.contains("s9999 ") && screen.contains("9,994 to 10,000 of 10,000"), "{screen}");
}
