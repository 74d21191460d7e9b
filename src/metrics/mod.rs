//! Metrics of a run in mid-run, for Prometheus to scrape.
//!
//! | file | what |
//! |---|---|
//! | [`family`] | names, types, labels, values |
//! | [`collect`] | from sights to families |
//! | [`histogram`] | latencies in exponential buckets |
//! | [`text`] | the text formats: Prometheus 0.0.4 and OpenMetrics 1.0 |
//! | [`protobuf`] | Prometheus' protobuf format, with native histograms |
//! | [`server`] | the HTTP server |

pub mod collect;
pub mod family;
pub mod histogram;
pub mod protobuf;
pub mod server;
pub mod text;
