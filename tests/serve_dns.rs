//! `wirestorm serve dns` before unbound, with dig and kdig as clients: client – router – front end.

mod chain;
mod common;

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chain::Chain;
use common::{assert_is_as, privileged, wirestorm, wirestorm_with};
use serde_json::Value;
use tempfile::TempDir;
use wirestorm::packet::random;

const CLIENT: usize = 0;
const ROUTER: usize = 1;
const SERVER: usize = 2;
const V4: &str = "198.18.1.2";
const V6: &str = "2001:db8:1::2";
const SCHEMA: &str = include_str!("../docs/serve-dns.schema.json");
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends with the test.
struct Process(Child);

impl Process {
    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill starts");
        assert!(sent.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Scene {
    chain: Chain,
    dir: TempDir,
    unbound: Option<Process>,
    front: Option<Process>,
}

/// The strings of a TXT record of so many bytes.
fn text(len: usize) -> Vec<String> {
    let bytes: Vec<u8> = (0..len).map(|n| b'a' + (n % 23) as u8).collect();
    bytes.chunks(250).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

const SIZES: [usize; 6] = [20, 100, 500, 1100, 1700, 3950];

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config =
            "server:\n interface: 127.0.0.1@5353\n do-daemonize: no\n username: \"\"\n \
             chroot: \"\"\n pidfile: \"\"\n use-syslog: no\n module-config: \"iterator\"\n \
             max-udp-size: 65535\n local-zone: \"test.\" static\n"
                .to_owned();
        for size in SIZES {
            let strings: Vec<String> =
                text(size).iter().map(|string| format!("\"{string}\"")).collect();
            config += &format!(" local-data: 's{size}.test. TXT {}'\n", strings.join(" "));
        }
        config += "remote-control:\n control-enable: no\n";
        std::fs::write(dir.path().join("unbound.conf"), config).expect("a file");
        let mut scene = Self { chain: Chain::new(1), dir, unbound: None, front: None };
        scene.start_unbound();
        scene
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log.jsonl")
    }

    fn start_unbound(&mut self) {
        let mut command = Command::new("unbound");
        command.arg("-c").arg(self.dir.path().join("unbound.conf")).stderr(Stdio::null());
        self.unbound = Some(Process(self.chain.spawn(SERVER, &mut command)));
        let until = Instant::now() + PATIENCE;
        let dig = ["+time=1", "+tries=1", "@127.0.0.1", "-p", "5353", "s20.test", "TXT"];
        while !self.chain.run(SERVER, Command::new("dig").args(dig)).status.success() {
            assert!(Instant::now() < until, "unbound does not answer");
        }
    }

    fn serve(&mut self, more: &[&str]) {
        self.serve_before(&["--backend", "127.0.0.1:5353"], more);
    }

    fn serve_before(&mut self, backends: &[&str], more: &[&str]) {
        let mut command = wirestorm();
        command.args(["serve", "dns", "-I", "left", "--log"]).arg(self.log());
        command.args(backends).args(more).stderr(Stdio::piped());
        self.front = Some(Process(self.chain.spawn(SERVER, &mut command)));
        self.wait_for("start", |_| true);
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// Waits for a line of that event.
    fn wait_for(&mut self, event: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| line["event"] == event && fits(line)) {
                return line.clone();
            }
            if Instant::now() > until {
                let said = self.front.as_mut().map(|front| {
                    let _ = front.0.kill();
                    let mut said = String::new();
                    if let Some(err) = &mut front.0.stderr {
                        let _ = err.read_to_string(&mut said);
                    }
                    said
                });
                panic!("no {event}: {lines:#?}\n{}", said.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn outcome(&mut self, name: &str, client: &str) -> Value {
        self.wait_for("outcome", |line| line["name"] == name && line["client"] == client)
    }

    fn dig(&self, args: &[&str]) -> String {
        let mut command = Command::new("dig");
        command.args(["+tries=1", "+time=8", "+nocookie", "+noall", "+answer", "+comments"]);
        let output = self.chain.run(CLIENT, command.args(args));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether what dig or kdig printed is the text of that size.
    fn has(&self, said: &str, size: usize) -> bool {
        text(size).iter().all(|string| said.contains(&format!("\"{string}\"")))
    }

    /// Ends the front end; its log, and what it said.
    fn end(&mut self) -> (Vec<Value>, String) {
        let mut front = self.front.take().expect("it runs");
        front.signal("TERM");
        let mut said = String::new();
        if let Some(err) = &mut front.0.stderr {
            err.read_to_string(&mut said).expect("its words");
        }
        let status = front.0.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{said}");
        let lines = self.lines();
        lines.iter().for_each(|line| assert_is_as(SCHEMA, line));
        (lines, said)
    }

    /// The most memory that the front end has had, in bytes.
    fn memory(&self) -> u64 {
        let front = self.front.as_ref().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{}/status", front.0.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
        let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("one");
        kib * 1024
    }

    /// A counter of /proc/net/snmp6 in the client's namespace.
    fn client_count(&self, name: &str) -> u64 {
        let text = self.chain.sh(CLIENT, "cat /proc/net/snmp6");
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        let value = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        value.unwrap_or_else(|| panic!("{name}"))
    }
}

fn event<'l>(lines: &'l [Value], event: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

const DROP_FRAGMENTS: &str = "table inet drops { chain f { \
     type filter hook prerouting priority -450; exthdr frag exists drop; \
     ip frag-off & 0x3fff != 0 drop;\n}\n}\n";

#[test]
fn answers_arrive_in_fragments_and_by_tcp() {
    if !privileged("answers_arrive_in_fragments_and_by_tcp") {
        return;
    }
    let mut scene = Scene::new();
    // The follow-up at the end comes before its question is still for that long; nobody waits for it.
    scene.serve(&["--settle", "60s", "--follow-up", "next", "--client-prefix", "32,128"]);
    let before = scene.client_count("Ip6ReasmOKs");
    for size in SIZES {
        let name = format!("s{size}.test");
        for server in [V4, V6] {
            let server = format!("@{server}");
            let said = scene.dig(&[&server, "+tcp", &name, "TXT"]);
            assert!(scene.has(&said, size), "{name} {said}");
            let said = scene.dig(&[&server, "+bufsize=4096", "+ignore", &name, "TXT"]);
            assert!(scene.has(&said, size) && said.contains("NOERROR"), "{name} {said}");
        }
    }
    assert_eq!(scene.client_count("Ip6ReasmOKs") - before, SIZES.len() as u64);
    // Another client, which says that it has room for 1232 bytes: it is told to come by TCP.
    let mut kdig = Command::new("kdig");
    kdig.args([&format!("@{V6}"), "+bufsize=1232", "s3950.test", "TXT"]);
    let output = scene.chain.run(CLIENT, &mut kdig);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(scene.has(&said, 3950), "{said}");
    // A log that was moved away is opened anew.
    let moved = scene.dir.path().join("log.1");
    std::fs::rename(scene.log(), &moved).expect("it moves");
    scene.front.as_ref().expect("it runs").signal("HUP");
    let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "next.s1700.test", "TXT"]);
    assert!(said.contains("NXDOMAIN"), "{said}");
    let (mut lines, said) = scene.end();
    let old = std::fs::read_to_string(&moved).expect("the old log");
    lines.extend(old.lines().map(|line| serde_json::from_str(line).expect("JSON")));
    lines.iter().for_each(|line| assert_is_as(SCHEMA, line));
    let totals = event(&lines, "totals")[0];
    assert_eq!(totals["fragmented"], 13, "each size and family, and the follow-up: {said}");
    assert_eq!((&totals["truncated"], &totals["tcp_answers"]), (&1.into(), &13.into()));
    assert_eq!((&totals["servfail"], &totals["link"]["refused"]), (&0.into(), &0.into()));
    for outcome in event(&lines, "outcome") {
        let Some(fragments) = outcome["fragments"].as_array() else { continue };
        let sizes: Vec<u64> = fragments.iter().map(|size| size.as_u64().expect("bytes")).collect();
        let size = outcome["size"].as_u64().expect("a size");
        assert_eq!(sizes.iter().sum::<u64>(), size + 8, "{outcome}");
        let (last, others) = sizes.split_last().expect("one");
        assert!(others.iter().all(|size| size % 8 == 0), "{outcome}");
        assert!(size < 144 || sizes[0] == 136 && *last <= 512, "{outcome}");
    }
    let v6 = "2001:db8::1/128";
    let followed = event(&lines, "outcome").into_iter().find(|line| {
        line["name"] == "s1700.test." && line["client"] == v6 && line["fragmented"] == 1
    });
    let followed = followed.expect("the outcome");
    assert_eq!(followed["outcome"], "arrived", "{followed}");
    let client = event(&lines, "client").into_iter().find(|line| line["client"] == v6);
    let client = client.expect("a line of the client");
    assert_eq!(client["receives_fragments"], "always", "{client}");
}

/// The router drops fragments of IPv6; those of IPv4 pass. Each client's line says so.
#[test]
fn a_router_that_drops_fragments_is_told_of_client_by_client() {
    if !privileged("a_router_that_drops_fragments_is_told_of_client_by_client") {
        return;
    }
    let mut scene = Scene::new();
    scene.chain.nft(ROUTER, &DROP_FRAGMENTS.replace("ip frag-off & 0x3fff != 0 drop;", ""));
    scene.serve(&["--settle", "3s", "--follow-up", "next"]);
    let v6 = format!("@{V6}");
    // Lost: dig sends the same query again.
    let said = scene.dig(&[&v6, "+bufsize=4096", "+tries=2", "+time=1", "s1100.test", "TXT"]);
    assert!(said.contains("timed out") || said.contains("no servers"), "{said}");
    let line = scene.outcome("s1100.test.", "2001:db8::/64");
    assert_eq!((&line["outcome"], &line["retransmitted"]), (&"lost".into(), &1.into()), "{line}");
    // Lost: the client comes by TCP.
    scene.dig(&[&v6, "+bufsize=4096", "+time=1", "s1700.test", "TXT"]);
    scene.dig(&[&v6, "+tcp", "s1700.test", "TXT"]);
    let line = scene.outcome("s1700.test.", "2001:db8::/64");
    assert_eq!(line["statement"], "fragments lost: the client came by TCP", "{line}");
    // Arrived: the client goes on to the name that only its reader knows.
    let v4 = format!("@{V4}");
    scene.dig(&[&v4, "+bufsize=4096", "s1700.test", "TXT"]);
    scene.dig(&[&v4, "next.s1700.test", "TXT"]);
    let line = scene.outcome("s1700.test.", "198.18.0.1/32");
    assert_eq!((&line["outcome"], &line["followed_up"]), (&"arrived".into(), &1.into()), "{line}");
    // Not known: nothing more comes.
    scene.dig(&[&v4, "+bufsize=4096", "s500.test", "TXT"]);
    let line = scene.outcome("s500.test.", "198.18.0.1/32");
    assert_eq!(line["outcome"], "silent", "{line}");
    let (lines, said) = scene.end();
    let receives: Vec<(&Value, &Value)> = event(&lines, "client")
        .iter()
        .map(|line| (&line["client"], &line["receives_fragments"]))
        .collect();
    let expected =
        [(&"198.18.0.1/32".into(), &"always".into()), (&"2001:db8::/64".into(), &"never".into())];
    assert_eq!(receives, expected, "{said}");
    assert!(
        said.contains("clients that receive fragments: always 1, sometimes 0, never 1"),
        "{said}"
    );
}

/// Whole answers after two in fragments: the client stops asking, so the fragments were lost.
#[test]
fn a_whole_answer_proves_what_was_lost() {
    if !privileged("a_whole_answer_proves_what_was_lost") {
        return;
    }
    let mut scene = Scene::new();
    scene.chain.nft(ROUTER, DROP_FRAGMENTS);
    scene.serve(&["--settle", "2s", "--whole-after", "1", "--order", "shuffled", "--gap", "2ms"]);
    for (server, client) in [(V4, "198.18.0.1/32"), (V6, "2001:db8::/64")] {
        let server = format!("@{server}");
        let said =
            scene.dig(&[&server, "+bufsize=4096", "+tries=3", "+time=1", "s1100.test", "TXT"]);
        assert!(scene.has(&said, 1100), "{said}");
        let line = scene.outcome("s1100.test.", client);
        assert_eq!(line["statement"], "fragments lost, whole answers arrive", "{line}");
        assert_eq!((&line["fragmented"], &line["whole"]), (&1.into(), &1.into()), "{line}");
        // What no packet takes whole is asked to come by TCP.
        let said =
            scene.dig(&[&server, "+bufsize=4096", "+tries=3", "+time=1", "s3950.test", "TXT"]);
        assert!(scene.has(&said, 3950), "{said}");
    }
    scene.end();
}

/// Atomic fragments, the sizes of pieces that the MTU limits, the router's advertisement.
#[test]
fn other_cuts_arrive_too() {
    if !privileged("other_cuts_arrive_too") {
        return;
    }
    let mut scene = Scene::new();
    let v6 = format!("@{V6}");
    for cut in ["atomic", "pieces=3", "mtu=1280", "8", "none"] {
        let gateway: &[&str] = if cut == "atomic" { &["--gateway", "2001:db8:1::1"] } else { &[] };
        // Nothing of the run before.
        let _ = std::fs::remove_file(scene.log());
        scene.serve(&[&["--fragment", cut][..], gateway].concat());
        let before = scene.client_count("Ip6ReasmReqds");
        let said = scene.dig(&[&v6, "+bufsize=4096", "s1100.test", "TXT"]);
        assert!(scene.has(&said, 1100), "{cut}: {said}");
        let reassembled = scene.client_count("Ip6ReasmReqds") - before;
        let (lines, _) = scene.end();
        let line = event(&lines, "outcome")[0];
        let frames = match cut {
            "pieces=3" => 3,
            "8" => (line["size"].as_u64().expect("a size") + 8).div_ceil(8),
            _ => 1,
        };
        let link = &event(&lines, "totals")[0]["link"];
        if cut == "none" {
            assert!(link.is_null(), "it needs none");
        } else {
            assert_eq!(link["sent"], frames, "{cut}");
        }
        assert_eq!(line["atomic"], cut == "atomic", "{line}");
        // Linux counts an atomic fragment too, though it waits for nothing.
        let expected = if frames > 1 || cut == "atomic" { frames } else { 0 };
        assert_eq!(reassembled, expected, "{cut}");
    }
}

#[test]
fn it_outlives_its_server() {
    if !privileged("it_outlives_its_server") {
        return;
    }
    let mut scene = Scene::new();
    scene.serve(&["--timeout", "100ms", "--retries", "1"]);
    let server = format!("@{V6}");
    assert!(scene.dig(&[&server, "s100.test", "TXT"]).contains("NOERROR"));
    scene.unbound = None;
    for _ in 0..3 {
        let said = scene.dig(&[&server, "s100.test", "TXT"]);
        assert!(said.contains("SERVFAIL"), "{said}");
        let said = scene.dig(&[&server, "+tcp", "s100.test", "TXT"]);
        assert!(said.contains("SERVFAIL"), "{said}");
    }
    scene.wait_for("server", |line| line["state"] == "silent");
    scene.start_unbound();
    let said = scene.dig(&[&server, "+bufsize=4096", "s1700.test", "TXT"]);
    assert!(scene.has(&said, 1700), "{said}");
    scene.wait_for("server", |line| line["state"] == "answers");
    let (lines, _) = scene.end();
    assert_eq!(event(&lines, "totals")[0]["servfail"], 6);
}

/// A server that cuts answers short is asked by TCP.
#[test]
fn truncated_answers_are_fetched_by_tcp() {
    if !privileged("truncated_answers_are_fetched_by_tcp") {
        return;
    }
    let mut scene = Scene::new();
    let path = scene.dir.path().join("unbound.conf");
    let config = std::fs::read_to_string(&path).expect("the file");
    std::fs::write(&path, config.replace("max-udp-size: 65535", "max-udp-size: 1232")).expect("it");
    scene.unbound = None;
    scene.start_unbound();
    scene.serve(&[]);
    for size in [1700, 3950] {
        let name = format!("s{size}.test");
        let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "+ignore", &name, "TXT"]);
        assert!(scene.has(&said, size), "{said}");
    }
    let (lines, _) = scene.end();
    let totals = event(&lines, "totals")[0];
    assert_eq!((&totals["server_tcp"], &totals["fragmented"]), (&2.into(), &2.into()));
}

/// Random bytes, pointers in circles, messages cut anywhere, half-open connections: it counts them
/// and goes on.
#[test]
fn malformed_queries_are_counted() {
    if !privileged("malformed_queries_are_counted") {
        return;
    }
    let mut scene = Scene::new();
    scene.serve(&[]);
    let at: SocketAddr = format!("[{V6}]:53").parse().expect("an address");
    let sent = scene.chain.within(CLIENT, || {
        let socket = UdpSocket::bind("[::]:0").expect("a socket");
        socket.connect(at).expect("a route");
        let good = [&[1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 4][..], b"test\0\0\x10\0\x01"];
        let good = good.concat();
        let mut sent = 0u64;
        for n in 0..2000u64 {
            let draw = |at: u64| random::bits(n, at);
            let mut bytes: Vec<u8> = match n % 4 {
                0 => (0..draw(0) % 600).map(|at| draw(at + 9) as u8).collect(),
                1 => good[..draw(0) as usize % good.len()].to_vec(),
                2 => [&good[..12], &[0xc0, 12, 0, 1, 0, 1]].concat(),
                _ => [&good[..], &[7; 9]].concat(),
            };
            if n % 4 == 0 && bytes.len() > 3 {
                // An answer would be dropped at once.
                bytes[2] &= 0x7f;
            }
            sent += u64::from(socket.send(&bytes).is_ok());
            if n % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // Connections that say nothing, or half of something, and stay or go.
        let connect = || TcpStream::connect(at).expect("a connection");
        let mut held: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
        for (n, stream) in held.iter_mut().enumerate() {
            let _ = stream.write_all(&[0, 200, 1, 2][..n % 5]);
        }
        held.truncate(10);
        let mut stream = connect();
        stream.write_all(&[0, 3, 1, 2, 3]).expect("it takes it");
        let mut rest = Vec::new();
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let closed = stream.read_to_end(&mut rest).is_ok_and(|len| len == 0);
        (sent, closed)
    });
    assert!(sent.1, "what is no DNS is closed");
    let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "s1700.test", "TXT"]);
    assert!(scene.has(&said, 1700), "{said}");
    let (lines, said) = scene.end();
    let totals = event(&lines, "totals")[0];
    let count = |name: &str| totals[name].as_u64().expect("a count");
    assert_eq!(count("udp_queries"), sent.0 + 1, "{said}");
    let known = ["dropped", "formerr", "notimp", "refused"].map(count).iter().sum::<u64>();
    // Of the random ones a few may be queries by chance; one of the TCP messages is dropped.
    assert!(known >= sent.0 - 20 && known <= sent.0 + 1, "{known} of {sent:?}: {totals:#}");
    assert_eq!(count("connections"), 21);
}

