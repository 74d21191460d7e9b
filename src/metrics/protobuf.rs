//! Prometheus' protobuf format, which alone can carry native histograms: messages of
//! `io.prometheus.client` (prometheus/client_model, `metrics.proto`), each with its length before it.

use prost::Message;

use super::family::{Family, Kind, Sample, Value};
use super::histogram::{Histogram, SCHEMA};

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<WireHistogram>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

/// `Gauge` and `Counter`.
#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct WireHistogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<Span>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

/// Writes all families.
pub fn render(families: &[Family]) -> Vec<u8> {
    families.iter().flat_map(|family| message(family).encode_length_delimited_to_vec()).collect()
}

fn message(family: &Family) -> MetricFamily {
    let (suffix, kind) = match family.kind {
        Kind::Counter => ("_total", 0),
        Kind::Gauge => ("", 1),
        Kind::Histogram => ("", 4),
    };
    MetricFamily {
        name: Some(format!("{}{suffix}", family.name)),
        help: Some(family.help.to_owned()),
        kind: Some(kind),
        metric: family.samples.iter().map(|sample| metric(family.kind, sample)).collect(),
    }
}

fn metric(kind: Kind, sample: &Sample) -> Metric {
    let label = |(name, value): &(&str, String)| LabelPair {
        name: Some((*name).to_owned()),
        value: Some(value.clone()),
    };
    let number = match &sample.value {
        Value::Count(count) => Some(Number { value: Some(*count as f64) }),
        Value::Number(number) => Some(Number { value: Some(*number) }),
        Value::Histogram(_) => None,
    };
    let (gauge, counter) = match kind {
        Kind::Counter => (None, number),
        _ => (number, None),
    };
    let histogram = match &sample.value {
        Value::Histogram(of) => Some(histogram(of)),
        _ => None,
    };
    Metric { label: sample.labels.iter().map(label).collect(), gauge, counter, histogram }
}

/// Native and classic at once: a server takes what it is set to.
fn histogram(of: &Histogram) -> WireHistogram {
    let (mut spans, mut deltas): (Vec<Span>, Vec<i64>) = (Vec::new(), Vec::new());
    let (mut next, mut last_count) = (0, 0);
    for &(bucket, count) in &of.buckets {
        match spans.last_mut() {
            Some(Span { length: Some(length), .. }) if bucket == next => *length += 1,
            _ => spans.push(Span { offset: Some(bucket - next), length: Some(1) }),
        }
        deltas.push(count as i64 - last_count);
        (next, last_count) = (bucket + 1, count as i64);
    }
    if spans.is_empty() {
        // An empty span tells that it is a native histogram, without anything in it yet.
        spans.push(Span { offset: Some(0), length: Some(0) });
    }
    let classic = of
        .cumulative()
        .map(|(border, below)| Bucket { cumulative_count: Some(below), upper_bound: Some(border) });
    WireHistogram {
        sample_count: Some(of.count),
        sample_sum: Some(of.sum),
        bucket: classic.collect(),
        schema: Some(SCHEMA),
        zero_threshold: Some(0.0),
        zero_count: Some(0),
        positive_span: spans,
        positive_delta: deltas,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_deltas_say_the_buckets() {
        let of =
            Histogram { buckets: vec![(-100, 5), (-99, 7), (-90, 1), (3, 4)], count: 17, sum: 2.0 };
        let wire = histogram(&of);
        let spans: Vec<_> =
            wire.positive_span.iter().map(|s| (s.offset.unwrap(), s.length.unwrap())).collect();
        assert_eq!(spans, [(-100, 2), (8, 1), (92, 1)]);
        assert_eq!(wire.positive_delta, [5, 2, -6, 3]);
        assert_eq!(wire.sample_count, Some(17));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut family = Family::new("wirestorm_x_packets", Kind::Counter, "Packets.");
        family.add(&[("stream", "a")], Value::Count(12));
        let bytes = render(&[family.clone(), family]);
        let mut rest = &bytes[..];
        for _ in 0..2 {
            let read = MetricFamily::decode_length_delimited(&mut rest).expect("a message");
            assert_eq!(read.name.as_deref(), Some("wirestorm_x_packets_total"));
            assert_eq!(read.metric[0].counter, Some(Number { value: Some(12.0) }));
        }
        assert!(rest.is_empty());
    }
}
