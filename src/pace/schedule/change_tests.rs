//! What a change of the rates in mid-run promises.

use proptest::prelude::*;

use super::*;
use crate::pace::shape::tests::shapes;
use crate::pace::{Period, RateChange};
use crate::units::PacketRate;

const BEGIN: u64 = 1_000_000;

fn class(streams: u32, shape: Shape, start: u64, duration: u64) -> Class {
    Class {
        streams: (0..streams)
            .map(|program| StreamSchedule { program, order: Box::default(), pinned: false })
            .collect(),
        shape,
        start,
        count: None,
        duration: Some(duration),
        one_worker: false,
        sequence: None,
    }
}

fn even(packets: u64, nanos: u64) -> Shape {
    Shape::Even(Period::of(PacketRate { packets, nanos }))
}

/// All slots of a schedule whose rates change as a worker changes them.
fn walk(schedule: &mut Schedule, changes: &[RateChange]) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut batch = [Slot::default(); 7];
    let mut changes = changes.iter().peekable();
    loop {
        let mut until = u64::MAX;
        while let Some(change) = changes.peek() {
            if schedule.next_rated().is_some_and(|due| due < change.at) {
                until = change.at - 1;
                break;
            }
            schedule.change_rate(**change);
            changes.next();
        }
        let window = Window { now: 0, ..Window::due_at(until) };
        match schedule.fill(window, &mut batch) {
            0 => return slots,
            n => slots.extend_from_slice(&batch[..n]),
        }
    }
}

/// The time after the class's start at which what was due at `own` by the profile is due; infinite:
/// never.
fn expected(own: f64, start: u64, changes: &[RateChange]) -> f64 {
    let (mut clock, mut passed, mut percent) = (0.0, 0.0, 100.0);
    for change in changes {
        let at = change.at.saturating_sub(BEGIN + start) as f64;
        let reached = passed + (at - clock) * percent / 100.0;
        if own < reached {
            break;
        }
        if percent == 0.0 && change.percent == 0 {
            continue;
        }
        (clock, passed, percent) = (at, reached, f64::from(change.percent));
    }
    clock + (own - passed) * 100.0 / percent
}

fn changes() -> impl Strategy<Value = Vec<RateChange>> {
    let percent = prop_oneof![3 => 20u32..=400, 1 => Just(RateChange::PAUSED)];
    prop::collection::vec((0u64..6_000, percent), 0..5).prop_map(|gaps| {
        let mut at = BEGIN;
        let change = |(gap, percent)| {
            at += gap;
            RateChange { at, percent }
        };
        gaps.into_iter().map(change).collect()
    })
}

/// Slots of a shape that has its rates changed, over all workers.
fn check(class: &Class, workers: u32, changes: &[RateChange], ended: u64) {
    let Class { start, duration, .. } = *class;
    let members = class.streams.len() as u64;
    let end = BEGIN + start + duration.unwrap();
    for worker in 0..workers {
        let mut schedule = Schedule::new(std::slice::from_ref(class), worker, workers, BEGIN);
        let slots = walk(&mut schedule, changes);
        assert!(slots.is_sorted_by_key(|slot| slot.due), "in the order of their times");
        for slot in &slots {
            let own = match class.shape.period() {
                Some(period) => {
                    let (nanos, packets) = period.shared_by(members);
                    let n = slot.index * members + u64::from(slot.program);
                    n as f64 * nanos as f64 / packets as f64
                }
                None => class.shape.due(slot.index) as f64,
            };
            let want = expected(own, start, changes);
            let off = (slot.due - BEGIN - start) as f64 - want;
            assert!(off.abs() < 8.0 + 5.0 * changes.len() as f64, "{slot:?}: {off} from {want}");
            assert!(members > 1 || slot.due < end, "{slot:?} after the end {end}");
        }
        for program in 0..members as u32 {
            let of_program = slots.iter().filter(|slot| slot.program == program);
            let indices: Vec<u64> = of_program.map(|slot| slot.index).collect();
            let own = indices.len() as u64;
            // A worker whose slots are over stays there, so it is each worker's that have no gaps.
            let first = first_round((worker.into(), workers.into()), program.into());
            let whole: Vec<u64> = (0..own).map(|q| first + q * u64::from(workers)).collect();
            assert_eq!(indices, whole, "program {program}: every packet once");
            let counts = schedule.counts(program, None);
            assert_eq!(counts, StreamCounts { intended: own, taken: own, skipped: 0 });
        }
        // Stopped early, only what was due by then was asked for.
        let last = changes.last().map_or(0, |change| change.at);
        let ended = ended.max(last);
        let mut schedule = Schedule::new(std::slice::from_ref(class), worker, workers, BEGIN);
        let all = walk(&mut schedule, changes);
        schedule.give_back(&all);
        if members == 1 {
            let due = all.iter().filter(|slot| slot.due < ended).count() as u64;
            assert_eq!(schedule.counts(0, Some(ended)).intended, due, "ended at {ended}");
        }
    }
}