#[test]
fn a_client_gets_no_more_than_its_rate() {
    if !privileged("a_client_gets_no_more_than_its_rate") {
        return;
    }
    let mut scene = Scene::new();
    scene.serve(&["--rate-limit", "5"]);
    let at: SocketAddr = format!("[{V6}]:53").parse().expect("an address");
    scene.chain.within(CLIENT, || {
        let socket = UdpSocket::bind("[::]:0").expect("a socket");
        socket.connect(at).expect("a route");
        for n in 0..100u8 {
            let query =
                [&[n, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4][..], b"s100\x04test\0\0\x10\0\x01"];
            socket.send(&query.concat()).expect("it is sent");
        }
    });
    // By TCP it is known to be there.
    let said = scene.dig(&[&format!("@{V6}"), "+tcp", "s100.test", "TXT"]);
    assert!(said.contains("NOERROR"), "{said}");
    let (lines, _) = scene.end();
    let totals = event(&lines, "totals")[0];
    let count = |name: &str| totals[name].as_u64().expect("a count");
    let limited = count("limited") + count("limited_truncated");
    // A burst of 10, and 5 for each second that it took.
    assert_eq!(limited + count("fragmented") + count("repeated"), 100, "{totals:#}");
    assert!((30..=90).contains(&limited), "{totals:#}");
    assert!(count("limited").abs_diff(count("limited_truncated")) <= 1);
}

