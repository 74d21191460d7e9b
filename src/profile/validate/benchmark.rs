//! Benchmarks.

use super::{Rule, bounds, modifier, stack_len, streams};
use crate::packet::tag::TAG_LEN;
use crate::profile::benchmark::{Benchmark, Method, ResetBy, Share, Sizes};
use crate::profile::model::{PassCriteria, Profile, Rate, TestKind};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::{FCS_BYTES, FrameSize, Nanos, Ratio};

/// Judged after the tags: what carries none cannot be counted.
pub(super) const RULES: [Rule; 8] = [
    streams_have_one_rate,
    spans_are_sane,
    rates_are_known,
    searches_can_end,
    streams_are_counted,
    sizes_have_room,
    modifier::modifiers_can_be_applied,
    criteria_have_a_meaning,
];

const DAY: Nanos = Nanos(86_400_000_000_000);
const HOUR: Nanos = Nanos(3_600_000_000_000);
/// RFC 9004.
const LONGEST_BURST: Nanos = Nanos(30_000_000_000);
/// The longest frame: as for streams.
const MAX_FRAME: u32 = 16_000;
const MIN_FRAME: u32 = 64;
/// Spans of a watch at most: each takes a stream of its own.
const MAX_SPANS: u64 = 1_000;

pub(super) fn benchmark(profile: &Profile) -> Option<&Benchmark> {
    match &profile.test {
        TestKind::Traffic | TestKind::Study(_) => None,
        TestKind::Benchmark(benchmark) => Some(benchmark),
    }
}

fn spans_are_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(test) = benchmark(profile) else { return };
    let mut check = |at: &str, span: Nanos, most: Nanos, least: u64| {
        if span.0 < least || span > most {
            let above = if least > 0 { "above 0 and " } else { "" };
            let expected = format!("a time {above}at most {}", most.text());
            problems.push(profile.origin.problem(format!("test.{at}"), span.text(), expected));
        }
    };
    check("duration", test.duration, DAY, 1);
    // Without one of its own it is the duration.
    if test.search_duration != test.duration {
        check("search_duration", test.search_duration, test.duration, 1);
    }
    check("wait", test.wait, HOUR, 0);
    check("learning.wait", test.learning.wait, HOUR, 0);
    if let Some(reset) = &test.reset {
        check("reset.after", reset.after, DAY, 0);
        check("reset.watch", reset.watch, DAY, 1);
        if let ResetBy::Lab { down } = reset.by {
            check("reset.down", down, reset.watch, 1);
        }
    }
    check("latency.duration", test.latency.duration, DAY, 1);
    check("back_to_back.limit", test.back_to_back.limit, LONGEST_BURST, 1);
    check("system_recovery.duration", test.recovery.duration, DAY, 1);
    check("system_recovery.watch", test.recovery.watch, DAY, 1);
    check("system_recovery.resolution", test.recovery.resolution, test.recovery.watch, 1);
    let spans = test.recovery.watch.0.div_ceil(test.recovery.resolution.0.max(1));
    if spans > MAX_SPANS {
        let expected = format!("at most {MAX_SPANS} of them in the watch");
        let at = "test.system_recovery.resolution";
        problems.push(profile.origin.problem(at, test.recovery.resolution.text(), expected));
    }
}

fn rates_are_known(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(test) = benchmark(profile) else { return };
    let rates = [
        ("max_rate", Some(test.max_rate)),
        ("min_rate", test.min_rate),
        ("min_throughput", test.min_throughput),
    ];
    for (at, rate) in rates {
        let Some(rate) = rate else { continue };
        let zero = match rate {
            Rate::Unlimited => true,
            Rate::Packets(rate) => rate.packets == 0,
            Rate::Bits { bps, .. } => bps == 0,
            Rate::LineShare(share) => share == Ratio(0),
        };
        if zero {
            let expected = "a rate above 0 that has an end, such as 100%, 1Gbps L1 or 50kpps";
            problems.push(profile.origin.problem(format!("test.{at}"), rate.text(), expected));
        }
    }
    if test.share == Share::Equal {
        return;
    }
    for port in 0..profile.ports.len() {
        let here = || profile.streams.iter().filter(|stream| stream.from == port);
        let unlimited =
            here().filter(|stream| stream.pattern.constant() == Some(Rate::Unlimited)).count();
        if unlimited > 0 && unlimited < here().count() {
            let found = "rates beside unlimited ones";
            let expected = "rates for all streams of a port, for they share its load by them; or \
                            share: equal";
            problems.push(profile.origin.problem("test.share", found, expected));
        }
    }
}

