//! Results made by hand, one a situation.

use std::path::Path;

use wirestorm::measure::ipdv::Ipdv;
use wirestorm::report::calibration::{
    Calibration, EngineFloor, Floor, FloorTimes, Machine, Refused, SCHEMA as CALIBRATION,
};
use wirestorm::report::model::{
    Counter, DatagramResult, Environment, GapsResult, PauseResult, Percentiles, Reason, RunResult,
    SCHEMA, Stage, StreamResult, Totals, Verdict,
};

pub fn reason(code: &str, message: &str) -> Reason {
    Reason { code: code.to_owned(), message: message.to_owned() }
}

pub fn counter(name: &str, value: u64) -> Counter {
    Counter { name: name.to_owned(), value }
}

/// Counts of 64-byte frames sent and received in five seconds.
pub fn counts(sent: u64, lost: u64) -> Totals {
    let unique = sent - lost;
    let per_second = |packets: u64| packets as f64 / 5.0;
    Totals {
        intended: sent,
        sent,
        received: Some(unique),
        unique: Some(unique),
        lost: Some(lost),
        duplicated: Some(0),
        reordered: Some(0),
        late_ambiguous: Some(0),
        loss_ratio: (sent > 0).then(|| lost as f64 / sent as f64),
        replicated_ratio: Some(0.0),
        duplicated_ratio: Some(0.0),
        reordered_ratio: Some(0.0),
        tx_pps: per_second(sent),
        tx_l1_bps: per_second(sent) * 84.0 * 8.0,
        tx_l2_bps: per_second(sent) * 64.0 * 8.0,
        rx_pps: Some(per_second(unique)),
        rx_l1_bps: Some(per_second(unique) * 84.0 * 8.0),
        rx_l2_bps: Some(per_second(unique) * 64.0 * 8.0),
        ..Totals::default()
    }
}

pub fn latency(base: u64, packets: u64) -> Percentiles {
    Percentiles {
        count: packets,
        min: base,
        mean: base as f64 * 1.37,
        p50: base * 5 / 4,
        p90: base * 2,
        p95: Some(base * 3),
        p99: base * 7,
        p99_9: base * 23,
        p99_99: base * 180,
        max: base * 412,
        histogram: None,
    }
}

pub fn stream(name: &str, sent: u64, lost: u64) -> StreamResult {
    StreamResult {
        name: name.to_owned(),
        from: "tx".to_owned(),
        to: Some("rx".to_owned()),
        counts: counts(sent, lost),
        latency_ns: Some(latency(8_713, sent - lost)),
        latency_intended_ns: Some(latency(9_102, sent - lost)),
        jitter_ns: Some(latency(212, sent - lost - 1)),
        ipdv_ns: Some(Ipdv { min: -87_344, median: 3.5, max: 54_321 }),
        first_s: Some(0.000_012),
        last_s: Some(4.999_998),
        longest_pause: Some(PauseResult { begin_s: 1.25, end_s: 1.250_4 }),
    }
}

pub fn ledger(sent: u64, lost: u64) -> Vec<Stage> {
    let stage = |stage: &str, meaning: &str, count, lost_here| Stage {
        stage: stage.to_owned(),
        meaning: meaning.to_owned(),
        count,
        lost_here,
    };
    vec![
        stage("intended", "packets that the schedule asked for", Some(sent), 0),
        stage("due", "handed to the engine in time", Some(sent), 0),
        stage("built", "built by the engine", Some(sent), 0),
        stage("accepted", "accepted by the ring", Some(sent), 0),
        stage("completed", "given back by the kernel as sent", Some(sent), 0),
        stage("device", "counted by the sending interface", None, 0),
        stage("seen", "seen by the receiving program", Some(sent - lost), lost as i64),
        stage("unique", "distinct packets that arrived", Some(sent - lost), 0),
    ]
}

