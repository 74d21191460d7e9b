//! Fragments before Linux as the receiver: datagrams are reassembled exactly where the RFCs say so.
//! The judge is the receiving kernel: its reassembly counters, the ICMP errors it sends, and the
//! datagrams that reach UDP with a right checksum (no socket is there, so it counts them as without
//! a port).

mod common;

use std::sync::{Mutex, PoisonError};

use common::{Run, privileged, run};

/// One lab at a time.
static MACHINE: Mutex<()> = Mutex::new(());
/// Datagrams of each experiment, one a millisecond: the kernel's timers of a second run in batches of
/// 32 ms, and ICMP's socket has room for about a hundred errors at once (the others are
/// Ip6OutDiscards).
const N: u64 = 400;

/// An experiment: a stream's keys, and what stands between.
struct Experiment<'a> {
    packet: &'a str,
    fragments: &'a str,
    nft: &'a str,
    engine: &'a str,
    more: &'a str,
    lab: &'a str,
}

impl<'a> Experiment<'a> {
    fn new(packet: &'a str, fragments: &'a str) -> Self {
        Self { packet, fragments, nft: "", engine: "af-xdp", more: "", lab: "" }
    }

    fn run(&self) -> Seen {
        let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("experiment.yaml");
        let nft = match self.nft {
            "" => String::new(),
            rule => format!(
                "  nft: |\n    table inet t {{\n      chain f {{\n        type filter hook forward \
                 priority filter; policy accept;\n        {rule}\n      }}\n    }}\n"
            ),
        };
        let fragments = match self.fragments {
            "" => String::new(),
            fragments => format!("    fragments: {fragments}\n"),
        };
        let yaml = format!(
            "lab:\n  topology: router\n  sysctl: {{net.ipv4.ipfrag_time: 1, \
             net.ipv6.ip6frag_time: 1}}\n{}{nft}streams:\n  - name: cut\n    rate: 1kpps\n    count: \
             {N}\n    packet: {}\n{}{}drain: 2500ms\nmeasure: {{pass_on: \
             true}}\nvalidity: {{max_unsent: 0, max_lag: 1s}}\n",
            self.lab, self.packet, fragments, self.more
        );
        std::fs::write(&path, &yaml).expect("written");
        let run = run(&[path.to_str().expect("UTF-8"), "--engine", self.engine]);
        assert!(run.json.is_object(), "{yaml}\n{}", run.stderr);
        run.assert_ledger_closes();
        assert_eq!(run.total("unsent"), 0, "{yaml}");
        Seen { ipv6: self.packet.contains("ipv6"), run, yaml }
    }
}

/// What the receiving kernel counted.
struct Seen {
    ipv6: bool,
    run: Run,
    yaml: String,
}

impl Seen {
    fn ip(&self, name: &str) -> u64 {
        self.run.witness(&format!("rx Ip{}.{name}", if self.ipv6 { "6" } else { "" }))
    }

    /// Datagrams that UDP took for whole and right.
    fn delivered(&self) -> u64 {
        let udp = if self.ipv6 { "Udp6" } else { "Udp" };
        assert_eq!(self.run.witness(&format!("rx {udp}.InCsumErrors")), 0, "{}", self.yaml);
        self.run.witness(&format!("rx {udp}.NoPorts"))
    }

    /// ICMP time exceeded in reassembly (ICMPv6 3/1, ICMP 11/1).
    fn time_exceeded(&self) -> u64 {
        self.run.witness(if self.ipv6 { "rx Icmp6.OutTimeExcds" } else { "rx Icmp.OutTimeExcds" })
    }

    /// All that was delivered was whole.
    fn assert(&self, delivered: u64, reasm: [u64; 4], time_exceeded: u64) {
        self.assert_whole(delivered, reasm, time_exceeded, delivered);
    }

