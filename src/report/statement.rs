//! What a result says in words, the same in every output for people. Names and messages of the
//! result come through as they are: each output cleans or escapes the whole.

use super::format::{count, percent, rate, seconds, signed};
use super::model::{Reason, RunResult, Stage, StreamResult, Totals, Verdict, code};

/// What a statement says beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Lost, failed.
    Bad,
}

/// What a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Valid, and its criteria are met.
    Pass,
    /// Valid, and its criteria are not met.
    Fail,
    /// This machine limited the run.
    Invalid,
    /// It ended early.
    Incomplete,
}

impl Outcome {
    /// The outcome of `result`.
    pub fn of(result: &RunResult) -> Self {
        Self::judged(result.incomplete, &result.verdict)
    }

    /// The outcome of what was judged so.
    pub fn judged(incomplete: bool, verdict: &Verdict) -> Self {
        match (incomplete, verdict.valid, verdict.passed) {
            (true, ..) => Self::Incomplete,
            (false, false, _) => Self::Invalid,
            (false, true, false) => Self::Fail,
            (false, true, true) => Self::Pass,
        }
    }

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    /// In a sentence without a subject of its own.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Pass => "the run is valid and meets every criterion of its profile",
            Self::Fail => "the run is valid and does not meet the criteria of its profile",
            Self::Invalid => "the run says more about this machine than about the device",
            Self::Incomplete => "the run ended early; this is what was measured until then",
        }
    }

    /// How it looks.
    pub fn tone(self) -> Tone {
        match self {
            Self::Pass => Tone::Good,
            Self::Fail => Tone::Bad,
            Self::Invalid | Self::Incomplete => Tone::Warn,
        }
    }
}

/// The run in one sentence.
pub fn summary(result: &RunResult) -> String {
    let totals = &result.totals;
    // Distinct packets: what was received may hold frames that are not the run's.
    let arrived = match (totals.unique, totals.lost) {
        (Some(unique), Some(lost)) => format!(
            "{} arrived, {} lost ({})",
            count(unique),
            count(lost),
            percent(lost, watched(result))
        ),
        _ => "arrivals were not measured".to_owned(),
    };
    format!(
        "{} sent in {} by {}, {}; {arrived}",
        count(totals.sent),
        seconds(result.duration_s),
        result.engine,
        rate(totals.tx_pps, "pps")
    )
}

/// Whether it says why nothing was sent or received.
pub fn explains_zero(reason: &Reason) -> bool {
    [code::NOTHING_RECEIVED, code::NOTHING_SENT].contains(&reason.code.as_str())
}

/// Why nothing was sent or received, where it was so and the verdict does not say it already. A
/// zero that nobody explained is said to be unexplained.
pub fn zeros(result: &RunResult) -> Vec<Reason> {
    let mut zeros: Vec<Reason> =
        result.warnings.iter().filter(|warning| explains_zero(warning)).cloned().collect();
    let told = |code: &str, zeros: &[Reason]| {
        result.verdict.reasons.iter().chain(zeros).any(|reason| reason.code == code)
    };
    let silent = |test: &dyn Fn(&Totals) -> bool| {
        let names: Vec<&str> =
            result.streams.iter().filter(|s| test(&s.counts)).map(|s| s.name.as_str()).collect();
        match names.as_slice() {
            [] if test(&result.totals) => Some("the run".to_owned()),
            [] => None,
            all if all.len() > 1 && all.len() == result.streams.len() => {
                Some("all streams".to_owned())
            }
            [some @ .., last] if some.len() < 4 => {
                let mut some = some.to_vec();
                some.push(last);
                Some(some.join(", "))
            }
            [a, b, c, rest @ ..] => Some(format!("{a}, {b}, {c} and {} more", rest.len())),
            [..] => None,
        }
    };
    if !told(code::NOTHING_SENT, &zeros) {
        zeros.extend(silent(&|counts| counts.intended > 0 && counts.sent == 0).map(|names| {
            Reason {
                code: code::NOTHING_SENT.to_owned(),
                message: format!(
                    "nothing was sent of {names}, and the cause is not known; `wirestorm doctor` \
                 looks for what stands in the way"
                ),
            }
        }));
    }
    if !told(code::NOTHING_RECEIVED, &zeros) {
        zeros.extend(silent(&|counts| counts.sent > 0 && counts.received == Some(0)).map(
            |names| Reason {
                code: code::NOTHING_RECEIVED.to_owned(),
                message: format!(
                    "nothing was received of {names}, and the cause is not known; the ledger \
                     names the stage, and `wirestorm doctor` looks for what stands in the way"
                ),
            },
        ));
    }
    zeros
}

