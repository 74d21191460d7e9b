//! What the shapes promise, all alike.

use proptest::prelude::*;

use super::*;
use crate::packet::random;
use crate::units::PacketRate;

fn period(packets: u64, nanos: u64) -> Period {
    Period::of(PacketRate { packets, nanos })
}

fn periods() -> impl Strategy<Value = Period> {
    (1u64..50, 1u64..3_000).prop_map(|(packets, nanos)| period(packets, nanos))
}

/// A shape without others in it, whose slots are known from their numbers.
fn simple() -> impl Strategy<Value = Shape> {
    let silent_or = || prop::option::weighted(0.8, periods());
    prop_oneof![
        periods().prop_map(Shape::Even),
        (1u64..40, prop::option::weighted(0.7, periods()), 1u64..5_000).prop_map(
            |(packets, within, gap)| {
                let within = within.unwrap_or(Period::UNLIMITED);
                let every = Burst::length(packets, within) + gap;
                Shape::Burst(Burst::new(packets, within, every).expect("is over by then"))
            }
        ),
        (1u64..2_000, 0u64..5_000, periods())
            .prop_map(|(on, off, p)| Shape::OnOff(OnOff::new(on, off, p).expect("has a rate"))),
        (silent_or(), silent_or(), 1u64..20_000)
            .prop_filter("some rate", |(from, to, _)| from.or(*to).is_some())
            .prop_map(|(from, to, over)| Shape::Ramp(
                Ramp::new(from, to, over).expect("is coarse enough")
            )),
    ]
}

/// Any shape that has an end of its own nowhere.
pub(in crate::pace) fn shapes() -> impl Strategy<Value = Shape> {
    let steps = prop::collection::vec((prop::option::weighted(0.8, simple()), 1u64..4_000), 1..5);
    let steps = steps.prop_map(|steps| Shape::Steps(Steps::new(steps).expect("have rates")));
    let pure = prop_oneof![3 => simple(), 1 => steps];
    let repeated = (pure.clone(), 1u64..30, 0u64..3_000).prop_filter_map(
        "has slots",
        |(shape, slots, gap)| {
            let last = Some(shape.due(slots - 1)).filter(|due| *due < u64::MAX)?;
            Repeated::new(shape, slots, last + 1 + gap).map(Shape::Repeated)
        },
    );
    let poisson = (periods(), any::<u64>(), prop::option::of((1u64..5_000, 1u64..40, 1u64..9)))
        .prop_map(|(period, seed, rounds)| {
            let rounds = rounds.map_or(Rounds::ENDLESS, |(span, count, rounds)| Rounds {
                span,
                count,
                every: span + 100,
                rounds,
            });
            let key = random::key(seed, 1, 2);
            Shape::Poisson(Poisson::new(period, key, rounds).expect("has a rate"))
        });
    prop_oneof![3 => pure, 1 => repeated, 1 => poisson]
}

proptest! {
    /// Slots come in order, and those counted before a time are those due before it.
    #[test]
    fn slots_are_sorted_and_counted(shape in shapes(), span in 0u64..20_000) {
        let counted = shape.slots_in(span).expect("has a rate");
        prop_assume!(counted < 3_000);
        let dues: Vec<u64> = (0..counted + 3).map(|n| shape.due(n)).collect();
        prop_assert!(dues.is_sorted(), "{dues:?}");
        let before = dues.partition_point(|due| *due < span) as u64;
        prop_assert_eq!(counted, before);
    }

    /// A walk that goes on in steps of any size finds the same slots, however many walk.
    #[test]
    fn walks_find_the_slots_of_the_shape(shape in shapes(), stride in 1u64..7, first in 0u64..7) {
        let mut walk = ShapeWalk::new(&shape);
        for n in (0..40).map(|round| first + stride * round) {
            let due = shape.due(n);
            prop_assert_eq!(walk.go_to(n), (due < u64::MAX).then_some(due), "slot {}", n);
            if due == u64::MAX {
                break;
            }
        }
    }

    #[test]
    fn a_stretch_is_slots_at_even_distances(shape in shapes(), n in 0u64..200) {
        prop_assume!(shape.due(n) < u64::MAX);
        if let Some(stretch) = shape.stretch(n) {
            prop_assert!(stretch.left > 0);
            for j in 0..stretch.left.min(100) {
                let due = stretch.offset + stretch.period.due(stretch.first + j);
                prop_assert_eq!(shape.due(n + j), due, "slot {} + {}", n, j);
            }
        }
    }

    /// Slot n of a ramp is due at the last nanosecond at which the integral is at most n.
    #[test]
    fn a_ramp_is_the_inverse_of_its_integral(
        (from, to) in (0u64..1_000_000_000, 1u64..1_000_000_000),
        over in 1u64..1_000_000_000_000,
        share in 0.0f64..1.5,
        falls: bool,
    ) {
        let (from, to) = if falls { (to, from) } else { (from, to) };
        let rate = |pps: u64| (pps > 0).then(|| period(pps, 1_000_000_000));
        let ramp = Ramp::new(rate(from), rate(to), over).expect("whole rates are coarse enough");
        // Packets until t, times 2 · 10^9 · T, in more bits than the ramp has.
        let integral = |t: u64| {
            let (a, b, over) = (u128::from(from), u128::from(to), u128::from(over));
            let within = u128::from(t).min(over);
            let after = u128::from(t) - within;
            // a t + (b - a) t²/2T, put so that nothing is negative: the mean of both ends.
            (a * (2 * over - within) + b * within) * within + 2 * b * after * over
        };
        let n = (share * (from + to) as f64 / 2e9 * over as f64) as u64;
        let due = ramp.due(n);
        let wanted = u128::from(n) * 2_000_000_000 * u128::from(over);
        if due == u64::MAX {
            prop_assert_eq!(to, 0);
            prop_assert!(integral(over) <= wanted);
        } else {
            prop_assert!(integral(due) <= wanted, "slot {n} is due at {due}");
            prop_assert!(integral(due + 1) > wanted, "slot {n} is due at {due}");
        }
    }
}