    fn assert_whole(&self, delivered: u64, reasm: [u64; 4], time_exceeded: u64, whole: u64) {
        let names = ["ReasmReqds", "ReasmOKs", "ReasmFails", "ReasmTimeout"];
        let seen = names.map(|name| self.ip(name));
        let told = || {
            let all = self.run.json["witnesses"].as_array().expect("witnesses");
            let changed = all.iter().filter(|counter| counter["value"] != 0);
            let lines: Vec<String> = changed.map(ToString::to_string).collect();
            format!("{}\n{}", self.yaml, lines.join("\n"))
        };
        assert_eq!(self.delivered(), delivered, "delivered: {}", told());
        assert_eq!(seen, reasm, "{names:?}: {}", told());
        assert_eq!(self.time_exceeded(), time_exceeded, "time exceeded: {}", told());
        match self.whole() {
            Some(found) => assert_eq!(found, whole, "whole: {}", told()),
            None => {
                let detail = &self.run.json["datagrams"][0]["detail"];
                let why = detail.as_str().unwrap_or_default();
                assert!(why.contains("no probe tag has room"), "{why}: {}", told());
            }
        }
    }

    /// Datagrams of which all that a receiver needs arrived, as the report says.
    fn whole(&self) -> Option<u64> {
        self.run.json["datagrams"][0]["whole"].as_u64()
    }

    /// Fragments lost, per piece.
    fn lost(&self) -> Vec<u64> {
        let streams = self.run.json["streams"].as_array().expect("streams");
        streams.iter().map(|stream| stream["lost"].as_u64().expect("measured")).collect()
    }
}

const UDP6: &str = "[ipv6, udp]";
const UDP4: &str = "[ipv4, udp]";

/// Truth 1, by every engine: all arrives, and each fragment is measured.
#[test]
fn what_nobody_touches_is_reassembled() {
    if !privileged("what_nobody_touches_is_reassembled") {
        return;
    }
    for engine in ["af-xdp", "xdp-live", "packet-mmap", "raw"] {
        for packet in [UDP6, UDP4] {
            let more = "    size: 1400B\n";
            let cut = Experiment { engine, more, ..Experiment::new(packet, "3") };
            let seen = cut.run();
            seen.assert(N, [3 * N, N, 0, 0], 0);
            assert_eq!(seen.lost(), [0, 0, 0], "{engine}");
        }
    }
}

/// Any order, gap, number and identification, and changing fields whose checksum is in another piece.
#[test]
fn orders_gaps_and_changing_fields_are_reassembled() {
    if !privileged("orders_gaps_and_changing_fields_are_reassembled") {
        return;
    }
    let more = "    size: 2900B\n    payload: increment\n";
    for (packet, fragments, pieces) in [
        (UDP6, "{count: 5, order: reversed}", 5),
        (UDP6, "{count: 10, order: shuffled, gap: 100us, id: random}", 10),
        (
            "[ipv6: {src: {prefix: 2001:2::/64, order: random}}, udp: {src: {increment: 1024}}]",
            "{first: 8, mtu: 1280}",
            4,
        ),
        (
            "[ipv4: {dscp: {random: 0..7}}, udp: {src: {random: 1..60000}}]",
            "{sizes: [24, 512], order: last-first}",
            7,
        ),
        ("[ipv6, fragment, udp]", "{count: 3, id: random}", 3),
    ] {
        let seen = Experiment { more, ..Experiment::new(packet, fragments) }.run();
        seen.assert(N, [pieces * N, N, 0, 0], 0);
    }
}

/// Atomic fragments are processed alone (RFC 6946): equal identifications do not meet.
#[test]
fn atomic_fragments_are_processed_alone() {
    if !privileged("atomic_fragments_are_processed_alone") {
        return;
    }
    let more = "    size: 200B\n";
    let cut = Experiment { more, ..Experiment::new(UDP6, "{atomic: true, id: 7}") };
    let seen = cut.run();
    assert_eq!(seen.delivered(), N);
    assert_eq!((seen.ip("ReasmFails"), seen.ip("ReasmTimeout")), (0, 0), "{}", seen.yaml);
}

