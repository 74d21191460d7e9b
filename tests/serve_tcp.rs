//! `wirestorm serve tcp` before nginx: what clients get, what the log says, and what is left.

mod chain;
mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use chain::Chain;
use common::{privileged, wirestorm, wirestorm_with};
use serde_json::Value;
use tempfile::TempDir;
use wirestorm::frontend::serve::tcp::compose::{Ends, reset};
use wirestorm::sys::datagrams::PacketSender;

/// Places in the chain: client – router – front end – server.
const CLIENT: usize = 0;
const ROUTER: usize = 1;
const FRONT: usize = 2;
const SERVER: usize = 3;

const FRONT_V4: &str = "198.18.1.2";
const FRONT_V6: &str = "2001:db8:1::2";

/// The longest that anything here may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Both ports, the server's IPv6 behind HTTP and its IPv4 behind HTTPS.
const BOTH: [&str; 4] = ["--listen", "80=[2001:db8:2::2]:80", "--listen", "443=198.18.2.2:443"];

/// A page that says what it got, for a browser.
const PAGE: &str = "<!doctype html><title>page</title><p id=said>nothing</p><script>
fetch('/100k').then(answer => answer.arrayBuffer()).then(bytes => {
  document.getElementById('said').textContent = 'got ' + bytes.byteLength + ' bytes';
});
</script>";

struct Lab {
    chain: Chain,
    dir: TempDir,
    nginx: Option<Child>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop_server();
    }
}

