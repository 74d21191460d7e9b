//! What a run says, in a few lines: PASS, FAIL, INVALID or INCOMPLETE, and why.

use super::Style;
use super::paint::{Tint, clean, paint, width, wrap};
use super::section::{headline, items};
use crate::report::model::{Reason, RunResult};
use crate::report::statement::{Outcome, explains_zero, summary, zeros};

/// Badge, sentence, the run in one line, reasons.
pub fn render(result: &RunResult, style: Style) -> String {
    let outcome = Outcome::of(result);
    let sentence = format!("{}: {}", clean(&result.profile), outcome.sentence());
    let mut text = headline(outcome, &sentence, &clean(&summary(result)), style);
    let tint = if outcome == Outcome::Pass { Tint::Warn } else { outcome.tone().into() };
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
    let shown = result.warnings.iter().filter(|warning| !explains_zero(warning));
    items("Warnings", "!", Tint::Warn, shown, style)
}

/// A reason or a warning: mark, code, message, the message's further lines below its first.
pub(super) fn item(mark: &str, reason: &Reason, tint: Tint, style: Style) -> String {
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