/// A query for a name of its own.
fn query(id: u16) -> Vec<u8> {
    let mut bytes = vec![(id >> 8) as u8, id as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let label = format!("q{id}");
    bytes.push(label.len() as u8);
    bytes.extend(label.as_bytes());
    bytes.extend(b"\x04test\0\0\x10\0\x01");
    bytes
}

/// A socket in a namespace that has room for what these tests send.
fn roomy(chain: &Chain, at: usize, address: &str) -> UdpSocket {
    chain.within(at, || {
        let socket = UdpSocket::bind(address).expect("a socket");
        let buffer = 32u32 << 20;
        let option = libc::SO_RCVBUFFORCE;
        wirestorm::sys::raw_socket::set_option(socket.as_fd(), libc::SOL_SOCKET, option, buffer)
            .expect("a buffer");
        socket
    })
}

/// Sends queries, and learns of each what its answer's code is. Those that are not answered are sent
/// again after a while, as resolvers do; those that are never answered have no code.
fn ask_all(socket: &UdpSocket, ids: std::ops::Range<u16>) -> Vec<Option<u8>> {
    let mut codes = vec![None; ids.len()];
    let mut answer = [0; 2048];
    let until = Instant::now() + PATIENCE * 2;
    socket.set_read_timeout(Some(Duration::from_secs(6))).expect("a time-out");
    while codes.iter().any(Option::is_none) && Instant::now() < until {
        for id in ids.clone().filter(|id| codes[usize::from(id - ids.start)].is_none()) {
            socket.send(&query(id)).expect("it is sent");
            if id % 16 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        while codes.iter().any(Option::is_none) {
            let Ok(len) = socket.recv(&mut answer) else { break };
            let id = u16::from_be_bytes([answer[0], answer[1]]);
            let asked = query(id);
            assert_eq!(answer[12..len.min(asked.len())], asked[12..], "the question of {id}");
            codes[usize::from(id - ids.start)] = Some(answer[3] & 15);
        }
    }
    codes
}

/// A server that says nothing before it has been asked everything: all queries wait at once, and each
/// client's answer is its own.
#[test]
fn thousands_of_queries_wait_at_once() {
    const COUNT: u16 = 8000;
    if !privileged("thousands_of_queries_wait_at_once") {
        return;
    }
    let mut scene = Scene::new();
    let server = roomy(&scene.chain, SERVER, "127.0.0.1:5454");
    server.set_read_timeout(Some(PATIENCE * 2)).expect("a time-out");
    let served = std::thread::spawn(move || {
        let mut waiting = std::collections::BTreeMap::new();
        let mut query = [0; 600];
        while waiting.len() < usize::from(COUNT) {
            let Ok((len, from)) = server.recv_from(&mut query) else { break };
            waiting.insert(query[12..len].to_vec(), (query[..len].to_vec(), from));
        }
        let count = waiting.len();
        // The last question first.
        for (n, (mut answer, from)) in waiting.into_values().rev().enumerate() {
            answer[2] |= 0x80;
            let _ = server.send_to(&answer, from);
            if n % 16 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        count
    });
    scene.serve_before(&["--backend", "127.0.0.1:5454"], &["--timeout", "60s"]);
    let client = roomy(&scene.chain, CLIENT, "[::]:0");
    let at: SocketAddr = format!("[{V6}]:53").parse().expect("an address");
    scene.chain.within(CLIENT, || client.connect(at).expect("a route"));
    let codes = ask_all(&client, 0..COUNT);
    assert_eq!(served.join().expect("no panic"), usize::from(COUNT));
    let answered = codes.iter().filter(|code| **code == Some(0)).count();
    let memory = scene.memory();
    let (lines, said) = scene.end();
    let totals = event(&lines, "totals")[0];
    assert_eq!(answered, usize::from(COUNT), "{said}{totals:#}");
    assert_eq!((&totals["server_queries"], &totals["server_retries"]), (&COUNT.into(), &0.into()));
    assert_eq!((&totals["overload"], &totals["servfail"]), (&0.into(), &0.into()));
    println!("{COUNT} queries in flight: {} KiB at most", memory >> 10);
    assert!(memory < 64 << 20, "{memory} bytes");
}

/// More queries than may wait, before a server that is silent: those above the limit fail at once, the
/// others when their time is over; and it goes on.
#[test]
fn queries_beyond_the_limit_fail_at_once() {
    if !privileged("queries_beyond_the_limit_fail_at_once") {
        return;
    }
    let mut scene = Scene::new();
    // It takes everything and answers nothing.
    let _silent = roomy(&scene.chain, SERVER, "127.0.0.1:5454");
    let limits = ["--max-in-flight", "100", "--timeout", "3s", "--retries", "0"];
    scene.serve_before(&["--backend", "127.0.0.1:5454"], &limits);
    let client = roomy(&scene.chain, CLIENT, "0.0.0.0:0");
    let at: SocketAddr = format!("{V4}:53").parse().expect("an address");
    scene.chain.within(CLIENT, || client.connect(at).expect("a route"));
    let codes = ask_all(&client, 0..150);
    assert_eq!(codes, vec![Some(2); 150], "SERVFAIL");
    let (lines, said) = scene.end();
    let totals = event(&lines, "totals")[0];
    assert_eq!((&totals["overload"], &totals["servfail"]), (&50.into(), &150.into()), "{said}");
}

/// More queries than there is room for while the front end is not scheduled: what the kernel drops is
/// counted.
#[test]
fn queries_that_the_kernel_drops_are_counted() {
    const SENT: u64 = 30_000;
    if !privileged("queries_that_the_kernel_drops_are_counted") {
        return;
    }
    let mut scene = Scene::new();
    let _silent = roomy(&scene.chain, SERVER, "127.0.0.1:5454");
    let limits = ["--max-in-flight", "1", "--timeout", "1s", "--retries", "0"];
    scene.serve_before(&["--backend", "127.0.0.1:5454"], &limits);
    let client = roomy(&scene.chain, CLIENT, "0.0.0.0:0");
    let at: SocketAddr = format!("{V4}:53").parse().expect("an address");
    scene.chain.within(CLIENT, || client.connect(at).expect("a route"));
    let front = scene.front.as_ref().expect("it runs");
    front.signal("STOP");
    for id in 0..SENT {
        client.send(&query(id as u16)).expect("it is sent");
        if id % 256 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    front.signal("CONT");
    let taken = |scene: &Scene| {
        let text = scene.chain.sh(SERVER, "cat /proc/net/snmp");
        let values = text.lines().filter(|line| line.starts_with("Udp:")).nth(1).expect("a line");
        let value = |n: usize| values.split_whitespace().nth(n).expect("it is there");
        [value(1), value(5)].map(|value| value.parse::<u64>().expect("a number"))
    };
    let until = Instant::now() + PATIENCE;
    while taken(&scene).iter().sum::<u64>() < SENT && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let [_, no_room] = taken(&scene);
    let (lines, said) = scene.end();
    let totals = event(&lines, "totals")[0];
    assert!(no_room > 0, "all of {SENT} found room");
    assert_eq!(totals["missed"], no_room, "{said}");
    assert_eq!(totals["udp_queries"], SENT - no_room, "{said}");
    assert!(said.contains(&format!("the kernel dropped {no_room} messages")), "{said}");
}

/// Hundreds of TCP connections from one client: those above the limit are closed, and others are
/// served.
#[test]
fn connections_are_bounded() {
    if !privileged("connections_are_bounded") {
        return;
    }
    let mut scene = Scene::new();
    scene.serve(&["--max-connections", "20"]);
    let at: SocketAddr = format!("[{V6}]:53").parse().expect("an address");
    let held: Vec<TcpStream> = scene.chain.within(CLIENT, || {
        let connect = || TcpStream::connect(at).expect("the kernel takes it");
        (0..300).map(|_| connect()).collect()
    });
    let closed = || {
        let is_closed = |mut stream: &TcpStream| {
            stream.set_nonblocking(true).expect("it has a mode");
            let read = stream.read(&mut [0]);
            !read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        };
        held.iter().filter(|stream| is_closed(stream)).count()
    };
    let until = Instant::now() + PATIENCE;
    while closed() < 280 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(closed(), 280);
    drop(held);
    let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "s1700.test", "TXT"]);
    assert!(scene.has(&said, 1700), "{said}");
    // Clients that went away made room.
    let said = scene.dig(&[&format!("@{V6}"), "+tcp", "s100.test", "TXT"]);
    assert!(scene.has(&said, 100), "{said}");
    let (lines, _) = scene.end();
    let totals = event(&lines, "totals")[0];
    assert_eq!(
        (&totals["connections"], &totals["connections_refused"]),
        (&301.into(), &280.into())
    );
}

/// Answers router solicitations in the router's namespace until it is dropped: the link-layer option
/// comes behind another.
fn advertise(scene: &Scene) -> (std::sync::Arc<std::sync::atomic::AtomicBool>, impl Drop + use<>) {
    use socket2::{Domain, Protocol, SockAddr, Socket, Type};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    struct Advertiser(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);
    impl Drop for Advertiser {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
            let _ = self.1.take().map(std::thread::JoinHandle::join);
        }
    }
    let link = scene.chain.sh(ROUTER, "ip -o link show right");
    let index: u32 = link.split(':').next().expect("an index").trim().parse().expect("a number");
    let mac = link.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
    let mac = mac.expect("a MAC").split(':').map(|byte| u8::from_str_radix(byte, 16).expect("hex"));
    let mut advertisement = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    advertisement.extend([5, 1, 0, 0, 0, 0, 0x05, 0xdc]);
    advertisement.extend([1, 1]);
    advertisement.extend(mac);
    let socket = scene.chain.within(ROUTER, || {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).expect("raw");
        socket.set_multicast_if_v6(index).expect("the interface");
        socket.set_multicast_hops_v6(255).expect("hops");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time-out");
        socket
    });
    let all = std::net::SocketAddrV6::new("ff02::1".parse().expect("one"), 0, 0, index);
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (stopped, was_asked) = (stop.clone(), asked.clone());
    let thread = std::thread::spawn(move || {
        let mut message = [0; 256];
        while !stopped.load(Relaxed) {
            if (&socket).read(&mut message).is_ok_and(|len| len > 0) && message[0] == 133 {
                was_asked.store(true, Relaxed);
                let _ = socket.send_to(&advertisement, &SockAddr::from(all));
            }
        }
    });
    (asked, Advertiser(stop, Some(thread)))
}

