//! The HTML report: nothing in it but what it shows, the same bytes each time.

use wirestorm::measure::distribution::Distribution;
use wirestorm::report::html::page::{
    Axis, Block, Cell, Chart, Column, Headline, Mark, Page, Point, Quantity, Scale, Section,
    Series, Table, Tone,
};
use wirestorm::report::html::{render, run};
use wirestorm::report::model::RunResult;
use wirestorm::report::percentiles;

use crate::fixtures;

/// A result whose latencies are whole distributions.
pub fn with_distributions() -> RunResult {
    let mut result = fixtures::failed_with_loss();
    for (number, stream) in result.streams.iter_mut().enumerate() {
        let mut distribution = Distribution::default();
        for n in 1..=20_000_u64 {
            // A long tail: the last of thousand values are a hundred times the median.
            let rare = if n % 1_000 == 0 { 100 } else { 1 };
            distribution.record((8_000 + n % 700 * (3 + number as u64)) * rare);
        }
        stream.latency_ns = percentiles(&distribution);
    }
    result
}

/// Only the part between the tags: without style, script and the charts' data.
fn body(html: &str) -> String {
    let from = html.find("<body>").expect("has a body");
    let to = html.find("<script type=").expect("has data");
    html[from..to].to_owned()
}

#[test]
fn every_situation_is_a_page_and_the_same_one_twice() {
    for (name, result) in fixtures::all() {
        let page = render(&run::page(&result));
        assert_eq!(page, render(&run::page(&result)), "{name}");
        assert!(page.starts_with("<!DOCTYPE html>"), "{name}");
        assert!(page.ends_with("</html>\n"), "{name}");
        for tag in ["section", "table", "figure", "dl", "ul", "svg", "tr", "main", "div", "p"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{name}: {tag}");
        }
    }
}

#[test]
fn the_page_of_a_failed_run() {
    let page = render(&run::page(&with_distributions()));
    insta::assert_snapshot!("html_failed_with_loss", body(&page));
}

#[test]
fn the_verdict_comes_first_with_its_reasons() {
    let page = body(&render(&run::page(&fixtures::failed_with_loss())));
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(at("FAIL") < at("<h1>router"));
    assert!(at("max_loss") < at("<h2>"));
}

#[test]
fn names_and_profiles_are_text_and_never_markup() {
    let hostile = "</script><script>planted = 1</script><img src=x onerror=planted=1>'\"&\u{202e}";
    let mut result = with_distributions();
    result.profile = hostile.to_owned();
    result.profile_yaml = format!("name: {hostile}\n");
    result.streams[0].name = hostile.to_owned();
    result.verdict.reasons[0].message = hostile.to_owned();
    result.environment.command = hostile.to_owned();
    result.witnesses[0].name = hostile.to_owned();
    let page = render(&run::page(&result));
    assert_eq!(page.matches("<script").count(), 2, "its own data and its own script");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img"));
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("name: &lt;/script&gt;&lt;script&gt;planted = 1"));
}

#[test]
fn nothing_can_be_fetched() {
    let page = render(&run::page(&with_distributions()));
    assert!(page.contains("default-src 'none'"));
    for word in ["http://", "https://", "url(\"", " src=", "@import", "<link"] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(word), "{word}");
    }
}

#[test]
fn a_small_loss_is_not_none() {
    let page = body(&render(&run::page(&fixtures::one_of_a_billion())));
    assert!(page.contains("0.0000001 %"));
    assert!(page.contains("1 of 1,000,000,000"));
}

#[test]
fn all_streams_are_in_the_tables_and_few_in_the_charts() {
    let page = body(&render(&run::page(&fixtures::many_streams())));
    for n in 0..100 {
        assert!(page.contains(&format!(">flow-{n:03}</th>")), "{n}");
    }
    assert!(page.contains("The 6 streams of 100 with the largest p99"));
}