proptest! {
    #[test]
    fn even_slots_follow_the_changes(
        streams in 1u32..5, packets in 1u64..20, nanos in 20u64..3_000, start in 0u64..3_000,
        workers in 1u32..4, changes in changes(), ended in 0u64..12_000,
    ) {
        let class = class(streams, even(packets, nanos * packets), start, 9_000);
        check(&class, workers, &changes, BEGIN + ended);
    }

    #[test]
    fn slots_of_every_shape_follow_the_changes(
        shape in shapes(), workers in 1u32..4, changes in changes(), ended in 0u64..12_000,
    ) {
        prop_assume!(shape.period().is_none());
        // Four times as fast for as long, it is to be checked in reasonable time.
        prop_assume!(shape.slots_in(36_000).is_some_and(|slots| slots < 2_000));
        let class = class(1, shape, 500, 9_000);
        check(&class, workers, &changes, BEGIN + ended);
    }

    #[test]
    fn runs_are_the_slots_after_a_change_too(
        packets in 1u64..50, nanos in 20u64..3_000, percent in 1u32..=1000, at in 0u64..5_000,
        workers in 1u32..4,
    ) {
        let class = class(1, even(packets, nanos * packets), 0, 9_000);
        let mut by_slot = Schedule::new(std::slice::from_ref(&class), workers - 1, workers, BEGIN);
        let change = RateChange { at: BEGIN + at, percent };
        let mut before = [Slot::default(); 500];
        let window = Window { now: 0, ..Window::due_at(change.at - 1) };
        by_slot.fill(window, &mut before);
        by_slot.change_rate(change);
        let mut by_run = by_slot.clone();
        let slots = walk(&mut by_slot, &[]);
        let all = Window { now: 0, ..Window::due_at(BEGIN + 100_000) };
        if let Some(run) = by_run.run(all, u64::MAX) {
            let stood_for: Vec<Slot> = (0..run.count).map(|n| run.slot(n)).collect();
            prop_assert_eq!(stood_for, slots);
        } else {
            prop_assert!(slots.len() < 2);
        }
    }
}

#[test]
fn twice_the_rate_for_the_second_half_is_half_as_many_again() {
    let class = class(1, even(1, 10), 0, 10_000);
    let mut schedule = Schedule::new(&[class], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[RateChange { at: BEGIN + 5_000, percent: 200 }]);
    assert_eq!(slots.len(), 1_500);
    assert_eq!((slots[500].due, slots[501].due), (BEGIN + 5_000, BEGIN + 5_005));
    assert_eq!(slots[1_499].due, BEGIN + 9_995);
}

#[test]
fn a_count_is_kept_whatever_the_rate() {
    let counted = Class { count: Some(100), duration: None, ..class(1, even(1, 10), 0, 0) };
    let mut schedule = Schedule::new(&[counted], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[RateChange { at: BEGIN + 500, percent: 50 }]);
    assert_eq!(slots.len(), 100);
    assert_eq!(slots[99].due, BEGIN + 500 + 49 * 20);
    assert_eq!(schedule.counts(0, None).intended, 100);
}

#[test]
fn pieces_of_datagrams_come_faster_too() {
    let sequence = Sequence { steps: [0, 1, 2].into(), gap: 10, shuffle: None };
    let cut = Class { sequence: Some(sequence), ..class(3, even(1, 100), 0, 1_000) };
    let mut schedule = Schedule::new(&[cut], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[RateChange { at: BEGIN + 500, percent: 200 }]);
    let dues: Vec<u64> = slots[15..21].iter().map(|slot| slot.due - BEGIN).collect();
    assert_eq!(dues, [500, 505, 510, 550, 555, 560]);
    assert_eq!(slots.len(), 3 * (5 + 10));
    for program in 0..3 {
        let counts = schedule.counts(program, None);
        assert_eq!(counts, StreamCounts { intended: 15, taken: 15, skipped: 0 });
    }
}

const PAUSE: u32 = RateChange::PAUSED;

fn change(after: u64, percent: u32) -> RateChange {
    RateChange { at: BEGIN + after, percent }
}

#[test]
fn what_was_due_in_a_pause_is_due_behind_it_until_the_time_is_over() {
    let class = class(1, even(1, 10), 0, 10_000);
    let mut schedule = Schedule::new(&[class], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[change(5_004, PAUSE), change(7_000, 100)]);
    assert_eq!(slots[500].due, BEGIN + 5_000);
    assert_eq!((slots[501].due, slots[501].index), (BEGIN + 7_006, 501));
    assert_eq!(slots.len(), 501 + 300, "2 of 10 µs were without packets");
    assert_eq!(schedule.counts(0, None).intended, 801);
}