/// Truths 2, 4, 5 and 6: what a router drops, and what the receiver makes of the rest.
#[test]
fn a_router_that_drops_fragments() {
    if !privileged("a_router_that_drops_fragments") {
        return;
    }
    let more = "    size: 1400B\n";
    let dropped = |nft| Experiment { nft, more, ..Experiment::new(UDP6, "3") }.run();
    let all = dropped("exthdr frag exists counter drop");
    all.assert(0, [0, 0, 0, 0], 0);
    assert_eq!(all.lost(), [N, N, N]);
    // Offset 0 arrives alone.
    let later = dropped("frag frag-off != 0 drop");
    later.assert(0, [N, 0, N, N], N);
    assert_eq!(later.lost(), [0, N, N]);
    let first = dropped("exthdr frag exists frag frag-off 0 drop");
    first.assert(0, [2 * N, 0, N, N], 0);
    assert_eq!(first.lost(), [N, 0, 0]);
    let last = dropped("exthdr frag exists frag more-fragments 0 drop");
    last.assert(0, [2 * N, 0, N, N], N);
    assert_eq!(last.lost(), [0, 0, N]);
}

/// Truth 3: a rule on the first next-header field does not see a fragment header behind another
/// extension header; one on the chain does.
#[test]
fn a_rule_on_the_first_next_header_alone() {
    if !privileged("a_rule_on_the_first_next_header_alone") {
        return;
    }
    let more = "    size: 1400B\n";
    let dropped = |packet, nft| Experiment { nft, more, ..Experiment::new(packet, "3") }.run();
    let hidden = "[ipv6, destination_options, fragment, udp]";
    dropped(hidden, "ip6 nexthdr 44 drop").assert(N, [3 * N, N, 0, 0], 0);
    dropped(hidden, "exthdr frag exists drop").assert(0, [0, 0, 0, 0], 0);
    dropped(UDP6, "ip6 nexthdr 44 drop").assert(0, [0, 0, 0, 0], 0);
}

/// Truths 10 to 14: overlaps and duplicates (RFC 5722).
#[test]
fn overlaps_and_duplicates() {
    if !privileged("overlaps_and_duplicates") {
        return;
    }
    let cut = |fragments| Experiment::new(UDP6, fragments).run();
    let two = "{pieces: [{offset: 0, length: 512}, {offset: 504, length: 512}]}";
    // Everything arrives, and the receiver refuses it.
    cut(two).assert_whole(0, [2 * N, 0, N, 0], 0, N);
    let three = "{pieces: [{offset: 0, length: 512}, {offset: 504, length: 520}, \
                 {offset: 1024, length: 512}]}";
    cut(three).assert_whole(0, [3 * N, 0, 2 * N, N], 0, N);
    let contained = "{pieces: [{offset: 0, length: 512}, {offset: 256, length: 64, data: other}, \
                     {offset: 512, length: 512}]}";
    cut(contained).assert(N, [3 * N, N, 0, 0], 0);
    let more = "    size: 1400B\n";
    let duplicated = |fragments| Experiment { more, ..Experiment::new(UDP6, fragments) }.run();
    duplicated("{count: 2, duplicate: [1]}").assert(N, [3 * N, N, 0, 0], 0);
    duplicated("{count: 2, order: [1, 2, 1]}").assert(N, [3 * N, N, N, N], N);
}

/// Two streams between the same addresses: what each lacks, the other does not make good.
#[test]
fn pieces_of_two_streams_never_meet() {
    if !privileged("pieces_of_two_streams_never_meet") {
        return;
    }
    for packet in [UDP6, UDP4] {
        let other = format!(
            "    size: 400B\n  - {{name: other, rate: 1kpps, count: {N}, size: 400B, packet: {packet}, \
             fragments: {{count: 2, omit: [1]}}}}\n"
        );
        let cut = Experiment { more: &other, ..Experiment::new(packet, "{count: 2, omit: [2]}") };
        let seen = cut.run();
        assert_eq!(seen.delivered(), 0, "{}", seen.yaml);
        let names = ["ReasmReqds", "ReasmOKs", "ReasmTimeout"];
        assert_eq!(names.map(|name| seen.ip(name)), [2 * N, 0, 2 * N], "{}", seen.yaml);
        // Only the first pieces are told of.
        assert_eq!(seen.time_exceeded(), N, "{}", seen.yaml);
    }
}

