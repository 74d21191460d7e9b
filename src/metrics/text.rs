//! The text formats: Prometheus' (version 0.0.4) and OpenMetrics 1.0.

use std::fmt::Write;

use super::family::{Family, Kind, Sample, Value};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `text/plain; version=0.0.4`
    Prometheus,
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
}

/// Writes all families.
pub fn render(families: &[Family], dialect: Dialect) -> String {
    let mut text = String::new();
    for family in families {
        render_family(family, dialect, &mut text);
    }
    if dialect == Dialect::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn render_family(family: &Family, dialect: Dialect, text: &mut String) {
    let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
    let name = match dialect {
        Dialect::Prometheus => format!("{}{suffix}", family.name),
        Dialect::OpenMetrics => family.name.to_owned(),
    };
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "# HELP {name} {}", escape(family.help, dialect == Dialect::OpenMetrics));
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if let (Dialect::OpenMetrics, Some(unit)) = (dialect, family.unit()) {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    for sample in &family.samples {
        render_sample(family.name, suffix, sample, text);
    }
}

fn render_sample(name: &str, suffix: &str, sample: &Sample, text: &mut String) {
    let line = |text: &mut String, suffix: &str, border: Option<&str>, value: &str| {
        text.push_str(name);
        text.push_str(suffix);
        let border = border.map(|border| ("le", border));
        let own = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let mut labels = own.chain(border).peekable();
        if labels.peek().is_some() {
            let mut before = '{';
            for (name, value) in labels {
                let _ = write!(text, "{before}{name}=\"{}\"", escape(value, true));
                before = ',';
            }
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    };
    match &sample.value {
        Value::Count(count) => line(text, suffix, None, &count.to_string()),
        Value::Number(number) => line(text, suffix, None, &show(*number)),
        Value::Histogram(histogram) => {
            for (border, below) in histogram.cumulative() {
                line(text, "_bucket", Some(&show(border)), &below.to_string());
            }
            line(text, "_bucket", Some("+Inf"), &histogram.count.to_string());
            line(text, "_sum", None, &show(histogram.sum));
            line(text, "_count", None, &histogram.count.to_string());
        }
    }
}

/// The shortest text that is read as the same number.
fn show(number: f64) -> String {
    if number == f64::INFINITY {
        "+Inf".into()
    } else if number.is_nan() {
        "NaN".into()
    } else {
        format!("{number:?}")
    }
}

/// Backslashes and line ends, and quotes where they would end the text.
fn escape(text: &str, quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quotes => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::histogram::Histogram;

    fn families() -> Vec<Family> {
        let mut packets = Family::new("wirestorm_x_packets", Kind::Counter, "Packets.\\");
        packets.add(&[("stream", "a \"b\"\\\nc")], Value::Count(12));
        let mut time = Family::new("wirestorm_y_seconds", Kind::Gauge, "Time.");
        time.add(&[], Value::Number(1e-7));
        vec![packets, time]
    }

    #[test]
    fn prometheus() {
        insta::assert_snapshot!(render(&families(), Dialect::Prometheus), @r#"
        # HELP wirestorm_x_packets_total Packets.\\
        # TYPE wirestorm_x_packets_total counter
        wirestorm_x_packets_total{stream="a \"b\"\\\nc"} 12
        # HELP wirestorm_y_seconds Time.
        # TYPE wirestorm_y_seconds gauge
        wirestorm_y_seconds 1e-7
        "#);
    }

    #[test]
    fn open_metrics() {
        insta::assert_snapshot!(render(&families(), Dialect::OpenMetrics), @r#"
        # HELP wirestorm_x_packets Packets.\\
        # TYPE wirestorm_x_packets counter
        wirestorm_x_packets_total{stream="a \"b\"\\\nc"} 12
        # HELP wirestorm_y_seconds Time.
        # TYPE wirestorm_y_seconds gauge
        # UNIT wirestorm_y_seconds seconds
        wirestorm_y_seconds 1e-7
        # EOF
        "#);
    }

    #[test]
    fn buckets_add_up_to_infinity() {
        let mut family = Family::new("wirestorm_z_seconds", Kind::Histogram, "Latency.");
        let histogram =
            Histogram { buckets: vec![(-200, 1), (-8, 2), (400, 4)], count: 7, sum: 1.5 };
        family.add(&[("port", "rx")], Value::Histogram(histogram));
        let text = render(&[family], Dialect::Prometheus);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            r#"wirestorm_z_seconds_bucket{port="rx",le="1.1920928955078125e-7"} 1"#
        );
        let at = |border: &str| {
            let start = format!("wirestorm_z_seconds_bucket{{port=\"rx\",le=\"{border}\"}} ");
            lines.iter().find_map(|line| line.strip_prefix(&start)).expect("a bucket").to_owned()
        };
        assert_eq!((at("0.5"), at("16.0"), at("+Inf")), ("3".into(), "3".into(), "7".into()));
        assert!(
            text.ends_with("_sum{port=\"rx\"} 1.5\nwirestorm_z_seconds_count{port=\"rx\"} 7\n")
        );
    }
}
