//! Metric families: what every exposition format writes.

use super::histogram::Histogram;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows, and begins at 0 with every trial. Its samples are called `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Latencies.
    Histogram,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// Any number.
    Number(f64),
    /// A distribution.
    Histogram(Histogram),
}

/// A value and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values of labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: Value,
}

/// All samples of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Without `_total`.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its samples. Never empty in what is exposed.
    pub samples: Vec<Sample>,
}

impl Family {
    /// Without samples yet.
    pub fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, kind, samples: Vec::new() }
    }

    /// Adds a sample.
    pub fn add(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { labels, value });
    }

    /// The unit that its name ends with, if it is one of OpenMetrics'.
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes", "ratio"]
            .into_iter()
            .find(|unit| self.name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
    }
}