/// A valid run of two streams of which `lost` packets of the second are lost.
pub fn run(sent: u64, lost: u64) -> RunResult {
    let streams = vec![stream("ipv4-udp", sent, 0), stream("ipv6-udp", sent, lost)];
    let totals = Totals { corrupt: Some(0), alien: Some(12), ..counts(2 * sent, lost) };
    let totals = Totals { received: totals.received.map(|received| received + 12), ..totals };
    RunResult {
        schema: SCHEMA.to_owned(),
        profile: "router".to_owned(),
        profile_yaml: "name: router\n".to_owned(),
        seed: 42,
        engine: "af-xdp".to_owned(),
        engine_detail: "copy mode, need-wakeup; zero-copy is refused by veth".to_owned(),
        receive_detail: "rx: native XDP".to_owned(),
        verdict: Verdict { valid: true, passed: true, reasons: Vec::new() },
        incomplete: false,
        duration_s: 5.0,
        schedule_lag_max_ns: Some(41_280),
        rate_changes: Vec::new(),
        totals,
        streams,
        datagrams: Vec::new(),
        ledger: ledger(2 * sent, lost),
        gaps: Some(GapsResult {
            wanted_ns: 5_000,
            count: 999_999,
            within_64ns: 499_000.0 / 999_999.0,
            within_128ns: 749_000.0 / 999_999.0,
            within_256ns: 998_000.0 / 999_999.0,
            within_512ns: 999_998.0 / 999_999.0,
            bursts: 1.0 / 999_999.0,
        }),
        overload: vec![counter("rx xsk rx_dropped", 0), counter("rx rx_missed", 0)],
        witnesses: vec![
            counter("router Ip.ForwDatagrams", sent),
            counter("rx interface rx_packets", 2 * sent - lost + 12),
            counter("nft drop", lost),
        ],
        warnings: Vec::new(),
        calibration: None,
        calibration_detail: "not calibrated: wirestorm calibrate".to_owned(),
        environment: Environment {
            wirestorm: "0.1.0".to_owned(),
            kernel: "6.18.0".to_owned(),
            driver: "tx: veth, rx: veth".to_owned(),
            cpu: "2 × AMD EPYC 7B13".to_owned(),
            clock: "tsc, CLOCK_MONOTONIC".to_owned(),
            offloads: "tx: tx-checksum off; rx: gro on (restored at exit)".to_owned(),
            command: "wirestorm run profiles/router.yaml --lab router".to_owned(),
            started: "2025-11-21T08:24:00Z".to_owned(),
            latency_definition: "from the send stamp to the receive stamp of the same packet \
                                 (neither store-and-forward nor bit-forwarding is deducted)"
                .to_owned(),
        },
    }
}

pub fn passed() -> RunResult {
    run(500_000, 0)
}

/// Valid, and over the allowed loss; duplicates and reordering too.
pub fn failed_with_loss() -> RunResult {
    let mut result = run(500_000, 17_437);
    result.verdict.passed = false;
    result.verdict.reasons = vec![
        reason("max_loss", "ipv6-udp lost 3.4874 % of 500,000 packets; the profile allows 0.1 %"),
        reason("p99_latency", "p99 of ipv6-udp is 60.99 µs; the profile allows 50 µs"),
    ];
    for counts in [&mut result.totals, &mut result.streams[1].counts] {
        counts.received = counts.received.map(|received| received + 31);
        counts.duplicated = Some(31);
        counts.reordered = Some(207);
        counts.reorder_extent_max = Some(14);
    }
    result.warnings = vec![reason(
        "generic_xdp",
        "rx receives by generic XDP: latency includes the skb's making",
    )];
    result.calibration = calibration().of_engine("af-xdp", Path::new(CALIBRATION_FILE));
    result.calibration_detail = format!("{CALIBRATION_FILE}, made 2025-11-20T16:00:00Z");
    result
}

const CALIBRATION_FILE: &str = "/root/.local/state/wirestorm/calibration.json";

fn floor(rate_pps: u64, base: u64) -> Floor {
    let times = |base: u64| FloorTimes {
        min: base / 3,
        p50: base,
        p99: base * 4,
        p99_9: base * 9,
        max: base * 70,
        p50_lowest: base - 98,
        p50_highest: base + 1_021,
    };
    Floor {
        rate_pps,
        tx_pps: rate_pps as f64,
        repeats: 3,
        latency_ns: times(base),
        latency_intended_ns: times(base + 815),
        schedule_lag_max_ns: Some(base * 31),
    }
}