/// What a suite of trials shows, made by hand: throughput by frame size, loss and latency by load.
pub fn suite() -> Page {
    let axis = |title: &str, quantity, scale| Axis { title: title.into(), quantity, scale };
    let series = |name: &str, mark, color, dashed, points: &[(f64, f64)]| Series {
        name: name.into(),
        mark,
        color,
        dashed,
        points: points.iter().copied().map(Point::from).collect(),
    };
    let sizes = [64.0, 128.0, 256.0, 512.0, 1024.0, 1280.0, 1518.0];
    let line: Vec<(f64, f64)> =
        sizes.iter().map(|size| (*size, 1e10 / 8.0 / (size + 20.0))).collect();
    let reached: Vec<(f64, f64)> = line.iter().map(|(size, pps)| (*size, pps.min(6.1e6))).collect();
    let mut latency = series("p99", Mark::Dots, 1, false, &[(0.1, 9e3), (0.5, 21e3), (0.9, 3e5)]);
    for point in &mut latency.points {
        point.range = Some((point.y * 0.8, point.y * 1.4));
    }
    let charts = [
        Chart {
            title: "Throughput by frame size".into(),
            note: String::new(),
            x: axis("frame size", Quantity::Bytes, Scale::Linear),
            y: axis("frames per second", Quantity::PacketRate, Scale::Linear),
            series: vec![
                series("line rate", Mark::Line, 7, true, &line),
                series("throughput", Mark::Dots, 0, false, &reached),
            ],
        },
        Chart {
            title: "Loss by load".into(),
            note: "A hollow point is no loss.".into(),
            x: axis("load", Quantity::Share, Scale::Linear),
            y: axis("loss", Quantity::Share, Scale::Log),
            series: vec![series(
                "64 B",
                Mark::Dots,
                0,
                false,
                &[(0.1, 0.0), (0.4, 0.0), (0.5, 3e-9), (0.7, 2e-3), (1.0, 0.59)],
            )],
        },
        Chart {
            title: "Latency by load".into(),
            note: String::new(),
            x: axis("load", Quantity::Share, Scale::Linear),
            y: axis("latency", Quantity::Time, Scale::Log),
            series: vec![latency],
        },
        Chart {
            title: "Buffer by frame size".into(),
            note: String::new(),
            x: axis("frame size", Quantity::Bytes, Scale::Log),
            y: axis("of the device before", Quantity::Ratio, Scale::Linear),
            series: vec![series("buffer", Mark::Scatter, 2, false, &[(64.0, 1.1), (1518.0, 0.97)])],
        },
    ];
    Page {
        title: "RFC 2544 of a router".into(),
        kind: "test report".into(),
        headline: Headline {
            word: "PASS".into(),
            tone: Tone::Good,
            sentence: "made by hand for a test.".into(),
            ..Headline::default()
        },
        sections: vec![
            Section {
                title: "Charts".into(),
                blocks: charts.into_iter().map(Block::Chart).collect(),
                ..Section::default()
            },
            Section {
                title: "All trials".into(),
                new_page: true,
                folded: Some("all 2 trials".into()),
                blocks: vec![Block::Table(Table {
                    columns: vec![Column::text("test"), Column::number("load fps")],
                    rows: [812_743.0, 406_371.5]
                        .map(|fps| {
                            vec![Cell::text("throughput"), Cell::number(format!("{fps:.1}"), fps)]
                        })
                        .into(),
                    ..Table::default()
                })],
            },
        ],
        footer: "Made by hand.".into(),
    }
}

#[test]
fn a_suite_of_trials_is_a_page_too() {
    insta::assert_snapshot!("html_suite", body(&render(&suite())));
}

#[test]
fn older_results_without_distributions_show_their_percentiles() {
    let page = render(&run::page(&fixtures::passed()));
    assert!(page.contains("Latency by percentile"));
    assert!(!page.contains("Distribution of latency"));
}
