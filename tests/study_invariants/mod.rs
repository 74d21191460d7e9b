//! What holds for everything that a study's tester and sink parse, whatever the bytes.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::net::IpAddr;

use wirestorm::study::compose::{Common, Ends, of_dns_answer};
use wirestorm::study::hear::{Heard, hear};
use wirestorm::study::sink::table::Table;
use wirestorm::study::sink::wire::{Answer, MAX_ENTRIES, MAX_OFFSETS, Query, Reply};
use wirestorm::study::tag::Tag;
use wirestorm::study::view::View;

/// The ends of the corpus.
pub fn common() -> Common {
    Common {
        study: 7,
        ends: Ends {
            src_mac: [2; 6],
            dst_mac: [[4; 6]; 2],
            ipv4: Some(([198, 18, 0, 2].into(), [198, 19, 0, 2].into())),
            ipv6: Some((
                "2001:2::2".parse().expect("IPv6"),
                "2001:2:0:8000::2".parse().expect("IPv6"),
            )),
            src_port: 50_000,
            dst_port: 8900,
            name: "example.com".into(),
        },
    }
}

/// Panics where a parser does, or where it breaks its word.
pub fn check(bytes: &[u8]) {
    if let Some(view) = View::of_frame(bytes) {
        assert!(view.payload.len() + 14 < bytes.len() + 1);
        assert_eq!(view.src.is_ipv4(), view.dst.is_ipv4());
        assert!(view.fragment.is_none_or(|fragment| fragment.offset % 8 == 0));
    }
    let _ = View::of_packet(bytes);
    if let Some(tag) = Tag::find(bytes) {
        assert_eq!(Tag::parse(&tag.bytes()), Some(Tag { ..tag }));
    }
    let common = common();
    if let Some(Heard::Answered { .. } | Heard::Refused { .. }) = hear(&common, bytes) {
        assert!(View::of_frame(bytes).is_some());
    }
    let _ = of_dns_answer(bytes, common.study);
    let _ = Reply::parse(bytes).map(|reply| assert_eq!(Reply::parse(&reply.bytes()), Some(reply)));
    if let Some(answer) = Answer::parse(bytes) {
        assert!(answer.bytes().len() <= bytes.len());
    }
    if let Some(query) = Query::parse(bytes) {
        assert!(query.entries.len() <= MAX_ENTRIES && query.offsets.len() <= MAX_OFFSETS);
        let from = IpAddr::from([198, 18, 0, 2]);
        let answer = Answer {
            study: query.study,
            nonce: query.nonce,
            tap: true,
            dropped: 0,
            entries: Table::new(4).look_up(from, &query),
        };
        // A sink never sends more than it was sent.
        assert!(answer.bytes().len() <= bytes.len());
    }
}
