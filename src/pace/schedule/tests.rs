//! What the schedule promises.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::engine::RunTaken;
use crate::pace::Period;
use crate::pace::shape::tests::shapes;
use crate::units::PacketRate;

fn class(programs: std::ops::Range<u32>, packets: u64, nanos: u64) -> Class {
    Class {
        streams: programs
            .map(|program| StreamSchedule { program, order: Box::default() })
            .collect(),
        shape: Shape::Even(Period::of(PacketRate { packets, nanos })),
        start: 0,
        count: None,
        duration: Some(10_000),
        one_worker: false,
    }
}

fn all_of_it() -> Window {
    Window { now: 0, ..Window::due_at(u64::MAX) }
}

#[test]
fn a_window_ends_at_the_first_long_gap() {
    let mut sparse = class(0..1, 1, 2_000);
    sparse.start = 300;
    let classes = [class(1..2, 1, 100), sparse];
    let window = Window { now: 0, first: 100, last: 5_000, gap: 150, too_late: 0 };
    let mut schedule = Schedule::new(&classes[1..], 0, 1, 0);
    let mut slots = [Slot::default(); 64];
    assert_eq!(schedule.fill(window, &mut slots), 0, "the first is due at 300");
    assert_eq!(schedule.fill(Window { first: 300, ..window }, &mut slots), 1);
    let mut dense = Schedule::new(&classes[..1], 0, 1, 0);
    assert_eq!(dense.fill(window, &mut slots), 51, "0, 100 … 5,000");
}

fn all(classes: &[Class], workers: u32) -> Vec<Slot> {
    let mut slots = Vec::new();
    for worker in 0..workers {
        let mut schedule = Schedule::new(classes, worker, workers, 0);
        let mut batch = [Slot::default(); 7];
        let mut last = 0;
        loop {
            let n = schedule.fill(all_of_it(), &mut batch);
            if n == 0 {
                break;
            }
            for slot in &batch[..n] {
                assert!(slot.due >= last, "slots come in the order of their due times");
                last = slot.due;
            }
            slots.extend_from_slice(&batch[..n]);
        }
    }
    slots.sort_by_key(|slot| (slot.program, slot.index));
    slots
}

#[test]
fn streams_of_one_rate_are_spread_over_the_period() {
    let classes = [class(0..4, 1, 1000)];
    let mut schedule = Schedule::new(&classes, 0, 1, 5_000);
    let mut slots = [Slot::default(); 6];
    assert_eq!(schedule.fill(all_of_it(), &mut slots), 6);
    let seen: Vec<_> = slots.iter().map(|s| (s.due, s.program, s.index)).collect();
    let wanted =
        [(5000, 0, 0), (5250, 1, 0), (5500, 2, 0), (5750, 3, 0), (6000, 0, 1), (6250, 1, 1)];
    assert_eq!(seen, wanted);
}

#[test]
fn late_slots_are_passed_over_and_indices_stay_without_gaps() {
    let classes = [class(0..1, 1, 1000)];
    let mut schedule = Schedule::new(&classes, 0, 1, 0);
    let mut slots = [Slot::default(); 2];
    assert_eq!(schedule.fill(Window { too_late: 2_500, ..Window::due_at(3_500) }, &mut slots), 1);
    assert_eq!((slots[0].due, slots[0].index), (3_000, 0));
    let counts = schedule.counts(0, None);
    assert_eq!(counts, StreamCounts { intended: 10, taken: 1, skipped: 3 });
    assert_eq!(schedule.counts(0, Some(3_500)).intended, 4);
}

#[test]
fn slots_given_back_too_late_free_their_indices() {
    let classes = [class(0..2, 1, 1000)];
    let mut schedule = Schedule::new(&classes, 0, 1, 0);
    let mut slots = [Slot::default(); 6];
    assert_eq!(schedule.fill(all_of_it(), &mut slots), 6);
    let kept = schedule.pass_over_late(&mut slots[2..], 1_600);
    assert_eq!(kept, 2);
    let seen: Vec<_> = slots[2..4].iter().map(|s| (s.due, s.program, s.index)).collect();
    assert_eq!(seen, [(2000, 0, 1), (2500, 1, 1)]);
}

#[test]
fn unlimited_streams_take_turns_and_end_in_time() {
    let mut unlimited = class(0..2, 1, 1);
    unlimited.shape = Shape::Even(Period::UNLIMITED);
    let mut schedule = Schedule::new(&[unlimited], 0, 1, 0);
    let mut slots = [Slot::default(); 4];
    assert_eq!(schedule.fill(Window::due_at(9_999), &mut slots), 4);
    let seen: Vec<_> = slots.iter().map(|s| (s.due, s.program, s.index)).collect();
    assert_eq!(seen, [(0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)]);
    assert_eq!(schedule.fill(Window::due_at(10_000), &mut slots), 0);
    assert_eq!(schedule.peek(), None);
    assert_eq!(schedule.counts(0, None).intended, 2);
}

