//! The window against the worked values of the RFCs, and against the definitions taken literally.

use proptest::prelude::*;
use wirestorm::measure::window::{Arrival, Window};

/// The extents of the reordered packets, in the order of their arrival.
fn extents(sequence: &[u64]) -> Vec<(u64, u64)> {
    let mut window = Window::new(16);
    let judged = sequence.iter().map(|&s| (s, window.arrive(s)));
    judged
        .filter_map(|(s, arrival)| match arrival {
            Arrival::Reordered { extent } => Some((s, extent)),
            _ => None,
        })
        .collect()
}

#[test]
fn rfc_4737_section_7() {
    assert_eq!(extents(&[1, 2, 3, 5, 6, 7, 8, 4, 9, 10]), [(4, 4)], "table 1");
    assert_eq!(extents(&[1, 2, 3, 4, 7, 5, 6, 8, 9, 10]), [(5, 1), (6, 2)], "table 2");
    assert_eq!(extents(&[1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11]), [(4, 4), (5, 5), (6, 6)], "table 3");
    assert_eq!(
        extents(&[1, 2, 3, 6, 7, 4, 5, 8, 9, 10, 12, 13, 11, 14, 15, 16]),
        [(4, 2), (5, 3), (11, 2)],
        "table 4"
    );
}

/// (unique, duplicated, replicated)
fn duplicates(sequence: &[u64]) -> (u64, u64, u64) {
    let mut window = Window::new(16);
    let mut counts = (0, 0, 0);
    for &s in sequence {
        match window.arrive(s) {
            Arrival::InOrder | Arrival::Reordered { .. } => counts.0 += 1,
            Arrival::Duplicate { second } => {
                counts.1 += 1;
                counts.2 += u64::from(second);
            }
            Arrival::Ambiguous => panic!("inside the window"),
        }
    }
    counts
}

#[test]
fn rfc_5560_duplication() {
    // 100 % duplicated, 100 % replicated; 100 % duplicated, 50 % replicated.
    assert_eq!(duplicates(&[1, 1, 2, 2, 3, 3, 4, 4]), (4, 4, 4));
    assert_eq!(duplicates(&[1, 1, 1, 2, 3, 3, 3, 4]), (4, 4, 2));
}

#[test]
fn rfc_5236_sequence() {
    let sequence = [1, 4, 3, 5, 3, 8, 7, 6];
    assert_eq!(duplicates(&sequence), (7, 1, 1));
    assert_eq!(extents(&sequence), [(3, 1), (7, 1), (6, 2)]);
}

#[test]
fn what_is_older_than_the_window_is_not_guessed() {
    let mut window = Window::new(3);
    assert_eq!(window.arrive(100), Arrival::InOrder);
    assert_eq!(window.arrive(93), Arrival::Reordered { extent: 1 }, "the oldest that it holds");
    assert_eq!(window.arrive(92), Arrival::Ambiguous);
    assert_eq!(window.arrive(93), Arrival::Duplicate { second: true });
    assert_eq!(window.arrive(93), Arrival::Duplicate { second: false });
    assert_eq!(window.next(), 101);
}

/// RFC 4737 §3.3 and §4.2.3 and RFC 5560 word by word, with all memory there is.
fn by_definition(sequence: &[u64]) -> Vec<Arrival> {
    let mut distinct: Vec<u64> = Vec::new();
    let mut seen = std::collections::HashMap::<u64, u32>::new();
    sequence
        .iter()
        .map(|&s| {
            let times = seen.entry(s).or_default();
            *times += 1;
            if *times > 1 {
                return Arrival::Duplicate { second: *times == 2 };
            }
            let i = distinct.len();
            let j = distinct.iter().position(|&earlier| earlier > s);
            distinct.push(s);
            j.map_or(Arrival::InOrder, |j| Arrival::Reordered { extent: (i - j) as u64 })
        })
        .collect()
}

proptest! {
    #[test]
    fn the_window_is_the_definition(sequence in prop::collection::vec(0u64..120, 0..300)) {
        let mut window = Window::new(7);
        let judged: Vec<_> = sequence.iter().map(|&s| window.arrive(s)).collect();
        prop_assert_eq!(judged, by_definition(&sequence));
    }

    #[test]
    fn nothing_inside_the_window_is_ambiguous_and_nothing_below_is_judged(
        steps in prop::collection::vec(-40i64..60, 1..300)
    ) {
        let mut window = Window::new(4);
        let mut at = 0i64;
        for step in steps {
            at = (at + step).max(0);
            let (sequence, next) = (at as u64, window.next());
            let arrival = window.arrive(sequence);
            prop_assert_eq!(arrival == Arrival::Ambiguous, next > sequence + 16);
            prop_assert_eq!(arrival == Arrival::InOrder, sequence >= next);
        }
    }
}
