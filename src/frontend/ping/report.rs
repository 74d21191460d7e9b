//! What ping says: a line an event, the statistics, and the JSON.

use std::fmt::Write;

use serde::Serialize;

use super::session::{Event, Session};
use crate::report::model::Percentiles;
use crate::report::percentiles;

/// What the JSON's `schema` is.
pub const SCHEMA: &str = "wirestorm.ping/1";
/// The JSON Schema of the result.
pub const JSON_SCHEMA: &str = include_str!("../../../docs/ping.schema.json");

/// The first line.
pub fn heading(host: &str, session: &Session, socket: &str) -> String {
    let settings = session.settings();
    format!("PING {host} ({}): {} data bytes, {socket}", settings.destination, settings.size)
}

/// The line of an event.
pub fn line(event: &Event) -> String {
    match event {
        Event::Reply { index, from, bytes, ttl, rtt, duplicate, reordered } => {
            let mut line = format!("{bytes} bytes from {from}: icmp_seq={index}");
            if let Some(ttl) = ttl {
                let _ = write!(line, " ttl={ttl}");
            }
            let _ = write!(line, " time={} ms", millis(*rtt as f64));
            if *duplicate {
                line.push_str(" (DUP!)");
            }
            if *reordered {
                line.push_str(" (reordered)");
            }
            line
        }
        Event::Corrupt { index, from, at: Some(at) } => {
            format!("From {from} icmp_seq={index} corrupt: byte {at} is not what was sent")
        }
        Event::Corrupt { index, from, at: None } => {
            format!("From {from} icmp_seq={index} corrupt: wrong checksum or length")
        }
        Event::Error { index, from, error } => format!("From {from} icmp_seq={index} {error}"),
    }
}

/// The statistics at the end.
pub fn statistics(host: &str, session: &Session) -> String {
    let counts = session.counts();
    let mut text = format!(
        "\n--- {host} ping statistics ---\n{} packets transmitted, {} received",
        counts.transmitted, counts.received
    );
    for (count, word) in [
        (counts.duplicates, "duplicates"),
        (counts.reordered, "reordered"),
        (counts.corrupt, "corrupted"),
        (counts.errors, "errors"),
        (counts.unsent, "not sent"),
    ] {
        if count > 0 {
            let _ = write!(text, ", +{count} {word}");
        }
    }
    if let Some(loss) = loss_ratio(session) {
        let _ = write!(text, ", {}% packet loss", share(loss));
    }
    let _ = writeln!(text, ", time {}ms", session.elapsed() / 1_000_000);
    if let (Some(rtt), Some(deviation)) = (percentiles(session.rtt()), session.deviation()) {
        let line = |values: &[f64]| {
            values.iter().map(|nanos| millis(*nanos)).collect::<Vec<_>>().join("/")
        };
        let _ = writeln!(
            text,
            "rtt min/avg/max/mdev = {} ms",
            line(&[rtt.min as f64, rtt.mean, rtt.max as f64, deviation])
        );
        let percentiles = [rtt.p50, rtt.p90, rtt.p99, rtt.p99_9].map(|value| value as f64);
        let _ = writeln!(text, "rtt p50/p90/p99/p99.9 = {} ms", line(&percentiles));
    }
    text
}

/// What was not received of what was transmitted; `None` when that was nothing.
fn loss_ratio(session: &Session) -> Option<f64> {
    let counts = session.counts();
    let lost = counts.transmitted - counts.received;
    (counts.transmitted > 0).then(|| lost as f64 / counts.transmitted as f64)
}

/// Percent without more digits than it has; a small loss never reads as none, and a few that
/// arrived never as nothing.
fn share(ratio: f64) -> String {
    if ratio == 0.0 || ratio == 1.0 {
        return format!("{}", ratio * 100.0);
    }
    let percent = (ratio * 100.0).clamp(0.0001, 99.9999);
    let text = format!("{percent:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn millis(nanos: f64) -> String {
    format!("{:.3}", nanos / 1e6)
}

/// The JSON result.
#[derive(Debug, Serialize)]
pub struct Json {
    schema: &'static str,
    host: String,
    address: String,
    socket: String,
    interval_s: f64,
    size: usize,
    transmitted: u64,
    received: u64,
    lost: u64,
    loss_ratio: Option<f64>,
    duplicated: u64,
    reordered: u64,
    corrupt: u64,
    errors: u64,
    unsent: u64,
    duration_s: f64,
    rtt_ns: Option<Percentiles>,
    rtt_deviation_ns: Option<f64>,
    error_messages: Vec<ErrorMessage>,
}

/// An ICMP error about a request.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorMessage {
    index: u64,
    from: String,
    #[serde(rename = "type")]
    message_type: u8,
    code: u8,
    info: u32,
    text: String,
}

impl ErrorMessage {
    /// Of an event; `None` when it is no error.
    pub fn of(event: &Event) -> Option<Self> {
        let Event::Error { index, from, error } = event else { return None };
        Some(Self {
            index: *index,
            from: from.to_string(),
            message_type: error.message_type,
            code: error.code,
            info: error.info,
            text: error.to_string(),
        })
    }
}

/// The result for `--json`, with the first error messages.
pub fn json(host: &str, session: &Session, socket: &str, errors: Vec<ErrorMessage>) -> Json {
    let (settings, counts) = (session.settings(), session.counts());
    Json {
        schema: SCHEMA,
        host: host.to_owned(),
        address: settings.destination.to_string(),
        socket: socket.to_owned(),
        interval_s: settings.interval as f64 / 1e9,
        size: settings.size,
        transmitted: counts.transmitted,
        received: counts.received,
        lost: counts.transmitted - counts.received,
        loss_ratio: loss_ratio(session),
        duplicated: counts.duplicates,
        reordered: counts.reordered,
        corrupt: counts.corrupt,
        errors: counts.errors,
        unsent: counts.unsent,
        duration_s: session.elapsed() as f64 / 1e9,
        rtt_ns: percentiles(session.rtt()),
        rtt_deviation_ns: session.deviation(),
        error_messages: errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_loss_is_not_none() {
        assert_eq!(share(0.0), "0");
        assert_eq!(share(1.0), "100");
        assert_eq!(share(0.1), "10");
        assert_eq!(share(1.0 / 3.0), "33.3333");
        assert_eq!(share(1e-9), "0.0001");
        assert_eq!(share(1.0 - 1e-9), "99.9999");
    }
}
