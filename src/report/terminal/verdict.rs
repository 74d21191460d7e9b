//! What a run says, in a few lines: PASS, FAIL, INVALID or INCOMPLETE, and why.

use super::Style;
use super::paint::{Tint, badge, clean, paint, width, wrap};
use super::streams::watched;
use crate::report::format::{count, percent, rate, seconds};
use crate::report::model::{Reason, RunResult, code};

/// What a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pass,
    Fail,
    Invalid,
    Incomplete,
}

impl Outcome {
    fn of(result: &RunResult) -> Self {
        match (result.incomplete, result.verdict.valid, result.verdict.passed) {
            (true, ..) => Self::Incomplete,
            (false, false, _) => Self::Invalid,
            (false, true, false) => Self::Fail,
            (false, true, true) => Self::Pass,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Pass => "the run is valid and meets every criterion of its profile",
            Self::Fail => "the run is valid and does not meet the criteria of its profile",
            Self::Invalid => "the run says more about this machine than about the device",
            Self::Incomplete => "the run ended early; this is what was measured until then",
        }
    }

    fn tint(self) -> Tint {
        match self {
            Self::Pass => Tint::Good,
            Self::Fail => Tint::Bad,
            Self::Invalid | Self::Incomplete => Tint::Warn,
        }
    }
}

/// Badge, sentence, the run in one line, reasons.
pub fn render(result: &RunResult, style: Style) -> String {
    let outcome = Outcome::of(result);
    let name = clean(&result.profile);
    let mut text = badge(outcome.word(), outcome.tint(), style.color);
    let taken = outcome.word().len() + 2 * usize::from(style.color) + 2;
    let sentence = format!("{name}: {}", outcome.sentence());
    for (number, line) in
        wrap(&sentence, usize::from(style.width).saturating_sub(taken)).iter().enumerate()
    {
        text.push_str(&if number == 0 { "  ".to_owned() } else { " ".repeat(taken) });
        text.push_str(&paint(line, Tint::Strong, style.color));
        text.push('\n');
    }
    for line in wrap(&summary(result), usize::from(style.width).saturating_sub(2)) {
        text.push_str(&format!("  {line}\n"));
    }
    let tint = if outcome == Outcome::Pass { Tint::Warn } else { outcome.tint() };
    for reason in &result.verdict.reasons {
        text.push_str(&item("✗", reason, tint, style));
    }
    for reason in zeros(result) {
        text.push_str(&item("✗", &reason, Tint::Bad, style));
    }
    text
}

/// What the reader must know beside the verdict. A warning that explains a zero stands with the
/// verdict instead.
pub fn warnings(result: &RunResult, style: Style) -> String {
    let mut text = String::new();
    for warning in result.warnings.iter().filter(|warning| !explains_zero(warning)) {
        if text.is_empty() {
            text.push_str(&paint("Warnings", Tint::Strong, style.color));
            text.push('\n');
        }
        text.push_str(&item("!", warning, Tint::Warn, style));
    }
    text
}

/// The run in one sentence.
fn summary(result: &RunResult) -> String {
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
        clean(&result.engine),
        rate(totals.tx_pps, "pps")
    )
}

fn explains_zero(reason: &Reason) -> bool {
    [code::NOTHING_RECEIVED, code::NOTHING_SENT].contains(&reason.code.as_str())
}

/// Why nothing was sent or received, where it was so and the verdict does not say it already. A
/// zero that nobody explained is said to be unexplained.
fn zeros(result: &RunResult) -> Vec<Reason> {
    let mut zeros: Vec<Reason> =
        result.warnings.iter().filter(|warning| explains_zero(warning)).cloned().collect();
    let told = |code: &str, zeros: &[Reason]| {
        result.verdict.reasons.iter().chain(zeros).any(|reason| reason.code == code)
    };
    let silent = |test: &dyn Fn(&crate::report::model::Totals) -> bool| {
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

/// A reason or a warning: mark, code, message, the message's further lines below its first.
fn item(mark: &str, reason: &Reason, tint: Tint, style: Style) -> String {
    let code = clean(&reason.code);
    let indent = 4;
    let total = usize::from(style.width);
    let lines = wrap(&format!("{code}: {}", clean(&reason.message)), total.saturating_sub(indent));
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number == 0 {
            // The code's colour, where the whole of it stands in the first line.
            let at = (width(&code) + 1).min(line.len());
            let (head, tail) =
                if line.is_char_boundary(at) { line.split_at(at) } else { (line.as_str(), "") };
            text.push_str(&format!(
                "  {} {}{tail}\n",
                paint(mark, tint, style.color),
                paint(head, tint, style.color)
            ));
        } else {
            text.push_str(&format!("{}{line}\n", " ".repeat(indent)));
        }
    }
    text
}
