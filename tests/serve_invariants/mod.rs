//! What holds for everything that the services parse and cut, whatever the bytes.

use wirestorm::frontend::serve::dns::message::{self, Query, Refused};
use wirestorm::frontend::serve::dns::stream::Framer;
use wirestorm::frontend::serve::fragment::{Cutting, Made, Pieces, destination};
use wirestorm::frontend::serve::identification::Identifications;
use wirestorm::profile::fragments::Order;

/// The first byte says what the others are.
pub fn check(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => query(bytes),
        1 => answer(bytes),
        2 => stream(bytes),
        _ => packet(kind / 4, bytes),
    }
}

fn query(bytes: &[u8]) {
    match Query::parse(bytes) {
        Ok(query) => {
            // What it makes of a query is a message that answers it, and no longer than it.
            for (rcode, truncated) in
                [(message::Rcode::ServFail, false), (message::Rcode::NoError, true)]
            {
                let answer = query.empty_answer(bytes, rcode, truncated);
                assert!(message::answers(&answer, query.id, &query.question));
                assert_eq!(message::truncated(&answer), truncated);
                assert!(answer.len() <= bytes.len().max(512));
                assert!(
                    Query::parse(&answer) == Err(Refused::Dropped),
                    "never an endless exchange"
                );
            }
            assert!(query.question.name.to_string().ends_with('.'));
            assert!(!query.question.kind_text().is_empty());
            assert!(query.room() >= 512);
        }
        Err(Refused::Answered(rcode)) => {
            let answer = message::header_of_answer(bytes, rcode, false);
            assert_eq!(answer.len(), message::HEADER);
            assert_eq!(Query::parse(&answer), Err(Refused::Dropped));
        }
        Err(Refused::Dropped) => {}
    }
}

fn answer(bytes: &[u8]) {
    let names = message::leads_to(bytes);
    assert!(names.len() <= 16);
    for name in &names {
        // Every byte takes four at most in words.
        assert!(name.to_string().len() <= 4 * 255);
        if let Some(longer) = name.under("next") {
            assert!(longer.to_string().starts_with("next."));
        }
    }
    let _ = message::truncated(bytes);
}

fn stream(bytes: &[u8]) {
    // However it is divided, the same messages come out.
    let messages = |chunk: usize| {
        let (mut framer, mut all) = (Framer::default(), Vec::new());
        for part in bytes.chunks(chunk) {
            framer.push(part);
            while let Some(message) = framer.take() {
                all.push(message.to_vec());
            }
        }
        (all, framer.waiting())
    };
    assert_eq!(messages(1), messages(bytes.len().max(1)));
}

fn packet(how: u8, bytes: &[u8]) {
    let _ = destination(bytes);
    let cuts = ["none", "atomic", "8", "136,512", "pieces=3", "mtu=600"];
    let cutting: Cutting = cuts[usize::from(how) % cuts.len()].parse().expect("it can be typed");
    let (mut ids, mut pieces) = (Identifications::default(), Pieces::default());
    let Ok(made) = cutting.cut(&Order::Shuffled, bytes, 1500, &mut ids, &mut pieces) else {
        return;
    };
    let count = pieces.packets().len();
    assert_eq!(made == Made::Pieces, count > 1);
    let cut: usize = pieces.sizes().sum();
    assert!(cut <= bytes.len());
    if made != Made::Whole {
        assert!(pieces.packets().all(|piece| piece.len() <= 1500));
        let ends = pieces.sizes().filter(|size| size % 8 != 0).count();
        assert!(ends <= 1, "all but the last are multiples of 8");
    }
}