impl Lab {
    fn new() -> Self {
        let lab = Self {
            chain: Chain::new(2),
            dir: tempfile::tempdir().expect("a directory"),
            nginx: None,
        };
        // All clients are one to the server; what it remembers of a slow one would slow the next.
        lab.chain.sh(SERVER, "sysctl -qw net.ipv4.tcp_no_metrics_save=1");
        lab.chain.sh(FRONT, "sysctl -qw net.ipv4.tcp_no_metrics_save=1");
        let www = lab.path("www");
        fs::create_dir(&www).expect("made");
        for (name, len) in [("1k", 1_000usize), ("100k", 100_000), ("10m", 10_000_000)] {
            let bytes: Vec<u8> = (0..len).map(|n| (n * n / 7 + n) as u8).collect();
            fs::write(www.join(name), bytes).expect("written");
        }
        fs::write(www.join("index.html"), PAGE).expect("written");
        let (cert, key) = (lab.path("cert.pem"), lab.path("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args(["-days", "2", "-subj", "/CN=server", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .output()
            .expect("openssl starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let dir = lab.dir.path().display();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log {dir}/error.log;\n\
             events {{ worker_connections 11000; }}\nworker_rlimit_nofile 12000;\n\
             http {{\n access_log off;\n keepalive_requests 100000;\n default_type text/plain;\n \
             types {{ text/html html; }}\n client_body_temp_path {dir}/t1;\n proxy_temp_path {dir}/t2;\n \
             fastcgi_temp_path {dir}/t3;\n uwsgi_temp_path {dir}/t4;\n scgi_temp_path {dir}/t5;\n \
             server {{\n  listen 80 backlog=4096;\n  listen [::]:80 backlog=4096;\n  listen 443 ssl;\n  \
             listen [::]:443 ssl;\n  root {dir}/www;\n  ssl_certificate {dir}/cert.pem;\n  \
             ssl_certificate_key {dir}/key.pem;\n }}\n}}\n"
        );
        fs::write(lab.path("nginx.conf"), config).expect("written");
        lab
    }

    /// A lab with its server, or none where this test may not run.
    fn with_server(test: &str) -> Option<Self> {
        if !privileged(test) {
            return None;
        }
        let mut lab = Self::new();
        lab.start_server(SERVER);
        Some(lab)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start_server(&mut self, at: usize) {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(self.dir.path()).arg("-c").arg(self.path("nginx.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.nginx = Some(self.chain.spawn(at, &mut command));
        let until = Instant::now() + PATIENCE;
        while !self.chain.within(at, || std::net::TcpStream::connect("127.0.0.1:443").is_ok()) {
            let log = fs::read_to_string(self.path("error.log")).unwrap_or_default();
            assert!(Instant::now() < until, "nginx does not listen: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop_server(&mut self) {
        if let Some(mut nginx) = self.nginx.take() {
            let _ = nginx.kill();
            let _ = nginx.wait();
        }
    }

    /// Starts the front end and waits until it serves.
    fn serve(&self, more: &[&str]) -> Front {
        self.serve_by(wirestorm(), more)
    }

    fn serve_by(&self, mut command: Command, more: &[&str]) -> Front {
        command.args(["serve", "tcp", "-I", "left", "--log"]).arg(self.path("log")).args(more);
        command.stderr(Stdio::piped());
        let mut child = self.chain.spawn(FRONT, &mut command);
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        while !said.contains(" is served by ") {
            let read = stderr.read_line(&mut said).expect("it speaks");
            assert_ne!(read, 0, "it ended: {said}");
        }
        let reader = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = std::io::Read::read_to_string(&mut stderr, &mut rest);
            rest
        });
        Front { child, reader: Some(reader) }
    }

    /// Both ports, the server's IPv6 behind HTTP and its IPv4 behind HTTPS.
    fn serve_both(&self, more: &[&str]) -> Front {
        self.serve(&[&BOTH[..], more].concat())
    }

    /// Fetches a page as a client does, and compares it with the server's.
    fn fetch(&self, url: &str) {
        let name = url.rsplit('/').next().expect("a name");
        let got = self.path("got");
        let mut curl = Command::new("curl");
        curl.args(["-skS", "-g", "--max-time", "120", "-o"]).arg(&got).arg(url);
        let output = self.chain.run(CLIENT, &mut curl);
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        let same =
            fs::read(&got).expect("the page") == fs::read(self.path("www").join(name)).unwrap();
        assert!(same, "{url} is another page");
    }

    fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("log")).expect("the log");
        let schema = include_str!("../docs/serve-tcp.schema.json");
        let schema = serde_json::from_str(schema).expect("the schema is JSON");
        let schema = jsonschema::validator_for(&schema).expect("the schema is one");
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).expect("a line is JSON");
            assert!(schema.is_valid(&value), "not as the schema has it: {value:#}");
            value
        };
        text.lines().map(line).collect()
    }

    /// The outcomes of connections, in the order in which they ended.
    fn outcomes(&self) -> Vec<String> {
        let flows = self.log().into_iter().filter(|line| line["event"] == "flow");
        flows.map(|line| line["outcome"].as_str().expect("an outcome").to_owned()).collect()
    }

    /// Rules and offloads of the front end's namespace.
    fn state(&self) -> (String, String) {
        let rules = self.chain.sh(FRONT, "nft list ruleset");
        (rules, self.chain.sh(FRONT, "ethtool -k left"))
    }
}

struct Front {
    child: Child,
    reader: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Front {
    fn drop(&mut self) {
        // It has ended where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Front {
    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill starts").success());
    }

    /// Ends it, well; what it said.
    fn end(mut self) -> String {
        self.signal("INT");
        let status = self.child.wait().expect("it ends");
        let said = self.reader.take().expect("once").join().expect("a reader");
        assert!(status.success(), "{status}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// Bytes of memory that it has.
    fn memory(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("there");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
        kib * 1024
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tshark(capture: &Path, filter: &str) -> Vec<String> {
    let output = Command::new("tshark")
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r"])
        .arg(capture)
        .args(["-Y", filter, "-T", "fields", "-e", "frame.number", "-e", "frame.len"])
        .output()
        .expect("tshark starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Captures at the client while `work` runs.
fn captured(lab: &Lab, work: impl FnOnce()) -> PathBuf {
    let file = lab.path("capture.pcap");
    let mut dump = Command::new("tcpdump");
    dump.args([
        "-i",
        "right",
        "-U",
        "--immediate-mode",
        "-s",
        "0",
        "-B",
        "16384",
        "-Z",
        "root",
        "-w",
    ])
    .arg(&file);
    dump.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut dump = lab.chain.spawn(CLIENT, &mut dump);
    let mut stderr = BufReader::new(dump.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("listening on") {
        assert_ne!(stderr.read_line(&mut said).expect("it speaks"), 0, "{said}");
    }
    work();
    std::thread::sleep(Duration::from_millis(300));
    let kill = Command::new("kill").args(["-s", "INT", &dump.id().to_string()]).status();
    assert!(kill.expect("kill starts").success());
    dump.wait().expect("it ends");
    file
}

#[test]
fn pages_arrive_in_fragments_byte_for_byte() {
    let Some(lab) = Lab::with_server("pages_arrive_in_fragments_byte_for_byte") else { return };
    lab.chain.sh(FRONT, "ethtool -K left gro on tso on gso on");
    let before = lab.state();
    assert!(before.0.is_empty() && before.1.contains("generic-receive-offload: on"), "{before:?}");
    let front = lab.serve_both(&[]);
    let during = lab.state();
    assert!(during.0.contains("wirestorm-tcp-"), "{}", during.0);
    assert!(during.1.contains("generic-receive-offload: off"), "{}", during.1);
    let capture = captured(&lab, || {
        lab.fetch(&format!("https://[{FRONT_V6}]/100k"));
        lab.fetch(&format!("http://{FRONT_V4}/100k"));
    });
    for scheme in ["http", "https"] {
        lab.fetch(&format!("{scheme}://{FRONT_V4}/1k"));
        lab.fetch(&format!("{scheme}://[{FRONT_V6}]/1k"));
    }
    lab.fetch(&format!("http://[{FRONT_V6}]/10m"));
    lab.fetch(&format!("https://{FRONT_V4}/10m"));
    let said = front.end();
    assert!(said.contains("8 connections"), "{said}");
    assert_eq!(lab.outcomes(), vec!["fragments arrive"; 8]);
    assert_eq!(lab.state(), before);

    // What tshark, which we did not write, has to say of it.
    for (source, fragment, last, reassembled, before_data) in [
        (
            format!("ipv6.src == {FRONT_V6}"),
            "ipv6.fraghdr.more == 1",
            "ipv6.fraghdr.offset > 0",
            "ipv6.reassembled.length > 0",
            14 + 40 + 8,
        ),
        (
            format!("ip.src == {FRONT_V4}"),
            "ip.flags.mf == 1",
            "ip.frag_offset > 0",
            "ip.reassembled.length > 0",
            14 + 20,
        ),
    ] {
        let count = |filter: &str| tshark(&capture, &format!("{source} && ({filter})")).len();
        assert_eq!(count("tcp.checksum.status == 0 || ip.checksum.status == 0"), 0);
        assert_eq!(count("_ws.malformed"), 0);
        let firsts = count(fragment);
        // The server sends 1,440 bytes a segment at most; what is left behind the first 1,200 of one
        // may be too short to be cut.
        assert!(firsts >= 100_000 / 1440, "{firsts}");
        // The capture may end between the two fragments of a datagram that was sent again.
        let lasts = count(last);
        assert!(lasts == firsts || lasts + 1 == firsts, "two fragments each: {firsts}, {lasts}");
        assert_eq!(count(reassembled), lasts, "and every one is put together");
        // TCP's header and data: a multiple of 8.
        let legal = before_data % 8;
        assert_eq!(count(&format!("{fragment} && frame.len % 8 != {legal}")), 0);
    }
}

#[test]
fn a_browser_shows_a_page() {
    let Some(lab) = Lab::with_server("a_browser_shows_a_page") else { return };
    let front = lab.serve_both(&[]);
    let mut chromium = Command::new("chromium");
    chromium
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"])
        .args(["--disable-dev-shm-usage", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", lab.path("browser").display()))
        .arg(format!("https://[{FRONT_V6}]/"))
        .env("HOME", lab.dir.path())
        .stdin(Stdio::null());
    let output: Output = lab.chain.run(CLIENT, &mut chromium);
    let page = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(page.contains("got 100000 bytes"), "{page}\n{said}");
    front.end();
    let outcomes = lab.outcomes();
    assert!(outcomes.iter().any(|outcome| outcome == "fragments arrive"), "{outcomes:?}");
    assert!(!outcomes.iter().any(|outcome| outcome.contains("lost")), "{outcomes:?}");
}

#[test]
fn a_thousand_connections_at_once() {
    let Some(lab) = Lab::with_server("a_thousand_connections_at_once") else { return };
    // On a machine that others use too, it may have to be done again.
    let totals = (0..3).find_map(|turn| {
        let _ = fs::remove_file(lab.path("log"));
        let front = lab.serve_both(&[]);
        let mut wrk = Command::new("wrk");
        wrk.args(["-t", "1", "-c", "1000", "-d", "3s", "--timeout", "20s"]);
        wrk.arg(format!("http://[{FRONT_V6}]/1k"));
        let output = lab.chain.run(CLIENT, &mut wrk);
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(said.contains("requests in"), "{said}");
        assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
        front.end();
        let totals = lab.log().pop().expect("a line");
        assert_eq!(totals["event"], "totals");
        assert!(totals["open_most"].as_u64() >= Some(1000), "{totals}");
        // However slow it was, it must not say that anything was lost.
        let outcomes = totals["outcomes"].as_object().expect("outcomes");
        let wrong = |outcome: &String| outcome.contains("lost") || outcome.contains("neither");
        assert!(!outcomes.keys().any(wrong), "{totals}");
        let kept_up = totals["lag_most_s"].as_f64() <= Some(0.1);
        (kept_up || turn == 2).then_some(totals)
    });
    let totals = totals.expect("the last turn");
    let arrived = totals["outcomes"]["fragments arrive"].as_u64();
    let least = if totals["lag_most_s"].as_f64() <= Some(0.1) { 1000 } else { 1 };
    assert!(arrived >= Some(least), "{totals}");
}

/// Ten thousand clients' connections, each of which has fetched a page: all are there at once, in
/// bounded memory, and of each it is known that fragments arrive.
#[test]
fn ten_thousand_connections_at_once() {
    const COUNT: usize = 10_000;
    let Some(lab) = Lab::with_server("ten_thousand_connections_at_once") else { return };
    // This process is all the clients.
    let own = format!("--pid={}", std::process::id());
    let raised = Command::new("prlimit").args([&own, "--nofile=12000:"]).status();
    assert!(raised.expect("prlimit starts").success(), "it may have 12,000 files (ulimit -Hn)");
    let front = lab.serve_both(&[]);
    let before = front.memory();
    let at: SocketAddr = format!("[{FRONT_V6}]:80").parse().expect("an address");
    let held = lab.chain.within(CLIENT, || {
        let mut held = Vec::with_capacity(COUNT);
        while held.len() < COUNT {
            // Some at a time, so that nobody waits for each alone.
            let mut some: Vec<TcpStream> =
                (0..50).map(|_| TcpStream::connect(at).expect("a connection")).collect();
            for stream in &mut some {
                stream.write_all(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n").expect("it asks");
                stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            }
            for stream in &mut some {
                let mut answer = Vec::new();
                let mut chunk = [0; 2048];
                while answer.len() < 1_000 + header_len(&answer) {
                    let len = stream.read(&mut chunk).expect("an answer");
                    assert_ne!(len, 0, "it is not closed");
                    answer.extend_from_slice(&chunk[..len]);
                }
                assert!(answer.starts_with(b"HTTP/1.1 200"));
            }
            held.extend(some);
        }
        held
    });
    let grown = front.memory().saturating_sub(before);
    println!("{COUNT} connections: {} KiB more", grown >> 10);
    assert!(grown < 64 << 20, "{grown} bytes more");
    drop(held);
    front.end();
    let log = lab.log();
    let totals = log.last().expect("a line");
    assert_eq!((&totals["opened"], &totals["open_most"]), (&COUNT.into(), &COUNT.into()));
    let outcomes = totals["outcomes"].as_object().expect("outcomes");
    let count = |name: &str| outcomes.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
    // A host that is too slow may not know of some, and says so.
    let slow = totals["lag_most_s"].as_f64() > Some(0.1);
    let unknown = if slow { count("not known") } else { 0 };
    assert_eq!(count("fragments arrive") + unknown, COUNT, "{totals:#}");
    assert_eq!(log.iter().filter(|line| line["event"] == "flow").count(), COUNT);
}

/// Bytes of an HTTP answer before its body.
fn header_len(answer: &[u8]) -> usize {
    answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(usize::MAX / 2, |at| at + 4)
}

#[test]
fn a_router_that_drops_fragments_is_found_out_and_the_page_arrives() {
    let name = "a_router_that_drops_fragments_is_found_out_and_the_page_arrives";
    let Some(lab) = Lab::with_server(name) else { return };
    lab.chain.nft(
        ROUTER,
        "table inet drops { chain c { type filter hook prerouting priority -450;\n\
         exthdr frag exists drop;\n ip frag-off & 0x3fff != 0 drop;\n}\n}\n",
    );
    let front = lab.serve_both(&[]);
    let hosts = [format!("http://[{FRONT_V6}]"), format!("https://{FRONT_V4}")];
    for host in &hosts {
        lab.fetch(&format!("{host}/100k"));
    }
    front.end();
    assert_eq!(lab.outcomes(), vec!["fragments lost, whole packets arrive"; 2]);
    for flow in lab.log().iter().filter(|line| line["event"] == "flow") {
        assert!(flow["proofs"].as_u64() >= Some(1), "{flow}");
        assert_eq!(flow["acknowledged_bytes"]["fragmented"], 0, "{flow}");
        assert!(flow["timestamps"] == true && flow["round_trip_s"].is_f64(), "{flow}");
    }
    // The control: nothing is fragmented, and nothing lost.
    fs::remove_file(lab.path("log")).expect("removed");
    let front = lab.serve_both(&["--whole-after", "0"]);
    lab.fetch(&format!("{}/100k", hosts[0]));
    front.end();
    assert_eq!(lab.outcomes(), ["nothing was fragmented"]);
}

#[test]
fn a_server_on_the_same_host_and_a_narrow_path() {
    if !privileged("a_server_on_the_same_host_and_a_narrow_path") {
        return;
    }
    let mut lab = Lab::new();
    lab.start_server(FRONT);
    // A path of 1280 bytes behind the router, for segments that are longer.
    lab.chain.sh(ROUTER, "ip link set left mtu 1280");
    let listen = ["--listen", "80=127.0.0.1:80", "--listen", "443=[::1]:443", "--segment", "1420"];
    let front = lab.serve(&[&listen[..], &["--fragment", "1400"]].concat());
    for page in ["1k", "100k"] {
        lab.fetch(&format!("http://[{FRONT_V6}]/{page}"));
        lab.fetch(&format!("https://[{FRONT_V6}]/{page}"));
    }
    front.end();
    let log = lab.log();
    let too_big = log.iter().filter(|line| line["path_mtu"] == 1280).count();
    assert!(too_big >= 2, "{log:?}");
    assert_eq!(lab.outcomes(), vec!["fragments arrive"; 4]);
}

/// Routers' errors about whole packets (ICMPv6 2/0, ICMP 3/4) reach the translator, not the server:
/// segments get shorter, and the page arrives.
#[test]
fn path_mtu_errors_are_heeded_in_both_families() {
    let name = "path_mtu_errors_are_heeded_in_both_families";
    let Some(lab) = Lab::with_server(name) else { return };
    lab.chain.sh(ROUTER, "ip link set left mtu 1280");
    let front = lab.serve_both(&["--segment", "1420", "--whole-after", "0"]);
    for host in [format!("http://[{FRONT_V6}]"), format!("https://{FRONT_V4}")] {
        lab.fetch(&format!("{host}/100k"));
    }
    front.end();
    let flows: Vec<Value> = lab.log().into_iter().filter(|line| line["event"] == "flow").collect();
    assert_eq!(flows.len(), 2, "{flows:#?}");
    for flow in &flows {
        assert_eq!(flow["path_mtu"], 1280, "{flow:#}");
        assert!(flow["too_big"].as_u64() >= Some(1), "{flow:#}");
        assert_eq!(flow["outcome"], "nothing was fragmented", "{flow:#}");
    }
}

/// What the documented unit gives it is enough, and suffices to put back what was changed.
#[test]
fn two_capabilities_are_enough() {
    let Some(lab) = Lab::with_server("two_capabilities_are_enough") else { return };
    lab.chain.sh(FRONT, "ethtool -K left gro on tso on gso on");
    let before = lab.state();
    fs::write(lab.path("log"), "").expect("written");
    std::os::unix::fs::chown(lab.path("log"), Some(65_534), Some(65_534)).expect("given away");
    std::os::unix::fs::chown(lab.dir.path(), Some(65_534), None).expect("given away");
    let front = lab.serve_by(wirestorm_with(&["net_raw", "net_admin"]), &BOTH);
    assert_ne!(lab.state(), before);
    lab.fetch(&format!("http://[{FRONT_V6}]/100k"));
    front.end();
    assert_eq!(lab.outcomes(), ["fragments arrive"]);
    assert_eq!(lab.state(), before);
}

#[test]
fn nothing_is_left_after_a_kill() {
    let Some(lab) = Lab::with_server("nothing_is_left_after_a_kill") else { return };
    lab.chain.sh(FRONT, "ethtool -K left gro on tso on gso on");
    let before = lab.state();
    for _ in 0..2 {
        let mut front = lab.serve_both(&[]);
        lab.fetch(&format!("http://[{FRONT_V6}]/1k"));
        assert_ne!(lab.state(), before);
        front.signal("KILL");
        assert!(!front.child.wait().expect("it ends").success());
        wait_until("all is as before", || lab.state() == before);
    }
}

/// SYNs from addresses that never answer, and packets that are none.
fn flood(lab: &Lab, count: u32) {
    lab.chain.within(ROUTER, || {
        let sender = PacketSender::open(true).expect("a raw socket");
        let front = SocketAddr::new(FRONT_V6.parse::<IpAddr>().expect("an address"), 80);
        for n in 0..count {
            let src = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, (n >> 16) as u16, 0, 0, 7, n as u16);
            let ends = Ends {
                src: SocketAddr::new(src.into(), 1024 + (n % 60_000) as u16),
                dst: front,
                hop_limit: 64,
                flow_label: 0,
            };
            let mut packet = Vec::new();
            reset(&mut packet, &ends, n, None);
            // A reset becomes a SYN: flags, and the checksum by the same difference.
            packet[40 + 13] = 2;
            let sum = u16::from_be_bytes([packet[56], packet[57]]);
            let sum = wirestorm::wire::checksum::update(sum, 4, 2);
            packet[56..58].copy_from_slice(&sum.to_be_bytes());
            match n % 4 {
                0 => packet[40 + 12] = (n as u8) << 4,
                1 => packet[40 + 13] = n as u8,
                _ => {}
            }
            sender.send([(&packet[..], front)], |_| {});
        }
    });
}

#[test]
fn floods_and_failures_are_survived() {
    let Some(mut lab) = Lab::with_server("floods_and_failures_are_survived") else { return };
    let more = ["--max-flows", "64", "--syn-rate", "100", "--handshake", "1s"];
    let mut front = lab.serve_both(&more);
    lab.fetch(&format!("http://[{FRONT_V6}]/1k"));
    let before = front.memory();
    lab.chain.sh(FRONT, "ip -6 route add 2001:db8:bad::/48 via 2001:db8:1::1");
    flood(&lab, 20_000);
    let grown = front.memory().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    assert!(front.is_running());
    lab.fetch(&format!("http://[{FRONT_V6}]/100k"));

    // A server that is gone refuses; a host that is gone is silent.
    lab.stop_server();
    let refused = |lab: &Lab, patience: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sg", "--max-time", patience, &format!("http://[{FRONT_V6}]/1k")]);
        lab.chain.run(CLIENT, &mut curl).status.code()
    };
    assert_eq!(refused(&lab, "20"), Some(7), "curl: could not connect");
    lab.chain.sh(SERVER, "ip link set left down");
    assert_eq!(refused(&lab, "2"), Some(28), "curl: time-out");
    lab.chain.sh(SERVER, "ip link set left up; ip -6 addr replace 2001:db8:2::2/64 dev left nodad");

    // An interface that goes down and comes back.
    lab.start_server(SERVER);
    lab.chain.sh(FRONT, "ip link set left down");
    std::thread::sleep(Duration::from_millis(300));
    lab.chain.sh(
        FRONT,
        "ip link set left up; ip -6 addr replace 2001:db8:1::2/64 dev left nodad; \
         ip -6 route replace 2001:db8::/64 via 2001:db8:1::1; \
         ip route replace 198.18.0.0/24 via 198.18.1.1",
    );
    wait_until("the page is served again", || {
        let mut curl = Command::new("curl");
        curl.args(["-sg", "--max-time", "3", "-o", "/dev/null"]);
        curl.arg(format!("http://[{FRONT_V6}]/1k"));
        lab.chain.run(CLIENT, &mut curl).status.success()
    });
    let said = front.end();
    assert!(said.contains("the server [2001:db8:2::2]:80 refuses: "), "{said}");
    assert!(said.contains("left") && said.contains("it is waited for"), "{said}");
    let log = lab.log();
    let totals = log.last().expect("a line");
    for (value, least) in [
        (&totals["syns_above_rate"], 1_000),
        (&totals["refused_from_clients"]["malformed"], 1_000),
        (&totals["ends"]["refused"], 1),
        (&totals["ends"]["evicted"], 10),
        (&totals["outcomes"]["no connection"], 100),
    ] {
        assert!(value.as_u64() >= Some(least), "{totals:#}");
    }
    assert!(log.len() < 2_000, "a flood does not fill the disk: {} lines", log.len());
}

/// Handshakes that are not finished, connections on which nobody says anything, and clients that went
/// away in the middle of a page: each has its end in the log, and the other side is told.
#[test]
fn half_open_idle_and_vanished_connections_expire() {
    let Some(lab) = Lab::with_server("half_open_idle_and_vanished_connections_expire") else {
        return;
    };
    // With so slow an answer a page is still on its way when its client is cut off.
    let times = ["--handshake", "1s", "--idle", "4s", "--vanished", "2s", "--gap", "50ms"];
    let front = lab.serve_both(&times);
    lab.chain.sh(FRONT, "ip -6 route add 2001:db8:bad::/48 via 2001:db8:1::1");
    // Two of these are lawful SYNs.
    flood(&lab, 4);
    let connect = |port: u16| {
        let at = SocketAddr::new(FRONT_V6.parse().expect("an address"), port);
        let stream = lab.chain.within(CLIENT, || TcpStream::connect(at)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream
    };
    let mut vanishing = connect(80);
    vanishing.write_all(b"GET /10m HTTP/1.1\r\nHost: x\r\n\r\n").expect("it asks");
    vanishing.read_exact(&mut [0; 1_000]).expect("it begins");
    lab.chain.nft(
        ROUTER,
        "table ip6 gone { chain c { type filter hook prerouting priority -450;\n\
         ip6 saddr 2001:db8::1 tcp dport 80 drop\n}\n}\n",
    );
    let mut idle = connect(443);
    let told = idle.read(&mut [0]).expect_err("it is reset");
    assert_eq!(told.kind(), std::io::ErrorKind::ConnectionReset, "{told}");
    wait_until("all three are over", || {
        let text = fs::read_to_string(lab.path("log")).expect("the log");
        let ended = |end: &str| text.matches(&format!("\"end\":\"{end}\"")).count();
        ended("no-handshake") >= 2 && ended("idle") >= 1 && ended("client-vanished") >= 1
    });
    front.end();
    let log = lab.log();
    let totals = log.last().expect("a line");
    assert_eq!(totals["open"], 0, "{totals:#}");
    let ends = |end: &str| totals["ends"][end].as_u64();
    assert_eq!((ends("no-handshake"), ends("idle")), (Some(2), Some(1)), "{totals:#}");
    assert_eq!((ends("client-vanished"), ends("shutdown")), (Some(1), None), "{totals:#}");
    let sockets = lab.chain.sh(SERVER, "cat /proc/net/tcp /proc/net/tcp6");
    // 01: ESTABLISHED. The server was told of each end.
    let open = sockets.lines().filter(|line| line.split_whitespace().nth(3) == Some("01"));
    assert_eq!(open.count(), 0, "{sockets}");
}

#[test]
fn an_interface_that_is_gone_ends_it_with_a_reason() {
    let name = "an_interface_that_is_gone_ends_it_with_a_reason";
    let Some(lab) = Lab::with_server(name) else { return };
    let mut front = lab.serve_both(&[]);
    lab.chain.sh(FRONT, "ip link del left");
    let status = front.child.wait().expect("it ends");
    let said = front.reader.take().expect("once").join().expect("a reader");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("cannot find the interface left: no such interface"), "{said}");
}
