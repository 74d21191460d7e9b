//! Metrics in mid-run: what they say is well formed, goes up, and ends at the report's counts.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{privileged, root, wirestorm};
use serde_json::Value;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A run that serves metrics, and where.
struct Served {
    child: Child,
    address: SocketAddr,
    json: PathBuf,
}

impl Served {
    fn start(test: &str, arguments: &[&str]) -> Self {
        let json = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{test}-{}.json", std::process::id()));
        let mut child = wirestorm()
            .arg("run")
            .args(arguments)
            .args(["--metrics", "127.0.0.1:0", "--json"])
            .arg(&json)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        let address = line
            .strip_prefix("metrics: http://")
            .and_then(|rest| rest.trim().strip_suffix("/metrics"))
            .unwrap_or_else(|| panic!("where are the metrics? {line}"));
        let address = address.parse().expect("an address");
        // Nobody reads on, and the program must not wait for that.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address, json }
    }

    /// Head and body, by HTTP/1.0: what is long comes in chunks by HTTP/1.1.
    fn get(&self, path: &str, accept: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\nAccept: {accept}\r\n\r\n")
            .expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }

    fn scrape(&self) -> Metrics {
        let (head, body) = self.get("/metrics", "text/plain");
        assert_eq!(status(&head), "200", "{head}");
        parse(&body)
    }