/// The router that advertises itself is the gateway, though this host has no route to the client.
#[test]
fn the_gateway_is_the_router_that_advertises_itself() {
    if !privileged("the_gateway_is_the_router_that_advertises_itself") {
        return;
    }
    let mut scene = Scene::new();
    scene.chain.sh(SERVER, "ip -6 route del 2001:db8::/64");
    let (asked, _advertiser) = advertise(&scene);
    scene.serve(&["--gateway", "ra"]);
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed), "it solicits");
    let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "s1700.test", "TXT"]);
    assert!(scene.has(&said, 1700), "{said}");
    scene.end();
}

/// The link goes down while an answer is on its way, clients are gone: it says so, and goes on when
/// the link is back.
#[test]
fn it_outlives_its_link() {
    if !privileged("it_outlives_its_link") {
        return;
    }
    let mut scene = Scene::new();
    // A server that takes its time.
    let slow = scene.chain.within(SERVER, || UdpSocket::bind("127.0.0.1:5454").expect("a socket"));
    std::thread::spawn(move || {
        let mut query = [0; 600];
        while let Ok((len, from)) = slow.recv_from(&mut query) {
            std::thread::sleep(Duration::from_millis(500));
            query[2] |= 0x80;
            let _ = slow.send_to(&query[..len], from);
        }
    });
    scene.serve_before(&["--backend", "127.0.0.1:5454"], &["--timeout", "5s"]);
    let ask = |scene: &Scene, time: &str| {
        scene.dig(&[&format!("@{V4}"), &format!("+time={time}"), "s100.test", "TXT"])
    };
    assert!(ask(&scene, "8").contains("NOERROR"));
    std::thread::scope(|threads| {
        let asking = threads.spawn(|| ask(&scene, "2"));
        std::thread::sleep(Duration::from_millis(200));
        scene.chain.sh(SERVER, "ip link set left down");
        let said = asking.join().expect("no panic");
        assert!(!said.contains("NOERROR"), "{said}");
    });
    let line = scene.wait_for("link", |line| line["state"] == "fails");
    assert_eq!(line["error"], "cannot send on left: Network is down", "{line}");
    scene.chain.sh(SERVER, "ip link set left up; ip route replace 198.18.0.0/24 via 198.18.1.1");
    assert!(ask(&scene, "8").contains("NOERROR"));
    scene.wait_for("link", |line| line["state"] == "sends");
    let (lines, _) = scene.end();
    let line = event(&lines, "outcome").into_iter().find(|line| line["not_sent"] == 1);
    // That it asked again after an answer that never left says nothing of its fragments.
    assert_eq!(line.expect("the outcome")["outcome"], "unknown");
}

