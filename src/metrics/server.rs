//! The HTTP server: `GET /metrics`. It looks at the latest sight when it is asked, on a thread of its
//! own, so a scrape never makes the run wait.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use super::text::Dialect;
use super::{collect, protobuf, text};
use crate::benchmark::sight::SuiteWatch;
use crate::error::{Error, Result};
use crate::trial::watch::Watch;

/// How soon it notices that it shall end.
const TICK: Duration = Duration::from_millis(100);

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format.
    Text,
    /// OpenMetrics' text format.
    OpenMetrics,
    /// Prometheus' protobuf format.
    Protobuf,
}

impl Format {
    /// The one that the client prefers of those that there are (RFC 9110 §12.5.1).
    pub fn accepted(accept: &str) -> Self {
        let mut best = (0.0, Self::Text);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> =
                parts.filter_map(|part| part.split_once('=')).collect();
            let parameter = |name: &str| {
                let found = parameters.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.trim_matches('"'))
            };
            let delimited = parameter("proto") == Some("io.prometheus.client.MetricFamily")
                && parameter("encoding") == Some("delimited");
            let format = match media.as_str() {
                "application/vnd.google.protobuf" if delimited => Self::Protobuf,
                "application/openmetrics-text" => Self::OpenMetrics,
                "text/plain" | "text/*" | "*/*" => Self::Text,
                _ => continue,
            };
            let quality = parameter("q").map_or(Some(1.0), |q| q.parse::<f64>().ok());
            let quality = quality.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }
}

/// What is served.
#[derive(Clone, Debug)]
pub struct Source {
    /// The trials.
    pub trial: Arc<Watch>,
    /// The benchmark, if it is one.
    pub suite: Option<Arc<SuiteWatch>>,
}

impl Source {
    /// The metrics as they are now.
    pub fn render(&self, format: Format) -> Vec<u8> {
        let sight = self.trial.latest();
        let suite = self.suite.as_ref().map(|suite| suite.latest());
        let families = collect::families(sight.as_deref(), suite.as_ref());
        match format {
            Format::Text => text::render(&families, Dialect::Prometheus).into_bytes(),
            Format::OpenMetrics => text::render(&families, Dialect::OpenMetrics).into_bytes(),
            Format::Protobuf => protobuf::render(&families),
        }
    }
}

/// A server that runs. Dropped, it ends.
#[derive(Debug)]
pub struct Exporter {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Listens, and serves from now on.
    ///
    /// # Errors
    /// When the address is not this machine's, or in use, or its port is one that needs privilege.
    pub fn start(address: SocketAddr, source: Source) -> Result<Self> {
        let refused = |cause: &dyn std::fmt::Display| {
            Error::new("serve metrics on", address.to_string(), cause).remedy(
                "name an address of this machine and a free port, as in --metrics 127.0.0.1:9100; \
                 port 0 takes any that is free",
            )
        };
        let listener = TcpListener::bind(address).map_err(|cause| refused(&cause))?;
        let address = listener.local_addr().map_err(|cause| refused(&cause))?;
        let server = Server::from_listener(listener, None).map_err(|cause| refused(&cause))?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = thread::Builder::new()
            .name("metrics".into())
            .spawn(move || serve(&server, &source, &ends))
            .map_err(|cause| refused(&cause))?;
        Ok(Self { address, over, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(server: &Server, source: &Source, over: &AtomicBool) {
    while !over.load(Relaxed) {
        match server.recv_timeout(TICK) {
            // A client that has gone is no harm.
            Ok(Some(request)) => drop(answer(request, source)),
            Ok(None) => {}
            Err(_) => thread::sleep(TICK),
        }
    }
}

fn answer(request: Request, source: &Source) -> std::io::Result<()> {
    let path = request.url().split('?').next().unwrap_or_default().to_owned();
    let plain = |text: &str, status: u16| Response::from_string(text).with_status_code(status);
    if !matches!(request.method(), Method::Get | Method::Head) {
        let allow = Header::from_bytes("Allow", "GET, HEAD");
        let response = plain("only GET and HEAD\n", 405);
        return match allow {
            Ok(allow) => request.respond(response.with_header(allow)),
            Err(()) => request.respond(response),
        };
    }
    match path.as_str() {
        "/metrics" => {
            let accept = request.headers().iter().find(|header| header.field.equiv("Accept"));
            let format = Format::accepted(accept.map_or("", |header| header.value.as_str()));
            let response = Response::from_data(source.render(format));
            match Header::from_bytes("Content-Type", format.content_type()) {
                Ok(header) => request.respond(response.with_header(header)),
                Err(()) => request.respond(response),
            }
        }
        "/" => request.respond(plain("wirestorm: metrics are at /metrics\n", 200)),
        _ => request.respond(plain("there is nothing here: see /metrics\n", 404)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_asked_for_has_an_answer(accept in ".{0,200}", parts in "[a-z*/;=,.q01 ]*") {
            Format::accepted(&accept);
            Format::accepted(&parts);
        }
    }

    #[test]
    fn the_client_chooses_the_format() {
        for (accept, want) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/openmetrics-text; version=1.0.0", Format::OpenMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.6", Format::Text),
            (
                // What Prometheus asks with native histograms.
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                 encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::Protobuf,
            ),
            ("application/vnd.google.protobuf;encoding=text", Format::Text),
            ("application/openmetrics-text;q=nonsense", Format::Text),
        ] {
            assert_eq!(Format::accepted(accept), want, "{accept}");
        }
    }
}
