//! Whether a run says something true about the device, and whether that is good enough.
//!
//! One function a rule. A rule looks at the result alone, so that a stored result can be judged
//! again.

use crate::profile::model::{PassCriteria, Validity};
use crate::report::model::{Percentiles, Reason, RunResult, Totals, Verdict, code};
use crate::units::{Nanos, Ratio};

/// Judges a result by the profile's criteria.
pub fn judge(result: &RunResult, validity: &Validity, pass: &PassCriteria) -> Verdict {
    let invalid: Vec<Reason> = [
        nothing_sent(result),
        unsent(result, validity),
        receiver_overload(result, validity),
        incomplete(result),
        rate_changed(result, pass),
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
    failed.extend(nothing_received(result, pass));
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

/// A rate that is asked for is not judged by what somebody made of it in mid-run.
fn rate_changed(result: &RunResult, pass: &PassCriteria) -> Option<Reason> {
    let limit = pass.min_rx_pps.filter(|_| !result.rate_changes.is_empty())?;
    reason(
        code::RATE_CHANGED,
        format!(
            "the rates were changed by hand in mid-run: at least {limit} packets/s are asked for, \
             and what was received says nothing about that; run the profile without changing them",
        ),
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
        let Some((name, value)) = at_percentile(measured, parts) else {
            reasons.extend(reason(
                "latency_not_measured",
                format!("stream {stream}: this result has no such percentile of the latency"),
            ));
            continue;
        };
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

/// The name and the value of a percentile that a criterion can ask for, `parts` per million.
pub fn at_percentile(measured: &Percentiles, parts: u32) -> Option<(&'static str, u64)> {
    Some(match parts {
        500_000 => ("p50", measured.p50),
        900_000 => ("p90", measured.p90),
        950_000 => ("p95", measured.p95?),
        990_000 => ("p99", measured.p99),
        999_000 => ("p99_9", measured.p99_9),
        999_900 => ("p99_99", measured.p99_99),
        _ => return None,
    })
}

fn min_rx_rate(result: &RunResult, pass: &PassCriteria) -> Option<Reason> {
    let limit = pass.min_rx_pps.filter(|_| result.rate_changes.is_empty())?;
    let measured = result.totals.rx_pps?;
    if measured >= limit as f64 {
        return None;
    }
    reason("min_rx_rate", format!("received {measured:.1} packets/s, asked for at least {limit}"))
}

/// A zero is never a silent pass: a profile that expects it says so.
fn nothing_received(result: &RunResult, pass: &PassCriteria) -> Option<Reason> {
    let Totals { sent, unique, .. } = result.totals;
    if sent == 0 || unique != Some(0) || pass.max_loss.is_some() {
        return None;
    }
    reason(
        code::NOTHING_RECEIVED,
        format!(
            "none of {sent} packets arrived, and the profile does not say that this is right; see \
             the warning for the cause, or set pass.max_loss: 100%"
        ),
    )
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn percent(ratio: Ratio) -> String {
    format!("{} %", ratio.as_f64() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{Counter, Environment, RateChanged, SCHEMA};

    fn result(sent: u64, unique: u64) -> RunResult {
        let totals = Totals {
            intended: sent,
            sent,
            received: Some(unique),
            unique: Some(unique),
            lost: Some(sent - unique),
            loss_ratio: ratio(sent - unique, sent),
            duplicated: Some(0),
            reordered: Some(0),
            ..Totals::default()
        };
        RunResult {
            schema: SCHEMA.into(),
            profile: "test".into(),
            profile_yaml: String::new(),
            seed: 1,
            engine: "null".into(),
            engine_detail: String::new(),
            receive_detail: String::new(),
            verdict: Verdict { valid: false, passed: false, reasons: Vec::new() },
            incomplete: false,
            duration_s: 1.0,
            schedule_lag_max_ns: None,
            rate_changes: Vec::new(),
            totals,
            streams: Vec::new(),
            datagrams: Vec::new(),
            ledger: Vec::new(),
            gaps: None,
            overload: Vec::new(),
            witnesses: Vec::new(),
            warnings: Vec::new(),
            calibration: None,
            calibration_detail: String::new(),
            environment: Environment::default(),
        }
    }

    fn validity() -> Validity {
        Validity { max_unsent: Ratio(1_000_000), max_lag: Nanos(0), max_receiver_overload: 0 }
    }

    fn codes(result: &RunResult, pass: &PassCriteria) -> Vec<String> {
        judge(result, &validity(), pass).reasons.into_iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn one_lost_of_a_million_million_is_above_zero() {
        let pass = PassCriteria { max_loss: Some(Ratio(0)), ..PassCriteria::default() };
        assert_eq!(codes(&result(1_000_000_000_000, 999_999_999_999), &pass), ["max_loss"]);
        assert!(judge(&result(10, 10), &validity(), &pass).passed);
    }

    #[test]
    fn a_zero_passes_only_where_the_profile_says_so() {
        assert_eq!(codes(&result(10, 0), &PassCriteria::default()), ["nothing_received"]);
        let told = PassCriteria { max_loss: Some(Ratio::ONE), ..PassCriteria::default() };
        assert!(judge(&result(10, 0), &validity(), &told).passed);
    }

    #[test]
    fn a_rate_that_was_changed_by_hand_is_not_judged() {
        let pass = PassCriteria { min_rx_pps: Some(1_000), ..PassCriteria::default() };
        let mut changed = result(10, 10);
        changed.totals.rx_pps = Some(10.0);
        assert_eq!(codes(&changed, &pass), ["min_rx_rate"]);
        changed.rate_changes = vec![RateChanged { at_s: 0.5, factor: 2.0 }];
        assert_eq!(codes(&changed, &pass), ["rate_changed"]);
        assert!(!judge(&changed, &validity(), &pass).valid);
        assert!(judge(&changed, &validity(), &PassCriteria::default()).passed);
    }

    #[test]
    fn what_this_machine_did_is_no_verdict_on_the_device() {
        let mut late = result(998, 998);
        (late.totals.intended, late.totals.unsent) = (1000, 2);
        let verdict = judge(&late, &validity(), &PassCriteria::default());
        assert!(!verdict.valid && !verdict.passed);
        let mut overloaded = result(10, 9);
        overloaded.overload = vec![Counter { name: "tp_drops".into(), value: 1 }];
        assert_eq!(codes(&overloaded, &PassCriteria::default()), ["receiver_overload"]);
        let mut wrong = result(10, 10);
        wrong.totals.unique = Some(11);
        assert_eq!(codes(&wrong, &PassCriteria::default()), ["impossible_counts"]);
    }

    #[test]
    fn every_percentile_that_can_be_asked_for_is_judged() {
        use crate::measure::distribution::Distribution;
        use crate::profile::LATENCY_PERCENTILES;
        let mut times = Distribution::default();
        (1..=10_000_u64).for_each(|time| times.record(time * 1_000));
        let measured = crate::report::percentiles(&times).expect("times");
        for (name, parts) in LATENCY_PERCENTILES {
            // Of 10,000 times 1 µs apart, one is 100 millionths.
            let at = u64::from(parts) * 10;
            for (limit, fails) in [(at * 98 / 100, true), (at * 102 / 100, false)] {
                let latency = vec![(parts, Nanos(limit))];
                let pass = PassCriteria { latency, ..PassCriteria::default() };
                let reasons = super::latency("a", Some(&measured), &pass);
                let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
                assert_eq!(codes, if fails { vec![name] } else { Vec::new() }, "{limit}");
            }
        }
        // A result of an older version does not tell: that is said, and no pass.
        let old = Percentiles { p95: None, ..measured };
        let latency = vec![(950_000, Nanos(u64::MAX))];
        let pass = PassCriteria { latency, ..PassCriteria::default() };
        assert_eq!(super::latency("a", Some(&old), &pass)[0].code, "latency_not_measured");
    }
}