#[test]
fn what_is_wrong_is_said_before_it_serves() {
    if !privileged("what_is_wrong_is_said_before_it_serves") {
        return;
    }
    let mut scene = Scene::new();
    let said = |command: &mut Command| {
        let output = scene.chain.run(SERVER, command);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let serve = |more: &[&str]| {
        let mut command = wirestorm();
        command.args(["serve", "dns", "--backend", "127.0.0.1:5353"]).args(more);
        said(&mut command)
    };
    assert!(serve(&["-I", "nosuch0"]).contains("nosuch0"));
    let error = serve(&["-I", "left", "--listen", "192.0.2.77"]);
    assert!(error.contains("it is no address of this host"), "{error}");
    let error = serve(&["-I", "left", "--gateway", "ra"]);
    assert!(error.contains("give its MAC: --gateway"), "{error}");
    let error = serve(&["-I", "left", "--log", "/nowhere/log"]);
    assert!(error.contains("/nowhere/log"), "{error}");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.args(["--bounding-set=-all", env!("CARGO_BIN_EXE_wirestorm")]);
    command.args(["serve", "dns", "-I", "left", "--backend", "127.0.0.1:5353"]);
    let error = said(&mut command);
    assert!(error.contains("CAP_NET_RAW"), "{error}");
    scene.serve(&[]);
    let mut command = wirestorm();
    command.args(["serve", "dns", "-I", "left", "--backend", "127.0.0.1:5353"]);
    let output = scene.chain.run(SERVER, &mut command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("another server has it"), "{error}");
}

/// It tells the service manager when it is ready, and its totals by pipe when nobody reads a file.
#[test]
fn it_is_a_service() {
    if !privileged("it_is_a_service") {
        return;
    }
    let scene = Scene::new();
    let path = scene.dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    // The unit of docs/serve.md gives it no more.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(scene.dir.path(), everybody).expect("a mode");
    std::os::unix::fs::chown(&path, Some(65_534), None).expect("given away");
    let mut command = wirestorm_with(&["net_raw", "net_bind_service"]);
    command.args(["serve", "dns", "-I", "left", "--backend", "127.0.0.1:5353"]);
    command.env("NOTIFY_SOCKET", &path).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut front = Process(scene.chain.spawn(SERVER, &mut command));
    let mut word = [0; 64];
    let len = socket.recv(&mut word).expect("it is ready");
    assert_eq!(&word[..len], b"READY=1");
    let said = scene.dig(&[&format!("@{V6}"), "+bufsize=4096", "s1700.test", "TXT"]);
    assert!(scene.has(&said, 1700), "{said}");
    front.signal("INT");
    let len = socket.recv(&mut word).expect("it ends");
    assert_eq!(&word[..len], b"STOPPING=1");
    let out = std::io::BufReader::new(front.0.stdout.take().expect("a pipe"));
    let events: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON"))
        .map(|line: Value| line["event"].clone())
        .collect();
    assert_eq!(events, ["start", "outcome", "client", "totals"]);
    assert_eq!(front.0.wait().expect("it ends").code(), Some(0));
}