#[test]
fn a_run_that_is_stopped_in_a_pause_asked_for_nothing_since_it_began() {
    let class = class(1, even(1, 10), 0, 10_000);
    let mut schedule = Schedule::new(&[class], 0, 1, BEGIN);
    walk(&mut schedule, &[change(5_000, PAUSE)]);
    let all = StreamCounts { intended: 500, taken: 500, skipped: 0 };
    assert_eq!(schedule.counts(0, Some(BEGIN + 8_000)), all);
    assert_eq!(schedule.counts(0, None), all);
    assert_eq!(schedule.counts(0, Some(BEGIN + 4_000)).intended, 500, "more was taken than due");
}

#[test]
fn a_pause_ends_with_the_time_of_the_last_stream() {
    let ends = |classes: &[Class]| {
        let mut schedule = Schedule::new(classes, 0, 1, BEGIN);
        schedule.change_rate(change(0, PAUSE));
        schedule.peek()
    };
    let [first, second] = [(0, 4_000), (3_000, 6_000)]
        .map(|(start, duration)| class(1, even(1, 10), start, duration));
    assert_eq!(ends(&[first.clone(), second.clone()]), Some(BEGIN + 9_000));
    let counted = Class { count: Some(7), duration: None, ..first.clone() };
    assert_eq!(ends(&[first.clone(), counted]), Some(u64::MAX), "a count is never over by itself");

    let mut schedule = Schedule::new(&[first, second], 0, 1, BEGIN);
    schedule.change_rate(change(0, PAUSE));
    let mut out = [Slot::default(); 8];
    for (now, left) in [(8_999, Some(BEGIN + 9_000)), (9_000, None)] {
        assert_eq!(schedule.fill(Window::due_at(BEGIN + now), &mut out), 0);
        assert_eq!(schedule.peek(), left);
    }
    assert_eq!(schedule.counts(0, None), StreamCounts::default());
}

#[test]
fn a_pause_beyond_the_end_of_a_class_leaves_nothing_of_its_round() {
    let class = class(4, even(1, 1_000), 0, 2_000);
    let mut schedule = Schedule::new(&[class], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[change(1_300, PAUSE), change(5_000, 100)]);
    assert_eq!(slots.len(), 4 + 2, "the first round, and what of the second was due by then");
    for (program, sent) in [(0, 2), (1, 2), (2, 1), (3, 1)] {
        let all = StreamCounts { intended: sent, taken: sent, skipped: 0 };
        assert_eq!(schedule.counts(program, None), all);
    }
}

/// Packets without due times are held back too.
#[test]
fn a_flood_pauses_and_goes_on() {
    let flood = Class { count: None, ..class(1, Shape::Even(Period::UNLIMITED), 0, 10_000) };
    let mut schedule = Schedule::new(&[flood], 0, 1, BEGIN);
    let mut out = [Slot::default(); 4];
    let mut fill =
        |schedule: &mut Schedule, now| schedule.fill(Window::due_at(BEGIN + now), &mut out);
    let pause = change(1_000, PAUSE);
    assert!(schedule.waits_for(pause) && !schedule.waits_for(change(1_000, 50)));
    assert_eq!(fill(&mut schedule, 500), 4);
    schedule.change_rate(pause);
    assert_eq!(fill(&mut schedule, 2_000), 0);
    assert_eq!(schedule.peek(), Some(BEGIN + 10_000));
    assert!(schedule.waits_for(change(3_000, 100)));
    schedule.change_rate(change(3_000, 100));
    assert_eq!(fill(&mut schedule, 3_000), 4);
    assert_eq!(fill(&mut schedule, 10_000), 0);
    assert_eq!(schedule.peek(), None);
    assert_eq!(schedule.counts(0, None), StreamCounts { intended: 8, taken: 8, skipped: 0 });
}

#[test]
fn pieces_of_datagrams_pause_with_the_rest() {
    let sequence = Sequence { steps: [0, 1, 2].into(), gap: 10, shuffle: None };
    let cut = Class { sequence: Some(sequence), ..class(3, even(1, 100), 0, 1_000) };
    let whole = class(1, even(1, 100), 0, 1_000);
    let whole =
        Class { streams: vec![StreamSchedule { program: 3, ..whole.streams[0].clone() }], ..whole };
    let mut schedule = Schedule::new(&[cut, whole], 0, 1, BEGIN);
    let slots = walk(&mut schedule, &[change(500, PAUSE), change(700, 100)]);
    let dues: Vec<u64> = slots[20..24].iter().map(|slot| slot.due - BEGIN).collect();
    assert_eq!(dues, [700, 700, 710, 720]);
    for program in 0..4 {
        let counts = schedule.counts(program, None);
        assert_eq!(counts, StreamCounts { intended: 8, taken: 8, skipped: 0 });
    }
}