#[test]
fn a_ramp_sends_its_integral() {
    let ramp = |from, to| {
        let rate = |pps: u64| (pps > 0).then(|| period(pps, 1_000_000_000));
        Ramp::new(rate(from), rate(to), 10_000_000_000).expect("is coarse enough")
    };
    // The mean of both rates for ten seconds.
    assert_eq!(ramp(1_000, 100_000).slots_in(10_000_000_000), 505_000);
    assert_eq!(ramp(100_000, 1_000).slots_in(10_000_000_000), 505_000);
    assert_eq!(ramp(0, 1_000).slots_in(10_000_000_000), 5_000);
    assert_eq!(ramp(1_000, 0).slots_in(u64::MAX), 5_000, "nothing comes after the last");
    // A quarter of the packets in the first half.
    assert_eq!(ramp(0, 1_000).slots_in(5_000_000_000), 1_250);
    // And the second rate for another ten.
    assert_eq!(ramp(1_000, 100_000).slots_in(20_000_000_000), 1_505_000);
}

#[test]
fn a_ramp_between_rates_without_a_common_measure_is_refused() {
    let (odd, other) = (period(999_999_999_989, 999_999_999_961), period(7, 999_999_999_959));
    assert_eq!(Ramp::new(Some(odd), Some(other), 3_600_000_000_000), Err(TooFine));
}

#[test]
fn bursts_and_gates_by_hand() {
    let burst = Burst::new(3, period(1, 100), 1_000).expect("fits");
    let seen: Vec<u64> = (0..7).map(|n| burst.due(n)).collect();
    assert_eq!(seen, [0, 100, 200, 1_000, 1_100, 1_200, 2_000]);
    let at_once = Burst::new(2, Period::UNLIMITED, 1_000).expect("fits");
    let seen: Vec<u64> = (0..5).map(|n| at_once.due(n)).collect();
    assert_eq!(seen, [0, 0, 1_000, 1_000, 2_000]);
    assert_eq!(Burst::new(11, period(1, 100), 1_000), None, "it would not be over by then");
    assert_eq!(burst.due(u64::MAX), u64::MAX, "never");
    // 2.5 packets in each time on: the clock stands still between them.
    let gate = OnOff::new(250, 750, period(1, 100)).expect("has a rate");
    let seen: Vec<u64> = (0..6).map(|n| gate.due(n)).collect();
    assert_eq!(seen, [0, 100, 200, 1_050, 1_150, 2_000]);
    let steps = Steps::new([
        (Some(Shape::Even(period(1, 100))), 250),
        (None, 500),
        (Some(Shape::Even(period(1, 50))), 100),
    ])
    .expect("have rates");
    let seen: Vec<u64> = (0..6).map(|n| steps.due(n)).collect();
    assert_eq!(seen, [0, 100, 200, 750, 800, 850]);
    let twice = Repeated::new(Shape::Steps(steps), 5, 1_000).expect("has slots");
    assert_eq!((twice.due(4), twice.due(5), twice.due(9)), (800, 1_000, 1_800));
}