/// Sent packets whose arrival was watched: what the total's loss is a share of.
pub fn watched(result: &RunResult) -> u64 {
    if result.streams.iter().all(|stream| stream.counts.lost.is_some()) {
        return result.totals.sent;
    }
    let watched = result.streams.iter().filter(|stream| stream.counts.lost.is_some());
    // A result that was read from a file may hold any numbers.
    watched.fold(0, |sum, stream| sum.saturating_add(stream.counts.sent))
}

/// `lost_here` of all stages and the last count add up to the first count, or the ledger is open.
pub fn closing(stages: &[Stage]) -> (String, Tone) {
    let mut measured =
        stages.iter().filter_map(|stage| Some((&stage.stage, i128::from(stage.count?))));
    let Some((first_name, first)) = measured.next() else {
        return ("No stage was measured.".to_owned(), Tone::Warn);
    };
    let (last_name, last) = measured.next_back().unwrap_or((first_name, first));
    let lost: i128 = stages.iter().map(|stage| i128::from(stage.lost_here)).sum();
    let open = first - lost - last;
    if open == 0 {
        let text = format!(
            "The ledger closes to zero: {} {} = {} {} + {} lost between.",
            signed(first),
            first_name,
            signed(last),
            last_name,
            signed(lost)
        );
        (text, Tone::Good)
    } else {
        (format!("The ledger does not close: {} packets unaccounted for.", signed(open)), Tone::Bad)
    }
}

/// The figures of the run that `value` equals, of the totals, the ledger, a stream; else the nearest
/// one within a hundredth, and the distance to it.
pub fn compare(result: &RunResult, value: u64) -> (String, Tone) {
    let totals = &result.totals;
    let main = [
        ("sent", Some(totals.sent)),
        ("received", totals.received),
        ("unique", totals.unique),
        ("lost", totals.lost),
    ];
    let stages = result.ledger.iter().map(|stage| (stage.stage.as_str(), stage.count));
    let main: Vec<(&str, u64)> =
        main.into_iter().filter_map(|(name, figure)| Some((name, figure?))).collect();
    let stages: Vec<(&str, u64)> =
        stages.filter_map(|(name, figure)| Some((name, figure?))).collect();
    for figures in [&main, &stages] {
        let same: Vec<&str> =
            figures.iter().filter(|(_, figure)| *figure == value).map(|(name, _)| *name).collect();
        if !same.is_empty() {
            return (format!("= {}", same.join(", ")), Tone::Good);
        }
    }
    if let Some(figure) = of_a_stream(result, value) {
        return (format!("= {figure}"), Tone::Good);
    }
    let nearest = main.iter().chain(&stages).min_by_key(|(_, figure)| figure.abs_diff(value));
    match nearest {
        Some((name, figure)) if value > 0 && figure.abs_diff(value) <= figure / 100 => {
            let distance = count(figure.abs_diff(value));
            let word = if value > *figure { "more" } else { "less" };
            (format!("{distance} {word} than {}", name), Tone::Warn)
        }
        _ => (String::new(), Tone::Plain),
    }
}

/// The figure of a single stream that `value` equals, where it is not 0.
fn of_a_stream(result: &RunResult, value: u64) -> Option<String> {
    let is = |figure: Option<u64>| value > 0 && figure == Some(value);
    let figure_of = |stream: &StreamResult| {
        let counts = &stream.counts;
        match () {
            () if is(counts.unique) => Some("unique"),
            () if is(counts.received) => Some("received"),
            () if is(Some(counts.sent)) => Some("sent"),
            () if is(counts.lost) => Some("lost"),
            () => None,
        }
    };
    let (first, figure) =
        result.streams.iter().find_map(|stream| Some((stream, figure_of(stream)?)))?;
    // Which of several the counter is about, nobody knows here.
    let others =
        result.streams.iter().filter(|&stream| figure_of(stream) == Some(figure)).count() - 1;
    let name = &first.name;
    Some(match others {
        0 => format!("{figure} of {name}"),
        1 => format!("{figure} of {name} and of another stream"),
        _ => format!("{figure} of {name} and of {others} other streams"),
    })
}
