use super::*;

fn query(id: u16) -> (Vec<u8>, Query) {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1]);
    let query = Query::parse(&message).unwrap();
    (message, query)
}

fn asker(port: u16) -> Asker {
    Asker::Udp(0, SocketAddr::from(([192, 0, 2, 1], port)))
}

fn add(exchange: &mut Exchange, port: u16, draw: u64, now: u64) -> Result<Slot, Box<Pending>> {
    let (message, query) = query(7);
    let pending = exchange.new_query(asker(port), &message, query, false, now);
    exchange.insert(pending, 0, draw, now)
}

#[test]
fn what_waits_too_long_expires_in_order() {
    let mut exchange = Exchange::new(10, 100);
    let first = add(&mut exchange, 1, 5, 0).unwrap();
    let second = add(&mut exchange, 2, 5, 10).unwrap();
    assert_ne!(first, second, "the same draw, another slot");
    let third = add(&mut exchange, 3, 6, 20).unwrap();
    assert!(exchange.remove(second).is_some());
    assert_eq!(exchange.expired(99), None);
    assert_eq!(exchange.expired(100), Some(first));
    let pending = exchange.remove(first).unwrap();
    assert_eq!(pending.tries, 1);
    let again = exchange.insert(pending, 1, 9, 100).unwrap();
    assert_eq!(exchange.get(again).map(|pending| pending.tries), Some(2));
    exchange.by_tcp(third, 110);
    assert_eq!(exchange.expired(199), None, "by TCP it waits anew");
    assert_eq!(exchange.expired(200), Some(again));
    exchange.remove(again);
    assert_eq!(exchange.expired(210), Some(third));
    exchange.remove(third);
    assert_eq!((exchange.expired(u64::MAX), exchange.len()), (None, 0));
}

#[test]
fn a_query_that_comes_again_meanwhile_is_known() {
    let mut exchange = Exchange::new(10, 100);
    let slot = add(&mut exchange, 1, 5, 0).unwrap();
    let (_, same) = query(7);
    assert!(exchange.waits(asker(1), &same));
    assert!(!exchange.waits(asker(2), &same));
    assert!(!exchange.waits(asker(1), &query(8).1));
    exchange.remove(slot);
    assert!(!exchange.waits(asker(1), &same));
}

#[test]
fn there_is_room_for_so_many() {
    let mut exchange = Exchange::new(100, 1000);
    for n in 0..1000u64 {
        let added = add(&mut exchange, n as u16, crate::packet::random::mix(n), n);
        assert_eq!(added.is_ok(), n < 100);
    }
    assert_eq!(exchange.len(), 100);
    let mut expired = 0;
    while let Some(slot) = exchange.expired(5000) {
        exchange.remove(slot);
        expired += 1;
    }
    assert_eq!((expired, exchange.is_empty(), exchange.next_deadline()), (100, true, None));
    assert!(exchange.askers.is_empty());
}