/// A trial sets the rate itself: a shape in time, or a chain, would be lost.
fn streams_have_one_rate(profile: &Profile, problems: &mut Vec<Problem>) {
    if benchmark(profile).is_none() {
        return;
    }
    for (n, stream) in profile.streams.iter().enumerate() {
        let at = profile.stream_path(n);
        let mut refuse = |key: &str, found: &str, expected: &str| {
            problems.push(profile.origin.problem(format!("{at}.{key}"), found, expected));
        };
        if stream.pattern.constant().is_none() {
            refuse("rate", "a pattern", "a constant rate: the trials of a benchmark set the load");
        }
        if stream.after.is_some() {
            refuse("after", "a chain", "streams that send together: a benchmark's trials do");
        }
        if stream.repeat > 1 {
            refuse(
                "repeat",
                "a repetition",
                "none: the trials of a benchmark have their own length",
            );
        }
    }
}

fn searches_can_end(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(test) = benchmark(profile) else { return };
    let mut refuse = |at: &str, found: String, expected: &str| {
        problems.push(profile.origin.problem(format!("test.{at}"), found, expected));
    };
    if test.width.0 == 0 || test.width >= Ratio::ONE {
        refuse("width", test.width.text(), "a share above 0% and below 100%");
    }
    if test.loss_ratio >= Ratio::ONE {
        refuse("loss_ratio", test.loss_ratio.text(), "a share below 100%");
    }
    if test.loss_step.0 == 0 || test.loss_step.0 > Ratio::ONE.0 / 10 {
        let expected = "a share above 0% and at most 10% (RFC 2544 §26.3)";
        refuse("frame_loss.step", test.loss_step.text(), expected);
    }
    if test.latency.loads.iter().any(|load| load.0 == 0) {
        refuse("latency.loads", "0%".to_owned(), "shares above 0%");
    }
    if test.search == Method::MlrSearch {
        for (number, goal) in test.goals.iter().enumerate() {
            let goal = goal.goal;
            if let Err(error) = goal.validate() {
                let at = path::index("goals", number);
                refuse(&at, "a goal that cannot be met".to_owned(), &error.cause);
            }
            if goal.duration_sum > DAY {
                let at = format!("{}.duration_sum", path::index("goals", number));
                refuse(&at, goal.duration_sum.text(), "at most 24h");
            }
        }
    }
}

fn streams_are_counted(profile: &Profile, problems: &mut Vec<Problem>) {
    if benchmark(profile).is_none() {
        return;
    }
    for (at, stream) in streams(profile) {
        let mut refuse = |key: &str, found: &str, expected: &str| {
            problems.push(profile.origin.problem(path::key(&at, key), found, expected));
        };
        if stream.to.is_none() {
            refuse("to", "null", "a receiving port: a benchmark counts every stream");
        } else if !stream.tag {
            let expected = "packets with a probe tag, and frames with room for it: a benchmark \
                            counts every stream";
            refuse("tag", "no probe tag", expected);
        }
        if !stream.order.is_empty() {
            let expected = "none: what is sent twice or not at all would be counted";
            refuse("order", "an order", expected);
        }
    }
}

fn sizes_have_room(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(test) = benchmark(profile) else { return };
    for (number, size) in test.sizes.iter().enumerate() {
        let (low, high) = match size {
            Sizes::Fixed(size) => (*size, *size),
            Sizes::Mix(_, mix) => bounds(mix),
            Sizes::OfStreams => continue,
        };
        let (FrameSize(bytes), FrameSize(most)) = (low, high);
        let needed = profile.streams.iter().map(|stream| {
            let least = if stream.runts { 0 } else { MIN_FRAME };
            let need = stack_len(&stream.headers) + TAG_LEN as u32 + FCS_BYTES;
            (need.max(least), stream)
        });
        let Some((need, stream)) = needed.max_by_key(|(need, _)| *need) else { continue };
        let at = path::index("test.sizes", number);
        if bytes < need {
            let expected = format!(
                "at least {need}B: the headers of stream {}, the probe tag and the FCS",
                stream.name
            );
            problems.push(profile.origin.problem(at, format!("{bytes}B"), expected));
        } else if most > MAX_FRAME {
            let expected = format!("at most {MAX_FRAME}B");
            problems.push(profile.origin.problem(at, format!("{most}B"), expected));
        } else if let Some(lab) = &profile.lab
            && profile.stands_in_lab()
            && most > lab.mtu + 18
        {
            let expected = format!("at most {}B, or a lab with a larger mtu", lab.mtu + 18);
            problems.push(profile.origin.problem(at, format!("{most}B"), expected));
        }
    }
}

/// A benchmark has many trials: what a single run is held to would fail it at the first overload.
fn criteria_have_a_meaning(profile: &Profile, problems: &mut Vec<Problem>) {
    if benchmark(profile).is_none() {
        return;
    }
    let pass = &profile.pass;
    let other = PassCriteria { latency: Vec::new(), max_latency: None, ..pass.clone() };
    if other != PassCriteria::default() {
        let expected = "latency criteria alone: a benchmark looks for the loss; its throughput is \
                        held to test.min_throughput";
        problems.push(profile.origin.problem("pass", "criteria of a single run", expected));
    }
}