#[test]
fn an_order_is_followed_block_by_block_on_one_worker() {
    let mut ordered = class(0..1, 1, 1);
    ordered.streams[0].order = [0, 2, 1, 1].into();
    ordered.one_worker = true;
    ordered.count = Some(6);
    let mut slots = [Slot::default(); 8];
    let mut first = Schedule::new(&[ordered.clone()], 0, 2, 0);
    assert_eq!(first.fill(all_of_it(), &mut slots), 6);
    let seen: Vec<_> = slots[..6].iter().map(|s| s.index).collect();
    assert_eq!(seen, [0, 2, 1, 1, 3, 5]);
    let mut second = Schedule::new(&[ordered], 1, 2, 0);
    assert_eq!(second.fill(all_of_it(), &mut slots), 0);
    assert_eq!(second.counts(0, None), StreamCounts::default());
}

proptest! {
    /// Every slot is some worker's, once, at the time that the rate says, however many workers.
    #[test]
    fn workers_share_the_slots_without_remainder(
        shapes in prop::collection::vec((1u32..6, 1u64..50, 1u64..3000), 1..4),
        workers in 1u32..6,
    ) {
        let mut next = 0;
        let mut classes = Vec::new();
        for &(streams, packets, nanos) in &shapes {
            classes.push(class(next..next + streams, packets, nanos));
            next += streams;
        }
        let slots = all(&classes, workers);
        let mut wanted = Vec::new();
        for class in &classes {
            let members = class.streams.len() as u64;
            let (nanos, divisor) = class.shape.period().unwrap().shared_by(members);
            let rounds = class.shape.slots_in(10_000).unwrap();
            for (m, stream) in class.streams.iter().enumerate() {
                for j in 0..rounds {
                    let n = u128::from(j * members + m as u64);
                    let due = (n * u128::from(nanos) / u128::from(divisor)) as u64;
                    wanted.push((stream.program, j, due));
                }
            }
        }
        let seen: Vec<_> = slots.iter().map(|s| (s.program, s.index, s.due)).collect();
        wanted.sort_unstable();
        prop_assert_eq!(seen, wanted);
    }

    #[test]
    fn counts_of_all_workers_add_up(streams in 1u32..5, workers in 1u32..5, count in 0u64..40) {
        let mut limited = class(0..streams, 1, 100);
        limited.count = Some(count);
        let classes = [limited];
        let mut intended = BTreeMap::<u32, u64>::new();
        for worker in 0..workers {
            let schedule = Schedule::new(&classes, worker, workers, 0);
            for program in 0..streams {
                *intended.entry(program).or_default() += schedule.counts(program, None).intended;
            }
        }
        for program in 0..streams {
            prop_assert_eq!(intended[&program], count);
        }
    }
}

proptest! {
    #[test]
    fn a_run_is_the_slots_it_stands_for(
        packets in 1u64..2_000,
        nanos in 1u64..100_000,
        count in 1u64..200,
        workers in 1u32..5,
        takes in proptest::collection::vec((1u64..20, 0u64..4, 0u64..300), 1..20),
        unlimited in proptest::bool::weighted(0.1),
    ) {
        let mut one = class(0..1, packets, if unlimited { 0 } else { nanos });
        one.count = Some(count);
        one.duration = None;
        one.start = 1_000;
        let worker = workers - 1;
        let mut by_run = Schedule::new(std::slice::from_ref(&one), worker, workers, 7_000);
        let mut by_slot = by_run.clone();
        let mut skipped_of_slots = 0;
        for (sent, skipped, open) in takes {
            let now = 8_000;
            let ends = now + open * nanos / packets;
            let window = Window { now, first: ends, last: ends, gap: u64::MAX, too_late: 0 };
            let Some(run) = by_run.run(window, u64::MAX) else { continue };
            let mut all = vec![Slot::default(); run.count as usize];
            // All slots of the window, and no more: those the run stands for.
            let mut ahead = by_slot.clone();
            prop_assert_eq!(ahead.fill(window, &mut all), run.count as usize);
            let of_run: Vec<_> = (0..run.count).map(|n| run.slot(n)).collect();
            prop_assert_eq!(&of_run, &all);
            if !unlimited {
                prop_assert_eq!(ahead.fill(window, &mut [Slot::default()]), 0);
            }
            // The engine passes over some and sends some; the others stay.
            let skipped = if unlimited { 0 } else { skipped.min(run.count) };
            let sent = sent.min(run.count - skipped);
            by_run.take_of_run(&run, RunTaken { sent, skipped });
            if skipped > 0 {
                let late = run.slot(skipped - 1).due + 1;
                // Slots that fall on the same nanosecond are late together.
                prop_assume!(run.slot(skipped).due >= late);
                let window = Window { too_late: late, ..window };
                prop_assert_eq!(by_slot.fill(window, &mut all[..sent as usize]), sent as usize);
                if sent == 0 {
                    prop_assert_eq!(by_slot.fill(Window { first: late - 1, last: late - 1, ..window },
                        &mut all[..1]), 0);
                }
            } else {
                by_slot.fill(window, &mut all[..sent as usize]);
            }
            skipped_of_slots += skipped;
            let counts = by_run.counts(0, None);
            prop_assert_eq!(counts, by_slot.counts(0, None));
            prop_assert_eq!(counts.skipped, skipped_of_slots);
        }
        let rest = |schedule: &mut Schedule| {
            let mut slots = vec![Slot::default(); 300];
            let filled = schedule.fill(all_of_it(), &mut slots);
            slots.truncate(filled);
            slots
        };
        prop_assert_eq!(rest(&mut by_run), rest(&mut by_slot));
    }
}