/// A machine on which one engine works, one is never valid under load, and one is refused.
pub fn calibration() -> Calibration {
    let engine = |name: &str, idle, loaded| EngineFloor {
        engine: name.to_owned(),
        engine_detail: "copy mode; 1 worker".to_owned(),
        receive_detail: "native XDP".to_owned(),
        unlimited_pps: 312_600.0,
        idle,
        loaded,
    };
    Calibration {
        schema: CALIBRATION.to_owned(),
        made: "2025-11-20T16:00:00Z".to_owned(),
        machine: Machine {
            wirestorm: "0.1.0".to_owned(),
            kernel: "6.18.0".to_owned(),
            cpu: "AMD EPYC 7B13".to_owned(),
        },
        duration_s: 1.0,
        profile_yaml: "name: calibrate\n".to_owned(),
        engines: vec![
            engine("af-xdp", Some(floor(1_000, 2_104)), Some(floor(156_300, 14_420))),
            engine("packet-mmap", Some(floor(1_000, 5_618)), None),
        ],
        refused: vec![Refused {
            engine: "xdp-live".to_owned(),
            reason: "cannot load tx_live: Operation not permitted".to_owned(),
        }],
    }
}

/// The sender did not keep up.
pub fn invalid_unsent() -> RunResult {
    let mut result = run(400_000, 3);
    for counts in [&mut result.totals, &mut result.streams[0].counts] {
        counts.unsent = 100_000;
        counts.intended += 100_000;
    }
    result.ledger[0].count = Some(900_000);
    result.ledger[1].lost_here = 100_000;
    result.calibration_detail = format!(
        "{CALIBRATION_FILE} is not used: made with kernel \"6.12.0\", this is \"6.18.0\"; \
         wirestorm calibrate"
    );
    result.verdict = Verdict {
        valid: false,
        passed: false,
        reasons: vec![
            reason(
                "unsent",
                "100,000 of 900,000 packets could not be sent in time: lower the rate, add queues \
                 and cores to port tx, or choose --engine xdp-live",
            ),
            reason("receiver_overload", "rx dropped 4,096 packets before they were counted"),
        ],
    };
    result.overload = vec![
        counter("rx xsk rx_dropped", 4_096),
        counter("rx rx_missed", 0),
        counter("tx late slots", 100_000),
    ];
    result
}

pub fn incomplete() -> RunResult {
    let mut result = run(123_456, 0);
    result.incomplete = true;
    result.duration_s = 1.234_56;
    result.verdict = Verdict {
        valid: false,
        passed: false,
        reasons: vec![reason("interrupted", "SIGINT after 1.235 s of 5.000 s")],
    };
    result
}

/// Sent, and nothing came; `cause` as the run found it.
pub fn nothing_received(cause: Option<&str>) -> RunResult {
    let mut result = run(500_000, 0);
    for stream in &mut result.streams {
        stream.counts = counts(500_000, 500_000);
        stream.latency_ns = None;
        stream.latency_intended_ns = None;
        stream.jitter_ns = None;
        stream.ipdv_ns = None;
        stream.first_s = None;
        stream.last_s = None;
        stream.longest_pause = None;
    }
    result.totals = Totals { corrupt: Some(0), alien: Some(0), ..counts(1_000_000, 1_000_000) };
    result.ledger = ledger(1_000_000, 1_000_000);
    result.gaps = None;
    result.witnesses = vec![counter("router Ip.InReceives", 0), counter("rx rx_packets", 0)];
    result.verdict.passed = false;
    result.verdict.reasons = vec![reason("max_loss", "100 % lost; the profile allows 0 %")];
    if let Some(cause) = cause {
        result.warnings = vec![reason("nothing_received", cause)];
    }
    result
}