    /// Scrapes until it is over, and checks that no counter ever falls.
    fn last(&self) -> Metrics {
        let until = Instant::now() + PATIENCE;
        let mut before: Option<Metrics> = None;
        loop {
            let now = self.scrape();
            if let Some(before) = &before {
                for (series, value) in before.samples.iter().filter(|(s, _)| before.grows(s)) {
                    let later = now.samples.get(series).copied().unwrap_or(0.0);
                    assert!(later >= *value, "{series} fell from {value} to {later}");
                }
            }
            if now.samples.get("wirestorm_run_phase{phase=\"over\"}") == Some(&1.0) {
                return now;
            }
            assert!(Instant::now() < until, "it is never over: {:?}", now.samples);
            before = Some(now);
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    /// Ends it as Ctrl-C does, and reads the result.
    fn end(mut self) -> (i32, Value) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let status = self.child.wait().expect("it ends").code().expect("it was not killed");
        let text = std::fs::read_to_string(&self.json).expect("a result");
        let _ = std::fs::remove_file(&self.json);
        (status, serde_json::from_str(&text).expect("is JSON"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of an answer.
fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// What a text exposition says.
#[derive(Debug, Default)]
struct Metrics {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    fn get(&self, series: &str) -> f64 {
        *self.samples.get(series).unwrap_or_else(|| panic!("no {series} in {:?}", self.samples))
    }

    /// Whether a series is one that never falls.
    fn grows(&self, series: &str) -> bool {
        let name = series.split('{').next().unwrap_or_default();
        let part = ["_bucket", "_count"].iter().find_map(|part| name.strip_suffix(part));
        self.kinds.get(name).is_some_and(|kind| kind == "counter")
            || part.and_then(|of| self.kinds.get(of)).is_some_and(|kind| kind == "histogram")
    }
}

/// Reads the text format by its rules, and checks them: a type before its samples, each name in one
/// piece, no series twice, names and labels of the allowed letters.
fn parse(text: &str) -> Metrics {
    let mut metrics = Metrics::default();
    let mut family = String::new();
    let is_name = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    assert!(text.ends_with('\n'), "the last line ends too");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().expect("a name").to_owned();
            assert!(help.len() > family.len() + 1, "{line}: no help");
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            assert_eq!(name, family, "the help comes right before");
            let told = metrics.kinds.insert(name.to_owned(), kind.to_owned());
            assert_eq!(told, None, "{name} in two pieces");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        assert!(is_name(name) && name.starts_with("wirestorm_"), "{line}");
        let suffixes: &[&str] = match metrics.kinds[&family].as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.iter().any(|s| name == format!("{family}{s}")), "{line} in {family}");
        if metrics.kinds[&family] == "counter" {
            assert!(name.ends_with("_total"), "{line}");
        }
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}: no number"));
        let twice = metrics.samples.insert(series.to_owned(), value);
        assert_eq!(twice, None, "{series} twice");
    }
    metrics
}

const SHORT: [&str; 9] = [
    "profiles/router.yaml",
    "--set",
    "duration=2s",
    "--set",
    "validity.max_lag=20s",
    "--metrics-linger",
    "60s",
    "--seed",
    "7",
];

#[test]
fn counters_grow_and_end_at_the_reports_counts() {
    if !privileged("counters_grow_and_end_at_the_reports_counts") {
        return;
    }
    for engine in ["xdp-live", "packet-mmap"] {
        let receive: &[&str] = match engine {
            "packet-mmap" => &["--set", "measure.receive=packet-mmap"],
            _ => &[],
        };
        let run = Served::start("grow", &[&SHORT[..], &["--engine", engine], receive].concat());
        let last = run.last();
        let promtool = run.get("/metrics", "").1;
        let (status, json) = run.end();
        assert!(json["incomplete"] == false, "{engine} {status}: {json:#}");
        for stream in json["streams"].as_array().expect("streams") {
            let name = stream["name"].as_str().expect("a name");
            let labels = format!("{{stream=\"{name}\",from=\"tx\",to=\"rx\"}}");
            for (series, key) in [
                ("sent_packets_total", "sent"),
                ("unsent_packets_total", "unsent"),
                ("received_packets_total", "received"),
                ("unique_packets_total", "unique"),
                ("duplicated_packets_total", "duplicated"),
                ("reordered_packets_total", "reordered"),
                ("lost_packets", "lost"),
            ] {
                let value = last.get(&format!("wirestorm_stream_{series}{labels}"));
                assert_eq!(value, stream[key].as_f64().unwrap(), "{engine}: {series} of {name}");
            }
            assert_eq!(last.get(&format!("wirestorm_stream_open_packets{labels}")), 0.0);
            let latency = &stream["latency_ns"];
            let of =
                |part: &str| last.get(&format!("wirestorm_stream_latency_seconds_{part}{labels}"));
            assert_eq!(of("count"), latency["count"].as_f64().unwrap(), "{engine}");
            let sum = latency["count"].as_f64().unwrap() * latency["mean"].as_f64().unwrap() / 1e9;
            assert!((of("sum") / sum - 1.0).abs() < 1e-9, "{engine}: {} of {sum}", of("sum"));
            quantiles(&last, &labels, latency);
        }
        for stage in json["ledger"].as_array().expect("a ledger") {
            let series = format!("wirestorm_ledger_packets_total{{stage={}}}", stage["stage"]);
            match stage["count"].as_f64() {
                Some(count) => assert_eq!(last.get(&series), count, "{engine}"),
                None => assert!(!last.samples.contains_key(&series), "{series}"),
            }
        }
        let total = |name: &str| json["totals"][name].as_f64().unwrap();
        assert_eq!(last.get("wirestorm_sent_packets_total"), total("sent"));
        assert_eq!(last.get("wirestorm_lost_packets"), total("lost"));
        check_with_promtool(&promtool);
    }
}

/// The report's percentiles lie in the buckets that the counts say, or in one beside.
fn quantiles(last: &Metrics, labels: &str, latency: &Value) {
    let start = format!("wirestorm_stream_latency_seconds_bucket{}", &labels[..labels.len() - 1]);
    let mut buckets: Vec<(f64, f64)> = last
        .samples
        .iter()
        .filter_map(|(series, below)| {
            let border = series.strip_prefix(&start)?.strip_prefix(",le=\"")?;
            Some((border.trim_end_matches("\"}").replace("+Inf", "inf").parse().ok()?, *below))
        })
        .collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.is_sorted_by_key(|bucket| bucket.1), "cumulative");
    let count = latency["count"].as_f64().unwrap();
    for (share, key) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
        let rank = (share * count).ceil();
        let border = buckets.iter().find(|bucket| bucket.1 >= rank).expect("+Inf has all").0;
        let told = latency[key].as_f64().unwrap() / 1e9;
        let factor = 2f64.powf(1.0 / 8.0) * 1.015;
        assert!(told <= border * 1.015 && told >= border / factor, "{key}: {told} for {border}");
    }
}

