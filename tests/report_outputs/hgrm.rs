//! HdrHistogram's log and spectrum, read back by the crate's own reader.

use std::fs;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use wirestorm::measure::distribution::Distribution;
use wirestorm::report::hgrm;

use crate::fixtures;

fn distribution(scale: u64) -> Distribution {
    let mut distribution = Distribution::default();
    (1..=1_000).for_each(|n| distribution.record(n * scale));
    distribution
}

#[test]
fn the_log_is_read_back() {
    let (v4, v6) = (distribution(1_000), distribution(37));
    let dir = tempfile::tempdir().expect("a directory");
    let named = [("ipv4 udp".to_owned(), &v4), ("ipv6,udp".to_owned(), &v6)];
    hgrm::write(&fixtures::passed(), &named, dir.path()).expect("is written");
    let log = fs::read(dir.path().join("latency.hlog")).expect("is there");
    assert!(log.starts_with(b"#[Histogram log format version 1.3]\n"));
    let mut intervals = 0;
    for entry in IntervalLogIterator::new(&log) {
        match entry.expect("the reader understands every line") {
            LogEntry::StartTime(time) | LogEntry::BaseTime(time) => {
                assert_eq!(time.as_secs(), 1_763_713_440);
            }
            LogEntry::Interval(interval) => {
                let (want, tag) = [(&v4, "ipv4_udp"), (&v6, "ipv6_udp")][intervals];
                assert_eq!(interval.tag().map(|tag| tag.as_str().to_owned()), Some(tag.to_owned()));
                assert_eq!(interval.duration().as_secs(), 5);
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(interval.encoded_histogram())
                    .expect("is base64");
                let read: Histogram<u64> =
                    Deserializer::new().deserialize(&mut bytes.as_slice()).expect("is one");
                assert_eq!(read, *want.histogram());
                intervals += 1;
            }
        }
    }
    assert_eq!(intervals, 2);
}

#[test]
fn the_spectrum_as_text() {
    let v4 = distribution(1_000);
    let dir = tempfile::tempdir().expect("a directory");
    hgrm::write(&fixtures::passed(), &[("v4".to_owned(), &v4)], dir.path()).expect("is written");
    let text = fs::read_to_string(dir.path().join("v4.hgrm")).expect("is there");
    insta::assert_snapshot!("hgrm_spectrum", text);
}

#[test]
fn nothing_recorded_is_an_empty_spectrum() {
    let nothing = Distribution::default();
    let dir = tempfile::tempdir().expect("a directory");
    hgrm::write(&fixtures::passed(), &[("v4".to_owned(), &nothing)], dir.path())
        .expect("is written");
    let text = fs::read_to_string(dir.path().join("v4.hgrm")).expect("is there");
    assert!(text.contains("Total count    =            0"), "{text}");
}