/// A stream in three pieces, one of which a router drops now and then, and one whose first piece is
/// too short for a tag.
pub fn in_pieces() -> RunResult {
    let mut result = run(500_000, 17_437);
    result.streams[0].name = "cut.1".to_owned();
    result.streams[1].name = "cut.2".to_owned();
    let cut = DatagramResult {
        name: "cut".to_owned(),
        pieces: 2,
        fragments_sent: 1_000_000,
        fragments_lost: Some(17_437),
        fragment_loss_ratio: Some(0.017_437),
        sent: 500_000,
        whole: Some(482_563),
        lost: Some(17_437),
        loss_ratio: Some(0.034_874),
        detail: "every piece is needed".to_owned(),
    };
    let tiny = DatagramResult {
        name: "tiny".to_owned(),
        fragments_sent: 500_000,
        fragments_lost: None,
        fragment_loss_ratio: None,
        whole: None,
        lost: None,
        loss_ratio: None,
        pieces: 1,
        detail: "no probe tag has room in tiny.1".to_owned(),
        ..cut.clone()
    };
    result.datagrams = vec![cut, tiny];
    result
}

/// Sent only: no port receives.
pub fn not_measured() -> RunResult {
    let mut result = run(500_000, 0);
    result.totals = send_only(&result.totals);
    for stream in &mut result.streams {
        stream.to = None;
        stream.counts = send_only(&stream.counts);
        stream.latency_ns = None;
        stream.latency_intended_ns = None;
        stream.jitter_ns = None;
        stream.ipdv_ns = None;
        stream.first_s = None;
        stream.last_s = None;
        stream.longest_pause = None;
    }
    for stage in &mut result.ledger[6..] {
        stage.count = None;
    }
    result.gaps = None;
    result.overload = Vec::new();
    result.witnesses = Vec::new();
    result.receive_detail = String::new();
    result.environment.offloads = String::new();
    result
}

fn send_only(counts: &Totals) -> Totals {
    Totals {
        intended: counts.intended,
        sent: counts.sent,
        tx_pps: counts.tx_pps,
        tx_l1_bps: counts.tx_l1_bps,
        tx_l2_bps: counts.tx_l2_bps,
        ..Totals::default()
    }
}

/// 10^9 packets, one lost.
pub fn one_of_a_billion() -> RunResult {
    let mut result = run(1_000_000_000, 1);
    result.streams.remove(0);
    result.totals = Totals { corrupt: Some(0), alien: Some(0), ..counts(1_000_000_000, 1) };
    result.ledger = ledger(1_000_000_000, 1);
    result.witnesses = vec![counter("router Ip.ForwDatagrams", 999_999_999)];
    result.verdict.passed = false;
    result.verdict.reasons =
        vec![reason("max_loss", "1 of 1,000,000,000 packets is lost; the profile allows none")];
    result
}

/// Names as customers give them, one of them hostile.
pub fn long_names() -> RunResult {
    let mut result = run(500_000, 1);
    result.profile = "acceptance test of the edge router in building 7, second floor".to_owned();
    result.streams[0].name = "customer-a-premium-ipv4-udp-1518-byte-frames-upstream".to_owned();
    result.streams[1].name = "客户-b-ipv6\u{1b}[2J-udp-1518-byte-frames-downstream".to_owned();
    result.streams[1].from = "rx".to_owned();
    result.streams[1].to = Some("tx".to_owned());
    result.ledger[7].stage = "unique".to_owned();
    result
}

/// A hundred streams, of which one loses.
pub fn many_streams() -> RunResult {
    let mut result = run(10_000, 0);
    result.streams = (0..100).map(|n| stream(&format!("flow-{n:03}"), 10_000, 0)).collect();
    result.streams[77] = stream("flow-077", 10_000, 1);
    result.totals = Totals { corrupt: Some(0), alien: Some(0), ..counts(1_000_000, 1) };
    result.ledger = ledger(1_000_000, 1);
    result
}

/// Every situation with its name.
pub fn all() -> Vec<(&'static str, RunResult)> {
    vec![
        ("passed", passed()),
        ("failed_with_loss", failed_with_loss()),
        ("invalid_unsent", invalid_unsent()),
        ("incomplete", incomplete()),
        (
            "nothing_received",
            nothing_received(Some(
                "rx's veth has neither GRO nor an XDP program, so live frames end there: attach \
                 native XDP (measure.receive: xdp-native) or turn GRO on",
            )),
        ),
        ("nothing_received_unexplained", nothing_received(None)),
        ("not_measured", not_measured()),
        ("one_of_a_billion", one_of_a_billion()),
        ("long_names", long_names()),
        ("many_streams", many_streams()),
        ("in_pieces", in_pieces()),
    ]
}
