//! The CSV files, read back by a reader of RFC 4180 and byte for byte.

use std::fs;
use std::path::Path;

use wirestorm::report::csv;

use crate::fixtures;

#[test]
fn the_three_files() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, result) in [
        ("failed_with_loss", fixtures::failed_with_loss()),
        ("not_measured", fixtures::not_measured()),
    ] {
        let dir = dir.path().join(name);
        csv::write(&result, &dir).expect("is written");
        for file in ["streams", "totals", "ledger"] {
            let text = fs::read_to_string(dir.join(format!("{file}.csv"))).expect("is there");
            assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
            insta::assert_snapshot!(format!("csv_{name}_{file}"), text.replace("\r\n", "\n"));
        }
    }
}

#[test]
fn cells_are_quoted_and_read_back() {
    let mut result = fixtures::passed();
    let name = "a \"quoted\", name\nof two lines";
    result.streams[0].name = name.to_owned();
    let dir = tempfile::tempdir().expect("a directory");
    csv::write(&result, dir.path()).expect("is written");
    let mut reader = ::csv::Reader::from_path(dir.path().join("streams.csv")).expect("is there");
    let header = reader.headers().expect("has a header").clone();
    let rows: Vec<_> = reader.records().map(|row| row.expect("every row is as wide")).collect();
    assert_eq!(rows.len(), 2);
    let cell = |row: usize, name: &str| {
        let at = header.iter().position(|column| column == name).expect("the column is there");
        rows[row][at].to_owned()
    };
    assert_eq!(cell(0, "name"), name);
    assert_eq!(cell(1, "sent"), "500000");
    assert_eq!(cell(1, "latency_p99_9_ns"), "200399");
    assert_eq!(cell(1, "latency_pdv_ns"), (200_399 - 8_713).to_string());
}

#[test]
fn no_stream_is_a_header_alone() {
    let mut result = fixtures::passed();
    result.streams.clear();
    result.ledger.clear();
    let dir = tempfile::tempdir().expect("a directory");
    csv::write(&result, dir.path()).expect("is written");
    for file in ["streams.csv", "ledger.csv"] {
        let text = fs::read_to_string(dir.path().join(file)).expect("is there");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let error = csv::write(&fixtures::passed(), Path::new("/dev/null/results"))
        .expect_err("is no directory");
    assert!(
        error.to_string().starts_with("cannot write into the directory /dev/null/results: "),
        "{error}"
    );
}