/// Truth 16: a first fragment without the whole TCP header (RFC 7112).
#[test]
fn tiny_first_fragments() {
    if !privileged("tiny_first_fragments") {
        return;
    }
    let more = "    size: 400B\n";
    for first in ["{first: 8, count: 2}", "{first: 16, count: 2}"] {
        let seen = Experiment { more, ..Experiment::new("[ipv6, tcp]", first) }.run();
        assert_eq!(seen.ip("ReasmOKs"), 0, "{}", seen.yaml);
        assert_eq!(seen.run.witness("rx Icmp6.OutParmProblems"), N, "{}", seen.yaml);
        let seen = Experiment { more, ..Experiment::new("[ipv4, tcp]", first) }.run();
        assert_eq!(seen.ip("ReasmOKs"), N, "{}", seen.yaml);
    }
}

/// Truth 24: the router's egress has an MTU of 1280.
#[test]
fn a_narrow_egress() {
    if !privileged("a_narrow_egress") {
        return;
    }
    let lab = "  egress_mtu: 1280\n";
    let sent = |packet: &str, ip_len: u64| {
        let more = format!("    size: {}B\n", ip_len + 18);
        let seen = Experiment { lab, more: &more, ..Experiment::new(packet, "") }.run();
        // What was not cut on purpose has no datagrams in pieces.
        assert_eq!(seen.run.json["datagrams"].as_array().map(Vec::len), Some(0), "{}", seen.yaml);
        seen
    };
    let router = |seen: &Seen, name: &str| seen.run.witness(&format!("router {name}"));

    // DF=0: the router cuts the datagram in two, and the receiver makes it whole again.
    let cut = sent("[ipv4: {df: 0}, udp]", 1400);
    assert_eq!(cut.delivered(), N, "{}", cut.yaml);
    assert_eq!((cut.ip("ReasmReqds"), cut.ip("ReasmOKs")), (2 * N, N));
    let fragmented = ["Ip.FragOKs", "Ip.FragCreates"].map(|name| router(&cut, name));
    assert_eq!(fragmented, [N, 2 * N]);
    assert_eq!(router(&cut, "Icmp.OutDestUnreachs"), 0);

    // DF=1: ICMP 3/4, and nothing goes on.
    let refused = sent("[ipv4: {df: 1}, udp]", 1400);
    assert_eq!((refused.delivered(), refused.lost()), (0, vec![N]));
    assert_eq!(router(&refused, "Icmp.OutDestUnreachs"), N);
    assert_eq!(router(&refused, "Ip.FragFails"), N);

    // IPv6: ICMPv6 2/0, whole or already a fragment.
    let refused = sent(UDP6, 1400);
    assert_eq!((refused.delivered(), refused.lost()), (0, vec![N]));
    assert_eq!(router(&refused, "Icmp6.OutPktTooBigs"), N);
    let size = "    size: 1910B\n";
    let pieces = Experiment { lab, more: size, ..Experiment::new(UDP6, "{mtu: 1400}") }.run();
    assert_eq!((pieces.delivered(), pieces.lost()), (0, vec![N, 0]));
    assert_eq!(router(&pieces, "Icmp6.OutPktTooBigs"), N);

    // What is not longer than 1280 passes, whatever it is.
    for packet in ["[ipv4: {df: 1}, udp]", "[ipv4: {df: 0}, udp]", UDP6] {
        let passed = sent(packet, 1280);
        assert_eq!((passed.delivered(), passed.lost()), (N, vec![0]), "{}", passed.yaml);
        assert_eq!(router(&passed, "Ip.FragCreates"), 0, "{}", passed.yaml);
    }
}

/// Truth 21: the second fragment comes before, and after, the time-out.
#[test]
fn a_gap_below_and_above_the_timeout() {
    if !privileged("a_gap_below_and_above_the_timeout") {
        return;
    }
    let more = "    size: 400B\n";
    let below = Experiment { more, ..Experiment::new(UDP6, "{count: 2, gap: 800ms}") }.run();
    below.assert(N, [2 * N, N, 0, 0], 0);
    let above = Experiment { more, ..Experiment::new(UDP6, "{count: 2, gap: 1200ms}") }.run();
    assert_eq!((above.delivered(), above.ip("ReasmTimeout")), (0, 2 * N), "{}", above.yaml);
}
