//! Runs against runs.

use wirestorm::report::compare::{Change, Comparison, Judgement, Metric, Run};
use wirestorm::report::html::{comparison, render};
use wirestorm::report::model::RunResult;
use wirestorm::report::terminal::{Style, render_comparison};

use crate::html;

/// Results as a file each: `a0.json`, `a1.json`, …
fn runs(name: &str, results: Vec<RunResult>) -> Vec<Run> {
    let named = results.into_iter().enumerate();
    named.map(|(n, result)| Run { file: format!("{name}{n}.json"), result }).collect()
}

/// A run whose p99 is `p99` nanoseconds, of which `lost` packets are lost.
fn run(p99: u64, lost: u64) -> RunResult {
    let mut result = html::with_distributions();
    result.verdict.passed = lost == 0;
    result.totals.loss_ratio = Some(lost as f64 / result.totals.sent as f64);
    for stream in &mut result.streams {
        stream.counts.loss_ratio = Some(lost as f64 / stream.counts.sent as f64);
        if let Some(latency) = &mut stream.latency_ns {
            latency.p99 = p99;
        }
    }
    result
}

/// Three repeats a side: p99 doubles, losses come, the rest stays.
pub fn repeats() -> Comparison {
    let baseline = [10_000, 10_100, 9_900].map(|p99| run(p99, 0)).to_vec();
    let candidate = [(20_000, 7), (20_300, 9), (19_800, 8)].map(|(p99, lost)| run(p99, lost));
    Comparison::of(runs("a", baseline), runs("b", candidate.to_vec())).expect("both have runs")
}

fn metric<'a>(comparison: &'a Comparison, stream: Option<&str>, name: &str) -> &'a Metric {
    comparison
        .metrics
        .iter()
        .find(|metric| metric.stream.as_deref() == stream && metric.name == name)
        .expect("is compared")
}

#[test]
fn a_ratio_and_its_interval_over_repeats() {
    let comparison = repeats();
    let p99 = metric(&comparison, Some("ipv4-udp"), "latency p99");
    let Change::Ratio(ratio, Some((low, high))) = p99.change else {
        panic!("{:?} is no ratio with an interval", p99.change)
    };
    // Of geometric means.
    let geometric = |values: [f64; 3]| values.iter().product::<f64>().powf(1.0 / 3.0);
    let wanted =
        geometric([20_000.0, 20_300.0, 19_800.0]) / geometric([10_000.0, 10_100.0, 9_900.0]);
    assert!((ratio - wanted).abs() < 1e-9);
    assert!(1.9 < low && low < ratio && ratio < high && high < 2.1, "{low} {ratio} {high}");
    assert_eq!(p99.judgement(), Judgement::Worse);
}

#[test]
fn a_loss_that_was_none_is_a_difference() {
    let comparison = repeats();
    let loss = metric(&comparison, None, "loss");
    let Change::Difference(difference, Some((low, _))) = loss.change else {
        panic!("{:?} is no difference with an interval", loss.change)
    };
    assert!((difference - 8e-6).abs() < 1e-12 && low > 0.0);
    assert_eq!(loss.judgement(), Judgement::Worse);
    let text = render_comparison(&comparison, Style::PLAIN);
    assert!(text.contains("+0.0008 points"), "{text}");
}

#[test]
fn one_run_a_side_claims_nothing() {
    let one = |name, p99| runs(name, vec![run(p99, 0)]);
    let comparison = Comparison::of(one("a", 10_000), one("b", 90_000)).expect("both have runs");
    for metric in &comparison.metrics {
        assert_eq!(metric.judgement(), Judgement::NotJudged, "{metric:?}");
    }
    assert!(comparison.sentence().contains("no confidence interval"));
    let page = render(&comparison::page(&comparison));
    assert!(!page.contains(">worse<") && !page.contains(">better<"));
}

#[test]
fn runs_that_are_not_valid_are_left_out_and_said_to_be() {
    let mut invalid = run(1, 0);
    invalid.verdict.valid = false;
    let mut incomplete = run(1, 0);
    incomplete.incomplete = true;
    let baseline = runs("a", vec![run(10_000, 0), invalid.clone(), incomplete]);
    let candidate = runs("b", vec![run(10_000, 0)]);
    let comparison = Comparison::of(baseline, candidate.clone()).expect("both have runs");
    assert!(comparison.valid);
    assert_eq!(comparison.baseline.used, ["a0.json"]);
    let left_out = &comparison.warnings[0];
    assert_eq!(left_out.code, "left_out");
    assert!(left_out.message.contains("a1.json, a2.json"), "{}", left_out.message);

    let comparison = Comparison::of(runs("a", vec![invalid]), candidate).expect("both have runs");
    assert!(!comparison.valid);
    assert_eq!(comparison.warnings[0].code, "no_valid_run");
}

#[test]
fn what_differs_beside_the_device_is_said() {
    let mut other = run(10_000, 0);
    other.engine = "xdp-live".to_owned();
    other.environment.kernel = "6.19.0".to_owned();
    other.profile_yaml.push_str("# changed\n");
    other.totals.tx_pps *= 1.5;
    other.streams.remove(1);
    let comparison = Comparison::of(runs("a", vec![run(10_000, 0)]), runs("b", vec![other]))
        .expect("both have runs");
    let codes: Vec<&str> = comparison.warnings.iter().map(|w| w.code.as_str()).collect();
    let differs = "environment_differs";
    assert_eq!(codes, [differs, differs, "profile_differs", "streams_differ", "load_differs"]);
    assert!(comparison.metrics.iter().all(|m| m.stream.as_deref() != Some("ipv6-udp")));
}

#[test]
fn on_a_terminal() {
    let text = render_comparison(&repeats(), Style::PLAIN);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!("compare_terminal", text);
}
