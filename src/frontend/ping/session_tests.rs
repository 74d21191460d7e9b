use super::*;
use crate::frontend::ip::Family;
use crate::frontend::ip::quote::Quote;
use crate::wire::ip_protocol;
use proptest::prelude::*;

const MS: u64 = 1_000_000;

fn settings(count: Option<u64>) -> Settings {
    Settings {
        count,
        interval: 1_000 * MS,
        wait: None,
        size: 56,
        destination: [198, 18, 0, 1].into(),
        id: 7,
        key: 99,
    }
}

fn reply(session: &Session, index: u64, at: u64) -> Heard {
    let says = Says::Echo {
        id: session.settings().id,
        seq: index as u16,
        payload: session.payload(index),
        intact: true,
    };
    Heard { at, from: session.settings().destination, ttl: Some(64), says }
}

fn error(session: &Session, index: u64, dst: IpAddr) -> Heard {
    let error = IcmpError { family: Family::V4, message_type: 3, code: 1, info: 0 };
    let transport = Some(Transport::Echo { id: session.settings().id, seq: index as u16 });
    let (src, protocol) = ([198, 18, 0, 2].into(), ip_protocol::ICMP);
    let quote = Quote { dst, src, protocol, id: Some(1), offset: 0, transport };
    let says = Says::Error(error, quote);
    Heard { at: 0, from: [198, 18, 0, 9].into(), ttl: None, says }
}

#[test]
fn requests_are_due_at_the_interval_and_the_last_is_waited_for() {
    let mut session = Session::new(settings(Some(2)));
    assert_eq!(session.step(5), Step::Send(1));
    session.sent(5, true);
    assert_eq!(session.step(5), Step::Wait(5 + 1_000 * MS));
    assert!(session.hear(&reply(&session, 1, 5 + 3 * MS)).is_some());
    assert_eq!(session.step(5 + 1_000 * MS), Step::Send(2));
    session.sent(5 + 1_000 * MS, true);
    // Twice the longest is 6 ms, less than the interval.
    assert_eq!(session.step(5 + 1_000 * MS), Step::Wait(5 + 2_000 * MS));
    assert_eq!(session.step(5 + 2_000 * MS), Step::Done);
    assert_eq!((session.counts().transmitted, session.counts().received), (2, 1));
}

#[test]
fn it_ends_at_once_when_all_is_answered() {
    let mut session = Session::new(settings(Some(1)));
    session.sent(0, true);
    assert_eq!(session.step(0), Step::Wait(WAIT));
    session.hear(&reply(&session, 1, 7)).unwrap();
    assert_eq!(session.step(7), Step::Done);
}

#[test]
fn a_stall_makes_no_burst() {
    let mut session = Session::new(settings(None));
    session.sent(0, true);
    session.sent(7_500 * MS, true);
    assert_eq!(session.step(7_500 * MS), Step::Wait(8_500 * MS));
}

#[test]
fn duplicates_and_reordering_are_told_apart() {
    let mut session = Session::new(settings(None));
    (0..3).for_each(|n| session.sent(n * 1_000 * MS, true));
    let mut kinds = Vec::new();
    for index in [2, 1, 1, 3, 2] {
        match session.hear(&reply(&session, index, 9_000 * MS)) {
            Some(Event::Reply { duplicate, reordered, .. }) => kinds.push((duplicate, reordered)),
            other => panic!("{other:?}"),
        }
    }
    let expected = [(false, false), (false, true), (true, false), (false, false), (true, false)];
    assert_eq!(kinds, expected);
    let counts = session.counts();
    assert_eq!((counts.received, counts.duplicates, counts.reordered), (3, 2, 1));
    assert_eq!(session.rtt().count(), 3, "duplicates have no round trip");
}

#[test]
fn other_bytes_are_corrupt_and_not_received() {
    let mut session = Session::new(settings(None));
    session.sent(0, true);
    let mut heard = reply(&session, 1, 5);
    if let Says::Echo { payload, .. } = &mut heard.says {
        payload[20] ^= 1;
    }
    let from = session.settings().destination;
    assert_eq!(session.hear(&heard), Some(Event::Corrupt { index: 1, from, at: Some(20) }));
    heard.from = [198, 18, 0, 77].into();
    assert_eq!(session.hear(&heard), None, "another's");
    assert_eq!((session.counts().corrupt, session.counts().received), (1, 0));
    // The right one still counts.
    assert!(matches!(session.hear(&reply(&session, 1, 6)), Some(Event::Reply { .. })));
    assert_eq!(session.counts().received, 1);
}

#[test]
fn errors_are_those_that_quote_a_request_of_ours() {
    let mut session = Session::new(settings(Some(1)));
    session.sent(0, true);
    let to = session.settings().destination;
    assert_eq!(session.hear(&error(&session, 1, [198, 18, 0, 50].into())), None);
    assert_eq!(session.hear(&error(&session, 2, to)), None, "never sent");
    assert!(matches!(session.hear(&error(&session, 1, to)), Some(Event::Error { index: 1, .. })));
    assert_eq!(session.step(0), Step::Done, "nothing is left to wait for");
}

#[test]
fn nothing_that_was_not_sent_is_answered() {
    let mut session = Session::new(settings(None));
    assert_eq!(session.hear(&reply(&session, 0, 5)), None);
    assert_eq!(session.hear(&reply(&session, 1, 5)), None);
    session.sent(0, true);
    for index in [0, 2, 65_535] {
        assert_eq!(session.hear(&reply(&session, index, 5)), None, "{index}");
    }
}

#[test]
fn sequence_numbers_wrap() {
    let mut session = Session::new(settings(None));
    for n in 0..70_000 {
        session.sent(n, true);
    }
    let index = |heard| match heard {
        Some(Event::Reply { index, .. }) => index,
        other => panic!("{other:?}"),
    };
    assert_eq!(index(session.hear(&reply(&session, 70_000, 1 << 40))), 70_000);
    assert_eq!(index(session.hear(&reply(&session, 65_536, 1 << 40))), 65_536);
    // The same sequence number as 65,537: the older one is forgotten.
    assert_eq!(session.hear(&reply(&session, 1, 1 << 40)).map(|_| ()), Some(()));
    assert_eq!(session.counts().received, 2, "of other bytes than the last with this number");
    assert_eq!(session.counts().corrupt, 1);
}

proptest! {
    /// Whatever is heard in whatever order: received ≤ transmitted, every intact reply is received
    /// or a duplicate, and what is unsettled is what nothing was heard of.
    #[test]
    fn counts_hold_together(sends in 1u64..40, heard in prop::collection::vec((1u64..50, 0u8..3), 0..120)) {
        let mut session = Session::new(settings(Some(sends)));
        (0..sends).for_each(|n| session.sent(n, true));
        let (mut intact, mut settled) = (0, std::collections::HashSet::new());
        for (index, kind) in heard {
            let event = match kind {
                0 => session.hear(&error(&session, index, session.settings().destination)),
                _ => session.hear(&reply(&session, index, 1_000)),
            };
            prop_assert_eq!(event.is_some(), index <= sends);
            if event.is_some() {
                settled.insert(index);
                intact += u64::from(kind != 0);
            }
        }
        let counts = session.counts();
        prop_assert!(counts.received <= counts.transmitted);
        prop_assert_eq!(counts.received + counts.duplicates, intact);
        prop_assert_eq!(session.unsettled, sends - settled.len() as u64);
        prop_assert_eq!(session.step(1_001) == Step::Done, session.unsettled == 0);
    }
}
