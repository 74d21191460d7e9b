//! Traffic patterns: spans, and rates that go together.

use super::streams;
use crate::plan;
use crate::profile::model::{Pattern, Profile, Spacing};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::Nanos;

const DAY: Nanos = Nanos(86_400_000_000_000);

pub(super) fn spans_are_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    for (at, stream) in streams(profile) {
        let mut spans = Vec::new();
        collect(&stream.pattern, &path::key(&at, "rate"), &mut spans);
        for (at, span, may_be_zero) in spans {
            if span > DAY || span == Nanos(0) && !may_be_zero {
                let least = if may_be_zero { "" } else { "above 0 and " };
                let expected = format!("a time {least}at most 24h");
                problems.push(profile.origin.problem(at, span.text(), expected));
            }
        }
    }
}

/// The spans of a pattern with their paths, and whether they may be 0.
fn collect(pattern: &Pattern, at: &str, spans: &mut Vec<(String, Nanos, bool)>) {
    let mut add = |key: &str, span: Nanos, zero| spans.push((path::key(at, key), span, zero));
    match pattern {
        Pattern::Constant(_) | Pattern::Poisson(_) | Pattern::Recorded(_) => {}
        Pattern::Burst { spacing: Spacing::Every(span), .. } => add("every", *span, false),
        Pattern::Burst { spacing: Spacing::Gap(span), .. } => add("gap", *span, true),
        Pattern::OnOff { on, off, .. } => {
            add("on", *on, false);
            add("off", *off, true);
        }
        Pattern::Ramp { over, .. } => add("over", *over, false),
        Pattern::Steps(steps) => {
            for (n, step) in steps.iter().enumerate() {
                let at = path::index(&path::key(at, "steps"), n);
                spans.push((path::key(&at, "for"), step.span, false));
                collect(&step.pattern, &path::key(&at, "rate"), spans);
            }
        }
    }
}

/// What the plan would refuse, as far as the profile alone tells.
pub(super) fn rates_go_together(profile: &Profile, problems: &mut Vec<Problem>) {
    for (number, (at, stream)) in streams(profile).enumerate() {
        let own = path::key(&at, "rate");
        let told = problems.iter().any(|problem| problem.path.starts_with(&own));
        if told || stream.pattern.constant().is_some() {
            continue;
        }
        // Where the speed is the link's, the plan judges when it is known.
        let line = profile.ports.get(stream.from).and_then(|port| port.speed_bps);
        if line.is_none() && stream.pattern.needs_line_rate() {
            continue;
        }
        if let Err(refusal) = plan::shape(profile, number, line) {
            let at = format!("{at}.{}", refusal.key);
            problems.push(profile.origin.problem(at, refusal.found, refusal.expected));
        }
    }
}
