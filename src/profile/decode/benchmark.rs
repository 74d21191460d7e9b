//! The kind of test, and what a benchmark says beside it.

use super::{At, Decoder, Record, modifier, size, study};
use crate::profile::benchmark::{Benchmark, Kind, Method, NamedGoal, Reset, ResetBy, Share, Sizes};
use crate::profile::model::{Size, TestKind};
use crate::profile::problem::Problem;
use crate::profile::problem::nearest;
use crate::profile::units::Unit;
use crate::profile::yaml::{Data, Node};
use crate::search::Goal;
use crate::units::{FrameSize, Nanos, Ratio};

/// Ways to search by their names.
pub const METHODS: [(&str, Method); 2] =
    [("binary", Method::Binary), ("mlrsearch", Method::MlrSearch)];

/// Ways to share a load by their names.
pub const SHARES: [(&str, Share); 2] = [("rates", Share::Rates), ("equal", Share::Equal)];

/// The word that stands for the streams' own sizes.
pub const OWN_SIZES: &str = "streams";

/// A goal with a name; it takes the test's width.
pub type KnownGoal = (&'static str, fn(Ratio) -> Goal);

/// Goals with a name: the standards' and FD.io CSIT's own.
pub const GOALS: [KnownGoal; 4] = [
    ("rfc2544", Goal::rfc2544),
    ("tst009", Goal::tst009),
    // Their width is theirs too.
    ("csit-ndr", |_| Goal::csit(Ratio(0))),
    ("csit-pdr", |_| Goal::csit(Ratio(5_000_000))),
];

/// Repeats of a test at most.
const MAX_REPEATS: u64 = 10_000;
/// Frame sizes at most.
const MAX_SIZES: usize = 64;
/// Loads and goals at most.
pub(super) const MAX_LIST: usize = 16;
/// The step of a burst at most, in frames.
const MAX_STEP: u64 = 1 << 32;

/// The name of a study.
pub const STUDY: &str = "fragments";

/// `traffic`, the name of a benchmark or of a study, or one of them with its settings. `root` is the
/// whole profile.
pub(super) fn test(decoder: &mut Decoder, at: &At<'_>, root: &Node) -> Option<TestKind> {
    if let Some(text) = at.node.scalar() {
        if text == "traffic" {
            return Some(TestKind::Traffic);
        }
        if text == STUDY {
            return Some(TestKind::Study(Box::new(study::scalar(root))));
        }
        let kind = Kind::NAMES.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
        if kind.is_none() {
            let words = Kind::NAMES.map(|(name, _)| name);
            let expected =
                format!("traffic, {}, {STUDY}, or a mapping with kind", words.join(", "));
            let hint = nearest(text, words.into_iter().chain(["traffic", STUDY]));
            let found = at.node.describe();
            let problem = Problem::found(at.node.place, at.path.clone(), found, expected);
            decoder.problems.push(problem.hint(hint));
        }
        return kind.map(|kind| TestKind::Benchmark(Box::new(complete(Benchmark::new(kind)))));
    }
    let kind = at.node.entry("kind").and_then(|entry| entry.value.scalar());
    if kind == Some(STUDY) {
        let read =
            decoder.record(at, "study", "a study: a mapping", |record| study::study(record, root));
        return read.map(|read| TestKind::Study(Box::new(read)));
    }
    let read = decoder.record(at, "benchmark", "a kind of test, or a mapping", benchmark)?;
    read.map(|benchmark| TestKind::Benchmark(Box::new(benchmark)))
}

fn benchmark(record: &mut Record<'_, '_>) -> Option<Benchmark> {
    let kind = record
        .require("kind", "the kind of test: throughput, rfc2544 …")
        .and_then(|at| record.decoder.choice(&at, &Kind::NAMES));
    let mut read = Benchmark::new(kind.unwrap_or(Kind::Throughput));
    if let Some(at) = record.get("sizes") {
        read.sizes = sizes(record.decoder, &at).unwrap_or(read.sizes);
    }
    read.bidirectional = record.boolean("bidirectional").unwrap_or(false);
    if let Some(at) = record.get("modifiers") {
        let list = record.decoder.list_of(&at, "a list of modifiers", |decoder, item| {
            decoder.record(item, "modifier", "a modifier: a mapping", modifier::modifier).flatten()
        });
        bounded(record.decoder, &at, list.as_deref(), MAX_SIZES);
        read.modifiers = list.unwrap_or_default();
    }
    if let Some(at) = record.get("learning") {
        record.decoder.record(&at, "learning", "a mapping", |record| {
            let learning = &mut read.learning;
            learning.frames = record.integer("frames", 0, MAX_REPEATS).unwrap_or(learning.frames);
            learning.wait = record.unit("wait").unwrap_or(learning.wait);
        });
    }
    if let Some(at) = record.get("share") {
        read.share = record.decoder.choice(&at, &SHARES).unwrap_or(read.share);
    }
    read.max_rate = record.unit("max_rate").unwrap_or(read.max_rate);
    read.min_rate = record.unit("min_rate");
    read.min_throughput = record.unit("min_throughput");
    read.duration = record.unit("duration").unwrap_or(read.duration);
    read.wait = record.unit("wait").unwrap_or(read.wait);
    read.retries = whole(record, "retries", 0, read.retries);
    read.max_time = record.unit("max_time");
    if let Some(at) = record.get("search") {
        read.search = record.decoder.choice(&at, &METHODS).unwrap_or(read.search);
    }
    read.width = record.unit("width").unwrap_or(read.width);
    read.loss_ratio = record.unit("loss_ratio").unwrap_or(read.loss_ratio);
    read.verifications = whole(record, "verifications", 0, read.verifications);
    read.search_duration = record.unit("search_duration").unwrap_or(read.duration);
    let goals = record.get("goals");
    if let Some(at) = &goals {
        if read.search == Method::Binary {
            record.only_with(&goals, "goals", "search: mlrsearch");
        }
        let defaults = default_goal(&read);
        let width = read.width;
        let list = record.decoder.list_of(at, "a list of goals", |decoder, item| {
            if let Some(name) = item.node.scalar() {
                let make = decoder.choice(item, &GOALS)?;
                return Some(NamedGoal { name: Some(name.to_owned()), goal: make(width) });
            }
            decoder.record(item, "goal", "a goal: a name or a mapping", |record| {
                named_goal(record, defaults, width)
            })
        });
        bounded(record.decoder, at, list.as_deref(), MAX_LIST);
        read.goals = list.unwrap_or_default();
    }
    if let Some(at) = record.get("frame_loss") {
        record.decoder.record(&at, "frame_loss", "a mapping", |record| {
            read.loss_step = record.unit("step").unwrap_or(read.loss_step);
        });
    }
    if let Some(at) = record.get("latency") {
        record.decoder.record(&at, "latency_test", "a mapping", |record| {
            let latency = &mut read.latency;
            latency.duration = record.unit("duration").unwrap_or(latency.duration);
            latency.repeats = whole(record, "repeats", 1, latency.repeats);
            if let Some(at) = record.get("loads") {
                let loads: Option<Vec<Ratio>> =
                    record.decoder.list_of(&at, "shares of the throughput", Decoder::unit);
                bounded(record.decoder, &at, loads.as_deref(), MAX_LIST);
                latency.loads = loads.unwrap_or_default();
            }
        });
    }
    if let Some(at) = record.get("back_to_back") {
        record.decoder.record(&at, "back_to_back", "a mapping", |record| {
            let bursts = &mut read.back_to_back;
            bursts.limit = record.unit("limit").unwrap_or(bursts.limit);
            bursts.step = record.integer("step", 1, MAX_STEP).unwrap_or(bursts.step);
            bursts.repeats = whole(record, "repeats", 1, bursts.repeats);
            bursts.verifications = whole(record, "verifications", 0, bursts.verifications);
        });
    }
    if let Some(at) = record.get("system_recovery") {
        record.decoder.record(&at, "system_recovery", "a mapping", |record| {
            let recovery = &mut read.recovery;
            recovery.duration = record.unit("duration").unwrap_or(recovery.duration);
            recovery.watch = record.unit("watch").unwrap_or(recovery.watch);
            recovery.resolution = record.unit("resolution").unwrap_or(recovery.resolution);
            recovery.repeats = whole(record, "repeats", 1, recovery.repeats);
        });
    }
    if let Some(at) = record.get("reset") {
        read.reset =
            record.decoder.record(&at, "reset", "a mapping with by", modifier::reset).flatten();
    }
    kind.map(|_| complete(read))
}

/// An MLRsearch without goals has one, that of the binary search; a device that the profile says nothing
/// of is reset by hand.
fn complete(mut benchmark: Benchmark) -> Benchmark {
    if benchmark.kind == Kind::Reset {
        benchmark.reset.get_or_insert_with(|| Reset::new(ResetBy::Hand));
    }
    if benchmark.goals.is_empty() {
        benchmark.goals = vec![NamedGoal { name: None, goal: default_goal(&benchmark) }];
    }
    benchmark
}

fn default_goal(benchmark: &Benchmark) -> Goal {
    Goal {
        loss_ratio: benchmark.loss_ratio,
        exceed_ratio: Ratio(0),
        width: benchmark.width,
        initial_duration: Nanos::SECOND.min(benchmark.duration),
        final_duration: benchmark.duration,
        duration_sum: benchmark.duration,
    }
}

/// A goal of its own, or a named one with something changed.
fn named_goal(record: &mut Record<'_, '_>, default: Goal, width: Ratio) -> NamedGoal {
    let named = record.get("name");
    let known = named.as_ref().and_then(|at| record.decoder.choice(at, &GOALS));
    let name = named.and_then(|at| at.node.scalar().map(str::to_owned));
    match known {
        None => NamedGoal { name: None, goal: goal(record, default) },
        Some(make) => NamedGoal { name, goal: goal(record, make(width)) },
    }
}

fn goal(record: &mut Record<'_, '_>, default: Goal) -> Goal {
    let final_duration = record.unit("final_duration").unwrap_or(default.final_duration);
    Goal {
        loss_ratio: record.unit("loss_ratio").unwrap_or(default.loss_ratio),
        exceed_ratio: record.unit("exceed_ratio").unwrap_or(default.exceed_ratio),
        width: record.unit("width").unwrap_or(default.width),
        initial_duration: record
            .unit("initial_duration")
            .unwrap_or(default.initial_duration.min(final_duration)),
        final_duration,
        // What is shortened without its sum is shortened as a whole.
        duration_sum: record.unit("duration_sum").unwrap_or_else(|| {
            let scaled = u128::from(default.duration_sum.0) * u128::from(final_duration.0)
                / u128::from(default.final_duration.0.max(1));
            Nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
        }),
    }
}

pub(super) fn whole(record: &mut Record<'_, '_>, key: &'static str, low: u64, default: u32) -> u32 {
    let read = record.integer(key, low, MAX_REPEATS);
    read.and_then(|value| u32::try_from(value).ok()).unwrap_or(default)
}

pub(super) fn bounded<T>(decoder: &mut Decoder, at: &At<'_>, list: Option<&[T]>, most: usize) {
    if let Some(list) = list
        && (list.is_empty() || list.len() > most)
    {
        decoder.refuse(at, format!("{} entries", list.len()), format!("1 to {most}"));
    }
}

fn sizes(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<Sizes>> {
    const EXPECTED: &str = "a list of sizes such as [64B, 1518B, {imix: csit}], or streams for the \
                            streams' own";
    let list = decoder.list_of(at, EXPECTED, |decoder, item| {
        if let Data::Mapping(_) = item.node.data {
            let size = size::size(decoder, item)?;
            return Some(Sizes::Mix(mix_name(item, &size), size));
        }
        decoder.scalar(item, EXPECTED, |text| match text {
            OWN_SIZES => Ok(Sizes::OfStreams),
            _ => FrameSize::parse(text).map(Sizes::Fixed).map_err(|_| EXPECTED.to_owned()),
        })
    })?;
    bounded(decoder, at, Some(&list), MAX_SIZES);
    for (number, size) in list.iter().enumerate() {
        if list[..number].contains(size) {
            decoder.refuse(at, "a size twice", "each size once");
        }
    }
    (!list.is_empty()).then_some(list)
}

/// How results name a mix: by its name, by its genome (RFC 6985), else by its sizes.
fn mix_name(at: &At<'_>, size: &Size) -> String {
    let told = |key: &str| at.node.entry(key).and_then(|entry| entry.value.scalar());
    if let Some(name) = told("imix") {
        return format!("IMIX {name}");
    }
    if let Some(genome) = told("genome") {
        return format!("IMIX - {genome}");
    }
    match size {
        Size::Imix(parts) => {
            let parts: Vec<String> =
                parts.iter().map(|(size, weight)| format!("{}:{weight}", size.0)).collect();
            format!("IMIX {}", parts.join(" "))
        }
        Size::Random { low, high } => format!("random {} to {}", low.0, high.0),
        Size::Counter { start, step, count } => {
            format!("{count} from {} in steps of {step}", start.0)
        }
        _ => "mixed".to_owned(),
    }
}
