use proptest::prelude::*;

use super::*;

/// A name in wire form.
fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

fn query(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
    message.extend(wire(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    if let Some(size) = edns {
        message.extend([0, 0, 41]);
        message.extend(size.to_be_bytes());
        message.extend([0; 6]);
    }
    message
}

#[test]
fn queries_are_read() {
    let message = query("Big.Example", 16, Some(4096));
    let read = Query::parse(&message).unwrap();
    assert_eq!((read.id, read.question.name.to_string()), (0x1234, "big.example.".into()));
    assert_eq!((read.question.kind_text(), read.room()), ("TXT".into(), 4096));
    let plain = Query::parse(&query(".", 2, None)).unwrap();
    assert_eq!((plain.question.name.to_string(), plain.room()), (".".into(), 512));
    assert_eq!(Query::parse(&query("a", 1, Some(100))).unwrap().room(), 512, "RFC 6891 §6.2.3");
    let odd = Query::parse(&query("a\"b c", 4711, None)).unwrap();
    assert_eq!(odd.question.name.to_string(), "a\\\"b\\032c.");
    assert_eq!(odd.question.kind_text(), "TYPE4711");
}

#[test]
fn what_is_wrong_with_a_query_is_said() {
    let good = query("big.example", 16, Some(4096));
    let changed = |at: usize, to: u8| {
        let mut bad = good.clone();
        bad[at] = to;
        Query::parse(&bad).unwrap_err()
    };
    let form_err = Refused::Answered(Rcode::FormErr);
    assert_eq!(changed(2, 0x81), Refused::Dropped, "an answer");
    assert_eq!(changed(2, 0x28), Refused::Answered(Rcode::NotImp), "an update");
    assert_eq!(changed(5, 2), form_err, "two questions");
    assert_eq!(changed(5, 0), form_err, "none");
    assert_eq!(changed(7, 1), form_err, "an answer record");
    assert_eq!(changed(11, 0), form_err, "bytes behind the end");
    assert_eq!(changed(11, 2), form_err, "a record is missing");
    assert_eq!(changed(12, 64), form_err, "a label that is none");
    assert_eq!(changed(12, 0xc0), form_err, "a pointer in a question");
    assert_eq!(changed(good.len() - 1, 9), form_err, "options that are not there");
    for kind in [251, 252] {
        let error = Query::parse(&query("example", kind, None)).unwrap_err();
        assert_eq!(error, Refused::Answered(Rcode::Refused));
    }
    for end in 0..good.len() {
        let cut = Query::parse(&good[..end]).unwrap_err();
        assert_eq!(cut, if end < HEADER { Refused::Dropped } else { form_err });
    }
    let mut two = good.clone();
    two[11] = 2;
    two.extend([0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Query::parse(&two).unwrap_err(), form_err, "two OPTs");
    let long = ["a".repeat(63).as_str(); 4].join(".");
    assert_eq!(Query::parse(&query(&long, 1, None)).unwrap_err(), form_err, "257 bytes");
}

#[test]
fn empty_answers_are_what_they_say() {
    let message = query("big.example", 16, Some(4096));
    let read = Query::parse(&message).unwrap();
    let answer = read.empty_answer(&message, Rcode::ServFail, false);
    assert!(answers(&answer, 0x1234, &read.question) && !truncated(&answer));
    assert_eq!(answer[3] & 15, 2);
    assert_eq!(answer.len(), message.len());
    let answer = read.empty_answer(&message, Rcode::NoError, true);
    assert!(truncated(&answer) && answer[2] & 1 == 1, "RD is kept");
    let answer = header_of_answer(&message, Rcode::FormErr, false);
    assert_eq!(answer, [0x12, 0x34, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(answers(&answer, 0x1234, &read.question), "an error without the question");
    assert!(!answers(&answer, 0x1235, &read.question));
    assert!(!answers(&message, 0x1234, &read.question), "a query");
    let other = Query::parse(&query("other.example", 16, None)).unwrap();
    let full = read.empty_answer(&message, Rcode::NoError, false);
    assert!(!answers(&full, 0x1234, &other.question));
}

/// An answer with one record of that type, whose name points to the question and whose data are these.
fn answer(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut message = query("www.example", kind, None);
    message[2] = 0x84;
    message[7] = 1;
    message.extend([0xc0, 12]);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1, 0, 0, 0, 60]);
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
    message
}

#[test]
fn an_answer_leads_to_its_targets() {
    let names =
        |message: &[u8]| -> Vec<String> { leads_to(message).iter().map(Name::to_string).collect() };
    // "ns" before a pointer to "example".
    let compressed = [2, b'n', b's', 0xc0, 16];
    assert_eq!(names(&answer(2, &compressed)), ["ns.example."]);
    assert_eq!(names(&answer(5, &wire("Far.Away"))), ["far.away."]);
    assert_eq!(names(&answer(15, &[&[0, 5][..], &wire("mx.example")].concat())), ["mx.example."]);
    assert_eq!(names(&answer(33, &[&[0; 6][..], &wire("srv")].concat())), ["srv."]);
    assert_eq!(names(&answer(5, &[0xc0, 12])), [""; 0], "itself");
    assert_eq!(names(&answer(16, &wire("no.target"))), [""; 0]);
}

#[test]
fn loops_of_pointers_end() {
    let at = answer(5, &[]).len() as u8;
    for data in [
        vec![0xc0, at],               // to itself
        vec![0xc0, at + 2, 0xc0, at], // forwards and back
        vec![1, b'a', 0xc0, at],      // a label and back to it
        vec![0xff, 0xff],
        vec![0xc0],
        vec![63],
    ] {
        assert!(leads_to(&answer(5, &data)).is_empty(), "{data:?}");
    }
}

#[test]
fn a_follow_up_is_a_label_before_the_name() {
    let of = |name: &str| Query::parse(&query(name, 1, None)).unwrap().question.name;
    assert_eq!(of("big.example").under("Next"), Some(of("next.big.example")));
    assert_eq!(of(".").under("next"), Some(of("next")));
    assert_eq!(of(".").under(""), None);
    let long = ["a".repeat(62).as_str(); 4].join(".");
    assert_eq!(of(&long).under("next"), None, "258 bytes");
}

proptest! {
    #[test]
    fn names_are_read_back(labels in prop::collection::vec("[a-z0-9-]{1,20}", 0..8)) {
        let name = labels.join(".");
        let read = Query::parse(&query(&name, 1, Some(1232))).unwrap();
        prop_assert_eq!(read.question.name.to_string(), name + ".");
    }
}
