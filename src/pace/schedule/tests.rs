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
            .map(|program| StreamSchedule { program, order: Box::default(), pinned: false })
            .collect(),
        shape: Shape::Even(Period::of(PacketRate { packets, nanos })),
        start: 0,
        count: None,
        duration: Some(10_000),
        one_worker: false,
        sequence: None,
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

/// `pieces` pieces of one datagram, programs from 0.
fn pieces(steps: &[u16], gap: u64, shuffle: Option<u64>, period: u64) -> Class {
    let pieces = u32::from(*steps.iter().max().unwrap()) + 1;
    let sequence = Sequence { steps: steps.into(), gap, shuffle };
    Class { sequence: Some(sequence), ..class(0..pieces, 1, period) }
}

/// All slots of a worker, in the order in which they are handed out.
fn in_order(schedule: &mut Schedule, batch: usize) -> Vec<Slot> {
    let mut batch = vec![Slot::default(); batch];
    let mut slots = Vec::new();
    loop {
        let n = schedule.fill(all_of_it(), &mut batch);
        if n == 0 {
            return slots;
        }
        slots.extend_from_slice(&batch[..n]);
    }
}

#[test]
fn pieces_of_a_datagram_follow_one_another() {
    let classes = [pieces(&[2, 0, 1, 0], 10, None, 1_000)];
    let slots = in_order(&mut Schedule::new(&classes, 0, 1, 0), 3);
    let seen: Vec<_> = slots.iter().map(|slot| (slot.index, slot.program, slot.due)).collect();
    let wanted: Vec<_> = (0..10)
        .flat_map(|n| {
            let programs = [2, 0, 1, 0].into_iter().enumerate();
            programs.map(move |(at, program)| (n, program, n * 1_000 + 10 * at as u64))
        })
        .collect();
    assert_eq!(seen, wanted);
}

#[test]
fn datagrams_that_overlap_in_time_interleave() {
    let classes = [pieces(&[0, 1, 2], 2_500, None, 1_000)];
    let slots = in_order(&mut Schedule::new(&classes, 0, 1, 0), 5);
    assert!(slots.is_sorted_by_key(|slot| slot.due));
    let mut seen: Vec<_> = slots.iter().map(|slot| (slot.index, slot.program, slot.due)).collect();
    seen.sort_unstable();
    let wanted: Vec<_> = (0..10)
        .flat_map(|n| (0..3).map(move |p| (n, p, n * 1_000 + 2_500 * u64::from(p))))
        .collect();
    assert_eq!(seen, wanted);
}

#[test]
fn shuffling_is_a_function_of_the_datagram() {
    let classes = [pieces(&[0, 1, 2, 3, 4], 0, Some(7), 1_000)];
    let one = in_order(&mut Schedule::new(&classes, 0, 1, 0), 64);
    let orders: std::collections::BTreeSet<Vec<u32>> =
        one.chunks(5).map(|slots| slots.iter().map(|slot| slot.program).collect()).collect();
    assert!(orders.len() > 5, "{orders:?}");
    for datagram in one.chunks(5) {
        let mut programs: Vec<u32> = datagram.iter().map(|slot| slot.program).collect();
        programs.sort_unstable();
        assert_eq!(programs, [0, 1, 2, 3, 4]);
    }
    let mut many: Vec<Slot> =
        (0..3).flat_map(|worker| in_order(&mut Schedule::new(&classes, worker, 3, 0), 4)).collect();
    many.sort_by_key(|slot| slot.index);
    assert_eq!(many, one, "whoever sends it");
}

