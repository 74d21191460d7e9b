//! Whether a run says something true about the device, and whether that is good enough.
//!
//! One function a rule. A rule looks at the result alone, so that a stored result can be judged
//! again.

use crate::profile::model::{PassCriteria, Validity};
use crate::report::model::{Percentiles, Reason, RunResult, Totals, Verdict};
use crate::units::{Nanos, Ratio};

/// Judges a result by the profile's criteria.
pub fn judge(result: &RunResult, validity: &Validity, pass: &PassCriteria) -> Verdict {
    let invalid: Vec<Reason> = [
        nothing_sent(result),
        unsent(result, validity),
        receiver_overload(result, validity),
        incomplete(result),
        impossible_counts(result),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut failed = Vec::new();
    for (subject, counts) in subjects(result) {
        failed.extend(max_loss(&subject, counts, pass));
        failed.extend(max_duplicated(&subject, counts, pass));
        failed.extend(max_reordered(&subject, counts, pass));
    }
    for stream in &result.streams {
        if stream.to.is_some() {
            failed.extend(latency(&stream.name, stream.latency_ns.as_ref(), pass));
        }
    }
    failed.extend(min_rx_rate(result, pass));
    let valid = invalid.is_empty();
    Verdict {
        valid,
        passed: valid && failed.is_empty(),
        reasons: invalid.into_iter().chain(failed).collect(),
    }
}

fn reason(code: &str, message: String) -> Option<Reason> {
    Some(Reason { code: code.into(), message })
}

fn nothing_sent(result: &RunResult) -> Option<Reason> {
    if result.totals.sent > 0 || result.totals.intended == 0 {
        return None;
    }
    reason("nothing_sent", "no packet was sent; the ledger shows the stage that took them".into())
}

fn unsent(result: &RunResult, validity: &Validity) -> Option<Reason> {
    let Totals { intended, unsent, .. } = result.totals;
    let share = ratio(unsent, intended)?;
    if share <= validity.max_unsent.as_f64() {
        return None;
    }
    reason(
        "unsent",
        format!(
            "{unsent} of {intended} packets ({:.4} %) could not be sent in time: this machine did \
             not reach the rate; lower it, add workers, or raise validity.max_unsent (now {})",
            share * 100.0,
            percent(validity.max_unsent),
        ),
    )
}

fn receiver_overload(result: &RunResult, validity: &Validity) -> Option<Reason> {
    let dropped: u64 = result.overload.iter().map(|counter| counter.value).sum();
    if dropped <= validity.max_receiver_overload {
        return None;
    }
    let names: Vec<String> = result
        .overload
        .iter()
        .filter(|counter| counter.value > 0)
        .map(|counter| format!("{} {}", counter.name, counter.value))
        .collect();
    reason(
        "receiver_overload",
        format!(
            "this machine's own receive side dropped {dropped} packets ({}): the loss is not the \
             device's; lower the rate or receive by native XDP",
            names.join(", "),
        ),
    )
}

fn incomplete(result: &RunResult) -> Option<Reason> {
    if !result.incomplete {
        return None;
    }
    reason(
        "incomplete",
        "the run ended before its time; this is what was measured until then".into(),
    )
}

/// A tester that counts more distinct arrivals than it sent has counted wrongly.
fn impossible_counts(result: &RunResult) -> Option<Reason> {
    let Totals { sent, unique: Some(unique), .. } = result.totals else { return None };
    if unique <= sent {
        return None;
    }
    reason(
        "impossible_counts",
        format!("{unique} distinct packets arrived of {sent} sent: please report this as a bug"),
    )
}

fn subjects(result: &RunResult) -> Vec<(String, &Totals)> {
    let streams = result.streams.iter().map(|s| (format!("stream {}", s.name), &s.counts));
    std::iter::once(("all streams".to_string(), &result.totals)).chain(streams).collect()
}

fn max_loss(subject: &str, counts: &Totals, pass: &PassCriteria) -> Option<Reason> {
    let limit = pass.max_loss?;
    let lost = counts.lost?;
    // Compared in integers: a loss of one in 10^12 is above 0.
    if u128::from(lost) * 1_000_000_000 <= u128::from(limit.0) * u128::from(counts.sent) {
        return None;
    }
    reason(
        "max_loss",
        format!(
            "{subject}: lost {lost} of {} ({} %), allowed {}",
            counts.sent,
            counts.loss_ratio.unwrap_or(0.0) * 100.0,
            percent(limit),
        ),
    )
}

fn max_duplicated(subject: &str, counts: &Totals, pass: &PassCriteria) -> Option<Reason> {
    share_above(
        "max_duplicated",
        "duplicated",
        subject,
        counts.duplicated,
        counts,
        pass.max_duplicated,
    )
}

fn max_reordered(subject: &str, counts: &Totals, pass: &PassCriteria) -> Option<Reason> {
    share_above("max_reordered", "reordered", subject, counts.reordered, counts, pass.max_reordered)
}

fn share_above(
    code: &str,
    what: &str,
    subject: &str,
    count: Option<u64>,
    counts: &Totals,
    limit: Option<Ratio>,
) -> Option<Reason> {
    let (limit, count, unique) = (limit?, count?, counts.unique?);
    if u128::from(count) * 1_000_000_000 <= u128::from(limit.0) * u128::from(unique) {
        return None;
    }
    reason(code, format!("{subject}: {what} {count} of {unique}, allowed {}", percent(limit)))
}

fn latency(stream: &str, measured: Option<&Percentiles>, pass: &PassCriteria) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let asked = !pass.latency.is_empty() || pass.max_latency.is_some();
    let Some(measured) = measured else {
        if asked {
            reasons.extend(reason(
                "latency_not_measured",
                format!("stream {stream}: a latency is asked for and none was measured"),
            ));
        }
        return reasons;
    };
    for &(parts, limit) in &pass.latency {
        let Some((name, value)) = at_percentile(measured, parts) else { continue };
        if value > limit.0 {
            reasons.extend(reason(
                &format!("{name}_latency"),
                format!("stream {stream}: {name} latency {}, allowed {limit}", Nanos(value)),
            ));
        }
    }
    if let Some(limit) = pass.max_latency.filter(|limit| measured.max > limit.0) {
        reasons.extend(reason(
            "max_latency",
            format!("stream {stream}: largest latency {}, allowed {limit}", Nanos(measured.max)),
        ));
    }
    reasons
}

fn at_percentile(measured: &Percentiles, parts: u32) -> Option<(&'static str, u64)> {
    Some(match parts {
        500_000 => ("p50", measured.p50),
        900_000 => ("p90", measured.p90),
        990_000 => ("p99", measured.p99),
        999_000 => ("p99_9", measured.p99_9),
        999_900 => ("p99_99", measured.p99_99),
        _ => return None,
    })
}

fn min_rx_rate(result: &RunResult, pass: &PassCriteria) -> Option<Reason> {
    let limit = pass.min_rx_pps?;
    let measured = result.totals.rx_pps?;
    if measured >= limit as f64 {
        return None;
    }
    reason("min_rx_rate", format!("received {measured:.1} packets/s, asked for at least {limit}"))
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn percent(ratio: Ratio) -> String {
    format!("{} %", ratio.as_f64() * 100.0)
}