fn check_with_promtool(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (scripts/setup test)");
    promtool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "promtool: {said}");
}

#[test]
fn formats_and_paths() {
    if !privileged("formats_and_paths") {
        return;
    }
    let run = Served::start("formats", &[&SHORT[..], &["--set", "duration=30s"]].concat());
    let (head, body) = run.get("/metrics", "application/openmetrics-text; version=1.0.0");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("\n# EOF\n"), "{body}");
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                    encoding=delimited";
    let (head, body) = run.get("/metrics", protobuf);
    assert!(head.contains("application/vnd.google.protobuf"), "{head}");
    assert!(body.contains("wirestorm_build_info"), "{body}");
    assert_eq!(status(&run.get("/", "").0), "200");
    assert_eq!(status(&run.get("/other", "").0), "404");
    let mut stream = TcpStream::connect(run.address).expect("it listens");
    write!(
        stream,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("Allow: GET, HEAD"), "{answer}");
}

/// A real Prometheus takes native histograms, and its quantile is that of the report.
#[test]
fn prometheus_scrapes_native_histograms() {
    if !privileged("prometheus_scrapes_native_histograms") {
        return;
    }
    let run = Served::start("prometheus", &SHORT);
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("prometheus-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: w\n    \
         static_configs: [{{targets: ['{}']}}]\n",
        run.address
    );
    std::fs::write(dir.join("prometheus.yml"), config).expect("written");
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let mut prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg(format!("--web.listen-address={free}"))
        .arg("--enable-feature=native-histograms")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus is installed (scripts/setup test)");
    let query = |text: &str| -> Option<f64> {
        let mut stream = TcpStream::connect(free).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        write!(stream, "GET /api/v1/query?query={encoded} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let json: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        json["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    };
    let until = Instant::now() + PATIENCE;
    let over = || query("wirestorm_run_phase{phase=\"over\"}") == Some(1.0);
    while !over() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    let found = [
        query("histogram_quantile(0.5, wirestorm_port_latency_seconds)"),
        query("histogram_count(wirestorm_port_latency_seconds)"),
        query("wirestorm_sent_packets_total"),
    ];
    prometheus.kill().expect("ours");
    prometheus.wait().expect("it ends");
    let _ = std::fs::remove_dir_all(&dir);
    let (_, json) = run.end();
    let [Some(median), Some(count), Some(sent)] = found else {
        panic!("prometheus has not scraped it: {found:?}");
    };
    assert_eq!(sent, json["totals"]["sent"].as_f64().unwrap());
    assert_eq!(count, json["totals"]["unique"].as_f64().unwrap());
    let medians: Vec<f64> = json["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .map(|stream| stream["latency_ns"]["p50"].as_f64().unwrap() / 1e9)
        .collect();
    let (low, high) = (
        medians.iter().copied().fold(f64::MAX, f64::min),
        medians.iter().copied().fold(0.0, f64::max),
    );
    let factor = 2f64.powf(1.0 / 8.0) * 1.015;
    assert!(median >= low / factor && median <= high * factor, "{median} of {medians:?}");
}

#[test]
fn wrong_addresses_are_told_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("its address");
    let said = |address: &str| {
        let output = wirestorm()
            .args(["run", "profiles/router.yaml", "--metrics", address])
            .current_dir(root())
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr).replace(&taken.1.to_string(), "TAKEN");
        format!("{}[{:?}]\n", text, output.status.code().expect("it ends"))
    };
    insta::assert_snapshot!(
        [said(&taken.1.to_string()), said("203.0.113.1:9100"), said("localhost:9100")].join("\n")
    );
}