#[test]
fn lateness_drops_whole_datagrams() {
    let classes = [pieces(&[0, 1, 2], 0, None, 1_000)];
    let mut schedule = Schedule::new(&classes, 0, 1, 0);
    let mut slots = [Slot::default(); 8];
    // Datagrams 0, 1 and two pieces of 2, of which the first four pieces are sent.
    assert_eq!(schedule.fill(all_of_it(), &mut slots), 8);
    let kept = schedule.pass_over_late(&mut slots[4..], 5_000);
    let seen: Vec<_> = slots[4..4 + kept].iter().map(|slot| (slot.index, slot.program)).collect();
    assert_eq!(seen, [(1, 1), (1, 2)], "what was begun is finished, the next dropped");
    let window = Window { too_late: 5_000, ..all_of_it() };
    let mut rest = [Slot::default(); 64];
    let n = schedule.fill(window, &mut rest);
    assert_eq!((rest[0].index, rest[0].program, rest[0].due), (2, 0, 5_000));
    assert_eq!(n, 15, "datagrams due at 5,000 to 9,000");
    for program in 0..3 {
        let counts = schedule.counts(program, None);
        assert_eq!(counts, StreamCounts { intended: 10, taken: 7, skipped: 3 });
    }
}

proptest! {
    #[test]
    fn pieces_and_packets_come_in_the_order_of_their_times(
        gap in 0u64..3_000, period in 1u64..2_000, other in 1u64..2_000, workers in 1u32..4,
        batch in 1usize..40, steps in prop::collection::vec(0u16..4, 1..8),
    ) {
        let cut = pieces(&steps, gap, None, period);
        let copies = |p: u32| steps.iter().filter(|&&s| u32::from(s) == p).count() as u64;
        let datagrams = cut.slots().unwrap();
        let classes = [cut, class(10..12, 1, other)];
        let mut sent = BTreeMap::new();
        for worker in 0..workers {
            let mut schedule = Schedule::new(&classes, worker, workers, 0);
            let slots = in_order(&mut schedule, batch);
            prop_assert!(slots.is_sorted_by_key(|slot| slot.due));
            for slot in &slots {
                *sent.entry((slot.program, slot.index)).or_insert(0) += 1;
                if slot.program < 4 {
                    prop_assert_eq!(slot.index % u64::from(workers), u64::from(worker));
                }
            }
            for program in 0..4 {
                let counts = schedule.counts(program, None);
                let own = slots.iter().filter(|slot| slot.program == program).count() as u64;
                prop_assert_eq!(counts.taken, own);
                prop_assert_eq!(counts.intended, own);
            }
        }
        for program in 0..4 {
            for index in 0..datagrams {
                let count = sent.get(&(program, index)).copied().unwrap_or(0);
                prop_assert_eq!(count, copies(program));
            }
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

#[test]
fn beside_pieces_there_is_no_run() {
    let classes = [class(5..6, 1, 100), pieces(&[0, 1], 0, None, 1_000)];
    let window = Window { now: 0, ..Window::due_at(5_000) };
    let run = |classes: &[Class]| Schedule::new(classes, 0, 1, 0).run(window, 100).is_some();
    assert!(run(&classes[..1]));
    assert!(!run(&classes));
    assert!(!run(&classes[1..]));
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

    /// Datagrams that are sent in pieces begin when the shape says, on any number of workers.
    #[test]
    fn datagrams_follow_a_shape(
        shape in shapes(),
        count in prop::option::of(0u64..300),
        gap in 0u64..400,
        workers in 1u32..5,
    ) {
        let cut = Class { start: 500, count, shape: shape.clone(), ..pieces(&[0, 1], gap, None, 1) };
        let wanted = cut.slots().expect("has an end");
        prop_assume!(wanted < 1_500);
        let slots = all(&[cut.clone(), class(2..3, 1, 700)], workers);
        let seen: Vec<_> =
            slots.iter().filter(|s| s.program < 2).map(|s| (s.program, s.index, s.due)).collect();
        let due = |n: u64| 500 + shape.due(n);
        let pieces = |piece: u32| (0..wanted).map(move |n| (piece, n, due(n) + gap * u64::from(piece)));
        prop_assert_eq!(seen, pieces(0).chain(pieces(1)).collect::<Vec<_>>());
        let of_worker = |worker| Schedule::new(std::slice::from_ref(&cut), worker, workers, 0);
        let intended: u64 = (0..workers).map(|w| of_worker(w).counts(1, None).intended).sum();
        prop_assert_eq!(intended, wanted);
        let before = (0..wanted).filter(|n| due(*n) < 4_000).count() as u64;
        let intended: u64 = (0..workers).map(|w| of_worker(w).counts(0, Some(4_000)).intended).sum();
        prop_assert_eq!(intended, before);
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