#[test]
fn streams_that_take_turns_are_no_run() {
    let window = Window::due_at(u64::MAX / 2);
    let mut two = Schedule::new(&[class(0..2, 1, 1_000)], 0, 1, 0);
    assert_eq!(two.run(window, 100), None);
    let classes = [class(0..1, 1, 1_000), class(1..2, 1, 1_000)];
    assert_eq!(Schedule::new(&classes, 0, 1, 0).run(window, 100), None);
    let mut ordered = class(0..1, 1, 1_000);
    ordered.streams[0].order = [1, 0].into();
    assert_eq!(Schedule::new(&[ordered], 0, 1, 0).run(window, 100), None);
}

fn shaped(shape: Shape, count: Option<u64>) -> Class {
    Class { shape, start: 500, count, ..class(0..1, 1, 1) }
}

proptest! {
    /// A shape's slots are each some worker's, once, at their times, beside other streams too.
    #[test]
    fn workers_share_the_slots_of_a_shape(
        shape in shapes(),
        count in prop::option::of(0u64..300),
        workers in 1u32..6,
    ) {
        let one = shaped(shape.clone(), count);
        let wanted = one.slots().expect("has an end");
        prop_assume!(wanted < 3_000);
        let classes = [one, class(1..3, 1, 700)];
        let slots = all(&classes, workers);
        let seen: Vec<_> =
            slots.iter().filter(|s| s.program == 0).map(|s| (s.index, s.due)).collect();
        let due: Vec<_> = (0..wanted).map(|n| (n, 500 + shape.due(n))).collect();
        prop_assert_eq!(seen, due);
        let mut intended = 0;
        for worker in 0..workers {
            let mut schedule = Schedule::new(&classes, worker, workers, 0);
            let before = schedule.counts(0, None).intended;
            while schedule.fill(all_of_it(), &mut [Slot::default(); 9]) > 0 {}
            let counts = schedule.counts(0, None);
            prop_assert_eq!(counts.intended, before);
            prop_assert_eq!(counts.taken, before);
            intended += before;
        }
        prop_assert_eq!(intended, wanted);
    }

    /// Whatever is late is passed over, whatever is given back is free again, and all of it adds up.
    #[test]
    fn late_slots_of_a_shape_are_counted(
        shape in shapes(),
        workers in 1u32..4,
        waits in prop::collection::vec((0u64..900, 1usize..9, 0usize..9, 0u64..900), 1..20),
        ended in 0u64..12_000,
    ) {
        let one = shaped(shape.clone(), None);
        prop_assume!(one.slots().expect("has an end") < 3_000);
        let worker = workers - 1;
        let mut schedule = Schedule::new(std::slice::from_ref(&one), worker, workers, 0);
        let (mut now, mut sent, mut passed) = (0, Vec::new(), 0);
        let mut slots = [Slot::default(); 8];
        for (wait, room, sends, stall) in waits {
            now += wait;
            let before = schedule.counts(0, None).skipped;
            let window = Window { too_late: now.saturating_sub(300), ..Window::due_at(now) };
            let filled = schedule.fill(window, &mut slots[..room.min(8)]);
            passed += schedule.counts(0, None).skipped - before;
            let sends = sends.min(filled);
            sent.extend_from_slice(&slots[..sends]);
            // The engine takes some; time passes; what has become too late is not sent any more.
            now += stall;
            let too_late = now.saturating_sub(300);
            let kept = schedule.pass_over_late(&mut slots[sends..filled], too_late);
            passed += (filled - sends - kept) as u64;
            let kept = &slots[sends..sends + kept];
            prop_assert!(kept.iter().all(|slot| slot.due >= too_late));
            sent.extend_from_slice(kept);
        }
        let counts = schedule.counts(0, None);
        prop_assert_eq!((counts.taken, counts.skipped), (sent.len() as u64, passed));
        // Indices have no gaps, due times are the shape's, each at most once.
        let (worker, stride) = (u64::from(worker), u64::from(workers));
        let indices: Vec<u64> = sent.iter().map(|slot| slot.index).collect();
        let gapless: Vec<u64> = (0..sent.len() as u64).map(|n| worker + stride * n).collect();
        prop_assert_eq!(indices, gapless);
        prop_assert!(sent.is_sorted_by_key(|slot| slot.due));
        let handed_out = counts.taken + counts.skipped;
        let own = (0..).map(|n| shape.due(worker + stride * n)).map(|due| due.saturating_add(500));
        let own_before = own.take_while(|due| *due < ended.min(10_500)).count() as u64;
        let intended = schedule.counts(0, Some(ended)).intended;
        prop_assert_eq!(intended, own_before.max(handed_out));
    }

    #[test]
    fn a_run_of_a_shape_is_the_slots_it_stands_for(
        shape in shapes(),
        workers in 1u32..4,
        takes in prop::collection::vec((0u64..20, 0u64..3, 0u64..2_000), 1..30),
    ) {
        let one = shaped(shape, None);
        let slots = one.slots().expect("has an end");
        prop_assume!(slots < 3_000);
        let mut by_run = Schedule::new(&[one], workers - 1, workers, 7_000);
        let mut by_slot = by_run.clone();
        for (sent, skipped, opens) in takes {
            let window = Window::due_at(7_500 + opens);
            let Some(run) = by_run.run(window, u64::MAX) else {
                let mut slot = [Slot::default()];
                prop_assert_eq!(by_run.fill(window, &mut slot), by_slot.fill(window, &mut slot));
                continue;
            };
            let mut all = vec![Slot::default(); run.count as usize];
            prop_assert_eq!(by_slot.clone().fill(window, &mut all), all.len());
            let of_run: Vec<_> = (0..run.count).map(|n| run.slot(n)).collect();
            prop_assert_eq!(of_run, all);
            let skipped = skipped.min(run.count);
            let sent = sent.min(run.count - skipped);
            if skipped > 0 {
                let late = run.slot(skipped - 1).due + 1;
                prop_assume!(skipped == run.count || run.slot(skipped).due >= late);
                let late = Window { first: late - 1, last: late - 1, too_late: late, ..window };
                let mut none = [Slot::default()];
                // Further slots of the same time would be late too.
                prop_assume!(by_slot.clone().fill(Window { too_late: 0, ..late }, &mut vec![Slot::default(); 3_000]) as u64 == skipped);
                prop_assert_eq!(by_slot.fill(late, &mut none), 0);
            }
            let mut taken = vec![Slot::default(); sent as usize];
            prop_assert_eq!(by_slot.fill(window, &mut taken), taken.len());
            by_run.take_of_run(&run, RunTaken { sent, skipped });
            prop_assert_eq!(by_run.counts(0, None), by_slot.counts(0, None));
        }
        let rest = |schedule: &mut Schedule| {
            let mut slots = vec![Slot::default(); 3_000];
            let filled = schedule.fill(all_of_it(), &mut slots);
            slots.truncate(filled);
            slots
        };
        prop_assert_eq!(rest(&mut by_run), rest(&mut by_slot));
    }
}

#[test]
fn a_burst_is_a_run() {
    use crate::pace::shape::Burst;

    let at_once = Burst::new(16, Period::UNLIMITED, 1_000).map(Shape::Burst);
    let mut schedule = Schedule::new(&[shaped(at_once.expect("fits"), None)], 0, 1, 0);
    let run = schedule.run(Window::due_at(1_600), u64::MAX).expect("a burst is even");
    assert_eq!((run.count, run.due, run.step), (16, 500, 0));
    schedule.take_of_run(&run, RunTaken { sent: 16, skipped: 0 });
    let run = schedule.run(Window::due_at(1_600), u64::MAX).expect("so is the next");
    assert_eq!((run.index, run.count, run.due), (16, 16, 1_500));
}
